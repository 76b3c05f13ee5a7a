//! Documents in, filters in order, shards out; a chunk at a time, and several units of work side by side.
//!
//! # Memory
//!
//! A unit at work holds two chunks, one in the filters and one that is read: each has at most 1,024 documents, and ends
//! with the document that takes its text to 16 MiB. A line has at most 64 MiB. There are at most as many units at work as
//! threads.

use crate::examples::Examples;
use crate::filter::{Filter, annotate, to_plugin, to_record};
use crate::statistics::{End, Origin, add, count_decision, count_document, count_scores, nothing_counted};
use crate::units::{FOLDER, Outputs, Ran, Setting, Stopped, Unit, UnitPart, Units};
use octo_data::jsonl::{Documents, NO_ROWS, read_documents_in};
use octo_data::rows::faults::Faults;
use octo_data::rows::parts;
use octo_data::{DataError, atomic, record};
use octo_plugin::Failure;
use octo_plugin::types::{Decision, Document};
use octo_record::layout::{DEAD_LETTER, DROPPED, EXAMPLES, KEPT, STATISTICS};
use octo_record::{Became, Statistics};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Documents of a chunk, and the bytes of text that end one early: it has to fit into memory.
const CHUNK_DOCUMENTS: usize = 1024;
const CHUNK_BYTES: usize = 16 << 20;

/// What the pipeline tolerates, and how its work is shared out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Skip and count lines that are not documents, instead of ending at the first. A file that is cut short or cannot
    /// be read ends the run all the same: how much of it is missing nobody knows.
    pub skip_bad_lines: bool,
    /// How the units of work are done: whether those of an earlier call count, and which are done.
    pub units: Setting,
}

/// Why a run of the pipeline ended before its output was written. Units that were done are kept where
/// [`Setting::key`] is given; else nothing is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CurateError {
    /// The stop flag was raised.
    #[error("stopped before the end")]
    Stopped,
    /// The shard's units are done. Whoever runs without a shard after all others are done writes the output.
    #[error("the units of the shard are done, and {units} of others are left")]
    Left {
        /// Units that others have to do.
        units: usize,
    },
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

impl From<Stopped> for CurateError {
    fn from(_: Stopped) -> CurateError {
        CurateError::Stopped
    }
}

/// [`curate_with`] with the options' defaults: the first bad line is an error.
pub fn curate<F: Filter + ?Sized>(
    inputs: &[PathBuf],
    filters: &[(String, &F)],
    out: &Path,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Statistics, CurateError> {
    curate_with(inputs, filters, out, &Options::default(), stop, progress)
}

/// Runs the documents of `inputs`, in order, through `filters`, in order, each with its role, and writes [`KEPT`],
/// [`DROPPED`], [`DEAD_LETTER`], [`EXAMPLES`] and [`STATISTICS`] into the folder `out`.
///
/// A filter that fails on a document ends the processing of that document alone; it goes to the dead letters and is counted, and
/// is never dropped or kept in silence. Units of work, and filters within one, run on rayon's current pool, so a filter
/// is called from several threads at once. `stop` is looked at between chunks. `progress` is called after each chunk, by
/// one thread at a time, with the documents done and the bytes of the inputs, as they lie on disk, that were read for
/// them and for the chunks after them.
///
/// # Errors
/// [`CurateError`], where the run was stopped or failed, or does a shard. Of several errors it is the one of the first
/// unit.
pub fn curate_with<F: Filter + ?Sized>(
    inputs: &[PathBuf],
    filters: &[(String, &F)],
    out: &Path,
    options: &Options,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Statistics, CurateError> {
    let nothing = || nothing_counted(filters.iter().map(|(role, _)| role.as_str()));
    let cut = |place: usize, wanted: u64| inputs.get(place).map_or(Ok(Vec::new()), |path| parts::cut(path, wanted));
    let units = Units::new(inputs, &cut, (out, FOLDER), &[KEPT, DROPPED, DEAD_LETTER], &options.units)?;
    let done = Done::new(progress);
    let faults = Mutex::new(Faults::default());
    let work = |unit: &Unit, outputs: &mut Outputs, ends: &(dyn Fn() -> bool + Sync)| -> Result<_, CurateError> {
        let mut counts = UnitCounts { statistics: nothing(), examples: Examples::default() };
        let mut reader = Reader::new(inputs, unit, options.skip_bad_lines, &faults);
        let mut bytes = 0;
        let mut chunk = reader.next_chunk()?;
        while !chunk.is_empty() {
            if ends() {
                return Err(CurateError::Stopped);
            }
            let documents = chunk.len() as u64;
            let (filtered, next) =
                rayon::join(|| run_filters(chunk, filters, &mut counts.statistics), || reader.next_chunk());
            write(outputs, filtered?, filters, &mut counts)?;
            done.add(documents, reader.bytes_read() - std::mem::replace(&mut bytes, reader.bytes_read()));
            chunk = next?;
        }
        counts.statistics.bad_lines = reader.bad_lines;
        Ok(counts)
    };
    let known = |unit: &Unit, counts: &UnitCounts| done.add(counts.statistics.total.read, unit.bytes());
    let ran = units.run::<_, CurateError>(stop, &work, &known)?;
    faults
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .rest()
        .iter()
        .for_each(|line| tracing::warn!("skipped {line}"));
    match ran {
        Ran::Left(units) => return Err(CurateError::Left { units }),
        Ran::All if options.units.shard.is_some() => return Err(CurateError::Left { units: 0 }),
        Ran::All => {}
    }
    if stop.load(Ordering::Relaxed) {
        return Err(CurateError::Stopped);
    }
    let (mut statistics, mut examples) = (nothing(), Examples::default());
    units.counts(|counted: UnitCounts| {
        add(&mut statistics, counted.statistics);
        examples.add(counted.examples);
    })?;
    if statistics.total.read + statistics.bad_lines == 0 {
        let path = inputs.first().cloned().unwrap_or_default();
        return Err(DataError::Format { path, message: NO_ROWS.into() }.into());
    }
    units.join(|| {
        let path = out.join(STATISTICS);
        let text = octo_record::to_json(&statistics).map_err(|error| DataError::file("write", &path, error.into()))?;
        write_examples(&out.join(EXAMPLES), &examples)?;
        atomic::write(&path, &text)
    })?;
    Ok(statistics)
}

/// What is counted of a unit, and what of it people may want to read.
#[derive(Serialize, Deserialize)]
struct UnitCounts {
    statistics: Statistics,
    examples: Examples,
}

fn write_examples(path: &Path, examples: &Examples) -> Result<(), DataError> {
    let mut lines = Vec::new();
    for example in examples.documents() {
        serde_json::to_writer(&mut lines, example).map_err(|error| DataError::file("write", path, error.into()))?;
        lines.push(b'\n');
    }
    atomic::write(path, &lines)
}

/// How much of the work of all units is done.
pub(crate) struct Done<'a> {
    so_far: Mutex<(u64, u64)>,
    report: &'a (dyn Fn(u64, u64) + Sync),
}

impl<'a> Done<'a> {
    pub(crate) fn new(report: &'a (dyn Fn(u64, u64) + Sync)) -> Done<'a> {
        Done { so_far: Mutex::new((0, 0)), report }
    }

    /// Adds documents and bytes of inputs, and reports the sums.
    pub(crate) fn add(&self, documents: u64, bytes: u64) {
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        so_far.0 += documents;
        so_far.1 += bytes;
        (self.report)(so_far.0, so_far.1);
    }
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
                Ok(Decision::Annotate(fields)) => {
                    count_scores(&mut statistics.scores, &fields);
                    annotate(&mut one.document, fields);
                }
                Ok(Decision::Rewrite(rewritten)) => {
                    count_scores(&mut statistics.scores, &rewritten.fields);
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

/// Reads a unit's parts one after the other, a chunk at a time. Where chunks end depends on the documents alone.
struct Reader<'a> {
    inputs: &'a [PathBuf],
    waiting: std::slice::Iter<'a, UnitPart>,
    current: Option<Current>,
    /// Bytes of the parts before the current one.
    bytes_of_parts_done: u64,
    skip_bad_lines: bool,
    bad_lines: u64,
    faults: &'a Mutex<Faults>,
}

/// A part that is being read.
struct Current {
    documents: Documents,
    /// Bytes that the reader says it has read when nothing of the part is.
    before: u64,
    bytes: u64,
}

impl<'a> Reader<'a> {
    fn new(inputs: &'a [PathBuf], unit: &'a Unit, skip_bad_lines: bool, faults: &'a Mutex<Faults>) -> Reader<'a> {
        let waiting = unit.parts.iter();
        Reader { inputs, waiting, current: None, bytes_of_parts_done: 0, skip_bad_lines, bad_lines: 0, faults }
    }

    fn bytes_read(&self) -> u64 {
        let of_current = |current: &Current| (current.documents.bytes_read() - current.before).min(current.bytes);
        self.bytes_of_parts_done + self.current.as_ref().map_or(0, of_current)
    }

    /// Empty once there is nothing left.
    fn next_chunk(&mut self) -> Result<Vec<Document>, CurateError> {
        let mut chunk = Vec::with_capacity(CHUNK_DOCUMENTS);
        let mut bytes = 0;
        while chunk.len() < CHUNK_DOCUMENTS && bytes < CHUNK_BYTES {
            let Some(current) = &mut self.current else {
                let Some(UnitPart { input, part }) = self.waiting.next() else {
                    break;
                };
                let Some(path) = self.inputs.get(*input) else { continue };
                let documents = read_documents_in(path, &part.place)?;
                self.current = Some(Current { before: documents.bytes_read(), documents, bytes: part.bytes });
                continue;
            };
            match current.documents.next() {
                Some(Ok(document)) => {
                    bytes += document.bytes();
                    chunk.push(to_plugin(document));
                }
                Some(Err(error)) if self.skip_bad_lines && error.is_one_line() => {
                    self.bad_lines += 1;
                    let (place, message) = error.place_and_message();
                    let said = self.faults.lock().unwrap_or_else(PoisonError::into_inner).add(&place, &message);
                    if let Some(said) = said {
                        tracing::warn!("skipped {said}");
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => {
                    self.bytes_of_parts_done += current.bytes;
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

/// Writes what became of the documents, and counts it.
fn write<F: ?Sized>(
    outputs: &mut Outputs,
    documents: Vec<FilteredDocument>,
    filters: &[(String, &F)],
    counts: &mut UnitCounts,
) -> Result<(), DataError> {
    let UnitCounts { statistics, examples } = counts;
    let role = |index: usize| filters.get(index).map_or("", |(role, _)| role.as_str());
    for FilteredDocument { origin, document, status } in documents {
        let document = to_record(document);
        let end = match status {
            Status::Kept => {
                examples.offer(&document, Became::Kept, None);
                outputs.write(KEPT, &document)?;
                End::Kept(document.text.len() as u64)
            }
            Status::Dropped(index, reason) => {
                examples.offer(&document, Became::Dropped, Some((role(index), &reason)));
                outputs.write(DROPPED, &DroppedLine { document, dropped_by: role(index), reason: &reason })?;
                End::Dropped
            }
            Status::Failed(index, failure) => {
                let (failed_in, kind) = (role(index), failure.kind.as_str());
                examples.offer(&document, Became::Failed, Some((failed_in, kind)));
                let line = DeadLetterLine { document, failed_in, failure: kind, message: &failure.message };
                outputs.write(DEAD_LETTER, &line)?;
                End::Failed
            }
        };
        count_document(statistics, &origin, end);
    }
    Ok(())
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
