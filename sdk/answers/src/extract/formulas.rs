//! Answers that nothing announces: a response that is one formula, the last formula, the last number.

use super::{Expectation, claims, clean, second_thoughts, spans};
use crate::read::{self, number_words, tokens, units};

/// The whole of a short response, where it reads as mathematics.
pub(super) fn bare(text: &str, expects: Expectation) -> Option<String> {
    let trimmed = text.trim();
    if expects == Expectation::Choice || trimmed.len() > 600 || trimmed.contains('\n') {
        return None;
    }
    if is_sentence(trimmed) || claims::numbered(trimmed).is_some() {
        return None;
    }
    let stripped = read::strip_delimiters(trimmed);
    let reads = number_words::value(&stripped).is_some() || read::is_mathematics(&stripped);
    reads.then_some(stripped)
}

/// Whether a text begins with two words of a sentence, although short words read as products of variables.
fn is_sentence(text: &str) -> bool {
    let mut words = text.split(' ');
    let word = |word: &str, least: usize| word.len() >= least && word.bytes().all(|c| c.is_ascii_alphabetic());
    let capital = |first: &str| {
        word(first, 2)
            && first.starts_with(|c: char| c.is_ascii_uppercase())
            && first[1..].bytes().all(|c| c.is_ascii_lowercase())
    };
    words.next().is_some_and(capital)
        && words.next().is_some_and(|second| word(second, 3) && tokens::function(second).is_none())
        && text.contains(|c: char| c.is_ascii_digit())
}

/// The last formula, or the last number after it.
pub(super) fn last_expression(text: &str, expects: Expectation) -> Option<String> {
    if expects == Expectation::Choice {
        return None;
    }
    let spans = spans::mathematics(text);
    let with_content = spans
        .iter()
        .rev()
        .find(|span| text[span.start..span.end].chars().any(|c| c.is_ascii_digit() || "=<>\\".contains(c)));
    let formula = with_content.or(spans.last());
    let number = if expects == Expectation::Mathematics { last_number(text) } else { None };
    if let Some(words) = spelled_last(text, number.as_ref().map(|(at, _)| *at), formula.map(|span| span.closes))
        && expects == Expectation::Mathematics
    {
        return Some(words);
    }
    if let Some(guesses) = number.as_ref().and_then(|(_, number)| second_thoughts::guesses(text, number)) {
        return Some(guesses);
    }
    let number = number.map(|(at, number)| {
        let end = (at + number.len()).min(text.len());
        let whole = text.get(at..end) == Some(number.as_str());
        match whole.then(|| plain_formula(text, at, end).or_else(|| run_of_numbers(text, at, end))).flatten() {
            Some((start, formula)) if spans.iter().all(|span| span.closes <= start || span.opens >= end) => {
                (at, formula.to_string())
            }
            _ => (at, scaled(text, at, number)),
        }
    });
    match (formula, number) {
        (Some(span), Some((at, number))) if at >= span.closes && with_content.is_none() => Some(number),
        (Some(span), Some((at, number))) if at > span.closes => {
            // "… so $x = 3$ in step 2" says less than "… $x$ … which is 1,000".
            let between = &text[span.closes..at];
            // "$\frac{1}{6}$, or about 0.167" rounds what stands in front.
            let rounds = ["about", "approximately", "roughly", "around", "approx", "approx.", "≈"];
            let aside = between.trim_end().trim_start_matches([',', ' ', '(', '$']);
            if rounds
                .iter()
                .any(|word| aside.strip_suffix(word).is_some_and(|head| matches!(head.trim(), "" | "or" | "which is")))
            {
                return Some(text[span.start..span.end].trim().to_string());
            }
            let later_line = between.contains('\n') || between.contains(". ");
            let ends_text = text.len() - at <= number.len() + 15;
            if ends_text || later_line || between.contains('=') || between.contains(" is ") {
                Some(number)
            } else {
                Some(text[span.start..span.end].trim().to_string())
            }
        }
        (Some(span), _) => {
            let content = text[span.start..span.end].trim();
            (!content.is_empty()).then(|| content.to_string())
        }
        (None, Some((_, number))) => Some(number),
        (None, None) => None,
    }
}

/// The number that the last sentence spells in words, where it has no other: "So Tom has three apples."
fn spelled_last(text: &str, number: Option<usize>, formula: Option<usize>) -> Option<String> {
    let text = text.trim_end();
    let floor = text.len().saturating_sub(300);
    let tail = text.get(floor..).or_else(|| text.get(floor + 1..)).unwrap_or("");
    let head = tail.trim_end_matches(['.', '!', '*', ' ']);
    let start = [head.rfind('\n').map(|at| at + 1), head.rfind(". ").map(|at| at + 2)].into_iter().flatten().max();
    let begins = text.len() - tail.len() + start.unwrap_or(0);
    if number.max(formula).is_some_and(|last| last >= begins) {
        return None;
    }
    let sentence = &text[begins..];
    // Beside numbers in digits only a conclusion is one in words.
    let concludes = ["So ", "So,", "Thus", "Therefore", "Hence", "In total", "In the end"]
        .iter()
        .any(|word| sentence.starts_with(word));
    if (number.is_some() || formula.is_some()) && !concludes {
        return None;
    }
    let clause = sentence.rfind(", so ").map_or(sentence, |at| &sentence[at..]);
    number_words::only(clause)
}

/// The formula in plain text that a number is part of, with the equations joined to it: `y = 2x + 3`, `x = 5 and y = 6`.
fn plain_formula(text: &str, at: usize, end: usize) -> Option<(usize, &str)> {
    let close = end + formula_after(&text[end..]);
    let mut start = formula_before(&text[..at]);
    let relates = |piece: &str| {
        let Some((left, _)) = piece.trim().split_once(['=', '<', '>', '≤', '≥']) else { return false };
        let letters: Vec<&str> =
            left.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() == 1).collect();
        // A name, or a sum: `5 m = 500` and `3 x 4 = 12` are computations.
        let name = left.starts_with(|c: char| c.is_ascii_alphabetic());
        let sum = left.trim_start_matches(['-', '+']).contains(['+', '-', '−', '^']);
        !letters.is_empty() && (name || sum) && !piece.contains(" x ") && read::is_mathematics(piece.trim())
    };
    if !relates(&text[start..close]) {
        return None;
    }
    for _ in 0..8 {
        let before = text[..start].trim_end();
        let word = before.strip_suffix("and").or_else(|| before.strip_suffix("or"));
        let joined = word.filter(|rest| rest.ends_with(' ')).or_else(|| before.strip_suffix(','));
        let Some(before) = joined.map(|rest| rest.trim_end().trim_end_matches(',')) else { break };
        let earlier = formula_before(before);
        if !relates(&text[earlier..before.len()]) {
            break;
        }
        start = earlier;
    }
    let formula = text[start..close].trim();
    Some((start, formula))
}

/// Where the formula begins that a text ends with, and how far one goes on that a text begins with. Neither looks
/// further than a formula in a sentence may reach.
fn formula_before(text: &str) -> usize {
    let floor = text.len().saturating_sub(160);
    let mut start = text.len();
    while start > floor {
        let Some(previous) = text[..start].chars().next_back() else { break };
        if previous.is_alphabetic() {
            let head = text[..start].trim_end_matches(|c: char| c.is_alphabetic());
            let word = &text[head.len()..start];
            if !is_variable(word) {
                break;
            }
            start = head.len();
        } else if belongs(previous) || previous == '.' && text[start..].starts_with(|c: char| c.is_ascii_digit()) {
            start -= previous.len_utf8();
        } else {
            break;
        }
    }
    start + text[start..].len() - text[start..].trim_start_matches([' ', ')', '*', '/', '^', '=']).len()
}

fn formula_after(text: &str) -> usize {
    let mut end = 0;
    while end < 160.min(text.len()) {
        let Some(next) = text[end..].chars().next() else { break };
        if next.is_alphabetic() {
            let word: String = text[end..].chars().take_while(|c| c.is_alphabetic()).collect();
            if !is_variable(&word) {
                break;
            }
            end += word.len();
        } else if belongs(next) {
            end += next.len_utf8();
        } else {
            break;
        }
    }
    text[..end].trim_end_matches([' ', '(', '*', '/', '^', '=', '+', '-']).len()
}

fn belongs(character: char) -> bool {
    character.is_ascii_digit() || " +-−*/^=<>≤≥()·".contains(character)
}

/// Whether a run of letters may be part of a formula in plain text: one letter that is not a word, or a function.
fn is_variable(word: &str) -> bool {
    word.len() == 1 && !matches!(word, "a" | "A" | "I") || tokens::function(word).is_some() || word == "pi"
}

/// Several numbers side by side, of which a response does not say which one it means: "39, 40, 41 or 42", "0 1 2 3".
fn run_of_numbers(text: &str, at: usize, end: usize) -> Option<(usize, &str)> {
    const HEDGES: [&str; 6] = ["maybe", "perhaps", "possibly", "probably", "even", "either"];
    let (mut start, mut count, mut undecided) = (at, 1, false);
    while count < 64 {
        let before = text[..start].trim_end_matches([' ', '$', '?']);
        let mut before = before;
        // "60? 70? 80?"
        let mut hedged = text[before.len()..start].contains('?');
        while let Some(rest) = HEDGES.iter().find_map(|word| before.strip_suffix(word)) {
            before = rest.trim_end();
            hedged = true;
        }
        let or = before
            .strip_suffix("or")
            .or_else(|| before.strip_suffix("Or"))
            .filter(|rest| !rest.ends_with(char::is_alphabetic));
        let and = before.strip_suffix("and").filter(|rest| rest.ends_with(' '));
        // "40 / 41 / 42", "around 70 to 80"
        let slash = before.strip_suffix(" /").or_else(|| about(before));
        let mut rest = or.or(and).or(slash).unwrap_or(before).trim_end_matches([' ', ',', ';', '?', '$']);
        if or.is_some() {
            // "41 apples or 42 apples": one word of a unit.
            let unit = rest.trim_end_matches(|c: char| c.is_alphabetic());
            rest = if unit.len() < rest.len() && unit.ends_with(' ') { unit.trim_end() } else { rest };
        }
        if !rest.ends_with(|c: char| c.is_ascii_digit()) || rest.len() == start {
            break;
        }
        let floor = rest.len().saturating_sub(24);
        let digits =
            rest.bytes().rev().take(rest.len() - floor).take_while(|c| c.is_ascii_digit() || *c == b'.').count();
        start = rest.len() - digits;
        undecided |= or.is_some() || and.is_some() || slash.is_some() || hedged;
        count += 1;
    }
    let before = text[..start].trim_end();
    let operand = before.ends_with(['+', '-', '*', '/', '×', '÷', '^', '·'])
        || ["times", "plus", "minus", "by", "of", "adding", "multiplying", "from", "sum"]
            .iter()
            .any(|word| before.ends_with(word) && !before.ends_with("one of") && !before.ends_with("any of"));
    let several = count > 1 && (undecided || is_offered(before)) || count > 2;
    (several && !operand).then(|| (start, text[start..end].trim_start_matches(['.'])))
}

/// The text up to the first end of a range that is only about right: "around 70 to", "roughly 70-".
fn about(before: &str) -> Option<&str> {
    let first = before.strip_suffix(" to").or_else(|| before.strip_suffix('-')).or_else(|| before.strip_suffix('–'))?;
    let ahead =
        first.trim_end_matches(|c: char| c.is_ascii_digit() || ".,$".contains(c)).trim_end().to_ascii_lowercase();
    ["around", "roughly", "about", "approximately", "somewhere", "approx.", "range"]
        .iter()
        .any(|word| ahead.ends_with(word))
        .then_some(first)
}

/// A number with the word after it that multiplies it: "5 dozen eggs".
pub(crate) fn scaled(text: &str, at: usize, number: String) -> String {
    let after = text.get(at + number.len()..).and_then(|rest| rest.strip_prefix(' ')).unwrap_or("");
    let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect();
    if units::scale(&word).is_some() { format!("{number} {word}") } else { number }
}

/// Whether a text ends by offering what follows as possible: "Possible answers: ".
fn is_offered(text: &str) -> bool {
    let mut start = text.len().saturating_sub(32);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let near = text[start..].to_ascii_lowercase();
    ["possib", "candidate", "guess", "options", "choices", "answers", "could be", "might be", "may be"]
        .iter()
        .any(|word| near.contains(word))
}

/// The last number that states something, and where it begins: the number of a step and a bound are passed over.
pub fn last_number(text: &str) -> Option<(usize, String)> {
    let mut end = text.len();
    let mut known = None;
    for _ in 0..12 {
        let Some((at, number)) = number_before(&text[..end]) else { break };
        if claims::is_known_amount(text, at, (at + number.len()).min(end)) {
            known = known.or(Some((at, number)));
        } else if !claims::is_pointer(text, at) && !second_thoughts::is_said_by_another(text, at) {
            // What follows the number on the full text decides its percent sign.
            return Some((at, number));
        }
        end = at;
    }
    known
}

/// The last number, with its sign, groups, decimals, denominator, exponent and percent sign; and where it begins.
fn number_before(text: &str) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let mut end = bytes.iter().rposition(u8::is_ascii_digit)? + 1;
    // A number of more digits than this is a model that repeats itself.
    const MAX_DIGITS: usize = 300;
    let mut start = end;
    let floor = end.saturating_sub(MAX_DIGITS);
    while start > floor {
        let previous = bytes[start - 1];
        let joins = previous.is_ascii_digit()
            || (b".,/".contains(&previous)
                && start >= 2
                && bytes[start - 2].is_ascii_digit()
                && bytes.get(start).is_some_and(u8::is_ascii_digit))
            || (previous == b' ' && is_group_space(bytes, start - 1));
        if !joins {
            break;
        }
        start -= 1;
    }
    // `\frac{a}{b}` in plain text.
    if bytes.get(end) == Some(&b'}')
        && let Some(open) = text[..start].rfind("\\frac{")
        && text[open..end].len() < 60
    {
        let whole = &text[open..end + 1];
        let signed = text[..open].ends_with('-');
        return Some((open, format!("{}{whole}", if signed { "-" } else { "" })));
    }
    // `\sqrt{17}`, `0.\overline{3}`, `10^4`: the number is part of a formula, which ends at white space.
    if start > 0 && b"^_{".contains(&bytes[start - 1]) {
        let open = start - bytes[..start].iter().rev().take(100).take_while(|c| !c.is_ascii_whitespace()).count();
        let close = end + bytes[end..].iter().take(100).take_while(|c| !c.is_ascii_whitespace()).count();
        let formula = text.get(open..close).map(|formula| clean(formula.trim_matches(|c: char| "$,;".contains(c))));
        if let Some(formula) = formula.filter(|formula| read::is_mathematics(formula)) {
            return Some((open, formula));
        }
    }
    if start > 0 && bytes[start - 1] == b'.' && (start < 2 || !bytes[start - 2].is_ascii_alphanumeric()) {
        start -= 1;
    }
    if start > 0 && bytes[start - 1] == b'-' {
        let before = text[..start - 1].chars().next_back();
        if before.is_none_or(|c| c.is_whitespace() || "$=(:[{*".contains(c)) {
            start -= 1;
        }
    } else if start > 1 && bytes[start - 1] == b'$' && bytes[start - 2] == b'-' {
        start -= 2;
    }
    if bytes.get(end) == Some(&b'%') {
        end += 1;
    } else if text[end..].starts_with("\\%") {
        end += 2;
    }
    while !text.is_char_boundary(start) {
        start += 1;
    }
    Some((start, text[start..end].to_string()))
}

/// Whether the space sets off a group of three digits: `1 000`.
fn is_group_space(bytes: &[u8], at: usize) -> bool {
    let digits = bytes[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
    let before = bytes[..at].iter().rev().take(4).take_while(|c| c.is_ascii_digit()).count();
    digits == 3 && (1..=3).contains(&before)
}
