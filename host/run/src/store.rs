//! Where stages keep what they made: `runs/.store/KIND-KEY`, shared by every run, found by content key.
//!
//! A stage at work writes to `KIND-KEY.partial`, held by a file lock so that two processes don't share it. When it
//! is done, `done.json` is written with the digest of every output and the folder is renamed. What has the final
//! name is complete; what has not is resumed.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use octo_record::layout::{CHECKPOINTS, DONE, FAILURES, STORE, finished_stage, stage_at_work, stage_lock};
use octo_record::{Device, StageDone};

use crate::plan::path_digest::{digest_path, list};

/// The folder of all stages' outputs.
pub struct Store {
    root: PathBuf,
}

/// How far a stage is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Complete and sealed.
    Done,
    /// Begun by an earlier call; it resumes, or begins again if its kind keeps nothing.
    Begun,
    /// Nothing is there.
    ToDo,
}

/// A stage's working folder, locked for this process until dropped.
pub struct Working {
    /// Where the stage writes.
    pub folder: PathBuf,
    target: PathBuf,
    lock: Option<File>,
}

impl Store {
    /// The store in the folder `runs`, which is made when the first stage begins.
    ///
    /// # Errors
    /// A working folder that is not there.
    pub fn open(runs: &Path) -> Result<Store> {
        Ok(Store { root: std::path::absolute(runs.join(STORE))? })
    }

    /// The folder of a finished stage.
    pub fn folder(&self, kind: &str, key: &str) -> PathBuf {
        self.root.join(finished_stage(kind, key))
    }

    /// The folder of a stage at work.
    pub fn working_folder(&self, kind: &str, key: &str) -> PathBuf {
        self.root.join(stage_at_work(kind, key))
    }

    /// How far the stage is.
    pub fn standing(&self, kind: &str, key: &str) -> Standing {
        if self.folder(kind, key).join(DONE).is_file() {
            Standing::Done
        } else if self.working_folder(kind, key).is_dir() {
            Standing::Begun
        } else {
            Standing::ToDo
        }
    }

    /// The seal of a finished stage.
    ///
    /// # Errors
    /// A seal that is not there or is damaged.
    pub fn done(&self, kind: &str, key: &str) -> Result<StageDone> {
        let path = self.folder(kind, key).join(DONE);
        let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; remove its folder and run again", path.display()))
    }

    /// Takes the working folder of a stage, new or begun; none while another process works in it.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn begin(&self, kind: &str, key: &str) -> Result<Option<Working>> {
        let folder = self.working_folder(kind, key);
        std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
        let lock_path = self.root.join(stage_lock(kind, key));
        let lock = File::create(&lock_path).with_context(|| format!("could not make {}", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Working { folder, target: self.folder(kind, key), lock: Some(lock) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("could not lock {}", lock_path.display()))
            }
        }
    }
}

impl Working {
    /// Seals the folder: digests, `done.json`, rename.
    ///
    /// # Errors
    /// What cannot be read, written or renamed.
    pub fn finish(mut self, kind: &str, key: &str, seconds: f64, device: Option<Device>) -> Result<()> {
        let mut files = Vec::new();
        list(&self.folder, &self.folder, &mut files)?;
        let mut outputs = BTreeMap::new();
        for file in files {
            let top = file.iter().next().unwrap_or_default().to_string_lossy();
            if ![CHECKPOINTS, FAILURES, DONE].contains(&&*top) {
                let digest = digest_path(&self.folder.join(&file))?;
                outputs.insert(file.to_string_lossy().into_owned(), digest);
            }
        }
        let done = StageDone { kind: kind.to_owned(), key: key.to_owned(), seconds, device, outputs };
        octo_data::atomic::write(&self.folder.join(DONE), &done.to_json()?)?;
        if self.target.exists() {
            // A folder with the final name but no done.json: not ours to trust.
            std::fs::remove_dir_all(&self.target)?;
        }
        std::fs::rename(&self.folder, &self.target)
            .with_context(|| format!("could not rename {} to {}", self.folder.display(), self.target.display()))?;
        if let Some(parent) = self.target.parent() {
            File::open(parent)?.sync_all()?;
        }
        self.lock.take();
        Ok(())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        // The lock file itself stays: removing it would let a third process lock a file that a second still holds.
        if let Some(lock) = self.lock.take() {
            let _ = lock.unlock();
        }
    }
}
