//! RLOO (Ahmadian et al., arXiv 2402.14740): REINFORCE in which the baseline of a rollout is the mean reward of the
//! others of its prompt.
//!
//! A response is one action: its log-probability is the sum over its tokens. That sum, divided by the longest response
//! allowed, is the fixed-length aggregation; the constant changes no direction. At a step's first update the gradient
//! is the paper's; further ones are held by PPO's clip, which the paper, on-policy, does not need.

use super::aggregation::Aggregation;
use super::loss::ImportanceRatio;
use super::{Algorithm, Outcomes};

pub(super) const RLOO: Algorithm = Algorithm {
    advantages,
    scale: None,
    ratio: ImportanceRatio::Token,
    clip: (0.2, 0.2),
    aggregation: Aggregation::FixedLength,
    dynamic_sampling: false,
};

fn advantages(outcomes: &Outcomes<'_>) -> Vec<Vec<f64>> {
    let mut advantages = Vec::with_capacity(outcomes.rewards.len());
    for (number, group) in outcomes.totals().chunks(outcomes.group_size.max(1)).enumerate() {
        let present: Vec<f64> = group.iter().flatten().map(|total| total.value).collect();
        let varies = outcomes.varies(number);
        let (sum, others) = (present.iter().sum::<f64>(), present.len() as f64 - 1.0);
        advantages.extend(group.iter().map(|total| match total {
            Some(total) if varies => total.value - (sum - total.value) / others,
            _ => 0.0,
        }));
    }
    outcomes.spread(&advantages)
}
