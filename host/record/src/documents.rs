//! What stages of documents leave for people to look at: the distribution of scores, and documents to read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often a numeric field that filters added has which value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Documents by value: under `n` are those from `n` times [`Scores::WIDTH`] to the next.
    pub counts: BTreeMap<i32, u64>,
    /// Documents whose value lies farther from 0 than [`Scores::MOST`].
    pub beyond: u64,
}

impl Scores {
    /// What the values of one count have in common, at most.
    pub const WIDTH: f64 = 0.05;
    /// The largest value, up or down, that is counted by itself.
    pub const MOST: f64 = 100.0;

    /// Counts one value.
    pub fn count(&mut self, value: f64) {
        if value.abs() <= Scores::MOST {
            // A value such as 0.15 is written in decimals and lies on a border: it belongs above it, as exact
            // arithmetic has it.
            let place = (value / Scores::WIDTH + 1e-9).floor();
            *self.counts.entry(place as i32).or_default() += 1;
        } else {
            self.beyond += 1;
        }
    }

    /// Adds the counts of other documents.
    pub fn add(&mut self, other: &Scores) {
        for (value, count) in &other.counts {
            *self.counts.entry(*value).or_default() += count;
        }
        self.beyond += other.beyond;
    }
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It was kept.
    Kept,
    /// It was dropped, for a reason.
    Dropped,
    /// A filter failed on it.
    Failed,
}

/// A line of [`EXAMPLES`](crate::layout::EXAMPLES): a document to read, chosen by a hash of it, so that the
/// choice depends on the documents alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentExample {
    /// What became of it.
    pub became: Became,
    /// The filter that dropped it or failed on it; absent for one that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why; absent for one that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its id.
    pub id: String,
    /// Where it comes from; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its year; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// The beginning of its text.
    pub text: String,
    /// Whether the text goes on.
    pub cut: bool,
    /// Its fields, of which long values are cut.
    pub fields: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_from_its_border_on() {
        let mut scores = Scores::default();
        for value in [0.0, 0.049, 0.05, 0.15, 0.4, 3.0, 4.99, -0.01, 101.0, f64::NAN] {
            scores.count(value);
        }
        let expected = [(-1, 1), (0, 2), (1, 1), (3, 1), (8, 1), (60, 1), (99, 1)];
        assert_eq!(scores, Scores { counts: BTreeMap::from(expected), beyond: 2 });
        let twice = scores.clone();
        scores.add(&twice);
        assert_eq!((scores.counts[&0], scores.beyond), (4, 4));
    }
}
