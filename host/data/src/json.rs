//! JSON as people have it: numbers keep their digits, and what nobody reads costs nothing.
//!
//! `serde_json::Value` holds a number as 64 bits, so that 12345678901234567890123 is read as another number, and refuses a
//! whole line for a `NaN` in a column that no one asked for. Here a line is first passed over without recursion
//! (`json/scan.rs`), which finds where its values begin and end, and a value is built only where it is read.

mod scan;

use serde_json::Value;
use std::fmt::{self, Write};

pub(crate) use scan::{Fault, Scanner};

/// The deepest nesting that is read. A value that is deeper can be passed over and not read.
pub const DEEPEST: usize = 128;
/// The most values that are read inside one column: items, entries and all that is nested in them.
pub const MOST_VALUES: usize = 1 << 22;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`, and `NaN`, by which Python writes a value that is missing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written, or `Infinity` with or without a minus.
    Number(Box<str>),
    /// A text. Half of a surrogate pair is read as U+FFFD.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object, its entries in the order in which they are written.
    Object(Vec<(String, Json)>),
}

/// What a path finds where the value it leads through is null.
pub(crate) static NULL: Json = Json::Null;

impl Json {
    /// Reads one value, which must be all of `bytes` but for blanks around it.
    ///
    /// # Errors
    /// What is wrong, as in "is not JSON: ends inside a text (byte 23)" or "is nested deeper than 128 levels".
    pub fn parse(bytes: &[u8]) -> Result<Json, String> {
        let mut scanner = Scanner::new(bytes);
        let mut left = MOST_VALUES;
        let value = scanner.value(DEEPEST, &mut left).map_err(|fault| fault.to_string())?;
        scanner.end().map_err(|fault| fault.to_string())?;
        Ok(value)
    }

    /// A text, number or boolean as text; None for null, a list or an object. Numbers are in plain decimal with all of
    /// their digits and without a fraction of zeros: data sets write 43.0 where the answer is 43.
    pub fn text(&self) -> Option<String> {
        match self {
            Json::Text(text) => Some(text.clone()),
            Json::Bool(flag) => Some(flag.to_string()),
            Json::Number(number) => Some(plain_decimal(number)),
            Json::Null | Json::List(_) | Json::Object(_) => None,
        }
    }

    /// What it is, as a noun with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }

    /// Bytes of memory that it takes, about.
    pub fn bytes(&self) -> usize {
        let own = size_of::<Json>();
        match self {
            Json::Null | Json::Bool(_) => own,
            Json::Number(text) => own + text.len(),
            Json::Text(text) => own + text.len(),
            Json::List(items) => own + items.iter().map(Json::bytes).sum::<usize>(),
            Json::Object(entries) => {
                own + entries
                    .iter()
                    .map(|(name, value)| size_of::<String>() + name.len() + value.bytes())
                    .sum::<usize>()
            }
        }
    }

    /// The same as serde_json holds it: a number as the nearest that 64 bits hold, an infinite one as a text.
    pub fn to_value(&self) -> Value {
        self.value(false)
    }

    /// As [`Json::to_value`], but a number that 64 bits do not hold becomes the text that it is written as.
    pub fn to_exact_value(&self) -> Value {
        self.value(true)
    }

    fn value(&self, exact: bool) -> Value {
        match self {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(text) => match serde_json::from_str::<serde_json::Number>(text) {
                Ok(number) if !exact || is_same(&number.to_string(), text) => Value::Number(number),
                _ => Value::String(text.to_string()),
            },
            Json::Text(text) => Value::String(text.clone()),
            Json::List(items) => Value::Array(items.iter().map(|item| item.value(exact)).collect()),
            Json::Object(entries) => {
                Value::Object(entries.iter().map(|(name, value)| (name.clone(), value.value(exact))).collect())
            }
        }
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(flag),
            Value::Number(number) => Json::Number(number.to_string().into()),
            Value::String(text) => Json::Text(text),
            Value::Array(items) => Json::List(items.into_iter().map(Json::from).collect()),
            Value::Object(entries) => {
                Json::Object(entries.into_iter().map(|(name, value)| (name, Json::from(value))).collect())
            }
        }
    }
}

/// Writes it as JSON, without blanks; an infinite number as a text, since JSON has none.
impl fmt::Display for Json {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => to.write_str("null"),
            Json::Bool(flag) => write!(to, "{flag}"),
            Json::Number(text) if text.ends_with("Infinity") => write!(to, "\"{text}\""),
            Json::Number(text) => to.write_str(text),
            Json::Text(text) => write_text(to, text),
            Json::List(items) => {
                to.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        to.write_char(',')?;
                    }
                    write!(to, "{item}")?;
                }
                to.write_char(']')
            }
            Json::Object(entries) => {
                to.write_char('{')?;
                for (index, (name, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        to.write_char(',')?;
                    }
                    write_text(to, name)?;
                    write!(to, ":{value}")?;
                }
                to.write_char('}')
            }
        }
    }
}

/// Writes `text` as a JSON text.
pub(crate) fn write_text(to: &mut impl Write, text: &str) -> fmt::Result {
    // Serialising a text has no way to fail.
    to.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

/// Whether two spellings are of one number.
fn is_same(one: &str, other: &str) -> bool {
    let shortest = |number: &str| match plain_decimal(number) {
        plain if plain.contains('.') => plain.trim_end_matches('0').to_owned(),
        plain => plain,
    };
    shortest(one) == shortest(other)
}

/// The longest shift of the decimal point by an exponent that is written out.
const LONGEST_SHIFT: i64 = 400;

/// A JSON number in plain decimal: every digit is kept, a fraction of zeros is not. A number with an exponent beyond
/// ±400 stays as it is written.
pub fn plain_decimal(number: &str) -> String {
    let (sign, rest) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => match exponent.parse::<i64>() {
            Ok(exponent) if exponent.abs() <= LONGEST_SHIFT => (mantissa, exponent),
            _ => return number.to_owned(),
        },
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i64 + exponent;
    let (whole, fraction) = if point <= 0 {
        (String::new(), "0".repeat(point.unsigned_abs() as usize) + &digits)
    } else if point as usize >= digits.len() {
        let zeros = "0".repeat(point as usize - digits.len());
        (digits + &zeros, String::new())
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        (whole.to_owned(), fraction.to_owned())
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = if fraction.bytes().all(|digit| digit == b'0') { "" } else { fraction.as_str() };
    match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests;
