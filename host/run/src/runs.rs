//! All runs of a folder: what there is and how much it takes, what no run refers to, and a run that travels.
//!
//! | file | what it does |
//! |---|---|
//! | `list.rs` | every run with its stages, and what the store holds |
//! | `collect.rs` | removes what no run refers to |
//! | [`export`] | makes a folder of a run, with files where the run has links |
//!
//! A run refers to a stage by the link in its `stages`, or by `run.lock.json`. A run whose folder was removed refers to
//! nothing.

mod collect;
pub mod export;
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use octo_record::{RunLock, layout};

pub use self::collect::{Unused, collect, unused};
pub use self::list::{ListedRun, ListedStage, Runs, list};

/// Name and lock of every run in the folder `runs` that has one, by name.
pub(crate) fn locks(runs: &Path) -> Vec<(String, RunLock)> {
    let lock = |folder: &PathBuf| serde_json::from_slice(&std::fs::read(folder.join(layout::LOCK)).ok()?).ok();
    let named = |folder: PathBuf| Some((folder.file_name()?.to_string_lossy().into_owned(), lock(&folder)?));
    run_folders(runs).unwrap_or_default().into_iter().filter_map(named).collect()
}

/// The folders of all runs, by name: those that have a lock, or links to stages.
fn run_folders(runs: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(runs) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("could not list {}", runs.display()))?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let folder = entry.with_context(|| format!("could not list {}", runs.display()))?.path();
        let is_hidden = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && (folder.join(layout::LOCK).is_file() || folder.join(layout::STAGES).is_dir()) {
            folders.push(folder);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Kind and key of a stage.
type StageId = (String, String);

/// Name → kind and key of all stages that a run refers to.
///
/// # Errors
/// A lock that is there and cannot be read: what it refers to would be taken for unused.
fn referred(folder: &Path) -> Result<BTreeMap<String, BTreeSet<StageId>>> {
    let mut found: BTreeMap<String, BTreeSet<StageId>> = BTreeMap::new();
    let path = folder.join(layout::LOCK);
    if path.is_file() {
        let text = std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
        let lock: RunLock = serde_json::from_slice(&text).with_context(|| {
            format!("{} is damaged; remove the run's folder, or run its recipe again", path.display())
        })?;
        for (name, stage) in lock.stages {
            found.entry(name).or_default().insert((stage.kind, stage.key));
        }
    }
    let stages = folder.join(layout::STAGES);
    for entry in std::fs::read_dir(&stages).into_iter().flatten() {
        let entry = entry.with_context(|| format!("could not list {}", stages.display()))?;
        let Ok(target) = std::fs::read_link(entry.path()) else { continue };
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some((kind, key)) = layout::stored_stage(&name) {
            let own = found.entry(entry.file_name().to_string_lossy().into_owned()).or_default();
            own.insert((kind.to_owned(), key.to_owned()));
        }
    }
    Ok(found)
}

/// Bytes of all files below `path`, or of the file; what is removed meanwhile has none. Links are not followed.
fn size(path: &Path) -> u64 {
    let Ok(data) = std::fs::symlink_metadata(path) else { return 0 };
    match data.is_dir() {
        true => std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum(),
        false if data.is_file() => data.len(),
        false => 0,
    }
}
