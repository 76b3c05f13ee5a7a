//! A document is marked by a gram that it shares with a row: GPT-3's rule, and datatrove's.

use std::collections::BTreeMap;
use std::ops::Range;

use super::datatrove;
use super::hits::{Hit, MOST_ROWS_OF_A_GRAM, Matching, longest};
use super::index::{Index, Rules};
use super::words::{grams, tokens};

/// The share of a row's grams from which a document has the row itself, however many other documents have its grams too.
const ROW_ITSELF: f64 = 0.5;

/// What was found of one row.
#[derive(Default)]
struct FoundRow {
    /// Grams of it, each once.
    slots: Vec<u32>,
    /// Runs of grams that follow one another, each the first and the last.
    runs: Vec<(usize, usize)>,
}

/// The slots of the index that a text has, each with its place among the text's grams.
fn slots(index: &Index, grams: impl Iterator<Item = u64>) -> Vec<(usize, u32)> {
    grams.enumerate().filter_map(|(at, gram)| Some((at, index.slot(gram)?))).collect()
}

/// The distinct grams of the index that `text` has, for counting how many documents have each.
pub(super) fn slots_of(index: &Index, text: &str) -> Vec<u32> {
    let n = index.settings.n;
    let mut found: Vec<u32> = slots(index, grams(&tokens(text), n)).into_iter().map(|(_, slot)| slot).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The rows that share grams with `text`.
pub(super) fn hits(index: &Index, matching: &Matching, documents: &[u32], text: &str) -> Vec<Hit> {
    let n = index.settings.n;
    if index.settings.rules == Rules::Datatrove {
        let words = datatrove::words(text);
        let found = slots(index, datatrove::grams(&words, n));
        return by_row(index, &found)
            .into_iter()
            .filter_map(|(row, found)| {
                let score = score(index, row, &found)?;
                let longest = found
                    .runs
                    .iter()
                    .map(|(first, last)| *first..*last + n)
                    .max_by_key(|run| (run.len(), std::cmp::Reverse(run.start)))?;
                let text = words.run(longest).to_owned();
                (score >= matching.threshold).then_some(Hit { row, score, text, places: Vec::new() })
            })
            .collect();
    }
    let tokens = tokens(text);
    let found = slots(index, grams(&tokens, n));
    let is_common = |slot: &u32| {
        matching.most_documents > 0
            && documents.get(*slot as usize).is_some_and(|count| *count > matching.most_documents)
    };
    by_row(index, &found)
        .into_iter()
        .filter_map(|(row, found)| {
            let score = score(index, row, &found)?;
            let tells = score >= ROW_ITSELF || !found.slots.iter().all(is_common);
            if !tells || score < matching.threshold {
                return None;
            }
            let place =
                |(first, last): &(usize, usize)| tokens[*first].start as usize..tokens[*last + n - 1].end as usize;
            let places: Vec<Range<usize>> = found.runs.iter().map(place).collect();
            Some(Hit { row, score, text: text[longest(&places)].to_owned(), places })
        })
        .collect()
}

fn by_row(index: &Index, found: &[(usize, u32)]) -> BTreeMap<u32, FoundRow> {
    let mut rows: BTreeMap<u32, FoundRow> = BTreeMap::new();
    for (at, slot) in found {
        for row in index.rows_of(*slot).iter().take(MOST_ROWS_OF_A_GRAM) {
            let found = rows.entry(*row).or_default();
            found.slots.push(*slot);
            match found.runs.last_mut() {
                Some((_, last)) if *last + 1 == *at => *last = *at,
                _ => found.runs.push((*at, *at)),
            }
        }
    }
    for found in rows.values_mut() {
        found.slots.sort_unstable();
        found.slots.dedup();
    }
    rows
}

fn score(index: &Index, row: u32, found: &FoundRow) -> Option<f64> {
    let of_row = index.rows.get(row as usize)?.grams;
    Some(found.slots.len() as f64 / f64::from(of_row.max(1)))
}
