//! What a document shares with a benchmark's row, and how a text is compared with an index.

use std::ops::Range;

use super::index::{Index, Rules};
use super::{overlap, shared_grams};

/// Rows of a gram that are looked at; a gram that more rows have says little of each.
pub(super) const MOST_ROWS_OF_A_GRAM: usize = 256;

/// What decides besides the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    /// Under [`Rules::Decon`] the weighed overlap of a long row that marks a document; else the share of a row's grams,
    /// where 0 means that any gram does.
    pub threshold: f64,
    /// Under [`Rules::Ngram`]: a gram that more documents have counts only where the document has half of the row's
    /// grams. 0 where documents are not counted.
    pub most_documents: u32,
    /// Under [`Rules::Decon`]: a gram is looked up at every so many tokens.
    pub sample_every: usize,
    /// Under [`Rules::Decon`]: grams in a row that may be missing inside a passage.
    pub most_misses: usize,
    /// Under [`Rules::Decon`]: whether a row with an answer counts only where the answer stands near the question.
    pub need_answer: bool,
}

impl Matching {
    /// What is usual under `rules`: GPT-3's 10 documents; decon's threshold of 0.8, 10 tokens and 11 misses.
    pub fn of(rules: Rules) -> Matching {
        Matching {
            threshold: if rules == Rules::Decon { 0.8 } else { 0.0 },
            most_documents: if rules == Rules::Ngram { 10 } else { 0 },
            sample_every: 10,
            most_misses: 11,
            need_answer: true,
        }
    }
}

/// A row that a document matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its place in the index.
    pub row: u32,
    /// The share of the row that the document has, from 0 to 1.
    pub score: f64,
    /// The longest piece of the document that the row has: as it stands there, or under [`Rules::Datatrove`] as
    /// datatrove normalises it.
    pub text: String,
    /// The bytes of all such pieces in the document; empty under [`Rules::Datatrove`].
    pub places: Vec<Range<usize>>,
}

/// The rows that `text` matches, the highest score first. `documents` has, for each gram of the index, how many documents
/// of the corpus have it; it is empty where that is not known.
pub fn hits(index: &Index, matching: &Matching, documents: &[u32], text: &str) -> Vec<Hit> {
    let mut found = match index.settings.rules {
        Rules::Decon => overlap::hits(index, matching, text),
        Rules::Ngram | Rules::Datatrove => shared_grams::hits(index, matching, documents, text),
    };
    found.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.row.cmp(&other.row)));
    found
}

/// The longest of `places`, the first of several.
pub(super) fn longest(places: &[Range<usize>]) -> Range<usize> {
    let mut best = 0..0;
    for place in places {
        if place.len() > best.len() {
            best = place.clone();
        }
    }
    best
}
