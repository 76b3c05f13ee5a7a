//! Settings of a mid-training stage. Defaults are OctoThinker's where it has one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::adamw::AdamWConfig;
use crate::error::TrainError;
use crate::learning_rate::{DecayShape, LearningRate, Schedule};

/// What a stage does with the optimiser state of the model it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerStart {
    /// Starts with zero moments.
    #[default]
    Reset,
    /// Goes on from `optimizer.safetensors` beside the initial model folder.
    Keep,
}

/// Settings of a mid-training stage, with the recipe's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MidtrainConfig {
    /// Tokens to train on; rounded up to whole steps.
    pub tokens: u64,
    /// Tokens that a sequence predicts.
    pub context: usize,
    /// Sequences of one update.
    pub sequences_per_step: usize,
    /// Sequences of one forward and backward pass; an update sums over as many as it needs. 0 is all at once.
    #[serde(default)]
    pub sequences_per_forward: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Rate at the end of a decay; a tenth of the peak where it is not given, as OctoThinker has it.
    #[serde(default)]
    pub final_learning_rate: Option<f64>,
    /// `stable` or `decay`.
    #[serde(default)]
    pub schedule: Schedule,
    /// `cosine`, `linear` or `1-sqrt`.
    #[serde(default)]
    pub decay_shape: DecayShape,
    /// Length of the decay at the stage's end, in steps; the whole stage behind the warmup where it is not given.
    #[serde(default)]
    pub decay_steps: Option<u64>,
    /// Steps of linear warmup.
    #[serde(default)]
    pub warmup_steps: u64,
    /// Decoupled weight decay of matrices.
    #[serde(default = "weight_decay")]
    pub weight_decay: f64,
    /// First-moment decay of AdamW.
    #[serde(default = "beta1")]
    pub beta1: f64,
    /// Second-moment decay of AdamW.
    #[serde(default = "beta2")]
    pub beta2: f64,
    /// Epsilon of AdamW.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Largest global gradient norm.
    #[serde(default = "gradient_clip")]
    pub gradient_clip: f64,
    /// `reset` or `keep`.
    #[serde(default)]
    pub optimizer: OptimizerStart,
    /// Epochs of a source, by name, after which it gives no more; sources that are not named repeat without end.
    #[serde(default)]
    pub max_epochs: BTreeMap<String, f64>,
    /// What the mixture policy is told as the stage's name.
    #[serde(default = "stage_name")]
    pub stage_name: String,
    /// Steps between checkpoints; 0 writes them only when asked to stop.
    #[serde(default = "checkpoint_every")]
    pub checkpoint_every: u64,
    /// Steps in a row without a finite loss and gradient after which the stage gives up.
    #[serde(default = "skipped_steps_limit")]
    pub skipped_steps_limit: u64,
    /// libtorch threads of this stage.
    #[serde(default = "threads")]
    pub threads: usize,
    /// `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
}

fn stage_name() -> String {
    "midtrain".to_owned()
}
fn weight_decay() -> f64 {
    0.1
}
pub(crate) fn beta1() -> f64 {
    0.9
}
fn beta2() -> f64 {
    0.95
}
pub(crate) fn epsilon() -> f64 {
    1e-8
}
pub(crate) fn gradient_clip() -> f64 {
    1.0
}
fn checkpoint_every() -> u64 {
    100
}
pub(crate) fn skipped_steps_limit() -> u64 {
    5
}
pub(crate) fn threads() -> usize {
    1
}
pub(crate) fn cpu() -> String {
    "cpu".to_owned()
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

    /// Learning rate by step.
    pub fn rate(&self) -> LearningRate {
        LearningRate {
            peak: self.learning_rate,
            last: self.final_learning_rate.unwrap_or(self.learning_rate / 10.0),
            schedule: self.schedule,
            shape: self.decay_shape,
            warmup_steps: self.warmup_steps,
            decay_steps: self.decay_steps,
            total_steps: self.steps(),
        }
    }

    /// Settings of the optimiser.
    pub fn adamw(&self) -> AdamWConfig {
        let MidtrainConfig { beta1, beta2, epsilon, weight_decay, .. } = *self;
        AdamWConfig { beta1, beta2, epsilon, weight_decay }
    }

    /// Refuses settings that cannot work, naming the key.
    pub fn check(&self) -> Result<(), TrainError> {
        let counts = [
            ("tokens", self.tokens),
            ("context", self.context as u64),
            ("sequences_per_step", self.sequences_per_step as u64),
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
    fn settings_that_cannot_work_are_refused_by_key() {
        for (extra, key) in [
            (r#", "gradient_clip": 0.0"#, "gradient_clip"),
            (r#", "warmup_steps": 33"#, "warmup_steps"),
            (r#", "final_learning_rate": -1.0"#, "final_learning_rate"),
        ] {
            let message = config(extra).check().expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        }
        let nothing = MidtrainConfig { tokens: 0, ..config("") };
        assert!(nothing.check().expect_err("no tokens").to_string().contains("tokens"));
    }
}
