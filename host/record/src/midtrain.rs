//! What a `midtrain` stage writes.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::nan;

/// A line of the `metrics.jsonl` of a `midtrain` stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is a step, and records are handled one at a time")]
pub enum MidtrainRecord {
    /// The line of step 0, where there is something to measure on.
    Start(MidtrainStart),
    /// The line of a step.
    Step(MidtrainStep),
}

/// The loss before the first step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MidtrainStart {
    /// Mean loss on the held-out documents, in nats per token.
    #[serde(deserialize_with = "nan::number")]
    pub held_out_loss: f64,
    /// Always 0.
    pub step: u64,
    /// When it was written, in seconds since 1970.
    pub time: f64,
    /// Always 0.
    pub tokens: u64,
}

/// One update. Fields stand in the order of the line, which is alphabetical.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MidtrainStep {
    /// Sources that have been read `max_epochs` times and give no more; the key is absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capped_sources: Vec<String>,
    /// Norm of the gradient over all parameters, before it is clipped; absent where it or the loss is not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// Mean loss on the held-out documents after this step, in nats per token; absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_loss: Option<f64>,
    /// The learning rate of this update.
    pub learning_rate: f64,
    /// Mean loss of the tokens that the batch predicts, in nats per token; absent where it is not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// By source: the weight that the mixture policy gave it at this step.
    #[serde(deserialize_with = "nan::numbers")]
    pub mixture: BTreeMap<String, f64>,
    /// Share of the peak of the hardware that the model's own operations reached; absent where the peak is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_flops_utilisation: Option<f64>,
    /// Most memory held so far in bytes: of the GPU, or of the process on the CPU; absent where it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
    /// By source: its share of all sequences drawn so far.
    #[serde(deserialize_with = "nan::numbers")]
    pub realised_share: BTreeMap<String, f64>,
    /// Why the update was not made; absent where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// Updates of the stage so far that were not made; only beside `skipped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_steps: Option<u64>,
    /// By source: mean loss of the tokens that its sequences predict, in nats per token. Sources without a sequence in
    /// the batch are left out; absent where the loss is not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_loss: Option<BTreeMap<String, f64>>,
    /// Steps done, counted from 1.
    pub step: u64,
    /// When it was written, in seconds since 1970.
    pub time: f64,
    /// Tokens seen by the stage so far.
    pub tokens: u64,
    /// Speed of this step.
    pub tokens_per_second: f64,
}

/// `results.json` of a `midtrain` stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MidtrainResults {
    /// Loss on the held-out documents at the end, in nats per token; `null` without held-out documents.
    pub held_out_loss: Option<f64>,
    /// The same before the first step.
    pub held_out_loss_before: Option<f64>,
    /// Loss of the last update that was made, in nats per token; `null` where none was.
    pub loss: Option<f64>,
    /// Updates that were not made.
    pub skipped_steps: u64,
    /// Steps done.
    pub steps: u64,
    /// Tokens seen.
    pub tokens: u64,
}

impl MidtrainRecord {
    /// The kind of stage that writes it, as recipes and the lock name it.
    pub const KIND: &str = "midtrain";

    /// Steps done when it was written.
    pub fn step(&self) -> u64 {
        match self {
            MidtrainRecord::Start(start) => start.step,
            MidtrainRecord::Step(step) => step.step,
        }
    }

    /// Tokens seen when it was written.
    pub fn tokens(&self) -> u64 {
        match self {
            MidtrainRecord::Start(start) => start.tokens,
            MidtrainRecord::Step(step) => step.tokens,
        }
    }

    /// Loss on the held-out documents, where it was measured.
    pub fn held_out_loss(&self) -> Option<f64> {
        match self {
            MidtrainRecord::Start(start) => Some(start.held_out_loss),
            MidtrainRecord::Step(step) => step.held_out_loss,
        }
    }
}

/// By its step: steps are counted from 1, so a line of step 0 is the one before them.
impl<'de> Deserialize<'de> for MidtrainRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<MidtrainRecord, D::Error> {
        let line = Value::deserialize(deserializer)?;
        if line["step"] == 0 {
            return MidtrainStart::deserialize(line).map(MidtrainRecord::Start).map_err(D::Error::custom);
        }
        MidtrainStep::deserialize(line).map(MidtrainRecord::Step).map_err(D::Error::custom)
    }
}
