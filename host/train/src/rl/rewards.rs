//! From verdicts to rewards, through the reward plugins.
//!
//! The plugin sees whole groups, less the rollouts whose verifier failed: it has no verdict to go by there. A rollout
//! that fails here or there has no reward, and what that means for the loss is the recipe's choice
//! ([`super::masking`]), never a silent 0.

use std::collections::{BTreeMap, BTreeSet};

use octo_model::Finish;
use octo_plugin::types::{self, FinishReason, Progress};
use octo_plugin::{Failure, RewardSum};
use octo_record::FailureKind;

use super::algorithm::rounding::Rounded;
use super::masking::{self, FailedRollouts};
use crate::generation::prompts::Prompt;
use crate::generation::rollouts::Rollout;
use crate::generation::verification::attempt;
use crate::measuring::verdicts::recorded_failure;

/// Distinct parts that a run draws one by one, each a curve of its report. A plugin that makes up more has the rest
/// averaged together, under [`OTHERS`], so that metrics stay small whatever it names.
const MOST_PARTS: usize = 64;

/// The name of all parts beyond [`MOST_PARTS`].
const OTHERS: &str = "(others)";

/// What the reward plugin gave a rollout; `None` where it was not asked, since the verifier had failed.
pub type Scored = Option<Result<types::Reward, Failure>>;

/// The rewards of a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rewards {
    /// One per rollout, in order; `None` is masked.
    pub totals: Vec<Option<f64>>,
    /// Sum of the magnitudes of the parts of each rollout's reward: what its rounding is relative to.
    pub magnitudes: Vec<f64>,
    /// The parts of each rollout's reward.
    pub own_parts: Vec<BTreeMap<String, f64>>,
    /// Mean of every part over the rollouts that have it.
    pub parts: BTreeMap<String, f64>,
    /// Failures of the reward plugin, one per failed rollout.
    pub failures: Vec<FailureKind>,
}

impl Rewards {
    /// Puts together what the plugin gave. `names` are the parts that the run has met so far, and grow.
    pub fn gather(scored: Vec<Scored>, failed: FailedRollouts, names: &mut BTreeSet<String>) -> Rewards {
        let mut found = Rewards::default();
        let mut sums: BTreeMap<String, (f64, u64)> = BTreeMap::new();
        for scored in scored {
            let (mut total, mut magnitude) = (failed.reward(), 0.0);
            // Values by the names that they count under: several of one rollout may be among the others.
            let mut own: BTreeMap<String, (f64, u64)> = BTreeMap::new();
            match scored {
                Some(Ok(reward)) => {
                    total = Some(reward.total);
                    for part in reward.parts {
                        magnitude += part.value.abs();
                        let name = counted_as(names, part.name);
                        for (sum, count) in [sums.entry(name.clone()).or_default(), own.entry(name).or_default()] {
                            *sum += part.value;
                            *count += 1;
                        }
                    }
                }
                Some(Err(failure)) => {
                    found.failures.push(recorded_failure(failure.kind));
                }
                None => {}
            }
            found.totals.push(total);
            found.magnitudes.push(magnitude);
            found.own_parts.push(means(own));
        }
        found.parts = means(sums);
        found
    }

    /// Mean over the rollouts that have a reward; `None` if none has.
    pub fn mean(&self) -> Option<f64> {
        let present: Vec<f64> = self.totals.iter().flatten().copied().collect();
        (!present.is_empty()).then(|| present.iter().sum::<f64>() / present.len() as f64)
    }

    /// The reward of the rollout `index`, with the bound of its rounding.
    pub fn rounded(&self, index: usize) -> Option<Rounded> {
        Some(Rounded::sum(self.totals[index]?, self.magnitudes[index]))
    }

    /// Rollouts without a reward.
    pub fn masked(&self) -> usize {
        masking::masked(&self.totals)
    }
}

fn means(sums: BTreeMap<String, (f64, u64)>) -> BTreeMap<String, f64> {
    sums.into_iter().map(|(name, (sum, count))| (name, sum / count as f64)).collect()
}

/// Scores `rollouts`, of which every `group_size` in a row answer the same prompt; `first_group` is the first one's
/// number within the step.
pub fn score(
    reward: &RewardSum,
    at: &Progress,
    prompts: &[&Prompt],
    rollouts: &[Rollout],
    group_size: usize,
    first_group: usize,
) -> Vec<Scored> {
    let mut indices = Vec::with_capacity(rollouts.len());
    let mut judged = Vec::with_capacity(rollouts.len());
    for (index, (prompt, rollout)) in prompts.iter().zip(rollouts).enumerate() {
        if let Ok(verdict) = &rollout.verdict {
            indices.push(index);
            judged.push(types::Rollout {
                attempt: attempt(&prompt.problem, &rollout.text),
                verdict: verdict.clone(),
                group: (first_group + index / group_size.max(1)) as u32,
                tokens: rollout.response.tokens.len() as u32,
                finish: if rollout.response.finish == Finish::Stop { FinishReason::Stop } else { FinishReason::Length },
            });
        }
    }
    let mut scored: Vec<Scored> = (0..rollouts.len()).map(|_| None).collect();
    let mut failed = false;
    for (index, found) in indices.into_iter().zip(reward.score(at, &judged)) {
        // Masked rollouts are counted by kind alone; which plugin it was and why is reported once per chunk.
        if let (false, Err(failure)) = (failed, &found) {
            tracing::warn!("the reward of rollout {index} failed: {failure}");
            failed = true;
        }
        scored[index] = Some(found);
    }
    scored
}

/// The name that a part is counted under.
fn counted_as(names: &mut BTreeSet<String>, part: String) -> String {
    if names.contains(&part) {
        return part;
    }
    if names.len() < MOST_PARTS {
        names.insert(part.clone());
        return part;
    }
    if names.insert(OTHERS.to_owned()) {
        tracing::warn!("the reward plugin names more than {MOST_PARTS} parts; further ones are averaged as `{OTHERS}`");
    }
    OTHERS.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_beyond_the_most_are_counted_together_for_the_rest_of_the_run() {
        let mut names = BTreeSet::new();
        for part in 0..2 * MOST_PARTS {
            let name = format!("part {part}");
            let expected = if part < MOST_PARTS { name.as_str() } else { OTHERS };
            assert_eq!(counted_as(&mut names, name.clone()), expected);
        }
        assert_eq!(names.len(), MOST_PARTS + 1);
        assert_eq!(counted_as(&mut names, "part 0".to_owned()), "part 0");
        assert_eq!(counted_as(&mut names, "part 100".to_owned()), OTHERS);
    }

    #[test]
    fn a_failed_reward_is_masked_or_zero_and_never_in_a_mean() {
        let reward = |total: f64, parts: &[(&str, f64)]| {
            let parts = parts.iter().map(|(name, value)| types::RewardPart { name: (*name).to_owned(), value: *value });
            Some(Ok(types::Reward { total, parts: parts.collect() }))
        };
        let failure = Failure { kind: octo_plugin::FailureKind::Trap, message: String::new() };
        let scored =
            vec![reward(1.0, &[("outcome", 1.0)]), Some(Err(failure)), None, reward(-1.0, &[("outcome", -1.0)])];
        let masked = Rewards::gather(scored.clone(), FailedRollouts::Mask, &mut BTreeSet::new());
        assert_eq!(masked.totals, [Some(1.0), None, None, Some(-1.0)]);
        assert_eq!((masked.mean(), masked.masked()), (Some(0.0), 2));
        assert_eq!(masked.failures, [FailureKind::Trap]);
        let nothing = Rewards::gather(vec![None, None], FailedRollouts::Mask, &mut BTreeSet::new());
        assert_eq!((nothing.mean(), nothing.masked()), (None, 2), "a mean of nothing is not 0");
        assert_eq!((masked.rounded(0), masked.rounded(1)), (Some(Rounded::sum(1.0, 1.0)), None));
        assert_eq!(masked.own_parts[0], BTreeMap::from([("outcome".to_owned(), 1.0)]));
        assert_eq!((masked.own_parts[1].len(), masked.parts["outcome"]), (0, 0.0));
        let zeroed = Rewards::gather(scored, FailedRollouts::Zero, &mut BTreeSet::new());
        assert_eq!(zeroed.totals, [Some(1.0), Some(0.0), Some(0.0), Some(-1.0)]);
    }
}
