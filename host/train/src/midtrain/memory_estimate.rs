//! What memory a mid-training stage will take at its peak, estimated from its settings before it runs.

use octo_model::chunked_loss::chunk_bytes;
use octo_model::{ModelConfig, Precision};

use super::config::MidtrainConfig;

/// Bytes of a stage's memory at its peak, on the device that trains, part by part.
///
/// The parts are counted off what `octo_model`'s training pass keeps. Measured on the CPU, as the peak of the resident
/// set of a process that ran one stage, over this estimate: 1.06 for SmolLM2-135M in fp32 on 4 sequences of 512 tokens
/// (5.50 GiB), 0.93 for a stage of the demo's shape (0.22 GiB). `tests/stages/memory.rs` measures more settings.
/// On a GPU nothing was measured. Tokens that data files take in host memory are not part of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemoryEstimate {
    /// Weights, gradients and two moments in fp32.
    pub state: f64,
    /// What one forward pass keeps for the backward pass.
    pub activations: f64,
    /// The chunk of logits in hand.
    pub logits: f64,
    /// The process without tensors: libtorch, the plugins' engine, and what allocators keep for later.
    pub runtime: f64,
}

/// Measured: it hardly depends on the model.
const RUNTIME: f64 = (192 << 20) as f64;

impl MemoryEstimate {
    /// The estimate of a stage that trains a model of `shape` with `config`.
    pub fn of(shape: &ModelConfig, config: &MidtrainConfig) -> MemoryEstimate {
        let parameters = shape.parameter_count() as f64;
        let at_once = match config.sequences_per_forward {
            0 => config.sequences_per_step,
            some => some.min(config.sequences_per_step),
        };
        let tokens = (at_once * config.context) as f64;
        let (hidden, inner) = (shape.hidden_size as f64, shape.intermediate_size as f64);
        let heads = (shape.num_attention_heads * shape.head_size()) as f64;
        let bytes = if config.compute == Precision::Float32 { 4.0 } else { 2.0 };
        // Of each of a block's two norms the input, and what it gives before and after its weight; query, key, value,
        // and what attention gives, once by heads and once by tokens, keys and values repeated for the queries that
        // share them; gate, its activation, up, and their product.
        let mut block = bytes * (6.0 * hidden + 5.0 * heads + 4.0 * inner);
        let mut rounded = 0.0;
        if config.compute != Precision::Float32 {
            // A norm works in fp32, on a copy of its input; every weight is rounded once a pass, and kept as it was
            // used.
            block += 2.0 * 4.0 * hidden;
            rounded = 2.0 * parameters;
        }
        let layers = shape.num_hidden_layers as f64;
        let activations = match config.recompute {
            // The input of each block, and all of the one in hand.
            true => tokens * (block + bytes * layers * hidden) + rounded / layers,
            false => tokens * block * layers + rounded,
        };
        // Logits are held in chunks: as the projection gives them, and as log-probabilities in fp32, out of which the
        // gradient is made in place.
        let chunk = chunk_bytes(config.device.starts_with("cuda")) as f64 / 4.0;
        let chunk = chunk.min(tokens * shape.vocab_size as f64);
        // States, their gradient, and that of the one block's inner states that is in hand.
        let passing = tokens * bytes * (2.0 * hidden + 2.0 * inner);
        MemoryEstimate {
            state: 16.0 * parameters,
            activations: activations + passing,
            logits: chunk * (bytes + 4.0),
            runtime: RUNTIME,
        }
    }

    /// The sum of all parts, in bytes.
    pub fn total(&self) -> f64 {
        self.state + self.activations + self.logits + self.runtime
    }
}
