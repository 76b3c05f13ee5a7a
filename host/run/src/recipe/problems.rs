//! Problems of a stage that asks them: files, their columns, and which rows to take.

use std::ops::Range;
use std::path::Path;
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
    /// The slot of the file among the stage's inputs.
    pub slot: String,
    /// Field of a problem → name of its column.
    pub map: Vec<(String, String)>,
    /// Rows to take, counted from 0; all of them where there is none.
    pub rows: Option<Range<usize>>,
}

impl Problems {
    /// Takes a file of problems as the input in `slot`.
    ///
    /// # Errors
    /// A path that is not an input, with its place.
    pub fn take(table: &mut StageTable<'_>, slot: &str, file: ProblemFile) -> Result<Problems> {
        table.input(slot, &file.path)?;
        Ok(Problems { slot: slot.to_owned(), map: file.map.0, rows: file.rows })
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

    /// Reads the stage's rows of `file`.
    ///
    /// # Errors
    /// A file or row that cannot be read.
    pub fn read(&self, file: &Path) -> Result<Vec<Problem>> {
        self.read_rows(file, self.rows.clone())
    }

    /// The stage's problems, where their file is there already; else why it cannot be read, as a fault of their slot.
    pub fn known(&self, run: &PlannedRun, stage: &Stage) -> Option<Result<Arc<Vec<Problem>>, Fault>> {
        let path = run.known_input(stage, &self.slot)?;
        let what = format!("problems {:?} {:?} {}", self.map, self.rows, path.display());
        let found = run.once(&what, || self.read(&path).map(Arc::new).map_err(|error| format!("{error:#}")));
        Some(match &*found {
            Ok(problems) if problems.is_empty() => {
                Err(Fault::new(&self.slot, format!("{} has no problem in it", path.display())))
            }
            Ok(problems) => Ok(problems.clone()),
            Err(error) => Err(Fault::new(&self.slot, error)),
        })
    }

    /// Reads `rows` of `file` by this map.
    ///
    /// # Errors
    /// A file or row that cannot be read.
    pub fn read_rows(&self, file: &Path, rows: Option<Range<usize>>) -> Result<Vec<Problem>> {
        Ok(octo_data::jsonl::read_problems(file, &FieldMap::new(self.map.clone()), rows)?)
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
