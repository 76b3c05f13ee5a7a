//! The words of a normal form, as spaCy 3.8's English tokenizer splits it.
//!
//! Blanks separate words. Within one, signs and symbols are taken off both ends, contractions are split, a unit or a
//! currency is split from the digit before it, and symbols within are words of their own. Letters, marks of mathematics
//! and other scripts are not split.

mod classes;
mod contractions;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::OnceLock;

use classes::{AFTER, AFTER_DIGIT, BEFORE, LETTERS, SYMBOLS};

const IS_BEFORE: u8 = 1;
const IS_AFTER: u8 = 2;
const IS_SYMBOL: u8 = 4;
const IS_LETTER: u8 = 8;
/// Between two letters it is a word of its own.
const IS_RELATION: u8 = 16;

/// A word for which spaCy has a rule although it begins with a sign.
const APOSTROPHE_S: &str = "‘s";

struct Classes {
    of: Vec<u8>,
    after_digit: HashSet<&'static str>,
}

fn classes() -> &'static Classes {
    static CLASSES: OnceLock<Classes> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let mut of = vec![0u8; char::MAX as usize + 1];
        for (ranges, bits) in [(&LETTERS[..], IS_LETTER), (&SYMBOLS[..], IS_SYMBOL | IS_BEFORE | IS_AFTER)] {
            for (first, last) in ranges {
                of[*first as usize..=*last as usize].iter_mut().for_each(|class| *class |= bits);
            }
        }
        BEFORE.chars().for_each(|sign| of[sign as usize] |= IS_BEFORE);
        AFTER.chars().for_each(|sign| of[sign as usize] |= IS_AFTER);
        "<=>".chars().for_each(|sign| of[sign as usize] |= IS_RELATION);
        Classes { of, after_digit: AFTER_DIGIT.iter().copied().collect() }
    })
}

impl Classes {
    fn is(&self, character: char, bits: u8) -> bool {
        self.of[character as usize] & bits != 0
    }

    /// Bytes of the sign that `word` begins with, if it does with one.
    fn sign_before(&self, word: &str) -> usize {
        word.chars().next().filter(|first| self.is(*first, IS_BEFORE)).map_or(0, char::len_utf8)
    }

    /// Bytes of the unit, currency or sign that `word` ends with, if it does with one.
    fn sign_after(&self, word: &str) -> usize {
        if let Some(digit) = word.rfind(|character: char| character.is_ascii_digit())
            && self.after_digit.contains(&word[digit + 1..])
        {
            return word.len() - digit - 1;
        }
        word.chars().next_back().filter(|last| self.is(*last, IS_AFTER)).map_or(0, char::len_utf8)
    }
}

fn is_special(word: &str) -> bool {
    word == APOSTROPHE_S || contractions::parts(word).is_some()
}

/// The words of `text`, which is a normal form, one after the other with a blank between them, and where each begins
/// and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    text: String,
    ends: Vec<(usize, usize)>,
}

impl Words {
    /// Splits `text`, a normal form.
    #[must_use]
    pub fn of(text: &str) -> Words {
        let mut words = Words { text: String::with_capacity(text.len() + text.len() / 8), ends: Vec::new() };
        let classes = classes();
        for chunk in text.split(' ').filter(|chunk| !chunk.is_empty()) {
            if chunk.bytes().all(|byte| byte.is_ascii_lowercase()) {
                words.push_whole(chunk);
            } else {
                words.split(chunk, classes);
            }
        }
        words
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The words one by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.ends.iter().map(|(begin, end)| &self.text[*begin..*end])
    }

    /// The words of `places`, with one blank between them; empty where there are none.
    #[must_use]
    pub fn run(&self, places: Range<usize>) -> &str {
        match self.ends.get(places) {
            Some([first, .., last]) => &self.text[first.0..last.1],
            Some([only]) => &self.text[only.0..only.1],
            _ => "",
        }
    }

    /// Every `count` words that follow each other, with one blank between them.
    pub fn shingles(&self, count: usize) -> impl Iterator<Item = &str> {
        self.ends.windows(count.max(1)).map(|words| &self.text[words[0].0..words[words.len() - 1].1])
    }

    fn push(&mut self, word: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        let begin = self.text.len();
        self.text.push_str(word);
        self.ends.push((begin, self.text.len()));
    }

    /// A word without signs at its ends or within.
    fn push_whole(&mut self, word: &str) {
        let mut rest = word;
        for part in contractions::parts(word).unwrap_or_default() {
            self.push(&rest[..*part]);
            rest = &rest[*part..];
        }
        self.push(rest);
    }

    /// spaCy's loop: a sign off either end, until there is none or what is left is a word of its rules.
    fn split(&mut self, chunk: &str, classes: &Classes) {
        let first = self.ends.len();
        let mut word = chunk;
        let mut after = Vec::new();
        while !word.is_empty() && !is_special(word) {
            let before = classes.sign_before(word);
            let (sign, rest) = word.split_at(before);
            if before > 0 && !rest.is_empty() && is_special(rest) {
                self.push(sign);
                word = rest;
                break;
            }
            let end = classes.sign_after(rest);
            let (shorter, last) = word.split_at(word.len() - end);
            if end > 0 && !shorter.is_empty() && is_special(shorter) {
                after.push(last);
                word = shorter;
                break;
            }
            if before == 0 && end == 0 {
                break;
            }
            if before > 0 {
                self.push(sign);
            }
            if end > 0 {
                after.push(last);
            }
            word = &word[before..word.len() - end];
        }
        if is_special(word) {
            self.push_whole(word);
        } else if !word.is_empty() {
            self.split_within(word, classes);
        }
        after.iter().rev().for_each(|sign| self.push(sign));
        if chunk.contains(APOSTROPHE_S) {
            self.join_apostrophes(first);
        }
    }

    fn split_within(&mut self, word: &str, classes: &Classes) {
        let mut begin = 0;
        let mut previous = None;
        let mut characters = word.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            let is_letter = |other: Option<char>| other.is_some_and(|other| classes.is(other, IS_LETTER));
            let between = classes.is(character, IS_RELATION)
                && (is_letter(previous) || previous.is_some_and(|other| other.is_ascii_digit()))
                && is_letter(next);
            if at > 0 && (between || classes.is(character, IS_SYMBOL)) {
                if begin < at {
                    self.push(&word[begin..at]);
                }
                begin = at + character.len_utf8();
                self.push(&word[at..begin]);
            }
            previous = Some(character);
        }
        if begin < word.len() {
            self.push(&word[begin..]);
        }
    }

    /// Puts `‘` and `s` together where they became words of their own, from word `first` on: spaCy looks for the words
    /// of its rules once more when all is split.
    fn join_apostrophes(&mut self, first: usize) {
        let words: Vec<String> =
            self.ends[first..].iter().map(|(begin, end)| self.text[*begin..*end].to_owned()).collect();
        let from = self.ends[first].0;
        self.text.truncate(from.saturating_sub(1));
        self.ends.truncate(first);
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            if word == "‘" && words.next_if(|next| *next == "s").is_some() {
                self.push(APOSTROPHE_S);
            } else {
                self.push(word);
            }
        }
    }
}
