//! From text to expressions: an answer, or a reference, and every way to read it as mathematics.
//!
//! [`ParsedText`] holds both. The steps: `lexer` turns characters into `tokens`, `parser` turns tokens into the
//! [`Expression`] tree; what no formula says is read by [`words`] (choices, "yes", "no solution"), `number_words`
//! ("two and a half"), `sets_in_words` ("all real numbers except 0") and `units` ("metres per second").

pub(crate) mod lexer;
pub(crate) mod number_words;
pub(crate) mod parser;
mod sets_in_words;
pub(crate) mod tokens;
pub(crate) mod units;
pub mod words;

use crate::expression::{Expression, Joint, Relation};
use lexer::Comma;
use tokens::Kind;

/// A text with its readings; the first is the usual one.
#[derive(Debug, Clone)]
pub struct ParsedText {
    /// As written.
    pub text: String,
    /// Readings as mathematics, possibly none.
    pub readings: Vec<Expression>,
    /// Whether it is too long to be anything but text.
    pub is_long: bool,
}

impl ParsedText {
    /// Reads a text in every way that its commas allow.
    ///
    /// A decimal comma is tried only where `decimal_comma` says so, for one comma outside brackets that does not
    /// set off thousands: in a reference `5,15` is a list.
    pub fn read(written: &str, max_bytes: usize, decimal_comma: bool) -> Self {
        if written.len() > max_bytes {
            return Self { text: written.to_string(), readings: Vec::new(), is_long: true };
        }
        let mut stripped = without_condition(&strip_delimiters(written));
        // LaTeX's colon without space.
        if stripped.contains("{:}") {
            stripped = stripped.replace("{:}", ":");
        }
        if decimal_comma && let Some(cut) = denied_rest(&stripped) {
            stripped.truncate(cut);
        }
        let stripped = with_plain_unit(stripped);
        let mut readings = Vec::new();
        readings.extend(numbered_choices(&stripped));
        if let Some(set) = sets_in_words::read(&stripped) {
            readings.push(set);
        }
        let mut ways = vec![Comma::Thousands];
        if stripped.contains(',') && !is_grouped(&stripped, decimal_comma) {
            ways.push(Comma::Separator);
        }
        if decimal_comma && has_decimal_comma(&stripped) {
            ways.push(Comma::Decimal);
        }
        let hours = with_plain_hours(&stripped).or_else(|| with_plain_seconds(&stripped));
        for way in ways {
            if let Ok(expression) = parser::parse(hours.as_deref().unwrap_or(&stripped), way) {
                let expression = in_dollars(&stripped, without_membership(expression));
                if !readings.contains(&expression) {
                    readings.push(expression);
                }
            }
        }
        // `x = 1 / x = 2`, `1/2 / 1/3`: alternatives.
        if decimal_comma && (stripped.contains(" / ") || stripped.contains("\\ /\\ ")) && stripped.len() < 300 {
            let listed = stripped.replace("\\ /\\ ", ", ").replace(" / ", ", ");
            if let Ok(list @ Expression::List(..)) = parser::parse(&listed, Comma::Separator) {
                readings.push(list);
            }
        }
        if !stripped.contains(|c: char| c.is_ascii_digit() || "=^_".contains(c))
            && let Some(value) = number_words::value(&words::words(&stripped).join(" "))
        {
            readings.insert(0, Expression::rational(value));
        }
        Self { text: stripped, readings, is_long: false }
    }

    /// The reading of a single comma as a decimal one, where that is possible.
    pub(crate) fn with_decimal_comma(&self) -> Option<Expression> {
        // `1,2` are two values; `0,25` and `3,50 €` are one.
        let (_, after) = self.text.split_once(',')?;
        let places = after.bytes().take_while(u8::is_ascii_digit).count();
        let one = places > 1 || self.text.trim_start_matches(['-', '−', '$']).starts_with("0,");
        (one && has_decimal_comma(&self.text)).then(|| parser::parse(&self.text, Comma::Decimal).ok()).flatten()
    }

    /// Whether every reading is words alone.
    pub fn is_text(&self) -> bool {
        self.readings.iter().all(is_words)
    }

    /// Whether there is nothing in it to compare.
    pub fn is_blank(&self) -> bool {
        self.readings.iter().all(|reading| *reading == Expression::Dots)
            && !self.text.chars().any(char::is_alphanumeric)
    }
}

fn is_words(expression: &Expression) -> bool {
    match expression {
        Expression::Text(_) => true,
        Expression::List(_, items) => items.iter().all(is_words),
        _ => false,
    }
}

/// Several numbers in circles, with or without commas between: the statements that are true.
fn numbered_choices(text: &str) -> Option<Expression> {
    let mut numbers = Vec::new();
    for character in text.chars() {
        match character {
            '①'..='⑳' => numbers.push(Expression::integer(i64::from(character as u32 - '①' as u32) + 1)),
            ',' | '、' | '，' | ' ' => {}
            _ => return None,
        }
    }
    (numbers.len() > 1).then_some(Expression::List(Joint::Comma, numbers))
}

/// `a.m.` and `P.M.` without their points, where there are such.
fn with_plain_hours(text: &str) -> Option<String> {
    let half = text.contains(".m.") || text.contains(".M.");
    half.then(|| text.replace("a.m.", "am").replace("p.m.", "pm").replace("A.M.", "AM").replace("P.M.", "PM"))
}

/// "2 min 30 s" with a word for its seconds, which alone are a variable; so for "2 km 300 m" and "3 kg 50 g".
fn with_plain_seconds(text: &str) -> Option<String> {
    let (larger, smaller, word) = [("min", " s", "seconds"), ("km", " m", "meters"), ("kg", " g", "grams")]
        .into_iter()
        .find(|(_, short, _)| text.ends_with(short))?;
    let before = text.strip_suffix(smaller)?;
    (before.contains(larger) && before.ends_with(|c: char| c.is_ascii_digit())).then(|| format!("{before} {word}"))
}

/// An amount after a dollar sign that does not open a formula, with its unit: `$20` is not 20 cents.
fn in_dollars(text: &str, expression: Expression) -> Expression {
    let text = text.trim_start_matches(['-', '−', ' ']);
    let amount = text.strip_prefix("\\$").or_else(|| text.strip_prefix('$'));
    let amount = amount.is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '.'));
    let plain = |part: &Expression| matches!(part, Expression::Number(_));
    match &expression {
        part if amount && plain(part) => Expression::Quantity(expression.into(), "dollars".into()),
        Expression::Negative(inner) if amount && plain(inner) => {
            Expression::Quantity(expression.into(), "dollars".into())
        }
        _ => expression,
    }
}

/// `12 (apples)` and `$1.5$ m`: a unit in brackets, or after a formula, written as words.
fn with_plain_unit(text: String) -> String {
    if let Some((value, unit)) = text.rsplit_once("$ ")
        && value.starts_with('$')
        && units::measure(unit).is_some()
    {
        return format!("{} \\text{{{unit}}}", &value[1..]);
    }
    let Some((value, unit)) = text.strip_suffix(')').and_then(|rest| rest.split_once(" (")) else { return text };
    let words = unit.chars().all(|c| c.is_alphabetic() || " -'.".contains(c));
    let number = value.ends_with(|c: char| c.is_ascii_digit() || c == '}') && !value.contains('(');
    if words && number && unit.chars().count() > 1 { format!("{value} \\text{{{unit}}}") } else { text }
}

/// Where an answer begins to say what it is not: "42, not 41".
fn denied_rest(text: &str) -> Option<usize> {
    let cut = [
        ", not ",
        "\\text{ (not",
        " (not ",
        ",\\text{ not",
        "\\text{, not",
        ", \\text{not",
        ",\\text{not",
        "\\text{ not ",
    ]
    .iter()
    .filter_map(|words| text.find(words))
    .min()?;
    text[..cut].contains(|c: char| c.is_alphanumeric()).then_some(cut)
}

/// Whether the whole text is one number in groups of thousands, such as `10,000`, whose commas separate nothing. In an
/// answer `58,500` may still be two numbers; with a group that begins with zero it may not.
fn is_grouped(text: &str, answer: bool) -> bool {
    let number = text.trim_start_matches(|c: char| "-−+$\\ €£¥".contains(c));
    let number = number.split([' ', '\\', '%', '.', '$']).next().unwrap_or("");
    let mut groups = number.split(',');
    let first = groups.next().unwrap_or("");
    let digits = |group: &str| group.bytes().all(|c| c.is_ascii_digit());
    let (mut several, mut zero) = (false, false);
    for group in groups {
        if group.len() != 3 || !digits(group) {
            return false;
        }
        several = true;
        zero |= group.starts_with('0');
    }
    several && (1..=3).contains(&first.len()) && digits(first) && !first.starts_with('0') && (zero || !answer)
}

/// Whether the only comma lies between digits and does not set off a group of three.
fn has_decimal_comma(text: &str) -> bool {
    let Some((before, after)) = text.split_once(',') else { return false };
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
    let places = digits(after);
    !after.contains(',')
        && before.ends_with(|c: char| c.is_ascii_digit())
        && places > 0
        && (places != 3 || before.chars().rev().take_while(char::is_ascii_digit).count() > 3)
}

/// Without a condition on parameters at the end, such as "for some integer t" or "where k is an integer".
fn without_condition(text: &str) -> String {
    const CONDITIONS: [&str; 10] = [
        "\\text{ for ",
        "\\text{for ",
        "\\text{ where",
        "\\text{where",
        " for some ",
        " for any ",
        " for all ",
        " for every ",
        ", where ",
        " where ",
    ];
    if !text.contains(['f', 'w']) {
        return text.to_string();
    }
    // Only after an answer of its own: "part (a) for all" has no mathematics in front.
    let cut = CONDITIONS.iter().filter_map(|condition| text.find(condition)).min();
    match cut {
        Some(cut) if text[..cut].contains(['=', '(', '\\', '^']) && !text[cut..].contains("and }") => {
            text[..cut].trim_end_matches([' ', ',', '$', '\\']).to_string()
        }
        _ => text.to_string(),
    }
}

/// Without `k \in \mathbb{Z}` after an answer that `k` is a parameter of, as an entry of its own or in brackets.
fn without_membership(expression: Expression) -> Expression {
    let parameter = |part: &Expression| match part {
        Expression::Chain(first, rest) => match (&**first, rest.as_slice()) {
            (Expression::Symbol(name), [(Relation::In, Expression::Symbol(set))]) if "ℤℕℝℚ".contains(set.as_str()) => {
                Some(name.clone())
            }
            _ => None,
        },
        _ => None,
    };
    let used = |name: &String, by: &[Expression]| {
        by.iter().any(|other| other.any(&|part| matches!(part, Expression::Symbol(own) if own == name)))
    };
    match expression {
        Expression::List(joint, mut items) => {
            while let Some((last, before)) = items.split_last()
                && let Some(name) = parameter(last)
                && used(&name, before)
            {
                items.pop();
            }
            if items.len() == 1 { items.remove(0) } else { Expression::List(joint, items) }
        }
        Expression::Product(mut factors) => {
            if let Some((last, before)) = factors.split_last()
                && let Some(name) = parameter(last)
                && used(&name, before)
            {
                factors.pop();
            }
            if factors.len() == 1 { factors.remove(0) } else { Expression::Product(factors) }
        }
        Expression::Sum(mut terms) => {
            if let Some(last) = terms.pop() {
                terms.push(without_membership(last));
            }
            Expression::Sum(terms)
        }
        Expression::Chain(first, mut rest) if rest.iter().all(|(relation, _)| *relation != Relation::In) => {
            if let Some((relation, last)) = rest.pop() {
                rest.push((relation, without_membership(last)));
            }
            Expression::Chain(first, rest)
        }
        other => other,
    }
}

/// Whether a text is mathematics in the grammar of this crate and not a sentence; delimiters around the whole are dropped.
pub fn reads_as_mathematics(text: &str) -> bool {
    is_mathematics(&strip_delimiters(text))
}

/// Whether a text without delimiters is mathematics and not a sentence: words only as short units after a value.
pub(crate) fn is_mathematics(written: &str) -> bool {
    let foreign = |c: char| c.is_alphabetic() && !c.is_ascii() && tokens::unicode(c).is_none();
    let words = |text: &str| {
        text.split_whitespace().count() <= 2
            && !text.split_whitespace().any(|word| lexer::letters::is_short_word(&word.to_lowercase()))
    };
    let written = &without_condition(written);
    let Ok(tokens) = lexer::tokens(written, Comma::Thousands) else { return false };
    let prose = tokens.iter().enumerate().any(|(index, token)| match &token.kind {
        // A unit stands after a value.
        Kind::Text(text) => {
            let after_value = index > 0
                && matches!(
                    tokens[index - 1].kind,
                    Kind::Number(..) | Kind::Close(_) | Kind::Constant(_) | Kind::Percent | Kind::Degree
                );
            let subscript = index > 0 && tokens[index - 1].kind == Kind::Underscore
                || index > 1 && tokens[index - 2].kind == Kind::Underscore;
            !subscript && (!after_value || !words(text))
        }
        _ => false,
    });
    !prose && !written.chars().any(foreign) && parser::parse(written, Comma::Thousands).is_ok()
}

/// Without one pair of delimiters around the whole.
pub fn strip_delimiters(text: &str) -> String {
    let text = text.trim();
    for (open, close) in [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")] {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close))
            && !inner.is_empty()
            && !inner.contains(open)
        {
            return inner.trim().to_string();
        }
    }
    text.to_string()
}
