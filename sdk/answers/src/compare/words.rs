//! When two answers say the same in words: choices, yes and no, "no solution", names, Roman numerals.

use super::{Reason, contrary};
use crate::config::{LetterCase, Rules};
use crate::expression::{Bracket, Constant, Expression, Relation};
use crate::read::ParsedText;
use crate::read::{number_words, words};

/// What words decide before any mathematics is compared; `None` where they decide nothing.
pub fn decide(gold: &ParsedText, answer: &ParsedText) -> Option<Result<Reason, String>> {
    if let Some(difference) = contrary::between(&gold.text, &answer.text) {
        return Some(Err(difference));
    }
    if contrary::same_amounts(&gold.text, &answer.text) {
        return Some(Ok("same amounts by name"));
    }
    if let Some(letter) = words::choice_of_reference(&gold.text) {
        let pure = words::choice(&answer.text);
        let mathematical = answer.text.contains(|c: char| c.is_ascii_digit() || "=+*/^\\".contains(c));
        let chosen = pure
            .or_else(|| words::choice_in_front(&answer.text).map(|(letter, _)| letter))
            .or_else(|| words::choice_in_brackets(&answer.text))
            .or_else(|| (!mathematical).then(|| words::choice_in_sentence(&answer.text)).flatten());
        match chosen {
            Some(chosen) if chosen == letter => return Some(Ok("same choice")),
            Some(chosen) if !mathematical => {
                return Some(Err(format!("chose {chosen}, the reference is {letter}")));
            }
            _ => {}
        }
    } else if let (true, Some(letter)) = (gold.is_text(), words::choice(&answer.text))
        && words::choice_in_sentence(&gold.text) == Some(letter)
    {
        return Some(Ok("same choice"));
    } else if let (Some((letter, _)), Some(chosen)) = (words::choice_in_front(&gold.text), words::choice(&answer.text))
        && letter == chosen
    {
        return Some(Ok("same choice"));
    }
    let differ = || Err("the meanings differ".to_string());
    // One letter is a name, except beside "yes", "no" and the set that `R` is short for.
    let letter = |answer: &ParsedText| answer.text.chars().count() == 1 && answer.text.chars().all(char::is_alphabetic);
    if letter(answer) {
        let given = match answer.text.as_str() {
            "y" | "Y" => "yes",
            "n" | "N" => "no",
            "R" => "reals",
            _ => "",
        };
        let set = match answer.text.as_str() {
            "Z" => "ℤ",
            "N" => "ℕ",
            "Q" => "ℚ",
            _ => "",
        };
        let names = matches!(gold.readings.first(), Some(Expression::Symbol(name)) if name == set);
        if said(gold) == Some(given) || names {
            return Some(Ok("same meaning"));
        }
    }
    if letter(gold) {
        return None;
    }
    // Most references are not words, and then the answer need not be looked at.
    if let Some(wanted) = said(gold)
        && let Some(given) = said(answer)
    {
        return Some(if wanted == given { Ok("same meaning") } else { differ() });
    }
    // "Yes, it is possible" says yes; "No one" says nothing of the kind.
    let explained = |answer: &ParsedText| {
        let at = answer.text.find([',', '.', ';'])?;
        words::meaning(&answer.text[..at]).filter(|said| answer.is_text() && matches!(*said, "yes" | "no"))
    };
    let wanted = words::meaning(&gold.text).or_else(|| explained(gold));
    if let Some(wanted @ ("yes" | "no")) = wanted
        && let Some(given) = words::agreement(&answer.text)
    {
        return Some(if wanted == given { Ok("same meaning") } else { differ() });
    }
    let numeral = |answer: &ParsedText| answer.text.contains(['I', 'V', 'X', 'L', 'C', 'D', 'M']);
    if !numeral(gold) && !numeral(answer) {
        return None;
    }
    let integer = |answer: &ParsedText| match answer.readings.first() {
        Some(Expression::Number(number)) => number.value.to_i64(),
        _ => None,
    };
    let roman = |answer: &ParsedText| words::words(&answer.text).first().and_then(|word| number_words::roman(word));
    // A letter alone is a name or a choice, not a numeral.
    let alone = |answer: &ParsedText| words::words(&answer.text).len() == 1 && answer.text.trim().len() > 1;
    let pair = match (alone(gold).then(|| roman(gold)).flatten(), alone(answer).then(|| roman(answer)).flatten()) {
        (Some(wanted), None) => Some(wanted).zip(integer(answer)),
        (None, Some(given)) => integer(gold).zip(Some(given)),
        _ => None,
    };
    pair.filter(|(wanted, given)| wanted == given).map(|_| Ok("same number in Roman numerals"))
}

/// What an answer says that formulas and words can both say.
fn said(answer: &ParsedText) -> Option<&'static str> {
    words::meaning(&answer.text).or_else(|| answer.readings.iter().find_map(meaning))
}

fn meaning(reading: &Expression) -> Option<&'static str> {
    match reading {
        Expression::EmptySet => Some("none"),
        Expression::Constant(Constant::Infinity) => Some("infinite"),
        Expression::Symbol(name) => match name.as_str() {
            "ℝ" => Some("reals"),
            "ℚ" => Some("rationals"),
            "ℤ" => Some("integers"),
            "ℕ" => Some("naturals"),
            _ => None,
        },
        Expression::Chain(first, rest) => match (&**first, rest.as_slice()) {
            (Expression::Symbol(_), [(Relation::In, set)]) => {
                meaning(set).filter(|meaning| matches!(*meaning, "reals" | "none"))
            }
            _ => None,
        },
        Expression::Bracketed(Bracket::Round, items, Bracket::Round) => match items.as_slice() {
            [Expression::Negative(low), Expression::Constant(Constant::Infinity)]
                if **low == Expression::Constant(Constant::Infinity) =>
            {
                Some("reals")
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether two texts have the same words.
pub fn same_words(gold: &ParsedText, answer: &ParsedText, rules: &Rules) -> bool {
    let placed = |text: &str| -> String {
        let word =
            |word: &str| number_words::place(word).map_or_else(|| word.to_string(), |place| format!("{place}th"));
        words::normalise(text).split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    let plain = |text: &str| {
        let normal = words::normalise(text);
        normal.strip_prefix("all ").map_or(normal.clone(), str::to_string)
    };
    let (mut wanted, mut given) = (plain(&gold.text), plain(&answer.text));
    if wanted != given && wanted.contains(' ') {
        (wanted, given) = (placed(&gold.text), placed(&answer.text));
    }
    let relates = |text: &str| text.contains(['<', '>', '≤', '≥', '=']);
    if wanted.is_empty() || wanted != given || relates(&gold.text) != relates(&answer.text) {
        return false;
    }
    if wanted.chars().count() == 1 {
        return words::words(&gold.text) == words::words(&answer.text);
    }
    rules.letter_case == LetterCase::Ignored || words::words(&gold.text) == words::words(&answer.text)
}
