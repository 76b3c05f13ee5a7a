//! Documents in, filters in order, shards out; a chunk at a time.

use crate::filter::{Filter, annotate, to_plugin, to_record};
use crate::statistics::{End, Origin, count_decision, count_document, nothing_counted};
use octo_data::jsonl::{Documents, JsonlWriter, NO_ROWS, read_documents};
use octo_data::rows::faults::Faults;
use octo_data::{DataError, atomic, record};
use octo_plugin::Failure;
use octo_plugin::types::{Decision, Document};
use octo_record::Statistics;
use octo_record::layout::{DEAD_LETTER, DROPPED, KEPT, STATISTICS};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Documents of a chunk, and the bytes of text that end one early: it has to fit into memory.
const CHUNK_DOCUMENTS: usize = 1024;
const CHUNK_BYTES: usize = 64 << 20;

/// What the pipeline tolerates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Skip and count lines that are not documents, instead of ending at the first. A file that is cut short or cannot
    /// be read ends the run all the same: how much of it is missing nobody knows.
    pub skip_bad_lines: bool,
}

/// Why a run of the pipeline ended early. It keeps nothing: the output folder has what lay there before, and the next
/// run starts over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CurateError {
    /// The stop flag was raised. There are no checkpoints, so nothing of the work is kept.
    #[error("stopped before the end; nothing is kept, and the next run starts over")]
    Stopped,
    /// An input cannot be read, or an output not written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A filter did not give one decision per document.
    #[error("filter {filter:?} gave {given} decisions for {documents} documents")]
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
/// A filter that fails on a document ends the processing of that document alone; it goes to the dead letters and is counted, and
/// is never dropped or kept in silence. Filters run on rayon's current pool while the next chunk is read. `stop` is
/// looked at between chunks. `progress` is called after each chunk with the documents done and the bytes of the inputs,
/// as they lie on disk, that were read for them and for the next chunk.
///
/// # Errors
/// [`CurateError`], where the run was stopped or failed; nothing is kept then.
pub fn curate_with<F: Filter + ?Sized>(
    inputs: &[PathBuf],
    filters: &[(String, &F)],
    out: &Path,
    options: &Options,
    stop: &AtomicBool,
    progress: &dyn Fn(u64, u64),
) -> Result<Statistics, CurateError> {
    let mut statistics = nothing_counted(filters.iter().map(|(role, _)| role.as_str()));
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
    reader.faults.rest().iter().for_each(|line| tracing::warn!("skipped {line}"));
    if statistics.total.read + reader.bad_lines == 0 {
        let path = inputs.first().cloned().unwrap_or_default();
        return Err(DataError::Format { path, message: NO_ROWS.into() }.into());
    }
    statistics.bad_lines = reader.bad_lines;
    outputs.finish(&statistics, out)?;
    Ok(statistics)
}

/// A document and what the filters have decided about it so far.
struct FilteredDocument {
    origin: Origin,
    document: Document,
    status: Status,
}

enum Status {
    /// Kept by every filter so far.
    Kept,
    /// Dropped by the filter of this index, for this reason.
    Dropped(usize, String),
    /// Failed in the filter of this index.
    Failed(usize, Failure),
}

fn run_filters<F: Filter + ?Sized>(
    documents: Vec<Document>,
    filters: &[(String, &F)],
    statistics: &mut Statistics,
) -> Result<Vec<FilteredDocument>, CurateError> {
    let mut filtered: Vec<FilteredDocument> = documents
        .into_iter()
        .map(|document| FilteredDocument { origin: Origin::of(&document), document, status: Status::Kept })
        .collect();
    for (index, ((role, filter), counts)) in filters.iter().zip(&mut statistics.filters).enumerate() {
        let mut kept: Vec<&mut FilteredDocument> =
            filtered.iter_mut().filter(|one| matches!(one.status, Status::Kept)).collect();
        // Filters take documents side by side; those still kept are moved there and back, not copied.
        let documents: Vec<Document> = kept.iter_mut().map(|one| take(&mut one.document)).collect();
        let decisions = filter.filter(&documents);
        if decisions.len() != documents.len() {
            return Err(CurateError::Decisions {
                filter: role.clone(),
                given: decisions.len(),
                documents: documents.len(),
            });
        }
        for ((one, document), decision) in kept.into_iter().zip(documents).zip(decisions) {
            count_decision(counts, &decision);
            one.document = document;
            match decision {
                Ok(Decision::Keep) => {}
                Ok(Decision::Annotate(fields)) => annotate(&mut one.document, fields),
                Ok(Decision::Rewrite(rewritten)) => {
                    one.document.text = rewritten.text;
                    annotate(&mut one.document, rewritten.fields);
                }
                Ok(Decision::Drop(reason)) => one.status = Status::Dropped(index, reason),
                Err(failure) => one.status = Status::Failed(index, failure),
            }
        }
    }
    Ok(filtered)
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
    bytes_of_inputs_done: u64,
    options: Options,
    bad_lines: u64,
    faults: Faults,
}

impl<'a> Reader<'a> {
    fn new(inputs: &'a [PathBuf], options: Options) -> Reader<'a> {
        Reader {
            waiting: inputs.iter(),
            current: None,
            bytes_of_inputs_done: 0,
            options,
            bad_lines: 0,
            faults: Faults::default(),
        }
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_of_inputs_done + self.current.as_ref().map_or(0, Documents::bytes_read)
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
                    bytes += document.bytes();
                    chunk.push(to_plugin(document));
                }
                Some(Err(error)) if self.options.skip_bad_lines && error.is_one_line() => {
                    self.bad_lines += 1;
                    let (place, message) = error.place_and_message();
                    if let Some(said) = self.faults.add(&place, &message) {
                        tracing::warn!("skipped {said}");
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => {
                    self.bytes_of_inputs_done += documents.bytes_read();
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
        documents: Vec<FilteredDocument>,
        filters: &[(String, &F)],
        statistics: &mut Statistics,
    ) -> Result<(), DataError> {
        let role = |index: usize| filters.get(index).map_or("", |(role, _)| role.as_str());
        for FilteredDocument { origin, document, status } in documents {
            let document = to_record(document);
            let end = match status {
                Status::Kept => {
                    self.kept.write(&document)?;
                    End::Kept(document.text.len() as u64)
                }
                Status::Dropped(index, reason) => {
                    self.dropped.write(&DroppedLine { document, dropped_by: role(index), reason: &reason })?;
                    End::Dropped
                }
                Status::Failed(index, failure) => {
                    self.dead_letter.write(&DeadLetterLine {
                        document,
                        failed_in: role(index),
                        failure: failure.kind.as_str(),
                        message: &failure.message,
                    })?;
                    End::Failed
                }
            };
            count_document(statistics, &origin, end);
        }
        Ok(())
    }

    fn finish(self, statistics: &Statistics, out: &Path) -> Result<(), DataError> {
        let path = out.join(STATISTICS);
        let text = octo_record::to_json(statistics).map_err(|error| DataError::file("write", &path, error.into()))?;
        self.kept.finish()?;
        self.dropped.finish()?;
        self.dead_letter.finish()?;
        atomic::write(&path, &text)
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
