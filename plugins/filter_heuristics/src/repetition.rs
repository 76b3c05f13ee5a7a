//! How much of a page occurred on it before: lines, paragraphs and phrases (Gopher, appendix A.1.1, table A1).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::page::{Words, hash, mix};

/// Pieces that occurred before, as shares.
pub struct Duplicates {
    /// Their share of all pieces.
    pub pieces: f64,
    /// Their share of all pieces' characters.
    pub characters: f64,
}

/// How many pieces occurred before; blank ones do not count, nor does white space around them.
pub fn duplicates<'a>(pieces: impl Iterator<Item = &'a str>) -> Duplicates {
    let mut seen = HashSet::with_hasher(BuildHasherDefault::<AlreadyHashed>::default());
    let (mut all, mut again, mut all_characters, mut again_characters) = (0_u64, 0_u64, 0_u64, 0_u64);
    for piece in pieces.map(str::trim).filter(|piece| !piece.is_empty()) {
        let characters = piece.chars().count() as u64;
        all += 1;
        all_characters += characters;
        if !seen.insert(hash(piece)) {
            again += 1;
            again_characters += characters;
        }
    }
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    Duplicates { pieces: share(again, all), characters: share(again_characters, all_characters) }
}

/// Pieces that are copies of earlier ones, as datatrove counts them: blank ones too, with the white space around them.
pub struct Copies {
    all: u64,
    again: u64,
    /// Characters of the copies.
    pub characters: u64,
}

impl Copies {
    /// Copies as a share of all pieces.
    pub fn share(&self) -> f64 {
        if self.all == 0 { 0.0 } else { self.again as f64 / self.all as f64 }
    }
}

/// Counts the copies among pieces.
pub fn copies<'a>(pieces: impl Iterator<Item = &'a str>) -> Copies {
    let mut seen = HashSet::with_hasher(BuildHasherDefault::<AlreadyHashed>::default());
    let mut copies = Copies { all: 0, again: 0, characters: 0 };
    for piece in pieces {
        copies.all += 1;
        if !seen.insert(hash(piece)) {
            copies.again += 1;
            copies.characters += piece.chars().count() as u64;
        }
    }
    copies
}

/// How much of a page the phrases of one length repeat, as datatrove counts it, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Joined {
    /// All occurrences of the most frequent phrase, its words joined by blanks; of equally frequent ones, the one that
    /// comes first. It counts even where it occurs once.
    pub top: u64,
    /// Phrases that occurred before, without blanks. After one of them, counting resumes at the word after it, and what
    /// begins within it is no earlier occurrence of anything.
    pub again: u64,
}

/// How much of a page the phrases of one length repeat, as shares of the characters of all its words.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Repeated {
    /// All occurrences of the most frequent phrase. A phrase that occurs once does not count; of equally frequent ones the
    /// longest counts.
    pub top: f64,
    /// Words within a phrase that occurred before, each word counted once.
    pub before: f64,
}

/// The phrases that occur more than once, from two words upwards.
///
/// A phrase can only occur twice if its start, one word shorter, does. So each length looks only at what is left of the
/// one before, which is a small part of ordinary text: all nine lengths cost little more than the first.
pub struct Phrases<'w> {
    words: &'w Words,
    /// Words of the phrases below.
    length: usize,
    /// Index of the first word, and hash, of each phrase that may occur more than once; in order.
    candidates: Vec<(usize, u64)>,
    /// Characters of all words before each index.
    before: Vec<u64>,
    table: Table,
}

impl<'w> Phrases<'w> {
    /// The phrases of length 1, where every word is a candidate.
    pub fn of(words: &'w Words) -> Self {
        let mut characters = 0;
        let mut before = Vec::with_capacity(words.list.len() + 1);
        before.push(0);
        before.extend(words.list.iter().map(|(_, count)| {
            characters += u64::from(*count);
            characters
        }));
        let candidates = words.list.iter().enumerate().map(|(index, (hash, _))| (index, *hash)).collect();
        Phrases { words, length: 1, candidates, before, table: Table::default() }
    }

    /// Makes the phrases one word longer; those that reach over the end go.
    fn grow(&mut self) {
        self.length += 1;
        let (length, list) = (self.length, &self.words.list);
        self.candidates.retain_mut(|(start, phrase)| match list.get(*start + length - 1) {
            Some((word, _)) => {
                // The product keeps the order of the words: an exclusive or alone would not. The words' own hashes are
                // mixed already.
                *phrase = phrase.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ word;
                true
            }
            None => false,
        });
    }

    /// Makes the phrases one word longer and says how much of the page they repeat by datatrove's rules. Words that
    /// differ and make up the same letters without blanks ("a bc", "ab c") are two phrases here, and one there.
    pub fn lengthen_joined(&mut self) -> Joined {
        self.grow();
        let length = self.length;
        self.table.count(&self.candidates);
        let mut top = (u64::from(self.words.list.len() >= length), 0);
        let (mut again, mut counted) = (0, 0);
        let Table { entries, places } = &mut self.table;
        let sums = &self.before;
        let mut next = places.iter();
        self.candidates.retain(|&(start, _)| {
            let Some(entry) = next.next().and_then(|place| entries.get_mut(*place as usize)) else { return false };
            let count = (*entry & !TAG) / ONCE;
            if count < 2 {
                return false;
            }
            if count > top.0 {
                top = (count, start);
            }
            if start >= counted {
                if *entry & OCCURRED != 0 {
                    again += before(sums, start + length) - before(sums, start);
                    counted = start + length;
                }
                *entry |= OCCURRED;
            }
            true
        });
        let joined = self.characters(top.1, top.1 + length) + length as u64 - 1;
        Joined { top: top.0 * joined, again }
    }

    /// Makes the phrases one word longer and says how much of the page they repeat.
    pub fn lengthen(&mut self) -> Repeated {
        self.grow();
        let length = self.length;
        let mut counts =
            HashMap::with_capacity_and_hasher(self.candidates.len(), BuildHasherDefault::<AlreadyHashed>::default());
        let mut top = (1_u64, 0_u64);
        let mut repeated = 0;
        // Words before this index are counted already.
        let mut counted = 0;
        for &(start, phrase) in &self.candidates {
            let count: &mut u64 = counts.entry(phrase).or_default();
            *count += 1;
            if *count > 1 {
                top = top.max((*count, self.characters(start, start + length)));
                repeated += self.characters(counted.max(start), start + length);
                counted = start + length;
            }
        }
        self.candidates.retain(|(_, phrase)| counts.get(phrase).is_some_and(|count| *count > 1));
        // Occurrences of one phrase may overlap ("ha ha ha"), and then sum to more than the page.
        let share = |part: u64| if part == 0 { 0.0 } else { (part as f64 / self.words.characters as f64).min(1.0) };
        Repeated { top: share(top.0 * top.1), before: share(repeated) }
    }

    fn characters(&self, start: usize, end: usize) -> u64 {
        before(&self.before, end) - before(&self.before, start)
    }
}

/// Characters of all words before one; of all words, past the last.
fn before(sums: &[u64], index: usize) -> u64 {
    sums.get(index).or(sums.last()).copied().unwrap_or(0)
}

/// How often each phrase of one length occurs. Each candidate keeps its place, so that it is looked up once.
///
/// An entry is a word of 64 bits, since a page's table should stay in the processor's nearest cache: the upper half of the
/// phrase's hash, then how often it occurs, then whether it occurred where it counts; 0 where it is free. The lower half
/// of the hash is the place, so of two phrases that a page has, one in about 1e13 pairs is taken for another.
#[derive(Default)]
struct Table {
    entries: Vec<u64>,
    /// Place of each candidate's entry.
    places: Vec<u32>,
}

const OCCURRED: u64 = 1;
const ONCE: u64 = 2;
const TAG: u64 = 0xffff_ffff_0000_0000;

impl Table {
    fn count(&mut self, candidates: &[(usize, u64)]) {
        let size = (candidates.len() * 2).next_power_of_two();
        self.entries.clear();
        self.entries.resize(size, 0);
        self.places.clear();
        self.places.reserve(candidates.len());
        for (_, phrase) in candidates {
            let mut place = *phrase as usize & (size - 1);
            while let Some(entry) = self.entries.get_mut(place) {
                if *entry == 0 {
                    *entry = phrase & TAG;
                }
                if *entry & TAG == phrase & TAG {
                    *entry += ONCE;
                    break;
                }
                place = (place + 1) & (size - 1);
            }
            self.places.push(place as u32);
        }
    }
}

/// The keys are hashes already, and a second one would cost more than the rest.
#[derive(Default)]
pub struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the phrases of `length` words repeat.
    fn repeated(text: &str, length: usize) -> Repeated {
        let words = Words::of(text);
        let mut phrases = Phrases::of(&words);
        (1..length).map(|_| phrases.lengthen()).last().expect("two words or more")
    }

    /// The definitions themselves, without the ladder of lengths.
    fn by_definition(text: &str, length: usize) -> Repeated {
        let words: Vec<&str> = text.split_whitespace().collect();
        let characters = |words: &[&str]| words.iter().map(|word| word.len()).sum::<usize>();
        let phrases: Vec<&[&str]> = words.windows(length).collect();
        let top = phrases
            .iter()
            .map(|phrase| (phrases.iter().filter(|other| other == &phrase).count(), characters(phrase)))
            .filter(|(count, _)| *count > 1)
            .max()
            .map_or(0, |(count, characters)| count * characters);
        let mut within = vec![false; words.len()];
        for (index, phrase) in phrases.iter().enumerate() {
            if phrases[..index].contains(phrase) {
                within[index..index + length].fill(true);
            }
        }
        let before: usize = words.iter().zip(within).filter(|(_, within)| *within).map(|(word, _)| word.len()).sum();
        let all = characters(&words).max(1) as f64;
        Repeated { top: (top as f64 / all).min(1.0), before: before as f64 / all }
    }

    #[test]
    fn the_ladder_of_lengths_agrees_with_the_definitions() {
        let mut state = 1_u64;
        let mut repeating = 0;
        for size in (0..400).map(|index| index % 90) {
            let text: Vec<&str> = (0..size)
                .map(|_| {
                    state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
                    ["a", "bb", "ccc", "dddd"][(state >> 40) as usize % (2 + size % 3)]
                })
                .collect();
            let text = text.join(" ");
            for length in 2..=10 {
                let found = repeated(&text, length);
                assert_eq!(found, by_definition(&text, length), "{length} words: {text}");
                repeating += usize::from(found.before > 0.0);
            }
        }
        assert!((500..3_000).contains(&repeating), "both kinds must occur: {repeating} of 3600");
    }

    #[test]
    fn later_copies_of_a_piece_count_and_the_first_does_not() {
        let found = duplicates("aaaa\nbb\n\n  aaaa\naaaa \ncc".lines());
        assert_eq!(found.pieces, 2.0 / 5.0);
        assert_eq!(found.characters, 8.0 / 16.0);
        let none = duplicates("".lines());
        assert_eq!((none.pieces, none.characters), (0.0, 0.0));
    }

    #[test]
    fn the_top_phrase_counts_with_all_its_occurrences() {
        // "ab cd" three times: 12 of 16 letters; "cd ab" twice only.
        assert_eq!(repeated("ab cd ab cd ab cd wxyz", 2).top, 12.0 / 16.0);
        assert_eq!(repeated("all of these words differ", 2).top, 0.0);
        assert_eq!(repeated("one", 2).top, 0.0);
        assert_eq!(repeated("", 4).top, 0.0);
    }

    #[test]
    fn words_in_overlapping_repeats_count_once() {
        // The second copy, five words of one letter, and nothing twice.
        assert_eq!(repeated("a b c d e a b c d e", 5).before, 0.5);
        assert_eq!(repeated("a a a a a a a a", 2).before, 7.0 / 8.0);
        assert_eq!(repeated("a b c d e f g h", 5).before, 0.0);
    }

    #[test]
    fn phrases_with_the_same_words_in_another_order_differ() {
        assert_eq!(repeated("a b b a", 2).before, 0.0);
        assert_eq!(repeated("a b c d e e d c b a", 3).before, 0.0);
    }
}
