//! Compiled code, kept per user so that a plugin is compiled once per machine.
//!
//! An entry is named by the SHA-256 of the component and the engine's compatibility hash, and holds the SHA-256 of the
//! compiled code before the code itself. The digest finds damage (a full disk, a bad sector), and damaged entries are
//! compiled again. It is not a defence against whoever can write the folder: compiled code is code, so the folder is the
//! user's alone and entries are never shipped.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::compile::Problem;

const DIGEST_BYTES: usize = 32;

/// The folder of compiled code, or none where there is no private place for one.
pub(crate) struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// Opens the user's cache; see [`crate::Host::new`] for where it is.
    pub(crate) fn open() -> Cache {
        let Some(folder) = place() else {
            tracing::debug!("no home folder, so compiled plugins are not kept");
            return Cache::none();
        };
        Cache::in_folder(&folder)
    }

    /// Keeps nothing.
    pub(crate) fn none() -> Cache {
        Cache { folder: None }
    }

    /// Keeps compiled code in `folder`, where that can be made private.
    pub(crate) fn in_folder(folder: &Path) -> Cache {
        match make_private(folder) {
            Ok(()) => Cache { folder: Some(folder.to_owned()) },
            Err(error) => {
                tracing::warn!("compiled plugins are not kept: {}: {error}", folder.display());
                Cache::none()
            }
        }
    }

    /// The component whose SHA-256 is `digest` in hexadecimal: from the cache, or by `compile`, whose code is kept.
    ///
    /// # Errors
    /// What the compiler says. Trouble with the cache is logged, and costs a compilation.
    pub(crate) fn component(
        &self,
        engine: &Engine,
        digest: &str,
        compile: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<Component, Problem> {
        let entry = self.folder.as_ref().map(|folder| folder.join(entry_name(engine, digest)));
        if let Some(entry) = &entry
            && let Some(component) = read(engine, entry)
        {
            return Ok(component);
        }
        let code = compile()?;
        if let Some(entry) = &entry
            && let Err(error) = write(entry, &code)
        {
            tracing::debug!("could not keep {}: {error}", entry.display());
        }
        trust(engine, &code).map_err(|error| Problem::Failed(format!("was compiled for another engine: {error:#}")))
    }
}

/// `$OCTO_CACHE_DIR`, else `$XDG_CACHE_HOME/octo`, else `~/.cache/octo`.
fn place() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("OCTO_CACHE_DIR")
        // The XDG base directory specification has relative paths ignored.
        .or_else(|| set("XDG_CACHE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("octo")))
        .or_else(|| set("HOME").map(|path| path.join(".cache").join("octo")))
        .map(|folder| folder.join("compiled"))
}

fn entry_name(engine: &Engine, digest: &str) -> String {
    // Rust may change this hasher between releases, which costs a compilation. wasmtime itself refuses code of another
    // version or machine, so nothing rests on the hash being free of collisions.
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{digest}-{:016x}.cwasm", hasher.finish())
}

/// Makes the folder, and makes sure that nobody else can write what will be run from it.
fn make_private(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    // A file of our own has our user id; the folder must have the same.
    let probe = temporary(&folder.join("probe"));
    let own = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe).and_then(|file| file.metadata());
    let removed = fs::remove_file(&probe);
    let own = own?;
    removed?;
    if own.uid() != fs::metadata(folder)?.uid() {
        return Err(std::io::Error::other("the folder belongs to another user"));
    }
    Ok(())
}

/// A name beside `path` that no other writer uses.
fn temporary(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{}.partial", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    PathBuf::from(name)
}

/// Reads an entry; `None` where it is absent, damaged, or not to be trusted.
fn read(engine: &Engine, entry: &Path) -> Option<Component> {
    let mut file = File::open(entry).ok()?;
    let metadata = file.metadata().ok()?;
    let folder = fs::metadata(entry.parent()?).ok()?;
    // The folder was ours and private when the host started; a file of another user got in some other way.
    if metadata.uid() != folder.uid() || folder.permissions().mode() & 0o077 != 0 {
        tracing::warn!("{} is not private; compiling anew", entry.display());
        return None;
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content).ok()?;
    let (digest, code) = content.split_at_checked(DIGEST_BYTES)?;
    if Sha256::digest(code).as_slice() != digest {
        tracing::warn!("{} is damaged; compiling anew", entry.display());
        return None;
    }
    match trust(engine, code) {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::debug!("{} does not fit this engine: {error:#}", entry.display());
            None
        }
    }
}

/// The one place where bytes become machine code without being compiled.
#[allow(
    unsafe_code,
    reason = "wasmtime cannot distinguish its own output from an attacker's. These bytes were written by this user's octo-host \
              into a folder that only this user can write, and match the digest that was written with them, or come from \
              the compiler that this process started just now"
)]
fn trust(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: as above, the bytes are unmodified output of `Component::serialize`.
    unsafe { Component::deserialize(engine, code) }
}

fn write(entry: &Path, code: &[u8]) -> std::io::Result<()> {
    let temporary = temporary(entry);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).and_then(|mut file| {
        file.write_all(&Sha256::digest(code))?;
        file.write_all(code)?;
        file.sync_all()?;
        fs::rename(&temporary, entry)
    });
    if written.is_err() {
        // Nothing reads a partial file; a leftover only takes space.
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::compile::Compiler;
    use super::*;
    use crate::sandbox::{EngineOptions, Limits};

    /// The smallest component: magic number, version and layer.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn compiled(cache: &Cache, engine: &Engine) {
        let here = || Compiler::Here.compile(engine, EMPTY, &Limits::default(), EngineOptions::default());
        assert!(cache.component(engine, "digest", here).is_ok(), "compiles");
    }

    fn only_entry(folder: &Path) -> PathBuf {
        let entries: Vec<_> = fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
        assert_eq!(entries.len(), 1, "one entry and no leftovers: {entries:?}");
        entries.into_iter().next().expect("one")
    }

    #[test]
    fn a_damaged_entry_is_found_and_written_anew() {
        let home = tempfile::tempdir().expect("folder");
        let folder = home.path().join("compiled");
        let cache = Cache::in_folder(&folder);
        let engine = Engine::default();
        compiled(&cache, &engine);
        let entry = only_entry(&folder);
        let good = fs::read(&entry).expect("entry");
        assert!(read(&engine, &entry).is_some(), "a whole entry is used");

        let mut flipped = good.clone();
        *flipped.last_mut().expect("not empty") ^= 1;
        for damaged in [flipped, good[..good.len() / 2].to_vec(), Vec::new(), b"short".to_vec()] {
            fs::write(&entry, &damaged).expect("damage it");
            assert!(read(&engine, &entry).is_none(), "{} damaged bytes were trusted", damaged.len());
            compiled(&cache, &engine);
            assert_eq!(fs::read(only_entry(&folder)).expect("entry"), good);
        }
    }

    #[test]
    fn the_folder_and_its_entries_are_the_users_alone() {
        let home = tempfile::tempdir().expect("folder");
        let folder = home.path().join("compiled");
        fs::create_dir(&folder).expect("made by someone careless");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("opened to all");
        let cache = Cache::in_folder(&folder);
        compiled(&cache, &Engine::default());
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&only_entry(&folder))), (0o700, 0o600));
    }

    #[test]
    fn a_place_that_cannot_be_written_costs_compilations_only() {
        let home = tempfile::tempdir().expect("folder");
        let file = home.path().join("file");
        fs::write(&file, b"in the way").expect("written");
        let cache = Cache::in_folder(&file.join("compiled"));
        assert!(cache.folder.is_none());
        compiled(&cache, &Engine::default());
    }
}
