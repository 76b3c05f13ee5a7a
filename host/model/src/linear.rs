//! Matrix products with a weight, in the precision of what comes in.

use tch::Tensor;

use crate::ModelError;
use crate::parameters::Weights;

/// `y = x W^T + b`.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// Takes `weight`, and `bias` where there is one.
    pub(crate) fn load(weights: &Weights<'_>) -> Result<Self, ModelError> {
        Ok(Self { weight: weights.take("weight")?, bias: weights.optional("bias") })
    }

    /// `[.., to]` for states `[.., from]`. A weight that is held in another precision than the states is rounded to
    /// theirs on the way, and its gradient comes back in its own.
    pub(crate) fn forward(&self, states: &Tensor) -> Tensor {
        let kind = states.kind();
        states.linear(&self.weight.to_kind(kind), self.bias.as_ref().map(|bias| bias.to_kind(kind)))
    }

    /// [`Linear::forward`], `[b, t, from]` to `[b, t, heads, width]`.
    pub(crate) fn heads(&self, states: &Tensor, width: i64) -> Tensor {
        let flat = self.forward(states);
        let mut size = flat.size();
        size.pop();
        size.extend([-1, width]);
        flat.view(&size[..])
    }
}
