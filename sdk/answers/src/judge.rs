//! Verdicts: on mathematics ([`judge`]), on [`choices`], and on text and numbers as they are written ([`exact_text`]).

pub mod choices;
pub mod exact_text;

use crate::compare;
use crate::config::Rules;
use crate::expression::Expression;
use crate::extract::{self, Expectation, spans};
use crate::read::ParsedText;
use crate::read::{number_words, tokens, units, words};
use crate::work;
use octo_sdk::{Outcome, Verdict};

/// Judges one response. It is correct if any reference matches.
pub fn judge(response: &str, references: &[String], rules: &Rules) -> Verdict {
    let (plain, mended) = extract::characters::plain(response);
    let mut verdict = judge_plain(&plain, references, rules);
    if mended {
        verdict.reason.push_str(", after lost backslashes were put back");
    }
    verdict
}

fn judge_plain(response: &str, references: &[String], rules: &Rules) -> Verdict {
    work::begin();
    let references: Vec<String> =
        references.iter().map(|text| extract::characters::plain_reference(text).into_owned()).collect();
    let references = references.as_slice();
    let golds: Vec<ParsedText> = references
        .iter()
        .map(|reference| {
            ParsedText::read(&extract::reference(reference, &rules.extraction), rules.max_answer_bytes, false)
        })
        .filter(|gold| !gold.is_blank())
        .collect();
    let Some(first) = golds.first() else {
        return Verdict {
            outcome: Outcome::Unparsable,
            extracted: None,
            reason: "the reference is empty or cannot be read".into(),
        };
    };
    let expects = expectation(first);
    // A short response may be the reference word for word, dates and names with digits included.
    let said = response.trim().trim_end_matches('.');
    if said.len() <= 300 && said.contains(' ') && golds.iter().any(|gold| gold.text.trim_end_matches('.') == said) {
        return Verdict {
            outcome: Outcome::Correct,
            extracted: Some(said.to_string()),
            reason: "whole response: same text".into(),
        };
    }
    let found = match extract::answer(response, &rules.extraction, expects) {
        Ok(found) => found,
        Err(reason) => {
            return Verdict { outcome: Outcome::NoAnswer, extracted: None, reason };
        }
    };
    // A number that nothing announces stands in a sentence, whose words may turn it over or name several amounts.
    let sentence =
        if found.rule.starts_with("last") { last_sentence(extract::second_thoughts::dropped(response)) } else { None };
    if let Some(sentence) = &sentence
        && let Some(reason) = golds.iter().find_map(|gold| compare::contrary::between(&gold.text, sentence))
    {
        let reason = format!("{}: {reason}", found.rule);
        return Verdict { outcome: Outcome::Incorrect, extracted: Some(shown(&found.text)), reason };
    }
    let short = |text: &&str| text.split(' ').count() <= 5;
    if sentence.filter(short).is_some_and(extract::claims::is_bound)
        && golds.iter().all(|gold| matches!(gold.readings.first(), Some(Expression::Number(_))))
    {
        let reason = format!("{}: a bound is not a value", found.rule);
        return Verdict { outcome: Outcome::Incorrect, extracted: Some(shown(&found.text)), reason };
    }
    // What begins like a marker is stripped from a reference, and so it is here where the two agree as written.
    if let Some(same) = as_written(&found.text, references) {
        return Verdict {
            outcome: Outcome::Correct,
            extracted: Some(shown(same)),
            reason: format!("{}: same text", found.rule),
        };
    }
    let answer = ParsedText::read(&found.text, rules.max_answer_bytes, true);
    // A sentence says what follows its last "is", or the one formula or number in it.
    let stated = stated_last(&answer, expects);
    let inner = if stated.is_none() { inner_answer(&answer, expects) } else { None };
    let several = |gold: &ParsedText| {
        !matches!(gold.readings.first(), None | Some(Expression::Number(_) | Expression::Negative(_)))
    };
    let sentence = sentence.filter(|_| golds.iter().any(several)).map(|text| ParsedText::read(text, 2_000, true));
    let said = sentence.as_ref().and_then(|sentence| stated_last(sentence, expects));
    // Out of a sentence a number comes without its unit.
    let measured = |gold: &ParsedText| {
        let known =
            matches!(gold.readings.first(), Some(Expression::Quantity(_, unit)) if units::measure(unit).is_some());
        known && !answer.is_text()
    };
    let mut reason = None;
    for gold in &golds {
        // What the words around a number deny, no part of them may say.
        if let Some(contrary) = compare::contrary::between(&gold.text, &answer.text) {
            reason = reason.or(Some(contrary));
            continue;
        }
        let whole = sentence.iter().chain(&said).filter(|_| several(gold));
        for candidate in
            std::iter::once(&answer).chain(&stated).chain(inner.iter().filter(|_| !measured(gold))).chain(whole)
        {
            match compare::compare(gold, candidate, rules) {
                Ok(rule) => {
                    return Verdict {
                        outcome: Outcome::Correct,
                        extracted: Some(shown(&found.text)),
                        reason: format!("{}: {rule}", found.rule),
                    };
                }
                Err(rule) => reason = reason.or(Some(rule)),
            }
        }
    }
    let reason = reason.unwrap_or_else(|| "no rule makes it equal".into());
    Verdict {
        outcome: Outcome::Incorrect,
        extracted: Some(shown(&found.text)),
        reason: format!("{}: {reason}", found.rule),
    }
}

/// The answer, where a reference is written the same.
fn as_written<'a>(answer: &'a str, references: &[String]) -> Option<&'a str> {
    let answer = answer.trim();
    let speaks = answer.chars().any(char::is_alphanumeric);
    (speaks && references.iter().any(|reference| reference.trim() == answer)).then_some(answer)
}

/// The answer as it is reported: whole, unless it is longer than anyone would read.
fn shown(text: &str) -> String {
    const MAX_SHOWN: usize = 4_096;
    if text.len() <= MAX_SHOWN {
        return text.to_string();
    }
    let mut end = MAX_SHOWN;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

fn expectation(gold: &ParsedText) -> Expectation {
    if words::choice_of_reference(&gold.text).is_some() {
        Expectation::Choice
    } else if gold.is_text() {
        Expectation::Text
    } else {
        Expectation::Mathematics
    }
}

/// The last sentence of a response, where it is short and holds no formula of its own.
fn last_sentence(response: &str) -> Option<&str> {
    let text = response.trim().trim_end_matches(['.', '!']);
    let start = [text.rfind('\n').map(|at| at + 1), text.rfind(". ").map(|at| at + 2)].into_iter().flatten().max();
    let sentence = text[start.unwrap_or(0)..].trim();
    (sentence.len() <= 300).then_some(sentence)
}

/// What follows the last "is" of a sentence: "The largest $n$ is 34".
fn stated_last(answer: &ParsedText, expects: Expectation) -> Option<ParsedText> {
    if answer.text.len() > 600 || expects == Expectation::Choice {
        return None;
    }
    let (at, copula) = [" is ", " are ", " equals ", " to be ", " must be "]
        .iter()
        .filter_map(|copula| answer.text.rfind(copula).map(|at| (at, copula.len())))
        .max()?;
    let (head, tail) = (&answer.text[..at], answer.text[at + copula..].trim());
    // A formula that goes across is not a sentence, and a condition states nothing.
    let conditional = [", or ", " if ", " where ", " when ", " which ", " that ", " since ", " because ", " not "];
    let whole = !head.contains(['{', '[']) || head.matches('{').count() == head.matches('}').count();
    // "The largest $n$ for which … is 34" has a clause in its subject.
    let subject = head.trim_start().to_ascii_lowercase().starts_with("the ");
    let clause = |word: &str| subject && matches!(word, " which " | " that ");
    if !whole || head.ends_with(" or") || conditional.iter().any(|word| head.contains(word) && !clause(word)) {
        return None;
    }
    let tail = tail.trim_start_matches("equal to ").trim_start_matches("given by ").trim_start_matches("therefore ");
    (extract::claims::states(tail, expects) && !extract::claims::is_bound(tail))
        .then(|| ParsedText::read(tail, 2_000, true))
}

/// Where an extracted sentence does not read as mathematics: its last formula, or its only number.
fn inner_answer(answer: &ParsedText, expects: Expectation) -> Option<ParsedText> {
    // Words of other alphabets read as variables.
    let foreign = |c: char| c.is_alphabetic() && !c.is_ascii() && tokens::unicode(c).is_none();
    let long = |word: &&str| word.chars().count() > 3 && word.chars().all(char::is_alphabetic);
    let sentence = || {
        answer.text.starts_with(char::is_alphabetic)
            && !answer.text.contains('\\')
            && answer.text.split([' ', ',']).filter(long).count() > 0
    };
    let worded = answer.is_text() || answer.text.chars().any(foreign) || sentence();
    if expects != Expectation::Mathematics || !worded || answer.text.len() > 2_000 {
        return None;
    }
    let denied = words::words(&answer.text.to_lowercase())
        .iter()
        .any(|word| matches!(word.as_str(), "not" | "never" | "neither" | "nor" | "isn't" | "cannot"));
    if denied || extract::claims::is_bound(&answer.text) {
        return None;
    }
    let spans = spans::mathematics(&answer.text);
    if let Some(span) = spans.last() {
        return Some(ParsedText::read(&answer.text[span.start..span.end], 2_000, true));
    }
    let Some((at, number)) = extract::last_number(&answer.text) else {
        return number_words::only(&answer.text).map(|words| ParsedText::read(&words, 2_000, true));
    };
    let alone = !answer.text[..at].chars().any(|c| c.is_ascii_digit());
    alone.then(|| ParsedText::read(&extract::scaled(&answer.text, at, number), 2_000, true))
}
