//! An answer as text and every way to read it as mathematics.

use crate::expression::{Expression, Number};
use crate::lexer::Comma;
use crate::{exact::Rational, parse, text};

/// An answer with its readings; the first is the usual one.
#[derive(Debug, Clone)]
pub struct Answer {
    /// As written.
    pub text: String,
    /// Readings as mathematics, possibly none.
    pub readings: Vec<Expression>,
}

impl Answer {
    /// Reads a text in every way that its commas allow.
    pub fn read(written: &str, max_bytes: usize) -> Self {
        let stripped = crate::extract::strip_delimiters(written);
        let mut readings = Vec::new();
        if stripped.len() <= max_bytes {
            let commas = stripped.contains(',');
            let ways: &[Comma] =
                if commas { &[Comma::Thousands, Comma::Separator, Comma::Decimal] } else { &[Comma::Thousands] };
            for way in ways {
                if let Ok(expression) = parse::answer(&stripped, *way)
                    && !readings.contains(&expression)
                {
                    readings.push(expression);
                }
            }
            if let Some(value) = text::number_words(&stripped) {
                readings.insert(0, Expression::Number(Number { value: Rational::integer(value), places: None }));
            }
        }
        Self { text: stripped, readings }
    }

    /// Whether every reading is words alone.
    pub fn is_text(&self) -> bool {
        self.readings.iter().all(|reading| matches!(reading, Expression::Text(_)))
    }

    /// Whether there is nothing in it to compare.
    pub fn is_blank(&self) -> bool {
        self.readings.is_empty() && !self.text.chars().any(char::is_alphanumeric)
    }
}

/// Whether a text is mathematics and no sentence.
pub fn is_mathematics(written: &str, comma: Comma) -> bool {
    parse::answer(written, comma).is_ok_and(|expression| {
        !expression.any(&|part| match part {
            Expression::Text(_) => true,
            Expression::Quantity(_, unit) => unit.split_whitespace().count() > 3,
            _ => false,
        })
    })
}
