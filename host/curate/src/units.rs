//! Units of work: a corpus in pieces that threads, processes and machines do side by side, and that a stop does not lose.
//!
//! A unit is a part of a large file, or several small files in a row. Which parts are a unit's depends on the files
//! alone: not on threads, shards or time. Its outputs lie in [`FOLDER`] in the stage's folder under its number, and beside
//! them a marker, written last, which says what they were made of and what was counted. A unit with a marker that fits is
//! done. When all are, the outputs are joined in the units' order, so they have the same bytes however the work was
//! shared out.
//!
//! | file | idea |
//! |---|---|
//! | `units/plan.rs` | cuts the inputs into units; the plan is kept, so that files are cut once |
//! | `units/folder.rs` | a unit's files: written aside, renamed into place, then marked |
//! | `units/join.rs` | joins what the units wrote, and marks where units ended, so that the next stage can cut there |
//!
//! # Shards
//!
//! Shard I of N does the units whose number leaves I when divided by N. Shards of different N may work in one folder
//! at once: what both do has the same bytes. Whoever comes after the last unit, with or without a shard, joins.
//!
//! # Memory
//!
//! At most as many units are at work as there are threads. What one of them holds is its worker's: the pipeline's is
//! stated in `pipeline.rs`, that of extraction in `extract.rs`.

mod folder;
mod join;
mod plan;

pub use folder::{Outputs, left};
pub use plan::{Unit, UnitPart};

use crate::units::folder::Folder;
use octo_data::DataError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// In the folder of a stage at work: its units.
pub const FOLDER: &str = "units";

/// The bytes of a unit's inputs, about; a quarter of it where lines are compressed.
const UNIT_BYTES: u64 = 64 << 20;

/// The share of a stage's units that one of several processes does: those whose number leaves `number` when divided by
/// `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// Whether a unit is one of its units.
    pub fn has(&self, unit: usize) -> bool {
        unit % self.of == self.number
    }

    /// `PREFIX-0-of-8.ENDING`, a name for a file of this shard.
    pub fn file_name(&self, prefix: &str, ending: &str) -> String {
        format!("{prefix}-{}-of-{}.{ending}", self.number, self.of)
    }

    /// How many shards have any of these units.
    pub fn shards_with(&self, units: &[usize]) -> usize {
        let shards: std::collections::BTreeSet<usize> = units.iter().map(|unit| unit % self.of).collect();
        shards.len()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((_, 0)) => Err(format!("{text:?} is not a shard: there must be at least one; write I/N, such as 0/8")),
            Some((number, of)) if number >= of => Err(format!(
                "{text:?} is not a shard: shards are counted from 0, so the last of {of} is {}/{of}",
                of - 1
            )),
            Some((number, of)) => Ok(Shard { number, of }),
            None => Err(format!("{text:?} is not a shard; write I/N, such as 0/8")),
        }
    }
}

/// How the units of a stage are done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Stands for everything that decides the output: the inputs' contents, the filters, the options. Units that were done
    /// under the same key are not done again. Without one nothing of an earlier call is used.
    pub key: Option<String>,
    /// The share of the units that is done. It needs a key: others must know what the units were made of.
    pub shard: Option<Shard>,
    /// The bytes of a unit's inputs, about; 64 MiB where it is not given. It decides what is marked in the outputs.
    pub unit_bytes: Option<u64>,
}

impl Setting {
    fn unit_bytes(&self) -> u64 {
        self.unit_bytes.unwrap_or(UNIT_BYTES).max(1)
    }
}

/// That the work was stopped before its end. Units that were done are kept where there is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// How the units ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// All are done.
    All,
    /// The shard's units are done, and so many of others are not.
    Left(usize),
}

/// Whether a unit at work is to end early: the work is stopped, or a unit before it has failed.
pub type Ends<'a> = &'a (dyn Fn() -> bool + Sync);

/// The units of a stage, and where they are done.
pub struct Units<'a> {
    units: Vec<Unit>,
    folder: Folder,
    out: PathBuf,
    setting: &'a Setting,
}

/// What cuts the input of this place among them into parts of about so many bytes.
pub type Cut<'a> = &'a (dyn Fn(usize, u64) -> Result<Vec<octo_data::rows::parts::Part>, DataError> + Sync);

impl<'a> Units<'a> {
    /// Cuts `inputs` into units, which are to write the files `outputs` of the folder `out`. They lie below it in `folder`,
    /// which is [`FOLDER`] unless a stage has several phases.
    ///
    /// # Errors
    /// An input that cannot be read, or a folder that cannot be written.
    pub fn new(
        inputs: &[PathBuf],
        cut: Cut<'_>,
        (out, folder): (&Path, &str),
        outputs: &'static [&'static str],
        setting: &'a Setting,
    ) -> Result<Units<'a>, DataError> {
        if setting.shard.is_some() && setting.key.is_none() {
            let message = "a shard of the work needs a key that says what it is made of; this is a bug of the caller";
            return Err(DataError::Invalid(message.into()));
        }
        let folder = Folder::open(out.join(folder), outputs, setting)?;
        let units = plan::units(inputs, cut, &folder, setting)?;
        Ok(Units { units, folder, out: out.to_path_buf(), setting })
    }

    /// Does the units that are not done, or the shard's, side by side on rayon's current pool. `work` does one; it ends
    /// early where the function that it is given says so. `known` is called with each that was done before.
    ///
    /// Of several errors the one of the first unit is returned, whichever came first.
    ///
    /// # Errors
    /// What `work` gives, `stop` having been raised, or files that cannot be read or written.
    pub fn run<C, E>(
        &self,
        stop: &AtomicBool,
        work: &(dyn Fn(&Unit, &mut Outputs, Ends<'_>) -> Result<C, E> + Sync),
        known: &dyn Fn(&Unit, &C),
    ) -> Result<Ran, E>
    where
        C: Serialize + DeserializeOwned,
        E: From<DataError> + From<Stopped> + Send,
    {
        let mut mine = Vec::new();
        for unit in &self.units {
            match self.folder.done(unit)? {
                Some(counts) => known(unit, &counts),
                None if self.setting.shard.is_none_or(|shard| shard.has(unit.number)) => mine.push(unit),
                None => {}
            }
        }
        let (next, failed_at) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
        let failed: Mutex<Option<E>> = Mutex::new(None);
        let one = |unit: &Unit| -> Result<(), E> {
            // A unit before the one that failed is done to its end, so that the first error is always the same.
            let ends = || stop.load(Ordering::Relaxed) || failed_at.load(Ordering::Relaxed) < unit.number;
            if ends() {
                return Err(Stopped.into());
            }
            let mut outputs = self.folder.outputs(unit)?;
            let counted = work(unit, &mut outputs, &ends)?;
            Ok(self.folder.keep(unit, outputs, &counted)?)
        };
        // Where a unit waits for its own parallel work, rayon may have its thread begin another one of these loops; since
        // there are as many as threads, no more units are ever at work than that.
        rayon::scope(|scope| {
            for _ in 0..rayon::current_num_threads().min(mine.len()) {
                scope.spawn(|_| {
                    while let Some(unit) = mine.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if let Err(error) = one(unit) {
                            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                            if unit.number < failed_at.fetch_min(unit.number, Ordering::Relaxed) {
                                *failed = Some(error);
                            }
                            break;
                        }
                    }
                });
            }
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        // Others may have ended meanwhile.
        let left = self.units.iter().filter(|unit| !self.folder.is_marked(unit)).count();
        Ok(if left == 0 { Ran::All } else { Ran::Left(left) })
    }

    /// Calls `each` with what every unit has counted, in their order. All must be done.
    ///
    /// # Errors
    /// A marker that cannot be read.
    pub fn counts<C: DeserializeOwned>(&self, mut each: impl FnMut(C)) -> Result<(), DataError> {
        self.units.iter().try_for_each(|unit| self.folder.counts(unit).map(&mut each))
    }

    /// Joins what the units wrote into the files of the stage's folder, and removes them. Only one process may do this at a
    /// time, after all units are done; `before` writes what belongs with the outputs and is to be there before the units are gone.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub fn join(self, before: impl FnOnce() -> Result<(), DataError>) -> Result<(), DataError> {
        for (index, name) in self.folder.names().iter().enumerate() {
            join::join(&self.folder, &self.units, index, &self.out.join(name))?;
        }
        before()?;
        self.folder.remove()
    }

    /// Joins one of the files that the units wrote, beside them, and says where it lies.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub fn join_aside(&self, name: &'static str) -> Result<PathBuf, DataError> {
        let path = self.folder.path(name);
        let index = self.folder.names().iter().position(|own| *own == name).unwrap_or(usize::MAX);
        join::join(&self.folder, &self.units, index, &path)?;
        Ok(path)
    }

    /// Removes the units.
    ///
    /// # Errors
    /// Files that cannot be removed.
    pub fn remove(&self) -> Result<(), DataError> {
        self.folder.remove()
    }

    /// The units.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }
}

#[cfg(test)]
mod tests;
