//! A model folder as `transformers` wants it: weights and configs, with the tokenizer's files beside them.

use std::path::{Path, PathBuf};

use octo_data::tokenizer::Tokenizer;
use octo_model::{Model, ModelError, Snapshot};

use crate::checkpoint::write_folder;
use crate::error::TrainError;

const GENERATION_CONFIG: &str = "generation_config.json";

/// What goes beside the weights of every model folder that a stage writes.
pub(crate) struct Companions {
    tokenizer: Tokenizer,
    generation_config: Option<PathBuf>,
}

impl Companions {
    /// The tokenizer, and the generation config, which says what ends a text, of the model that training starts from,
    /// where it has one.
    pub(crate) fn new(tokenizer: Tokenizer, model: Option<&Path>) -> Companions {
        let generation_config = model.map(|model| model.join(GENERATION_CONFIG)).filter(|path| path.is_file());
        Companions { tokenizer, generation_config }
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

    /// Writes model and companions into `folder`, which exists.
    pub(crate) fn fill(&self, model: &Model, folder: &Path) -> Result<(), TrainError> {
        self.fill_with(|folder| model.save(folder), folder)
    }

    /// [`Companions::fill`] with weights that were copied before.
    pub(crate) fn fill_copy(&self, model: &Snapshot, folder: &Path) -> Result<(), TrainError> {
        self.fill_with(|folder| model.save(folder), folder)
    }

    fn fill_with(&self, save: impl FnOnce(&Path) -> Result<(), ModelError>, folder: &Path) -> Result<(), TrainError> {
        self.tokenizer.save(folder)?;
        save(folder)?;
        if let Some(source) = &self.generation_config {
            std::fs::copy(source, folder.join(GENERATION_CONFIG)).map_err(|error| TrainError::io(source, error))?;
        }
        Ok(())
    }

    /// Makes `folder` as a whole: under a temporary name, synced, renamed.
    pub(crate) fn write(&self, model: &Model, folder: &Path) -> Result<(), TrainError> {
        write_folder(folder, |temporary| self.fill(model, temporary))
    }
}
