//! Reads a run folder. The lock must be whole; what stages write may be cut short by a kill.

use std::path::{Path, PathBuf};

use octo_record::{Lines, RunLock, StageLock, layout, read_lines};
use serde::de::DeserializeOwned;

use crate::ReportError;

/// A run: its lock, and the stages in an order in which each stands after its inputs.
pub struct Run {
    /// `run.lock.json`.
    pub lock: RunLock,
    /// In the order in which they depend on one another.
    pub stages: Vec<Stage>,
}

/// One stage: its entry in the lock, and its folder, whose files are read by whoever shows them.
pub struct Stage {
    /// The recipe's name for it.
    pub name: String,
    /// Its entry in the lock.
    pub lock: StageLock,
    /// The stage whose model this one began with, by its position in the run.
    pub initial: Option<usize>,
    folder: PathBuf,
}

impl Run {
    /// Reads the lock of the folder that `octo-host run` keeps.
    ///
    /// # Errors
    /// Where `run.lock.json` is missing or is not what a run writes.
    pub fn read(folder: &Path) -> Result<Run, ReportError> {
        let path = folder.join(layout::LOCK);
        let text = std::fs::read(&path).map_err(|source| ReportError::Io { path: path.clone(), source })?;
        let damaged = |message: String| ReportError::Damaged { path: path.clone(), message };
        let lock: RunLock = serde_json::from_slice(&text).map_err(|error| {
            damaged(format!("is not the lock of a run ({error}); run the recipe again to rewrite it"))
        })?;
        let mut stages = Vec::new();
        for (name, entry) in &lock.stages {
            if name.contains(['/', '\\']) || name.starts_with('.') {
                return Err(damaged(format!("names a stage {name:?}, which cannot be a folder")));
            }
            let folder = layout::stage_of_run(folder, name);
            stages.push(Stage { name: name.clone(), lock: entry.clone(), initial: None, folder });
        }
        Ok(Run { lock, stages: in_order(stages) })
    }

    /// The stages of one kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(move |stage| stage.lock.kind == kind)
    }

    /// The name of the stage whose model a stage began with.
    pub fn model_of(&self, stage: &Stage) -> &str {
        stage.initial.map(|index| self.stages[index].name.as_str()).unwrap_or("a given model")
    }
}

impl Stage {
    /// The records of a file of lines in the stage's folder; none where there is no such file.
    ///
    /// # Errors
    /// Where the file is there and cannot be read. Lines that are not records are left out and counted.
    pub fn lines<T: DeserializeOwned>(&self, file: &str) -> Result<Lines<T>, ReportError> {
        let path = self.folder.join(file);
        match std::fs::read(&path) {
            Ok(text) => Ok(read_lines(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Lines { records: Vec::new(), damaged: 0 }),
            Err(source) => Err(ReportError::Io { path, source }),
        }
    }

    /// A file of one record in the stage's folder; none where there is no such file.
    ///
    /// # Errors
    /// Where the file is there and cannot be read, or is not such a record.
    pub fn record<T: DeserializeOwned>(&self, file: &str) -> Result<Option<T>, ReportError> {
        let path = self.folder.join(file);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ReportError::Io { path, source }),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| ReportError::Damaged {
            path,
            message: format!("is not what a stage of kind {} writes ({error})", self.lock.kind),
        })
    }
}

/// Sorts stages after their inputs (by name where free), and notes which model each one began with.
fn in_order(mut waiting: Vec<Stage>) -> Vec<Stage> {
    let mut ordered: Vec<Stage> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|stage| {
            stage.lock.stage_inputs().all(|(_, from)| waiting.iter().all(|other| other.lock.key != from))
        });
        // A lock written by hand may hold a cycle; its stages are shown in the order of the file.
        let mut stage = waiting.remove(ready.unwrap_or(0));
        let model = stage.lock.stage_inputs().find(|(slot, _)| *slot == "initial" || *slot == "model");
        stage.initial = model.and_then(|(_, from)| ordered.iter().position(|before| before.lock.key == from));
        ordered.push(stage);
    }
    ordered
}
