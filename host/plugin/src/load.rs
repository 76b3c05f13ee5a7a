//! From bytes to a plugin: every check that comes before the first item.
//!
//! The files are here in the order in which a plugin passes them:
//!
//! | file | what it has |
//! |---|---|
//! | `load.rs` | [`Host::load`]: the order of the steps |
//! | `load/find.rs` | the file that a name means |
//! | `load/surface.rs` | what a component imports and exports: its kind, its contract, and whether it asks for too much |
//! | `load/cache.rs` | compiled code, kept per user |
//! | `load/compile.rs` | compilation in a process of its own, with `compile_seconds` and `compile_memory_bytes` |
//! | `load/description.rs` | what a plugin says about itself, checked |
//! | `load/schema_cost.rs`, `load/config_check.rs` | its config against its own schema, whose cost is bounded first |
//! | `load/inspect.rs` | [`Host::inspect`]: all of this as far as it goes without a config |
//! | `load/error.rs` | [`LoadError`]: why a plugin cannot be used |

mod cache;
mod compile;
pub(crate) mod config_check;
pub(crate) mod description;
mod error;
mod find;
mod inspect;
pub(crate) mod schema_cost;
mod surface;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmtime::component::Linker;

pub(crate) use cache::Cache;
pub(crate) use compile::Compiler;
pub use compile::compile_if_asked;
pub use description::Description;
pub use error::LoadError;
pub use find::find_plugin;
pub use inspect::Inspection;

use self::compile::Problem;
use self::config_check::Mistake;
use crate::Host;
use crate::contract::Contract;
use crate::contract::world::World;
use crate::failure::{Failure, FailureKind, FailureListener};
use crate::kinds::{Kind, LoadedPlugin};
use crate::sandbox::{Blueprint, Guest, Limits, Sandbox, SharedLog, services, setup_fuel, wasi};
use crate::text::{for_people, short};
use crate::watch::Watch;

/// Compilation is not limited by fuel, and takes longer than linear time of what it is given. The reference plugins have
/// under 1 MiB; a Python interpreter fits.
const LARGEST_PLUGIN: usize = 64 << 20;

impl Host {
    /// Loads the plugin in a file; [`find_plugin`](crate::find_plugin) finds the file of a name.
    ///
    /// # Errors
    /// See [`Host::load_bytes`]; and [`LoadError::Read`].
    pub fn load(&self, path: &Path, config: &serde_json::Value, limits: &Limits) -> Result<LoadedPlugin, LoadError> {
        let bytes = read_plugin(path)?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
        self.load_bytes(&name, &bytes, config, limits)
    }

    /// Loads a plugin from memory: checks that it is a component of one of the contract's worlds and asks for nothing
    /// else, compiles it (or finds it compiled), has it describe itself, checks `config` (a JSON object) against its
    /// schema, and configures it once. `name` is for error messages.
    ///
    /// # Errors
    /// [`LoadError`]; every kind but `Read` and `NotFound`.
    pub fn load_bytes(
        &self,
        name: &str,
        bytes: &[u8],
        config: &serde_json::Value,
        limits: &Limits,
    ) -> Result<LoadedPlugin, LoadError> {
        let (kind, loading) = Loading::begin(self, name, bytes, limits)?;
        kind.load(loading, config)
    }
}

/// The bytes of a plugin's file, as far as they are of use to [`Host::load_bytes`] and [`Host::inspect`].
///
/// # Errors
/// [`LoadError::Read`], also for what is there but is not a file.
pub fn read_plugin(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Read { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(std::io::Error::other("not a file")));
    }
    // One byte over the limit is enough to be refused, and a file of any size costs no more than that.
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST_PLUGIN as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// One load, once the kind is known.
pub(crate) struct Loading<'l> {
    host: &'l Host,
    name: String,
    bytes: &'l [u8],
    contract: Contract,
    limits: &'l Limits,
}

/// A component that runs and has described itself.
pub(crate) struct Started<W: World> {
    engine: wasmtime::Engine,
    ready: W::Ready,
    sandbox: Sandbox<W>,
    watch: Watch,
    log: Arc<SharedLog>,
    description: Description,
    /// Hexadecimal.
    digest: String,
}

impl<W: World> Started<W> {
    /// The description, and the digest as it is written.
    pub(crate) fn into_description(self) -> (Description, String) {
        (self.description, format!("sha256:{}", self.digest))
    }
}

impl<'l> Loading<'l> {
    /// What can be known before anything is compiled: that the limits are in their ranges, and the component's kind.
    fn begin(
        host: &'l Host,
        name: &str,
        bytes: &'l [u8],
        limits: &'l Limits,
    ) -> Result<(Kind, Loading<'l>), LoadError> {
        let name = for_people(name, 200);
        if let Some(problem) = limits.out_of_range() {
            return Err(LoadError::Limits { plugin: name, problem });
        }
        let (kind, contract) = surface::kind_of(&name, bytes, limits)?;
        Ok((kind, Loading { host, name, bytes, contract, limits }))
    }

    /// Compiles the component, makes an instance, and has it describe itself.
    pub(crate) fn start<W: World>(&self) -> Result<Started<W>, LoadError> {
        let Loading { host, name, bytes, contract, limits } = self;
        let engine = host.engines.of(limits)?;
        let digest = hex::encode(Sha256::digest(bytes));
        let invalid =
            |error: wasmtime::Error| LoadError::Invalid { plugin: name.clone(), problem: short(&format!("{error:#}")) };
        let compile = || host.compiler.compile(&engine, bytes, limits, host.engines.options);
        let component = host.cache.component(&engine, &digest, compile).map_err(|problem| match problem {
            Problem::Invalid(problem) => LoadError::Invalid { plugin: name.clone(), problem },
            Problem::Failed(problem) => LoadError::Compile { plugin: name.clone(), problem },
        })?;
        let mut linker: Linker<Guest> = Linker::new(&engine);
        services::link(*contract, &mut linker).map_err(invalid)?;
        if limits.wasi {
            wasi::link(&mut linker, &component).map_err(invalid)?;
        }
        let ready =
            linker.instantiate_pre(&component).and_then(|linked| W::look_up(*contract, linked)).map_err(invalid)?;

        let watch = Watch::of(host, &engine, name, &component).map_err(invalid)?;
        let log = SharedLog::new(name, limits);

        let started = Sandbox::start(&engine, &ready, name, limits, &watch, &log, &host.classifiers);
        let mut sandbox: Sandbox<W> = started.map_err(|failure| match failure.kind {
            // The types of the exports are compared with the contract's when the first instance is made.
            FailureKind::InvalidOutput => LoadError::Invalid { plugin: name.clone(), problem: failure.message },
            _ => self.failed("starting", failure),
        })?;
        let raw = sandbox
            .call(setup_fuel(limits), |world, store| world.describe(store).map(Ok))
            .map_err(|failure| self.failed("describing itself", failure))?;
        let description =
            description::check(raw).map_err(|problem| LoadError::Description { plugin: name.clone(), problem })?;
        Ok(Started { engine, ready, sandbox, watch, log, description, digest })
    }

    /// Starts the component, checks `config` against its schema, and configures it once.
    pub(crate) fn load<W: World>(self, config: &serde_json::Value) -> Result<Blueprint<W>, LoadError> {
        let Started { engine, ready, mut sandbox, watch, log, description, digest } = self.start()?;
        let Loading { host, name, contract, limits, .. } = &self;
        let config = config_check::check(&description.config_schema, config).map_err(|mistake| match mistake {
            Mistake::Schema(problem) => LoadError::Description {
                plugin: name.clone(),
                problem: format!("its config schema cannot be used: {problem}"),
            },
            Mistake::Config(problem) => LoadError::Config { plugin: name.clone(), problem },
        })?;
        let configured = sandbox.call(setup_fuel(limits), |world: &W, store| world.configure(store, &config));
        configured.map_err(|failure: Failure| match failure.kind {
            FailureKind::PluginError => LoadError::Config { plugin: name.clone(), problem: failure.message },
            _ => self.failed("being configured", failure),
        })?;
        Ok(Blueprint {
            engine,
            ready,
            description,
            digest: format!("sha256:{digest}"),
            contract: *contract,
            config,
            limits: (*limits).clone(),
            log,
            watch,
            classifiers: host.classifiers.clone(),
            failures: FailureListener::default(),
            _clock: Arc::clone(&host.engines),
        })
    }

    fn failed(&self, doing: &'static str, failure: Failure) -> LoadError {
        LoadError::Start { plugin: self.name.clone(), doing, failure }
    }
}
