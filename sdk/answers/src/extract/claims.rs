//! What of a text states an answer: not a remark about it ("is correct"), not a heading or the number of a step, not a
//! bound ("more than 41") and not a value that the text denies ("not 41").

use super::Expectation;
use crate::read::{self, number_words, words};

/// Judgements about an answer, in front of which nothing is stated: "this answer is correct because …".
const REMARKS: [&str; 54] = [
    "correct",
    "right",
    "wrong",
    "incorrect",
    "reasonable",
    "unreasonable",
    "unique",
    "valid",
    "invalid",
    "consistent",
    "inconsistent",
    "verified",
    "confirmed",
    "checked",
    "plausible",
    "sensible",
    "sound",
    "clear",
    "obvious",
    "positive",
    "good",
    "sure",
    "indeed",
    "also",
    "as",
    "always",
    "independent",
    "supported",
    "expected",
    "based",
    "likely",
    "close",
    "within",
    "in",
    "rounded",
    "called",
    "shown",
    "below",
    "less",
    "more",
    "greater",
    "smaller",
    "larger",
    "divisible",
    "obtained",
    "found",
    "computed",
    "calculated",
    "derived",
    "determined",
    "justified",
    "odd",
    "even",
    "prime",
];

/// Words in front of a number that make a bound of it.
const BOUNDS: [&str; 21] = [
    "more than",
    "less than",
    "greater than",
    "fewer than",
    "larger than",
    "smaller than",
    "bigger than",
    "higher than",
    "lower than",
    "at least",
    "at most",
    "no more than",
    "no less than",
    "not more than",
    "not less than",
    "up to",
    "above",
    "below",
    "over",
    "under",
    "exceeding",
];

/// Words in front of a number that say it is another one's: the number of a step, a value that was given up.
const POINTERS: [&str; 53] = [
    "step",
    "steps",
    "part",
    "case",
    "equation",
    "eq",
    "eq.",
    "line",
    "section",
    "question",
    "problem",
    "exercise",
    "theorem",
    "lemma",
    "figure",
    "table",
    "page",
    "method",
    "example",
    "not",
    "than",
    "never",
    "can't be",
    "cannot be",
    "couldn't be",
    "isn't",
    "wasn't",
    "rounded from",
    "instead of",
    "up from",
    "down from",
    "exceed",
    "exceeds",
    "exceeding",
    "multiple of",
    "multiples of",
    "divisible by",
    "factor of",
    "divisor of",
    "beyond",
    "remark",
    "footnote",
    "chapter",
    "appendix",
    "above",
    "below",
    "anything over",
    "anything under",
    "number no.",
    "p.",
    "pp.",
    "vol.",
    "or equal to",
];

/// Whether a sentence after "the answer is" states one.
pub(crate) fn states(sentence: &str, expects: Expectation) -> bool {
    let plain = sentence.trim_start_matches(|c: char| c.is_whitespace() || "*_\"'(".contains(c));
    let plain = plain.trim_end_matches(['.', '!', '*', ' ']);
    let first: String = plain.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_ascii_lowercase();
    let more = plain.len() > first.len();
    if REMARKS.contains(&first.as_str()) {
        // "The answer is correct." may be all that is to be said, and "in $(0, 1)$" is a formula.
        let formula = plain.contains(" to be ")
            || matches!(first.as_str(), "in" | "as" | "also" | "indeed" | "always" | "below" | "within")
                && plain.contains(['$', '\\']);
        let said = expects != Expectation::Mathematics && words::meaning(plain).is_some();
        if !formula && (more || expects == Expectation::Mathematics) && !said {
            return false;
        }
    }
    if expects == Expectation::Mathematics && is_related(plain) {
        return false;
    }
    if first == "not" && !plain.contains(" but ") && words::meaning(plain).is_none() {
        return expects == Expectation::Text && !plain.contains(|c: char| c.is_ascii_digit());
    }
    if expects != Expectation::Mathematics {
        return !plain.is_empty();
    }
    let speaks = |c: char| c.is_numeric() || "\\$=<>^".contains(c) || (!c.is_ascii() && c.is_alphanumeric());
    plain.contains(speaks)
        || plain.split(|c: char| !c.is_alphanumeric()).any(|word| {
            let mut letters = word.chars();
            matches!((letters.next(), letters.next()), (Some(letter), None) if !matches!(letter, 'a' | 'A' | 'I'))
        })
        || words::meaning(plain).is_some()
        || words::agreement(plain).is_some()
        || number_words::value(&words::words(plain).join(" ")).is_some()
        || counted(plain)
        || read::is_mathematics(plain)
}

/// Whether a sentence says what its answer is to another number: "a multiple of 11".
fn is_related(plain: &str) -> bool {
    let mut words = plain.split(' ').map(str::to_ascii_lowercase);
    let article = words.next().is_some_and(|word| matches!(word.as_str(), "a" | "an"));
    article
        && words.next().is_some_and(|word| {
            matches!(word.as_str(), "multiple" | "divisor" | "factor" | "power" | "solution" | "root" | "member")
        })
        && !plain.contains("namely")
        && !plain.contains(':')
        && (!plain.contains('=') || plain.contains("solution") || plain.contains("root"))
}

/// Whether a sentence after "the answer is" only judges it or relates it to another number.
pub(super) fn is_remark(sentence: &str) -> bool {
    let plain = sentence.trim_start_matches(|c: char| c.is_whitespace() || "*_\"'(".contains(c));
    let first: String = plain.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_ascii_lowercase();
    is_related(plain) || REMARKS.contains(&first.as_str()) && !plain.contains(['$', '\\', '=', ':'])
}

/// Whether a sentence begins with a number in words: "forty-two apples".
fn counted(sentence: &str) -> bool {
    let words: Vec<String> = words::words(sentence).into_iter().take(2).collect();
    words.iter().any(|word| number_words::value(&word.to_lowercase()).is_some())
}

/// Whether a line in a list or a heading is only that: "2. Count the apples", "Step 3: …", "Let us begin".
pub(super) fn is_heading(line: &str) -> bool {
    let line = line.trim().trim_start_matches(['*', '_', '#', ' ']);
    if numbered(line).is_some() {
        return true;
    }
    let word: String = line.chars().take_while(|c| c.is_alphabetic()).collect();
    let rest = line[word.len()..].trim_start();
    let lower = word.to_lowercase();
    let step = matches!(
        lower.as_str(),
        "step"
            | "part"
            | "case"
            | "section"
            | "question"
            | "problem"
            | "exercise"
            | "method"
            | "example"
            | "phase"
            | "solution"
            | "remark"
            | "note"
            | "approach"
            | "proof"
            | "lemma"
            | "theorem"
            | "claim"
    );
    if step && rest.starts_with(|c: char| c.is_ascii_digit() || "IVX".contains(c)) {
        return true;
    }
    word.chars().count() > 3 && !line.chars().any(|c| c.is_ascii_digit()) && !line.contains(['\\', '$', '='])
}

/// What follows the number of a list's entry (`3. Done`, `2) Add`), where words follow.
pub(super) fn numbered(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = line.len() - rest.len();
    if digits == 0 || digits > 2 {
        return None;
    }
    let rest = rest.strip_prefix(['.', ')', ':'])?;
    let rest = rest.strip_prefix([' ', '\t', '*'])?.trim_start_matches([' ', '\t', '*', '_']);
    let word = rest.chars().take_while(|c| c.is_alphabetic()).count();
    (word > 1).then_some(rest)
}

/// Whether the number at `at` points elsewhere: the number of a line or a step, a bound, a value that is denied.
pub(super) fn is_pointer(text: &str, at: usize) -> bool {
    let line_start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let before = text[line_start..at].trim_start_matches([' ', '\t', '*', '_', '#', '-']);
    if before.is_empty() && numbered(text[at..].lines().next().unwrap_or("")).is_some() {
        return true;
    }
    // `[1]` after a sentence is a citation.
    let cited = text[..at]
        .strip_suffix('[')
        .is_some_and(|before| before.trim_end().ends_with(|c: char| c.is_ascii_digit() || ".%".contains(c)));
    let after = text[at..].trim_start_matches(|c: char| c.is_ascii_digit());
    if cited && after.starts_with([']', ',']) {
        return true;
    }
    // "from (1) and (2)" names equations.
    if let Some(before) = text[..at].strip_suffix('(')
        && after.starts_with(')')
    {
        let word = before.trim_end().rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or("");
        if matches!(word, "from" | "and" | "by" | "in" | "using" | "equation" | "equations" | "eq" | "with" | "into") {
            return true;
        }
    }
    let mut start = at.saturating_sub(24);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let near = text[start..at].to_ascii_lowercase();
    let near = near.trim_end_matches([' ', '$', '(', '*', '#', '\u{a0}']);
    let ends_with =
        |phrase: &str| near.strip_suffix(phrase).is_some_and(|head| !head.ends_with(|c: char| c.is_alphanumeric()));
    // "He has over 9 marbles", but not "5 over 9".
    let over = ["over", "under"].iter().any(|word| {
        near.strip_suffix(word)
            .is_some_and(|head| head.ends_with(' ') && head.trim_end().ends_with(char::is_alphabetic))
    });
    if over {
        return true;
    }
    let compared = ["\\le", "\\leq", "\\ge", "\\geq", "\\lt", "\\gt", "\\leqslant", "\\geqslant"];
    POINTERS.iter().any(|phrase| ends_with(phrase)) || compared.iter().any(|sign| near.ends_with(sign))
}

/// Whether the number at `at` counts what is known already: "for the 2 tickets", "with her 3 friends".
pub(super) fn is_known_amount(text: &str, at: usize, end: usize) -> bool {
    let before = text[..at].trim_end_matches(' ');
    let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    let known = matches!(word, "the" | "these" | "those" | "his" | "her" | "their" | "my" | "our" | "your");
    // "52 km/h on day 2"
    let mut ahead = before[..before.len() - word.len()].trim_end().rsplit(|c: char| !c.is_alphabetic());
    let dated =
        matches!(word, "day" | "week" | "month" | "round" | "level" | "grade" | "room" | "lap" | "trip" | "page")
            && ahead.next().is_some_and(|word| matches!(word, "on" | "in" | "for" | "at" | "of" | "during"));
    if dated {
        return true;
    }
    let next = text[end..].strip_prefix(' ').unwrap_or("");
    let noun: String = next.chars().take_while(|c| c.is_alphabetic()).collect();
    known && noun.len() > 2 && !matches!(noun.as_str(), "remaining" | "left" | "others" | "more" | "and" | "that")
}

/// Whether a text states a bound: "more than 41". `at least` and `at most` are what some problems ask for, as words of
/// a sentence; as the whole answer they are a bound.
pub(crate) fn is_bound(text: &str) -> bool {
    let signed = text.trim_start_matches(|c: char| c.is_whitespace() || c == '$');
    let sign = ["\\ge", "\\le", "\\gt", "\\lt"]
        .iter()
        .any(|sign| signed.strip_prefix(sign).is_some_and(|rest| !rest.starts_with("ft")));
    if sign || signed.starts_with(['<', '>', '≤', '≥']) {
        return true;
    }
    let plain = text.trim_start_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
    let plain = plain.strip_prefix("text{").or_else(|| plain.strip_prefix("textrm{")).unwrap_or(&plain).trim_start();
    let plain = ["is ", "just ", "slightly ", "a little ", "somewhat "]
        .iter()
        .find_map(|word| plain.strip_prefix(word))
        .unwrap_or(plain);
    BOUNDS.iter().any(|bound| plain.strip_prefix(bound).is_some_and(|rest| !rest.starts_with(char::is_alphabetic)))
        && !text.trim_start().starts_with(|c: char| c.is_ascii_digit())
}
