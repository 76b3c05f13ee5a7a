//! What is done to a text before a classifier reads it, in training and in asking alike.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words between two marks of the end of a sentence.
const SENTENCE: usize = 1024;
/// Characters of the longest word that is kept.
const LONGEST_WORD: usize = 100;

/// A way of preparing texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preprocessing {
    /// Words as they are, between blanks; words that mean something to fastText (`</s>`, `__label__…`) are left out.
    None,
    /// What MegaMath's classifier of mathematical pages reads (`web_pipeline/utils/math_fasttext.py`): NFKC, lower case,
    /// numbers as `<NUM>`, words over 100 characters left out, letters and digits of ASCII alone, and ` <EOS> ` after
    /// every 1,024 words.
    #[default]
    Mathematics,
}

impl Preprocessing {
    /// Its name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Preprocessing::None => "none",
            Preprocessing::Mathematics => "mathematics",
        }
    }

    /// The text as a classifier reads it, on one line.
    pub fn apply(self, text: &str) -> String {
        match self {
            Preprocessing::None => plain(text),
            Preprocessing::Mathematics => mathematics(text),
        }
    }
}

/// One line of the words of `text`, without those that mean something to fastText.
pub(crate) fn plain(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let words = text.split(|c: char| matches!(c, ' ' | '\x09'..='\x0d' | '\0'));
    for word in words.filter(|word| !word.is_empty() && *word != "</s>" && !word.starts_with("__label__")) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// What a character is to `\w+|[^\w\s]+` in Python.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Sign,
}

fn mathematics(text: &str) -> String {
    let text = if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) };
    let mut line = Line { text: String::with_capacity(text.len()), words: 0, within: false };
    let mut token = Token::default();
    let mut of_token = Class::Space;
    for character in text.chars() {
        let class = class(character);
        if class != of_token {
            token.end(of_token, &mut line);
            of_token = class;
        }
        if class != Class::Space {
            token.push(character);
        }
    }
    token.end(of_token, &mut line);
    line.text
}

fn class(character: char) -> Class {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => Class::Word,
        ' ' | '\t'..='\r' | '\x1c'..='\x1f' => Class::Space,
        '\0'..='\x7f' => Class::Sign,
        other if other.is_whitespace() => Class::Space,
        other if is_letter(other) || other.is_numeric() => Class::Word,
        _ => Class::Sign,
    }
}

/// Whether the character is of a category L: Unicode's *alphabetic* has marks and circled letters too.
fn is_letter(character: char) -> bool {
    character.is_alphabetic()
        && !is_combining_mark(character)
        && !matches!(character, '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}')
}

/// Python's `str.isdigit` of a character that NFKC leaves as it is: decimals, and the digits that are none.
fn is_digit(character: char) -> bool {
    static DECIMAL: LazyLock<regex::Regex> = LazyLock::new(|| regex::Regex::new(r"^\p{Nd}$").expect("a pattern"));
    match character {
        '0'..='9' => true,
        '\0'..='\x7f' => false,
        '\u{1369}'..='\u{1371}' | '\u{19da}' | '\u{24f5}'..='\u{24fd}' | '\u{24ff}' | '\u{2776}'..='\u{277e}' => true,
        '\u{2780}'..='\u{2788}' | '\u{278a}'..='\u{2792}' | '\u{10a40}'..='\u{10a43}' => true,
        '\u{10e60}'..='\u{10e68}' | '\u{11052}'..='\u{1105a}' => true,
        other => other.is_numeric() && DECIMAL.is_match(other.encode_utf8(&mut [0; 4])),
    }
}

/// A token in lower case: of its characters, those that are kept.
#[derive(Default)]
struct Token {
    kept: String,
    characters: usize,
    has_other_than_digits: bool,
}

impl Token {
    fn push(&mut self, character: char) {
        self.has_other_than_digits |= !is_digit(character);
        if character.is_ascii() {
            self.characters += 1;
            self.keep(character.to_ascii_lowercase());
            return;
        }
        for lower in character.to_lowercase() {
            self.characters += 1;
            self.keep(lower);
        }
    }

    fn keep(&mut self, character: char) {
        // A token that is too long is left out, however long it is.
        if self.characters > LONGEST_WORD {
            return;
        }
        match character {
            'a'..='z' | '0'..='9' | '<' | '>' => self.kept.push(character),
            // They part words, but only after numbers were looked for.
            '-' | '_' => self.kept.push(' '),
            _ => {}
        }
    }

    fn end(&mut self, class: Class, line: &mut Line) {
        if class == Class::Space {
            return;
        }
        line.space();
        if !self.has_other_than_digits {
            "<NUM>".chars().for_each(|character| line.push(character));
        } else if self.characters <= LONGEST_WORD {
            self.kept.chars().for_each(|character| line.push(character));
        }
        line.space();
        *self = Token { kept: std::mem::take(&mut self.kept), ..Token::default() };
        self.kept.clear();
    }
}

/// Words with one blank between them.
struct Line {
    text: String,
    words: usize,
    /// Whether the last character belongs to a word that goes on.
    within: bool,
}

impl Line {
    fn push(&mut self, character: char) {
        if character == ' ' {
            return self.space();
        }
        if !self.within {
            if self.words > 0 {
                self.text.push_str(if self.words.is_multiple_of(SENTENCE) { " <EOS> " } else { " " });
            }
            self.words += 1;
            self.within = true;
        }
        self.text.push(character);
    }

    fn space(&mut self) {
        self.within = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `tests/golden/preprocessing/make.py`.
    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/preprocessing/cases.jsonl");

    #[test]
    fn the_seed_s_examples_come_out_as_theirs() {
        for (text, prepared) in [
            ("x_1 = 3.14 and x2^2 >= 10", "x 1 <NUM> <NUM> and x2 <NUM> > <NUM>"),
            ("naïve", "nave"),
            ("½", "<NUM> <NUM>"),
            (r"$\frac{1}{2}$", "frac <NUM> <NUM>"),
        ] {
            assert_eq!(Preprocessing::Mathematics.apply(text), prepared, "{text}");
        }
    }

    #[test]
    fn texts_of_every_kind_come_out_as_from_the_python_script() {
        let cases = std::fs::read_to_string(GOLDEN).expect("the golden file");
        let mut count = 0;
        for case in cases.lines() {
            let (text, prepared): (String, String) = serde_json::from_str(case).expect("a case");
            assert_eq!(Preprocessing::Mathematics.apply(&text), prepared, "{text:?}");
            count += 1;
        }
        assert_eq!(count, 417);
    }

    #[test]
    fn plain_words_stay_and_fasttext_s_own_go() {
        let text = " A \n__label__math\tb </s>\u{a0}c </s> __label__ d\r\n";
        assert_eq!(Preprocessing::None.apply(text), "A b </s>\u{a0}c d");
        assert_eq!(Preprocessing::None.apply(" \n"), "");
    }
}
