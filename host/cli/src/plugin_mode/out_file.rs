//! `--out FILE`: answers in a file that is whole or absent, and that resumes where an interruption left it.
//!
//! While the plugin works, answers are gathered in `FILE.part`: a line with all that decides them, then chunk by chunk the
//! answers and a line that seals the chunk, with the digest of the rows that were answered and of the answers. A chunk
//! without its seal was cut by a kill and does not count. The same command reads the rows again, takes the answers of
//! sealed chunks from there, and hands the rest to the plugin; so it ends with the bytes that an uninterrupted one writes.
//! At the end the answers become FILE, in the format of its name, and the part is removed.

use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use octo_data::DataError;
use octo_data::atomic::AtomicFile;
use octo_data::digest::Sum;
use octo_data::table::{self, Format};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the part's first line begins with.
const HEAD: &str = "#octo-host answers ";
/// What the line that seals a chunk begins with. An answer begins with a brace.
const SEAL: &str = "#sealed ";
/// The longest line of a part that is held: a row with all of its columns and verdicts.
const LONGEST: u64 = 1 << 30;

/// The end of a chunk.
#[derive(Serialize, Deserialize)]
struct Seal {
    /// The digest of the rows that were answered.
    rows: String,
    /// The digest of the answers' lines.
    answers: String,
}

/// Answers on their way to a file.
pub struct OutFile {
    target: PathBuf,
    format: Format,
    /// The column that holds verdicts as an object.
    apart: Option<String>,
    part: PathBuf,
    /// Held locked; at its end while answers are added.
    file: File,
    /// Reads the sealed chunks; none once all have been taken.
    sealed: Option<BufReader<File>>,
    /// Bytes of sealed chunks that have not been taken.
    left: u64,
    /// Where the first chunk begins.
    start: u64,
}

impl OutFile {
    /// Begins `target`, or resumes it. `settings` is all that decides the answers besides the rows; `apart` the column of
    /// the answers that holds the verdict as an object.
    pub fn open(target: &Path, settings: &Map<String, Value>, apart: Option<&str>) -> Result<OutFile> {
        let format = Format::of(target).map_err(|error| anyhow!("--out: {error}"))?;
        if target.exists() {
            bail!("{} is there already; remove it, or write to another file", target.display());
        }
        let mut part = target.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let mut file = lock(&part, target)?;
        let head = format!("{HEAD}{}\n", Value::Object(settings.clone()));
        let (start, kept) = match read_head(&mut file, &part)? {
            // Nothing, or a first line that a kill has cut.
            None => {
                file.set_len(0).and_then(|()| file.rewind()).with_context(|| writing(&part))?;
                file.write_all(head.as_bytes()).with_context(|| writing(&part))?;
                file.sync_all().with_context(|| writing(&part))?;
                (head.len() as u64, head.len() as u64)
            }
            Some(found) => {
                same_settings(&found, settings, &part, target)?;
                let start = HEAD.len() as u64 + found.len() as u64 + 1;
                let kept = sealed_until(&file, start).with_context(|| reading(&part))?;
                file.set_len(kept).with_context(|| writing(&part))?;
                (start, kept)
            }
        };
        file.seek(SeekFrom::Start(kept)).with_context(|| writing(&part))?;
        let sealed = if kept > start {
            let mut reader = BufReader::new(File::open(&part).with_context(|| reading(&part))?);
            reader.seek(SeekFrom::Start(start)).with_context(|| reading(&part))?;
            Some(reader)
        } else {
            None
        };
        Ok(OutFile {
            target: target.to_owned(),
            format,
            apart: apart.map(str::to_owned),
            part,
            file,
            sealed,
            left: kept - start,
            start,
        })
    }

    /// Whether answers of an earlier call are left to take.
    pub fn resumes(&self) -> bool {
        self.left > 0
    }

    /// The answers of the next chunk, one per line, where an earlier call has sealed it; `rows` is the digest of its rows.
    pub fn sealed(&mut self, rows: &str) -> Result<Option<Vec<Vec<u8>>>> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(reader) = &mut self.sealed else { return Ok(None) };
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            let read = reader.read_until(b'\n', &mut line).with_context(|| reading(&self.part))?;
            self.left = self.left.saturating_sub(read as u64);
            line.pop();
            match line.strip_prefix(SEAL.as_bytes()) {
                None if read == 0 => bail!("{} was changed while it was read", self.part.display()),
                None => lines.push(line),
                Some(seal) => {
                    let seal: Seal = serde_json::from_slice(seal).with_context(|| reading(&self.part))?;
                    if seal.rows != rows {
                        return Err(self.other_rows());
                    }
                    return Ok(Some(lines));
                }
            }
        }
    }

    /// Adds the answers of a chunk, whole lines, to those that are kept.
    pub fn append(&mut self, rows: String, answers: &[u8]) -> Result<()> {
        if self.left > 0 {
            return Err(self.other_rows());
        }
        let mut sum = Sum::default();
        sum.update(answers);
        let seal = serde_json::to_string(&Seal { rows, answers: sum.finish() })?;
        let written = self.file.write_all(answers).and_then(|()| writeln!(self.file, "{SEAL}{seal}"));
        written.and_then(|()| self.file.sync_data()).with_context(|| writing(&self.part))
    }

    /// Gives the answers their file, and removes the part.
    pub fn finish(self) -> Result<PathBuf> {
        if self.left > 0 {
            return Err(self.other_rows());
        }
        let mut temporary = self.part.as_os_str().to_owned();
        temporary.push(".tmp");
        // The part is locked, so nobody else uses that name.
        let whole = AtomicFile::create_as(&self.target, PathBuf::from(temporary))?;
        let lines = || -> Result<_, DataError> {
            let failed = |error| DataError::file("read", &self.part, error);
            let mut reader = BufReader::new(File::open(&self.part).map_err(failed)?);
            reader.seek(SeekFrom::Start(self.start)).map_err(failed)?;
            Ok(reader.split(b'\n').filter_map(move |line| match line {
                Ok(line) if line.starts_with(SEAL.as_bytes()) => None,
                other => Some(other.map_err(failed)),
            }))
        };
        table::write(whole, self.format, self.apart.as_deref(), lines)?;
        std::fs::remove_file(&self.part).with_context(|| format!("could not remove {}", self.part.display()))?;
        Ok(self.target)
    }

    /// Leaves the file for a later call to resume; a part that holds no answer is removed.
    pub fn abandon(mut self) -> Result<()> {
        if self.file.stream_position().with_context(|| reading(&self.part))? > self.start {
            return Ok(());
        }
        std::fs::remove_file(&self.part).with_context(|| format!("could not remove {}", self.part.display()))
    }

    fn other_rows(&self) -> anyhow::Error {
        anyhow!(
            "{} has answers to other rows: the input was changed since. Give it back what it was to resume, or remove {} to \
             begin again",
            self.part.display(),
            self.part.display()
        )
    }
}

fn reading(part: &Path) -> String {
    format!("could not read {}", part.display())
}

fn writing(part: &Path) -> String {
    format!("could not write {}", part.display())
}

/// Opens the part for this process alone.
fn lock(part: &Path, target: &Path) -> Result<File> {
    if let Some(folder) = part.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
    }
    let file = File::options().read(true).write(true).create(true).truncate(false).open(part);
    let file = file.with_context(|| writing(part))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            bail!("another octo-host is writing {}; wait for it, or write to another file", target.display());
        }
        // A file system without locks: only the user can see to it then.
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("could not lock {}", part.display()));
        }
    }
    // Another process may have finished between the opening and the lock.
    let own = file.metadata().with_context(|| reading(part))?;
    let same = std::fs::metadata(part).is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino()));
    if !same || target.exists() {
        bail!("another octo-host has just written {}; remove it, or write to another file", target.display());
    }
    Ok(file)
}

/// The settings in the first line; None where it is not whole.
fn read_head(file: &mut File, part: &Path) -> Result<Option<String>> {
    let mut line = Vec::new();
    let mut reader = BufReader::new(file.take(LONGEST));
    reader.read_until(b'\n', &mut line).with_context(|| reading(part))?;
    let foreign = || anyhow!("{} is not what octo-host leaves beside a file of --out; move it away", part.display());
    let whole = line.pop_if(|last| *last == b'\n').is_some();
    match line.strip_prefix(HEAD.as_bytes()) {
        Some(settings) if whole => Ok(Some(String::from_utf8(settings.to_vec()).map_err(|_| foreign())?)),
        Some(_) => Ok(None),
        None if !whole && HEAD.as_bytes().starts_with(&line) => Ok(None),
        None => Err(foreign()),
    }
}

/// Refuses a part that was made with other settings, naming them.
fn same_settings(found: &str, settings: &Map<String, Value>, part: &Path, target: &Path) -> Result<()> {
    let found: Map<String, Value> = serde_json::from_str(found).with_context(|| reading(part))?;
    let names = settings.keys().chain(found.keys().filter(|name| !settings.contains_key(*name)));
    let other: Vec<&str> = names.filter(|name| found.get(*name) != settings.get(*name)).map(String::as_str).collect();
    if other.is_empty() {
        return Ok(());
    }
    bail!(
        "{} can't be resumed: {} changed since {} was begun. Run it as it was begun, or remove {} to begin again",
        target.display(),
        listed(&other),
        part.display(),
        part.display()
    )
}

/// `the plugin, --config and the input`, with `have` or `has` after it.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} has"),
        [first @ .., last] => format!("{} and {last} have", first.join(", ")),
    }
}

/// Where the last chunk ends that is sealed and whole. What is damaged is answered again, with all after it.
fn sealed_until(file: &File, start: u64) -> std::io::Result<u64> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(start))?;
    let (mut kept, mut at) = (start, start);
    let mut sum = Sum::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(LONGEST).read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            return Ok(kept);
        }
        at += read as u64;
        match line.strip_prefix(SEAL.as_bytes()) {
            None => sum.update(&line),
            Some(seal) => {
                let answers = std::mem::take(&mut sum).finish();
                match serde_json::from_slice::<Seal>(seal) {
                    Ok(seal) if seal.answers == answers => kept = at,
                    _ => return Ok(kept),
                }
            }
        }
    }
}
