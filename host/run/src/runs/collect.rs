//! Empties the store of what no run refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use octo_record::layout;

use super::{StageId, referred, run_folders, size};
use crate::store::Store;

/// A stage in the store that no run refers to, or what is left of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unused {
    /// Its kind.
    pub kind: String,
    /// Its content key.
    pub key: String,
    /// Bytes of all that the store has of it.
    pub bytes: u64,
    /// Names in the store: folders first, the lock last.
    names: Vec<String>,
}

/// What no run of the folder `runs` refers to and nobody works on, by kind and key. Removes nothing.
///
/// # Errors
/// A folder or lock that cannot be read: what it refers to is not known then.
pub fn unused(runs: &Path) -> Result<Vec<Unused>> {
    let store = Store::open(runs)?;
    let mut used: BTreeSet<StageId> = BTreeSet::new();
    for folder in run_folders(runs)? {
        used.extend(referred(&folder)?.into_values().flatten());
    }
    let mut found: BTreeMap<StageId, Vec<String>> = BTreeMap::new();
    let mut left: BTreeMap<StageId, Vec<String>> = BTreeMap::new();
    for entry in std::fs::read_dir(store.root()).into_iter().flatten() {
        let entry = entry.with_context(|| format!("could not list {}", store.root().display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((kind, key)) = layout::stored_stage(&name) else { continue };
        let id = (kind.to_owned(), key.to_owned());
        // What was on its way out when its process was killed is nobody's, whoever uses the stage.
        if name == layout::replaced_stage(kind, key) {
            left.entry(id).or_default().push(name);
        } else if !used.contains(&id) {
            found.entry(id).or_default().push(name);
        }
    }
    for (id, names) in left {
        found.entry(id).or_default().extend(names);
    }
    let mut unused = Vec::new();
    for ((kind, key), mut names) in found {
        if store.is_at_work(&kind, &key)? {
            continue;
        }
        // The lock holds others off while the folders go.
        names.sort_by_key(|name| *name == layout::stage_lock(&kind, &key));
        let bytes = names.iter().map(|name| size(&store.root().join(name))).sum();
        unused.push(Unused { kind, key, bytes, names });
    }
    Ok(unused)
}

/// Removes what no run refers to, and returns it. A stage that somebody works on stays, and one that a run which has just
/// begun refers to.
///
/// # Errors
/// What cannot be read or removed.
pub fn collect(runs: &Path) -> Result<Vec<Unused>> {
    let store = Store::open(runs)?;
    if !store.root().is_dir() {
        return Ok(Vec::new());
    }
    // Runs link their stages before this or after it.
    let _alone = store.hold()?;
    let mut removed = Vec::new();
    for unused in unused(runs)? {
        let Some(lock) = store.lock(&unused.kind, &unused.key)? else { continue };
        // Out of sight first: half a folder with a final name would be taken for a whole one.
        let aside = store.root().join(layout::replaced_stage(&unused.kind, &unused.key));
        for name in &unused.names {
            let path = store.root().join(name);
            if path.is_dir() {
                if path != aside {
                    remove(&aside)?;
                    std::fs::rename(&path, &aside).with_context(|| format!("could not remove {}", path.display()))?;
                }
                remove(&aside)?;
            }
        }
        let path = store.root().join(layout::stage_lock(&unused.kind, &unused.key));
        std::fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
        drop(lock);
        removed.push(unused);
    }
    Ok(removed)
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
