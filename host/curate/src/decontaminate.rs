//! Documents that have rows of benchmarks in them are found, and reported, removed or cut.
//!
//! | file | what it does |
//! |---|---|
//! | `benchmarks.rs` | reads the rows of benchmarks from data files |
//! | `words.rs` | the tokens that texts are compared by |
//! | `datatrove.rs` | the words and grams of datatrove, bit for bit |
//! | `index.rs` | which grams the rows are made of, and which say nothing; `index/file.rs` is its file |
//! | `document_counts.rs` | how many documents of the corpus have each gram, before the first is decided on |
//! | `hits.rs` | the rows that a document matches: by a gram they share (`shared_grams.rs`) or by a passage (`overlap.rs`) |
//! | `cut.rs` | a document without such passages |
//! | `tally.rs` | hits by benchmark and row, with examples, for `contamination.json` |
//!
//! [`decontaminate`] is all of it: it builds or reads the [`Index`], counts, runs [`Decontaminator`] in the corpus pipeline
//! and writes [`Contamination`](octo_record::Contamination).
//!
//! # What each rule finds
//!
//! Of 470 rows of GSM8K and MATH-500, planted with their solutions in the middle of 356 real pages that have none
//! (`examples/planted_benchmarks.rs`), the pages themselves in the last line:
//!
//! | planted | [`Rules::Ngram`] | [`Rules::Datatrove`] | with queries | [`Rules::Decon`] | without [`need_answer`](Matching::need_answer) |
//! |---|---|---|---|---|---|
//! | verbatim | 461 | 470 | 470 | 432 | 432 |
//! | with other blanks and spellings of TeX | 461 | 455 | 458 | 432 | 432 |
//! | between other delimiters | 461 | 469 | 469 | 432 | 432 |
//! | the question alone | 423 | 27 | 446 | 14 | 432 |
//! | with other numbers | 388 | 470 | 470 | 22 | 67 |
//! | pages marked that have none of it | 0 | 39 | 40 | 0 | 0 |
//!
//! datatrove makes every number `0`, so a table of numbers matches one in a solution. The 9 rows that [`Rules::Ngram`]
//! lacks are formulas with few words, the 38 that [`Rules::Decon`] lacks have fewer than 20 tokens or 4 words. Rewordings and
//! translations are found by none.
//!
//! # Bounds
//!
//! The texts of benchmarks may have [`benchmarks::MOST_BYTES`] together. An index takes 30 to 50 bytes in memory for each distinct
//! gram and 4 for each row that has it; counting documents takes 4 more for each gram. A document takes 24 bytes for each of its tokens while it
//! is looked at.

pub mod benchmarks;
mod cut;
mod datatrove;
mod document_counts;
mod hits;
mod index;
mod overlap;
mod shared_grams;
mod tally;
mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use octo_data::{DataError, atomic};
use octo_plugin::Failure;
use octo_plugin::types::{Decision, Document, Field, Rewritten};
use octo_record::layout::CONTAMINATION;
use rayon::prelude::*;

use crate::{CurateError, Filter, Options, Statistics, curate_with};
use benchmarks::Benchmark;
use tally::{NamedHit, Tally};

pub use hits::{Hit, Matching, hits};
pub use index::{BenchmarkEntry, BenchmarkRow, Index, IndexRow, IndexSettings, Rules};

/// The reason with which documents are dropped.
pub const CONTAMINATED: &str = "contaminated";
/// The field that says, as JSON, which rows a document matches.
pub const FIELD: &str = "contamination";
/// The field with the highest score of these rows.
pub const SCORE_FIELD: &str = "contamination_score";
/// Rows that are said of one document, those of the highest scores.
const MOST_HITS: usize = 100;

/// What becomes of a document that matches a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// It is kept, with [`FIELD`] and [`SCORE_FIELD`].
    Report,
    /// It is dropped for the reason [`CONTAMINATED`].
    #[default]
    Remove,
    /// The passages are cut out, with so many characters on either side of each, and [`FIELD`] says which; a document of
    /// which too little is left is dropped.
    Cut(usize),
}

impl Action {
    /// Its name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Action::Report => "report",
            Action::Remove => "remove",
            Action::Cut(_) => "cut",
        }
    }
}

/// What a stage does.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How the index is built.
    pub index: IndexSettings,
    /// How documents are compared with it.
    pub matching: Matching,
    /// What becomes of those that match.
    pub action: Action,
}

/// Where the index comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// It is built of these.
    Benchmarks(Vec<Benchmark>),
    /// It was built before, and is this file or lies in this folder.
    Index(PathBuf),
}

/// The filter. A decision depends on the document, the index, the settings and, under [`Rules::Ngram`], on how many
/// documents of the whole corpus have a gram.
#[derive(Debug)]
pub struct Decontaminator {
    index: Index,
    settings: Settings,
    /// Documents by gram of the index; empty where they are not counted.
    documents: Vec<u32>,
}

impl Decontaminator {
    /// A filter by `index`, which `settings.index` describes. `documents` has how many documents have each gram, and may
    /// be empty.
    pub fn new(index: Index, settings: Settings, documents: Vec<u32>) -> Decontaminator {
        Decontaminator { index, settings, documents }
    }

    /// The rows that a text matches, the highest score first.
    pub fn hits(&self, text: &str) -> Vec<Hit> {
        hits(&self.index, &self.settings.matching, &self.documents, text)
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    fn decide(&self, document: &Document) -> Decision {
        let hits = self.hits(&document.text);
        if hits.is_empty() {
            return Decision::Keep;
        }
        match self.settings.action {
            Action::Remove => Decision::Drop(CONTAMINATED.to_owned()),
            Action::Report => Decision::Annotate(self.fields(&hits)),
            Action::Cut(characters) => {
                let places: Vec<_> = hits.iter().flat_map(|hit| hit.places.iter().cloned()).collect();
                match cut::cut(&document.text, &places, characters) {
                    Some(text) => Decision::Rewrite(Rewritten { text, fields: self.fields(&hits) }),
                    None => Decision::Drop(CONTAMINATED.to_owned()),
                }
            }
        }
    }

    fn named(&self, hits: &[Hit]) -> Vec<NamedHit> {
        hits.iter().take(MOST_HITS).map(|hit| NamedHit::of(&self.index, hit)).collect()
    }

    fn fields(&self, hits: &[Hit]) -> Vec<Field> {
        let named = serde_json::to_value(self.named(hits)).unwrap_or_default();
        let score = hits.first().map_or(0.0, |hit| hit.score);
        vec![
            Field { name: FIELD.to_owned(), value: named.to_string() },
            Field { name: SCORE_FIELD.to_owned(), value: format!("{score:.4}") },
        ]
    }
}

impl Filter for Decontaminator {
    fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
        documents.par_iter().map(|document| Ok(self.decide(document))).collect()
    }
}

/// Runs the documents of `inputs` through a [`Decontaminator`] and writes into `out` the index, what
/// [`curate_with`] writes and `contamination.json`, which comes last.
///
/// What an earlier call has left in `out` (the index, the counts of documents) is used where it belongs to the same
/// settings and files. `progress` is called with documents and bytes, as in [`curate_with`], for the counting and then
/// for the filtering.
///
/// # Errors
/// A benchmark, an index or a document that cannot be read, an output that cannot be written, or the stop.
pub fn decontaminate(
    inputs: &[PathBuf],
    settings: &Settings,
    source: &Source,
    out: &Path,
    options: &Options,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Statistics, CurateError> {
    let index = index_of(settings, source, out)?;
    let file = index.write(out)?;
    let file = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if stop.load(Ordering::Relaxed) {
        return Err(CurateError::Stopped);
    }
    let counted = settings.index.rules == Rules::Ngram && settings.matching.most_documents > 0;
    let documents = match counted {
        true => document_counts::of(inputs, &index, &file, out, options.skip_bad_lines, stop, progress)?,
        false => Vec::new(),
    };
    let filter = Decontaminator::new(index, settings.clone(), documents);
    let filters = [("decontaminate".to_owned(), &filter)];
    let statistics = curate_with(inputs, &filters, out, options, stop, progress)?;
    let mut tally = Tally::default();
    tally.read_outputs(out, |text| filter.named(&filter.hits(text)))?;
    let report = tally.report(&filter.index, file, settings.action.name(), statistics.total.read);
    let path = out.join(CONTAMINATION);
    let bytes = octo_record::to_json(&report).map_err(|error| DataError::file("write", &path, error.into()))?;
    atomic::write(&path, &bytes)?;
    Ok(statistics)
}

/// The index that a stage uses: read, or built anew.
fn index_of(settings: &Settings, source: &Source, out: &Path) -> Result<Index, DataError> {
    match source {
        Source::Index(path) => read_index(path, &settings.index),
        Source::Benchmarks(benchmarks) => {
            let read = benchmarks.iter().map(Benchmark::read).collect::<Result<Vec<_>, _>>()?;
            benchmarks::check_size(&read)?;
            let index = Index::build(settings.index.clone(), read)?;
            for entry in index.benchmarks.iter().filter(|entry| entry.indexed == 0) {
                tracing::warn!(
                    "no document can match benchmark {:?}: {}",
                    entry.name,
                    why_empty(entry, &settings.index)
                );
            }
            // An index of other settings or files would have another name; it is not this stage's.
            index::file::remove_others(out, &index)?;
            Ok(index)
        }
    }
}

fn why_empty(entry: &BenchmarkEntry, settings: &IndexSettings) -> String {
    format!(
        "of its {} rows {} are too short for n = {} and {} have too few words of their own",
        entry.rows, entry.too_short, settings.n, entry.only_boilerplate
    )
}

/// Reads the index at `path` and checks that it was built as `settings` ask.
///
/// # Errors
/// Where it cannot be read or was built otherwise, with what to do.
pub fn read_index(path: &Path, settings: &IndexSettings) -> Result<Index, DataError> {
    let index = Index::read(path)?;
    if index.settings != *settings {
        let message = format!(
            "was built with {}, and the stage has {}; set these keys to what the index has, or build it again from the benchmarks",
            index.settings, settings
        );
        return Err(DataError::Format { path: path.to_path_buf(), message });
    }
    Ok(index)
}

#[cfg(test)]
#[path = "decontaminate/tests.rs"]
mod tests;
