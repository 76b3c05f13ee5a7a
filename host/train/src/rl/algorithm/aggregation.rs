//! How the losses of tokens become the loss of a mini-batch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a mini-batch's loss is a mean of. Masked rollouts are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregation {
    /// Mean of tokens: all weigh the same, so a long response weighs more than a short one (DAPO, OctoThinker).
    Token,
    /// Mean of responses, each the mean of its tokens (the GRPO paper, GSPO).
    Sequence,
    /// Mean of responses, each the sum of its tokens divided by the longest response allowed (Dr. GRPO). That is the
    /// recipe's `max_response_tokens` and not the schedule's limit of the step, or each stair would lower the learning
    /// rate.
    FixedLength,
}

impl Aggregation {
    /// Weight of each token of a response of `length` tokens where `limit` are allowed.
    pub fn token_weight(self, length: usize, limit: usize) -> f64 {
        match self {
            Aggregation::Token => 1.0,
            Aggregation::Sequence => 1.0 / length.max(1) as f64,
            Aggregation::FixedLength => 1.0 / limit.max(1) as f64,
        }
    }

    /// What the weighted sum over a mini-batch is divided by; `lengths` are those of its unmasked responses.
    pub fn divisor(self, lengths: impl Iterator<Item = usize>) -> f64 {
        match self {
            Aggregation::Token => lengths.sum::<usize>() as f64,
            Aggregation::Sequence | Aggregation::FixedLength => lengths.filter(|length| *length > 0).count() as f64,
        }
    }
}
