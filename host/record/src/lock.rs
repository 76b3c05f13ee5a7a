//! What a run was made of, and the proof that a stage is complete.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// `run.lock.json`: every digest that a run's results follow from. Fields stand in the order of the file, which is
/// alphabetical at every level.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunLock {
    /// What the stages ran on, for people: `cpu`, `8 x NVIDIA H100 80GB HBM3`; several kinds are joined by a comma.
    pub device: String,
    /// Name and version of the WebAssembly engine.
    pub engine: String,
    /// By path as in the recipe: the digest of every file or folder from outside the run.
    pub inputs: BTreeMap<String, String>,
    /// Version of libtorch; `null` where the command that ran the recipe has none.
    pub libtorch: Option<String>,
    /// The recipe's name.
    pub name: String,
    /// Version of Octo.
    pub octo: String,
    /// By role: the plugins of the recipe.
    pub plugins: BTreeMap<String, PluginLock>,
    /// The processor of the machine that wrote this.
    pub processor: Processor,
    /// Digest of `recipe.toml`.
    pub recipe: String,
    /// The recipe's seed.
    pub seed: u64,
    /// By name: the stages of the recipe.
    pub stages: BTreeMap<String, StageLock>,
}

/// A plugin in the lock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PluginLock {
    /// Its configuration, as in the recipe.
    pub config: Value,
    /// Digest of its component: `sha256:` and hexadecimal digits.
    pub digest: String,
    /// `verifier`, `filter`, `reward`, `mixture` or `schedule`.
    pub kind: String,
    /// What it may use.
    pub limits: Value,
    /// The name that it gives itself.
    pub name: String,
    /// How the recipe refers to it: a name, or a path.
    pub reference: String,
    /// The version that it gives itself.
    pub version: String,
}

/// A stage in the lock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageLock {
    /// Its resolved configuration.
    pub config: Value,
    /// What libtorch ran it on; `null` where it is not done, or has no use for libtorch.
    #[serde(serialize_with = "sorted")]
    pub device: Option<Device>,
    /// Whether it is done.
    pub done: bool,
    /// By slot: `KEY/PATH` for a file of another stage's, by that stage's key, and `sha256:..` for one from outside.
    pub inputs: BTreeMap<String, String>,
    /// Its content key: 24 hexadecimal digits.
    pub key: String,
    /// Its kind.
    pub kind: String,
    /// By path in its folder: digests of its outputs, as in [`StageDone`]; `null` where it is not done.
    pub outputs: Option<BTreeMap<String, String>>,
    /// By slot: the role of the plugin in it. Slots that several plugins share are numbered from 0: `filters.0`.
    pub plugins: BTreeMap<String, String>,
    /// Seconds of the call that finished it; `null` where it is not done.
    pub seconds: Option<f64>,
    /// Its seed.
    pub seed: u64,
}

/// What libtorch chooses its kernels by: machines that differ here round differently.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// Such as `x86_64`.
    pub architecture: String,
    /// The model's name, where the system tells it.
    pub model: Option<String>,
    /// The widest vectors in use: `avx512`, `avx2` or `default`.
    pub vectors: Option<String>,
}

/// `done.json`: the proof that a stage is complete. Fields stand in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StageDone {
    /// The stage's kind.
    pub kind: String,
    /// Its content key.
    pub key: String,
    /// Seconds of the call that finished it.
    pub seconds: f64,
    /// What libtorch ran on; `null` where the stage has no use for it.
    #[serde(default)]
    pub device: Option<Device>,
    /// By path in the stage's folder: `sha256:` and hexadecimal digits. Checkpoints and failed items are left out.
    pub outputs: BTreeMap<String, String>,
}

/// Devices of one kind that worked together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// `cpu` or `cuda`.
    pub kind: String,
    /// The GPU's name, where the driver tells it; that of rank 0 where several work together.
    pub name: Option<String>,
    /// How many: one for each process.
    pub count: u64,
}

impl RunLock {
    /// The bytes of the file.
    ///
    /// # Errors
    /// Where a configuration cannot be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        crate::to_json(self)
    }
}

impl StageLock {
    /// Slot and key of every input that is another stage's output.
    pub fn stage_inputs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inputs.iter().filter_map(|(slot, input)| Some((slot.as_str(), input.split_once('/')?.0)))
    }
}

impl StageDone {
    /// The bytes of the file, which has no newline at its end.
    ///
    /// # Errors
    /// Never: all of it can be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }
}

/// For people: `cpu`, `cuda` or the GPU's name, with the count where there are several.
impl std::fmt::Display for Device {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name.as_deref().unwrap_or(&self.kind);
        if self.count > 1 { write!(out, "{} x {name}", self.count) } else { out.write_str(name) }
    }
}

/// The device with its keys in alphabetical order, as all of the lock has them.
fn sorted<S: Serializer>(device: &Option<Device>, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::to_value(device).map_err(serde::ser::Error::custom)?.serialize(serializer)
}
