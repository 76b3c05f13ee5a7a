//! What stages count that send documents through filters: `statistics.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Scores;

/// `statistics.json`: counts over a whole run of the pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Over all documents.
    pub total: Counts,
    /// Lines that are not documents and were skipped because the recipe allows it.
    pub bad_lines: u64,
    /// One entry per filter, in the order they ran.
    pub filters: Vec<FilterStatistics>,
    /// By the documents' source; `(none)` has none, and `(others)` is of all beyond the first thousand.
    pub sources: BTreeMap<String, Counts>,
    /// By the documents' year, of four digits; likewise.
    pub years: BTreeMap<String, Counts>,
    /// Numeric fields that filters added, by name; absent where there are none. Of at most a hundred names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, Scores>,
}

impl Statistics {
    /// The kind of stage that runs filter plugins, as recipes and the lock name it.
    pub const KIND: &str = "curate";
    /// All kinds of stage that write it.
    pub const KINDS: [&str; 6] = [Statistics::KIND, "language", "sample", "annotate", "deduplicate", "decontaminate"];
}

/// What became of a group of documents: `read` is the sum of the other three counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Documents read.
    pub read: u64,
    /// Documents that every filter kept.
    pub kept: u64,
    /// Documents that a filter dropped.
    pub dropped: u64,
    /// Documents that a filter failed on.
    pub failed: u64,
    /// Bytes of UTF-8 text read.
    pub text_bytes_read: u64,
    /// Bytes of UTF-8 text kept, after rewriting.
    pub text_bytes_kept: u64,
}

/// What one filter decided: `seen` is the sum of all other counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterStatistics {
    /// The filter's role in the recipe.
    pub filter: String,
    /// Documents that reached it.
    pub seen: u64,
    /// Documents kept as they were.
    pub kept: u64,
    /// Documents kept with fields added.
    pub annotated: u64,
    /// Documents kept with another text.
    pub rewritten: u64,
    /// Documents dropped, by reason; `(others)` is of all reasons beyond the first thousand.
    pub dropped: BTreeMap<String, u64>,
    /// Documents it failed on, by [`FailureKind`](crate::FailureKind) as a word.
    pub failed: BTreeMap<String, u64>,
}

/// How many tokens a `tokenize` stage made: of its `manifest.json`, which `octo-data` writes, what tells how large the
/// corpus is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TokenCounts {
    /// Over all documents.
    pub total: TokenTotal,
    /// By source and year.
    pub sources: Vec<TokenOrigin>,
}

impl TokenCounts {
    /// The kind of stage that writes them.
    pub const KIND: &str = "tokenize";
    /// The file that has them.
    pub const FILE: &str = "manifest.json";
}

/// Documents and tokens in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TokenTotal {
    /// Documents that have tokens.
    pub documents: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Rows without text.
    pub empty: u64,
    /// Rows that could not be used.
    pub skipped: u64,
}

/// Documents of one source and year.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TokenOrigin {
    /// The year, where the rows have one.
    pub year: Option<u16>,
    /// Documents that have tokens.
    pub documents: u64,
}
