//! Literal numbers: groups of thousands, decimals, repeating decimals, exponents.

use super::{Comma, Lexer, Unreadable};
use crate::expression::Rational;
use crate::read::tokens::Kind;

impl Lexer<'_> {
    /// The characters that a thousands separator takes at this place, where one stands here.
    fn thousands_separator(&self) -> Option<usize> {
        let rest = &self.text[self.at..];
        let starts = |pattern: &str| pattern.chars().enumerate().all(|(index, c)| rest.get(index) == Some(&c));
        let mut width = if starts("{,}") {
            3
        } else if starts(",\\!") {
            3 + usize::from(rest.get(3) == Some(&' '))
        } else if starts(",") && self.comma == Comma::Thousands && self.brackets == 0 {
            1
        } else if starts("\\,") || starts("\\ ") || starts("\\;") {
            2
        } else if matches!(rest.first(), Some('\'' | '’')) && rest.get(4).is_none_or(|c| *c != '\'' || rest.len() > 5)
        {
            // As the Swiss write it.
            1
        } else if matches!(rest.first(), Some(' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '~' | '_')) {
            1
        } else {
            return None;
        };
        // `{,}\!` and the like.
        if rest.get(width) == Some(&'\\') && rest.get(width + 1) == Some(&'!') {
            width += 2;
        }
        let digits = rest[width..].iter().take_while(|c| c.is_ascii_digit()).count();
        (digits == 3).then_some(width)
    }

    fn digits(&mut self) -> String {
        let start = self.at;
        while self.digit(0) {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect()
    }

    pub(crate) fn number(&mut self) -> Result<(), Unreadable> {
        let mut whole = self.digits();
        if (1..=3).contains(&whole.len()) && !whole.starts_with('0') {
            while let Some(width) = self.thousands_separator() {
                self.at += width;
                let group = self.digits();
                whole.push_str(&group);
            }
        }
        let mut fraction = None;
        if self.peek(0) == Some('.') && self.digit(1) {
            self.at += 1;
            let mut digits = self.digits();
            // 0.123\,456
            while self.peek(0) == Some('\\')
                && matches!(self.peek(1), Some(',' | '!'))
                && (2..5).all(|ahead| self.digit(ahead))
                && digits.len().is_multiple_of(3)
            {
                self.at += 2;
                digits.push_str(&self.digits());
            }
            fraction = Some(digits);
        } else if self.comma == Comma::Decimal && self.brackets == 0 && self.peek(0) == Some(',') && self.digit(1) {
            self.at += 1;
            fraction = Some(self.digits());
        }
        if let Some(repeating) = self.repeating_digits(fraction.is_some()) {
            let value = repeating_decimal(&whole, fraction.as_deref().unwrap_or(""), &repeating).ok_or(Unreadable)?;
            self.push(Kind::Number(value, None, None));
            return Ok(());
        }
        if let Some(digits) = &fraction
            && self.take_dots()
            && let Some((start, period)) = repeated_block(digits)
        {
            let value =
                repeating_decimal(&whole, &digits[..start], &digits[start..start + period]).ok_or(Unreadable)?;
            self.push(Kind::Number(value, None, None));
            return Ok(());
        }
        let places = fraction.as_ref().map(|digits| digits.len() as u32);
        let mut value = Rational::from_digits(&whole, fraction.as_deref().unwrap_or("")).ok_or(Unreadable)?;
        let mut literal = fraction.is_none().then_some(whole);
        if let Some(exponent) = self.scientific_exponent() {
            let power = Rational::integer(10).power(exponent).ok_or(Unreadable)?;
            value = value.multiply(&power).ok_or(Unreadable)?;
            literal = None;
            let places = places.unwrap_or(0) as i64 - exponent;
            self.push(Kind::Number(value, Some(places.max(0) as u32), literal));
            return Ok(());
        }
        self.push(Kind::Number(value, places, literal));
        Ok(())
    }

    /// The digits under the line of `0.\overline{3}` or `0.1\overline{6}`, or in the brackets of `0.(3)`.
    fn repeating_digits(&mut self, after_digits: bool) -> Option<String> {
        let start = self.at;
        if !after_digits && self.peek(0) != Some('.') {
            return None;
        }
        self.at += usize::from(!after_digits);
        let rest: String = self.text[self.at..].iter().take(60).collect();
        let openings = ["\\overline{", "\\bar{", "\\dot{", "\\overline ", "("];
        for opening in &openings[..openings.len() - usize::from(after_digits)] {
            if rest.starts_with(opening) {
                self.at += opening.len();
                let digits = self.digits();
                let closed = matches!(self.peek(0), Some('}' | ')')) || *opening == "\\overline ";
                if !digits.is_empty() && closed {
                    self.at += usize::from(*opening != "\\overline ");
                    return Some(digits);
                }
            }
        }
        self.at = start;
        None
    }

    /// An ellipsis right after the digits of a decimal.
    fn take_dots(&mut self) -> bool {
        let rest: String = self.text[self.at..].iter().take(8).collect();
        let found = ["...", "…", "\\ldots", "\\dots", "\\cdots"].into_iter().find(|dots| rest.starts_with(dots));
        let Some(dots) = found else { return false };
        self.at += dots.chars().count();
        true
    }

    /// `e-7` or `E21` right after the digits.
    fn scientific_exponent(&mut self) -> Option<i64> {
        if !matches!(self.peek(0), Some('e' | 'E')) {
            return None;
        }
        let signed = matches!(self.peek(1), Some('+' | '-' | '−'));
        let first = 1 + usize::from(signed);
        if !self.digit(first) {
            return None;
        }
        let negative = matches!(self.peek(1), Some('-' | '−'));
        let start = self.at;
        self.at += first;
        let digits = self.digits();
        let Ok(size) = digits.parse::<i64>() else {
            self.at = start;
            return None;
        };
        if size > 10_000 {
            self.at = start;
            return None;
        }
        Some(if negative { -size } else { size })
    }
}

/// Where the digits of `0.1666…` begin to repeat, and with what period: three times the same digit, or twice the
/// same block of several.
fn repeated_block(digits: &str) -> Option<(usize, usize)> {
    let bytes = digits.as_bytes();
    for period in 1..=(bytes.len() / 2).min(12) {
        let times = if period == 1 { 3 } else { 2 };
        if bytes.len() < times * period {
            continue;
        }
        let tail = &bytes[bytes.len() - times * period..];
        if tail.chunks(period).all(|chunk| chunk == &tail[..period]) {
            let mut start = bytes.len() - times * period;
            while start > 0 && bytes[start - 1] == bytes[start - 1 + period] {
                start -= 1;
            }
            return Some((start, period));
        }
    }
    None
}

/// `0.1` and repeating `6`: the digits as they stand, and the period over as many nines.
fn repeating_decimal(whole: &str, fraction: &str, period: &str) -> Option<Rational> {
    let shift = Rational::integer(10).power(-(fraction.len() as i64))?;
    let nines = Rational::integer(10).power(period.len() as i64)?.subtract(&Rational::one())?;
    let tail = Rational::from_digits(period, "")?.divide(&nines)?;
    Rational::from_digits(whole, fraction)?.add(&tail.multiply(&shift)?)
}
