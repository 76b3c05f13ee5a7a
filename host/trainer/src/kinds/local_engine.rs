//! The model folders that `annotate` stages ask, run by this program.

use anyhow::Result;
use octo_endpoint::LanguageModel;
use octo_model::Precision;
use octo_run::kinds::annotate::{Engine, EngineSettings};
use octo_train::local_model::{LocalModel, LocalSettings};

/// The generation engine that rollouts have.
pub struct LocalEngine;

impl Engine for LocalEngine {
    fn open(settings: EngineSettings) -> Result<Box<dyn LanguageModel>> {
        let EngineSettings { folder, name, device, batch, threads } = settings;
        Ok(Box::new(LocalModel::new(LocalSettings {
            folder,
            name,
            batch,
            threads,
            device,
            compute: Precision::Float32,
        })))
    }
}
