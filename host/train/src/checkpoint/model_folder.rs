//! A model folder as `transformers` wants it: weights and configs, with the tokenizer's files beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use octo_data::tokenizer::Tokenizer;
use octo_model::{Model, ModelError, Snapshot};
use octo_record::layout;

use super::{Digests, write_folder};
use crate::error::TrainError;
use crate::optimizer::adamw::AdamW;

const GENERATION_CONFIG: &str = "generation_config.json";

/// Writes model folders: weights and config with what goes beside them in every folder of a stage.
pub(crate) struct ModelWriter {
    tokenizer: Tokenizer,
    generation_config: Option<PathBuf>,
}

impl ModelWriter {
    /// The tokenizer, and the generation config, which has the tokens that end a text, of the model that training
    /// starts from, where it has one.
    pub(crate) fn new(tokenizer: Tokenizer, model: Option<&Path>) -> ModelWriter {
        let generation_config = model.map(|model| model.join(GENERATION_CONFIG)).filter(|path| path.is_file());
        ModelWriter { tokenizer, generation_config }
    }

    /// The tokenizer.
    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Refuses a model that has no embedding for some token of the tokenizer.
    pub(crate) fn check(&self, model: &Model) -> Result<(), TrainError> {
        let (rows, tokens) = (model.config().vocab_size, self.tokenizer.vocabulary_size());
        if rows < tokens {
            let message =
                format!("the tokenizer has token ids up to {}, but the model only {rows} embeddings", tokens - 1);
            return Err(TrainError::config("tokenizer", message));
        }
        Ok(())
    }

    /// Writes a checkpoint's files into `folder`, which exists: the model, what goes beside it, and the optimiser's
    /// state. Returns the digests of the large ones.
    pub(crate) fn fill(&self, model: &impl Weights, optimiser: &AdamW, folder: &Path) -> Result<Digests, TrainError> {
        let mut digests = self.fill_model(model, folder)?;
        let digest = optimiser.save_with_digest(&folder.join(layout::OPTIMIZER))?;
        digests.insert(layout::OPTIMIZER.to_owned(), digest);
        Ok(digests.into())
    }

    fn fill_model(&self, model: &impl Weights, folder: &Path) -> Result<BTreeMap<String, String>, TrainError> {
        self.tokenizer.save(folder)?;
        let digests = model.write(folder)?;
        if let Some(source) = &self.generation_config {
            std::fs::copy(source, folder.join(GENERATION_CONFIG)).map_err(|error| TrainError::io(source, error))?;
        }
        Ok(digests)
    }

    /// Makes `folder` as a whole: under a temporary name, synced, renamed.
    pub(crate) fn write(&self, model: &Model, folder: &Path) -> Result<(), TrainError> {
        write_folder(folder, |temporary| self.fill_model(model, temporary).map(|_| ()))
    }
}

/// What a model folder's weights are written from: a model, or a copy that was made of it before.
pub(crate) trait Weights {
    /// Writes the folder; returns the digests of the files of weights, by name.
    fn write(&self, folder: &Path) -> Result<BTreeMap<String, String>, ModelError>;
}

impl Weights for Model {
    fn write(&self, folder: &Path) -> Result<BTreeMap<String, String>, ModelError> {
        self.save_with_digests(folder)
    }
}

impl Weights for Snapshot {
    fn write(&self, folder: &Path) -> Result<BTreeMap<String, String>, ModelError> {
        self.save_with_digests(folder)
    }
}
