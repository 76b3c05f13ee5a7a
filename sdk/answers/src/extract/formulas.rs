//! Answers that nothing announces: a response that is one formula, the last formula, the last number.

use super::{Expectation, clean, spans};
use crate::read::{self, number_words};

/// The whole of a short response, where it reads as mathematics.
pub(super) fn bare(text: &str, expects: Expectation) -> Option<String> {
    let trimmed = text.trim();
    if expects == Expectation::Choice || trimmed.len() > 600 || trimmed.contains('\n') {
        return None;
    }
    let stripped = read::strip_delimiters(trimmed);
    let reads = number_words::value(&stripped).is_some() || read::is_mathematics(&stripped);
    reads.then_some(stripped)
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
    match (formula, number) {
        (Some(span), Some((at, number))) if at >= span.closes && with_content.is_none() => Some(number),
        (Some(span), Some((at, number))) if at > span.closes => {
            // "… so $x = 3$ in step 2" says less than "… $x$ … which is 1,000".
            let between = &text[span.closes..at];
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

/// The last number, with its sign, groups, decimals, denominator, exponent and percent sign; and where it begins.
pub fn last_number(text: &str) -> Option<(usize, String)> {
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
