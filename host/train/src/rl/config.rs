//! Settings of a reinforcement-learning stage. Defaults are OctoThinker's where it has one.
//!
//! A field's comment is what the reference of all keys shows a user, so each stands alone.

use octo_data::prompt::PromptSettings;
use octo_model::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarms::AlarmConfig;
use super::algorithm::advantage::AdvantageScale;
use super::algorithm::aggregation::Aggregation;
use super::algorithm::loss::{KlEstimator, PolicyLoss};
use super::algorithm::{Algorithm, AlgorithmName};
use super::masking::FailedRollouts;
use crate::error::TrainError;
use crate::generation::settings::{check_generation, generation_batch, generation_cache_gib, max_prompt_tokens};
use crate::optimizer::adamw::AdamWConfig;
use crate::optimizer::learning_rate::{DecayShape, LearningRate, Schedule, Warmup};
use crate::stage::defaults::{beta1, cpu, epsilon, gradient_clip, skipped_steps_limit, threads};

/// Where the log-probabilities before a step's first update come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OldLogProbabilities {
    /// Take them from the trainer's own forward pass, so that the first ratio is exactly 1.
    #[default]
    Recomputed,
    /// Take them from generation, which saves a forward pass and corrects for what differs between the two.
    Sampled,
}

/// Where the divergence from the reference model counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KlPlace {
    /// Count it in the loss, token by token.
    #[default]
    Loss,
    /// Take it from the reward before advantages are computed.
    Reward,
}

/// The divergence from the reference model, as the settings together have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KlTerm {
    /// It counts nowhere, and there is no reference model.
    Absent,
    /// It counts in the loss.
    InLoss,
    /// It is taken from the reward.
    InReward,
}

/// Where a row's old log-probabilities come from, as the settings together have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldSource {
    /// Generation.
    Sampled,
    /// A forward pass before the first update.
    Recomputed,
    /// The first update's own pass: there is one update, and nothing else needs them earlier.
    Present,
}

/// Settings of an RL stage, with the recipe's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RlConfig {
    /// How problems are asked: a text with `{problem}` in it, or a table that names a template.
    #[schemars(with = "serde_json::Value")]
    pub prompt: PromptSettings,
    /// Steps of the stage; each samples rollouts once. 200 with two updates each are the paper's 400 updates.
    #[serde(default = "steps")]
    pub steps: u64,
    /// Prompts per step.
    #[serde(default = "prompts_per_step")]
    pub prompts_per_step: usize,
    /// Rollouts per prompt, which form a group; at least 2.
    #[serde(default = "rollouts_per_prompt")]
    pub rollouts_per_prompt: usize,
    /// Updates per step, over which its prompts are divided: all of the same number, the last may have fewer. A number
    /// that does not come out so is refused. Unless set, as many as make updates of at most 64 prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates_per_step: Option<usize>,
    /// Policy-gradient algorithm: `grpo`, `dr-grpo`, `dapo`, `gspo`, `rloo`, `reinforce-plus-plus` or `cispo`.
    #[serde(default)]
    pub algorithm: AlgorithmName,
    /// Learning rate of AdamW, constant after the warmup.
    #[serde(default = "learning_rate")]
    pub learning_rate: f64,
    /// Length of the linear warmup, in steps.
    #[serde(default)]
    pub warmup_steps: u64,
    /// Decoupled weight decay of AdamW, for matrices alone.
    #[serde(default)]
    pub weight_decay: f64,
    /// Decay of AdamW's first moment.
    #[serde(default = "beta1")]
    pub beta1: f64,
    /// Decay of AdamW's second moment.
    #[serde(default = "beta2")]
    pub beta2: f64,
    /// Epsilon of AdamW, added to the root of the second moment.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Clip of the importance ratio on both sides: it is held between 1 − `clip` and 1 + `clip`. Unless set, the
    /// algorithm's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// Clip of the importance ratio below: it is held at 1 − `clip_low` or more. Unless set, `clip`, or the
    /// algorithm's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_low: Option<f64>,
    /// Clip of the importance ratio above: it is held at 1 + `clip_high` or less. Unless set, `clip`, or the
    /// algorithm's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_high: Option<f64>,
    /// What the loss is a mean of: `token`, `sequence` or `fixed-length`. Unless set, the algorithm's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregation: Option<Aggregation>,
    /// Weight of the divergence from the initial model; 0 keeps no reference model.
    #[serde(default)]
    pub kl_coefficient: f64,
    /// Estimator of the divergence from the initial model: `k1`, `k2` or `k3`. In the loss, `k1` has a gradient of 0 in
    /// expectation (arXiv 2506.09477), so there it is warned of; it belongs in the reward.
    #[serde(default)]
    pub kl_estimator: KlEstimator,
    /// Where the divergence from the initial model counts: in the `loss` or in the `reward`. In the reward, differences
    /// within what rounding does to the log-probabilities, which is measured at every step, count as none.
    #[serde(default)]
    pub kl_place: KlPlace,
    /// Cap of truncated importance sampling, the most that a token may weigh: it corrects for the engine's
    /// probabilities not being the trainer's. Unless set, nothing is weighed; the mismatch is measured at every step
    /// either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importance_cap: Option<f64>,
    /// Largest norm of all gradients together; a larger one is scaled down to it.
    #[serde(default = "gradient_clip")]
    pub gradient_clip: f64,
    /// Scale of centred rewards: `grpo` (divided by the group's deviation) or `mean-centred`. Unless set, the
    /// algorithm's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advantage: Option<AdvantageScale>,
    /// Whether groups of equal rewards, which have no gradient, are replaced by further prompts; where KL stands in the
    /// reward, they are equal if they are so with it. Unless set, the algorithm's choice (`dapo` does).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_sampling: Option<bool>,
    /// Most rounds of generation that dynamic sampling takes in a step, the first included.
    #[serde(default = "sampling_rounds")]
    pub sampling_rounds: u64,
    /// Times in a row that all rollouts of a problem must be correct for it to be left out of later epochs; 0 leaves
    /// none out.
    #[serde(default)]
    pub drop_solved: u64,
    /// Log-probabilities that ratios are taken against: `recomputed` by the trainer, or as `sampled` by the engine.
    #[serde(default)]
    pub old_log_probabilities: OldLogProbabilities,
    /// Longest training response, in tokens: a hard limit that the schedule plugin's plan is held below.
    #[serde(default = "max_response_tokens")]
    pub max_response_tokens: usize,
    /// Longest held-out response, in tokens, the same at every step so that the curve has no jumps where the schedule
    /// has stairs. Unless set, `max_response_tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_response_tokens: Option<usize>,
    /// Longest prompt, in tokens; problems with a longer one are left out and counted.
    #[serde(default = "max_prompt_tokens")]
    pub max_prompt_tokens: usize,
    /// Texts that end a response.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Steps between evaluations on the held-out problems; 0 evaluates at the start and the end only.
    #[serde(default)]
    pub evaluate_every: u64,
    /// Steps between checkpoints; 0 writes one only when the stage is asked to stop.
    #[serde(default = "checkpoint_every")]
    pub checkpoint_every: u64,
    /// What a rollout does whose verifier or reward has failed: `mask` leaves it out of the loss and of its group's
    /// statistics, `zero` counts it as a reward of 0.
    #[serde(default)]
    pub failed_rollouts: FailedRollouts,
    /// Count of likeliest tokens that sampling is from; 0 samples from all. `temperature` and `top_p` are the schedule
    /// plugin's.
    #[serde(default)]
    pub top_k: usize,
    /// Least probability of a token that is sampled, as a share of the likeliest token's; 0 samples from all.
    #[serde(default)]
    pub min_p: f64,
    /// Responses under way at one time; one that ends gives its place to the next.
    #[serde(default = "generation_batch")]
    pub generation_batch: usize,
    /// Memory for keys and values, in GiB; where it is short, fewer responses are under way.
    #[serde(default = "generation_cache_gib")]
    pub generation_cache_gib: f64,
    /// Rollouts between two points at which an interrupted step can resume, rounded to whole groups.
    #[serde(default = "generation_chunk")]
    pub generation_chunk: usize,
    /// Number format of the passes, of generation and of training alike: `float32` or `bfloat16`. Weights, gradients
    /// and moments are fp32 with either.
    #[serde(default)]
    pub compute: Precision,
    /// Whether blocks are computed a second time for the backward pass, instead of keeping their activations.
    #[serde(default)]
    pub recompute: bool,
    /// Tokens per forward pass of training, padding included.
    #[serde(default = "tokens_per_forward")]
    pub tokens_per_forward: usize,
    /// Thresholds of the alarms, and which of them end the run.
    #[serde(default)]
    pub alarms: AlarmConfig,
    /// Samples per step in `samples.jsonl`: as many of the best rollouts, of the worst and of others, and twice as many
    /// of each held-out set.
    #[serde(default = "samples_per_step")]
    pub samples_per_step: usize,
    /// Updates in a row without a finite loss and gradient after which the stage ends with an error.
    #[serde(default = "skipped_steps_limit")]
    pub skipped_steps_limit: u64,
    /// Threads of libtorch in this stage.
    #[serde(default = "threads")]
    pub threads: usize,
    /// Whether a GPU may round the factors of fp32 products to TF32, which is about eight times as fast there; nothing
    /// changes on a CPU.
    #[serde(default)]
    pub allow_tf32: bool,
    /// Whether a GPU takes only kernels that give the same bits each time, at some cost in speed; an operation without
    /// such a kernel ends the stage with its name. A CPU always gives the same bits.
    #[serde(default)]
    pub deterministic: bool,
    /// Device of this stage: `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
}

/// Prompts of an update, unless the recipe sets their number (the paper's mini-batch).
const PROMPTS_PER_UPDATE: usize = 64;

fn steps() -> u64 {
    200
}
fn prompts_per_step() -> usize {
    128
}
fn rollouts_per_prompt() -> usize {
    16
}
fn learning_rate() -> f64 {
    1e-6
}
fn max_response_tokens() -> usize {
    4096
}
fn sampling_rounds() -> u64 {
    10
}
fn beta2() -> f64 {
    0.999
}
fn checkpoint_every() -> u64 {
    10
}
fn generation_chunk() -> usize {
    1024
}
fn tokens_per_forward() -> usize {
    2048
}
fn samples_per_step() -> usize {
    2
}

impl RlConfig {
    /// Refuses settings that cannot work, naming the key.
    pub fn check(&self) -> Result<(), TrainError> {
        let counts = [
            ("steps", self.steps),
            ("prompts_per_step", self.prompts_per_step as u64),
            ("updates_per_step", self.updates() as u64),
            ("max_response_tokens", self.max_response_tokens as u64),
            ("held_out_response_tokens", self.held_out_limit() as u64),
            ("sampling_rounds", self.sampling_rounds),
        ];
        if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(TrainError::config(key, "must be at least 1"));
        }
        if self.rollouts_per_prompt < 2 {
            let message = "must be at least 2: a rollout is judged against the others of its prompt";
            return Err(TrainError::config("rollouts_per_prompt", message));
        }
        if self.updates() > self.prompts_per_step {
            let message = format!("{} updates cannot share {} prompts", self.updates(), self.prompts_per_step);
            return Err(TrainError::config("updates_per_step", message));
        }
        let made = self.prompts_per_step.div_ceil(self.prompts_per_update());
        if made != self.updates() {
            let (updates, prompts, own) = (self.updates(), self.prompts_per_step, self.prompts_per_update());
            let message = format!(
                "{prompts} prompts do not make {updates} updates: with {own} prompts each they make {made}; use \
                 {made}, or a number that divides `prompts_per_step`"
            );
            return Err(TrainError::config("updates_per_step", message));
        }
        let positive = [
            ("clip", self.clip),
            ("clip_low", self.clip_low),
            ("clip_high", self.clip_high),
            ("importance_cap", self.importance_cap),
            ("gradient_clip", Some(self.gradient_clip)),
        ];
        for (key, value) in positive {
            if let Some(value) = value.filter(|value| value.is_nan() || *value <= 0.0) {
                return Err(TrainError::config(key, format!("{value} is not a positive number")));
            }
        }
        let low = self.policy_loss().clip_low;
        if low > 1.0 {
            let key = if self.clip_low.is_some() { "clip_low" } else { "clip" };
            let message = format!("{low} would allow ratios below 0; use 1 for no lower bound");
            return Err(TrainError::config(key, message));
        }
        if self.advantage.is_some() && self.algorithm().scale.is_none() {
            let message = "this `algorithm` has advantages of its own; leave the key out";
            return Err(TrainError::config("advantage", message));
        }
        if self.importance_cap.is_some() && self.old_log_probabilities == OldLogProbabilities::Sampled {
            let message =
                "ratios to `sampled` log-probabilities correct for the engine already; leave one of the two out";
            return Err(TrainError::config("importance_cap", message));
        }
        self.alarms.check()?;
        check_generation(self.generation_batch, self.generation_cache_gib, self.min_p, self.compute)?;
        if !(self.kl_coefficient.is_finite() && self.kl_coefficient >= 0.0) {
            let message = format!("{} is not a number of at least 0", self.kl_coefficient);
            return Err(TrainError::config("kl_coefficient", message));
        }
        for (key, tokens) in
            [("max_response_tokens", self.max_response_tokens), ("held_out_response_tokens", self.held_out_limit())]
        {
            if u32::try_from(tokens).is_err() {
                return Err(TrainError::config(key, "is beyond any model's context"));
            }
        }
        self.adamw().check()?;
        self.rate().check()
    }

    /// Settings that work and hardly are what was meant: each key with what to know, to be said before a run begins.
    pub fn warnings(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        match self.kl_term() {
            KlTerm::InLoss if self.kl_estimator == KlEstimator::K1 => found.push((
                "kl_estimator",
                "the gradient of `k1` inside the loss is 0 in expectation, so it adds noise and pulls nowhere \
                 (arXiv 2506.09477); use `k2` or `k3`, or `kl_place = \"reward\"`"
                    .to_owned(),
            )),
            KlTerm::Absent if self.kl_estimator != KlEstimator::default() => {
                found.push(("kl_estimator", "has no effect while `kl_coefficient` is 0".to_owned()));
            }
            _ => {}
        }
        if self.kl_term() == KlTerm::Absent && self.kl_place != KlPlace::default() {
            found.push(("kl_place", "has no effect while `kl_coefficient` is 0".to_owned()));
        }
        found
    }

    /// The algorithm, with what the recipe sets apart.
    pub fn algorithm(&self) -> Algorithm {
        let own = self.algorithm.algorithm();
        Algorithm {
            aggregation: self.aggregation.unwrap_or(own.aggregation),
            dynamic_sampling: self.dynamic_sampling.unwrap_or(own.dynamic_sampling),
            scale: own.scale.map(|scale| self.advantage.unwrap_or(scale)),
            ..own
        }
    }

    /// Settings of the loss.
    pub fn policy_loss(&self) -> PolicyLoss {
        let own = self.algorithm.algorithm();
        PolicyLoss {
            ratio: own.ratio,
            clip_low: self.clip_low.or(self.clip).unwrap_or(own.clip.0),
            clip_high: self.clip_high.or(self.clip).unwrap_or(own.clip.1),
            kl_coefficient: if self.kl_place == KlPlace::Loss { self.kl_coefficient } else { 0.0 },
            kl_estimator: self.kl_estimator,
        }
    }

    /// Where the divergence from the reference model counts.
    pub(super) fn kl_term(&self) -> KlTerm {
        match self.kl_place {
            _ if self.kl_coefficient <= 0.0 => KlTerm::Absent,
            KlPlace::Loss => KlTerm::InLoss,
            KlPlace::Reward => KlTerm::InReward,
        }
    }

    /// Where old log-probabilities come from. Those of a single update are the present ones, which the loss has anyway,
    /// unless something needs them before it.
    pub(super) fn old_source(&self) -> OldSource {
        let early = self.kl_term() == KlTerm::InReward || self.updates() > 1 || self.importance_cap.is_some();
        match self.old_log_probabilities {
            OldLogProbabilities::Sampled => OldSource::Sampled,
            OldLogProbabilities::Recomputed if early => OldSource::Recomputed,
            OldLogProbabilities::Recomputed => OldSource::Present,
        }
    }

    /// Updates of a step.
    pub fn updates(&self) -> usize {
        self.updates_per_step.unwrap_or(self.prompts_per_step.div_ceil(PROMPTS_PER_UPDATE))
    }

    /// Prompts of an update; the last one of a step has those that are left.
    pub fn prompts_per_update(&self) -> usize {
        self.prompts_per_step.div_ceil(self.updates().max(1))
    }

    /// Limit of a held-out response, in tokens.
    pub fn held_out_limit(&self) -> usize {
        self.held_out_response_tokens.unwrap_or(self.max_response_tokens)
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
mod tests;
