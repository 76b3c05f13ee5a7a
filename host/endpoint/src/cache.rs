//! Answers on disk, so that no finished call is repeated.
//!
//! A cache is a folder of files `answers-00000.jsonl`, … that only grow. A line is
//! `{"sha256":"…","answer":{…}}`, where the digest is of the bytes of the value of `answer`; that has the request's key, the
//! model, who paid for it, its tokens, and the raw answer. Requests are not in it: a key tells whether it is the same one.
//!
//! - *A killed process*: a line is written in one piece after the answer is whole, so what was written is there for the next
//!   process. A last line that was cut is dropped by whoever writes next.
//! - *A machine that fails*: files are synced at most once a second, and when the cache is closed, so the answers of the last
//!   second may be lost.
//! - *Several processes*, on one machine: who writes holds the lock on `lock`, and first reads what others have written.
//!   Two processes that ask the same at the same time both call.
//! - *A damaged line* is left out with a warning, and its request is asked again.
//!
//! In memory an answer takes about 30 bytes.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::answer::{Answer, Usage};
use crate::budget::Spending;
use crate::request::Key;

/// Bytes after which a new file is begun.
const FILE: u64 = 1 << 30;
/// The longest line. The largest reply, with every byte escaped, is shorter.
const LINE: u64 = 64 << 20;
/// Time between two syncs.
const SYNC: Duration = Duration::from_secs(1);
/// What stands before and after the answer in a line.
const HEAD: &[u8] = br#"{"sha256":""#;
const MIDDLE: &[u8] = br#"","answer":"#;
const BEFORE_ANSWER: usize = HEAD.len() + 64 + MIDDLE.len();

/// A cache that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("could not {what} {}", path.display())]
pub struct CacheError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

fn error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_owned();
    move |source| CacheError { what, path, source }
}

/// What a line has.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    answer_tokens: u64,
    key: String,
    model: String,
    payer: String,
    prompt_tokens: u64,
    raw: String,
}

/// A folder of answers.
pub struct Cache {
    folder: PathBuf,
    payer: String,
    largest_file: u64,
    state: Mutex<State>,
}

struct State {
    lock: File,
    files: Vec<OpenFile>,
    /// File and offset of an answer by the first eight bytes of its key; whoever reads it compares the whole key.
    index: HashMap<u64, u64>,
    /// What the payer has spent.
    spent: Spending,
    damaged: u64,
    synced: Instant,
    unsynced: bool,
}

struct OpenFile {
    file: File,
    path: PathBuf,
    /// Bytes of whole lines that the index knows.
    read: u64,
}

fn place(file: usize, offset: u64) -> u64 {
    (file as u64) << 48 | offset
}

fn short(key: &Key) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = key.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl Cache {
    /// Opens the cache in `folder`, or begins one. `payer` is whom new answers are for: a budget counts what it has paid
    /// before.
    ///
    /// # Errors
    /// A folder that cannot be read or written.
    pub fn open(folder: &Path, payer: &str) -> Result<Cache, CacheError> {
        Cache::with_files_of(FILE, folder, payer)
    }

    fn with_files_of(largest_file: u64, folder: &Path, payer: &str) -> Result<Cache, CacheError> {
        fs::create_dir_all(folder).map_err(error("make", folder))?;
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).open(&path).map_err(error("open", &path))?;
        let state = State {
            lock,
            files: Vec::new(),
            index: HashMap::new(),
            spent: Spending::default(),
            damaged: 0,
            synced: Instant::now(),
            unsynced: false,
        };
        let cache =
            Cache { folder: folder.to_owned(), payer: payer.to_owned(), largest_file, state: Mutex::new(state) };
        cache.refresh()?;
        Ok(cache)
    }

    /// Learns what other processes have written since.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn refresh(&self) -> Result<(), CacheError> {
        self.read_new(&mut self.lock())
    }

    /// Answers that are there.
    pub fn len(&self) -> usize {
        self.lock().index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the payer's answers have cost, in this process and earlier ones.
    pub fn spent(&self) -> Spending {
        self.lock().spent
    }

    /// The answer of `key`, if it is there and whole.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn get(&self, key: &Key) -> Result<Option<Answer>, CacheError> {
        let state = self.lock();
        let Some(place) = state.index.get(&short(key)) else { return Ok(None) };
        let Some(file) = state.files.get((place >> 48) as usize) else { return Ok(None) };
        let mut line = Vec::new();
        let from = At { file: &file.file, offset: place & ((1 << 48) - 1) };
        BufReader::new(from).take(LINE).read_until(b'\n', &mut line).map_err(error("read", &file.path))?;
        let kept = whole(&line).filter(|kept| kept.key == key.hex());
        Ok(kept.and_then(|kept| Answer::read(kept.raw).ok()))
    }

    /// Keeps the answer that `model` gave to the request of `key`, which had `usage` tokens.
    ///
    /// # Errors
    /// A file that cannot be written; the cache is as it was before.
    pub fn keep(&self, key: &Key, model: &str, answer: &Answer, usage: Usage) -> Result<(), CacheError> {
        let kept = Kept {
            answer_tokens: usage.answer_tokens,
            key: key.hex(),
            model: model.to_owned(),
            payer: self.payer.clone(),
            prompt_tokens: usage.prompt_tokens,
            raw: answer.raw.clone(),
        };
        let line = line_of(&kept).map_err(|source| error("write to", &self.folder)(source.into()))?;
        let mut state = self.lock();
        state.lock.lock().map_err(error("lock", &self.folder.join("lock")))?;
        let written = self.write(&mut state, key, &line);
        // The lock goes with the process at the latest.
        let _ = state.lock.unlock();
        written?;
        state.spent = state.spent.plus(Spending::call(usage));
        Ok(())
    }

    /// Writes a line at the end, while the lock is held.
    fn write(&self, state: &mut State, key: &Key, line: &[u8]) -> Result<(), CacheError> {
        self.read_new(state)?;
        if state.files.last().is_none_or(|last| last.read >= self.largest_file) {
            let path = self.path(state.files.len());
            let mut options = OpenOptions::new();
            let file = options.create(true).truncate(false).read(true).write(true).open(&path);
            state.files.push(OpenFile { file: file.map_err(error("make", &path))?, path, read: 0 });
        }
        let number = state.files.len() - 1;
        let Some(last) = state.files.last_mut() else { return Ok(()) };
        let length = last.file.metadata().map_err(error("look at", &last.path))?.len();
        if length > last.read {
            // Nobody writes but who holds the lock: a line without an end is one whose writer is gone.
            tracing::warn!("{}: its last line was cut off and is dropped", last.path.display());
            last.file.set_len(last.read).map_err(error("cut", &last.path))?;
        }
        if let Err(source) = last.file.write_all_at(line, last.read) {
            let _ = last.file.set_len(last.read);
            return Err(error("write to", &last.path)(source));
        }
        state.index.insert(short(key), place(number, last.read));
        last.read += line.len() as u64;
        state.unsynced = true;
        if state.synced.elapsed() >= SYNC {
            last.file.sync_data().map_err(error("sync", &last.path))?;
            (state.synced, state.unsynced) = (Instant::now(), false);
        }
        Ok(())
    }

    fn read_new(&self, state: &mut State) -> Result<(), CacheError> {
        let before = state.damaged;
        loop {
            let number = state.files.len();
            if let Some(last) = number.checked_sub(1) {
                self.read_file(state, last)?;
            }
            let path = self.path(number);
            match OpenOptions::new().read(true).write(true).open(&path) {
                Err(source) if source.kind() == io::ErrorKind::NotFound => break,
                Err(source) => return Err(error("open", &path)(source)),
                Ok(file) => state.files.push(OpenFile { file, path, read: 0 }),
            }
        }
        if state.damaged > before {
            let count = state.damaged - before;
            tracing::warn!(
                "{}: {count} damaged lines are left out; what they answered is asked again",
                self.folder.display()
            );
        }
        Ok(())
    }

    /// Reads what was added to a file since the last time.
    fn read_file(&self, state: &mut State, number: usize) -> Result<(), CacheError> {
        let State { files, index, spent, damaged, .. } = state;
        let Some(OpenFile { file, path, read }) = files.get_mut(number) else { return Ok(()) };
        if file.metadata().map_err(error("look at", path))?.len() <= *read {
            return Ok(());
        }
        let mut reader = BufReader::with_capacity(1 << 20, At { file, offset: *read });
        let mut line = Vec::new();
        loop {
            line.clear();
            (&mut reader).take(LINE).read_until(b'\n', &mut line).map_err(error("read", path))?;
            if line.last() != Some(&b'\n') && (line.len() as u64) < LINE {
                // A line that is being written, or was cut off.
                return Ok(());
            }
            match whole(&line) {
                Some(kept) => {
                    if let Some(key) = Key::from_hex(&kept.key) {
                        index.insert(short(&key), place(number, *read));
                    }
                    if kept.payer == self.payer {
                        let Kept { prompt_tokens, answer_tokens, .. } = kept;
                        *spent = spent.plus(Spending::call(Usage { prompt_tokens, answer_tokens }));
                    }
                }
                None => *damaged += 1,
            }
            *read += line.len() as u64;
        }
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("answers-{number:05}.jsonl"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if state.unsynced
            && let Some(last) = state.files.last()
        {
            let _ = last.file.sync_data();
        }
    }
}

/// Reads a file from an offset, without a position that others share.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

fn line_of(kept: &Kept) -> serde_json::Result<Vec<u8>> {
    let answer = serde_json::to_vec(kept)?;
    let digest = hex::encode(Sha256::digest(&answer));
    Ok([HEAD, digest.as_bytes(), MIDDLE, &answer, b"}\n"].concat())
}

/// The answer in a line; none where the line is not as it was written.
fn whole(line: &[u8]) -> Option<Kept> {
    let answer = line.strip_suffix(b"}\n")?.get(BEFORE_ANSWER..)?;
    let digest = line.strip_prefix(HEAD)?.get(..64)?;
    if !line[..BEFORE_ANSWER].ends_with(MIDDLE) || hex::encode(Sha256::digest(answer)).as_bytes() != digest {
        return None;
    }
    serde_json::from_slice(answer).ok()
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
