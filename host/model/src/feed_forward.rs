//! The gated feed-forward layer.

use tch::Tensor;

use crate::ModelError;
use crate::linear::Linear;
use crate::parameters::Weights;

/// SwiGLU: `down(silu(gate(x)) * up(x))`.
#[derive(Debug)]
pub(crate) struct SwiGlu {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl SwiGlu {
    pub(crate) fn load(weights: &Weights<'_>) -> Result<Self, ModelError> {
        let linear = |name: &str| Linear::load(&weights.under(name));
        Ok(Self { gate_proj: linear("gate_proj")?, up_proj: linear("up_proj")?, down_proj: linear("down_proj")? })
    }

    pub(crate) fn forward(&self, states: &Tensor) -> Tensor {
        self.down_proj.forward(&(self.gate_proj.forward(states).silu() * self.up_proj.forward(states)))
    }
}
