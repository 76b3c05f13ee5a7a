//! Documents in, filters in order, shards out; a chunk at a time.

use crate::filter::{Filter, annotate, to_plugin, to_record};
use crate::statistics::{End, Origin, Statistics};
use octo_data::jsonl::{Documents, JsonlWriter, read_documents};
use octo_data::{DataError, atomic, record};
use octo_plugin::Failure;
use octo_plugin::types::{Decision, Document};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Documents that every filter kept, as the filters left them.
pub const KEPT: &str = "kept.jsonl.zst";
/// Documents that a filter dropped, as they reached it, with `dropped_by` and `reason`.
pub const DROPPED: &str = "dropped.jsonl.zst";
/// Documents that a filter failed on, as they reached it, with `failed_in`, `failure` and `message`.
pub const DEAD_LETTER: &str = "dead-letter.jsonl.zst";
/// The counts; written last, so it is there only when all of them are.
pub const STATISTICS: &str = "statistics.json";

/// Documents of a chunk, and the bytes of text that end one early: it has to fit into memory.
const CHUNK_DOCUMENTS: usize = 1024;
const CHUNK_BYTES: usize = 64 << 20;

/// How bad lines are warned of before there are too many to read.
const WARNINGS: u64 = 20;

/// What the pipeline tolerates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Skip and count lines that are no documents, instead of ending at the first. A file that is cut short or cannot
    /// be read ends the run all the same: how much of it is missing nobody knows.
    pub skip_bad_lines: bool,
}

/// Why a run of the pipeline ended early. Nothing is left in the output folder then but what lay there before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CurateError {
    /// The stop flag was raised.
    #[error("stopped")]
    Stopped,
    /// An input cannot be read, or an output not written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A filter broke its promise of one decision a document.
    #[error("filter \"{filter}\" gave {given} decisions for {documents} documents")]
    Decisions {
        /// The filter's role.
        filter: String,
        /// Decisions it gave.
        given: usize,
        /// Documents it was given.
        documents: usize,
    },
}

/// [`curate_with`] with the options' defaults: the first bad line is an error.
pub fn curate<F: Filter + ?Sized>(
    inputs: &[PathBuf],
    filters: &[(String, &F)],
    out: &Path,
    stop: &AtomicBool,
    progress: &dyn Fn(u64, u64),
) -> Result<Statistics, CurateError> {
    curate_with(inputs, filters, out, &Options::default(), stop, progress)
}

/// Runs the documents of `inputs`, in order, through `filters`, in order, each with its role, and writes [`KEPT`],
/// [`DROPPED`], [`DEAD_LETTER`] and [`STATISTICS`] into the folder `out`.
///
/// A filter that fails on a document ends that document's way alone; it goes to the dead letters and is counted, and
/// is never dropped or kept in silence. Filters run on rayon's current pool while the next chunk is read. `stop` is
/// looked at between chunks. `progress` is told, after each chunk, the documents done and the bytes of the inputs, as
/// they lie on disk, that were read for them and for the next chunk.
pub fn curate_with<F: Filter + ?Sized>(
    inputs: &[PathBuf],
    filters: &[(String, &F)],
    out: &Path,
    options: &Options,
    stop: &AtomicBool,
    progress: &dyn Fn(u64, u64),
) -> Result<Statistics, CurateError> {
    let mut statistics = Statistics::new(filters.iter().map(|(role, _)| role.as_str()));
    let mut reader = Reader::new(inputs, *options);
    let mut outputs = Outputs::create(out)?;
    let mut chunk = reader.next_chunk()?;
    while !chunk.is_empty() {
        if stop.load(Ordering::Relaxed) {
            return Err(CurateError::Stopped);
        }
        let (filtered, next) = rayon::join(|| run_filters(chunk, filters, &mut statistics), || reader.next_chunk());
        outputs.write(filtered?, filters, &mut statistics)?;
        progress(statistics.total.read, reader.bytes_read());
        chunk = next?;
    }
    if stop.load(Ordering::Relaxed) {
        return Err(CurateError::Stopped);
    }
    statistics.bad_lines = reader.bad_lines;
    outputs.finish(&statistics, out)?;
    Ok(statistics)
}

/// A document on its way.
struct Traveller {
    origin: Origin,
    document: Document,
    fate: Fate,
}

enum Fate {
    /// Kept by every filter so far.
    Alive,
    /// Dropped by the filter of this index, for this reason.
    Dropped(usize, String),
    /// Failed in the filter of this index.
    Failed(usize, Failure),
}

fn run_filters<F: Filter + ?Sized>(
    documents: Vec<Document>,
    filters: &[(String, &F)],
    statistics: &mut Statistics,
) -> Result<Vec<Traveller>, CurateError> {
    let mut travellers: Vec<Traveller> = documents
        .into_iter()
        .map(|document| Traveller { origin: Origin::of(&document), document, fate: Fate::Alive })
        .collect();
    for (index, ((role, filter), counts)) in filters.iter().zip(&mut statistics.filters).enumerate() {
        let mut alive: Vec<&mut Traveller> =
            travellers.iter_mut().filter(|traveller| matches!(traveller.fate, Fate::Alive)).collect();
        // Filters take documents side by side; those that live are moved there and back, not copied.
        let documents: Vec<Document> = alive.iter_mut().map(|traveller| take(&mut traveller.document)).collect();
        let decisions = filter.filter(&documents);
        if decisions.len() != documents.len() {
            return Err(CurateError::Decisions {
                filter: role.clone(),
                given: decisions.len(),
                documents: documents.len(),
            });
        }
        for ((traveller, document), decision) in alive.into_iter().zip(documents).zip(decisions) {
            counts.count(&decision);
            traveller.document = document;
            match decision {
                Ok(Decision::Keep) => {}
                Ok(Decision::Annotate(fields)) => annotate(&mut traveller.document, fields),
                Ok(Decision::Rewrite(rewritten)) => {
                    traveller.document.text = rewritten.text;
                    annotate(&mut traveller.document, rewritten.fields);
                }
                Ok(Decision::Drop(reason)) => traveller.fate = Fate::Dropped(index, reason),
                Err(failure) => traveller.fate = Fate::Failed(index, failure),
            }
        }
    }
    Ok(travellers)
}

fn take(document: &mut Document) -> Document {
    let empty = to_plugin(record::Document::default());
    std::mem::replace(document, empty)
}

/// Reads the inputs one after the other, a chunk at a time. Where chunks end depends on the documents alone.
struct Reader<'a> {
    waiting: std::slice::Iter<'a, PathBuf>,
    current: Option<Documents>,
    /// Bytes read of the inputs before the current one.
    bytes_behind: u64,
    options: Options,
    bad_lines: u64,
}

impl<'a> Reader<'a> {
    fn new(inputs: &'a [PathBuf], options: Options) -> Reader<'a> {
        Reader { waiting: inputs.iter(), current: None, bytes_behind: 0, options, bad_lines: 0 }
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_behind + self.current.as_ref().map_or(0, Documents::bytes_read)
    }

    /// Empty once there is nothing left.
    fn next_chunk(&mut self) -> Result<Vec<Document>, CurateError> {
        let mut chunk = Vec::with_capacity(CHUNK_DOCUMENTS);
        let mut bytes = 0;
        while chunk.len() < CHUNK_DOCUMENTS && bytes < CHUNK_BYTES {
            let Some(documents) = &mut self.current else {
                let Some(path) = self.waiting.next() else {
                    break;
                };
                self.current = Some(read_documents(path)?);
                continue;
            };
            match documents.next() {
                Some(Ok(document)) => {
                    bytes += document.text.len();
                    chunk.push(to_plugin(document));
                }
                Some(Err(error)) if self.options.skip_bad_lines && error.is_one_line() => {
                    self.bad_lines += 1;
                    if self.bad_lines <= WARNINGS {
                        tracing::warn!("skipped {error}");
                    }
                    if self.bad_lines == WARNINGS {
                        tracing::warn!("further bad lines are counted in {STATISTICS} and not named");
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => {
                    self.bytes_behind += documents.bytes_read();
                    self.current = None;
                }
            }
        }
        Ok(chunk)
    }
}

#[derive(Serialize)]
struct DroppedLine<'a> {
    #[serde(flatten)]
    document: record::Document,
    dropped_by: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct DeadLetterLine<'a> {
    #[serde(flatten)]
    document: record::Document,
    failed_in: &'a str,
    failure: &'a str,
    message: &'a str,
}

/// The shards being written; dropped unfinished, none of them appears.
struct Outputs {
    kept: JsonlWriter,
    dropped: JsonlWriter,
    dead_letter: JsonlWriter,
}

impl Outputs {
    fn create(out: &Path) -> Result<Outputs, DataError> {
        Ok(Outputs {
            kept: JsonlWriter::create(&out.join(KEPT))?,
            dropped: JsonlWriter::create(&out.join(DROPPED))?,
            dead_letter: JsonlWriter::create(&out.join(DEAD_LETTER))?,
        })
    }

    fn write<F: ?Sized>(
        &mut self,
        travellers: Vec<Traveller>,
        filters: &[(String, &F)],
        statistics: &mut Statistics,
    ) -> Result<(), DataError> {
        let role = |index: usize| filters.get(index).map_or("", |(role, _)| role.as_str());
        for Traveller { origin, document, fate } in travellers {
            let document = to_record(document);
            let end = match fate {
                Fate::Alive => {
                    self.kept.write(&document)?;
                    End::Kept(document.text.len() as u64)
                }
                Fate::Dropped(index, reason) => {
                    self.dropped.write(&DroppedLine { document, dropped_by: role(index), reason: &reason })?;
                    End::Dropped
                }
                Fate::Failed(index, failure) => {
                    self.dead_letter.write(&DeadLetterLine {
                        document,
                        failed_in: role(index),
                        failure: failure.kind.as_str(),
                        message: &failure.message,
                    })?;
                    End::Failed
                }
            };
            statistics.count(&origin, end);
        }
        Ok(())
    }

    fn finish(self, statistics: &Statistics, out: &Path) -> Result<(), DataError> {
        let path = out.join(STATISTICS);
        let mut text =
            serde_json::to_vec_pretty(statistics).map_err(|error| DataError::file("write", &path, error.into()))?;
        text.push(b'\n');
        self.kept.finish()?;
        self.dropped.finish()?;
        self.dead_letter.finish()?;
        atomic::write(&path, &text)
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
