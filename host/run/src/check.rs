//! What can be known before the first stage begins: faults that would end a stage after hours are named at the start.
//!
//! Each kind checks its own stages ([`StageKind::check`](crate::kind::StageKind::check)) against what is there already:
//! files from outside, and what finished stages have written. What a stage still has to make is not there to be looked
//! at, so a run may fail later all the same.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};
use octo_data::error::DataError;
use octo_data::field_map::FieldMap;
use octo_data::rows::TextRows;

use crate::PlannedRun;
use crate::recipe::stage::Stage;
use crate::store::Standing;

/// What will keep a stage from its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stage's key that it is about, or a slot of its inputs; empty for the stage as a whole.
    pub key: String,
    /// What is wrong and what to do, as a sentence without its end.
    pub message: String,
}

impl Fault {
    /// A fault of `key`.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Fault {
        Fault { key: key.into(), message: message.into() }
    }
}

/// Looks at files that several stages share are made once.
#[derive(Default)]
pub(crate) struct Looks(Mutex<BTreeMap<String, Arc<dyn Any + Send + Sync>>>);

impl PlannedRun {
    /// All faults of stages that are to run, with their places, in the plan's order.
    pub fn faults(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let again = self.may_be_done_again();
        for (index, planned) in self.plan.stages.iter().enumerate() {
            let stage = &self.recipe.stages[planned.index];
            if self.standing(index) == Standing::Done && !again[index] {
                continue;
            }
            for Fault { key, message } in stage.work.check(self, stage) {
                found.push(format!("{}: {message}", self.recipe.place(&stage.name, &key)));
            }
        }
        found
    }

    /// Checks that no stage that is to run has a fault.
    ///
    /// # Errors
    /// All faults, a line each.
    pub fn check(&self) -> Result<()> {
        match self.faults().as_slice() {
            [] => Ok(()),
            [one] => bail!("{one}"),
            several => bail!("{} things keep this recipe from running:\n  {}", several.len(), several.join("\n  ")),
        }
    }

    /// Where the input in `slot` lies, if it is there already.
    pub fn known_input(&self, stage: &Stage, slot: &str) -> Option<PathBuf> {
        self.input_path(stage, slot).ok().filter(|path| path.exists())
    }

    /// What `look` gives, which is called once for all stages that ask for the same `what`.
    pub fn once<T: Any + Send + Sync>(&self, what: &str, look: impl FnOnce() -> T) -> Arc<T> {
        let mut looks = self.looks.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = looks.get(what).and_then(|found| found.clone().downcast().ok()) {
            return found;
        }
        let found = Arc::new(look());
        looks.insert(what.to_owned(), found.clone());
        found
    }

    /// Faults of the files of documents in the slots that begin with `prefix`, by what `first` says of their first row.
    /// Folders are left out. `bad_rows` tells whether the stage leaves out rows that it cannot read.
    pub fn check_documents(&self, stage: &Stage, prefix: &str, first: FirstRow<'_>, bad_rows: bool) -> Vec<Fault> {
        let slots = stage.inputs.iter().map(|(slot, _)| slot).filter(|slot| slot.starts_with(prefix));
        let fault = |slot: &String| {
            let path = self.known_input(stage, slot).filter(|path| path.is_file())?;
            match first(&path) {
                Err(error) if !(bad_rows && error.is_one_line()) => Some(Fault::new(slot, error.to_string())),
                _ => None,
            }
        };
        slots.filter_map(fault).collect()
    }
}

/// Reads a file of documents up to the end of its first row.
pub type FirstRow<'a> = &'a dyn Fn(&Path) -> Result<(), DataError>;

/// The first row of JSON Lines.
///
/// # Errors
/// What keeps it from being read.
pub fn first_document(path: &Path) -> Result<(), DataError> {
    octo_data::jsonl::read_documents(path)?.next().transpose().map(|_| ())
}

/// The first row of whatever is tokenised, its columns named by `map`.
///
/// # Errors
/// What keeps it from being read.
pub fn first_row(path: &Path, map: &FieldMap) -> Result<(), DataError> {
    TextRows::open(path, map, 0)?.next().map_or(Ok(()), |first| first.row.map(|_| ()))
}
