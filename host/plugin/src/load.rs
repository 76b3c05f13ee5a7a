//! From bytes to a plugin: every check that comes before the first item.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::component::Linker;

use crate::bindings::World;
use crate::blueprint::Blueprint;
use crate::case::told::Told;
use crate::compile::Problem;
use crate::config_check::{self, Mistake};
use crate::contract::{self, Contract};
use crate::describe::{self, Description};
use crate::failure::{Failure, FailureKind};
use crate::guest_log::SharedLog;
use crate::guest_text::{for_people, short};
use crate::store::{Guest, Sandbox, setup_fuel};
use crate::watch::Watch;
use crate::{
    DataFilter, Host, Kind, Limits, LoadError, MixturePolicy, RewardFunction, RolloutSchedule, Verifier, services, wasi,
};

/// Compilation is not limited by fuel, and takes longer than linear time of what it is given. The reference plugins have
/// under 1 MiB; a Python interpreter fits.
const LARGEST_PLUGIN: usize = 64 << 20;

/// A plugin of any kind, ready to use.
pub enum LoadedPlugin {
    /// Judges responses.
    Verifier(Verifier),
    /// Rewards rollouts.
    Reward(RewardFunction),
    /// Filters documents.
    Filter(DataFilter),
    /// Weighs data sources.
    Mixture(MixturePolicy),
    /// Plans RL steps.
    Schedule(RolloutSchedule),
}

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
        let name = for_people(name, 200);
        if let Some(problem) = limits.out_of_range() {
            return Err(LoadError::Limits { plugin: name, problem });
        }
        let (kind, contract) = kind_of(&name, bytes, limits)?;
        let loading = Loading { host: self, name, bytes, contract, limits };
        Ok(match kind {
            Kind::Verifier => LoadedPlugin::Verifier(Verifier::new(loading.load(config)?)),
            Kind::Reward => LoadedPlugin::Reward(RewardFunction::new(loading.load(config)?)),
            Kind::Filter => LoadedPlugin::Filter(DataFilter::new(loading.load(config)?)),
            Kind::Mixture => LoadedPlugin::Mixture(MixturePolicy::new(loading.load(config)?)),
            Kind::Schedule => LoadedPlugin::Schedule(RolloutSchedule::new(loading.load(config)?)),
        })
    }
}

/// The bytes of a plugin's file, as far as they are of use to [`Host::load_bytes`] and [`Host::describe`].
///
/// # Errors
/// [`LoadError::Read`], also for what is there but is no file.
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
    pub host: &'l Host,
    pub name: String,
    pub bytes: &'l [u8],
    pub contract: Contract,
    pub limits: &'l Limits,
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
    pub(crate) fn told(self) -> (Description, String) {
        (self.description, format!("sha256:{}", self.digest))
    }
}

impl Loading<'_> {
    /// Compiles the component, makes an instance, and has it describe itself.
    pub(crate) fn start<W: World>(&self) -> Result<Started<W>, LoadError> {
        let Loading { host, name, bytes, contract, limits } = self;
        let engine = host.engines.of(limits)?;
        let digest = hexadecimal(&Sha256::digest(bytes));
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

        let started = Sandbox::start(&engine, &ready, name, limits, &watch, &log);
        let mut sandbox: Sandbox<W> = started.map_err(|failure| match failure.kind {
            // The types of the exports are compared with the contract's when the first instance is made.
            FailureKind::InvalidOutput => LoadError::Invalid { plugin: name.clone(), problem: failure.message },
            _ => self.failed("starting", failure),
        })?;
        let raw = sandbox
            .call(setup_fuel(limits), |world, store| world.describe(store).map(Ok))
            .map_err(|failure| self.failed("describing itself", failure))?;
        let description =
            describe::check(raw).map_err(|problem| LoadError::Description { plugin: name.clone(), problem })?;
        Ok(Started { engine, ready, sandbox, watch, log, description, digest })
    }

    fn load<W: World>(self, config: &serde_json::Value) -> Result<Blueprint<W>, LoadError> {
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
            told: Told::default(),
            _clock: Arc::clone(&host.engines),
        })
    }

    fn failed(&self, doing: &'static str, failure: Failure) -> LoadError {
        LoadError::Start { plugin: self.name.clone(), doing, failure }
    }
}

/// Checks that the bytes are a component of one of the contract's worlds that asks for nothing else, before anything is
/// compiled, and says which, and of which version.
pub(crate) fn kind_of(name: &str, bytes: &[u8], limits: &Limits) -> Result<(Kind, Contract), LoadError> {
    let not_a_plugin = |problem: String| LoadError::NotAPlugin { plugin: name.to_owned(), problem };
    if let Some(problem) = not_a_component(bytes) {
        return Err(not_a_plugin(problem));
    }
    let surface = Surface::read(bytes).map_err(|error| {
        not_a_plugin(format!("damaged WebAssembly ({}); build or copy it again", short(&error.to_string())))
    })?;

    // Versions come first: what a later contract adds would otherwise look like something foreign.
    let mut contracts = BTreeSet::new();
    for (_, version) in surface.imports.iter().chain(&surface.exports).filter_map(|full| contract::parse(full)) {
        match version.as_ref().and_then(Contract::of) {
            Some(contract) => contracts.insert(contract),
            None => return Err(wrong_version(name, version)),
        };
    }
    if contracts.len() > 1 {
        return Err(not_a_plugin(
            "its imports and exports are of several versions of the contract; build it again with one SDK".to_owned(),
        ));
    }
    let contract = contracts.pop_first().unwrap_or(Contract::CURRENT);
    let exported: Vec<&str> =
        surface.exports.iter().filter_map(|full| contract::parse(full)).map(|(interface, _)| interface).collect();
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| exported.contains(&kind.interface())).collect();
    let kind = match kinds.as_slice() {
        [kind] => *kind,
        [] => {
            return Err(not_a_plugin(format!(
                "a component of another world: it exports {}, and a plugin exports one of {}; add `octo_sdk::export!` to its crate",
                listed(&surface.exports),
                listed(&Kind::ALL.map(|kind| contract.interface(kind.interface())))
            )));
        }
        several => {
            let several: Vec<&str> = several.iter().map(|kind| kind.as_str()).collect();
            return Err(not_a_plugin(format!("it is {} at once; make it one plugin a kind", several.join(" and "))));
        }
    };

    let allowed: Vec<String> = kind.imports().iter().map(|interface| contract.interface(interface)).collect();
    let asked: Vec<&String> =
        surface.imports.iter().filter(|full| !(allowed.contains(full) || limits.wasi && wasi::is_wasi(full))).collect();
    if !asked.is_empty() {
        let advice = if asked.iter().all(|full| wasi::is_wasi(full)) {
            "a Python or JavaScript plugin needs `wasi = true` among its limits, which gives it stopped clocks, fixed \
             randomness, and no files, environment or sockets; build any other for wasm32-unknown-unknown"
        } else {
            "build it for wasm32-unknown-unknown, without dependencies that want a clock, randomness, files or the network"
        };
        let asked: Vec<String> = asked.into_iter().map(|full| for_people(full, 100)).collect();
        // `types` holds records and nothing to call; to a person it is no permission.
        let allowed = allowed.into_iter().filter(|full| !full.contains("/types@")).collect();
        let asked = if asked.len() > 8 { [&asked[..8], &["...".to_owned()]].concat() } else { asked };
        return Err(LoadError::Imports { plugin: name.to_owned(), kind, asked, allowed, advice });
    }
    Ok((kind, contract))
}

/// What the bytes are, and what to do, where they are not a component.
fn not_a_component(bytes: &[u8]) -> Option<String> {
    const MAGIC: &[u8] = b"\0asm";
    const CORE_MODULE: &[u8] = b"\x01\0\0\0";
    const COMPONENT: &[u8] = b"\x0d\0\x01\0";
    if bytes.len() > LARGEST_PLUGIN {
        return Some(format!("more than {LARGEST_PLUGIN} bytes, which is too large to compile safely"));
    }
    match (bytes.get(..4), bytes.get(4..8)) {
        _ if bytes.is_empty() => Some("an empty file; build or copy it again".to_owned()),
        (Some(MAGIC), Some(COMPONENT)) => None,
        (Some(MAGIC), Some(CORE_MODULE)) => Some(
            "a core WebAssembly module, not a component; build it with `octo-host plugin build`, which makes it one"
                .to_owned(),
        ),
        (Some(MAGIC), _) => {
            Some("WebAssembly of a version that this host does not know; build or copy it again".to_owned())
        }
        (Some(b"\x7fELF"), _) => Some(
            "machine code, which is never loaded; name the .wasm file, and its compiled form is kept for you"
                .to_owned(),
        ),
        _ if looks_like_text(bytes) => {
            Some("WebAssembly text; turn it into a component, with `wasm-tools parse`".to_owned())
        }
        _ => Some("not WebAssembly; name the .wasm file that `octo-host plugin build` wrote".to_owned()),
    }
}

fn looks_like_text(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    text.starts_with(b"(module") || text.starts_with(b"(component")
}

/// What a component imports and exports at its outermost level.
pub(crate) struct Surface {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

impl Surface {
    pub(crate) fn read(bytes: &[u8]) -> Result<Surface, wasmparser::BinaryReaderError> {
        let mut surface = Surface { imports: Vec::new(), exports: Vec::new() };
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section {
                        surface.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section {
                        surface.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(surface)
    }
}

fn wrong_version(name: &str, version: Option<semver::Version>) -> LoadError {
    let advice = match &version {
        Some(version) if *version > Contract::CURRENT.version() => {
            "update octo-host, or build the plugin with octo-sdk"
        }
        _ => "build the plugin again with octo-sdk",
    };
    LoadError::Contract {
        plugin: name.to_owned(),
        plugin_version: version
            .map_or_else(|| "(no version)".to_owned(), |version| for_people(&version.to_string(), 64)),
        host_versions: Contract::all_served(),
        advice: format!("{advice} {}", Contract::CURRENT.version()),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => {
            let shown: Vec<String> = names.iter().take(8).map(|name| for_people(name, 100)).collect();
            format!("{}{}", shown.join(", "), if names.len() > 8 { ", ..." } else { "" })
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

macro_rules! into_kind {
    ($(#[$documentation:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$documentation])*
        ///
        /// # Errors
        /// [`LoadError::Kind`] for a plugin of another kind.
        pub fn $name(self) -> Result<$type, LoadError> {
            match self {
                LoadedPlugin::$variant(plugin) => Ok(plugin),
                other => Err(LoadError::Kind {
                    plugin: other.description().name.clone(),
                    actual: other.kind(),
                    wanted: Kind::$variant,
                }),
            }
        }
    };
}

impl LoadedPlugin {
    /// What the plugin decides.
    pub fn kind(&self) -> Kind {
        match self {
            LoadedPlugin::Verifier(_) => Kind::Verifier,
            LoadedPlugin::Reward(_) => Kind::Reward,
            LoadedPlugin::Filter(_) => Kind::Filter,
            LoadedPlugin::Mixture(_) => Kind::Mixture,
            LoadedPlugin::Schedule(_) => Kind::Schedule,
        }
    }

    /// What the plugin says about itself.
    pub fn description(&self) -> &Description {
        match self {
            LoadedPlugin::Verifier(plugin) => plugin.description(),
            LoadedPlugin::Reward(plugin) => plugin.description(),
            LoadedPlugin::Filter(plugin) => plugin.description(),
            LoadedPlugin::Mixture(plugin) => plugin.description(),
            LoadedPlugin::Schedule(plugin) => plugin.description(),
        }
    }

    /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
    pub fn digest(&self) -> &str {
        match self {
            LoadedPlugin::Verifier(plugin) => plugin.digest(),
            LoadedPlugin::Reward(plugin) => plugin.digest(),
            LoadedPlugin::Filter(plugin) => plugin.digest(),
            LoadedPlugin::Mixture(plugin) => plugin.digest(),
            LoadedPlugin::Schedule(plugin) => plugin.digest(),
        }
    }

    /// The version of the contract that the plugin was built for.
    pub fn contract(&self) -> Contract {
        match self {
            LoadedPlugin::Verifier(plugin) => plugin.contract(),
            LoadedPlugin::Reward(plugin) => plugin.contract(),
            LoadedPlugin::Filter(plugin) => plugin.contract(),
            LoadedPlugin::Mixture(plugin) => plugin.contract(),
            LoadedPlugin::Schedule(plugin) => plugin.contract(),
        }
    }

    into_kind!(
        /// The plugin as a verifier.
        into_verifier, Verifier, Verifier
    );
    into_kind!(
        /// The plugin as a reward function.
        into_reward, Reward, RewardFunction
    );
    into_kind!(
        /// The plugin as a data filter.
        into_filter, Filter, DataFilter
    );
    into_kind!(
        /// The plugin as a mixture policy.
        into_mixture, Mixture, MixturePolicy
    );
    into_kind!(
        /// The plugin as a rollout schedule.
        into_schedule, Schedule, RolloutSchedule
    );
}
