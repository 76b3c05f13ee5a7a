//! What a `decontaminate` stage found of benchmarks in a corpus: `contamination.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `contamination.json`: documents that have rows of benchmarks in them, by benchmark.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contamination {
    /// The file of the index, whose name has its digest.
    pub index: String,
    /// How documents and rows were compared: `ngram`, `datatrove` or `decon`.
    pub rules: String,
    /// What was done with documents that match: `report`, `remove` or `cut`.
    pub action: String,
    /// Documents read.
    pub documents: u64,
    /// Documents that match a row of any benchmark.
    pub contaminated: u64,
    /// By the benchmark's name.
    pub benchmarks: BTreeMap<String, BenchmarkContamination>,
}

impl Contamination {
    /// The kind of stage that writes it, as recipes and the lock name it.
    pub const KIND: &str = "decontaminate";
}

/// What was found of one benchmark.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkContamination {
    /// Rows that it has.
    pub rows: u64,
    /// Rows that a document can match; the others are too short or consist of boilerplate and formulas alone.
    pub rows_indexed: u64,
    /// Rows that a document matches.
    pub rows_hit: u64,
    /// Documents that match a row.
    pub documents_hit: u64,
    /// Documents by row, of the thousand rows that most documents match.
    pub rows_by_documents: Vec<RowContamination>,
    /// Some of the documents, to read: they are chosen by a hash of document and row.
    pub examples: Vec<ContaminationExample>,
}

/// How often one row of a benchmark was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowContamination {
    /// The row's id, or FILE:ROW.
    pub row: String,
    /// Documents that match it.
    pub documents: u64,
}

/// A document that matches a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContaminationExample {
    /// The document's id.
    pub id: String,
    /// Where it was found; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// The row's id, or FILE:ROW.
    pub row: String,
    /// The share of the row that the document has, from 0 to 1.
    pub score: f64,
    /// The longest piece of the document that the row has, shortened.
    pub text: String,
}
