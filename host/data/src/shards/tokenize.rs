//! Tokenises data files into a folder of shards: in parallel, in bounded memory, and resumable.
//!
//! The shards' bytes depend on the inputs, the tokenizer and the [`Settings`] alone. A shard is the unit of what is
//! kept: when one is whole, `progress.json` says so and after which row to resume, and what was read of the next is done
//! again.

use super::writer::ShardWriter;
use super::{Counts, FORMAT, Input, MANIFEST, Manifest, ORIGINS, Origin, PROGRESS, Settings, VERSION, bytes_per_token};
use crate::digest;
use crate::error::DataError;
use crate::field_map::FieldMap;
use crate::shards::reader::ShardFolder;
use crate::tokenizer::Tokenizer;
use crate::tokenizer::parallel::{EncodedRow, Reading, Tokens, encode_in_order};
use crate::{atomic, rows};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::Builder;

/// Tokens of a shard unless set otherwise: 268 or 537 MB.
pub const SHARD_TOKENS: u64 = 1 << 27;
/// Bytes of a source's name above which it is not counted apart: the names are held, and they are the corpus's.
const LONGEST_NAME: usize = 1024;
/// The source of documents beyond the [`ORIGINS`] that are counted apart.
const FURTHER: &str = "(further sources)";

/// How a caller watches the work and stops it.
pub struct Watch<'a> {
    /// Looked at between rows; raised, the work ends with [`Outcome::Stopped`].
    pub stop: &'a AtomicBool,
    /// Called with where the work stands, every few hundred rows and at the end.
    pub progress: &'a dyn Fn(&Standing),
    /// Called with every row that is passed over.
    pub skipped: &'a dyn Fn(&DataError),
}

/// Where the work stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// What is in shards so far, those of earlier calls included.
    pub total: Counts,
    /// Tokens of this call.
    pub new_tokens: u64,
    /// Share of the inputs' bytes that was read, 0 to 1.
    pub share: f64,
}

/// How the work ended without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The folder is whole, made so by this call.
    Done(Manifest),
    /// The folder was whole before; its shards were read and are what was written.
    Already(Manifest),
    /// Asked to stop. Whole shards are kept, and the same call resumes after them.
    Stopped,
}

/// `progress.json`: a manifest of what is done, and where to resume.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    done: Manifest,
    /// Index of the input, and the number of its last row that is done.
    input: usize,
    row: u64,
}

/// Tokenises the documents of `inputs`, in order, into shards in `out`, each document beginning with what the tokenizer
/// puts before a text, if anything, and ending with its end-of-text token; special tokens' names in a text are plain characters. `threads` decides the speed alone.
///
/// A row that cannot be used (see [`rows`]) is an error that names it, or, with `skip_bad_rows`, is counted and passed
/// over; a file that is cut short or damaged is an error all the same, as how much of it is missing nobody knows. A
/// row without text is counted. A folder that other inputs, another tokenizer or other settings began is an error that
/// says what differs.
pub fn tokenize(
    inputs: &[PathBuf],
    tokenizer: &Tokenizer,
    settings: &Settings,
    out: &Path,
    threads: usize,
    watch: &Watch<'_>,
) -> Result<Outcome, DataError> {
    if settings.shard_tokens == 0 {
        return Err(DataError::Invalid("shard_tokens must be at least 1".into()));
    }
    if let Some(name) = settings.map.keys().find(|name| !rows::TEXT_FIELDS.contains(&name.as_str())) {
        return Err(DataError::Invalid(format!(
            "map: {name:?} is not read for training; the fields are {}",
            rows::TEXT_FIELDS.join(", ")
        )));
    }
    std::fs::create_dir_all(out).map_err(|error| DataError::file("create", out, error))?;
    let _lock = lock(out)?;
    remove_temporary_files(out)?;
    let planned = Manifest {
        format: FORMAT.into(),
        version: VERSION,
        tokenizer: tokenizer.digest(),
        vocabulary: tokenizer.vocabulary_size(),
        beginning: tokenizer.beginning().to_vec(),
        end_of_text: tokenizer.end_of_text(),
        bytes_per_token: bytes_per_token(tokenizer.vocabulary_size()),
        settings: settings.clone(),
        inputs: describe(inputs, threads)?,
        total: Counts::default(),
        sources: Vec::new(),
        shards: Vec::new(),
    };
    if out.join(MANIFEST).is_file() {
        let before = ShardFolder::open(out)?;
        refuse_changes(out, before.manifest(), &planned)?;
        before.verify()?;
        return Ok(Outcome::Already(before.manifest().clone()));
    }
    let progress = match read_progress(out)? {
        Some(before) => {
            refuse_changes(out, &before.done, &planned)?;
            before
        }
        None => Progress { done: planned, input: 0, row: 0 },
    };
    Work::new(inputs, tokenizer, out, progress).run(threads, watch)
}

struct Work<'a> {
    inputs: &'a [PathBuf],
    tokenizer: &'a Tokenizer,
    out: &'a Path,
    progress: Progress,
    /// As `progress.done`, with the shard that is being written.
    total: Counts,
    origins: BTreeMap<(String, Option<u16>), (u64, u64)>,
    writer: Option<ShardWriter>,
}

impl<'a> Work<'a> {
    fn new(inputs: &'a [PathBuf], tokenizer: &'a Tokenizer, out: &'a Path, progress: Progress) -> Work<'a> {
        let origins = progress
            .done
            .sources
            .iter()
            .map(|origin| ((origin.source.clone(), origin.year), (origin.documents, origin.tokens)));
        let origins = origins.collect();
        Work { inputs, tokenizer, out, total: progress.done.total, progress, origins, writer: None }
    }

    fn run(mut self, threads: usize, watch: &Watch<'_>) -> Result<Outcome, DataError> {
        let map = FieldMap::new(self.progress.done.settings.map.clone());
        let bytes_read = AtomicU64::new(0);
        let start = (self.progress.input, self.progress.row);
        let size = |inputs: &[Input]| inputs.iter().map(|input| input.bytes).sum::<u64>();
        let (done, all) = (size(&self.progress.done.inputs[..start.0]), size(&self.progress.done.inputs));
        let reading = Reading { inputs: self.inputs, map: &map, start, threads, bytes_read: &bytes_read };
        let (tokenizer, before) = (self.tokenizer, self.total.tokens);
        let mut rows = 0u64;
        let ended = encode_in_order(&reading, tokenizer, |row| {
            if watch.stop.load(Ordering::Relaxed) {
                return Ok(ControlFlow::Break(()));
            }
            self.take(row, watch)?;
            rows += 1;
            if rows.is_multiple_of(256) {
                let read = done + bytes_read.load(Ordering::Relaxed);
                let share = (read as f64 / all.max(1) as f64).min(1.0);
                let new_tokens = self.total.tokens - before;
                (watch.progress)(&Standing { total: self.total, new_tokens, share });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if ended.is_break() {
            return Ok(Outcome::Stopped);
        }
        (watch.progress)(&Standing { total: self.total, new_tokens: self.total.tokens - before, share: 1.0 });
        self.finish()
    }

    fn take(&mut self, row: EncodedRow, watch: &Watch<'_>) -> Result<(), DataError> {
        match row.tokens {
            Err(error) if self.progress.done.settings.skip_bad_rows => {
                self.total.skipped += 1;
                (watch.skipped)(&error);
            }
            Err(error) => return Err(error),
            Ok(Tokens { ids, .. }) if ids.is_empty() => self.total.empty += 1,
            Ok(tokens) => {
                self.add(&tokens)?;
                let full = self.progress.done.settings.shard_tokens;
                if self.writer.as_ref().is_some_and(|writer| writer.tokens() >= full) {
                    self.end_shard()?;
                    self.progress.input = row.input;
                    self.progress.row = row.number;
                    write_json(&self.out.join(PROGRESS), &self.progress)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, tokens: &Tokens) -> Result<(), DataError> {
        let Manifest { vocabulary, end_of_text, ref shards, ref settings, .. } = self.progress.done;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(ShardWriter::create(self.out, shards.len(), vocabulary)?),
        };
        writer.add(&tokens.ids, end_of_text)?;
        let count = tokens.ids.len() as u64 + 1;
        self.total.documents += 1;
        self.total.tokens += count;
        let source = tokens.source.as_ref().unwrap_or(&settings.source);
        let mut key = (source.clone(), tokens.year);
        let counted_apart = self.origins.len() < ORIGINS && key.0.len() <= LONGEST_NAME;
        if !counted_apart && !self.origins.contains_key(&key) {
            key = (FURTHER.to_owned(), None);
        }
        let origin = self.origins.entry(key).or_default();
        origin.0 += 1;
        origin.1 += count;
        Ok(())
    }

    /// Seals the shard in hand, if there is one, and brings the manifest up to it.
    fn end_shard(&mut self) -> Result<(), DataError> {
        if let Some(writer) = self.writer.take() {
            self.progress.done.shards.push(writer.finish()?);
        }
        self.progress.done.total = self.total;
        let origins = self.origins.iter().map(|((source, year), (documents, tokens))| Origin {
            source: source.clone(),
            year: *year,
            documents: *documents,
            tokens: *tokens,
        });
        self.progress.done.sources = origins.collect();
        Ok(())
    }

    fn finish(mut self) -> Result<Outcome, DataError> {
        self.end_shard()?;
        let manifest = self.progress.done;
        if manifest.total.tokens == 0 {
            return Err(DataError::Format {
                path: self.out.to_path_buf(),
                message: format!(
                    "would hold no tokens: {} rows without text, {} passed over; look at the inputs and the map",
                    manifest.total.empty, manifest.total.skipped
                ),
            });
        }
        write_json(&self.out.join(MANIFEST), &manifest)?;
        match std::fs::remove_file(self.out.join(PROGRESS)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(DataError::file("remove", &self.out.join(PROGRESS), error))
            }
            _ => Ok(Outcome::Done(manifest)),
        }
    }
}

/// One process per folder. The lock is on the folder itself, so it leaves no file there.
fn lock(out: &Path) -> Result<File, DataError> {
    let folder = File::open(out).map_err(|error| DataError::file("open", out, error))?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(_) => Err(DataError::Format {
            path: out.to_path_buf(),
            message: "another octo-host is tokenising into it; wait for it, or end it".into(),
        }),
    }
}

/// What a killed call left: files under the temporary names of [`atomic`].
fn remove_temporary_files(out: &Path) -> Result<(), DataError> {
    let failed = |error| DataError::file("list", out, error);
    for entry in std::fs::read_dir(out).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && name.ends_with(".tmp") && (name.contains(".ds.") || name.contains(".json.")) {
            std::fs::remove_file(entry.path()).map_err(|error| DataError::file("remove", &entry.path(), error))?;
        }
    }
    Ok(())
}

/// Names, sizes and digests of the inputs, several at a time.
fn describe(inputs: &[PathBuf], threads: usize) -> Result<Vec<Input>, DataError> {
    if inputs.is_empty() {
        return Err(DataError::Invalid("the list of files to tokenise is empty".into()));
    }
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<Option<Result<Input, DataError>>>> = Mutex::new(inputs.iter().map(|_| None).collect());
    let describe_next = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = inputs.get(index) else { break };
            let input = describe_one(path);
            found.lock().unwrap_or_else(|poisoned| poisoned.into_inner())[index] = Some(input);
        }
    };
    std::thread::scope(|scope| {
        let start = |_| {
            let started = Builder::new().name("digest".to_owned()).spawn_scoped(scope, describe_next);
            started.map(|_| ()).map_err(|error| DataError::file("start a thread to read", &inputs[0], error))
        };
        (0..threads.clamp(1, inputs.len())).try_for_each(start)
    })?;
    found.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()).into_iter().flatten().collect()
}

fn describe_one(path: &Path) -> Result<Input, DataError> {
    let details = std::fs::metadata(path).map_err(|error| DataError::file("read", path, error))?;
    if !details.is_file() {
        let message = "is not a regular file; name the .jsonl, .jsonl.zst or .parquet files to tokenise".into();
        return Err(DataError::Format { path: path.to_path_buf(), message });
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Input { name, bytes: details.len(), digest: digest::of_file(path)? })
}

fn read_progress(out: &Path) -> Result<Option<Progress>, DataError> {
    let path = out.join(PROGRESS);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(DataError::file("read", &path, error)),
    };
    let wrong = |message: String| DataError::Format {
        path: path.clone(),
        message: format!("{message}; remove the folder, and tokenise again"),
    };
    let progress: Progress =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("cannot be continued: {error}")))?;
    if progress.input >= progress.done.inputs.len() {
        return Err(wrong(format!("resumes in input {}, and there is none", progress.input)));
    }
    for (number, shard) in progress.done.shards.iter().enumerate() {
        let path = super::tokens_path(out, number);
        let size = std::fs::metadata(&path).map_err(|error| DataError::file("read", &path, error))?.len();
        if Some(size) != shard.tokens.checked_mul(progress.done.bytes_per_token) {
            return Err(wrong(format!("says that {} is whole, and it is not", path.display())));
        }
    }
    Ok(Some(progress))
}

/// Refuses to mix two corpora in a folder, naming what differs, before and now.
fn refuse_changes(out: &Path, before: &Manifest, now: &Manifest) -> Result<(), DataError> {
    let mut changes = Vec::new();
    let mut compare = |what: &str, before: String, now: String| {
        if before != now {
            changes.push(format!("{what} was {before}, is {now}"));
        }
    };
    compare("format version", before.version.to_string(), now.version.to_string());
    compare("tokenizer", before.tokenizer.clone(), now.tokenizer.clone());
    compare("tokens before a document", format!("{:?}", before.beginning), format!("{:?}", now.beginning));
    compare("end-of-text token", before.end_of_text.to_string(), now.end_of_text.to_string());
    compare("map", format!("{:?}", before.settings.map), format!("{:?}", now.settings.map));
    compare("source", before.settings.source.clone(), now.settings.source.clone());
    compare("shard_tokens", before.settings.shard_tokens.to_string(), now.settings.shard_tokens.to_string());
    compare("skip_bad_rows", before.settings.skip_bad_rows.to_string(), now.settings.skip_bad_rows.to_string());
    compare("the number of inputs", before.inputs.len().to_string(), now.inputs.len().to_string());
    for (old, new) in before.inputs.iter().zip(&now.inputs) {
        // A file may be called otherwise, as long as it is the same.
        compare(&format!("input {}", new.name), old.digest.clone(), new.digest.clone());
    }
    if changes.is_empty() {
        return Ok(());
    }
    Err(DataError::Format {
        path: out.to_path_buf(),
        message: format!(
            "holds tokens that were made otherwise: {}. Name another folder, or remove this one",
            changes.join("; ")
        ),
    })
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), DataError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| DataError::file("write", path, error.into()))?;
    text.push(b'\n');
    atomic::write(path, &text)
}

#[cfg(test)]
pub(crate) mod tests;
