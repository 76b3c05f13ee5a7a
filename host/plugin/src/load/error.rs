//! Why a plugin cannot be used, and what to do about it.

use std::path::PathBuf;

use crate::Kind;

/// Why a plugin cannot be used. Each message names the plugin, what is wrong and what to do, in one line.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No file of that name in any of the places where plugins are looked for.
    #[error(
        "no plugin {reference:?}; looked, in this order, for {}. Give a path, set OCTO_PLUGIN_PATH, or build it with \
         `octo-host plugin build`",
        looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NotFound {
        /// The name or path that was asked for.
        reference: String,
        /// Every file that was tried, in order.
        looked: Vec<PathBuf>,
    },
    /// The file is there and cannot be read.
    #[error("could not read the plugin {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The bytes are not WebAssembly that could be a plugin.
    #[error("plugin {plugin}: {problem}")]
    NotAPlugin {
        /// Name of the plugin.
        plugin: String,
        /// What the bytes are, and what to do.
        problem: String,
    },
    /// Made for a version of the contract that this host does not know.
    #[error(
        "plugin {plugin} is made for contract octo:plugin@{plugin_version}, and this host knows versions {host_versions}; {advice}"
    )]
    Contract {
        /// Name of the plugin.
        plugin: String,
        /// The version that the component names.
        plugin_version: String,
        /// The versions that this host serves.
        host_versions: String,
        /// What to do.
        advice: String,
    },
    /// Imports that no plugin of the kind may have.
    #[error(
        "plugin {plugin} asks for {}, which a {kind} plugin may not have (allowed: {}); {advice}",
        asked.join(", "), allowed.join(", ")
    )]
    Imports {
        /// Name of the plugin.
        plugin: String,
        /// Its kind.
        kind: Kind,
        /// The imports that are refused.
        asked: Vec<String>,
        /// The imports that a plugin of this kind may have.
        allowed: Vec<String>,
        /// What to do.
        advice: &'static str,
    },
    /// The component cannot be compiled, or its types are not those of the contract.
    #[error("plugin {plugin}: {problem}; build it again against this version of the SDK")]
    Invalid {
        /// Name of the plugin.
        plugin: String,
        /// What the engine says.
        problem: String,
    },
    /// Compiling the component took more than it may, or could not be done.
    #[error("plugin {plugin} {problem}")]
    Compile {
        /// Name of the plugin.
        plugin: String,
        /// What happened, and what to do.
        problem: String,
    },
    /// The plugin describes itself in a way that cannot be used.
    #[error("plugin {plugin} describes itself wrongly: {problem}")]
    Description {
        /// Name of the plugin.
        plugin: String,
        /// What is wrong with the description.
        problem: String,
    },
    /// The config does not fit the plugin's schema, or the plugin refused it.
    #[error("config of plugin {plugin}: {problem}")]
    Config {
        /// Name of the plugin.
        plugin: String,
        /// Which key, what is wrong with it, and what the schema says about it.
        problem: String,
    },
    /// The plugin failed before it was asked anything.
    #[error("plugin {plugin} failed while {doing}: {failure}")]
    Start {
        /// Name of the plugin.
        plugin: String,
        /// What it was asked to do.
        doing: &'static str,
        /// How it failed.
        failure: crate::Failure,
    },
    /// A limit is out of its range.
    #[error("plugin {plugin}: {problem}")]
    Limits {
        /// Name of the plugin.
        plugin: String,
        /// Which limit, and its range.
        problem: String,
    },
    /// A plugin of one kind where another is needed.
    #[error("plugin {plugin} is a {actual} plugin, and a {wanted} plugin is needed here; name one in [plugins]")]
    Kind {
        /// Name of the plugin.
        plugin: String,
        /// What it is.
        actual: Kind,
        /// What was needed.
        wanted: Kind,
    },
    /// The WebAssembly engine cannot run on this machine.
    #[error("the WebAssembly engine could not be started: {0}")]
    Engine(String),
}
