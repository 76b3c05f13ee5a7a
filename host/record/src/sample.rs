//! Responses for people to read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::{FailureKind, Finish, Outcome, Pick, Split};

/// A line of `samples.jsonl`: a response with its verdict. Fields stand in the order of the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Of a training rollout the step that it was made in, counted from 1; of an evaluation the steps done before it.
    pub step: u64,
    /// What it was made for.
    pub split: Split,
    /// The held-out set that the problem is of; absent where it has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// Why it was picked; absent in evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<Pick>,
    /// The problem's id in its file.
    pub id: String,
    /// The problem.
    pub problem: String,
    /// The response as text.
    pub response: String,
    /// The answers that are right.
    pub references: Vec<String>,
    /// The verdict; `null` where the verifier failed.
    pub outcome: Option<Outcome>,
    /// The answer that the verifier found in the response.
    pub extracted: Option<String>,
    /// The verifier's reason; `null` where it failed.
    pub reason: Option<String>,
    /// Why the verifier failed; `null` where it did not.
    pub failure: Option<FailureKind>,
    /// The plugin's or the sandbox's words about the failure; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_message: Option<String>,
    /// Its reward; `null` in evaluations and where the rollout is masked.
    pub reward: Option<f64>,
    /// By part of the reward; absent in evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reward_parts: Option<BTreeMap<String, f64>>,
    /// Tokens of the response, the end token included.
    pub tokens: u64,
    /// The tokens, as numbers of the model's vocabulary.
    pub token_ids: Vec<u32>,
    /// How it ended.
    pub finish: Finish,
}
