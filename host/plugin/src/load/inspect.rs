//! What there is to know about a plugin without configuring it.

use super::surface::Surface;
use super::{Description, LoadError, Loading};
use crate::component::Metadata;
use crate::text::{for_people, short};
use crate::{Contract, Host, Kind, Limits};

/// Longest name of an import or export, in bytes.
const LONGEST_NAME: usize = 200;

/// A plugin that a host takes, as far as it can be known without a config. Texts of the plugin are fit to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// What the plugin decides.
    pub kind: Kind,
    /// Version of the contract that it was built for.
    pub contract: Contract,
    /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
    pub digest: String,
    /// Size of the component, in bytes.
    pub bytes: u64,
    /// What it asks of the host, as full interface names.
    pub imports: Vec<String>,
    /// What it offers, as full interface names.
    pub exports: Vec<String>,
    /// What it says about itself when it runs.
    pub description: Description,
    /// What the component's sections say about it.
    pub metadata: Metadata,
}

impl Host {
    /// Checks a component as [`Host::load_bytes`] does, and has it describe itself within `limits`, but does not
    /// configure it: every plugin can be inspected, also one whose config has required keys. `name` is for error
    /// messages.
    ///
    /// # Errors
    /// [`LoadError`]; every kind but `Read`, `NotFound` and `Config`.
    pub fn inspect(&self, name: &str, bytes: &[u8], limits: &Limits) -> Result<Inspection, LoadError> {
        let (kind, loading) = Loading::begin(self, name, bytes, limits)?;
        let damaged = |error: wasmparser::BinaryReaderError| LoadError::NotAPlugin {
            plugin: loading.name.clone(),
            problem: format!("damaged WebAssembly ({}); build or copy it again", short(&error.to_string())),
        };
        let surface = Surface::read(bytes).map_err(damaged)?;
        let metadata = Metadata::read(bytes).map_err(damaged)?;
        let (description, digest) = kind.describe(&loading)?;
        let shown = |names: &[String]| names.iter().map(|name| for_people(name, LONGEST_NAME)).collect();
        Ok(Inspection {
            kind,
            contract: loading.contract,
            digest,
            bytes: bytes.len() as u64,
            imports: shown(&surface.imports),
            exports: shown(&surface.exports),
            description,
            metadata,
        })
    }
}
