//! The Llama architecture: RMSNorm, rotary grouped-query attention and a gated feed-forward, in fp32.
//!
//! The outline follows `modeling_llama.py` of `transformers`; so do the names, which lets a checkpoint be compared
//! with either. Queries, keys and values stay separate matrices for that reason.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::key_value_cache::KeyValueCache;
use crate::rotary::{Rotary, Rotation};
use crate::{LlamaConfig, ModelError, checkpoint, initial};

/// A Llama model with its parameters on one device.
#[derive(Debug)]
pub struct Llama {
    config: LlamaConfig,
    device: Device,
    /// HF names, in the order of [`LlamaConfig::parameter_shapes`]; the fields below share their storage.
    parameters: Vec<(String, Tensor)>,
    embedding: Tensor,
    layers: Vec<Layer>,
    norm: Tensor,
    head: Tensor,
    rotary: Rotary,
}

/// The weights of one block.
#[derive(Debug)]
struct Layer {
    input_norm: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    output: Tensor,
    post_attention_norm: Tensor,
    gate: Tensor,
    up: Tensor,
    down: Tensor,
}

/// Which keys a query may see.
enum Visible {
    /// Its own position and those before.
    Causal,
    /// All.
    All,
    /// What an additive mask, broadcastable to `[b, heads, queries, keys]`, leaves at 0.
    Masked(Tensor),
}

impl Llama {
    /// A model with fresh weights drawn from `seed`; see [`initial`] for the distribution. The same seed gives the
    /// same bits.
    ///
    /// # Errors
    /// [`ModelError::Config`] if the configuration describes no model; [`ModelError::Torch`] if the device is short
    /// of memory.
    pub fn random(config: &LlamaConfig, seed: u64, device: Device) -> Result<Self, ModelError> {
        config.validate()?;
        if config.parameter_count() > initial::MOST_PARAMETERS {
            return Err(ModelError::Config(format!(
                "a new model of {} parameters is larger than the {} that can be drawn in memory",
                config.parameter_count(),
                initial::MOST_PARAMETERS
            )));
        }
        Self::from_parameters(config.clone(), initial::random_parameters(config, seed)?, device)
    }

    /// Reads an HF folder: `config.json`, and `model.safetensors` or `model.safetensors.index.json` with its shards,
    /// in fp32, bf16 or fp16. Weights become fp32.
    ///
    /// End tokens are those of `generation_config.json` where it has them, since that is what generation should
    /// stop at, and those of `config.json` else.
    ///
    /// # Errors
    /// One [`ModelError`] naming the file and what is wrong; for a tensor also its name and both shapes.
    pub fn load(dir: &Path, device: Device) -> Result<Self, ModelError> {
        let config = checkpoint::read_config(dir)?;
        let parameters = checkpoint::read_parameters(dir, &config)?;
        Self::from_parameters(config, parameters, device)
    }

    /// Writes `config.json`, `generation_config.json` and `model.safetensors` (fp32) into `dir`, making it if need
    /// be. Each file appears whole or not at all; the weights come last, so a folder that has them is complete.
    ///
    /// # Errors
    /// [`ModelError::File`] if the folder cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), ModelError> {
        checkpoint::write_model(dir, &self.config, &self.parameters)
    }

    /// Makes a model of tensors named and shaped as [`LlamaConfig::parameter_shapes`] says, in that order.
    pub(crate) fn from_parameters(
        config: LlamaConfig,
        parameters: Vec<(String, Tensor)>,
        device: Device,
    ) -> Result<Self, ModelError> {
        let mut leaves = Vec::with_capacity(parameters.len());
        for (name, tensor) in parameters {
            // `detach` makes it a leaf whatever it was before; optimisers need leaves.
            let leaf = tensor.f_to_kind(Kind::Float)?.f_to_device(device)?.f_detach()?.f_contiguous()?;
            leaves.push((name, leaf.f_set_requires_grad(true)?));
        }
        let mut next = leaves.iter().map(|(_, tensor)| tensor.shallow_clone());
        let mut take = || next.next().ok_or_else(|| ModelError::Config("too few parameters for the shape".to_owned()));
        let embedding = take()?;
        let mut layers = Vec::with_capacity(config.num_hidden_layers);
        for _ in 0..config.num_hidden_layers {
            layers.push(Layer {
                input_norm: take()?,
                query: take()?,
                key: take()?,
                value: take()?,
                output: take()?,
                post_attention_norm: take()?,
                gate: take()?,
                up: take()?,
                down: take()?,
            });
        }
        let norm = take()?;
        let head = if config.tie_word_embeddings { embedding.shallow_clone() } else { take()? };
        let rotary = Rotary::new(&config, device);
        Ok(Self { config, device, parameters: leaves, embedding, layers, norm, head, rotary })
    }

    /// The configuration.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// HF names and leaf tensors that require gradients: embedding, blocks from first to last, final norm, output
    /// projection unless tied. The order never changes, so optimiser state can be kept by index.
    pub fn parameters(&self) -> &[(String, Tensor)] {
        &self.parameters
    }

    /// Count of trained numbers; a tied embedding counts once.
    pub fn parameter_count(&self) -> u64 {
        self.config.parameter_count()
    }

    /// See [`LlamaConfig::training_flops_per_token`].
    pub fn training_flops_per_token(&self, context: usize) -> u64 {
        self.config.training_flops_per_token(context)
    }

    /// Where the parameters lie.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Logits `[b, t, vocabulary]` fp32 for `tokens`, `[b, t]` i64; see [`Llama::hidden`].
    pub fn forward(&self, tokens: &Tensor, padding: Option<&Tensor>) -> Tensor {
        self.logits(&self.hidden(tokens, padding))
    }

    /// States after the final norm, `[b, t, hidden]`, for `tokens`, `[b, t]` i64.
    ///
    /// `padding`, `[b]` i64, counts the tokens at the left of each row that are only filling. They are not attended
    /// to and do not count as positions; what comes out at their places means nothing. `None` is faster.
    ///
    /// # Panics
    /// If a token is not below the vocabulary's size. Tokens from outside are to be checked before.
    pub fn hidden(&self, tokens: &Tensor, padding: Option<&Tensor>) -> Tensor {
        self.prefill(tokens, padding, None)
    }

    /// Logits `[.., vocabulary]` for states `[.., hidden]`.
    pub fn logits(&self, hidden: &Tensor) -> Tensor {
        linear(hidden, &self.head)
    }

    /// [`Llama::hidden`] that also writes keys and values into the front of a cache, from the given row on.
    pub(crate) fn prefill(
        &self,
        tokens: &Tensor,
        padding: Option<&Tensor>,
        cache: Option<(&KeyValueCache, i64)>,
    ) -> Tensor {
        let length = tokens.size().last().copied().unwrap_or(0);
        let index = Tensor::arange(length, (Kind::Int64, self.device));
        let (positions, visible) = match padding {
            None => (index, Visible::Causal),
            Some(padding) => {
                let positions = (&index.unsqueeze(0) - padding.unsqueeze(1)).clamp_min(0);
                (positions, Visible::Masked(causal_mask(&index, padding)))
            }
        };
        let rotation = self.rotary.at(&positions);
        let mut states = self.embed(tokens);
        for (number, layer) in self.layers.iter().enumerate() {
            let normed = self.norm(&states, &layer.input_norm);
            let (query, key, value) = self.project(layer, &normed, &rotation);
            if let Some((cache, row)) = cache {
                cache.store(number, row, 0, &key, &value);
            }
            let attended = self.attend(&query, &key, &value, &visible);
            let middle = states + linear(&attended, &layer.output);
            states = self.feed_forward(layer, &middle) + middle;
        }
        self.norm(&states, &self.norm)
    }

    /// States `[b, 1, hidden]` of one further token per cached row. `padding` is `[b]`, and `hidden_keys` the
    /// additive mask `[b, 1, 1, capacity]` that hides it; both absent where no row is padded.
    pub(crate) fn decode(
        &self,
        tokens: &Tensor,
        padding: Option<(&Tensor, &Tensor)>,
        cache: &mut KeyValueCache,
    ) -> Tensor {
        let length = cache.length() + 1;
        let (positions, visible) = match padding {
            None => (Tensor::full([1], length - 1, (Kind::Int64, self.device)), Visible::All),
            Some((padding, hidden_keys)) => {
                let positions = (padding.neg() + (length - 1)).unsqueeze(1);
                (positions, Visible::Masked(hidden_keys.narrow(3, 0, length)))
            }
        };
        let rotation = self.rotary.at(&positions);
        let rows = cache.rows();
        let width = self.config.head_size() as i64;
        let groups = self.config.num_key_value_heads as i64;
        let mut states = self.embed(tokens);
        for (number, layer) in self.layers.iter().enumerate() {
            let normed = self.norm(&states, &layer.input_norm);
            let (query, key, value) = self.project(layer, &normed, &rotation);
            cache.store(number, 0, length - 1, &key, &value);
            let Some((keys, values)) = cache.layer(number, length) else {
                continue;
            };
            // With one query per head, the heads that share a key can stand as queries of one head, and keys need
            // no copy per head.
            let query = query.reshape([rows, groups, -1, width]);
            let attended = match &visible {
                Visible::Masked(mask) => attention(&query, &keys, &values, Some(mask), false),
                Visible::All | Visible::Causal => attention(&query, &keys, &values, None, false),
            };
            let middle = states + linear(&attended.reshape([rows, 1, -1]), &layer.output);
            states = self.feed_forward(layer, &middle) + middle;
        }
        cache.set_length(length);
        self.norm(&states, &self.norm)
    }

    fn embed(&self, tokens: &Tensor) -> Tensor {
        Tensor::embedding(&self.embedding, tokens, -1, false, false)
    }

    fn norm(&self, states: &Tensor, weight: &Tensor) -> Tensor {
        states.rms_norm([self.config.hidden_size as i64], Some(weight), self.config.rms_norm_eps)
    }

    /// Rotated queries, rotated keys and values, each `[b, heads, t, head width]`.
    fn project(&self, layer: &Layer, normed: &Tensor, rotation: &Rotation) -> (Tensor, Tensor, Tensor) {
        let width = self.config.head_size() as i64;
        let size = normed.size();
        let (rows, length) = match size[..] {
            [rows, length, _] => (rows, length),
            _ => (1, -1),
        };
        // Rotation comes before the transposition, while the memory is contiguous.
        let heads = |weight: &Tensor| linear(normed, weight).view([rows, length, -1, width]);
        let query = rotation.apply(&heads(&layer.query)).transpose(1, 2);
        let key = rotation.apply(&heads(&layer.key)).transpose(1, 2);
        (query, key, heads(&layer.value).transpose(1, 2))
    }

    /// Attention of whole sequences, `[b, t, heads * head width]`.
    fn attend(&self, query: &Tensor, key: &Tensor, value: &Tensor, visible: &Visible) -> Tensor {
        let repeat = (self.config.num_attention_heads / self.config.num_key_value_heads) as i64;
        // libtorch's flash attention on CPU wants as many key heads as query heads.
        let spread = |states: &Tensor| {
            if repeat == 1 { states.shallow_clone() } else { repeat_heads(states, repeat) }
        };
        let (key, value) = (spread(key), spread(value));
        let attended = match visible {
            Visible::Causal => attention(query, &key, &value, None, true),
            Visible::All => attention(query, &key, &value, None, false),
            Visible::Masked(mask) => attention(query, &key, &value, Some(mask), false),
        };
        attended.transpose(1, 2).flatten(2, 3)
    }

    fn feed_forward(&self, layer: &Layer, states: &Tensor) -> Tensor {
        let normed = self.norm(states, &layer.post_attention_norm);
        linear(&(linear(&normed, &layer.gate).silu() * linear(&normed, &layer.up)), &layer.down)
    }
}

fn linear(states: &Tensor, weight: &Tensor) -> Tensor {
    states.linear(weight, None::<&Tensor>)
}

fn attention(query: &Tensor, key: &Tensor, value: &Tensor, mask: Option<&Tensor>, causal: bool) -> Tensor {
    Tensor::scaled_dot_product_attention(query, key, value, mask, 0.0, causal, None, false)
}

/// `[b, heads, t, width]` with every head standing `repeat` times in a row.
fn repeat_heads(states: &Tensor, repeat: i64) -> Tensor {
    states.unsqueeze(2).expand([-1, -1, repeat, -1, -1], false).flatten(1, 2)
}

/// Additive `[b, 1, t, t]`: 0 where a query may look, minus infinity elsewhere. A padding token sees itself, since a
/// row of nothing but minus infinity would be NaN and spread to the gradients.
fn causal_mask(index: &Tensor, padding: &Tensor) -> Tensor {
    let (query, key) = (index.view([1, 1, -1, 1]), index.view([1, 1, 1, -1]));
    let real = key.ge_tensor(&padding.view([-1, 1, 1, 1]));
    let visible = real.logical_and(&key.le_tensor(&query)).logical_or(&key.eq_tensor(&query));
    visible.zeros_like().to_kind(Kind::Float).masked_fill(&visible.logical_not(), f64::NEG_INFINITY)
}
