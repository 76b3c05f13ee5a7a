//! Hits by benchmark and row, counted from what the pipeline has written: so a stage that was stopped and resumed, or
//! that several machines did, counts each document once.

use std::collections::BTreeMap;
use std::path::Path;

use octo_data::jsonl::read_documents;
use octo_data::{DataError, record};
use octo_record::layout::{DROPPED, KEPT};
use octo_record::{BenchmarkContamination, Contamination, ContaminationExample, RowContamination};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use super::{CONTAMINATED, FIELD, Hit, Index, Rules};

/// Rows of a benchmark that are listed.
const MOST_ROWS: usize = 1000;
/// Examples of a benchmark.
const EXAMPLES: usize = 20;
/// Characters of a matched text that are shown.
const SHOWN: usize = 500;

/// A hit by names, as a document's field has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct NamedHit {
    benchmark: String,
    row: String,
    score: f64,
    text: String,
}

impl NamedHit {
    pub(super) fn of(index: &Index, hit: &Hit) -> NamedHit {
        let mut text: String = hit.text.chars().take(SHOWN).collect();
        if text.len() < hit.text.len() {
            text.push('…');
        }
        NamedHit {
            benchmark: index.benchmark_of(hit.row).to_owned(),
            row: index.rows[hit.row as usize].name.clone(),
            // Four digits are what a reader compares; more differ in the last bit for no reason.
            score: (hit.score * 10_000.0).round() / 10_000.0,
            text,
        }
    }
}

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    contaminated: u64,
    benchmarks: BTreeMap<String, OfBenchmark>,
}

#[derive(Debug, Default)]
struct OfBenchmark {
    documents: u64,
    rows: BTreeMap<String, u64>,
    /// By a hash of document and row, so that which are chosen depends on no order.
    examples: BTreeMap<(u64, String), ContaminationExample>,
}

impl Tally {
    /// Counts the documents that were kept with a field of hits, and those that were dropped, whose hits `again` finds.
    pub(super) fn read_outputs(&mut self, out: &Path, again: impl Fn(&str) -> Vec<NamedHit>) -> Result<(), DataError> {
        for document in read_all(&out.join(DROPPED))? {
            let document = document?;
            if document.fields.get("reason").is_some_and(|reason| reason == CONTAMINATED) {
                self.add(&document.id, document.url.as_deref(), again(&document.text));
            }
        }
        for document in read_all(&out.join(KEPT))? {
            let document = document?;
            let hits = document.fields.get(FIELD).and_then(|hits| serde_json::from_str(hits).ok());
            if let Some(hits) = hits {
                self.add(&document.id, document.url.as_deref(), hits);
            }
        }
        Ok(())
    }

    fn add(&mut self, id: &str, url: Option<&str>, hits: Vec<NamedHit>) {
        self.contaminated += u64::from(!hits.is_empty());
        let mut counted: Vec<String> = Vec::new();
        for NamedHit { benchmark, row, score, text } in hits {
            let of = self.benchmarks.entry(benchmark.clone()).or_default();
            if !counted.contains(&benchmark) {
                of.documents += 1;
                counted.push(benchmark);
            }
            *of.rows.entry(row.clone()).or_default() += 1;
            let name = format!("{id}\n{row}");
            let example = ContaminationExample { id: id.to_owned(), url: url.map(str::to_owned), row, score, text };
            of.examples.insert((XxHash64::oneshot(0, name.as_bytes()), name), example);
            if of.examples.len() > EXAMPLES {
                of.examples.pop_last();
            }
        }
    }

    /// The record of what was counted, with every benchmark of the index.
    pub(super) fn report(mut self, index: &Index, file: String, action: &str, documents: u64) -> Contamination {
        let rules = match index.settings.rules {
            Rules::Ngram => "ngram",
            Rules::Datatrove => "datatrove",
            Rules::Decon => "decon",
        };
        let benchmarks = index.benchmarks.iter().map(|entry| {
            let of = self.benchmarks.remove(&entry.name).unwrap_or_default();
            let rows_hit = of.rows.len() as u64;
            let mut rows: Vec<RowContamination> =
                of.rows.into_iter().map(|(row, documents)| RowContamination { row, documents }).collect();
            rows.sort_by(|one, other| other.documents.cmp(&one.documents).then_with(|| one.row.cmp(&other.row)));
            rows.truncate(MOST_ROWS);
            let found = BenchmarkContamination {
                rows: entry.rows,
                rows_indexed: entry.indexed,
                rows_hit,
                documents_hit: of.documents,
                rows_by_documents: rows,
                examples: of.examples.into_values().collect(),
            };
            (entry.name.clone(), found)
        });
        let benchmarks = benchmarks.collect();
        Contamination {
            index: file,
            rules: rules.to_owned(),
            action: action.to_owned(),
            documents,
            contaminated: self.contaminated,
            benchmarks,
        }
    }
}

/// The documents of a shard, which may be empty.
fn read_all(path: &Path) -> Result<impl Iterator<Item = Result<record::Document, DataError>>, DataError> {
    read_documents(path)
}
