//! The policy-gradient losses over single tokens: GRPO's and all others'.
//!
//! They know weights and advantages of tokens and nothing of groups, rewards or masks: an algorithm fills those in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

/// Which ratio of new to old probability the loss has, and how its clip acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportanceRatio {
    /// Each token's ratio, held within its bounds where that lowers the gain (PPO).
    Token,
    /// The ratio of the whole response, the geometric mean over its tokens, held within its bounds likewise (GSPO).
    Sequence,
    /// Each token's ratio, held within its bounds and detached, as the weight of the log-probability (CISPO).
    Detached,
}

/// An estimator of the divergence from the reference model (Schulman, "Approximating KL divergence"), with
/// d = log p − log reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KlEstimator {
    /// d: unbiased, noisy. As a loss its gradient is 0 in expectation, so it belongs in the reward.
    K1,
    /// d² ÷ 2: never negative, biased.
    K2,
    /// e^−d − 1 + d: never negative, unbiased.
    #[default]
    K3,
}

impl KlEstimator {
    /// The estimate of every token, from log-probabilities under the policy and the reference: `[n]`.
    pub fn estimate(self, policy: &Tensor, reference: &Tensor) -> Tensor {
        let distance = policy - reference;
        match self {
            KlEstimator::K1 => distance,
            KlEstimator::K2 => distance.square() / 2.0,
            KlEstimator::K3 => distance.neg().exp() - 1.0 + distance,
        }
    }
}

/// Settings of the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyLoss {
    /// Which ratio, and how its clip acts.
    pub ratio: ImportanceRatio,
    /// The ratio is held at 1 − `clip_low` or more.
    pub clip_low: f64,
    /// The ratio is held at 1 + `clip_high` or less.
    pub clip_high: f64,
    /// Weight of the divergence from the reference model in the loss; 0 stands for no such term.
    pub kl_coefficient: f64,
    /// How that divergence is estimated.
    pub kl_estimator: KlEstimator,
}

/// Tokens of one chunk: every tensor is `[n]`, f32, on one device.
pub struct PolicyTokens<'a> {
    /// Log-probabilities under the weights being trained; carries the graph.
    pub log_probabilities: &'a Tensor,
    /// Log-probabilities before the first update. `None`: this is the first update, so they equal the present ones
    /// and need no second forward.
    pub old: Option<&'a Tensor>,
    /// With [`ImportanceRatio::Sequence`] and `old`: the mean over its response of new less old log-probability, at
    /// each token.
    pub sequence: Option<&'a Tensor>,
    /// Log-probabilities under the reference model, where there is a KL term.
    pub reference: Option<&'a Tensor>,
    /// Advantages.
    pub advantages: &'a Tensor,
    /// Weights; 0 leaves a token out.
    pub weights: &'a Tensor,
}

/// A chunk's loss: weighted sums over its tokens, scalars. Only `loss` has a graph.
pub struct PolicyTerms {
    /// Sum of the token losses.
    pub loss: Tensor,
    /// Sum of the weights of tokens that the lower bound has cut.
    pub clipped_low: Tensor,
    /// Sum of the weights of tokens that the upper bound has cut.
    pub clipped_high: Tensor,
    /// Sum of the divergence of the policy from the one before the first update (k3).
    pub policy_kl: Tensor,
    /// Sum of the divergence from the reference model, where there is one.
    pub reference_kl: Option<Tensor>,
}

impl PolicyLoss {
    /// The sums of a chunk.
    pub fn terms(&self, tokens: &PolicyTokens<'_>) -> PolicyTerms {
        let now = tokens.log_probabilities;
        let detached = now.detach();
        let old = tokens.old.unwrap_or(&detached);
        let ratio = match (self.ratio, tokens.sequence) {
            // Its value is the response's ratio; its gradient, summed with weights of 1 ÷ length, that ratio's too.
            (ImportanceRatio::Sequence, Some(sequence)) => (now - &detached + sequence).exp(),
            (ImportanceRatio::Sequence, None) => (now - &detached).exp(),
            _ => (now - old).exp(),
        };
        let (least, most) = (1.0 - self.clip_low, 1.0 + self.clip_high);
        let held = ratio.clamp(least, most);
        let is_cut = |outside: Tensor, advantage: Tensor| {
            (outside.logical_and(&advantage).to_kind(Kind::Float) * tokens.weights).sum(Kind::Float).detach()
        };
        let (below, above) = (ratio.lt(least), ratio.gt(most));
        let (mut loss, clipped_low, clipped_high) = if self.ratio == ImportanceRatio::Detached {
            // Both bounds change the weight whatever the advantage's sign; without one there is nothing to weigh.
            let pulls = || tokens.advantages.ne(0.0);
            (held.detach() * tokens.advantages * now.neg(), is_cut(below, pulls()), is_cut(above, pulls()))
        } else {
            let gain = (&ratio * tokens.advantages).minimum(&(held * tokens.advantages));
            (gain.neg(), is_cut(below, tokens.advantages.lt(0.0)), is_cut(above, tokens.advantages.gt(0.0)))
        };
        let weighted = |values: &Tensor| (values * tokens.weights).sum(Kind::Float);
        let policy_kl = weighted(&KlEstimator::K3.estimate(old, &detached)).detach();
        let reference_kl = tokens.reference.map(|reference| {
            let divergence = self.kl_estimator.estimate(now, reference);
            if self.kl_coefficient != 0.0 {
                loss += &divergence * self.kl_coefficient;
            }
            weighted(&divergence).detach()
        });
        PolicyTerms { loss: weighted(&loss), clipped_low, clipped_high, policy_kl, reference_kl }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(loss: PolicyLoss, old: Option<&[f32]>, now: &[f32], advantages: &[f32], weights: &[f32]) -> Vec<f32> {
        let now = Tensor::from_slice(now).set_requires_grad(true);
        let old = old.map(Tensor::from_slice);
        let tokens = PolicyTokens {
            log_probabilities: &now,
            old: old.as_ref(),
            sequence: None,
            reference: None,
            advantages: &Tensor::from_slice(advantages),
            weights: &Tensor::from_slice(weights),
        };
        loss.terms(&tokens).loss.backward();
        Vec::try_from(now.grad()).expect("floats")
    }

    const PLAIN: PolicyLoss = PolicyLoss {
        ratio: ImportanceRatio::Token,
        clip_low: 0.2,
        clip_high: 0.2,
        kl_coefficient: 0.0,
        kl_estimator: KlEstimator::K3,
    };

    #[test]
    fn at_the_first_update_every_ratio_has_the_same_gradient() {
        let (now, advantages, weights) = ([-1.0f32, -2.0, -3.0], [0.5f32, -2.0, 7.0], [1.0f32, 0.5, 0.0]);
        for ratio in [ImportanceRatio::Token, ImportanceRatio::Sequence, ImportanceRatio::Detached] {
            let loss = PolicyLoss { ratio, ..PLAIN };
            let found = gradient(loss, None, &now, &advantages, &weights);
            assert_eq!(found, [-0.5, 1.0, 0.0], "{ratio:?}");
            assert_eq!(found, gradient(loss, Some(&now), &now, &advantages, &weights), "{ratio:?}");
        }
    }

    #[test]
    fn the_clip_stops_gains_but_never_corrections() {
        // Ratios e^0.5 ≈ 1.65 and e^-0.5 ≈ 0.61, with advantages of both signs.
        let old = [-1.5f32, -1.5, -0.5, -0.5];
        let found = gradient(PLAIN, Some(&old), &[-1.0; 4], &[1.0, -1.0, 1.0, -1.0], &[1.0; 4]);
        assert_eq!((found[0], found[3]), (0.0, 0.0), "moved far enough already");
        assert!((found[1] - 0.5f32.exp()).abs() < 1e-6 && (found[2] + (-0.5f32).exp()).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn the_reference_pulls_towards_itself() {
        let now = Tensor::from_slice(&[-1.0f32, -1.0]).set_requires_grad(true);
        let zero = Tensor::from_slice(&[0.0f32, 0.0]);
        let tokens = PolicyTokens {
            log_probabilities: &now,
            old: None,
            sequence: None,
            reference: Some(&Tensor::from_slice(&[-1.0f32, -0.5])),
            advantages: &zero,
            weights: &Tensor::from_slice(&[1.0f32, 1.0]),
        };
        let terms = PolicyLoss { kl_coefficient: 0.1, ..PLAIN }.terms(&tokens);
        terms.loss.backward();
        let pull: Vec<f32> = Vec::try_from(now.grad()).expect("floats");
        assert_eq!(pull[0], 0.0);
        assert!((pull[1] - 0.1 * (1.0 - 0.5f32.exp())).abs() < 1e-6, "{pull:?}");
    }
}
