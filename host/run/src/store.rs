//! Where stages keep what they made: `runs/.store/KIND-KEY`, shared by every run, found by content key.
//!
//! A stage at work writes to `KIND-KEY.partial`, held by a file lock so that two processes don't share it. When it
//! is done, `done.json` is written with the digest of every output and the folder is renamed. What has the final
//! name is complete; what has not is resumed. A finished stage that is done again keeps its folder until the new one is
//! whole.
//!
//! Several processes, on one machine or many that see the store, may share out the units of a stage's work
//! ([`Store::begin_shard`]). Each holds the stage's lock shared and that of its own shard alone; whoever joins their work
//! holds the stage's lock alone.
//!
//! A run links its stages while it holds the store ([`Store::hold`]), so that whoever empties the store of what no run
//! refers to, which takes the store for itself alone, sees either the links or a run that finds nothing done.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use octo_curate::units::{FOLDER as UNITS, Shard};
use octo_data::atomic;
use octo_record::layout::{
    CHECKPOINTS, DONE, FAILURES, STALE, STORE, finished_stage, replaced_stage, stage_at_work, stage_lock,
};
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
    replaced: PathBuf,
    lock: Option<File>,
}

/// A stage's working folder, taken for a shard of its work until dropped.
pub struct SharedWorking {
    /// Where the shard's units are written.
    pub folder: PathBuf,
    /// Let go in this order: whoever takes the stage for itself finds no shard at work.
    _locks: [File; 2],
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
        let folder = self.folder(kind, key);
        if folder.join(DONE).is_file() && !self.is_stale(kind, key) {
            Standing::Done
        } else if self.working_folder(kind, key).is_dir() {
            Standing::Begun
        } else {
            Standing::ToDo
        }
    }

    /// Whether the stage is finished, and made from what was done again since and came out otherwise.
    pub fn is_stale(&self, kind: &str, key: &str) -> bool {
        self.folder(kind, key).join(STALE).exists()
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

    /// Takes the working folder of a stage, new or begun, without the files that a killed process had not finished;
    /// none while another process works in it.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn begin(&self, kind: &str, key: &str) -> Result<Option<Working>> {
        let folder = self.working_folder(kind, key);
        std::fs::create_dir_all(&self.root).with_context(|| format!("could not make {}", self.root.display()))?;
        let Some(lock) = self.lock(kind, key)? else { return Ok(None) };
        std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
        atomic::remove_temporaries(&folder)?;
        let replaced = self.root.join(replaced_stage(kind, key));
        Ok(Some(Working { folder, target: self.folder(kind, key), replaced, lock: Some(lock) }))
    }

    /// Takes the working folder of a stage for one shard of its work, beside other shards; none while a process works on
    /// the whole stage. What killed processes had not finished stays: it may be another shard's that is at work.
    ///
    /// # Errors
    /// A folder that cannot be made, or a shard that another process works on.
    pub fn begin_shard(&self, kind: &str, key: &str, shard: Shard) -> Result<Option<SharedWorking>> {
        let folder = self.working_folder(kind, key);
        std::fs::create_dir_all(&self.root).with_context(|| format!("could not make {}", self.root.display()))?;
        let Some(lock) = self.lock_as(kind, key, Hold::WithOthers)? else { return Ok(None) };
        let units = folder.join(UNITS);
        std::fs::create_dir_all(&units).with_context(|| format!("could not make {}", units.display()))?;
        let path = units.join(shard.file_name("shard", "lock"));
        let own = open_lock(&path)?;
        match own.try_lock() {
            Ok(()) => Ok(Some(SharedWorking { folder, _locks: [own, lock] })),
            Err(TryLockError::WouldBlock) => bail!("another octo-host works on shard {shard} of this stage"),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("could not lock {}", path.display())),
        }
    }

    /// Locks a stage; none while another process has it.
    pub(crate) fn lock(&self, kind: &str, key: &str) -> Result<Option<File>> {
        self.lock_as(kind, key, Hold::Alone)
    }

    fn lock_as(&self, kind: &str, key: &str, hold: Hold) -> Result<Option<File>> {
        let path = self.root.join(stage_lock(kind, key));
        loop {
            let lock = open_lock(&path)?;
            let locked = match hold {
                Hold::Alone => lock.try_lock(),
                Hold::WithOthers => lock.try_lock_shared(),
            };
            match locked {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("could not lock {}", path.display()));
                }
            }
            // Whoever empties the store removes lock files too: one that has no name any more keeps nobody out.
            let own = lock.metadata()?;
            if std::fs::metadata(&path).is_ok_and(|now| (now.dev(), now.ino()) == (own.dev(), own.ino())) {
                return Ok(Some(lock));
            }
        }
    }

    /// Whether a process works on a stage now.
    ///
    /// # Errors
    /// A lock that cannot be opened.
    pub fn is_at_work(&self, kind: &str, key: &str) -> Result<bool> {
        let path = self.root.join(stage_lock(kind, key));
        match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            // Shards hold it together, and would let another share it.
            lock => match lock.map(|lock| lock.try_lock()) {
                Ok(Ok(())) => Ok(false),
                Ok(Err(TryLockError::WouldBlock)) => Ok(true),
                Ok(Err(TryLockError::Error(error))) | Err(error) => {
                    Err(error).with_context(|| format!("could not look at {}", path.display()))
                }
            },
        }
    }

    /// Keeps others from linking stages and from emptying the store while the handle lives.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub(crate) fn hold(&self) -> Result<File> {
        let path = self.root.join(LINKING);
        std::fs::create_dir_all(&self.root).with_context(|| format!("could not make {}", self.root.display()))?;
        let file = File::create(&path).with_context(|| format!("could not make {}", path.display()))?;
        file.lock().with_context(|| format!("could not lock {}", path.display()))?;
        Ok(file)
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// How a lock is held.
#[derive(Clone, Copy)]
enum Hold {
    Alone,
    WithOthers,
}

/// A file to lock. Network file systems let those read that share a lock, and those write that have it alone.
fn open_lock(path: &Path) -> Result<File> {
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    opened.with_context(|| format!("could not make {}", path.display()))
}

/// In the store: the file that a run holds locked while it links its stages.
const LINKING: &str = ".linking";

impl Working {
    /// Makes the folder's seal: digests of all outputs, in `done.json`. Nothing of it holds before [`Working::publish`].
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn seal(&self, kind: &str, key: &str, seconds: f64, device: Option<Device>) -> Result<StageDone> {
        // What a stage has not finished writing is none of its outputs.
        atomic::remove_temporaries(&self.folder)?;
        let mut files = Vec::new();
        list(&self.folder, &self.folder, &mut files)?;
        let mut outputs = BTreeMap::new();
        for file in files {
            let top = file.iter().next().unwrap_or_default().to_string_lossy();
            if ![CHECKPOINTS, FAILURES, DONE, STALE].contains(&&*top) {
                let digest = digest_path(&self.folder.join(&file))?;
                outputs.insert(file.to_string_lossy().into_owned(), digest);
            }
        }
        let done = StageDone { kind: kind.to_owned(), key: key.to_owned(), seconds, device, outputs };
        atomic::write(&self.folder.join(DONE), &done.to_json()?)?;
        Ok(done)
    }

    /// Gives the sealed folder its final name, in the place of an earlier result.
    ///
    /// # Errors
    /// What cannot be renamed.
    pub fn publish(mut self) -> Result<()> {
        let rename = |from: &Path, to: &Path| {
            std::fs::rename(from, to)
                .with_context(|| format!("could not rename {} to {}", from.display(), to.display()))
        };
        if self.target.exists() {
            remove_if_there(&self.replaced)?;
            rename(&self.target, &self.replaced)?;
        }
        rename(&self.folder, &self.target)?;
        if let Some(parent) = self.target.parent() {
            File::open(parent)?.sync_all()?;
        }
        remove_if_there(&self.replaced)?;
        self.lock.take();
        Ok(())
    }

    /// Removes what the stage has written, where it must not be resumed from.
    ///
    /// # Errors
    /// What cannot be removed.
    pub fn discard(&self) -> Result<()> {
        remove_if_there(&self.folder)
    }
}

fn remove_if_there(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        // The lock file itself stays: whoever waits for it would else lock a file that has no name any more.
        if let Some(lock) = self.lock.take() {
            let _ = lock.unlock();
        }
    }
}
