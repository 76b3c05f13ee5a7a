//! Answers that must match as written: text up to the differences that [`TextRules`] allow, numbers within a tolerance.
//!
//! No algebra: `1/2` is not `0.5` here unless both are read as numbers, and `x+1` is not `1+x`.

use crate::algebra::exact_value;
use crate::config::Tolerance;
use crate::extract::{self, Expectation, Extraction};
use crate::read::{self, lexer::Comma, number_words, parser};
use octo_sdk::{Outcome, Verdict};

/// Differences that do not count.
#[derive(Debug, Clone)]
pub struct TextRules {
    /// Where the answer is looked for; `None` takes the whole response.
    pub extraction: Option<Extraction>,
    /// Capital and small letters.
    pub ignores_case: bool,
    /// Everything but letters, digits and signs.
    pub ignores_punctuation: bool,
    /// "a", "an" and "the".
    pub ignores_articles: bool,
    /// How far numbers may differ; `None` compares them as text too.
    pub numbers: Option<Tolerance>,
}

/// A text as it is compared.
pub fn normalised(written: &str, rules: &TextRules) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in written.split_whitespace() {
        let word = if rules.ignores_case { word.to_lowercase() } else { word.to_string() };
        let kept: String = if rules.ignores_punctuation {
            let mut characters = word.chars().peekable();
            let mut kept = String::new();
            while let Some(c) = characters.next() {
                // A point or sign that belongs to a number is not punctuation.
                let numeric = ".,-−+%/".contains(c)
                    && (characters.peek().is_some_and(char::is_ascii_digit)
                        || (c == '%' && kept.ends_with(|k: char| k.is_ascii_digit())));
                if c.is_alphanumeric() || numeric {
                    kept.push(c);
                }
            }
            kept
        } else {
            word
        };
        if !kept.is_empty() {
            words.push(kept);
        }
    }
    if rules.ignores_articles && words.len() > 1 {
        words.retain(|word| !["a", "an", "the"].iter().any(|article| word.eq_ignore_ascii_case(article)));
    }
    words.join(" ")
}

/// The number that a text is, in digits or words: groups of thousands, fractions, percent and money included.
pub fn number(written: &str) -> Option<f64> {
    let plain = read::strip_delimiters(written);
    let plain = plain.trim().trim_end_matches('.');
    if plain.len() > 200 {
        return None;
    }
    if let Some(value) = number_words::value(plain) {
        return Some(value.to_f64());
    }
    let read = parser::parse(plain, Comma::Thousands).ok()?;
    exact_value(&read).map(|value| value.to_f64()).filter(|value| value.is_finite())
}

/// Judges a response against references by text and number alone.
pub fn judge(response: &str, references: &[String], rules: &TextRules) -> Verdict {
    crate::work::begin();
    let wanted: Vec<&str> = references.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    if wanted.is_empty() {
        let reason = "the reference is empty".to_string();
        return Verdict { outcome: Outcome::Unparsable, extracted: None, reason };
    }
    let (found, rule) = match &rules.extraction {
        None => (response.trim().to_string(), "whole response"),
        Some(from) => match extract::answer(response, from, Expectation::Text) {
            Ok(found) => (found.text, found.rule),
            Err(reason) => return Verdict { outcome: Outcome::NoAnswer, extracted: None, reason },
        },
    };
    if found.is_empty() {
        let reason = "the response is empty".to_string();
        return Verdict { outcome: Outcome::NoAnswer, extracted: None, reason };
    }
    let given = normalised(&found, rules);
    let value = rules.numbers.and_then(|_| number(&found));
    for reference in wanted {
        let reason = if normalised(reference, rules) == given && !given.is_empty() || reference == found {
            "same text"
        } else {
            let near = |tolerance: Tolerance| Some(tolerance.allows(number(reference)?, value?));
            if rules.numbers.and_then(near) != Some(true) {
                continue;
            }
            "same number within the tolerance"
        };
        return Verdict { outcome: Outcome::Correct, extracted: Some(found), reason: format!("{rule}: {reason}") };
    }
    let reason = format!("{rule}: neither the text nor the number is that of a reference");
    Verdict { outcome: Outcome::Incorrect, extracted: Some(found), reason }
}
