//! The model folders that `annotate` stages ask, run by this program.

use std::path::Path;

use anyhow::Result;
use octo_endpoint::LanguageModel;
use octo_model::Precision;
use octo_run::kinds::annotate::Engine;
use octo_train::local_model::{LocalModel, LocalSettings};

/// Answers under way at one time.
const BATCH: usize = 16;

/// Runs a model on the processor's cores.
pub struct LocalEngine;

impl Engine for LocalEngine {
    fn open(folder: &Path, digest: &str) -> Result<Box<dyn LanguageModel>> {
        Ok(Box::new(LocalModel::new(LocalSettings {
            folder: folder.to_owned(),
            name: digest.to_owned(),
            batch: BATCH,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            device: "cpu".to_owned(),
            compute: Precision::Float32,
        })))
    }
}
