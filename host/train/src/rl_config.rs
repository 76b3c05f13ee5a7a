//! Settings of a reinforcement-learning stage. Defaults are OctoThinker's where it has one.

use octo_data::prompt::PromptSettings;
use serde::{Deserialize, Serialize};

use crate::adamw::AdamWConfig;
use crate::advantage::AdvantageScale;
use crate::error::TrainError;
use crate::learning_rate::{DecayShape, LearningRate, Schedule, Warmup};
use crate::midtrain_config::{beta1, cpu, epsilon, gradient_clip, skipped_steps_limit, threads};
use crate::rewards::FailedRollouts;

/// Where the log-probabilities before a step's first update come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OldLogProbabilities {
    /// From the trainer's own forward, so that the first ratio is exactly 1.
    #[default]
    Recomputed,
    /// From generation: saves a forward and corrects for what differs between the two.
    Sampled,
}

/// Settings of an RL stage, with the recipe's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RlConfig {
    /// How problems are asked: a text with `{problem}` in it, or a template.
    pub prompt: PromptSettings,
    /// Steps; each samples rollouts once.
    pub steps: u64,
    /// Prompts of a step.
    pub prompts_per_step: usize,
    /// Rollouts of a prompt, which form a group.
    pub rollouts_per_prompt: usize,
    /// Updates that a step's rollouts are divided over, by prompts.
    #[serde(default = "updates_per_step")]
    pub updates_per_step: usize,
    /// Learning rate, constant behind the warmup.
    pub learning_rate: f64,
    /// Steps of linear warmup.
    #[serde(default)]
    pub warmup_steps: u64,
    /// Decoupled weight decay of matrices.
    #[serde(default)]
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
    /// The probability ratio is held within 1 ± `clip`.
    #[serde(default = "clip")]
    pub clip: f64,
    /// Weight of the divergence from the initial model; 0 keeps no reference model.
    #[serde(default)]
    pub kl_coefficient: f64,
    /// Largest global gradient norm.
    #[serde(default = "gradient_clip")]
    pub gradient_clip: f64,
    /// `grpo` or `mean-centred`.
    #[serde(default)]
    pub advantage: AdvantageScale,
    /// `recomputed` or `sampled`.
    #[serde(default)]
    pub old_log_probabilities: OldLogProbabilities,
    /// Hard limit of a training response; the schedule plugin's plan is held below it. Held-out responses always have
    /// this limit, so that their curve has no jumps where the schedule has stairs.
    pub max_response_tokens: usize,
    /// Longest prompt; problems above it are left out and counted.
    #[serde(default = "max_prompt_tokens")]
    pub max_prompt_tokens: usize,
    /// Texts that end a response.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Steps between evaluations on the held-out problems; 0 is at the start and the end only.
    #[serde(default)]
    pub evaluate_every: u64,
    /// Steps between checkpoints; 0 writes them only when asked to stop.
    #[serde(default = "checkpoint_every")]
    pub checkpoint_every: u64,
    /// `mask` or `zero`.
    #[serde(default)]
    pub failed_rollouts: FailedRollouts,
    /// Prompts generated at once.
    #[serde(default = "generation_batch")]
    pub generation_batch: usize,
    /// Tokens of one training forward pass, padding included.
    #[serde(default = "tokens_per_forward")]
    pub tokens_per_forward: usize,
    /// Steps in a row in which no group's rewards differ before a warning is logged.
    #[serde(default = "constant_reward_alarm")]
    pub constant_reward_alarm: u64,
    /// Rollouts written to `samples.jsonl` at each step, and at each evaluation.
    #[serde(default = "samples_per_step")]
    pub samples_per_step: usize,
    /// Updates in a row without a finite loss and gradient after which the stage gives up.
    #[serde(default = "skipped_steps_limit")]
    pub skipped_steps_limit: u64,
    /// libtorch threads of this stage.
    #[serde(default = "threads")]
    pub threads: usize,
    /// `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
}

fn updates_per_step() -> usize {
    1
}
fn beta2() -> f64 {
    0.999
}
fn clip() -> f64 {
    0.2
}
pub(crate) fn max_prompt_tokens() -> usize {
    400
}
fn checkpoint_every() -> u64 {
    10
}
pub(crate) fn generation_batch() -> usize {
    256
}
fn tokens_per_forward() -> usize {
    2048
}
fn constant_reward_alarm() -> u64 {
    10
}
fn samples_per_step() -> usize {
    4
}
pub(crate) fn one() -> f64 {
    1.0
}

impl RlConfig {
    /// Refuses settings that cannot work, naming the key.
    pub fn check(&self) -> Result<(), TrainError> {
        let counts = [
            ("steps", self.steps),
            ("prompts_per_step", self.prompts_per_step as u64),
            ("updates_per_step", self.updates_per_step as u64),
            ("max_response_tokens", self.max_response_tokens as u64),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(TrainError::config(key, "must be at least 1"));
        }
        if self.rollouts_per_prompt < 2 {
            let message = "must be at least 2: a rollout is judged against the others of its prompt";
            return Err(TrainError::config("rollouts_per_prompt", message));
        }
        if self.updates_per_step > self.prompts_per_step {
            let message = format!("{} updates cannot share {} prompts", self.updates_per_step, self.prompts_per_step);
            return Err(TrainError::config("updates_per_step", message));
        }
        let positive = [("clip", self.clip), ("gradient_clip", self.gradient_clip)];
        if let Some((key, value)) = positive.into_iter().find(|(_, value)| value.is_nan() || *value <= 0.0) {
            return Err(TrainError::config(key, format!("{value} is not a positive number")));
        }
        if !(self.kl_coefficient.is_finite() && self.kl_coefficient >= 0.0) {
            let message = format!("{} is not a number of at least 0", self.kl_coefficient);
            return Err(TrainError::config("kl_coefficient", message));
        }
        if u32::try_from(self.max_response_tokens).is_err() {
            return Err(TrainError::config("max_response_tokens", "is beyond any model's context"));
        }
        self.adamw().check()?;
        self.rate().check()
    }

    /// Settings of the optimiser.
    pub fn adamw(&self) -> AdamWConfig {
        let RlConfig { beta1, beta2, epsilon, weight_decay, .. } = *self;
        AdamWConfig { beta1, beta2, epsilon, weight_decay, decay_embeddings: true }
    }

    /// Learning rate by step.
    pub fn rate(&self) -> LearningRate {
        LearningRate {
            peak: self.learning_rate,
            last: self.learning_rate,
            schedule: Schedule::Stable,
            shape: DecayShape::default(),
            warmup: Warmup { steps: self.warmup_steps, ..Warmup::default() },
            decay_steps: None,
            total_steps: self.steps,
        }
    }

    /// Rollouts of a step.
    pub fn rollouts_per_step(&self) -> usize {
        self.prompts_per_step * self.rollouts_per_prompt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(extra: &str) -> Result<RlConfig, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"prompt": "{{problem}}", "steps": 2, "prompts_per_step": 4, "rollouts_per_prompt": 4,
                "learning_rate": 1e-6, "max_response_tokens": 8{extra}}}"#
        ))
    }

    #[test]
    fn what_is_left_out_is_as_octothinker_has_it() {
        let config = config("").expect("reads");
        config.check().expect("works");
        assert_eq!((config.clip, config.gradient_clip, config.kl_coefficient), (0.2, 1.0, 0.0));
        assert_eq!((config.max_prompt_tokens, config.failed_rollouts), (400, FailedRollouts::Mask));
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_key() {
        for (extra, key) in [
            (r#", "updates_per_step": 5"#, "updates_per_step"),
            (r#", "clip": 0.0"#, "clip"),
            (r#", "kl_coefficient": -1.0"#, "kl_coefficient"),
            (r#", "beta2": 1.0"#, "beta2"),
        ] {
            let message = config(extra).expect("reads").check().expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        }
        let message = config(r#", "clip_ratio": 0.2"#).expect_err("no such key").to_string();
        assert!(message.contains("clip_ratio") && message.contains("`clip`"), "{message}");
    }
}
