//! From verdicts to rewards, through the reward plugins.
//!
//! The plugin sees whole groups, less the rollouts whose verifier failed: it has no verdict to go by there. A rollout
//! that fails here or there has no reward, and what that means for the loss is the recipe's choice, never a silent 0.

use std::collections::{BTreeMap, BTreeSet};

use octo_model::Finish;
use octo_plugin::RewardSum;
use octo_plugin::types::{self, FinishReason, Progress};
use serde::{Deserialize, Serialize};

use crate::rollout::{Prompt, Rollout, attempt};

/// Distinct parts that a run draws one by one, each a curve of its report. A plugin that makes up more has the rest
/// averaged together, under [`OTHERS`], so that metrics stay small whatever it names.
const MOST_PARTS: usize = 64;

/// The name of all parts beyond [`MOST_PARTS`].
const OTHERS: &str = "(others)";

/// What a rollout without a reward does in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailedRollouts {
    /// Leaves it, and its group's statistics.
    #[default]
    Mask,
    /// Counts as a reward of 0.
    Zero,
}

/// The rewards of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Rewards {
    /// One a rollout, in order; `None` is masked.
    pub totals: Vec<Option<f64>>,
    /// Mean of every part over the rollouts that have it.
    pub parts: BTreeMap<String, f64>,
    /// Failures of the reward plugin, one kind a failed rollout.
    pub failures: Vec<&'static str>,
}

impl Rewards {
    /// Mean over the rollouts that have a reward; 0 if none has.
    pub fn mean(&self) -> f64 {
        let present: Vec<f64> = self.totals.iter().flatten().copied().collect();
        if present.is_empty() { 0.0 } else { present.iter().sum::<f64>() / present.len() as f64 }
    }

    /// Rollouts without a reward.
    pub fn masked(&self) -> usize {
        self.totals.iter().filter(|total| total.is_none()).count()
    }
}

/// Scores `rollouts`, of which every `group_size` in a row answer the same prompt. `names` are the parts that the run
/// has met so far, and grow.
pub fn score(
    reward: &RewardSum,
    at: &Progress,
    prompts: &[&Prompt],
    rollouts: &[Rollout],
    group_size: usize,
    failed: FailedRollouts,
    names: &mut BTreeSet<String>,
) -> Rewards {
    let mut indices = Vec::with_capacity(rollouts.len());
    let mut judged = Vec::with_capacity(rollouts.len());
    for (index, (prompt, rollout)) in prompts.iter().zip(rollouts).enumerate() {
        if let Ok(verdict) = &rollout.verdict {
            indices.push(index);
            judged.push(types::Rollout {
                attempt: attempt(&prompt.problem, &rollout.text),
                verdict: verdict.clone(),
                group: (index / group_size.max(1)) as u32,
                tokens: rollout.response.tokens.len() as u32,
                finish: if rollout.response.finish == Finish::Stop { FinishReason::Stop } else { FinishReason::Length },
            });
        }
    }
    let without = (failed == FailedRollouts::Zero).then_some(0.0);
    let mut totals = vec![without; rollouts.len()];
    let mut parts: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    let mut failures = Vec::new();
    for (index, scored) in indices.into_iter().zip(reward.score(at, &judged)) {
        match scored {
            Ok(reward) => {
                totals[index] = Some(reward.total);
                for part in reward.parts {
                    let (sum, count) = parts.entry(counted_as(names, part.name)).or_default();
                    *sum += part.value;
                    *count += 1;
                }
            }
            Err(failure) => {
                // Masked rollouts are counted by kind alone; which plugin it was and why is said once a step.
                if failures.is_empty() {
                    tracing::warn!("the reward of rollout {index} failed: {failure}");
                }
                failures.push(failure.kind.as_str());
            }
        }
    }
    let parts = parts.into_iter().map(|(name, (sum, count))| (name, sum / count as f64)).collect();
    Rewards { totals, parts, failures }
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
}
