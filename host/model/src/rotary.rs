//! Rotary position embedding, with Llama 3's frequency stretching.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::ModelConfig;

/// Frequency stretching of Llama 3.1 and later (`rope_type` "llama3").
///
/// Source: `_compute_llama3_parameters` in `transformers`' `modeling_rope_utils.py`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Llama3Scaling {
    /// Long wavelengths are stretched by this.
    pub factor: f64,
    /// Wavelengths above `original_max_position_embeddings / low_freq_factor` are stretched in full.
    pub low_freq_factor: f64,
    /// Wavelengths below `original_max_position_embeddings / high_freq_factor` are left alone.
    pub high_freq_factor: f64,
    /// Context length of the model before stretching.
    pub original_max_position_embeddings: usize,
}

/// `rope_scaling` of `transformers` 4, or `rope_parameters` of 5, as it lies on disk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RotarySettings {
    #[serde(default)]
    rope_type: Option<String>,
    /// What `rope_type` was called before; some files have both.
    #[serde(default, rename = "type", skip_serializing)]
    old_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rope_theta: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low_freq_factor: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high_freq_factor: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_max_position_embeddings: Option<usize>,
    #[serde(default, skip_serializing)]
    pub(crate) partial_rotary_factor: Option<f64>,
}

impl RotarySettings {
    /// The stretching that they ask for. `context` stands in for the original context where that is not given.
    pub(crate) fn scaling(&self, context: usize) -> Result<Option<Llama3Scaling>, String> {
        match self.rope_type.as_deref().or(self.old_type.as_deref()) {
            None if self.factor.is_some() => Err("the rotary settings have a `factor` and no `rope_type`".to_owned()),
            None | Some("default") => Ok(None),
            Some("llama3") => {
                let need = |key: &str, value: Option<f64>| {
                    value.ok_or_else(|| format!("the rotary settings are of type \"llama3\" and lack `{key}`"))
                };
                Ok(Some(Llama3Scaling {
                    factor: need("factor", self.factor)?,
                    low_freq_factor: need("low_freq_factor", self.low_freq_factor)?,
                    high_freq_factor: need("high_freq_factor", self.high_freq_factor)?,
                    original_max_position_embeddings: self.original_max_position_embeddings.unwrap_or(context),
                }))
            }
            Some(other) => {
                Err(format!("rotary settings of type \"{other}\"; only \"default\" and \"llama3\" are known here"))
            }
        }
    }
}

impl From<Llama3Scaling> for RotarySettings {
    fn from(scaling: Llama3Scaling) -> Self {
        Self {
            rope_type: Some("llama3".to_owned()),
            old_type: None,
            rope_theta: None,
            factor: Some(scaling.factor),
            low_freq_factor: Some(scaling.low_freq_factor),
            high_freq_factor: Some(scaling.high_freq_factor),
            original_max_position_embeddings: Some(scaling.original_max_position_embeddings),
            partial_rotary_factor: None,
        }
    }
}

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
    pub fn new(config: &ModelConfig, device: Device) -> Self {
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

    /// Where the frequencies lie.
    pub(crate) fn device(&self) -> Device {
        self.frequencies.device()
    }

    /// Rotation for `positions`, `[t]` or `[b, t]` integers, worked in fp32 and rounded to `kind`, that of the states.
    pub fn at(&self, positions: &Tensor, kind: Kind) -> Rotation {
        let angles = (positions.to_kind(Kind::Float).unsqueeze(-1) * &self.frequencies).unsqueeze(-2);
        let (cosine, sine) = (angles.cos().to_kind(kind), angles.sin().to_kind(kind));
        Rotation { cosine: Tensor::cat(&[&cosine, &cosine], -1), sine: Tensor::cat(&[&sine.neg(), &sine], -1) }
    }
}

impl Rotation {
    /// Rotates `[b, t, heads, head_dim]`: the pair (i, i + head_dim/2) by the i-th angle, as HF weights expect.
    pub fn apply(&self, states: &Tensor) -> Tensor {
        let halves = states.chunk(2, -1);
        match halves.as_slice() {
            [first, second] => (states * &self.cosine).addcmul(&Tensor::cat(&[second, first], -1), &self.sine),
            // An odd or empty head never gets here: `ModelConfig::validate` refuses it.
            _ => states.shallow_clone(),
        }
    }
}
