//! Rotary position embedding, with Llama 3's frequency stretching.

use tch::{Device, Kind, Tensor};

use crate::LlamaConfig;

/// The frequencies of a model. Cosines and sines are made per forward pass, for the positions at hand: a table as
/// long as the context would cost more memory than it saves time, and its size would be up to an untrusted file.
#[derive(Debug)]
pub struct Rotary {
    /// `[head_dim / 2]` fp32, radians per position.
    frequencies: Tensor,
}

/// Cosine and sine of a set of positions, shaped to be multiplied with `[b, t, heads, head_dim]`.
#[derive(Debug)]
pub struct Rotation {
    cosine: Tensor,
    /// The first half is negated, so that rotating needs no negation of its own.
    sine: Tensor,
}

impl Rotary {
    /// Frequencies for `config`, on `device`.
    ///
    /// The operations and their fp32 rounding are those of `transformers`, so that logits agree closely.
    pub fn new(config: &LlamaConfig, device: Device) -> Self {
        let width = config.head_size() as i64;
        let options = (Kind::Float, Device::Cpu);
        let exponents = Tensor::arange_start_step(0, width, 2, options) / width as f64;
        let mut frequencies = Tensor::pow_scalar(config.rope_theta, &exponents).reciprocal();
        if let Some(scaling) = &config.rope_scaling {
            let context = scaling.original_max_position_embeddings as f64;
            let wavelengths = frequencies.reciprocal() * (2.0 * std::f64::consts::PI);
            let stretched = &frequencies / scaling.factor;
            // 1 where the wavelength is short and stays as it is, 0 where it is long and is stretched in full.
            let share = ((wavelengths.reciprocal() * context - scaling.low_freq_factor)
                / (scaling.high_freq_factor - scaling.low_freq_factor))
                .clamp(0.0, 1.0);
            frequencies = (1.0 - &share) * stretched + share * &frequencies;
        }
        Self { frequencies: frequencies.to_device(device) }
    }

    /// Rotation for `positions`, `[t]` or `[b, t]` integers.
    pub fn at(&self, positions: &Tensor) -> Rotation {
        let angles = (positions.to_kind(Kind::Float).unsqueeze(-1) * &self.frequencies).unsqueeze(-2);
        let (cosine, sine) = (angles.cos(), angles.sin());
        Rotation { cosine: Tensor::cat(&[&cosine, &cosine], -1), sine: Tensor::cat(&[&sine.neg(), &sine], -1) }
    }
}

impl Rotation {
    /// Rotates `[b, t, heads, head_dim]`: the pair (i, i + head_dim/2) by the i-th angle, as HF checkpoints expect.
    pub fn apply(&self, states: &Tensor) -> Tensor {
        let halves = states.chunk(2, -1);
        match halves.as_slice() {
            [first, second] => (states * &self.cosine).addcmul(&Tensor::cat(&[second, first], -1), &self.sine),
            // An odd or empty head never gets here: `LlamaConfig::validate` refuses it.
            _ => states.shallow_clone(),
        }
    }
}
