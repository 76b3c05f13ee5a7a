//! Problems of a stage that asks them: files, their columns, and which rows to take.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};
use octo_data::field_map::FieldMap;
use octo_data::prompt::PromptSettings;
use octo_data::record::Problem;
use serde_json::{Value, json};

use super::stage::{Stage, StageTable};
use super::values::ProblemFile;
use crate::PlannedRun;
use crate::check::Fault;

/// Problems that a stage asks.
#[derive(Clone, Debug)]
pub struct Problems {
    /// The slots of the files among the stage's inputs.
    pub slots: Vec<String>,
    /// Field of a problem → name of its column.
    pub map: Vec<(String, String)>,
    /// Rows to take, counted from 0; all of them where there is none.
    pub rows: Option<Range<usize>>,
}

impl Problems {
    /// Takes files of problems as the input in `slot`, or several as `slot.0`, `slot.1`, ...
    ///
    /// # Errors
    /// A path that is not an input, with its place.
    pub fn take(table: &mut StageTable<'_>, slot: &str, file: ProblemFile) -> Result<Problems> {
        let slots = table.one_or_more(slot, &file.path)?;
        Ok(Problems { slots, map: file.map.0, rows: file.rows })
    }

    /// Takes the sets under `key`: one file, or a table of named ones, `{ easy = "@corpus/x.jsonl", hard = { path, map,
    /// rows } }`. Without a value there are no sets.
    ///
    /// # Errors
    /// A table without sets, a name that cannot be in a metric's, or a path that is not an input, with its place.
    pub fn take_sets(
        table: &mut StageTable<'_>,
        key: &str,
        value: Option<toml::Value>,
    ) -> Result<Vec<(Option<String>, Problems)>> {
        match value {
            None => Ok(Vec::new()),
            Some(toml::Value::Table(sets)) if !sets.contains_key("path") => {
                if sets.is_empty() {
                    bail!("{}: names no set; leave the key out to evaluate on none", table.place(key));
                }
                let mut found = Vec::new();
                for (name, value) in sets {
                    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
                        let place = table.place(key);
                        bail!("{place}: a set's name is made of letters, digits, '-' and '_', and {name:?} is not");
                    }
                    let slot = format!("{key}.{name}");
                    let file = table.value(&slot, value)?;
                    found.push((Some(name), Problems::take(table, &slot, file)?));
                }
                Ok(found)
            }
            Some(value) => {
                let file = table.value(key, value)?;
                Ok(vec![(None, Problems::take(table, key, file)?)])
            }
        }
    }

    /// What a stage's content key has of them.
    pub fn content(&self) -> Value {
        json!({ "map": self.map, "rows": self.rows.as_ref().map(|rows| [rows.start, rows.end]) })
    }

    /// The files, each where `path` finds the input of its slot.
    ///
    /// # Errors
    /// An input that is not there.
    pub fn files(&self, path: impl Fn(&str) -> Result<PathBuf>) -> Result<Vec<PathBuf>> {
        self.slots.iter().map(|slot| path(slot)).collect()
    }

    /// The stage's problems, where their files are there already; else why they cannot be read, as a fault of their slot.
    pub fn known(&self, run: &PlannedRun, stage: &Stage) -> Option<Result<Arc<Vec<Problem>>, Fault>> {
        let files: Vec<PathBuf> = self.slots.iter().map(|slot| run.known_input(stage, slot)).collect::<Option<_>>()?;
        let what = format!("problems {:?} {:?} {files:?}", self.map, self.rows);
        let found = run.once(&what, || self.read(&files).map(Arc::new).map_err(|error| format!("{error:#}")));
        Some(match &*found {
            Ok(problems) if problems.is_empty() => {
                let named: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                Err(Fault::new(self.slot(), format!("{} has no problem in it", named.join(", "))))
            }
            Ok(problems) => Ok(problems.clone()),
            Err(error) => Err(Fault::new(self.slot(), error)),
        })
    }

    /// The slot of the first file, for faults of all of them.
    pub fn slot(&self) -> &str {
        self.slots.first().map_or("problems", String::as_str)
    }

    /// Reads the stage's rows of `files`.
    ///
    /// # Errors
    /// A file or row that cannot be read.
    pub fn read(&self, files: &[PathBuf]) -> Result<Vec<Problem>> {
        self.read_rows(files, self.rows.clone())
    }

    /// Reads `rows` of `files` by this map.
    ///
    /// # Errors
    /// A file or row that cannot be read.
    pub fn read_rows(&self, files: &[PathBuf], rows: Option<Range<usize>>) -> Result<Vec<Problem>> {
        Ok(octo_data::jsonl::read_problems(files, &FieldMap::new(self.map.clone()), rows)?)
    }
}

/// The prompts of a stage, for whoever wants to see them.
pub struct Prompts<'a> {
    /// The problems that are asked.
    pub problems: &'a Problems,
    /// How they are asked.
    pub settings: &'a PromptSettings,
    /// Whether they are asked as in the last epoch only.
    pub last_epoch_only: bool,
}
