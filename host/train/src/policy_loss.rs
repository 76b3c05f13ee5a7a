//! The clipped policy-gradient loss over single tokens.
//!
//! It knows weights and advantages of tokens and nothing of groups, rewards or masks: an algorithm fills those in.

use tch::{Kind, Tensor};

/// Settings of the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyLoss {
    /// The ratio of new to old probability is held within 1 ± `clip` where that lowers the gain (PPO).
    pub clip: f64,
    /// Weight of the divergence from the reference model, estimated as e^d − d − 1 (never negative); 0 is none.
    pub kl_coefficient: f64,
}

/// Tokens of one chunk: every tensor is [n], f32, on one device.
pub struct PolicyTokens<'a> {
    /// Log-probabilities under the weights being trained; carries the graph.
    pub log_probabilities: &'a Tensor,
    /// Log-probabilities before the first update. `None`: this is the first update, so they equal the present ones
    /// and need no second forward.
    pub old: Option<&'a Tensor>,
    /// Log-probabilities under the reference model, where there is a KL term.
    pub reference: Option<&'a Tensor>,
    /// Advantages.
    pub advantages: &'a Tensor,
    /// Weights; 0 leaves a token out. Dividing the summed loss by the step's summed weights gives the token mean.
    pub weights: &'a Tensor,
}

/// A chunk's loss.
pub struct PolicyTerms {
    /// Weighted sum of the token losses, a scalar with a graph.
    pub loss: Tensor,
    /// Weighted sum of tokens whose ratio the clip has cut, a scalar without one.
    pub clipped: Tensor,
}

impl PolicyLoss {
    /// The summed loss of a chunk.
    pub fn terms(&self, tokens: &PolicyTokens<'_>) -> PolicyTerms {
        let old = match tokens.old {
            Some(old) => old.shallow_clone(),
            None => tokens.log_probabilities.detach(),
        };
        let ratio = (tokens.log_probabilities - old).exp();
        let plain = &ratio * tokens.advantages;
        let held = ratio.clamp(1.0 - self.clip, 1.0 + self.clip) * tokens.advantages;
        let clipped = (held.lt_tensor(&plain).to_kind(Kind::Float) * tokens.weights).sum(Kind::Float).detach();
        let mut loss = -plain.minimum(&held);
        if let Some(reference) = tokens.reference.filter(|_| self.kl_coefficient != 0.0) {
            let distance = reference - tokens.log_probabilities;
            loss += (distance.exp() - &distance - 1.0) * self.kl_coefficient;
        }
        PolicyTerms { loss: (loss * tokens.weights).sum(Kind::Float), clipped }
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
            reference: None,
            advantages: &Tensor::from_slice(advantages),
            weights: &Tensor::from_slice(weights),
        };
        loss.terms(&tokens).loss.backward();
        Vec::try_from(now.grad()).expect("floats")
    }

    const PLAIN: PolicyLoss = PolicyLoss { clip: 0.2, kl_coefficient: 0.0 };

    #[test]
    fn at_the_first_update_the_gradient_is_advantage_times_weight() {
        let found = gradient(PLAIN, None, &[-1.0, -2.0, -3.0], &[0.5, -2.0, 7.0], &[1.0, 0.5, 0.0]);
        assert_eq!(found, [-0.5, 1.0, 0.0]);
        let same = gradient(PLAIN, Some(&[-1.0, -2.0, -3.0]), &[-1.0, -2.0, -3.0], &[0.5, -2.0, 7.0], &[1.0, 0.5, 0.0]);
        assert_eq!(found, same);
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
            reference: Some(&Tensor::from_slice(&[-1.0f32, -0.5])),
            advantages: &zero,
            weights: &Tensor::from_slice(&[1.0f32, 1.0]),
        };
        let terms = PolicyLoss { clip: 0.2, kl_coefficient: 0.1 }.terms(&tokens);
        terms.loss.backward();
        let pull: Vec<f32> = Vec::try_from(now.grad()).expect("floats");
        assert_eq!(pull[0], 0.0);
        assert!((pull[1] - 0.1 * (1.0 - 0.5f32.exp())).abs() < 1e-6, "{pull:?}");
    }
}
