//! Digests of a recipe's input files, kept from one call to the next: a corpus of terabytes is read once, not whenever a
//! recipe is planned.
//!
//! They lie in `runs/.input-digests.json`, beside the store of what is found by them: whoever can write there can as
//! well change that. A digest is used again while the file is what it was: the same path, device, inode, size, and times
//! of the last change of content and of attributes, to the nanosecond. Whatever writes a file sets the second of these
//! times, and only a clock that is set back sets it back. A file that had changed within the last seconds before it was
//! read is not kept, since a second change might have fallen into the same tick of a coarse clock. Whoever trusts none
//! of this removes the file, and everything is read again.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use octo_record::layout::INPUT_DIGESTS;

use super::path_digest::{digest_path, list};

/// Seconds for which a change makes a file too new to be kept: FAT's clock ticks every two.
const NEW: i64 = 3;

/// The digests that are known.
pub struct InputDigests {
    place: PathBuf,
    known: BTreeMap<PathBuf, Entry>,
    changed: bool,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    /// The file itself, or every file below a folder by its path there.
    files: BTreeMap<String, Stamp>,
    digest: String,
}

/// What shows that a file is what it was.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl InputDigests {
    /// Those kept in the folder `runs`; none where there are none, or what is there can't be read.
    pub fn open(runs: &Path) -> InputDigests {
        let place = runs.join(INPUT_DIGESTS);
        let known = std::fs::read(&place).ok().and_then(|text| {
            let known = serde_json::from_slice(&text);
            known.inspect_err(|error| tracing::debug!("{}: {error}; inputs are read again", place.display())).ok()
        });
        InputDigests { place, known: known.unwrap_or_default(), changed: false }
    }

    /// [`digest_path`] of `path`, without reading what has not changed.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn of(&mut self, path: &Path) -> Result<String> {
        // A relative path would mean another file in another folder.
        let absolute = std::path::absolute(path)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64);
        let files = stamps(path)?;
        if let Some(entry) = self.known.get(&absolute).filter(|entry| entry.files == files) {
            return Ok(entry.digest.clone());
        }
        let digest = digest_path(path)?;
        let settled = |stamp: &Stamp| stamp.modified.0 < now - NEW && stamp.changed.0 < now - NEW;
        if files.values().all(settled) && stamps(path)? == files {
            self.known.insert(absolute, Entry { files, digest: digest.clone() });
            self.changed = true;
        }
        Ok(digest)
    }

    /// Keeps what was learnt, without what is there no more. A folder that can't be written costs time at the next call.
    pub fn keep(&mut self) {
        if !self.changed {
            return;
        }
        self.known.retain(|path, _| path.exists());
        self.changed = false;
        let kept = serde_json::to_vec(&self.known)
            .map_err(anyhow::Error::from)
            .and_then(|text| Ok(octo_data::atomic::write(&self.place, &text)?));
        if let Err(error) = kept {
            tracing::debug!("digests of the inputs are not kept: {error:#}");
        }
    }
}

fn stamps(path: &Path) -> Result<BTreeMap<String, Stamp>> {
    let mut files = Vec::new();
    if path.is_dir() {
        list(path, path, &mut files)?;
    } else {
        files.push(PathBuf::new());
    }
    let stamp = |name: PathBuf| {
        let file = if name.as_os_str().is_empty() { path.to_path_buf() } else { path.join(&name) };
        let data = std::fs::metadata(&file).with_context(|| format!("could not read {}", file.display()))?;
        if !data.is_file() {
            // To digest a pipe or a device is to wait for it for ever.
            bail!("{}: is not a regular file; write what comes out of it to a file first", file.display());
        }
        let stamp = Stamp {
            device: data.dev(),
            inode: data.ino(),
            bytes: data.len(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        };
        // Names that are not text share a place here only if they differ in nothing else.
        Ok((name.to_string_lossy().into_owned(), stamp))
    };
    files.into_iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_just_changed_is_not_kept_and_one_that_rests_is_until_it_changes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a.jsonl");
        std::fs::write(&file, "one").expect("written");
        let mut digests = InputDigests::open(folder.path());
        let first = digests.of(&file).expect("reads");
        assert!(digests.known.is_empty(), "it may change within the same tick");

        // An entry with another digest shows whether the file was read.
        let entry = Entry { files: stamps(&file).expect("stamps"), digest: "kept".to_owned() };
        digests.known.insert(std::path::absolute(&file).expect("absolute"), entry);
        digests.changed = true;
        digests.keep();
        let mut again = InputDigests::open(folder.path());
        assert_eq!(again.of(&file).expect("known"), "kept");
        // The same size, and a time of change set back: only the attributes' time shows it.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let modified = std::fs::metadata(&file).expect("metadata").modified().expect("a time");
        std::fs::write(&file, "two").expect("written");
        std::fs::File::options().write(true).open(&file).expect("opens").set_modified(modified).expect("set back");
        let second = again.of(&file).expect("reads");
        assert!(second != "kept" && second != first, "{second}");
        assert_eq!(second, digest_path(&file).expect("reads"));
    }

    #[test]
    fn a_folder_is_what_it_was_while_every_file_of_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let model = folder.path().join("model");
        std::fs::create_dir_all(model.join("below")).expect("made");
        std::fs::write(model.join("below/a"), "one").expect("written");
        let mut digests = InputDigests::open(folder.path());
        let entry = Entry { files: stamps(&model).expect("stamps"), digest: "kept".to_owned() };
        digests.known.insert(std::path::absolute(&model).expect("absolute"), entry);
        assert_eq!(digests.of(&model).expect("known"), "kept");
        std::fs::write(model.join("b"), "two").expect("written");
        assert_eq!(digests.of(&model).expect("reads"), digest_path(&model).expect("reads"));
    }

    #[test]
    fn damage_costs_reading_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join(INPUT_DIGESTS), "{\"half").expect("written");
        let file = folder.path().join("a");
        std::fs::write(&file, "one").expect("written");
        let mut digests = InputDigests::open(folder.path());
        assert_eq!(digests.of(&file).expect("reads"), digest_path(&file).expect("reads"));
        assert!(digests.of(&folder.path().join("absent")).is_err());
        digests.keep();
    }
}
