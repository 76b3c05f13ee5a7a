//! How much of a page occurred on it before: lines, paragraphs and phrases (Gopher, appendix A.1.1, table A1).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::page::{Words, hash, mix};

/// Pieces that occurred before, as shares.
pub struct Duplicates {
    /// Of the pieces.
    pub pieces: f64,
    /// Of their characters.
    pub characters: f64,
}

/// Of pieces that are not blank, without the white space around them.
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

/// Characters in all occurrences of the most frequent phrase of `length` words, as a share of all words' characters.
/// A phrase that occurs once is no repetition. Among phrases equally frequent the longest counts.
pub fn top_phrase_share(words: &Words, length: usize) -> f64 {
    let mut counts = HashMap::with_hasher(BuildHasherDefault::<AlreadyHashed>::default());
    let mut top = (1_u64, 0_u64);
    for (phrase, characters) in phrases(words, length) {
        let count: &mut u64 = counts.entry(phrase).or_default();
        *count += 1;
        if *count > 1 {
            top = top.max((*count, characters));
        }
    }
    let (count, characters) = top;
    if words.characters == 0 { 0.0 } else { (count * characters) as f64 / words.characters as f64 }
}

/// Characters of words in phrases of `length` words that occurred before, each word counted once, as a share of all.
pub fn duplicate_phrase_share(words: &Words, length: usize) -> f64 {
    let mut seen = HashSet::with_hasher(BuildHasherDefault::<AlreadyHashed>::default());
    let mut repeated = 0_u64;
    // Words before this index are counted already.
    let mut counted = 0;
    for (start, (phrase, _)) in phrases(words, length).enumerate() {
        if !seen.insert(phrase) {
            let from = counted.max(start);
            counted = start + length;
            let newly = words.list.get(from..counted).unwrap_or_default();
            repeated += newly.iter().map(|(_, characters)| u64::from(*characters)).sum::<u64>();
        }
    }
    if words.characters == 0 { 0.0 } else { repeated as f64 / words.characters as f64 }
}

/// Hash and characters of each run of `length` words.
fn phrases(words: &Words, length: usize) -> impl Iterator<Item = (u64, u64)> {
    words.list.windows(length.max(1)).map(|phrase| {
        phrase.iter().fold((0, 0), |(hash, all), (word, characters)| {
            (mix(hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15), all + u64::from(*characters))
        })
    })
}

/// The keys are hashes already, and a second one would cost more than the rest.
#[derive(Default)]
struct AlreadyHashed(u64);

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

    fn words(text: &str) -> Words {
        Words::of(text)
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
        assert_eq!(top_phrase_share(&words("ab cd ab cd ab cd wxyz"), 2), 12.0 / 16.0);
        assert_eq!(top_phrase_share(&words("all of these words differ"), 2), 0.0);
        assert_eq!(top_phrase_share(&words("one"), 2), 0.0);
        assert_eq!(top_phrase_share(&words(""), 4), 0.0);
    }

    #[test]
    fn words_in_overlapping_repeats_count_once() {
        // The second copy, five words of one letter, and nothing twice.
        assert_eq!(duplicate_phrase_share(&words("a b c d e a b c d e"), 5), 0.5);
        assert_eq!(duplicate_phrase_share(&words("a a a a a a a a"), 2), 7.0 / 8.0);
        assert_eq!(duplicate_phrase_share(&words("a b c d e f g h"), 5), 0.0);
    }

    #[test]
    fn phrases_with_the_same_words_in_another_order_differ() {
        assert_eq!(duplicate_phrase_share(&words("a b b a"), 2), 0.0);
        assert_eq!(duplicate_phrase_share(&words("a b c d e e d c b a"), 3), 0.0);
    }
}
