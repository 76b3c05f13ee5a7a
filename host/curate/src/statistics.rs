//! What happened to the documents: the counts of `statistics.json`.

use octo_plugin::Failure;
use octo_plugin::types::{Decision, Document};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Distinct names (reasons of a filter, sources, years) that are counted one by one. A plugin or corpus that makes up
/// more has the rest counted together, under [`OTHERS`], so that statistics stay small whatever comes in.
const MOST_NAMES: usize = 1000;

/// The name that all names beyond [`MOST_NAMES`] are counted under.
const OTHERS: &str = "(others)";

/// The name for documents without a source or year.
const NONE: &str = "(none)";

/// Counts over a whole run of the pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Over all documents.
    pub total: Counts,
    /// Lines that were no documents and were skipped because the options allow it.
    pub bad_lines: u64,
    /// One entry a filter, in the order they ran.
    pub filters: Vec<FilterStatistics>,
    /// By the documents' source.
    pub sources: BTreeMap<String, Counts>,
    /// By the documents' year.
    pub years: BTreeMap<String, Counts>,
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
    /// Documents dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Documents it failed on, by kind of failure.
    pub failed: BTreeMap<String, u64>,
}

/// How a document ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this many bytes of text.
    Kept(u64),
    Dropped,
    Failed,
}

impl Statistics {
    /// Nothing counted yet, for filters of these roles.
    pub(crate) fn new<'a>(filters: impl IntoIterator<Item = &'a str>) -> Statistics {
        Statistics {
            filters: filters
                .into_iter()
                .map(|filter| FilterStatistics { filter: filter.to_string(), ..FilterStatistics::default() })
                .collect(),
            ..Statistics::default()
        }
    }

    /// Counts one document by what it was when read and how it ended.
    pub(crate) fn count(&mut self, origin: &Origin, end: End) {
        self.total.count(origin.text_bytes, end);
        entry(&mut self.sources, &origin.source).count(origin.text_bytes, end);
        entry(&mut self.years, &origin.year).count(origin.text_bytes, end);
    }
}

/// What is counted of a document as it was read; filters may change the rest.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    source: String,
    year: String,
    text_bytes: u64,
}

impl Origin {
    pub(crate) fn of(document: &Document) -> Origin {
        Origin {
            source: if document.source.is_empty() { NONE.to_string() } else { document.source.clone() },
            year: document.year.map_or_else(|| NONE.to_string(), |year| format!("{year:04}")),
            text_bytes: document.text.len() as u64,
        }
    }
}

impl Counts {
    fn count(&mut self, text_bytes: u64, end: End) {
        self.read += 1;
        self.text_bytes_read += text_bytes;
        match end {
            End::Kept(kept) => {
                self.kept += 1;
                self.text_bytes_kept += kept;
            }
            End::Dropped => self.dropped += 1,
            End::Failed => self.failed += 1,
        }
    }
}

impl FilterStatistics {
    /// Counts one decision.
    pub(crate) fn count(&mut self, decision: &Result<Decision, Failure>) {
        self.seen += 1;
        match decision {
            Ok(Decision::Keep) => self.kept += 1,
            Ok(Decision::Annotate(_)) => self.annotated += 1,
            Ok(Decision::Rewrite(_)) => self.rewritten += 1,
            Ok(Decision::Drop(reason)) => {
                let known = self.dropped.contains_key(OTHERS);
                *entry(&mut self.dropped, reason) += 1;
                if !known && self.dropped.contains_key(OTHERS) {
                    tracing::warn!(
                        "filter {} gives more than {MOST_NAMES} reasons to drop; further ones are counted as `{OTHERS}`",
                        self.filter
                    );
                }
            }
            Err(failure) => *entry(&mut self.failed, failure.kind.as_str()) += 1,
        }
    }
}

fn entry<'a, T: Default>(counts: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    let name = if counts.contains_key(name) || counts.len() < MOST_NAMES { name } else { OTHERS };
    counts.entry(name.to_string()).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_most_are_counted_together() {
        let mut statistics = FilterStatistics::default();
        for index in 0..MOST_NAMES + 500 {
            for _ in 0..2 {
                statistics.count(&Ok(Decision::Drop(format!("reason {index}"))));
            }
        }
        assert_eq!(statistics.dropped.len(), MOST_NAMES + 1);
        assert_eq!(statistics.dropped[OTHERS], 1000);
        assert_eq!(statistics.dropped.values().sum::<u64>(), statistics.seen);
    }
}
