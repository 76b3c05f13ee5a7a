//! What directly follows an atom: powers, subscripts, factorials; and numbers with their fractions.

use super::atoms::arrangements;
use super::{Parsed, Parser};
use crate::expression::{Bracket, Constant, Expression, Function, Number, Rational, Relation};
use crate::read::lexer::{Comma, Unreadable};
use crate::read::number_words;
use crate::read::tokens::{Delimiter, Kind};

impl Parser {
    /// An atom with what follows it closely: powers, factorials, percent and degree signs.
    pub(crate) fn factor(&mut self) -> Parsed {
        self.deeper(|parser| {
            let atom = parser.atom()?;
            parser.postfix(atom)
        })
    }

    fn postfix(&mut self, mut held: Expression) -> Parsed {
        loop {
            match self.peek() {
                Some(Kind::Caret) => {
                    self.advance();
                    held = self.raise(held)?;
                }
                Some(Kind::Underscore) => {
                    self.advance();
                    held = self.subscript(held)?;
                }
                Some(Kind::Bang) => {
                    self.advance();
                    held = Expression::Factorial(held.into());
                }
                Some(Kind::Percent) => {
                    self.advance();
                    if held != Expression::Constant(Constant::Infinity) {
                        held = Expression::Percent(held.into());
                    }
                }
                Some(Kind::Degree) => {
                    self.advance();
                    held = Expression::Degrees(held.into());
                }
                Some(Kind::Prime) => {
                    self.advance();
                    held = match held {
                        Expression::Symbol(name) => Expression::Symbol(format!("{name}'")),
                        _ => return Err(Unreadable),
                    };
                }
                _ => return Ok(held),
            }
        }
    }

    /// The sign that says from which side a limit is taken: `0^+`, `3^{-}`.
    pub(crate) fn side(&mut self) {
        while matches!(self.peek(), Some(Kind::Plus | Kind::Minus | Kind::Caret)) {
            self.advance();
        }
    }

    /// `\mathbb{R}^+`, `\mathbb{Z}^{-}`: the positive or the negative numbers of a set.
    fn half_of_a_set(&mut self, base: &Expression) -> Option<Expression> {
        let Expression::Symbol(set) = base else { return None };
        if !matches!(set.as_str(), "ℝ" | "ℤ" | "ℚ" | "ℕ") {
            return None;
        }
        let grouped = self.peek() == Some(&Kind::Open(Delimiter::Group));
        let positive = match self.peek_at(usize::from(grouped)) {
            Some(Kind::Plus) => true,
            Some(Kind::Minus) => false,
            _ => return None,
        };
        if grouped && self.peek_at(2) != Some(&Kind::Close(Delimiter::Group)) {
            return None;
        }
        self.at += if grouped { 3 } else { 1 };
        let (zero, infinity) = (Expression::integer(0), Expression::Constant(Constant::Infinity));
        Some(match (set.as_str(), positive) {
            ("ℝ", true) => Expression::Bracketed(Bracket::Round, vec![zero, infinity], Bracket::Round),
            ("ℝ", false) => {
                Expression::Bracketed(Bracket::Round, vec![Expression::Negative(infinity.into()), zero], Bracket::Round)
            }
            // The positive whole numbers, from one on.
            ("ℕ" | "ℤ", true) => Expression::Symbol("ℤ+".into()),
            (_, positive) => Expression::Symbol(format!("{set}{}", if positive { '+' } else { '-' })),
        })
    }

    fn raise(&mut self, base: Expression) -> Parsed {
        if let Some(positive) = self.half_of_a_set(&base) {
            return Ok(positive);
        }
        match (self.peek(), self.peek_at(1), self.peek_at(2)) {
            // A side, not a power.
            (Some(Kind::Open(Delimiter::Group)), Some(Kind::Plus | Kind::Minus), Some(Kind::Close(_))) => {
                self.at += 3;
                return Ok(base);
            }
            (Some(Kind::Plus | Kind::Minus), Some(Kind::Close(_)), _) => {
                self.advance();
                return Ok(base);
            }
            (Some(Kind::Degree), _, _) => {
                self.advance();
                return Ok(Expression::Degrees(base.into()));
            }
            (Some(Kind::Open(Delimiter::Group)), Some(Kind::Degree), Some(Kind::Close(_))) => {
                self.at += 3;
                return Ok(Expression::Degrees(base.into()));
            }
            (Some(Kind::Open(Delimiter::Group)), Some(Kind::Text(_) | Kind::Prime), Some(Kind::Close(_))) => {
                // `5^{\text{th}}`
                self.at += 3;
                return Ok(base);
            }
            (Some(Kind::Prime), _, _) => return Ok(base),
            (Some(Kind::Text(_)), _, _) => {
                self.advance();
                return Ok(base);
            }
            // `4^{th}`
            (Some(Kind::Open(Delimiter::Group)), Some(Kind::Symbol(one)), Some(Kind::Symbol(other)))
                if self.peek_at(3) == Some(&Kind::Close(Delimiter::Group))
                    && matches!(base, Expression::Number(_))
                    && matches!((one.as_str(), other.as_str()), ("t", "h") | ("s", "t") | ("n", "d") | ("r", "d")) =>
            {
                self.at += 4;
                return Ok(base);
            }
            // A matrix on its side.
            (Some(Kind::Symbol(name)), _, _)
                if matches!(name.as_str(), "T" | "top" | "intercal") && is_matrix(&base) =>
            {
                self.advance();
                return Ok(transposed(base));
            }
            (Some(Kind::Open(Delimiter::Group)), Some(Kind::Symbol(name)), Some(Kind::Close(Delimiter::Group)))
                if matches!(name.as_str(), "T" | "top" | "intercal") && is_matrix(&base) =>
            {
                self.at += 3;
                return Ok(transposed(base));
            }
            _ => {}
        }
        let mut exponent = self.exponent()?;
        // `e^{I\pi}`: a capital letter for the imaginary unit, as programs write it.
        if base == Expression::Constant(Constant::E)
            && let Expression::Product(factors) = &mut exponent
            && factors.contains(&Expression::Constant(Constant::Pi))
        {
            for factor in factors {
                if *factor == Expression::Symbol("I".into()) {
                    *factor = Expression::Constant(Constant::I);
                }
            }
        }
        Ok(match base {
            // `C_5^2` and `C_{2n}^n` are numbers of combinations.
            Expression::Symbol(name) if chosen_from(&name).is_some() => {
                let n = chosen_from(&name).unwrap_or(Expression::Dots);
                Expression::Apply(Function::Binomial, vec![n, exponent])
            }
            // `A_5^2` is a number of arrangements; `A_1^2` may be a square.
            Expression::Symbol(name) if arranged(&name, &exponent).is_some() => {
                let n = arranged(&name, &exponent).unwrap_or(0);
                arrangements(Expression::integer(n), exponent)
            }
            base => Expression::Power(base.into(), exponent.into()),
        })
    }

    pub(crate) fn exponent(&mut self) -> Parsed {
        self.deeper(|parser| {
            if matches!(parser.peek(), Some(Kind::Minus | Kind::Plus)) {
                let negative = parser.peek() == Some(&Kind::Minus);
                parser.advance();
                let inner = parser.exponent()?;
                return Ok(if negative { Expression::Negative(inner.into()) } else { inner });
            }
            let atom = parser.atom()?;
            // `a^b^c` binds to the right; `2^n!` is left as (2^n)!, as LaTeX sets it.
            if parser.peek() == Some(&Kind::Caret) {
                parser.advance();
                let power = parser.exponent()?;
                return Ok(Expression::Power(atom.into(), power.into()));
            }
            Ok(atom)
        })
    }

    fn subscript(&mut self, held: Expression) -> Parsed {
        let label = self.script_label()?;
        Ok(match held {
            Expression::Symbol(name) => Expression::Symbol(format!("{name}_{label}")),
            // `x^2_1` is the square of x_1.
            Expression::Power(base, exponent) => match *base {
                Expression::Symbol(name) => {
                    Expression::Power(Expression::Symbol(format!("{name}_{label}")).into(), exponent)
                }
                _ => return Err(Unreadable),
            },
            Expression::Constant(Constant::E) => Expression::Symbol(format!("e_{label}")),
            Expression::Constant(Constant::I) => Expression::Symbol(format!("i_{label}")),
            Expression::Number(number) => {
                let label = label.strip_prefix("base").unwrap_or(&label);
                let named = || number_words::value(label).and_then(|value| u32::try_from(value.to_i64()?).ok());
                let base: u32 = label.parse().ok().or_else(named).ok_or(Unreadable)?;
                if !(2..=36).contains(&base) || number.places.is_some() {
                    return Err(Unreadable);
                }
                Expression::Based(number.value.to_string(), base)
            }
            Expression::Opaque(name, parts) => Expression::Opaque(format!("{name}_{label}"), parts),
            _ => return Err(Unreadable),
        })
    }

    /// A subscript as plain text, without spaces.
    pub(crate) fn script_label(&mut self) -> Parsed<String> {
        let grouped = self.take(&Kind::Open(Delimiter::Group));
        let mut depth = 0usize;
        let mut label = String::new();
        loop {
            let piece = match self.peek().ok_or(Unreadable)? {
                Kind::Close(Delimiter::Group) if grouped && depth == 0 => {
                    self.advance();
                    break;
                }
                Kind::Open(_) => {
                    depth += 1;
                    "(".to_string()
                }
                Kind::Close(_) => {
                    depth = depth.checked_sub(1).ok_or(Unreadable)?;
                    ")".to_string()
                }
                Kind::Number(value, _, literal) => literal.clone().unwrap_or_else(|| value.to_string()),
                Kind::Symbol(name) => name.clone(),
                Kind::Text(text) => text.replace(' ', ""),
                Kind::Constant(constant) => match constant {
                    Constant::E => "e".into(),
                    Constant::I => "i".into(),
                    Constant::Pi => "pi".into(),
                    Constant::Infinity => "oo".into(),
                },
                Kind::Function(Function::Maximum) => "max".into(),
                Kind::Function(Function::Minimum) => "min".into(),
                Kind::Plus => "+".into(),
                Kind::Minus => "-".into(),
                Kind::Comma => ",".into(),
                Kind::Caret => "^".into(),
                Kind::Times => "*".into(),
                Kind::Underscore => "_".into(),
                Kind::Prime => "'".into(),
                Kind::Dots => "...".into(),
                Kind::Relation(Relation::Equal) => "=".into(),
                Kind::Bang => "!".into(),
                Kind::Percent | Kind::Degree | Kind::Divide => "/".into(),
                _ => return Err(Unreadable),
            };
            label.push_str(&piece);
            self.advance();
            if !grouped {
                break;
            }
        }
        if label.is_empty() { Err(Unreadable) } else { Ok(label) }
    }

    /// A literal number, with the fraction of a mixed number after it.
    pub(crate) fn number(&mut self) -> Parsed {
        let Some(Kind::Number(value, places, literal)) = self.peek().cloned() else {
            return Err(Unreadable);
        };
        self.advance();
        if literal.is_some() && value.is_integer() {
            let save = self.at;
            if let Some(fraction) = self.mixed_part()
                && let Some(mixed) = value.add(&fraction)
            {
                return Ok(Expression::rational(mixed));
            }
            self.at = save;
        }
        Ok(Expression::Number(Number { value, places }))
    }

    /// `\frac{1}{2}` or ` 1/2` after a whole number: below one, and in plain digits.
    fn mixed_part(&mut self) -> Option<Rational> {
        if self.take(&Kind::Fraction) {
            if let Some(Kind::Number(_, None, Some(digits))) = self.peek()
                && digits.len() == 2
            {
                let (top, bottom) = digits.split_at(1);
                let part = proper(top, bottom)?;
                self.advance();
                return Some(part);
            }
            let top = self.plain_argument()?;
            let bottom = self.plain_argument()?;
            return proper(&top, &bottom);
        }
        if !self.spaced() {
            return None;
        }
        let top = self.plain_argument()?;
        if !self.take(&Kind::Divide) {
            return None;
        }
        let bottom = self.plain_argument()?;
        proper(&top, &bottom)
    }

    /// The digits of a whole number, bare or in a group. Looks at tokens only: nothing is read twice.
    fn plain_argument(&mut self) -> Option<String> {
        let grouped = self.take(&Kind::Open(Delimiter::Group));
        let Some(Kind::Number(_, None, Some(digits))) = self.peek().cloned() else {
            return None;
        };
        self.advance();
        if grouped && !self.take(&Kind::Close(Delimiter::Group)) {
            return None;
        }
        Some(digits)
    }

    /// The argument of a LaTeX command: a group, or one token. With `digit`, a bare number gives one digit.
    pub(crate) fn argument(&mut self, digit: bool) -> Parsed {
        if digit
            && let Some(Kind::Number(_, None, Some(literal))) = self.peek()
            && literal.len() > 1
        {
            let (head, tail) = literal.split_at(1);
            let (head, tail) = (head.to_string(), tail.to_string());
            let rest = Rational::from_digits(&tail, "").ok_or(Unreadable)?;
            self.tokens[self.at].kind = Kind::Number(rest, None, Some(tail));
            self.tokens[self.at].spaced = false;
            let value = Rational::from_digits(&head, "").ok_or(Unreadable)?;
            return Ok(Expression::rational(value));
        }
        self.deeper(|parser| {
            if matches!(parser.peek(), Some(Kind::Number(..))) {
                let Some(Kind::Number(value, places, _)) = parser.peek().cloned() else {
                    return Err(Unreadable);
                };
                parser.advance();
                return Ok(Expression::Number(Number { value, places }));
            }
            parser.atom()
        })
    }
}

fn is_matrix(expression: &Expression) -> bool {
    matches!(expression, Expression::Matrix(_) | Expression::Bracketed(..))
}

/// Rows as columns; a tuple becomes a column.
fn transposed(expression: Expression) -> Expression {
    match expression {
        Expression::Matrix(rows) => {
            let width = rows.first().map_or(0, Vec::len);
            Expression::Matrix(
                (0..width).map(|at| rows.iter().filter_map(|row| row.get(at).cloned()).collect()).collect(),
            )
        }
        Expression::Bracketed(_, entries, _) => {
            Expression::Matrix(entries.into_iter().map(|entry| vec![entry]).collect())
        }
        other => other,
    }
}

/// What `C_5^2` and `C_{2n}^n` choose from: digits and the letters that count things.
fn chosen_from(name: &str) -> Option<Expression> {
    let label = name.strip_prefix("C_")?;
    let counts = label.len() <= 8 && label.chars().all(|c| c.is_ascii_digit() || "nmk+-".contains(c));
    counts.then(|| super::parse(label, Comma::Separator).ok()).flatten()
}

/// The number of things that `A_5^2` arranges, which is larger than the number of places.
fn arranged(name: &str, places: &Expression) -> Option<i64> {
    let n: i64 = name.strip_prefix("A_").or_else(|| name.strip_prefix("P_"))?.parse().ok()?;
    let Expression::Number(places) = places else { return None };
    (n > places.value.to_i64()? && n > 2).then_some(n)
}

/// The fraction part of a mixed number, which lies between zero and one.
fn proper(top: &str, bottom: &str) -> Option<Rational> {
    let (top, bottom) = (Rational::from_digits(top, "")?, Rational::from_digits(bottom, "")?);
    (!top.is_zero() && top < bottom).then(|| top.divide(&bottom)).flatten()
}
