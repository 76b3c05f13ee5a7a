//! `OUT.part`: a line of settings, then the lines of whole batches. Who has it open has it locked.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::error::TrainError;

/// How the line of settings begins.
const HEAD: &str = "{\"octo_generate\":";

/// The answers so far to a file of problems.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    /// Bytes of the line of settings.
    head: u64,
    /// Answers that the part has already.
    pub(super) lines: usize,
}

impl Part {
    /// Opens the part of `out`, or makes it; keeps whole batches of `batch` answers of the same `settings`. A part
    /// without a whole batch has nothing to keep, whatever its settings were.
    pub(super) fn open(out: &Path, settings: &Value, batch: usize) -> Result<Part, TrainError> {
        let mut path = out.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let failed = |error| TrainError::io(&path, error);
        if let Some(folder) = out.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = lock(&path)?;
        // Whoever had it locked until now may have finished.
        if let Err(finished) = refuse_finished(out) {
            if file.metadata().is_ok_and(|part| part.len() == 0) {
                let _ = std::fs::remove_file(&path);
            }
            return Err(finished);
        }
        let head = json!({ "octo_generate": settings }).to_string() + "\n";
        let mut reader = BufReader::new(&mut file);
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).map_err(failed)?;
        let mut kept = line.len() as u64;
        let before = String::from_utf8_lossy(&line).into_owned();
        let (mut end, mut found, mut lines) = (kept, 0_usize, 0_usize);
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(failed)?;
            // A line that a kill has cut does not count.
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            found += 1;
            end += read as u64;
            if found.is_multiple_of(batch) {
                (kept, lines) = (end, found);
            }
        }
        if before != head {
            // Of other settings, any whole line was an answer; and what Octo did not write is somebody's.
            let ours = before.starts_with(HEAD) || HEAD.starts_with(before.as_str());
            if found > 0 || !ours {
                return Err(TrainError::NothingToDo(format!(
                    "{} holds {found} answers of another model, file or setting{}: remove it to begin anew, or resume \
                     with what it was made with",
                    path.display(),
                    changes(&before, settings)
                )));
            }
            file.set_len(0)
                .and_then(|()| file.write_all(head.as_bytes()))
                .and_then(|()| file.sync_data())
                .map_err(failed)?;
            kept = head.len() as u64;
        }
        file.set_len(kept).map_err(failed)?;
        Ok(Part { file, head: head.len() as u64, lines, path })
    }

    /// Adds the text of `lines` whole lines.
    pub(super) fn append(&mut self, text: &str, lines: usize) -> Result<(), TrainError> {
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| TrainError::io(&self.path, error))?;
        self.lines += lines;
        Ok(())
    }

    /// Writes the answers without the line of settings to `out`, and removes the part.
    pub(super) fn finish(mut self, out: &Path) -> Result<(), TrainError> {
        let failed = |error| TrainError::io(&self.path, error);
        self.file.seek(SeekFrom::Start(self.head)).map_err(failed)?;
        let mut whole = octo_data::atomic::AtomicFile::create(out)?;
        std::io::copy(&mut self.file, &mut whole).map_err(|error| TrainError::io(out, error))?;
        whole.commit()?;
        std::fs::remove_file(&self.path).map_err(failed)
    }

    /// Removes the part again where it has no answer: after a failure it would only be in the way.
    pub(super) fn drop_if_empty(&self) {
        if self.lines == 0 {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Refuses a file of answers that is there already.
pub(super) fn refuse_finished(out: &Path) -> Result<(), TrainError> {
    if out.exists() {
        let message = format!("{} is there already; remove it, or write to another file", out.display());
        return Err(TrainError::NothingToDo(message));
    }
    Ok(())
}

/// The file, open and locked by this process alone.
fn lock(path: &Path) -> Result<File, TrainError> {
    let failed = |error| TrainError::io(path, error);
    loop {
        let file = File::options().read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(TrainError::NothingToDo(format!(
                    "{}: another octo-host is writing to it; wait for it, or end it",
                    path.display()
                )));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Between opening and locking, its last owner may have finished, and removed it.
        let own = file.metadata().map_err(failed)?;
        match std::fs::metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (own.dev(), own.ino()) => return Ok(file),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
}

/// What differs between the settings of a part and those of now: ` (seed: 3 before, 4 now)`.
fn changes(before: &str, now: &Value) -> String {
    let Ok(before) = serde_json::from_str::<Value>(before) else { return String::new() };
    let (Some(before), Some(now)) = (before["octo_generate"].as_object(), now.as_object()) else {
        return String::new();
    };
    let shown = |value: Option<&Value>| match value {
        None => "none".to_owned(),
        Some(value) => value.to_string(),
    };
    let difference = |(key, value): (&String, &Value)| -> Option<String> {
        let other = before.get(key);
        match (key.as_str(), other == Some(value)) {
            (_, true) => None,
            // Digests and whole prompts tell a reader nothing.
            ("model" | "rows" | "prompt", false) => Some(key.clone()),
            (_, false) => Some(format!("{key}: {} before, {value} now", shown(other))),
        }
    };
    let found: Vec<String> = now.iter().filter_map(difference).collect();
    if found.is_empty() { String::new() } else { format!(" ({})", found.join("; ")) }
}
