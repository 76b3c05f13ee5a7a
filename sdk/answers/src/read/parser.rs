//! From tokens to the expression tree, by recursive descent with a ceiling on depth and size.

mod atoms;
mod postfix;
mod products;

pub(crate) use atoms::arrangements;

use crate::expression::{Expression, Joint, Relation, SetOperation};
use crate::read::lexer::{self, Comma, Unreadable};
use crate::read::tokens::{Kind, Token};

/// Levels of nesting; each takes a handful of stack frames.
const MAX_DEPTH: usize = 48;

/// The parser's place in the tokens.
pub struct Parser {
    pub(crate) tokens: Vec<Token>,
    pub(crate) at: usize,
    depth: usize,
    /// Bars of absolute values that are open: the next bar closes one.
    pub(crate) bars: usize,
    /// Whether a bar or colon ends the head of a set-builder.
    pub(crate) builder: bool,
}

/// A result of reading.
pub type Parsed<T = Expression> = Result<T, Unreadable>;

/// Reads one answer.
pub fn parse(text: &str, comma: Comma) -> Parsed {
    let tokens = arranged(lexer::tokens(text, comma)?);
    if tokens.is_empty() {
        return Err(Unreadable);
    }
    let outward = with_outward_brackets(&tokens);
    match whole(tokens) {
        Ok(expression) => Ok(expression),
        Err(unreadable) => outward.map_or(Err(unreadable), whole),
    }
}

fn whole(tokens: Vec<Token>) -> Parsed {
    let mut parser = Parser { tokens, at: 0, depth: 0, bars: 0, builder: false };
    let expression = parser.list()?;
    if parser.at < parser.tokens.len() {
        return Err(Unreadable);
    }
    Ok(expression)
}

/// Tokens without what only arranges them: the marks of aligned lines in front of a relation, and a square at the end of
/// a proof.
fn arranged(mut tokens: Vec<Token>) -> Vec<Token> {
    let square = |token: &Token| matches!(&token.kind, Kind::Symbol(name) if name == "square");
    let after_value = |token: &Token| matches!(token.kind, Kind::Number(..) | Kind::Close(_));
    if let [.., before, last] = tokens.as_slice()
        && square(last)
        && (last.spaced || after_value(before))
    {
        tokens.pop();
    }
    let lines = |name: &str| name.starts_with("align") || name.starts_with("split") || name.starts_with("gather");
    if !tokens.iter().any(|token| matches!(&token.kind, Kind::Begin(name) if lines(name))) {
        return tokens;
    }
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if matches!(token.kind, Kind::Relation(_)) {
            // `a &= b \\\\ &= c` is one chain.
            while matches!(out.last(), Some(Token { kind: Kind::Ampersand | Kind::RowBreak, .. })) {
                out.pop();
            }
        } else if token.kind == Kind::Ampersand && matches!(out.last(), Some(Token { kind: Kind::Relation(_), .. })) {
            continue;
        }
        out.push(token);
    }
    out
}

/// Tokens with `]a, b[` and its like as intervals that leave their ends out, where there are such brackets.
fn with_outward_brackets(tokens: &[Token]) -> Option<Vec<Token>> {
    use crate::read::tokens::Delimiter::{Round, Square};
    let square = |token: &Token| matches!(token.kind, Kind::Open(Square) | Kind::Close(Square));
    if !tokens.iter().any(square) {
        return None;
    }
    let mut out = tokens.to_vec();
    let (mut inside, mut depth, mut turned) = (false, 0usize, false);
    for token in &mut out {
        let kind = match (&token.kind, inside) {
            (Kind::Open(Square), false) => Kind::Open(Square),
            (Kind::Close(Square), false) => {
                turned = true;
                Kind::Open(Round)
            }
            (Kind::Close(Square), true) if depth == 0 => Kind::Close(Square),
            (Kind::Open(Square), true) if depth == 0 => {
                turned = true;
                Kind::Close(Round)
            }
            (Kind::Open(_), true) => {
                depth += 1;
                continue;
            }
            (Kind::Close(_), true) => {
                depth = depth.checked_sub(1)?;
                continue;
            }
            _ => continue,
        };
        inside = !inside;
        token.kind = kind;
    }
    (turned && !inside).then_some(out)
}

impl Parser {
    pub(crate) fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    pub(crate) fn spaced(&self) -> bool {
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

    pub(crate) fn expect(&mut self, kind: &Kind) -> Parsed<()> {
        if self.take(kind) { Ok(()) } else { Err(Unreadable) }
    }

    /// One entry of a matrix or line of a system: a list whose rows the caller separates.
    pub(crate) fn cell_entry(&mut self) -> Parsed {
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
    pub(crate) fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth >= MAX_DEPTH {
            return Err(Unreadable);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Entries joined by commas, semicolons, "and" or "or". A semicolon between entries with commas makes groups.
    pub(crate) fn list(&mut self) -> Parsed {
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

    fn relation(&mut self) -> Parsed {
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
        // `x < -1 ∪ x > 1`: the sign joins the inequalities, not what lies between them.
        if let [(below, Expression::Combined(SetOperation::Union, bound, next)), (above, last)] = rest.as_slice()
            && matches!(**next, Expression::Symbol(_))
        {
            return Ok(Expression::List(
                Joint::Or,
                vec![
                    Expression::Chain(first.into(), vec![(*below, (**bound).clone())]),
                    Expression::Chain(next.clone(), vec![(*above, last.clone())]),
                ],
            ));
        }
        Ok(Expression::Chain(first.into(), rest))
    }

    fn ratio(&mut self) -> Parsed {
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

    fn sets(&mut self) -> Parsed {
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

    pub(crate) fn sum(&mut self) -> Parsed {
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
    fn term(&mut self) -> Parsed {
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
                // `-1 mod 2` is a remainder of minus one.
                Expression::Modulo(left, modulus) => Expression::Modulo(Expression::Negative(left).into(), modulus),
                other => Expression::Negative(other.into()),
            };
        }
        if let Some(flipped) = plus_minus {
            product = Expression::PlusMinus(flipped, product.into());
        }
        Ok(product)
    }

    pub(crate) fn begins_factor(&self, kind: &Kind) -> bool {
        match kind {
            Kind::Number(..)
            | Kind::Symbol(_)
            | Kind::Function(_)
            | Kind::Cis
            | Kind::Logarithm
            | Kind::CommonLogarithm
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

    pub(crate) fn signed_factor(&mut self) -> Parsed {
        let mut negative = false;
        while matches!(self.peek(), Some(Kind::Minus | Kind::Plus)) {
            negative ^= self.peek() == Some(&Kind::Minus);
            self.advance();
        }
        let factor = self.factor()?;
        Ok(if negative { Expression::Negative(factor.into()) } else { factor })
    }
}
