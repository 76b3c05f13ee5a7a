//! Multiple choice: the letters that a text chooses, and the options that a problem offers.
//!
//! A choice is named by its letter (`C`, `(C)`, "option C", "C: both"), or by the text of its option where that fits one
//! option only. Where several may be right the whole set counts: `A, C`, `AC` and "C and A" are one answer.

use crate::compare;
use crate::config::Rules;
use crate::extract::{self, Expectation, spans};
use crate::read::ParsedText;
use crate::read::{tokens, words};
use crate::work;
use octo_sdk::{Outcome, Verdict};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The letters that may name an option.
const LETTERS: std::ops::RangeInclusive<char> = 'A'..='Z';

/// What a problem offers to choose from: the text of each letter's option.
pub type Options = BTreeMap<char, String>;

/// Reads options from a problem: lines or brackets of `A) …`, `(A) …`, `A. …`, `A: …`, in the order of the alphabet; or,
/// where there are none, `a) …` or `a ) …` in one line.
///
/// Fewer than two in a row are not options.
pub fn options(problem: &str) -> Options {
    let found = capital_options(problem);
    if !found.is_empty() {
        return found;
    }
    if let Some(found) = options_in_json(problem) {
        return found;
    }
    // As capitals, with the brackets close to their letters; nothing else changes its length.
    let mut capitals = problem.as_bytes().to_vec();
    for at in 0..capitals.len() {
        let apart = at == 0 || b" \n\t(,".contains(&capitals[at - 1]);
        let bracket = match (capitals.get(at + 1), capitals.get(at + 2)) {
            (Some(b')'), _) => true,
            (Some(b' '), Some(b')')) => {
                if apart && capitals[at].is_ascii_lowercase() {
                    capitals.swap(at + 1, at + 2);
                }
                true
            }
            _ => false,
        };
        if apart && bracket && capitals[at].is_ascii_lowercase() {
            capitals[at].make_ascii_uppercase();
        }
    }
    String::from_utf8(capitals).map(|text| capital_options(&text)).unwrap_or_default()
}

/// Options that a problem ends with as JSON: `… {"A": "12", "B": "18"}`.
fn options_in_json(problem: &str) -> Option<Options> {
    let trimmed = problem.trim_end();
    let open = if trimmed.ends_with('}') { '{' } else { '[' };
    if open == '[' && !trimmed.ends_with(']') {
        return None;
    }
    let json = &trimmed[trimmed.find(open)?..];
    let value = serde_json::from_str::<serde_json::Value>(json).ok()?;
    Some(options_of_json(&value)).filter(|options| options.len() > 1)
}

/// Options as a data set holds them in a field: a JSON list in the order of the letters, an object of letters and
/// texts, an object of `label` and `text` lists, or the text that [`options`] reads.
pub fn options_of_field(written: &str) -> Options {
    match serde_json::from_str::<serde_json::Value>(written) {
        Ok(value @ (serde_json::Value::Array(_) | serde_json::Value::Object(_))) => options_of_json(&value),
        _ => options(written),
    }
}

fn options_of_json(value: &serde_json::Value) -> Options {
    let strings = |list: &serde_json::Value| -> Option<Vec<String>> {
        list.as_array()?.iter().map(shown).collect::<Option<Vec<String>>>()
    };
    let labelled = |labels: Vec<String>, texts: Vec<String>| -> Options {
        let letters = labels.iter().enumerate().map(|(at, label)| letter_of(label, at));
        letters.zip(texts).filter_map(|(letter, text)| letter.map(|letter| (letter, text))).collect()
    };
    match value {
        list @ serde_json::Value::Array(_) => match strings(list) {
            // `["a ) 15", "b ) 20"]` carry their letters.
            Some(texts) => {
                let joined = options(&texts.join("\n"));
                if joined.len() == texts.len() { joined } else { LETTERS.zip(texts).collect() }
            }
            None => Options::new(),
        },
        serde_json::Value::Object(object) => {
            let lists = object.get("label").or_else(|| object.get("labels")).and_then(strings);
            let texts = object.get("text").or_else(|| object.get("texts")).and_then(strings);
            match (lists, texts) {
                (Some(labels), Some(texts)) => labelled(labels, texts),
                (None, Some(texts)) => LETTERS.zip(texts).collect(),
                _ => {
                    let pairs = object.iter().filter_map(|(label, text)| Some((label.clone(), shown(text)?)));
                    let (labels, texts) = pairs.unzip();
                    labelled(labels, texts)
                }
            }
        }
        _ => Options::new(),
    }
}

/// A JSON text, number or truth value as text.
fn shown(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(_) | serde_json::Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// The letter that a label stands for: itself, or the letter at its place where it is a number.
fn letter_of(label: &str, at: usize) -> Option<char> {
    let label = label.trim().trim_matches(['(', ')', '.', ':']);
    let mut letters = label.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter.is_ascii_alphabetic() => Some(letter.to_ascii_uppercase()),
        _ if label.bytes().all(|c| c.is_ascii_digit()) => LETTERS.clone().nth(at),
        _ => None,
    }
}

fn capital_options(problem: &str) -> Options {
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
        if matches!(
            word,
            "and"
                | "or"
                | "option"
                | "options"
                | "choice"
                | "choices"
                | "answer"
                | "answers"
                | "both"
                | "either"
                | "maybe"
                | "perhaps"
                | "possibly"
                | "probably"
        ) {
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
    // A letter of a formula chooses nothing: `\Delta E`.
    let prose = without_formulas(written);
    let formula = prose.contains(['^', '_', '=']) || has_command(&prose);
    let sentence = || if formula { None } else { words::choice_in_sentence(&prose) };
    let one = |letter: char| Some(BTreeSet::from([letter])).filter(offered);
    words::choice_in_brackets(written).or_else(sentence).and_then(one).or_else(|| named(written, options).and_then(one))
}

/// A text without its formulas that are more than a letter.
fn without_formulas(written: &str) -> Cow<'_, str> {
    if !written.contains(['$', '\\']) {
        return Cow::Borrowed(written);
    }
    let mut out = String::with_capacity(written.len());
    let mut from = 0;
    for span in spans::mathematics(written) {
        let formula = &written[span.start..span.end];
        if formula.contains(['^', '_', '=', '+', '<', '>', '/']) || has_command(formula) {
            out.push_str(&written[from..span.opens]);
            // A word that names no choice.
            out.push_str("that");
            from = span.closes;
        }
    }
    // A text that is a formula and nothing else stays one.
    if from == 0 || out.trim() == "that" && written[from..].trim().trim_end_matches('.').is_empty() {
        return Cow::Borrowed(written);
    }
    out.push_str(&written[from..]);
    Cow::Owned(out)
}

/// Whether a text has a LaTeX command other than one for letters of another face.
fn has_command(text: &str) -> bool {
    text.split('\\').skip(1).any(|rest| {
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
        !name.is_empty() && !tokens::is_face(&name) && !tokens::is_decoration(&name)
    })
}

/// The only option that a sentence names and does not deny: "It is Jupiter, since …", "Jupiter is not, Mars is".
fn named(sentence: &str, options: &Options) -> Option<char> {
    if sentence.len() > 300 {
        return None;
    }
    let spoken = |text: &str| -> Vec<String> { words::words(&text.to_lowercase()) };
    let said = spoken(sentence);
    let mut found = None;
    for (letter, option) in options {
        let wanted = spoken(option);
        if wanted.is_empty() || !option.contains(|c: char| c.is_alphabetic()) || option.chars().count() < 3 {
            continue;
        }
        for at in 0..said.len() {
            if !said[at..].starts_with(&wanted) {
                continue;
            }
            let after = &said[at + wanted.len()..];
            let denies = |word: &String| {
                matches!(word.as_str(), "not" | "isn't" | "wasn't" | "never" | "cannot" | "can't" | "neither" | "nor")
            };
            // "It wasn't Austen or Dickens": what "or" joins is denied together.
            let joined = |word: &String| matches!(word.as_str(), "or" | "nor");
            let ahead = said[..at].last().is_some_and(denies);
            let beyond = said[..at].last().is_some_and(joined) && said[..at].iter().rev().take(5).any(denies);
            let denied = ahead || beyond || after.iter().take(2).any(denies);
            if denied {
                continue;
            }
            if found.is_some_and(|held| held != *letter) {
                return None;
            }
            found = Some(*letter);
        }
    }
    found
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
    let (response, _) = extract::characters::plain(response);
    let mut found = match extract::answer(&response, &rules.extraction, Expectation::Choice) {
        Ok(found) => found,
        Err(reason) => return Verdict { outcome: Outcome::NoAnswer, extracted: None, reason },
    };
    let mut given = chosen(&found.text, options, rules);
    // A box may hold what the choice says; the letter is announced elsewhere.
    if given.is_none() {
        let mut others = rules.extraction.clone();
        while !others.rules.is_empty() && given.is_none() {
            others.rules.remove(0);
            if let Ok(other) = extract::answer(&response, &others, Expectation::Choice)
                && other.rule != found.rule
            {
                given = chosen(&other.text, options, rules);
                if given.is_some() {
                    found = other;
                }
            }
        }
    }
    let Some(given) = given else {
        // Words that choose nothing are no answer; what was set off as one is a wrong one.
        let outcome = if found.rule == "whole response" { Outcome::NoAnswer } else { Outcome::Incorrect };
        let reason = format!("{}: it names no choice", found.rule);
        let extracted = (outcome == Outcome::Incorrect).then_some(found.text);
        return Verdict { outcome, extracted, reason };
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
