//! Counts what happened to the documents, for `statistics.json`.

use octo_plugin::Failure;
use octo_plugin::types::{Decision, Document, Field};
use octo_record::{Counts, FilterStatistics, Scores, Statistics};
use std::collections::BTreeMap;

/// Distinct names (reasons of a filter, sources, years) that are counted one by one. A plugin or corpus that makes up
/// more has the rest counted together, under [`OTHERS`], so that statistics stay small whatever comes in.
const MOST_NAMES: usize = 1000;

/// Numeric fields that are counted.
const MOST_SCORES: usize = 100;

/// The name that all names beyond [`MOST_NAMES`] are counted under.
const OTHERS: &str = "(others)";

/// The name for documents without a source or year.
const NONE: &str = "(none)";

/// How a document ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this many bytes of text.
    Kept(u64),
    Dropped,
    Failed,
}

/// Nothing counted yet, for filters of these roles.
pub(crate) fn nothing_counted<'a>(filters: impl IntoIterator<Item = &'a str>) -> Statistics {
    let named = |filter: &str| FilterStatistics { filter: filter.to_string(), ..FilterStatistics::default() };
    Statistics { filters: filters.into_iter().map(named).collect(), ..Statistics::default() }
}

/// Counts one document by what it was when read and how it ended.
pub(crate) fn count_document(statistics: &mut Statistics, origin: &Origin, end: End) {
    count_end(&mut statistics.total, origin.text_bytes, end);
    count_end(entry(&mut statistics.sources, &origin.source), origin.text_bytes, end);
    count_end(entry(&mut statistics.years, &origin.year), origin.text_bytes, end);
}

/// Adds what another part of the work counted, whose filters are the same.
pub(crate) fn add(total: &mut Statistics, other: Statistics) {
    add_counts(&mut total.total, &other.total);
    total.bad_lines += other.bad_lines;
    for (total, other) in total.filters.iter_mut().zip(other.filters) {
        total.seen += other.seen;
        total.kept += other.kept;
        total.annotated += other.annotated;
        total.rewritten += other.rewritten;
        other.dropped.iter().for_each(|(reason, count)| *entry(&mut total.dropped, reason) += count);
        other.failed.iter().for_each(|(kind, count)| *entry(&mut total.failed, kind) += count);
    }
    other.sources.iter().for_each(|(source, counts)| add_counts(entry(&mut total.sources, source), counts));
    other.years.iter().for_each(|(year, counts)| add_counts(entry(&mut total.years, year), counts));
    for (field, scores) in &other.scores {
        if let Some(total) = scores_of(&mut total.scores, field) {
            total.add(scores);
        }
    }
}

fn add_counts(total: &mut Counts, other: &Counts) {
    total.read += other.read;
    total.kept += other.kept;
    total.dropped += other.dropped;
    total.failed += other.failed;
    total.text_bytes_read += other.text_bytes_read;
    total.text_bytes_kept += other.text_bytes_kept;
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

fn count_end(counts: &mut Counts, text_bytes: u64, end: End) {
    counts.read += 1;
    counts.text_bytes_read += text_bytes;
    match end {
        End::Kept(kept) => {
            counts.kept += 1;
            counts.text_bytes_kept += kept;
        }
        End::Dropped => counts.dropped += 1,
        End::Failed => counts.failed += 1,
    }
}

/// Counts the numbers among the fields that a filter adds. A field of any other value is none of a score's.
pub(crate) fn count_scores(scores: &mut BTreeMap<String, Scores>, fields: &[Field]) {
    for Field { name, value } in fields {
        let Some(number) = value.parse().ok().filter(|number: &f64| number.is_finite()) else { continue };
        if let Some(scores) = scores_of(scores, name) {
            scores.count(number);
        }
    }
}

/// The counts of a field; none of those beyond the most, which are the last by name, so that which these are does not
/// depend on the order of documents.
fn scores_of<'a>(scores: &'a mut BTreeMap<String, Scores>, field: &str) -> Option<&'a mut Scores> {
    if !scores.contains_key(field) && scores.len() >= MOST_SCORES {
        if scores.last_key_value().is_some_and(|(last, _)| last.as_str() < field) {
            return None;
        }
        scores.pop_last();
    }
    Some(scores.entry(field.to_owned()).or_default())
}

/// Counts one decision of a filter.
pub(crate) fn count_decision(counts: &mut FilterStatistics, decision: &Result<Decision, Failure>) {
    counts.seen += 1;
    match decision {
        Ok(Decision::Keep) => counts.kept += 1,
        Ok(Decision::Annotate(_)) => counts.annotated += 1,
        Ok(Decision::Rewrite(_)) => counts.rewritten += 1,
        Ok(Decision::Drop(reason)) => {
            let known = counts.dropped.contains_key(OTHERS);
            *entry(&mut counts.dropped, reason) += 1;
            if !known && counts.dropped.contains_key(OTHERS) {
                tracing::warn!(
                    "filter {} gives more than {MOST_NAMES} reasons to drop; further ones are counted as `{OTHERS}`",
                    counts.filter
                );
            }
        }
        Err(failure) => *entry(&mut counts.failed, failure.kind.as_str()) += 1,
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
                count_decision(&mut statistics, &Ok(Decision::Drop(format!("reason {index}"))));
            }
        }
        assert_eq!(statistics.dropped.len(), MOST_NAMES + 1);
        assert_eq!(statistics.dropped[OTHERS], 1000);
        assert_eq!(statistics.dropped.values().sum::<u64>(), statistics.seen);
    }

    #[test]
    fn numbers_among_fields_are_scores_of_at_most_a_hundred_names() {
        let field = |name: &str, value: &str| Field { name: name.to_owned(), value: value.to_owned() };
        let mut scores = BTreeMap::new();
        count_scores(
            &mut scores,
            &[field("math_score", "3"), field("language", "en"), field("p", "0.95"), field("x", "nan")],
        );
        count_scores(&mut scores, &[field("math_score", "3.5")]);
        assert_eq!(scores.keys().collect::<Vec<_>>(), ["math_score", "p"]);
        assert_eq!(scores["math_score"].counts, BTreeMap::from([(60, 1), (70, 1)]));
        for number in (0..200).rev() {
            count_scores(&mut scores, &[field(&format!("a{number:03}"), "1")]);
        }
        assert_eq!((scores.len(), scores.last_key_value().unwrap().0.as_str()), (MOST_SCORES, "a099"));
        count_scores(&mut scores, &[field("a150", "1")]);
        assert_eq!(scores.last_key_value().unwrap().0, "a099");
    }

    #[test]
    fn parts_add_up_to_the_whole_and_to_as_many_names() {
        let mut whole = nothing_counted(["f"]);
        let mut added = nothing_counted(["f"]);
        for part in 0..3 {
            let mut one = nothing_counted(["f"]);
            for index in 0..MOST_NAMES {
                let source = format!("{}", index + part * 400);
                let origin = Origin { source, year: format!("{}", 2000 + index % 2), text_bytes: 3 };
                let end = [End::Kept(2), End::Dropped, End::Failed][index % 3];
                let decision = match end {
                    End::Kept(_) => Ok(Decision::Keep),
                    _ => Ok(Decision::Drop(format!("reason {index} of {part}"))),
                };
                for statistics in [&mut whole, &mut one] {
                    count_document(statistics, &origin, end);
                    count_decision(&mut statistics.filters[0], &decision);
                }
            }
            add(&mut added, one);
        }
        assert_eq!((added.total, &added.years), (whole.total, &whole.years));
        assert_eq!(added.filters[0].seen, 3000);
        assert_eq!(added.filters[0].dropped.values().sum::<u64>(), whole.filters[0].dropped.values().sum::<u64>());
        assert_eq!(added.filters[0].dropped.len(), MOST_NAMES + 1);
        assert_eq!(added.sources.len(), MOST_NAMES + 1);
        assert_eq!(added.sources.values().map(|counts| counts.read).sum::<u64>(), 3000);
        assert_eq!(added.sources["999"].read, 3);
    }

    #[test]
    fn every_kind_of_failure_is_one_that_records_know() {
        for kind in octo_plugin::FailureKind::ALL {
            assert_eq!(kind.as_str().parse().map(octo_record::FailureKind::as_str), Ok(kind.as_str()));
        }
        assert_eq!(octo_record::FailureKind::ALL.len(), octo_plugin::FailureKind::ALL.len());
    }
}
