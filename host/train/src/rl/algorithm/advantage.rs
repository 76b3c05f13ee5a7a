//! Group-relative advantages (GRPO): a rollout is judged against the others of the same prompt.
//!
//! (r − mean) ÷ (std + 1e-6) with the unbiased deviation, as OctoThinker's trainer has it. A rollout without a reward
//! (its verifier or reward failed, see [`crate::rl::masking`]) is left out of its group's statistics. A group whose
//! rewards are all equal, up to [rounding](super::rounding), has advantages of exactly 0 and no gradient.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Outcomes;

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

/// One advantage per rollout, in order; 0 for rollouts without a reward and in groups that do not vary.
pub fn group_relative(outcomes: &Outcomes<'_>) -> Vec<f64> {
    let totals = outcomes.totals();
    let mut advantages = Vec::with_capacity(totals.len());
    for (number, group) in totals.chunks(outcomes.group_size.max(1)).enumerate() {
        if !outcomes.varies(number) {
            advantages.extend(group.iter().map(|_| 0.0));
            continue;
        }
        let present: Vec<f64> = group.iter().flatten().map(|total| total.value).collect();
        let count = present.len() as f64;
        let mean = present.iter().sum::<f64>() / count;
        let variance = present.iter().map(|reward| (reward - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let divisor = match outcomes.scale {
            AdvantageScale::Grpo => variance.sqrt() + 1e-6,
            AdvantageScale::MeanCentred => 1.0,
        };
        advantages.extend(group.iter().map(|total| total.map_or(0.0, |total| (total.value - mean) / divisor)));
    }
    advantages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rl::algorithm::rounding::{Penalty, Rounded};

    fn close(left: &[f64], right: &[f64]) {
        assert_eq!(left.len(), right.len());
        assert!(left.iter().zip(right).all(|(l, r)| (l - r).abs() < 1e-5), "{left:?} is not {right:?}");
    }

    fn advantages(
        rewards: &[Option<f64>],
        penalties: Option<&[Penalty]>,
        group_size: usize,
        scale: AdvantageScale,
    ) -> Vec<f64> {
        let rewards: Vec<Option<Rounded>> =
            rewards.iter().map(|reward| reward.map(|reward| Rounded::sum(reward, 0.0))).collect();
        let lengths = vec![1; rewards.len()];
        group_relative(&Outcomes { group_size, rewards: &rewards, lengths: &lengths, penalties, scale })
    }

    fn grpo(rewards: &[Option<f64>], group_size: usize) -> Vec<f64> {
        advantages(rewards, None, group_size, AdvantageScale::Grpo)
    }

    #[test]
    fn the_deviation_is_the_unbiased_one() {
        // mean 0.25, unbiased deviation 0.5
        close(&grpo(&[Some(1.0), Some(0.0), Some(0.0), Some(0.0)], 4), &[1.5, -0.5, -0.5, -0.5]);
    }

    #[test]
    fn equal_rewards_give_exactly_zero() {
        let found = grpo(&[Some(0.1), Some(0.1), Some(0.1), Some(1.0), Some(-1.0), Some(0.1)], 3);
        assert_eq!(found[..3], [0.0, 0.0, 0.0]);
        assert!(found[3] > 0.0 && found[4] < 0.0);
    }

    #[test]
    fn rewards_that_differ_by_rounding_alone_are_equal_and_small_differences_stay() {
        let (one, other) = (0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1);
        assert!(one != other);
        for scale in [AdvantageScale::Grpo, AdvantageScale::MeanCentred] {
            assert_eq!(advantages(&[Some(one), Some(other), None], None, 3, scale), [0.0; 3], "{scale:?}");
        }
        // A part in a million is paid for by its own small share, as the 1e-6 of the formula has it.
        let found = grpo(&[Some(1.0), Some(1.0 + 1e-6)], 2);
        let expected = 0.5e-6 / (1e-6 / f64::sqrt(2.0) + 1e-6);
        assert!((found[1] - expected).abs() < 1e-9 && (found[0] + expected).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn a_divergence_within_its_rounding_takes_no_part_and_one_beyond_it_does() {
        let taken = |tokens: [f64; 2], bound| tokens.map(|token| Penalty { of_tokens: vec![token], bound });
        let zero = [Some(0.0), Some(0.0)];
        let with = |rewards: &[Option<f64>], penalties: &[Penalty]| {
            advantages(rewards, Some(penalties), 2, AdvantageScale::Grpo)
        };
        assert_eq!(with(&zero, &taken([1e-9, 3e-9], 1e-9)), [0.0, 0.0]);
        let found = with(&zero, &taken([1e-9, 3.1e-9], 1e-9));
        assert!(found[0] > 0.0 && found[1] < 0.0, "{found:?}");
        // Rewards that differ are learnt from, whatever stands beside them.
        let found = with(&[Some(1.0), Some(0.0)], &taken([0.3, 0.4], 5.0));
        close(&found, &[0.55 / (1.1 / f64::sqrt(2.0)), -0.55 / (1.1 / f64::sqrt(2.0))]);
    }

    #[test]
    fn masked_rollouts_leave_the_statistics() {
        let with = grpo(&[Some(1.0), None, Some(0.0)], 3);
        let without = grpo(&[Some(1.0), Some(0.0)], 2);
        close(&with, &[without[0], 0.0, without[1]]);
        assert_eq!(grpo(&[Some(1.0), None, None], 3), [0.0; 3]);
    }

    #[test]
    fn centring_alone_keeps_the_spread() {
        close(&advantages(&[Some(3.0), Some(1.0)], None, 2, AdvantageScale::MeanCentred), &[1.0, -1.0]);
    }
}
