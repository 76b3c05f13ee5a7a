//! Products: factors side by side, quotients, remainders, units and labels.

use super::{Parsed, Parser};
use crate::expression::{Expression, Rational};
use crate::read::lexer::Unreadable;
use crate::read::tokens::{Delimiter, Kind};
use crate::read::units::{self, measure};

impl Parser {
    pub(crate) fn product(&mut self) -> Parsed {
        if let Some(label) = self.label() {
            return label;
        }
        let mut held = vec![self.factor()?];
        loop {
            match self.peek() {
                Some(Kind::Times) => {
                    self.advance();
                    let factor = self.signed_factor()?;
                    held.push(factor);
                }
                Some(Kind::Divide) => {
                    self.advance();
                    if matches!(self.peek(), Some(Kind::Text(_))) {
                        let per = self.unit_text();
                        held = vec![Expression::Quantity(product_of(held).into(), format!("per {per}"))];
                        continue;
                    }
                    let divisor = self.signed_factor()?;
                    held = vec![Expression::Quotient(product_of(held).into(), divisor.into())];
                }
                Some(Kind::Mod) => {
                    self.advance();
                    let divisor = self.signed_factor()?;
                    held = vec![Expression::Modulo(product_of(held).into(), divisor.into())];
                }
                Some(Kind::ModAnnotation) => {
                    self.advance();
                    let modulus = self.factor()?;
                    held = vec![annotated(product_of(held), &modulus)];
                }
                Some(Kind::Open(Delimiter::Round)) if self.peek_at(1) == Some(&Kind::Mod) => {
                    self.at += 2;
                    let modulus = self.sum()?;
                    self.expect(&Kind::Close(Delimiter::Round))?;
                    held = vec![annotated(product_of(held), &modulus)];
                }
                Some(Kind::Text(_)) => {
                    let unit = self.unit_text();
                    held = vec![quantity(product_of(held), unit)?];
                }
                Some(next) if self.begins_factor(next) => {
                    // Two numbers side by side are not a product.
                    if matches!(next, Kind::Number(..)) && matches!(held.last(), Some(Expression::Number(_))) {
                        return Err(Unreadable);
                    }
                    let factor = self.factor()?;
                    held.push(factor);
                }
                _ => return Ok(product_of(held)),
            }
        }
    }

    /// Words in front: a name before a relation, an answer of their own, or a label to pass over.
    fn label(&mut self) -> Option<Parsed> {
        let Some(Kind::Text(text)) = self.peek() else {
            return None;
        };
        let text = text.clone();
        match self.peek_at(1) {
            Some(Kind::Relation(_)) => {
                self.advance();
                Some(Ok(Expression::Symbol(units::canonical(&text))))
            }
            Some(next) if self.begins_factor(next) || matches!(next, Kind::Minus | Kind::Colon) => {
                // "no", "not" and "except" turn the meaning round, so they are never passed over.
                let negated = text.split_whitespace().any(|word| matches!(word, "no" | "not" | "except" | "neither"));
                if negated {
                    return None;
                }
                self.advance();
                self.take(&Kind::Colon);
                Some(self.sum())
            }
            _ => {
                self.advance();
                Some(Ok(Expression::Text(text)))
            }
        }
    }

    /// A unit with its powers and divisions: `cm^2`, `km/h`.
    fn unit_text(&mut self) -> String {
        let mut unit = String::new();
        loop {
            match self.peek() {
                Some(Kind::Text(text)) => {
                    unit.push(' ');
                    unit.push_str(text);
                }
                Some(Kind::Caret) => {
                    // The exponent of a unit: a number, or a group with one.
                    let power = match (self.peek_at(1), self.peek_at(2), self.peek_at(3)) {
                        (Some(Kind::Number(value, ..)), _, _) => Some((value.to_string(), 2)),
                        (
                            Some(Kind::Open(Delimiter::Group)),
                            Some(Kind::Number(value, ..)),
                            Some(Kind::Close(Delimiter::Group)),
                        ) => Some((value.to_string(), 4)),
                        (Some(Kind::Open(Delimiter::Group)), Some(Kind::Minus), Some(Kind::Number(value, ..))) => {
                            Some((format!("-{value}"), 5))
                        }
                        _ => None,
                    };
                    let Some((power, width)) = power else { break };
                    unit.push_str(&power);
                    self.at += width;
                    continue;
                }
                // `km/h`: a lone letter after a unit is a unit.
                Some(Kind::Divide)
                    if matches!(self.peek_at(1), Some(Kind::Symbol(name)) if name.len() == 1)
                        && !matches!(self.peek_at(2), Some(next) if self.begins_factor(next)) =>
                {
                    unit.push_str(" per ");
                    if let Some(Kind::Symbol(name)) = self.peek_at(1) {
                        unit.push_str(name);
                    }
                    self.advance();
                }
                Some(Kind::Divide | Kind::Times) if matches!(self.peek_at(1), Some(Kind::Text(_))) => {
                    unit.push_str(" per");
                }
                _ => break,
            }
            self.advance();
        }
        unit.trim().to_string()
    }
}

/// A product of factors, or the only one.
pub(crate) fn product_of(mut factors: Vec<Expression>) -> Expression {
    if factors.len() == 1 {
        return factors.remove(0);
    }
    // `\lbrace 1+2 \rbrace \lbrace 3-4 \rbrace`: braces around factors only group.
    for factor in &mut factors {
        if let Expression::Set(items) = factor
            && items.len() == 1
        {
            *factor = items.remove(0);
        }
    }
    Expression::Product(factors)
}

fn annotated(value: Expression, modulus: &Expression) -> Expression {
    match modulus {
        Expression::Number(number) => Expression::Quantity(value.into(), format!("mod {}", number.value)),
        _ => Expression::Quantity(value.into(), "mod".into()),
    }
}

/// "1 hour 30" minutes, `2 m 30` cm: the whole in the smaller unit.
fn compound(value: &Expression, unit: &str) -> Option<Expression> {
    let Expression::Product(factors) = value else { return None };
    let (larger, held, rest) = match factors.as_slice() {
        [Expression::Quantity(larger, held), rest @ Expression::Number(_)] => ((**larger).clone(), held, rest),
        [larger @ Expression::Number(_), Expression::Symbol(held), rest @ Expression::Number(_)] => {
            (larger.clone(), held, rest)
        }
        _ => return None,
    };
    let (from, to) = (measure(held)?, measure(unit)?);
    let factor = from.factor.divide(&to.factor)?;
    if from.dimension != to.dimension || factor <= Rational::one() {
        return None;
    }
    Some(Expression::Sum(vec![Expression::Product(vec![larger, Expression::rational(factor)]), rest.clone()]))
}

/// A value with the words after it: a scale word multiplies, anything else is a unit.
fn quantity(value: Expression, unit: String) -> Parsed {
    let mut words = unit.splitn(2, ' ');
    let first = words.next().unwrap_or("").to_lowercase();
    if let Some(factor) = units::scale(&first) {
        let scaled = Expression::Product(vec![value, Expression::integer(factor)]);
        return Ok(match words.next() {
            Some(rest) => Expression::Quantity(scaled.into(), rest.to_string()),
            None => scaled,
        });
    }
    let value = match compound(&value, &unit) {
        Some(whole) => return Ok(Expression::Quantity(whole.into(), unit)),
        None => value,
    };
    // A sentence is not a unit.
    if unit.split_whitespace().count() > 6 {
        return Err(Unreadable);
    }
    Ok(match value {
        Expression::Quantity(inner, held) => Expression::Quantity(inner, format!("{held} {unit}")),
        other => Expression::Quantity(other.into(), unit),
    })
}
