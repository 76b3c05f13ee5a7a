//! What came of a set of rollouts, counted.

use std::collections::BTreeMap;

use octo_model::Finish;
use octo_record::{Evaluation, FailureKind, Outcome};

use super::repetition::ends_in_a_loop;
use super::verdicts::{recorded_failure, recorded_outcome};
use crate::generation::rollouts::Rollout;

/// Counts over rollouts; every rollout ends as one outcome or as one failure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    rollouts: u64,
    tokens: u64,
    correct_tokens: u64,
    clipped: u64,
    looped: u64,
    log_probability: f64,
    outcomes: BTreeMap<Outcome, u64>,
    failures: BTreeMap<FailureKind, u64>,
}

impl Tally {
    /// The counts of `rollouts`.
    pub fn of<'a>(rollouts: impl IntoIterator<Item = &'a Rollout>) -> Tally {
        let mut tally = Tally::default();
        rollouts.into_iter().for_each(|rollout| tally.add(rollout));
        tally
    }

    /// Counts one more rollout.
    pub fn add(&mut self, rollout: &Rollout) {
        let tokens = rollout.response.tokens.len() as u64;
        self.rollouts += 1;
        self.tokens += tokens;
        self.clipped += u64::from(matches!(rollout.response.finish, Finish::Length));
        // The token that ended a response is not part of what it repeats.
        let tail = usize::from(rollout.response.finish == Finish::Stop);
        let body = rollout.response.tokens.len().saturating_sub(tail);
        self.looped += u64::from(ends_in_a_loop(&rollout.response.tokens[..body]));
        self.log_probability += rollout.response.log_probabilities.iter().map(|p| f64::from(*p)).sum::<f64>();
        match &rollout.verdict {
            Ok(verdict) => {
                let outcome = recorded_outcome(verdict.outcome);
                *self.outcomes.entry(outcome).or_default() += 1;
                if outcome == Outcome::Correct {
                    self.correct_tokens += tokens;
                }
            }
            Err(failure) => self.add_failure(recorded_failure(failure.kind)),
        }
    }

    /// Counts a failure of the reward, after the verifier's verdict, of a rollout counted already.
    pub fn add_failure(&mut self, kind: FailureKind) {
        *self.failures.entry(kind).or_default() += 1;
    }

    /// Rollouts counted.
    pub fn rollouts(&self) -> u64 {
        self.rollouts
    }

    /// Response tokens of all of them.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Rollouts that the verifier found correct.
    pub fn correct(&self) -> u64 {
        self.outcomes.get(&Outcome::Correct).copied().unwrap_or(0)
    }

    /// Share of correct ones among all, failures included.
    pub fn accuracy(&self) -> f64 {
        share(self.correct() as f64, self.rollouts)
    }

    /// Mean response length in tokens, the end token included.
    pub fn response_length(&self) -> f64 {
        share(self.tokens as f64, self.rollouts)
    }

    /// Mean response length of correct ones, if there are any.
    pub fn correct_length(&self) -> Option<f64> {
        (self.correct() > 0).then(|| share(self.correct_tokens as f64, self.correct()))
    }

    /// Share of responses that the length limit cut.
    pub fn clipped(&self) -> f64 {
        share(self.clipped as f64, self.rollouts)
    }

    /// Share of responses that end in a loop.
    pub fn repetition(&self) -> f64 {
        share(self.looped as f64, self.rollouts)
    }

    /// Share of rollouts whose verifier or reward failed.
    pub fn failed(&self) -> f64 {
        share(self.failures.values().sum::<u64>() as f64, self.rollouts)
    }

    /// Entropy of the sampling distribution in nats per token, estimated by the mean of −log p over what was sampled.
    pub fn entropy(&self) -> f64 {
        share(-self.log_probability, self.tokens)
    }

    /// Rollouts by outcome.
    pub fn outcomes(&self) -> &BTreeMap<Outcome, u64> {
        &self.outcomes
    }

    /// Failures by kind.
    pub fn failures(&self) -> &BTreeMap<FailureKind, u64> {
        &self.failures
    }

    /// What metrics and results hold of an evaluation of `problems` problems.
    pub fn evaluation(&self, problems: usize) -> Evaluation {
        Evaluation {
            accuracy: self.accuracy(),
            problems: problems as u64,
            response_length: self.response_length(),
            correct_length: self.correct_length(),
            clipped: self.clipped(),
            repetition: self.repetition(),
            outcomes: self.outcomes.clone(),
            failures: self.failures.clone(),
        }
    }
}

fn share(part: f64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::Tally;
    use crate::generation::rollouts::Rollout;
    use octo_model::Finish;
    use octo_model::Response;
    use octo_plugin::types::{Outcome, Verdict};
    use octo_plugin::{Failure, FailureKind};
    use serde_json::json;

    fn rollout(tokens: usize, finish: Finish, verdict: Result<Outcome, FailureKind>) -> Rollout {
        Rollout {
            response: Response { tokens: vec![1; tokens], log_probabilities: vec![-0.5; tokens], finish },
            text: String::new(),
            verdict: verdict
                .map(|outcome| Verdict { outcome, extracted: None, reason: String::new() })
                .map_err(|kind| Failure { kind, message: String::new() }),
        }
    }

    #[test]
    fn failures_count_as_rollouts_but_never_as_outcomes() {
        let rollouts = [
            rollout(4, Finish::Stop, Ok(Outcome::Correct)),
            rollout(8, Finish::Length, Ok(Outcome::NoAnswer)),
            rollout(6, Finish::Stop, Err(FailureKind::Fuel)),
            rollout(6, Finish::Stop, Ok(Outcome::Incorrect)),
        ];
        let tally = Tally::of(&rollouts);
        assert_eq!(tally.accuracy(), 0.25);
        assert_eq!((tally.response_length(), tally.correct_length(), tally.clipped()), (6.0, Some(4.0), 0.25));
        assert_eq!((tally.entropy(), tally.failed(), tally.repetition()), (0.5, 0.25, 0.0));
        let looped =
            [rollout(30, Finish::Length, Ok(Outcome::NoAnswer)), rollout(20, Finish::Stop, Ok(Outcome::Correct))];
        assert_eq!(Tally::of(&looped).repetition(), 0.5, "of the second, the end token does not count");
        let expected = json!({"correct": 1, "incorrect": 1, "no-answer": 1});
        let evaluation = json!(tally.evaluation(4));
        assert_eq!(evaluation["outcomes"], expected);
        assert_eq!(evaluation["failures"], json!({"fuel": 1}));
    }

    #[test]
    fn nothing_counted_gives_numbers_all_the_same() {
        let tally = Tally::default();
        assert_eq!((tally.accuracy(), tally.entropy(), tally.correct_length()), (0.0, 0.0, None));
    }
}
