//! What an `rl` stage writes.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::evaluation::{Evaluation, HeldOutRecord, HeldOutSummary};
use crate::nan;
use crate::words::{AlarmName, FailureKind, Outcome};

/// A line of the `metrics.jsonl` of an `rl` stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RlRecord {
    /// The line of a step.
    Step(Box<RlStep>),
    /// The line of an evaluation on a held-out set.
    HeldOut(HeldOutRecord),
}

/// One step: rollouts, rewards and updates. Rewards, outcomes and lengths are of all rollouts that were generated,
/// those included that dynamic sampling has replaced. Fields stand in the order of the line, which is alphabetical.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RlStep {
    /// Share of rollouts that the verifier found correct among all, failures included: 0 to 1.
    pub accuracy: f64,
    /// The alarms that are up.
    pub alarms: Vec<RaisedAlarm>,
    /// Share of the weight of all tokens whose importance ratio was clipped: the sum of the next two; absent where no
    /// update was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_fraction: Option<f64>,
    /// Of which above the upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_fraction_high: Option<f64>,
    /// Of which below the lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_fraction_low: Option<f64>,
    /// Share of responses that the length limit cut.
    pub clipped: f64,
    /// Mean tokens of the correct responses; `null` where there are none.
    pub correct_length: Option<f64>,
    /// How far training and inference are apart on the same weights and tokens.
    #[serde(rename = "engine_gap")]
    pub train_inference_mismatch: Option<TrainInferenceMismatch>,
    /// Entropy of the sampling distribution in nats per token, estimated from what was sampled.
    #[serde(deserialize_with = "nan::number")]
    pub entropy: f64,
    /// Rollouts whose verifier or reward failed, by why.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Seconds of the step during which responses were generated.
    pub generation_seconds: f64,
    /// Mean norm of the gradients of the step's updates, before they are clipped; absent where no update was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// The learning rate of the step's updates.
    pub learning_rate: f64,
    /// Most tokens that a response might have.
    pub length_limit: u64,
    /// Mean loss of the step's updates; absent where no update was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Rollouts without a reward, which count in no mean and no update.
    pub masked: u64,
    /// Rollouts with a verdict, by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Divergence of the policy from the one before the step's first update, in nats per token, over the further
    /// updates; `null` where there was one.
    pub policy_kl: Option<f64>,
    /// Problems that this epoch leaves out since they are always solved.
    pub problems_left_out: u64,
    /// Divergence of the policy from the reference model, in nats per token; `null` without one.
    pub reference_kl: Option<f64>,
    /// Share of responses that end in a loop.
    pub repetition: f64,
    /// Groups of this step that dynamic sampling has replaced.
    pub replaced_groups: u64,
    /// Mean tokens of a response, the end token included.
    pub response_length: f64,
    /// Mean reward of the rollouts that have one, without KL; absent where none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward: Option<f64>,
    /// By part of the reward: its mean over the rollouts that have it. Parts beyond the 64 first are averaged as
    /// `(others)`.
    #[serde(deserialize_with = "nan::numbers")]
    pub reward_parts: BTreeMap<String, f64>,
    /// Rollouts that were generated.
    pub rollouts: u64,
    /// Rounds of generation; more than one only with dynamic sampling.
    pub sampling_rounds: u64,
    /// Seconds of the whole step.
    pub seconds: f64,
    /// Updates of the stage so far that were not made, since loss or gradient was not finite.
    pub skipped_updates: u64,
    /// Steps done, counted from 1.
    pub step: u64,
    /// Temperature of sampling.
    pub temperature: f64,
    /// Response tokens of the stage so far.
    pub tokens: u64,
    /// Updates that this step made.
    pub updates: u64,
    /// Seconds of work of the verifier; it works while responses are generated.
    pub verification_seconds: f64,
    /// Seconds during which the step waited for verdicts alone.
    pub waited_seconds: f64,
    /// Groups from which nothing is learnt: all their advantages are 0, or they were replaced for that reason. Those
    /// are groups of equal rewards, with KL where it stands in the reward, and up to rounding; `reinforce-plus-plus`
    /// compares with the whole step, so there a group of equal rewards counts only where they are the step's mean.
    pub zero_variance_groups: u64,
}

/// Differences between the log-probabilities that training computes of the sampled tokens and those that inference
/// sampled them with, under the same weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainInferenceMismatch {
    /// Estimate of the divergence of the trained policy from the sampling one, in nats per token (k3).
    #[serde(deserialize_with = "nan::number")]
    pub kl: f64,
    /// Largest absolute difference of a token, in nats.
    #[serde(deserialize_with = "nan::number")]
    pub max: f64,
    /// Mean absolute difference, in nats.
    #[serde(deserialize_with = "nan::number")]
    pub mean: f64,
}

/// An alarm that is up at a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaisedAlarm {
    /// Which.
    pub alarm: AlarmName,
    /// For people: what is wrong, and what to do.
    pub message: String,
    /// Steps in a row for which the figure was bad.
    pub steps: u64,
    /// What the figure is held against.
    #[serde(deserialize_with = "nan::number")]
    pub threshold: f64,
    /// The figure now.
    #[serde(deserialize_with = "nan::number")]
    pub value: f64,
}

/// When an alarm was up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmSpan {
    /// The first step at which it was up, counted from 1.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// At how many steps it was up.
    pub steps: u64,
}

/// `results.json` of an `rl` stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RlResults {
    /// The alarms that were up, and when.
    pub alarms: BTreeMap<AlarmName, AlarmSpan>,
    /// The last evaluation; `null` without a held-out set.
    pub held_out: Option<HeldOutSummary>,
    /// The last evaluation on every named set; absent where no set has a name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held_out_sets: BTreeMap<String, Evaluation>,
    /// What plugins were last given to go by: means of the last step's rollouts (`reward`, `accuracy`,
    /// `response_length`, `clipped`, `repetition`, `entropy`), `held_out_accuracy` and `held_out_accuracy/SET`.
    #[serde(deserialize_with = "nan::numbers")]
    pub metrics: BTreeMap<String, f64>,
    /// Groups that dynamic sampling has replaced.
    pub replaced_groups: u64,
    /// Updates that were not made, since loss or gradient was not finite.
    pub skipped_updates: u64,
    /// Steps done.
    pub steps: u64,
    /// Response tokens.
    pub tokens: u64,
}

/// A line of the `problem_history.jsonl` of an `rl` stage: how a problem that was asked has fared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemHistory {
    /// Rollouts found correct.
    pub correct: u64,
    /// Groups of rollouts that answered it.
    pub groups: u64,
    /// The problem's id in its file.
    pub id: String,
    /// Rollouts with a verdict.
    pub judged: u64,
    /// Step of the last group, counted from 1.
    pub last_step: u64,
    /// Groups in a row, up to the last, in which every rollout was correct.
    pub solved_in_a_row: u64,
}

impl RlRecord {
    /// The kind of stage that writes it, as recipes and the lock name it.
    pub const KIND: &str = "rl";

    /// Steps done when it was written.
    pub fn step(&self) -> u64 {
        match self {
            RlRecord::Step(step) => step.step,
            RlRecord::HeldOut(record) => record.step,
        }
    }

    /// Whether it is of an evaluation.
    pub fn is_held_out(&self) -> bool {
        matches!(self, RlRecord::HeldOut(_))
    }
}

/// By its keys: the line of an evaluation has `held_out`.
impl<'de> Deserialize<'de> for RlRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RlRecord, D::Error> {
        let line = Value::deserialize(deserializer)?;
        if line.get("held_out").is_some() {
            return HeldOutRecord::deserialize(line).map(RlRecord::HeldOut).map_err(D::Error::custom);
        }
        RlStep::deserialize(line).map(|step| RlRecord::Step(Box::new(step))).map_err(D::Error::custom)
    }
}
