//! Masking of failed verdicts: what a rollout without a reward does in the loss.
//!
//! A verifier or a reward plugin may fail on a rollout: it is out of fuel, it traps, or its answer breaks the contract.
//! That is not a judgement of the response, so by default the rollout is masked, which takes three places:
//!
//! 1. [`FailedRollouts::reward`] gives it no reward (`None`), here;
//! 2. [`super::algorithm::advantage`] leaves it out of its group's statistics, and its advantages are 0;
//! 3. [`token_weights`] gives its tokens the weight 0, here, so that they are in no sum of the loss and in none of the
//!    numbers that sums are divided by.
//!
//! How many rollouts of a step were masked is `masked` in its record, and why is `failures`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a rollout without a reward does in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailedRollouts {
    /// Leave it out of the loss and of its group's statistics.
    #[default]
    Mask,
    /// Count it as a reward of 0.
    Zero,
}

impl FailedRollouts {
    /// The reward of a rollout on which the verifier or the reward has failed; `None` masks it.
    pub fn reward(self) -> Option<f64> {
        match self {
            FailedRollouts::Mask => None,
            FailedRollouts::Zero => Some(0.0),
        }
    }
}

/// Rollouts of `rewards` that are masked.
pub fn masked(rewards: &[Option<f64>]) -> usize {
    rewards.iter().filter(|reward| reward.is_none()).count()
}

/// Weights of the `length` tokens of a rollout of this reward, where a token that is not masked has `weight`.
pub fn token_weights(reward: Option<f64>, weight: f64, length: usize) -> Vec<f32> {
    let own = if reward.is_none() { 0.0 } else { weight as f32 };
    vec![own; length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_rollout_has_no_reward_and_no_weight_and_one_of_zero_has_both() {
        let (mask, zero) = (FailedRollouts::Mask.reward(), FailedRollouts::Zero.reward());
        assert_eq!((mask, zero), (None, Some(0.0)));
        assert_eq!((token_weights(mask, 0.5, 2), token_weights(zero, 0.5, 2)), (vec![0.0; 2], vec![0.5; 2]));
        assert_eq!(masked(&[mask, zero, Some(1.0)]), 1);
    }
}
