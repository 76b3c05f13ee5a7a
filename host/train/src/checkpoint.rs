//! Checkpoints that are whole or absent.
//!
//! A checkpoint is a folder `step-NNNNNN` with the model in the HF layout, `optimizer.safetensors` and `state.json`. It
//! is filled under a temporary name, every file is synced, and the folder is renamed; so a kill leaves either all of
//! it or a temporary folder, which the next start removes. `state.json` carries the digest of every other file, and its
//! first key is the digest of all that comes after it (`seal`): a checkpoint that the disk has damaged is passed over for
//! the one before it, which is why two are kept, and so is one without that key, which earlier builds wrote. What is
//! loaded then is compared with its digest once more, and read from the same open file. Old ones are
//! removed only once the new one is whole, so that a full disk costs an error and not the last good checkpoint; there
//! must be room for one more than are kept.
//!
//! `seal` is how `state.json` vouches for itself, `retention` says which stay, `model_folder` fills a folder with model and tokenizer, and `background` writes while
//! training goes ahead. How a stage resumes from its newest checkpoint stands with the stage, in `midtrain/resume.rs`
//! and `rl/resume.rs`.

pub(crate) mod background;
pub(crate) mod model_folder;
mod retention;
mod seal;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use octo_model::Model;
use octo_record::layout;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Device, Tensor};

use crate::error::TrainError;
use crate::optimizer::adamw::{AdamW, AdamWConfig};
pub use retention::Retention;

const TEMPORARY: &str = ".partial-";
/// Most bytes of a `state.json`; those of long runs have a few megabytes.
const LARGEST_STATE: u64 = 1 << 30;

/// The checkpoints of one stage, in `OUT/checkpoints`.
#[derive(Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    settings: Value,
    retention: Retention,
}

/// A checkpoint whose files have been checked against their digests.
pub struct Checkpoint<S> {
    /// Its folder: a model folder in the HF layout.
    pub folder: PathBuf,
    /// Steps done when it was written.
    pub step: u64,
    /// What the stage had stored.
    pub state: S,
    /// Its other files.
    pub files: Files,
}

/// Files of a checkpoint, with the digests that its state has of them.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    digests: BTreeMap<String, String>,
}

impl Files {
    /// Those of the folder of a checkpoint, of any stage, checked against their digests; `None` where the folder has no
    /// state, as one with a model alone.
    ///
    /// # Errors
    /// A checkpoint that is damaged.
    pub fn of(folder: &Path) -> Result<Option<Files>, TrainError> {
        let state = folder.join(layout::CHECKPOINT_STATE);
        if !state.try_exists().map_err(|error| TrainError::io(&state, error))? {
            return Ok(None);
        }
        let record = read(folder).map_err(|reason| TrainError::checkpoint(folder, reason))?;
        Ok(Some(record.into_files(folder)))
    }

    /// The model, in fp32.
    ///
    /// # Errors
    /// Those of [`Model::load_recorded`].
    pub fn model(&self, device: Device) -> Result<Model, TrainError> {
        Ok(Model::load_recorded(&self.folder, &self.digests, device)?)
    }

    /// The optimiser's state for a model's parameters.
    ///
    /// # Errors
    /// Those of [`AdamW::load_recorded`].
    pub fn optimiser(&self, parameters: &[(String, Tensor)], config: AdamWConfig) -> Result<AdamW, TrainError> {
        let digest = self.digests.get(layout::OPTIMIZER).map(String::as_str);
        AdamW::load_recorded(&self.folder.join(layout::OPTIMIZER), digest, parameters, config)
    }
}

/// Digests of files by name, as [`octo_data::digest`] writes them: those that were made while the files were written.
#[derive(Debug, Default)]
pub struct Digests(BTreeMap<String, String>);

/// Digests of which none is known: every file is read for its own.
impl From<()> for Digests {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<BTreeMap<String, String>> for Digests {
    fn from(known: BTreeMap<String, String>) -> Self {
        Self(known)
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    step: u64,
    /// Seed and config, which must be those of the run that resumes.
    settings: Value,
    /// A loss to compare checkpoints by, where the stage gave one.
    #[serde(default)]
    score: Option<f64>,
    files: BTreeMap<String, String>,
    state: Value,
}

impl Record {
    fn into_files(self, folder: &Path) -> Files {
        // The digits alone stand in the record.
        let digests = self.files.into_iter().map(|(name, digits)| (name, format!("sha256:{digits}"))).collect();
        Files { folder: folder.to_path_buf(), digests }
    }
}

impl Checkpoints {
    /// Opens `out/checkpoints`, making the folder and removing what an interrupted write left there and in `out`.
    /// `settings` (seed and config) are stored in each checkpoint and compared when one is read.
    pub fn open(out: &Path, settings: Value) -> Result<Checkpoints, TrainError> {
        let folder = out.join(layout::CHECKPOINTS);
        std::fs::create_dir_all(&folder).map_err(|error| TrainError::io(&folder, error))?;
        remove_temporary(out)?;
        remove_temporary(&folder)?;
        Ok(Checkpoints { folder, settings, retention: Retention::default() })
    }

    /// The checkpoints in `out`, for reading alone: nothing is made or removed.
    pub fn reader(out: &Path, settings: Value) -> Checkpoints {
        Checkpoints { folder: out.join(layout::CHECKPOINTS), settings, retention: Retention::default() }
    }

    /// The same with another choice of what stays.
    pub fn keeping(self, retention: Retention) -> Checkpoints {
        Checkpoints { retention, ..self }
    }

    /// The newest whole checkpoint. Damaged ones are passed over with a warning; one made with other settings is an
    /// error, since to resume from it would be neither run.
    pub fn latest<S: DeserializeOwned>(&self) -> Result<Option<Checkpoint<S>>, TrainError> {
        for (step, folder) in self.list()?.into_iter().rev() {
            let record = match read_of(&folder, step) {
                Ok(record) => record,
                Err(reason) => {
                    tracing::warn!("{} is damaged ({reason}); trying the checkpoint before it", folder.display());
                    continue;
                }
            };
            return self.admit(record, folder).map(Some);
        }
        Ok(None)
    }

    /// The checkpoint of `step`, which must be there and whole.
    pub fn at<S: DeserializeOwned>(&self, step: u64) -> Result<Checkpoint<S>, TrainError> {
        let folder = self.folder.join(layout::checkpoint(step));
        let record = read_of(&folder, step).map_err(|reason| TrainError::checkpoint(&folder, reason))?;
        self.admit(record, folder)
    }

    fn admit<S: DeserializeOwned>(&self, mut record: Record, folder: PathBuf) -> Result<Checkpoint<S>, TrainError> {
        let changed = changed_keys(&record.settings, &self.settings);
        if !changed.is_empty() {
            let message =
                format!("was made with another {}; use a new output folder, or the old settings", changed.join(", "));
            return Err(TrainError::checkpoint(&folder, message));
        }
        let state = serde_json::from_value(record.state.take())
            .map_err(|error| TrainError::checkpoint(&folder, format!("its state does not read: {error}")))?;
        Ok(Checkpoint { step: record.step, state, files: record.into_files(&folder), folder })
    }

    /// Writes the checkpoint of `step`: `fill` puts files into the folder it is given, and returns the digests that it
    /// knows of them; `state` goes beside them. Afterwards only those are left that are to be kept: the newest two,
    /// unless [`Checkpoints::keeping`] chose others.
    pub fn write<D: Into<Digests>>(
        &self,
        step: u64,
        state: &impl Serialize,
        fill: impl FnOnce(&Path) -> Result<D, TrainError>,
    ) -> Result<(), TrainError> {
        self.write_scored(step, None, state, fill)
    }

    /// [`Checkpoints::write`] with a loss by which the best checkpoint is found.
    pub fn write_scored<D: Into<Digests>>(
        &self,
        step: u64,
        score: Option<f64>,
        state: &impl Serialize,
        fill: impl FnOnce(&Path) -> Result<D, TrainError>,
    ) -> Result<(), TrainError> {
        let record = |folder: &Path, known: Digests| -> Result<(), TrainError> {
            let broken =
                |error: serde_json::Error| TrainError::checkpoint(folder, format!("cannot store state: {error}"));
            let record = Record {
                step,
                settings: self.settings.clone(),
                score,
                files: digests(folder, known.0)?,
                state: serde_json::to_value(state).map_err(broken)?,
            };
            let text = serde_json::to_vec_pretty(&record).map_err(broken)?;
            Ok(octo_data::atomic::write(&folder.join(layout::CHECKPOINT_STATE), &seal::sealed(&text))?)
        };
        write_folder(&self.folder.join(layout::checkpoint(step)), |folder| {
            let known = fill(folder)?.into();
            record(folder, known)
        })?;
        self.remove_old()
    }

    fn remove_old(&self) -> Result<(), TrainError> {
        let present = self.list()?;
        let steps: Vec<u64> = present.iter().map(|(step, _)| *step).collect();
        let best = if self.retention.best { best_of(&present) } else { None };
        let old = self.retention.old(&steps, best);
        present.iter().filter(|(step, _)| old.contains(step)).try_for_each(|(_, folder)| remove(folder))
    }

    /// Folders by step, oldest first.
    fn list(&self) -> Result<Vec<(u64, PathBuf)>, TrainError> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(|error| TrainError::io(&self.folder, error))? {
            let path = entry.map_err(|error| TrainError::io(&self.folder, error))?.path();
            let step = layout::checkpoint_step(&file_name(&path));
            if let Some(step) = step.filter(|_| path.is_dir()) {
                found.push((step, path));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Makes the folder `target` under a temporary name beside it, syncs every file of it and renames it, replacing a
/// `target` that an earlier attempt left.
pub(crate) fn write_folder(
    target: &Path,
    fill: impl FnOnce(&Path) -> Result<(), TrainError>,
) -> Result<(), TrainError> {
    let parent = target.parent().unwrap_or(Path::new("."));
    let temporary = parent.join(format!("{TEMPORARY}{}", file_name(target)));
    remove(&temporary)?;
    std::fs::create_dir_all(&temporary).map_err(|error| TrainError::io(&temporary, error))?;
    let filled =
        fill(&temporary).and_then(|()| sync_files(&temporary).map_err(|error| TrainError::io(&temporary, error)));
    if filled.is_err() {
        // Where the disk is full, its space is wanted back at once.
        let _ = remove(&temporary);
    }
    filled?;
    remove(target)?;
    std::fs::rename(&temporary, target).map_err(|error| TrainError::io(target, error))?;
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(|error| TrainError::io(parent, error))
}

/// The step of the checkpoint with the lowest score; the earliest of equals. What can't be read has none.
fn best_of(present: &[(u64, PathBuf)]) -> Option<u64> {
    let scored = present.iter().filter_map(|(step, folder)| Some((*step, read_record(folder).ok()?.score?)));
    scored.min_by(|left, right| left.1.total_cmp(&right.1)).map(|(step, _)| step)
}

fn sync_files(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        File::open(entry?.path())?.sync_all()?;
    }
    File::open(folder)?.sync_all()
}

/// The state of a checkpoint, as it was written.
fn read_record(folder: &Path) -> Result<Record, String> {
    let name = layout::CHECKPOINT_STATE;
    let file = File::open(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    let mut text = Vec::new();
    file.take(LARGEST_STATE + 1).read_to_end(&mut text).map_err(|error| format!("{name}: {error}"))?;
    if text.len() as u64 > LARGEST_STATE {
        return Err(format!("{name} is larger than {LARGEST_STATE} bytes"));
    }
    let text = seal::opened(&text).map_err(|reason| format!("{name} {reason}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{name}: {error}"))
}

/// The checkpoint of `step`, if it is whole.
fn read_of(folder: &Path, step: u64) -> Result<Record, String> {
    let record = read(folder)?;
    if record.step != step {
        return Err(format!("{} is of step {}", layout::CHECKPOINT_STATE, record.step));
    }
    Ok(record)
}

/// A checkpoint, if it is whole.
fn read(folder: &Path) -> Result<Record, String> {
    let record = read_record(folder)?;
    let found = digests(folder, BTreeMap::new()).map_err(|error| error.to_string())?;
    match record.files.iter().find(|(name, digest)| found.get(*name) != Some(digest)) {
        Some((name, _)) => Err(format!("{name} is missing or not what was written")),
        None => Ok(record),
    }
}

/// SHA-256 in hexadecimal of every file in `folder` but the state itself, by name. Files of which it is not known are
/// read, several at once.
fn digests(folder: &Path, known: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, TrainError> {
    let failed = |error| TrainError::io(folder, error);
    let (mut found, mut unknown) = (known, Vec::new());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = file_name(&path);
        if name != layout::CHECKPOINT_STATE && path.is_file() && !found.contains_key(&name) {
            unknown.push(path);
        }
    }
    let digests = octo_data::digest::of_files(&unknown)?;
    found.extend(unknown.iter().map(|path| file_name(path)).zip(digests));
    // The digits alone, as in every checkpoint so far.
    let digits = |digest: String| digest.strip_prefix("sha256:").map(str::to_owned).unwrap_or(digest);
    Ok(found.into_iter().map(|(name, digest)| (name, digits(digest))).collect())
}

/// Keys whose values differ, a nested object's as `outer.inner`.
fn changed_keys(before: &Value, now: &Value) -> Vec<String> {
    let (Value::Object(before), Value::Object(now)) = (before, now) else {
        return if before == now { Vec::new() } else { vec!["value".to_owned()] };
    };
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut changed = Vec::new();
    for key in keys {
        match (before.get(key), now.get(key)) {
            (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) => {
                changed.extend(changed_keys(old, new).into_iter().map(|inner| format!("`{key}`.{inner}")));
            }
            (old, new) if old != new => changed.push(format!("`{key}`")),
            _ => {}
        }
    }
    changed
}

/// Removes what interrupted writes have left in a folder: half a folder, and files that [`octo_data::atomic`] had not
/// named yet. Nobody else writes there.
fn remove_temporary(folder: &Path) -> Result<(), TrainError> {
    for entry in std::fs::read_dir(folder).map_err(|error| TrainError::io(folder, error))? {
        let path = entry.map_err(|error| TrainError::io(folder, error))?.path();
        let name = file_name(&path);
        if name.starts_with(TEMPORARY) || octo_data::atomic::is_temporary(&name) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn remove(path: &Path) -> Result<(), TrainError> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(TrainError::io(path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
