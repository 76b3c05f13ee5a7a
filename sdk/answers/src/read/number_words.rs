//! Numbers written as words: "twenty-one", "three-fifths", "two and a half", "first", `XIV`.

use crate::expression::Rational;

/// The value of a text that is nothing but number words.
pub fn value(text: &str) -> Option<Rational> {
    if text.len() > 200 || !text.contains(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let lower = text.to_lowercase().replace(['-', ',', '‑'], " ");
    let words: Vec<&str> = lower.split_whitespace().collect();
    if words.is_empty() || words.len() > 20 {
        return None;
    }
    if let ["minus" | "negative", rest @ ..] = words.as_slice()
        && !rest.is_empty()
    {
        return value(&rest.join(" ")).filter(|size| !size.is_negative()).map(|size| size.negate());
    }
    if let Some(whole) = cardinal(&words) {
        return Some(Rational::integer(whole));
    }
    if let Some(part) = fraction(&words) {
        return Some(part);
    }
    // "two and a half"
    if let Some(joint) = words.iter().rposition(|word| *word == "and")
        && let (Some(whole), Some(part)) = (cardinal(&words[..joint]), fraction(&words[joint + 1..]))
        && part < Rational::one()
    {
        return Rational::integer(whole).add(&part);
    }
    ordinal(&words).map(Rational::integer)
}

/// The number words of a sentence that has one number only, in words: "Tom has three apples". A "one" alone and
/// ordinals count nothing.
pub fn only(sentence: &str) -> Option<String> {
    if sentence.len() > 400 {
        return None;
    }
    let lower = sentence.to_lowercase();
    let lower = lower.split(", not ").next().unwrap_or("");
    let words: Vec<&str> =
        lower.split(|c: char| !(c.is_alphanumeric() || c == '-')).filter(|word| !word.is_empty()).collect();
    let counts = |word: &str| {
        word.split('-').all(|part| {
            SMALL.contains(&part) || TENS.contains(&part) || matches!(part, "hundred" | "thousand" | "million")
        })
    };
    let mut found: Option<String> = None;
    let mut at = 0;
    while at < words.len() {
        if !counts(words[at]) {
            at += 1;
            continue;
        }
        let mut end = at + 1;
        let goes_on = |end: usize| words.get(end).is_some_and(|word| counts(word));
        while goes_on(end) || words.get(end) == Some(&"and") && goes_on(end + 1) {
            end += 1;
        }
        let mut run = words[at..end].join(" ");
        let whole = value(&run)?;
        let next = words.get(end).copied().unwrap_or("");
        // "two thirds", "two and a half" are more than the run.
        let more = next == "and" && words.get(end + 1) == Some(&"a")
            || next.ends_with("ths")
            || matches!(next, "halves" | "thirds" | "quarters" | "third" | "quarter");
        match at.checked_sub(1).map(|before| words[before]) {
            Some("minus" | "negative") => run = format!("minus {run}"),
            // A bound, a denial, the number of a step.
            Some(
                "than" | "but" | "except" | "least" | "most" | "over" | "under" | "not" | "step" | "part" | "case"
                | "chapter" | "day",
            ) => {
                return None;
            }
            _ => {}
        }
        if matches!(next, "dozen" | "dozens") {
            run = whole.multiply(&Rational::integer(12))?.to_string();
        }
        if run != "one" && (more || found.replace(run).is_some()) {
            return None;
        }
        at = end;
    }
    found
}

/// The place that a word names: "third" or "3rd".
pub fn place(word: &str) -> Option<i64> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.is_empty() {
        return ordinal_word(word);
    }
    matches!(&word[digits.len()..], "st" | "nd" | "rd" | "th").then(|| digits.parse().ok()).flatten()
}

/// "three thousand and five"
fn cardinal(words: &[&str]) -> Option<i64> {
    let (mut total, mut group, mut any) = (0i64, 0i64, false);
    for word in words {
        let small = SMALL.iter().position(|name| name == word);
        let tens = TENS.iter().position(|name| name == word);
        match *word {
            "and" if any => continue,
            "a" if !any && words.len() > 1 => {
                group = 1;
                any = true;
            }
            "hundred" if any => group = group.checked_mul(100)?,
            "thousand" | "million" | "billion" if any => {
                let factor = super::units::scale(word)?;
                total = total.checked_add(group.checked_mul(factor)?)?;
                group = 0;
            }
            _ => {
                let value = match (small, tens) {
                    (Some(index), _) => index as i64,
                    (_, Some(index)) => 10 * (index as i64 + 2),
                    _ => return None,
                };
                group = group.checked_add(value)?;
                any = true;
            }
        }
    }
    // "twenty and" is cut short.
    (any && words.last() != Some(&"and")).then(|| total.checked_add(group)).flatten()
}

/// "one half", "a quarter", "three fifths"; a lone "third" is an ordinal.
fn fraction(words: &[&str]) -> Option<Rational> {
    let (last, before) = words.split_last()?;
    let plural = last.ends_with('s') || *last == "halves";
    let bottom = match *last {
        "half" | "halves" => 2,
        "quarter" | "quarters" => 4,
        other => ordinal_word(other.strip_suffix('s').unwrap_or(other)).filter(|bottom| *bottom > 2)?,
    };
    let article = before == ["a"] || before == ["an"];
    let top = match before {
        [] if bottom == 2 || *last == "quarter" => 1,
        [] => return None,
        _ if article => 1,
        _ => cardinal(before)?,
    };
    // "twenty fifth" is an ordinal, "twenty fifths" are four.
    if !plural && top != 1 {
        return None;
    }
    Rational::integer(top).divide(&Rational::integer(bottom))
}

fn ordinal(words: &[&str]) -> Option<i64> {
    let (last, before) = words.split_last()?;
    let place = ordinal_word(last)?;
    match before {
        [] => Some(place),
        _ => cardinal(before)?.checked_add(place).filter(|_| place < 10),
    }
}

fn ordinal_word(word: &str) -> Option<i64> {
    const IRREGULAR: [(&str, i64); 7] =
        [("first", 1), ("second", 2), ("third", 3), ("fifth", 5), ("eighth", 8), ("ninth", 9), ("twelfth", 12)];
    if let Some((_, place)) = IRREGULAR.iter().find(|(name, _)| *name == word) {
        return Some(*place);
    }
    let stem = word.strip_suffix("th")?;
    if let Some(tens) =
        stem.strip_suffix("ie").and_then(|stem| TENS.iter().position(|name| name.strip_suffix('y') == Some(stem)))
    {
        return Some(10 * (tens as i64 + 2));
    }
    match stem {
        "hundred" => Some(100),
        "thousand" => Some(1000),
        _ => SMALL.iter().position(|name| *name == stem).filter(|place| *place > 3).map(|place| place as i64),
    }
}

/// A Roman numeral of at least two letters; one letter is a name or a variable.
pub fn roman(text: &str) -> Option<i64> {
    const LETTERS: [(char, i64); 7] = [('I', 1), ('V', 5), ('X', 10), ('L', 50), ('C', 100), ('D', 500), ('M', 1000)];
    let text = text.trim();
    if !(2..=15).contains(&text.len()) {
        return None;
    }
    let values: Option<Vec<i64>> =
        text.chars().map(|c| LETTERS.iter().find(|(letter, _)| *letter == c).map(|(_, value)| *value)).collect();
    let values = values?;
    let total: i64 = values
        .iter()
        .enumerate()
        .map(|(index, value)| if values.get(index + 1).is_some_and(|next| next > value) { -value } else { *value })
        .sum();
    // Only the usual spelling counts: `IIII` and `IC` are products of variables.
    (written_in_roman(total).as_deref() == Some(text)).then_some(total)
}

fn written_in_roman(value: i64) -> Option<String> {
    const PARTS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..4000).contains(&value) {
        return None;
    }
    let (mut left, mut out) = (value, String::new());
    for (size, letters) in PARTS {
        while left >= size {
            out.push_str(letters);
            left -= size;
        }
    }
    Some(out)
}

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_value() {
        let is = |text: &str, top: i64, bottom: i64| {
            assert_eq!(value(text), Rational::integer(top).divide(&Rational::integer(bottom)), "{text}");
        };
        is("twenty-one", 21, 1);
        is("three thousand and five", 3005, 1);
        is("a hundred", 100, 1);
        is("three-fifths", 3, 5);
        is("one half", 1, 2);
        is("a third", 1, 3);
        is("quarter", 1, 4);
        is("two and a half", 5, 2);
        is("third", 3, 1);
        is("twenty-fifth", 25, 1);
        is("fortieth", 40, 1);
        for text in ["", "seven apples", "twenty and", "the", "seventh heaven"] {
            assert_eq!(value(text), None, "{text}");
        }
        assert_eq!((roman("XIV"), roman("IIII"), roman("X"), roman("MIXED")), (Some(14), None, None, None));
    }
}
