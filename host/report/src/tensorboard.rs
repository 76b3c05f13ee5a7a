//! Metrics for TensorBoard: event files that follow a stage's `metrics.jsonl` while it grows.
//!
//! `metrics.jsonl` stays the truth. A stage that is resumed cuts lines from it that it will write again; then the event
//! file is made anew from its beginning, so no step is in it twice.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use octo_record::AnyRecord;

use crate::ReportError;
use crate::event_file::EventFile;

const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".octo";

/// The event file of one stage.
pub struct Follower {
    metrics: PathBuf,
    folder: PathBuf,
    open: Option<Open>,
}

struct Open {
    events: EventFile,
    /// The metrics that were read. A resumed stage puts another file in their place; this one is held open, so that
    /// the other is never given its number.
    metrics: File,
    /// Bytes of the metrics that are in the event file: whole lines.
    read: u64,
}

impl Follower {
    /// Will write the numbers of `metrics` (JSON Lines with a `step`) to an event file in `folder`. Nothing is made
    /// before there are metrics.
    pub fn new(metrics: &Path, folder: &Path) -> Follower {
        Follower { metrics: metrics.to_owned(), folder: folder.to_owned(), open: None }
    }

    /// Writes what the metrics have that the event file has not.
    ///
    /// # Errors
    /// Where metrics can't be read or the event file can't be written. The next call begins a new file.
    pub fn catch_up(&mut self) -> Result<(), ReportError> {
        let outcome = self.follow();
        if outcome.is_err() {
            self.open = None;
        }
        outcome
    }

    fn follow(&mut self) -> Result<(), ReportError> {
        let failed = |source| ReportError::Io { path: self.metrics.clone(), source };
        let mut file = match File::open(&self.metrics) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let about = file.metadata().map_err(failed)?;
        let same =
            |held: &File| held.metadata().is_ok_and(|held| (held.dev(), held.ino()) == (about.dev(), about.ino()));
        let goes_on = self.open.as_ref().is_some_and(|open| same(&open.metrics) && about.len() >= open.read);
        let start = match &self.open {
            Some(open) if goes_on => open.read,
            _ => 0,
        };
        if about.len() == start {
            return Ok(());
        }
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(start)).and_then(|_| file.read_to_end(&mut text)).map_err(failed)?;
        // A last line without its end is still being written.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole == 0 {
            return Ok(());
        }
        if !goes_on {
            let events = self.begin()?;
            self.open = Some(Open { events, metrics: file, read: 0 });
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        for line in text[..whole].split(|byte| *byte == b'\n') {
            let Ok(record) = serde_json::from_slice::<AnyRecord>(line) else { continue };
            let scalars: Vec<(String, f64)> = record.numbers().collect();
            if !scalars.is_empty() {
                let time = record.time.unwrap_or_else(now);
                let path = open.events.path().to_owned();
                let failed = |source| ReportError::Io { path, source };
                open.events.scalars(time, record.step, &scalars).map_err(failed)?;
            }
        }
        let path = open.events.path().to_owned();
        open.events.flush().map_err(|source| ReportError::Io { path, source })?;
        open.read = start + whole as u64;
        Ok(())
    }

    /// A new file, whose name sorts behind those before it; they are removed.
    fn begin(&self) -> Result<EventFile, ReportError> {
        let failed = |source| ReportError::Io { path: self.folder.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut old = Vec::new();
        let mut last = 0;
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let number = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)?.parse::<u64>().ok());
            if let Some(number) = number {
                last = last.max(number);
                old.push(path);
            }
        }
        let number = (now() as u64).max(last + 1);
        let path = self.folder.join(format!("{PREFIX}{number:010}{SUFFIX}"));
        let events = EventFile::create(&path, now()).map_err(|source| ReportError::Io { path, source })?;
        old.iter().try_for_each(std::fs::remove_file).map_err(failed)?;
        Ok(events)
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn event_files(folder: &Path) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        found.sort();
        found
    }

    /// Steps of the events, by following the records' lengths: no checksum is looked at here.
    fn steps(path: &Path) -> Vec<u64> {
        let bytes = std::fs::read(path).expect("reads");
        let (mut at, mut steps) = (0, Vec::new());
        while at < bytes.len() {
            let length = u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes")) as usize;
            let data = &bytes[at + 12..at + 12 + length];
            // Nine bytes of time, then the step where there is one.
            if data[9] == 0x10 {
                steps.push(u64::from(data[10]));
            }
            at += 16 + length;
        }
        steps
    }

    #[test]
    fn lines_arrive_as_they_are_written_and_a_resumed_stage_has_no_step_twice() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (metrics, events) = (folder.path().join("metrics.jsonl"), folder.path().join("tensorboard"));
        let mut follower = Follower::new(&metrics, &events);
        follower.catch_up().expect("nothing yet is no error");
        assert!(!events.exists());
        std::fs::write(&metrics, "{\"step\":1,\"loss\":2.5}\n{\"step\":2,\"lo").expect("written");
        follower.catch_up().expect("follows");
        assert_eq!(steps(&event_files(&events)[0]), [1]);
        let line = |step: u64| format!("{{\"step\":{step},\"loss\":2.0,\"mixture\":{{\"web\":0.5}},\"time\":5.0}}\n");
        let write = |steps: &[u64]| {
            // As a resumed stage does: another file in the same place.
            let next = folder.path().join("next");
            std::fs::write(&next, steps.iter().map(|step| line(*step)).collect::<String>()).expect("written");
            std::fs::rename(&next, &metrics).expect("renamed");
        };
        write(&[1, 2, 3, 4]);
        follower.catch_up().expect("follows");
        write(&[1, 2]);
        follower.catch_up().expect("follows");
        let file = std::fs::OpenOptions::new().append(true).open(&metrics).expect("opens");
        std::io::Write::write_all(&mut &file, line(3).as_bytes()).expect("written");
        follower.catch_up().expect("follows");
        let files = event_files(&events);
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(steps(&files[0]), [1, 2, 3]);

        // Another process that goes on.
        drop(follower);
        Follower::new(&metrics, &events).catch_up().expect("follows");
        let files = event_files(&events);
        assert_eq!((files.len(), steps(&files[0])), (1, vec![1, 2, 3]));
    }

    #[test]
    fn the_tensorboard_package_reads_it_back() {
        let Some(python) = std::env::var_os("OCTO_TENSORBOARD_PYTHON") else {
            eprintln!("SKIPPED: set OCTO_TENSORBOARD_PYTHON to a Python with the `tensorboard` package");
            return;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let metrics = folder.path().join("metrics.jsonl");
        let lines: String =
            (1..=300).map(|step| format!("{{\"step\":{step},\"loss\":{}.5,\"time\":{step}}}\n", step % 7)).collect();
        std::fs::write(&metrics, lines).expect("written");
        Follower::new(&metrics, &folder.path().join("events")).catch_up().expect("follows");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/read_events.py");
        let output = Command::new(python).arg(script).arg(folder.path().join("events")).output().expect("starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let read: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let loss = read["loss"].as_array().expect("a scalar named loss");
        assert_eq!(loss.len(), 300);
        assert_eq!(loss[299], serde_json::json!([300, 300.0, 6.5]));
    }
}
