//! A model of any family: embedding, blocks, final norm and output projection.

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Tensor};

use crate::attention::{Attention, Further};
use crate::block::Block;
use crate::checkpoint::{self, SaveOptions};
use crate::documents::Documents;
use crate::key_value_cache::KeyValueCache;
use crate::norm::RmsNorm;
use crate::parameters::Weights;
use crate::rotary::Rotary;
use crate::{ModelConfig, ModelError, Precision, initial};

/// A model with its parameters on one device.
#[derive(Debug)]
pub struct Model {
    config: ModelConfig,
    device: Device,
    /// HF names, in the order of [`ModelConfig::parameter_shapes`]; the fields below share their storage.
    parameters: Vec<(String, Tensor)>,
    precision: Precision,
    compute: Precision,
    embedding: Tensor,
    blocks: Vec<Box<dyn Block>>,
    norm: RmsNorm,
    head: Tensor,
    rotary: Rotary,
}

impl Model {
    /// A model with fresh fp32 weights drawn from `seed`; see [`initial`] for the distribution. The same seed gives
    /// the same bits.
    ///
    /// # Errors
    /// [`ModelError::Config`] if the configuration describes no model; [`ModelError::Torch`] if the device is short
    /// of memory.
    pub fn random(config: &ModelConfig, seed: u64, device: Device) -> Result<Self, ModelError> {
        config.validate()?;
        if config.parameter_count() > initial::MOST_PARAMETERS {
            return Err(ModelError::Config(format!(
                "a new model of {} parameters is larger than the {} that can be drawn in memory",
                config.parameter_count(),
                initial::MOST_PARAMETERS
            )));
        }
        let parameters = initial::random_parameters(config, seed)?;
        Self::from_parameters(config.clone(), parameters, device, Precision::Float32)
    }

    /// [`Model::load_in`] fp32.
    ///
    /// # Errors
    /// The errors of [`Model::load_in`].
    pub fn load(dir: &Path, device: Device) -> Result<Self, ModelError> {
        Self::load_in(dir, device, Precision::Float32)
    }

    /// Reads an HF folder: `config.json`, and `model.safetensors` or `model.safetensors.index.json` with its shards,
    /// in fp32, bf16 or fp16. Weights become `precision`, and so does the arithmetic.
    ///
    /// Where `config.json` ties the output projection to the embedding and the weights have a projection with other
    /// values, they are not tied, as in `transformers` 5; a warning says so.
    ///
    /// End tokens are those of `generation_config.json` where it has them, since that is what generation should
    /// stop at, and those of `config.json` else.
    ///
    /// # Errors
    /// One [`ModelError`] naming the file and what is wrong; for a tensor also its name and both shapes, for a kind of
    /// model that is not known here also the kinds that are.
    pub fn load_in(dir: &Path, device: Device, precision: Precision) -> Result<Self, ModelError> {
        Self::load_as(dir, &BTreeMap::new(), device, precision)
    }

    /// [`Model::load`] of a folder whose files have `recorded` digests, by name, as [`octo_data::digest`] writes them: each
    /// is compared with its own and read from the same open file, so that nothing else can be loaded than what was recorded.
    ///
    /// # Errors
    /// The errors of [`Model::load_in`], and a file that is not what was recorded.
    pub fn load_recorded(dir: &Path, recorded: &BTreeMap<String, String>, device: Device) -> Result<Self, ModelError> {
        Self::load_as(dir, recorded, device, Precision::Float32)
    }

    fn load_as(
        dir: &Path,
        recorded: &BTreeMap<String, String>,
        device: Device,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let mut config = checkpoint::read_config(dir, recorded)?;
        let parameters = checkpoint::read_parameters(dir, recorded, &mut config, precision, device)?;
        Self::from_parameters(config, parameters, device, precision)
    }

    /// Has the forward pass compute in `precision` while parameters and their gradients stay in theirs: each weight is
    /// rounded when it is used. With fp32 parameters this is the mixed precision of training, which needs the small
    /// updates that bf16 parameters would round away.
    pub fn compute_in(mut self, precision: Precision) -> Self {
        self.compute = precision;
        self
    }

    /// Writes `config.json`, `generation_config.json` and the weights into `dir`, in the precision that they are held
    /// in; [`Model::save_as`] with the defaults.
    ///
    /// # Errors
    /// [`ModelError::File`] if the folder cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), ModelError> {
        self.save_as(dir, &SaveOptions::default())
    }

    /// Writes `config.json`, `generation_config.json`, and `model.safetensors` or its shards with their index into
    /// `dir`, making it if need be. Each file appears whole or not at all; what says that the weights are complete
    /// comes last, and weights of an earlier save do not stay beside it.
    ///
    /// # Errors
    /// [`ModelError::File`] if the folder cannot be written.
    pub fn save_as(&self, dir: &Path, options: &SaveOptions) -> Result<(), ModelError> {
        checkpoint::write_model(dir, &self.config, &self.parameters, self.precision, options, false).map(|_| ())
    }

    /// [`Model::save`] that also returns the digests of the files of weights, by name, as [`octo_data::digest`] writes
    /// them. They are made while the weights are written, which costs a second core and no time.
    ///
    /// # Errors
    /// [`ModelError::File`] if the folder cannot be written.
    pub fn save_with_digests(&self, dir: &Path) -> Result<BTreeMap<String, String>, ModelError> {
        checkpoint::write_model(dir, &self.config, &self.parameters, self.precision, &SaveOptions::default(), true)
    }

    /// Makes a model of tensors named and shaped as [`ModelConfig::parameter_shapes`] says, in that order.
    pub(crate) fn from_parameters(
        config: ModelConfig,
        parameters: Vec<(String, Tensor)>,
        device: Device,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let mut leaves = Vec::with_capacity(parameters.len());
        for (name, tensor) in parameters {
            // `detach` makes it a leaf whatever it was before; optimisers need leaves.
            let leaf = tensor.f_to_kind(precision.kind())?.f_to_device(device)?.f_detach()?.f_contiguous()?;
            leaves.push((name, leaf.f_set_requires_grad(true)?));
        }
        let by_name: BTreeMap<&str, &Tensor> = leaves.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let weights = Weights::new(&config, &by_name);
        let embedding = weights.take("model.embed_tokens.weight")?;
        let mut blocks = Vec::with_capacity(config.num_hidden_layers);
        for layer in 0..config.num_hidden_layers {
            blocks.push(config.family.load_block(&weights.under(&format!("model.layers.{layer}")))?);
        }
        let norm = RmsNorm::load(&weights.under("model.norm"))?;
        let head =
            if config.tie_word_embeddings { embedding.shallow_clone() } else { weights.take("lm_head.weight")? };
        let rotary = Rotary::new(&config, device);
        Ok(Self {
            config,
            device,
            parameters: leaves,
            precision,
            compute: precision,
            embedding,
            blocks,
            norm,
            head,
            rotary,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &ModelConfig {
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

    /// See [`ModelConfig::training_flops_per_token`].
    pub fn training_flops_per_token(&self, context: usize) -> u64 {
        self.config.training_flops_per_token(context)
    }

    /// Where the parameters lie.
    pub fn device(&self) -> Device {
        self.device
    }

    /// What the parameters are held in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What the forward pass computes in.
    pub fn compute(&self) -> Precision {
        self.compute
    }

    /// Logits `[b, t, vocabulary]` for `tokens`, `[b, t]` i64, in the precision of the arithmetic; see
    /// [`Model::hidden`].
    pub fn forward(&self, tokens: &Tensor) -> Tensor {
        self.logits(&self.hidden(tokens))
    }

    /// States after the final norm, `[b, t, hidden]`, for `tokens`, `[b, t]` i64.
    ///
    /// Shorter rows are filled up at their end with any token: nothing sees what comes after it, so the states of the
    /// real ones are as if they were alone, and those of the filling mean nothing.
    ///
    /// # Panics
    /// If a token is not below the vocabulary's size. Tokens from outside are to be checked before.
    pub fn hidden(&self, tokens: &Tensor) -> Tensor {
        self.run(tokens, &self.whole(tokens, None))
    }

    /// [`Model::hidden`] of packed rows: each document is as if it were alone.
    ///
    /// # Panics
    /// As [`Model::hidden`], and if `tokens` has another shape than the segments that `documents` was made from.
    pub fn hidden_of_documents(&self, tokens: &Tensor, documents: &Documents) -> Tensor {
        self.run(tokens, &self.packed(documents))
    }

    /// Logits `[.., vocabulary]` for states `[.., hidden]`.
    pub fn logits(&self, hidden: &Tensor) -> Tensor {
        hidden.linear(&self.head.to_kind(hidden.kind()), None::<&Tensor>)
    }

    /// [`Model::hidden`] that also writes keys and values into the front of a cache's first rows.
    pub(crate) fn prefill(&self, tokens: &Tensor, cache: &KeyValueCache) -> Tensor {
        self.run(tokens, &self.whole(tokens, Some(cache)))
    }

    /// States `[b, 1, hidden]` of one further token, `[b, 1]`, for each of a cache's first rows.
    pub(crate) fn decode(&self, tokens: &Tensor, further: &Further, cache: &KeyValueCache) -> Tensor {
        self.run(tokens, &Attention::further(&self.rotary, further, cache, self.compute.kind()))
    }

    /// Attention of whole rows.
    pub(crate) fn whole<'a>(&self, tokens: &Tensor, cache: Option<&'a KeyValueCache>) -> Attention<'a> {
        let length = tokens.size().last().copied().unwrap_or(0);
        Attention::whole(&self.rotary, length, cache, self.compute.kind())
    }

    /// Attention of packed rows.
    pub(crate) fn packed<'a>(&self, documents: &'a Documents) -> Attention<'a> {
        Attention::documents(&self.rotary, documents, self.compute.kind())
    }

    pub(crate) fn embedding(&self) -> &Tensor {
        &self.embedding
    }

    pub(crate) fn head(&self) -> &Tensor {
        &self.head
    }

    pub(crate) fn blocks(&self) -> &[Box<dyn Block>] {
        &self.blocks
    }

    pub(crate) fn norm(&self, states: &Tensor) -> Tensor {
        self.norm.forward(states)
    }

    /// `[b, t, hidden]` for `[b, t]`.
    pub(crate) fn embed(&self, tokens: &Tensor) -> Tensor {
        Tensor::embedding(&self.embedding, tokens, -1, false, false).to_kind(self.compute.kind())
    }

    fn run(&self, tokens: &Tensor, attention: &Attention<'_>) -> Tensor {
        let mut states = self.embed(tokens);
        for (layer, block) in self.blocks.iter().enumerate() {
            states = block.forward(&states, layer, attention);
        }
        self.norm(&states)
    }
}
