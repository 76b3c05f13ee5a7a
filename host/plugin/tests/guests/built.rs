//! Plugins that `make plugins` built with the SDK.
#![allow(dead_code, reason = "each test file is a crate of its own and uses some of these")]

use std::collections::BTreeSet;
use std::path::Path;

use octo_plugin::{Host, Limits, LoadError, LoadedPlugin};

/// A host that keeps compiled code in the build's own folder for temporary files: compiling a plugin takes about a
/// second, and these tests load them often.
pub fn host() -> Host {
    Host::with_cache_folder(Some(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins")))
        .expect("a supported machine")
}

/// Names of the reference plugins: the folders of `plugins/`. A list in a test is compared with it, so that a plugin that
/// is added and forgotten there fails.
pub fn reference_plugins() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    std::fs::read_dir(&folder)
        .expect("the plugins")
        .map(|entry| entry.expect("a folder").path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect()
}

/// The component of a built plugin.
///
/// # Panics
/// Where it is not built.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/plugins/{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make plugins` first", path.display()))
}

pub fn load(host: &Host, name: &str, config: &serde_json::Value, limits: &Limits) -> Result<LoadedPlugin, LoadError> {
    host.load_bytes(name, &bytes(name), config, limits)
}
