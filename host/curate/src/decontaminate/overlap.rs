//! A document is marked by a passage that has most of a row: a scorer in the manner of allenai/decon 0.3.0.
//!
//! 1. Every tenth gram of the document is looked up. A row that has it is followed from there to both sides, gram by
//!    gram, until so many in a row are missing.
//! 2. The grams of the question that were found weigh ln(1 + rows / rows that have them), as a share of the weight of all
//!    grams of the question. So does the passage, within its own length of the question; a long answer likewise, and a
//!    short one counts where its tokens stand near the question, one after the other.
//! 3. The score is the mean of these by decon's weights: 0.7, 0.2 and 0.1 for question, answer and passage; 0.75 and 0.25
//!    without a passage; 0.85 and 0.15 without an answer.
//! 4. A row of up to 20 tokens needs a score of 1, one of 50 or more the threshold, and between them what lies between.
//!
//! Other than in decon, tokens are [words](super::words), a short question hands none of its weight to the answer, and a
//! gram that very many rows have starts nothing, though it counts once a passage is followed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::hits::{Hit, MOST_ROWS_OF_A_GRAM, Matching};
use super::index::Index;
use super::words::{Token, gram, tokens};

/// Tokens of a row up to which the match must be exact, and from which the threshold is enough.
const EXACT: f64 = 20.0;
const LONG: f64 = 50.0;
/// Tokens within which an answer must stand, and those within which a passage must, at least.
const ANSWER_WITHIN: usize = 50;
const PASSAGE_WITHIN: usize = 100;
/// Grams of an answer from which its overlap counts instead of its exact tokens.
const LONG_ANSWER: usize = 10;
/// What rounding may take off a score.
const ROUNDING: f64 = 1e-9;

/// A passage of the document that follows a row.
struct Followed {
    /// The first and the last gram of it, by place.
    first: usize,
    last: usize,
    /// Grams of the question that it has.
    slots: BTreeSet<u32>,
}

/// The grams of a document, looked up once each.
struct Grams<'a> {
    index: &'a Index,
    tokens: &'a [Token],
    count: usize,
    known: HashMap<usize, Option<u32>>,
}

impl Grams<'_> {
    fn slot(&mut self, at: usize) -> Option<u32> {
        let (index, tokens) = (self.index, self.tokens);
        let look = || index.slot(gram(tokens[at..at + index.settings.n].iter().map(|token| token.hash)));
        *self.known.entry(at).or_insert_with(look)
    }

    fn slot_of(&mut self, at: usize, row: u32) -> Option<u32> {
        self.slot(at).filter(|slot| self.index.rows_of(*slot).binary_search(&row).is_ok())
    }

    fn follow(&mut self, row: u32, from: usize, most_misses: usize) -> Followed {
        let mut found = Followed { first: from, last: from, slots: BTreeSet::new() };
        let mut misses = 0;
        for at in (0..from).rev() {
            match self.slot_of(at, row) {
                Some(slot) => {
                    found.slots.insert(slot);
                    (found.first, misses) = (at, 0);
                }
                None => misses += 1,
            }
            if misses > most_misses {
                break;
            }
        }
        misses = 0;
        for at in from..self.count {
            match self.slot_of(at, row) {
                Some(slot) => {
                    found.slots.insert(slot);
                    (found.last, misses) = (at, 0);
                }
                None => misses += 1,
            }
            if misses > most_misses {
                break;
            }
        }
        found
    }
}

/// The rows of which `text` has a passage.
pub(super) fn hits(index: &Index, matching: &Matching, text: &str) -> Vec<Hit> {
    let n = index.settings.n;
    let tokens = tokens(text);
    let Some(count) = (tokens.len() + 1).checked_sub(n).filter(|count| *count > 0) else { return Vec::new() };
    let mut best: BTreeMap<u32, Hit> = BTreeMap::new();
    // Where the passage ends that was followed last for a row: what lies before it is not followed again.
    let mut done: HashMap<u32, usize> = HashMap::new();
    let mut grams = Grams { index, tokens: &tokens, count, known: HashMap::new() };
    for at in (0..count).step_by(matching.sample_every.max(1)) {
        let Some(slot) = index.slot(gram(tokens[at..at + n].iter().map(|token| token.hash))) else { continue };
        let rows = index.rows_of(slot);
        if rows.len() > MOST_ROWS_OF_A_GRAM {
            continue;
        }
        for row in rows {
            if done.get(row).is_some_and(|last| *last >= at) {
                continue;
            }
            let followed = grams.follow(*row, at, matching.most_misses);
            done.insert(*row, followed.last);
            let Some(score) = score(index, matching, &tokens, *row, &followed) else { continue };
            let place = tokens[followed.first].start as usize..tokens[followed.last + n - 1].end as usize;
            match best.get_mut(row) {
                Some(hit) => {
                    if score > hit.score {
                        (hit.score, hit.text) = (score, text[place.clone()].to_owned());
                    }
                    hit.places.push(place);
                }
                None => {
                    let text = text[place.clone()].to_owned();
                    best.insert(*row, Hit { row: *row, score, text, places: vec![place] });
                }
            }
        }
    }
    best.into_values().collect()
}

/// The score of a passage; None where it is not enough.
fn score(index: &Index, matching: &Matching, tokens: &[Token], row: u32, followed: &Followed) -> Option<f64> {
    let of_row = &index.rows[row as usize];
    let needed = needed(matching.threshold, of_row.length);
    let weight: f64 = followed.slots.iter().map(|slot| index.weight(*slot)).sum();
    let question = weight / index.weight_of_row(row);
    let n = index.settings.n;
    let (first, end) = (followed.first, followed.last + n);
    let around = |within: usize| &tokens[first.saturating_sub(within)..tokens.len().min(end.saturating_add(within))];
    let passage = (!of_row.passage.is_empty())
        .then(|| share(index, &of_row.passage, around(PASSAGE_WITHIN.max(2 * (of_row.passage.len() + n)))));
    let answer = (matching.need_answer && !of_row.labels.is_empty()).then(|| {
        let of_label = |label: &Vec<u64>| {
            let near = around(ANSWER_WITHIN.max(2 * label.len()));
            if label.len() < LONG_ANSWER {
                let stands =
                    near.windows(label.len()).any(|part| part.iter().map(|token| token.hash).eq(label.iter().copied()));
                return f64::from(u8::from(stands));
            }
            let parts: BTreeSet<u64> = label.windows(n).map(|part| gram(part.iter().copied())).collect();
            share(index, &parts.into_iter().collect::<Vec<_>>(), near)
        };
        of_row.labels.iter().map(of_label).fold(0.0, f64::max)
    });
    let score = match (answer, passage) {
        (Some(answer), Some(passage)) => 0.7 * question + 0.2 * answer + 0.1 * passage,
        (Some(answer), None) => 0.75 * question + 0.25 * answer,
        (None, Some(passage)) => 0.85 * question + 0.15 * passage,
        (None, None) => question,
    };
    let answered = answer.is_none_or(|answer| answer > 0.0);
    (answered && score + ROUNDING >= needed).then_some(score.min(1.0))
}

/// The score that a row of so many tokens needs.
fn needed(threshold: f64, length: u32) -> f64 {
    let along = ((f64::from(length) - EXACT) / (LONG - EXACT)).clamp(0.0, 1.0);
    1.0 + (threshold - 1.0) * along
}

/// The weight of those of `grams`, sorted, that stand in `near`, of the weight of all.
fn share(index: &Index, grams: &[u64], near: &[Token]) -> f64 {
    let there: BTreeSet<u64> = super::words::grams(near, index.settings.n).collect();
    let weight = |gram: &&u64| index.weight_in_answers(**gram);
    let all: f64 = grams.iter().map(|gram| weight(&gram)).sum();
    let found: f64 = grams.iter().filter(|gram| there.contains(gram)).map(|gram| weight(&gram)).sum();
    if all > 0.0 { found / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    #[test]
    fn short_rows_need_an_exact_match() {
        let needed: Vec<f64> = [0, 20, 35, 50, 900].iter().map(|length| super::needed(0.8, *length)).collect();
        assert_eq!(needed, [1.0, 1.0, 0.9, 0.8, 0.8]);
    }
}
