//! Rollouts for the tests of a reward: only what a reward looks at varies.

use octo_sdk::{Attempt, FinishReason, Outcome, Progress, Rollout, Verdict};

/// Every outcome of a verdict.
pub const OUTCOMES: [Outcome; 4] = [Outcome::Correct, Outcome::Incorrect, Outcome::NoAnswer, Outcome::Unparsable];

/// A rollout of group 0 with this outcome, length, end and response.
#[must_use]
pub fn rollout(outcome: Outcome, tokens: u32, finish: FinishReason, response: &str) -> Rollout {
    Rollout {
        attempt: Attempt {
            problem: "1 + 1".into(),
            response: response.into(),
            references: vec!["2".into()],
            fields: vec![],
        },
        verdict: Verdict { outcome, extracted: None, reason: "given".into() },
        group: 0,
        tokens,
        finish,
    }
}

/// The first step of a stage, without metrics.
#[must_use]
pub fn progress() -> Progress {
    Progress { stage: "rl".into(), step: 0, total_steps: 1, tokens: 0, total_tokens: 0, metrics: vec![] }
}
