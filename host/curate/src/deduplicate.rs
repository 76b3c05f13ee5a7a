//! Duplicates: documents of one text, and near-duplicates by MinHash with the numbers and files of datatrove 0.10.
//!
//! Four phases, each in units that are done once. A unit's files lie under [`WORK`] in the stage's folder; its marker,
//! written last, names the unit, the digest of what it was made from and the digest of the settings, so a run that was
//! killed repeats one unit at most, and a unit of other inputs or settings is made anew.
//!
//! | phase | a unit is | file | writes under `work/` |
//! |---|---|---|---|
//! | [`signatures()`] | an input file | `signatures.rs`, `minhash.rs` | `signatures/bucket_NNN/RRRRR.minhash.sig`, `exact/RRRRR.sig`, `about/RRRRR.*` |
//! | [`pairs()`] | a bucket, and the exact copies | `pairs.rs`, `sorted.rs` | `pairs/BBBBB_00.dups`, `pairs/exact.dups` |
//! | [`clusters()`] | all of it | `clusters.rs`, `union.rs` | `clusters/RRRRRR.remove`, `.clusters`, `.sizes`, `.removed.jsonl` |
//! | [`removal()`] | an input file | `removal.rs` | `removal/RRRRR.*` |
//!
//! [`finish`] joins the parts into [`KEPT`](crate::KEPT), [`DROPPED`](crate::DROPPED),
//! [`STATISTICS`](crate::STATISTICS) and [`CLUSTERS`], and [`deduplicate`] does everything. Machines that see one folder
//! share the units of a phase by [`Shard`]; the next phase begins when all units of the one before are there.
//!
//! `.minhash.sig`, `.dups`, `.remove`, `.clusters` and `.sizes` are datatrove's, byte for byte, where its ranks are the
//! input files in order, [`Keep::Datatrove`] is asked for and exact copies are not. A document's index counts all
//! documents of its file, those without text too, which datatrove's readers pass over.
//!
//! # What the result depends on
//!
//! Clusters are the connected parts of the graph of pairs: they depend on the documents alone, not on threads, shards or
//! the order of documents and files. Which document of a cluster stays is [`Keep`]'s: of the three only
//! [`Keep::Longest`] asks nothing of the order.
//!
//! # Memory
//!
//! | phase | holds |
//! |---|---|
//! | signatures | per thread a chunk of 8 MiB of text, and signatures of 32,768 documents: 31 MB with 14 × 8 hashes of 64 bits |
//! | pairs | per thread 16 KiB of each file of signatures, at most 48 files at a time |
//! | clusters | 8 bytes per document of the corpus, and about 200 per cluster |
//! | removal | per thread a chunk of 8 MiB of text |
//!
//! A document is held whole, whatever its length.

mod clusters;
mod marker;
mod minhash;
mod pairs;
mod removal;
mod signatures;
mod sorted;
mod union;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use octo_data::DataError;
use octo_data::jsonl::NO_ROWS;
use octo_record::Statistics;
use serde::Serialize;

use crate::units::Shard;

pub use clusters::clusters;
pub use minhash::{MinHash, Precision};
pub use octo_record::layout::CLUSTERS;
pub use pairs::pairs;
pub use removal::{finish, removal};
pub use signatures::signatures;

/// The folder of all phases' files, in the stage's.
pub const WORK: &str = "work";
/// The reason with which a document is dropped that has the text of the one that is kept.
pub const EXACT_DUPLICATE: &str = "exact-duplicate";
/// The reason with which another document of a cluster is dropped.
pub const NEAR_DUPLICATE: &str = "near-duplicate";

/// What counts as the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exact {
    /// Nothing: exact copies are not looked for.
    Off,
    /// Texts of the same bytes.
    Text,
    /// Texts that differ in white space alone: a stretch of it is one blank, and none is at either end.
    WhiteSpace,
    /// Texts of one [`normal_form`](crate::datatrove::normal_form): they may differ in case, numbers, punctuation and marks too.
    NormalForm,
}

/// Which document of a cluster stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// The longest text, in bytes; of several, the one whose digest of text, URL, source, year and fields is least; of
    /// documents that are alike in these, the first. Which texts stay depends on the documents alone.
    Longest,
    /// The first in the order of inputs and documents.
    First,
    /// The one that datatrove keeps: the root that union by size leads to, which depends on the order.
    Datatrove,
}

/// How near-duplicates are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Near {
    /// Groups of hashes, of which one has to be equal.
    pub buckets: usize,
    /// Hashes of a bucket, which all have to be equal.
    pub hashes: usize,
    /// Words of a shingle.
    pub words: usize,
    /// Bits of a hash, 32 or 64.
    pub precision: u8,
    /// Seed of the hash functions.
    pub seed: u32,
}

impl Near {
    /// datatrove's defaults: 14 buckets of 8 hashes, which find texts of similarity 0.72 in half of the cases.
    pub const DATATROVE: Near = Near { buckets: 14, hashes: 8, words: 5, precision: 64, seed: 1 };
    /// MegaMath's numbers, with which OctoThinker's corpus was made: 11 buckets of 10 hashes.
    pub const PAPER: Near = Near { buckets: 11, hashes: 10, ..Near::DATATROVE };

    pub(crate) fn bits(&self) -> Precision {
        if self.precision == 32 { Precision::Bits32 } else { Precision::Bits64 }
    }
}

/// What a run is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// What counts as the same text.
    pub exact: Exact,
    /// How near-duplicates are found; none, where they are not looked for.
    pub near: Option<Near>,
    /// Which document of a cluster stays.
    pub keep: Keep,
    /// Skip and count lines that are not documents, instead of ending at the first.
    pub skip_bad_lines: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { exact: Exact::Text, near: Some(Near::DATATROVE), keep: Keep::Longest, skip_bad_lines: false }
    }
}

/// Whether one machine does a unit of a phase: one of its shard's, or any where it has none.
fn has(shard: Option<Shard>, unit: usize) -> bool {
    shard.is_none_or(|shard| shard.has(unit))
}

/// Why a run ended early. Units that were done are kept, and the next run resumes after them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeduplicateError {
    /// The stop flag was raised.
    #[error("stopped before the end; the units that were done are kept")]
    Stopped,
    /// A file cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A phase was begun before all units of the one before were done.
    #[error(
        "{missing} of {units} units of {phase:?} are not done, first {first}; run their shards before the next phase"
    )]
    Unfinished {
        /// The phase before.
        phase: &'static str,
        /// How many are missing.
        missing: usize,
        /// How many there are.
        units: usize,
        /// The first that is missing.
        first: String,
    },
    /// A file has other documents than it had when its signatures were made.
    #[error("{} has changed since its signatures were made; run the stage again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The phase, as a word.
    pub phase: &'static str,
    /// Documents that the phase has gone through.
    pub documents: u64,
    /// The share of the phase that is done, from 0 to 1.
    pub done: f64,
}

/// What every phase is given.
pub struct Run<'a> {
    /// Files of documents. Their order is that of the ranks.
    pub inputs: &'a [PathBuf],
    /// The stage's folder.
    pub out: &'a Path,
    /// What is asked for.
    pub settings: Settings,
    /// Raised where the run is to stop; looked at between chunks.
    pub stop: &'a AtomicBool,
    /// Called now and then, from any thread.
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Run")
            .field("inputs", &self.inputs)
            .field("out", &self.out)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Run<'_> {
    fn work(&self, folder: &str) -> PathBuf {
        self.out.join(WORK).join(folder)
    }

    fn may_go_on(&self) -> Result<(), DeduplicateError> {
        if self.stop.load(Ordering::Relaxed) { Err(DeduplicateError::Stopped) } else { Ok(()) }
    }

    /// The digest of all settings that decide signatures and pairs.
    fn signature_settings(&self) -> String {
        let Settings { exact, near, keep: _, skip_bad_lines } = self.settings;
        octo_data::digest::of_bytes(format!("1 {exact:?} {near:?} {skip_bad_lines}").as_bytes())
    }

    /// The digest of all settings.
    fn all_settings(&self) -> String {
        octo_data::digest::of_bytes(format!("1 {:?}", self.settings).as_bytes())
    }
}

/// Counts what threads have done of a phase.
struct Meter<'a> {
    run: &'a Run<'a>,
    phase: &'static str,
    total: u64,
    documents: AtomicU64,
    done: AtomicU64,
    reporting: Mutex<()>,
}

impl<'a> Meter<'a> {
    fn new(run: &'a Run<'a>, phase: &'static str, total: u64) -> Meter<'a> {
        let (documents, done) = (AtomicU64::new(0), AtomicU64::new(0));
        Meter { run, phase, total: total.max(1), documents, done, reporting: Mutex::new(()) }
    }

    fn add(&self, documents: u64, done: u64) {
        let documents = self.documents.fetch_add(documents, Ordering::Relaxed) + documents;
        let done = self.done.fetch_add(done, Ordering::Relaxed) + done;
        if let Ok(_one_at_a_time) = self.reporting.try_lock() {
            let done = (done as f64 / self.total as f64).min(1.0);
            (self.run.progress)(Progress { phase: self.phase, documents, done });
        }
    }
}

/// Removes duplicates from `run.inputs`, all phases one after the other, and writes
/// [`KEPT`](crate::KEPT), [`DROPPED`](crate::DROPPED), [`CLUSTERS`] and, last, [`STATISTICS`](crate::STATISTICS).
///
/// # Errors
/// [`DeduplicateError`]; what was done is kept.
pub fn deduplicate(run: &Run<'_>) -> Result<Statistics, DeduplicateError> {
    if let Some(statistics) = removal::finished(run)? {
        return Ok(statistics);
    }
    signatures(run, None)?;
    pairs(run, None)?;
    clusters(run)?;
    removal(run, None)?;
    finish(run)
}

fn no_documents(run: &Run<'_>) -> DataError {
    DataError::Format { path: run.inputs.first().cloned().unwrap_or_default(), message: NO_ROWS.into() }
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> DataError + '_ {
    move |error| DataError::file("read", path, error)
}

fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> DataError + '_ {
    move |error| DataError::file("write", path, error)
}
