//! Settings of a mid-training stage. Defaults are OctoThinker's where it has one.
//!
//! A field's comment is what the reference of all keys shows a user, so each stands alone.

use std::collections::BTreeMap;

use octo_model::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::spikes::SpikeRule;
use crate::checkpoint::Retention;
use crate::error::TrainError;
use crate::optimizer::adamw::AdamWConfig;
use crate::optimizer::learning_rate::{DecayShape, LearningRate, Schedule, Warmup, WarmupShape};
use crate::stage::defaults::{beta1, cpu, epsilon, gradient_clip, skipped_steps_limit, threads};

/// What a stage does with the optimiser state of the model that it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerStart {
    /// Start with moments of zero.
    #[default]
    Reset,
    /// Start from the `optimizer.safetensors` in the initial folder, where that is a checkpoint, or beside it, where it
    /// is a finished stage's `model`.
    Keep,
}

/// Settings of a mid-training stage, with the recipe's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MidtrainConfig {
    /// Tokens to train on, rounded up to whole steps.
    pub tokens: u64,
    /// Length of a training sequence, in tokens that it predicts.
    pub context: usize,
    /// Sequences per update, over all ranks together.
    pub sequences_per_step: usize,
    /// Sequences per forward and backward pass; an update sums over as many passes as it needs. 0 runs all sequences of
    /// a rank in one pass.
    #[serde(default)]
    pub sequences_per_forward: usize,
    /// Whether blocks are computed a second time for the backward pass, instead of keeping their activations: about a
    /// third more time, the memory of one block's activations instead of all, and the same gradients.
    #[serde(default)]
    pub recompute: bool,
    /// Whether the documents of a packed sequence are kept apart: none sees another, positions begin anew with each,
    /// and the first token of each is not predicted. Without it a sequence is one text, as in OctoThinker's trainer.
    #[serde(default)]
    pub separate_documents: bool,
    /// Number format of the forward and backward passes: `float32` or `bfloat16`. Weights, gradients and moments are
    /// fp32 with either.
    #[serde(default)]
    pub compute: Precision,
    /// Whether a GPU may round the factors of fp32 products to TF32, which is about eight times as fast there. It
    /// matters where `compute` is `float32`, and changes nothing on a CPU.
    #[serde(default)]
    pub allow_tf32: bool,
    /// Whether a GPU takes only kernels that give the same bits each time, at some cost in speed; an operation without
    /// such a kernel ends the stage with its name. A CPU always gives the same bits.
    #[serde(default)]
    pub deterministic: bool,
    /// Peak learning rate of AdamW.
    pub learning_rate: f64,
    /// Learning rate at the end of a decay. Unless set, a tenth of `learning_rate`, as in OctoThinker.
    #[serde(default)]
    pub final_learning_rate: Option<f64>,
    /// Learning rate after the warmup: `stable` (the peak to the end) or `decay` (a fall to `final_learning_rate`).
    #[serde(default)]
    pub schedule: Schedule,
    /// Curve of a decay: `cosine`, `linear`, `1-sqrt` or `exponential`.
    #[serde(default)]
    pub decay_shape: DecayShape,
    /// Length of a decay at the stage's end, in steps: from 1 to all steps after the warmup, which it takes unless set.
    #[serde(default)]
    pub decay_steps: Option<u64>,
    /// Length of the warmup, in steps.
    #[serde(default)]
    pub warmup_steps: u64,
    /// Curve of the warmup: `linear`, `cosine` or `constant`.
    #[serde(default)]
    pub warmup_shape: WarmupShape,
    /// Learning rate that the warmup rises from, or that a constant warmup holds.
    #[serde(default)]
    pub warmup_learning_rate: f64,
    /// Decoupled weight decay of AdamW, for matrices alone.
    #[serde(default = "weight_decay")]
    pub weight_decay: f64,
    /// Whether weight decay holds for the embeddings too.
    #[serde(default = "yes")]
    pub decay_embeddings: bool,
    /// Decay of AdamW's first moment.
    #[serde(default = "beta1")]
    pub beta1: f64,
    /// Decay of AdamW's second moment.
    #[serde(default = "beta2")]
    pub beta2: f64,
    /// Epsilon of AdamW, added to the root of the second moment.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Largest norm of all gradients together; a larger one is scaled down to it.
    #[serde(default = "gradient_clip")]
    pub gradient_clip: f64,
    /// Optimiser state of the model that the stage starts from: `reset` (moments of zero) or `keep`.
    #[serde(default)]
    pub optimizer: OptimizerStart,
    /// Epochs of a source, by its name, after which it gives no more; sources that are not named repeat without end.
    #[serde(default)]
    pub max_epochs: BTreeMap<String, f64>,
    /// Name of the stage as the mixture plugin gets it.
    #[serde(default = "stage_name")]
    pub stage_name: String,
    /// Steps between checkpoints; 0 writes one only when the stage is asked to stop.
    #[serde(default = "checkpoint_every")]
    pub checkpoint_every: u64,
    /// How many of the newest checkpoints are kept.
    #[serde(default = "keep_last")]
    pub keep_last: usize,
    /// Steps between checkpoints that are kept for good, which other stages can branch from; 0 keeps none for good.
    #[serde(default)]
    pub keep_every: u64,
    /// Whether the checkpoint with the lowest loss is kept too: the loss on the held-out documents where the stage has
    /// some, else the mean of the training steps since the checkpoint before it.
    #[serde(default = "yes")]
    pub keep_best: bool,
    /// Whether training runs while a checkpoint is written, from a copy of weights and optimiser in host memory.
    #[serde(default = "yes")]
    pub checkpoint_in_background: bool,
    /// Steps in a row without an update after which the stage ends with an error.
    #[serde(default = "skipped_steps_limit")]
    pub skipped_steps_limit: u64,
    /// Standard deviations above the mean of the last 128 steps from which a loss is a spike, whose update is skipped;
    /// 0 skips none. 6 is OLMo-core's number: a step skipped in vain costs one batch, a spike that is not skipped may
    /// cost the run.
    #[serde(default = "spike_sigma")]
    pub spike_sigma: f64,
    /// Times the fourth largest gradient norm of the last 128 steps from which a norm is a spike, whose update is
    /// skipped; 0 skips none. Norms have heavy tails, and `gradient_clip` holds the larger ones; at 3, sound runs had
    /// no such step, and ten times a usual norm is one.
    #[serde(default = "spike_factor")]
    pub spike_factor: f64,
    /// Steps between evaluations on the held-out documents, where the stage has some; 0 evaluates before the first and
    /// after the last step only.
    #[serde(default)]
    pub evaluate_every: u64,
    /// Most sequences of the held-out documents that an evaluation takes, the same ones every time.
    #[serde(default = "held_out_sequences")]
    pub held_out_sequences: usize,
    /// Peak of the device in TFLOP/s, for the utilisation in metrics and progress. Unless set, the data sheet's, where
    /// the GPU is a known one.
    #[serde(default)]
    pub peak_teraflops: Option<f64>,
    /// Threads of libtorch in this stage.
    #[serde(default = "threads")]
    pub threads: usize,
    /// Device of this stage: `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
}

fn stage_name() -> String {
    "midtrain".to_owned()
}
fn weight_decay() -> f64 {
    0.1
}
fn beta2() -> f64 {
    0.95
}
fn checkpoint_every() -> u64 {
    100
}
fn keep_last() -> usize {
    2
}
fn yes() -> bool {
    true
}
fn spike_sigma() -> f64 {
    6.0
}
fn spike_factor() -> f64 {
    3.0
}
fn held_out_sequences() -> usize {
    64
}

impl MidtrainConfig {
    /// Updates that the stage makes.
    pub fn steps(&self) -> u64 {
        self.tokens.div_ceil(self.tokens_per_step().max(1))
    }

    /// Tokens that an update predicts.
    pub fn tokens_per_step(&self) -> u64 {
        (self.context as u64).saturating_mul(self.sequences_per_step as u64)
    }

    /// Tokens that a sequence predicts whose documents begin at `starts`, its own beginning among them: the first token
    /// of each further document is not predicted, where documents are apart.
    pub(crate) fn predicted(&self, starts: &[u32]) -> usize {
        let firsts = if self.separate_documents { starts.len().saturating_sub(1) } else { 0 };
        self.context.saturating_sub(firsts).max(1)
    }

    /// Learning rate by step.
    pub fn rate(&self) -> LearningRate {
        LearningRate {
            peak: self.learning_rate,
            last: self.final_learning_rate.unwrap_or(self.learning_rate / 10.0),
            schedule: self.schedule,
            shape: self.decay_shape,
            warmup: Warmup { steps: self.warmup_steps, shape: self.warmup_shape, start: self.warmup_learning_rate },
            decay_steps: self.decay_steps,
            total_steps: self.steps(),
        }
    }

    /// Settings of the optimiser.
    pub fn adamw(&self) -> AdamWConfig {
        let MidtrainConfig { beta1, beta2, epsilon, weight_decay, decay_embeddings, .. } = *self;
        AdamWConfig { beta1, beta2, epsilon, weight_decay, decay_embeddings }
    }

    /// Which updates are skipped.
    pub fn spike_rule(&self) -> SpikeRule {
        SpikeRule { loss_sigma: self.spike_sigma, norm_factor: self.spike_factor }
    }

    /// Which checkpoints stay.
    pub fn retention(&self) -> Retention {
        Retention { last: self.keep_last, every: self.keep_every, best: self.keep_best }
    }

    /// Whether a checkpoint is due after `step` steps, the last one excepted: the finished model stands for that.
    pub fn checkpoint_due(&self, step: u64) -> bool {
        let due = |every: u64| every > 0 && step.is_multiple_of(every);
        step > 0 && step < self.steps() && (due(self.checkpoint_every) || due(self.keep_every))
    }

    /// Whether the checkpoint of `step` is there when the stage is done.
    pub fn keeps(&self, step: u64) -> bool {
        self.retention().is_for_good(step) && self.checkpoint_due(step)
    }

    /// Refuses settings that cannot work, naming the key.
    pub fn check(&self) -> Result<(), TrainError> {
        let counts = [
            ("tokens", self.tokens),
            ("context", self.context as u64),
            ("sequences_per_step", self.sequences_per_step as u64),
            ("keep_last", self.keep_last as u64),
            ("held_out_sequences", self.held_out_sequences as u64),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(TrainError::config(key, "must be at least 1"));
        }
        if self.gradient_clip.is_nan() || self.gradient_clip <= 0.0 {
            return Err(TrainError::config(
                "gradient_clip",
                format!("{} is not a positive number", self.gradient_clip),
            ));
        }
        if !(self.spike_sigma.is_finite() && self.spike_sigma >= 0.0) {
            let message = format!("{} is not a number of at least 0", self.spike_sigma);
            return Err(TrainError::config("spike_sigma", message));
        }
        if self.spike_factor != 0.0 && !(self.spike_factor.is_finite() && self.spike_factor > 1.0) {
            let message = format!("{} is not a number above 1; 0 skips no update for its norm", self.spike_factor);
            return Err(TrainError::config("spike_factor", message));
        }
        if self.compute == Precision::Float16 {
            let message = "`float16` needs its losses scaled, which is not implemented; use `bfloat16`";
            return Err(TrainError::config("compute", message));
        }
        if self.peak_teraflops.is_some_and(|peak| !(peak.is_finite() && peak > 0.0)) {
            return Err(TrainError::config("peak_teraflops", "is not a positive number"));
        }
        if self.final_learning_rate.is_some() && self.schedule == Schedule::Stable {
            let message = "has no effect while `schedule` is `stable`, the rate of which never falls; set \
                           `schedule = \"decay\"`, or leave it out";
            return Err(TrainError::config("final_learning_rate", message));
        }
        self.adamw().check()?;
        self.rate().check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(extra: &str) -> MidtrainConfig {
        let text =
            format!(r#"{{"tokens": 1000, "context": 8, "sequences_per_step": 4, "learning_rate": 2e-5{extra}}}"#);
        serde_json::from_str(&text).expect("reads")
    }

    #[test]
    fn tokens_are_rounded_up_to_whole_steps_and_decays_end_at_a_tenth() {
        let config = config(r#", "schedule": "decay", "decay_shape": "1-sqrt""#);
        config.check().expect("works");
        assert_eq!((config.steps(), config.tokens_per_step()), (32, 32));
        assert!((config.rate().at(32) - 2e-6).abs() < 1e-18);
        assert_eq!(config.weight_decay, 0.1);
    }

    #[test]
    fn only_what_keep_every_names_can_be_counted_on() {
        let config = config(r#", "checkpoint_every": 10, "keep_every": 8"#);
        let due: Vec<u64> = (0..=32).filter(|step| config.checkpoint_due(*step)).collect();
        assert_eq!(due, [8, 10, 16, 20, 24, 30]);
        let kept: Vec<u64> = (0..=32).filter(|step| config.keeps(*step)).collect();
        assert_eq!(kept, [8, 16, 24]);
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_key() {
        for (extra, key) in [
            (r#", "gradient_clip": 0.0"#, "gradient_clip"),
            (r#", "warmup_steps": 33"#, "warmup_steps"),
            (r#", "schedule": "decay", "final_learning_rate": -1.0"#, "final_learning_rate"),
            (r#", "final_learning_rate": 1e-6"#, "final_learning_rate"),
            (r#", "decay_steps": 8"#, "decay_steps"),
            (r#", "schedule": "decay", "decay_steps": 33"#, "decay_steps"),
            (r#", "spike_sigma": -1.0"#, "spike_sigma"),
            (r#", "spike_factor": 0.5"#, "spike_factor"),
            (r#", "keep_last": 0"#, "keep_last"),
            (r#", "compute": "float16""#, "compute"),
        ] {
            let message = config(extra).check().expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        }
        let nothing = MidtrainConfig { tokens: 0, ..config("") };
        assert!(nothing.check().expect_err("no tokens").to_string().contains("tokens"));
    }
}
