//! From tokens to the expression tree, by recursive descent with a ceiling on depth and size.

use crate::exact::Rational;
use crate::expression::{Constant, Expression, Function, Joint, Number, Relation, SetOperation};
use crate::lexer::{self, Comma, Unreadable};
use crate::tokens::{Delimiter, Kind, Token};

/// Levels of nesting; each takes a handful of stack frames.
const MAX_DEPTH: usize = 48;

/// The parser's place in the tokens.
pub struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Bars of absolute values that are open: the next bar closes one.
    pub(crate) bars: usize,
    /// Whether a bar or colon ends the head of a set-builder.
    pub(crate) builder: bool,
}

/// A result of reading.
pub type Reading<T = Expression> = Result<T, Unreadable>;

/// Reads one answer.
pub fn answer(text: &str, comma: Comma) -> Reading {
    let mut parser = Parser { tokens: lexer::tokens(text, comma)?, at: 0, depth: 0, bars: 0, builder: false };
    if parser.tokens.is_empty() {
        return Err(Unreadable);
    }
    let expression = parser.list()?;
    if parser.at < parser.tokens.len() {
        return Err(Unreadable);
    }
    Ok(expression)
}

impl Parser {
    pub(crate) fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    fn spaced(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.spaced)
    }

    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    pub(crate) fn take(&mut self, kind: &Kind) -> bool {
        let found = self.peek() == Some(kind);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, kind: &Kind) -> Reading<()> {
        if self.take(kind) { Ok(()) } else { Err(Unreadable) }
    }

    /// One entry of a matrix or line of a system: a list whose rows the caller separates.
    pub(crate) fn cell_entry(&mut self) -> Reading {
        let mut entries = vec![self.relation()?];
        while self.take(&Kind::Comma) {
            if matches!(self.peek(), Some(Kind::RowBreak | Kind::Ampersand | Kind::End(_))) {
                break;
            }
            entries.push(self.relation()?);
        }
        Ok(if entries.len() == 1 { entries.remove(0) } else { Expression::List(Joint::Comma, entries) })
    }

    /// Runs one level deeper, or refuses.
    pub(crate) fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Reading) -> Reading {
        if self.depth >= MAX_DEPTH {
            return Err(Unreadable);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Entries joined by commas, semicolons, "and" or "or". A semicolon between entries with commas makes groups.
    pub(crate) fn list(&mut self) -> Reading {
        let mut groups: Vec<Vec<Expression>> = vec![Vec::new()];
        let mut joint = None;
        loop {
            let mut separated = false;
            loop {
                let next = match self.peek() {
                    Some(Kind::Comma) => Joint::Comma,
                    Some(Kind::And) => Joint::And,
                    Some(Kind::Or) => Joint::Or,
                    Some(Kind::Semicolon) => {
                        if groups.last().is_some_and(|group| !group.is_empty()) {
                            groups.push(Vec::new());
                        }
                        Joint::Comma
                    }
                    _ => break,
                };
                // "1, 2, and 3" is joined by "and"; "x = 1, or x = 2" by "or".
                if joint.is_none() || next != Joint::Comma {
                    joint = Some(next);
                }
                separated = true;
                self.advance();
            }
            let first = groups.len() == 1 && groups[0].is_empty();
            let ended = matches!(self.peek(), None | Some(Kind::Close(_) | Kind::End(_) | Kind::Ampersand))
                || (self.bars > 0 && self.peek() == Some(&Kind::Bar));
            if ended || !(separated || first) {
                break;
            }
            let entry = self.relation()?;
            if let Some(group) = groups.last_mut() {
                group.push(entry);
            }
        }
        groups.retain(|group| !group.is_empty());
        let joint = joint.unwrap_or(Joint::Comma);
        let grouped = groups.iter().any(|group| group.len() > 1) && groups.len() > 1;
        let mut entries: Vec<Expression> = if grouped {
            groups.into_iter().map(|group| Expression::List(Joint::Comma, group)).collect()
        } else {
            groups.into_iter().flatten().collect()
        };
        match entries.len() {
            0 => Err(Unreadable),
            1 => Ok(entries.remove(0)),
            _ => Ok(Expression::List(joint, entries)),
        }
    }

    fn relation(&mut self) -> Reading {
        // "= 5" and "≈ 5" have lost their left side.
        while matches!(self.peek(), Some(Kind::Relation(Relation::Equal | Relation::Approximately | Relation::Arrow))) {
            self.advance();
        }
        let first = self.ratio()?;
        let mut rest = Vec::new();
        while let Some(Kind::Relation(relation)) = self.peek() {
            let relation = *relation;
            self.advance();
            // `\not` and doubled signs do not occur; an empty right side is dropped.
            if matches!(self.peek(), None | Some(Kind::Ampersand)) && self.take(&Kind::Ampersand) {
                continue;
            }
            // `k \in 1, 2, 3`: the numbers belong together.
            if relation == Relation::In && matches!(self.peek(), Some(Kind::Number(..))) {
                rest.push((relation, self.list()?));
                continue;
            }
            rest.push((relation, self.ratio()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Expression::Chain(first.into(), rest))
    }

    fn ratio(&mut self) -> Reading {
        let first = self.sets()?;
        if self.builder || self.peek() != Some(&Kind::Colon) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(&Kind::Colon) {
            parts.push(self.sets()?);
        }
        Ok(Expression::Ratio(parts))
    }

    fn sets(&mut self) -> Reading {
        let mut left = self.sum()?;
        loop {
            let operation = match self.peek() {
                Some(Kind::Union) => SetOperation::Union,
                Some(Kind::Intersection) => SetOperation::Intersection,
                Some(Kind::SetMinus) => SetOperation::Difference,
                _ => return Ok(left),
            };
            self.advance();
            let right = self.sum()?;
            left = Expression::Combined(operation, left.into(), right.into());
        }
    }

    pub(crate) fn sum(&mut self) -> Reading {
        self.deeper(|parser| {
            let mut terms = vec![parser.term()?];
            loop {
                match parser.peek() {
                    Some(Kind::Plus) => {
                        parser.advance();
                        terms.push(parser.term()?);
                    }
                    Some(Kind::Minus | Kind::PlusMinus(_)) => terms.push(parser.term()?),
                    _ => break,
                }
            }
            Ok(if terms.len() == 1 { terms.remove(0) } else { Expression::Sum(terms) })
        })
    }

    /// A product with its signs.
    fn term(&mut self) -> Reading {
        let mut negative = false;
        let mut plus_minus = None;
        loop {
            match self.peek() {
                Some(Kind::Plus) => {}
                Some(Kind::Minus) => negative = !negative,
                Some(Kind::PlusMinus(flipped)) => plus_minus = Some(*flipped),
                _ => break,
            }
            self.advance();
        }
        let mut product = self.product()?;
        if negative {
            // The sign belongs to the value, not to its unit.
            product = match product {
                Expression::Quantity(value, unit) => Expression::Quantity(Expression::Negative(value).into(), unit),
                other => Expression::Negative(other.into()),
            };
        }
        if let Some(flipped) = plus_minus {
            product = Expression::PlusMinus(flipped, product.into());
        }
        Ok(product)
    }

    fn product(&mut self) -> Reading {
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
                    // Two numbers side by side are no product.
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
    fn label(&mut self) -> Option<Reading> {
        let Some(Kind::Text(text)) = self.peek() else {
            return None;
        };
        let text = text.clone();
        match self.peek_at(1) {
            Some(Kind::Relation(_)) => {
                self.advance();
                Some(Ok(Expression::Symbol(crate::units::canonical(&text))))
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
                Some(Kind::Divide | Kind::Times) if matches!(self.peek_at(1), Some(Kind::Text(_))) => {
                    unit.push_str(" per");
                }
                _ => break,
            }
            self.advance();
        }
        unit.trim().to_string()
    }

    pub(crate) fn begins_factor(&self, kind: &Kind) -> bool {
        match kind {
            Kind::Number(..)
            | Kind::Symbol(_)
            | Kind::Function(_)
            | Kind::Logarithm
            | Kind::Constant(_)
            | Kind::Open(_)
            | Kind::Fraction
            | Kind::Root
            | Kind::Binomial
            | Kind::Overline
            | Kind::Begin(_)
            | Kind::EmptySet
            | Kind::Big(_)
            | Kind::Dots => true,
            Kind::Bar => self.bars == 0 && !self.builder,
            _ => false,
        }
    }

    fn signed_factor(&mut self) -> Reading {
        let mut negative = false;
        while matches!(self.peek(), Some(Kind::Minus | Kind::Plus)) {
            negative ^= self.peek() == Some(&Kind::Minus);
            self.advance();
        }
        let factor = self.factor()?;
        Ok(if negative { Expression::Negative(factor.into()) } else { factor })
    }

    /// An atom with what follows it closely: powers, factorials, percent and degree signs.
    pub(crate) fn factor(&mut self) -> Reading {
        self.deeper(|parser| {
            let atom = parser.atom()?;
            parser.postfix(atom)
        })
    }

    fn postfix(&mut self, mut held: Expression) -> Reading {
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
                    held = Expression::Percent(held.into());
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

    fn raise(&mut self, base: Expression) -> Reading {
        match (self.peek(), self.peek_at(1), self.peek_at(2)) {
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
            _ => {}
        }
        let exponent = self.exponent()?;
        Ok(match base {
            // `C_5^2` is a number of combinations.
            Expression::Symbol(name) if name.starts_with("C_") && name[2..].parse::<i64>().is_ok() => {
                let n = name[2..].parse().unwrap_or(0);
                Expression::Apply(Function::Binomial, vec![Expression::integer(n), exponent])
            }
            base => Expression::Power(base.into(), exponent.into()),
        })
    }

    pub(crate) fn exponent(&mut self) -> Reading {
        self.deeper(|parser| {
            if matches!(parser.peek(), Some(Kind::Minus | Kind::Plus)) {
                let negative = parser.peek() == Some(&Kind::Minus);
                parser.advance();
                let inner = parser.exponent()?;
                return Ok(if negative { Expression::Negative(inner.into()) } else { inner });
            }
            let atom = parser.atom()?;
            // `a^b^c` leans to the right; `2^n!` is left as (2^n)!, as LaTeX sets it.
            if parser.peek() == Some(&Kind::Caret) {
                parser.advance();
                let power = parser.exponent()?;
                return Ok(Expression::Power(atom.into(), power.into()));
            }
            Ok(atom)
        })
    }

    fn subscript(&mut self, held: Expression) -> Reading {
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
                let base: u32 = label.parse().map_err(|_| Unreadable)?;
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
    pub(crate) fn script_label(&mut self) -> Reading<String> {
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

    /// A literal number, with the fraction of a mixed number behind it.
    pub(crate) fn number(&mut self) -> Reading {
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

    /// `\frac{1}{2}` or ` 1/2` behind a whole number: below one, and in plain digits.
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
    pub(crate) fn argument(&mut self, digit: bool) -> Reading {
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

/// A product of factors, or the only one.
pub(crate) fn product_of(mut factors: Vec<Expression>) -> Expression {
    if factors.len() == 1 { factors.remove(0) } else { Expression::Product(factors) }
}

/// The fraction part of a mixed number, which lies between zero and one.
fn proper(top: &str, bottom: &str) -> Option<Rational> {
    let (top, bottom) = (Rational::from_digits(top, "")?, Rational::from_digits(bottom, "")?);
    (!top.is_zero() && top < bottom).then(|| top.divide(&bottom)).flatten()
}

fn annotated(value: Expression, modulus: &Expression) -> Expression {
    match modulus {
        Expression::Number(number) => Expression::Quantity(value.into(), format!("mod {}", number.value)),
        _ => Expression::Quantity(value.into(), "mod".into()),
    }
}

/// A value with the words behind it: a scale word multiplies, anything else is a unit.
fn quantity(value: Expression, unit: String) -> Reading {
    let mut words = unit.splitn(2, ' ');
    let first = words.next().unwrap_or("").to_lowercase();
    if let Some(zeros) = crate::units::scale(&first) {
        let factor = Rational::integer(10).power(i64::from(zeros)).ok_or(Unreadable)?;
        let scaled = Expression::Product(vec![value, Expression::rational(factor)]);
        return Ok(match words.next() {
            Some(rest) => Expression::Quantity(scaled.into(), rest.to_string()),
            None => scaled,
        });
    }
    // A sentence is no unit.
    if unit.split_whitespace().count() > 6 {
        return Err(Unreadable);
    }
    Ok(match value {
        Expression::Quantity(inner, held) => Expression::Quantity(inner, format!("{held} {unit}")),
        other => Expression::Quantity(other.into(), unit),
    })
}
