//! What there is to know about a plugin without configuring it.

use crate::bindings::{FilterWorld, MixtureWorld, RewardWorld, ScheduleWorld, VerifierWorld};
use crate::describe::Description;
use crate::guest_text::{for_people, short};
use crate::load::{Loading, Surface, kind_of};
use crate::metadata::Metadata;
use crate::{Contract, Host, Kind, Limits, LoadError};

/// Longest name of an import or export, in bytes.
const LONGEST_NAME: usize = 200;

/// A plugin that a host takes, as far as it can be known without a config. Texts of the plugin are fit to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
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
    /// configure it: every plugin can be described, also one whose config has required keys. `name` is for error
    /// messages.
    ///
    /// # Errors
    /// [`LoadError`]; every kind but `Read`, `NotFound` and `Config`.
    pub fn describe(&self, name: &str, bytes: &[u8], limits: &Limits) -> Result<Described, LoadError> {
        let name = for_people(name, 200);
        if let Some(problem) = limits.out_of_range() {
            return Err(LoadError::Limits { plugin: name, problem });
        }
        let (kind, contract) = kind_of(&name, bytes, limits)?;
        let damaged = |error: wasmparser::BinaryReaderError| LoadError::NotAPlugin {
            plugin: name.clone(),
            problem: format!("damaged WebAssembly ({}); build or copy it again", short(&error.to_string())),
        };
        let surface = Surface::read(bytes).map_err(damaged)?;
        let metadata = Metadata::read(bytes).map_err(damaged)?;
        let loading = Loading { host: self, name: name.clone(), bytes, contract, limits };
        let (description, digest) = match kind {
            Kind::Verifier => loading.start::<VerifierWorld>()?.told(),
            Kind::Reward => loading.start::<RewardWorld>()?.told(),
            Kind::Filter => loading.start::<FilterWorld>()?.told(),
            Kind::Mixture => loading.start::<MixtureWorld>()?.told(),
            Kind::Schedule => loading.start::<ScheduleWorld>()?.told(),
        };
        let shown = |names: &[String]| names.iter().map(|name| for_people(name, LONGEST_NAME)).collect();
        Ok(Described {
            kind,
            contract,
            digest,
            bytes: bytes.len() as u64,
            imports: shown(&surface.imports),
            exports: shown(&surface.exports),
            description,
            metadata,
        })
    }
}
