//! Multiple choice: the letters that a text chooses, and the options that a problem offers.
//!
//! A choice is named by its letter (`C`, `(C)`, "option C", "C: both"), or by the text of its option where that fits one
//! option only. Where several may be right the whole set counts: `A, C`, `AC` and "C and A" are one answer.

use crate::compare;
use crate::config::Rules;
use crate::extract::{self, Expectation};
use crate::read::ParsedText;
use crate::read::words;
use crate::work;
use octo_sdk::{Outcome, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// The letters that may name an option.
const LETTERS: std::ops::RangeInclusive<char> = 'A'..='Z';

/// What a problem offers to choose from: the text of each letter's option.
pub type Options = BTreeMap<char, String>;

/// Reads options from a problem: lines or brackets of `A) …`, `(A) …`, `A. …`, `A: …`, in the order of the alphabet.
///
/// Fewer than two in a row are not options.
pub fn options(problem: &str) -> Options {
    let mut found: Vec<(char, usize, usize)> = Vec::new();
    let bytes = problem.as_bytes();
    for (at, letter) in problem.char_indices().filter(|(_, c)| LETTERS.contains(c)) {
        let expected = found.last().map_or('A', |(last, ..)| char::from(*last as u8 + 1));
        let bracket = at > 0 && bytes[at - 1] == b'(';
        let opens = at - usize::from(bracket);
        let apart = opens == 0 || bytes[opens - 1].is_ascii_whitespace() || b"*}$~".contains(&bytes[opens - 1]);
        let closes = bytes.get(at + 1).is_some_and(|c| b").:".contains(c)) && (!bracket || bytes[at + 1] == b')');
        // An "A." may be the end of a sentence; the next "A)" begins anew.
        let restarts = letter == 'A' && found.len() < 2;
        if apart && closes && (letter == expected || restarts) {
            if restarts {
                found.clear();
            }
            found.push((letter, opens, at + 2));
        }
    }
    if found.len() < 2 {
        return Options::new();
    }
    let ends = found.iter().skip(1).map(|(_, opens, _)| *opens).chain(std::iter::once(problem.len()));
    found
        .iter()
        .zip(ends)
        .map(|((letter, _, start), end)| {
            let content = problem[*start..end].trim().trim_start_matches(['*', '~', '}']);
            // The last option ends with its paragraph.
            let content = content.split("\n\n").next().unwrap_or("");
            (*letter, content.trim().trim_end_matches([',', ';', '\\', '(', '*', '$']).trim().to_string())
        })
        .collect()
}

/// The letters that a short text names and nothing else: `B`, `(A), (C)`, `A and D`, `ACD`.
pub fn letters(written: &str) -> Option<BTreeSet<char>> {
    if written.len() > 120 {
        return None;
    }
    let plain = words::normalise(written);
    let mut chosen = BTreeSet::new();
    for word in plain.split([' ', '/']).filter(|word| !word.is_empty()) {
        if matches!(word, "and" | "or" | "option" | "options" | "choice" | "choices" | "answer" | "answers" | "both") {
            continue;
        }
        let mut run: Vec<char> = word.chars().map(|c| c.to_ascii_uppercase()).collect();
        let ascending = run.windows(2).all(|pair| pair[0] < pair[1]);
        let spelled = run.len() == 1 || (ascending && written.contains(&word.to_uppercase()) && run.len() <= 8);
        if !spelled || !run.iter().all(|c| LETTERS.contains(c)) {
            return None;
        }
        chosen.extend(run.drain(..));
    }
    // `normalise` takes the article away from "A, B".
    let has_a = written.split(|c: char| !c.is_alphanumeric()).any(|word| word == "A");
    if has_a {
        chosen.insert('A');
    }
    (!chosen.is_empty()).then_some(chosen)
}

/// What a text chooses: by letters, by one letter in front of its option, by the text of one option, or in a sentence.
pub fn chosen(written: &str, options: &Options, rules: &Rules) -> Option<BTreeSet<char>> {
    let offered = |set: &BTreeSet<char>| options.is_empty() || set.iter().all(|letter| options.contains_key(letter));
    if let Some(set) = letters(written).filter(offered) {
        return Some(set);
    }
    if let Some(letter) = by_text(written, options, rules) {
        return Some(BTreeSet::from([letter]));
    }
    let one = words::choice_in_brackets(written).or_else(|| words::choice_in_sentence(written))?;
    Some(BTreeSet::from([one])).filter(offered)
}

/// The only option whose text is the one written.
fn by_text(written: &str, options: &Options, rules: &Rules) -> Option<char> {
    let given = ParsedText::read(written, rules.max_answer_bytes, true);
    let mut fits = options.iter().filter(|(_, option)| {
        !option.is_empty() && {
            let wanted = ParsedText::read(option, rules.max_answer_bytes, false);
            compare::compare(&wanted, &given, rules).is_ok()
        }
    });
    let (letter, _) = fits.next()?;
    fits.next().is_none().then_some(*letter)
}

/// Judges a response to a multiple-choice problem. It is correct if its letters are those of any reference.
pub fn judge(response: &str, references: &[String], options: &Options, rules: &Rules) -> Verdict {
    work::begin();
    let wanted: Vec<BTreeSet<char>> =
        references.iter().filter_map(|reference| chosen(reference.trim(), options, rules)).collect();
    if wanted.is_empty() {
        let reason = "the reference names no choice".to_string();
        return Verdict { outcome: Outcome::Unparsable, extracted: None, reason };
    }
    let found = match extract::answer(response, &rules.extraction, Expectation::Choice) {
        Ok(found) => found,
        Err(reason) => return Verdict { outcome: Outcome::NoAnswer, extracted: None, reason },
    };
    let Some(given) = chosen(&found.text, options, rules) else {
        let reason = format!("{}: it names no choice", found.rule);
        return Verdict { outcome: Outcome::Incorrect, extracted: Some(found.text), reason };
    };
    let spelled = |set: &BTreeSet<char>| set.iter().map(char::to_string).collect::<Vec<_>>().join(", ");
    let (outcome, reason) = if wanted.contains(&given) {
        (Outcome::Correct, format!("{}: same choice", found.rule))
    } else {
        (
            Outcome::Incorrect,
            format!("{}: chose {}, the reference is {}", found.rule, spelled(&given), spelled(&wanted[0])),
        )
    };
    Verdict { outcome, extracted: Some(spelled(&given)), reason }
}
