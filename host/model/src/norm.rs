//! Root mean square normalisation.

use tch::{Kind, Tensor};

use crate::ModelError;
use crate::parameters::Weights;

/// `x / sqrt(mean(x^2) + eps) * w`, over the last dimension.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    weight: Tensor,
    epsilon: f64,
}

impl RmsNorm {
    /// Takes `weight`; the epsilon is the configuration's.
    pub(crate) fn load(weights: &Weights<'_>) -> Result<Self, ModelError> {
        Ok(Self { weight: weights.take("weight")?, epsilon: weights.config.rms_norm_eps })
    }

    /// Computed in fp32 whatever the states are in. Half-precision states are rounded before they are scaled, as
    /// `transformers` does it.
    pub(crate) fn forward(&self, states: &Tensor) -> Tensor {
        let (kind, width) = (states.kind(), self.weight.size());
        if kind == Kind::Float {
            return states.rms_norm(&width[..], Some(&self.weight), self.epsilon);
        }
        let normed = states.to_kind(Kind::Float).rms_norm(&width[..], None::<&Tensor>, self.epsilon).to_kind(kind);
        normed * self.weight.to_kind(kind)
    }
}
