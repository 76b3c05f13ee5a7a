//! Where a build of the repository puts what the tests run.

use std::path::{Path, PathBuf};

/// The repository's root folder.
///
/// # Panics
/// Where this crate's folder has been moved since it was compiled.
pub fn repository() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    folder.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

/// `octo-host` of the profile that the tests were built with.
///
/// # Panics
/// Where it has not been built: `make test` builds it first.
pub fn octo_host_path() -> PathBuf {
    let host = profile_folder().join("octo-host");
    assert!(host.is_file(), "{} is missing: run `make build plugins` first", host.display());
    host
}

/// Where `make plugins` puts the plugins: `plugins` beside the folder of `octo-host`.
///
/// # Panics
/// Where a test does not lie in `target/PROFILE/deps`.
pub fn plugins_folder() -> PathBuf {
    target_folder().join("plugins")
}

/// The build's `target` folder.
pub(crate) fn target_folder() -> PathBuf {
    profile_folder().parent().expect("target/PROFILE has a parent").to_path_buf()
}

/// `target/PROFILE`: cargo puts tests and benchmarks into `deps` in it, and examples into `examples`.
fn profile_folder() -> PathBuf {
    let program = std::env::current_exe().expect("a test has a path");
    program.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps").to_path_buf()
}
