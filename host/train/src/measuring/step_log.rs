//! Append-only JSON Lines: one whole line per write, so that a reader beside a running stage never sees half a record
//! of any but the last line, and a kill loses at most that one.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use octo_record::MissingSteps;
use serde::Serialize;
use serde_json::Value;

use crate::error::TrainError;

/// A JSONL file whose records carry a `step`.
pub struct StepLog {
    path: PathBuf,
    file: File,
    /// Steps of the records that were kept, evaluations left aside.
    kept: BTreeSet<u64>,
}

impl StepLog {
    /// Opens `path` for a run that begins or resumes: of what an earlier call left, the records stay that `keep` (given
    /// a record and its step) wants. The others, which the run will write again, and broken lines are cut away.
    pub fn resume(path: &Path, keep: impl Fn(u64, &Value) -> bool) -> Result<StepLog, TrainError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(TrainError::io(path, error)),
        };
        let mut kept = Vec::with_capacity(bytes.len());
        let mut steps = BTreeSet::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
            if let Some(step) = record["step"].as_u64().filter(|step| keep(*step, &record)) {
                kept.extend_from_slice(line);
                if record.get("held_out").is_none() {
                    steps.insert(step);
                }
            }
        }
        if kept != bytes || !path.exists() {
            octo_data::atomic::write(path, &kept)?;
        }
        let file = OpenOptions::new().append(true).open(path).map_err(|error| TrainError::io(path, error))?;
        Ok(StepLog { path: path.to_path_buf(), file, kept: steps })
    }

    /// Of the `done` steps, counted from 1, that the stage resumes after: those that have no record here. A file that was
    /// damaged or cut loses what they measured, and nothing of the training.
    pub fn missing(&self, done: u64) -> MissingSteps {
        MissingSteps::of(self.kept.iter().copied(), done)
    }

    /// Warns of [`StepLog::missing`].
    pub fn warn_of_missing(&self, done: u64) {
        let missing = self.missing(done);
        if missing.count() > 0 {
            tracing::warn!(
                "{} lacks {missing} of the {done} that this stage resumes after; what they measured is lost, and the \
                 training is not changed by it",
                self.path.display()
            );
        }
    }

    /// Appends one record in a single write.
    pub fn append(&mut self, record: &impl Serialize) -> Result<(), TrainError> {
        let mut line =
            serde_json::to_vec(record).map_err(|error| TrainError::io(&self.path, std::io::Error::other(error)))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|error| TrainError::io(&self.path, error))
    }

    /// Makes what was appended survive a power cut; called before a checkpoint that counts on it.
    pub fn sync(&self) -> Result<(), TrainError> {
        self.file.sync_data().map_err(|error| TrainError::io(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn resuming_cuts_later_steps_and_half_a_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let whole = "{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"loss\":2.0}\n{\"step\":3,\"loss\":1.5}\n{\"step\":4,\"lo";
        std::fs::write(&path, whole).expect("written");
        let mut log = StepLog::resume(&path, |step, _| step <= 2).expect("opens");
        assert_eq!(log.missing(2).count(), 0);
        log.append(&json!({"step": 3, "loss": 1.25})).expect("appends");
        let text = std::fs::read_to_string(&path).expect("reads");
        assert_eq!(text, "{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"loss\":2.0}\n{\"loss\":1.25,\"step\":3}\n");
    }

    #[test]
    fn steps_that_a_damaged_log_has_lost_are_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("metrics.jsonl");
        let lines = "{\"step\":1}\n{\"step\":2,\"lo\u{0}\n{\"step\":4}\n{\"held_out\":{},\"step\":5}\n{\"step\":6}\n";
        std::fs::write(&path, lines).expect("written");
        let log = StepLog::resume(&path, |_, _| true).expect("opens");
        assert_eq!(log.missing(9).to_string(), "6 steps (2, 3, 5 and 7 to 9)");
    }

    #[test]
    fn a_log_of_which_nothing_is_wanted_starts_empty() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"step\":0}\n").expect("written");
        StepLog::resume(&path, |_, _| false).expect("opens").sync().expect("syncs");
        assert_eq!(std::fs::read(&path).expect("reads"), b"");
    }
}
