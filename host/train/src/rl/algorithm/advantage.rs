//! Group-relative advantages (GRPO): a rollout is judged against the others of the same prompt.
//!
//! (r − mean) ÷ (std + 1e-6) with the unbiased deviation, as OctoThinker's trainer has it. A rollout without a reward
//! (its verifier or reward failed, see [`crate::rl::masking`]) is left out of its group's statistics, and a group whose
//! rewards are all equal has no gradient and is counted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a group's centred rewards are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AdvantageScale {
    /// Divide them by the group's deviation: GRPO.
    #[default]
    Grpo,
    /// Leave them as they are, so that easy and hard prompts weigh by their spread: Dr. GRPO.
    MeanCentred,
}

/// The advantages of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupAdvantages {
    /// One per rollout, in order; 0 for rollouts without a reward.
    pub advantages: Vec<f64>,
    /// Groups in which all rewards are equal or fewer than two are left.
    pub zero_variance_groups: usize,
}

/// Whether the rewards of a group differ. Compared exactly: the mean of equal numbers need not equal them, and
/// 1e-17 ÷ 1e-6 is still a gradient.
pub fn varied(group: &[Option<f64>]) -> bool {
    let mut present = group.iter().flatten();
    let first = present.next();
    present.any(|reward| Some(reward) != first)
}

/// Advantages of `rewards`, of which every `group_size` in a row share a prompt; `None` is a masked rollout.
pub fn group_relative(rewards: &[Option<f64>], group_size: usize, scale: AdvantageScale) -> GroupAdvantages {
    let mut advantages = Vec::with_capacity(rewards.len());
    let mut zero_variance_groups = 0;
    for group in rewards.chunks(group_size.max(1)) {
        let present: Vec<f64> = group.iter().flatten().copied().collect();
        if !varied(group) {
            zero_variance_groups += 1;
            advantages.extend(group.iter().map(|_| 0.0));
            continue;
        }
        let count = present.len() as f64;
        let mean = present.iter().sum::<f64>() / count;
        let variance = present.iter().map(|reward| (reward - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let divisor = match scale {
            AdvantageScale::Grpo => variance.sqrt() + 1e-6,
            AdvantageScale::MeanCentred => 1.0,
        };
        advantages.extend(group.iter().map(|reward| reward.map_or(0.0, |reward| (reward - mean) / divisor)));
    }
    GroupAdvantages { advantages, zero_variance_groups }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: &[f64], right: &[f64]) {
        assert_eq!(left.len(), right.len());
        assert!(left.iter().zip(right).all(|(l, r)| (l - r).abs() < 1e-5), "{left:?} is not {right:?}");
    }

    #[test]
    fn the_deviation_is_the_unbiased_one() {
        // mean 0.25, unbiased deviation 0.5
        let found = group_relative(&[Some(1.0), Some(0.0), Some(0.0), Some(0.0)], 4, AdvantageScale::Grpo);
        close(&found.advantages, &[1.5, -0.5, -0.5, -0.5]);
        assert_eq!(found.zero_variance_groups, 0);
    }

    #[test]
    fn equal_rewards_give_exactly_zero_and_are_counted() {
        let found = group_relative(
            &[Some(0.1), Some(0.1), Some(0.1), Some(1.0), Some(-1.0), Some(0.1)],
            3,
            AdvantageScale::Grpo,
        );
        assert_eq!(found.advantages[..3], [0.0, 0.0, 0.0]);
        assert_eq!(found.zero_variance_groups, 1);
        assert!(found.advantages[3] > 0.0 && found.advantages[4] < 0.0);
    }

    #[test]
    fn masked_rollouts_leave_the_statistics() {
        let with = group_relative(&[Some(1.0), None, Some(0.0)], 3, AdvantageScale::Grpo);
        let without = group_relative(&[Some(1.0), Some(0.0)], 2, AdvantageScale::Grpo);
        close(&with.advantages, &[without.advantages[0], 0.0, without.advantages[1]]);
        let alone = group_relative(&[Some(1.0), None, None], 3, AdvantageScale::Grpo);
        assert_eq!((alone.advantages, alone.zero_variance_groups), (vec![0.0; 3], 1));
    }

    #[test]
    fn centring_alone_keeps_the_spread() {
        let found = group_relative(&[Some(3.0), Some(1.0)], 2, AdvantageScale::MeanCentred);
        close(&found.advantages, &[1.0, -1.0]);
    }
}
