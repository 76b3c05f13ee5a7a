//! A model's weights at one moment, in host memory: what is written to disk beside training.

use std::collections::BTreeMap;
use std::path::Path;

use tch::{Device, Tensor};

use crate::{Model, ModelConfig, ModelError, Precision, SaveOptions, checkpoint};

/// A copy that later updates of the model do not change.
pub struct Snapshot {
    config: ModelConfig,
    precision: Precision,
    parameters: Vec<(String, Tensor)>,
}

impl Snapshot {
    /// Copies the weights of `model`: as much memory again, on the host.
    pub fn of(model: &Model) -> Snapshot {
        let copy = |tensor: &Tensor| {
            let detached = tensor.detach();
            if detached.device() == Device::Cpu { detached.copy() } else { detached.to_device(Device::Cpu) }
        };
        let parameters = model.parameters().iter().map(|(name, tensor)| (name.clone(), copy(tensor))).collect();
        Snapshot { config: model.config().clone(), precision: model.precision(), parameters }
    }

    /// Writes the folder that [`Model::save`] of the copied model would have written; returns what
    /// [`Model::save_with_digests`] does.
    ///
    /// # Errors
    /// [`ModelError::File`] if the folder cannot be written.
    pub fn save_with_digests(&self, dir: &Path) -> Result<BTreeMap<String, String>, ModelError> {
        checkpoint::write_model(dir, &self.config, &self.parameters, self.precision, &SaveOptions::default(), true)
    }
}
