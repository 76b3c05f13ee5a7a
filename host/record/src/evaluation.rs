//! Evaluations: greedy ones as `rl` goes on, and those of an `eval` stage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::{FailureKind, Outcome};

/// What came of the responses to a set of problems. Fields stand in the order of the object, which is alphabetical.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Share of responses that the verifier found correct among all, failures included: 0 to 1.
    pub accuracy: f64,
    /// Share of responses that the length limit cut.
    pub clipped: f64,
    /// Mean tokens of the correct responses; `null` where there are none.
    pub correct_length: Option<f64>,
    /// Responses without a verdict, by why.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Responses with a verdict, by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Problems that were asked.
    pub problems: u64,
    /// Share of responses that end in a loop.
    pub repetition: f64,
    /// Mean tokens of a response, the end token included.
    pub response_length: f64,
}

/// The mean over several named sets, in which sets weigh alike whatever their sizes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvaluationMean {
    /// Mean of the sets' accuracies, 0 to 1.
    pub accuracy: f64,
    /// Problems of all sets.
    pub problems: u64,
    /// Mean of the sets' mean response lengths, in tokens.
    pub response_length: f64,
}

/// A line of `metrics.jsonl` for an evaluation: in `rl` one for each held-out set, in `eval` the only one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOutRecord {
    /// What came of it.
    pub held_out: Evaluation,
    /// The set's name; absent where the recipe names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// Steps done before it; 0 in `eval`.
    pub step: u64,
}

/// The last evaluation of an `rl` stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeldOutSummary {
    /// Of the one set.
    One(Evaluation),
    /// Of several sets together.
    Mean(EvaluationMean),
}

/// `results.json` of an `eval` stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvalResults {
    /// As [`Evaluation::accuracy`], over all attempts.
    pub accuracy: f64,
    /// Attempts at each problem; absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// As [`Evaluation::clipped`].
    pub clipped: f64,
    /// As [`Evaluation::correct_length`].
    pub correct_length: Option<f64>,
    /// As [`Evaluation::failures`].
    pub failures: BTreeMap<FailureKind, u64>,
    /// As [`Evaluation::outcomes`].
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Problems that were left out since their prompts are longer than `max_prompt_tokens`.
    pub overlong_prompts: u64,
    /// By k in decimal digits: mean over problems of the chance that one of k attempts is correct, by the unbiased
    /// estimate of Chen et al. (2021); absent where there is one attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_at: Option<BTreeMap<String, f64>>,
    /// As [`Evaluation::problems`].
    pub problems: u64,
    /// As [`Evaluation::repetition`].
    pub repetition: f64,
    /// As [`Evaluation::response_length`].
    pub response_length: f64,
}

impl EvalResults {
    /// The kind of stage that writes it, as recipes and the lock name it.
    pub const KIND: &str = "eval";

    /// The results of an evaluation of one attempt at each problem.
    pub fn new(evaluation: Evaluation, overlong_prompts: u64) -> EvalResults {
        let Evaluation { accuracy, clipped, correct_length, failures, outcomes, problems, repetition, response_length } =
            evaluation;
        EvalResults {
            accuracy,
            attempts: None,
            clipped,
            correct_length,
            failures,
            outcomes,
            overlong_prompts,
            pass_at: None,
            problems,
            repetition,
            response_length,
        }
    }
}
