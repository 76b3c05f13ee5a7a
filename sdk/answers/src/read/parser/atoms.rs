//! Atoms of the grammar: brackets, functions, fractions, roots, matrices.

use super::products::product_of;
use super::{Parsed, Parser};
use crate::expression::{Bracket, Constant, Expression, Function, Joint};
use crate::read::lexer::Unreadable;
use crate::read::tokens::{Delimiter, Kind};

/// Entries of a matrix.
const MAX_CELLS: usize = 256;

impl Parser {
    pub(crate) fn atom(&mut self) -> Parsed {
        let kind = self.peek().cloned().ok_or(Unreadable)?;
        match kind {
            Kind::Number(..) => self.number(),
            Kind::Symbol(name) => {
                self.advance();
                self.symbol(name)
            }
            Kind::Constant(constant) => {
                self.advance();
                Ok(Expression::Constant(constant))
            }
            Kind::EmptySet => {
                self.advance();
                Ok(Expression::EmptySet)
            }
            Kind::Dots => {
                self.advance();
                Ok(Expression::Dots)
            }
            Kind::Function(function) => {
                self.advance();
                self.function(function)
            }
            Kind::Cis => {
                self.advance();
                let angle = self.arguments()?;
                let sine = Expression::Apply(Function::Sine, angle.clone());
                Ok(Expression::Sum(vec![
                    Expression::Apply(Function::Cosine, angle),
                    Expression::Product(vec![Expression::Constant(Constant::I), sine]),
                ]))
            }
            Kind::Logarithm => {
                self.advance();
                self.logarithm()
            }
            Kind::CommonLogarithm => {
                self.advance();
                let applied = self.logarithm()?;
                Ok(with_base_ten(applied))
            }
            // `{}_6C_3` and `^6C_3`
            Kind::Underscore | Kind::Caret => {
                self.advance();
                self.combinations()
            }
            Kind::Fraction => {
                self.advance();
                let top = self.argument(true)?;
                let bottom = self.argument(true)?;
                Ok(Expression::Quotient(top.into(), bottom.into()))
            }
            Kind::Binomial => {
                self.advance();
                let n = self.argument(true)?;
                let k = self.argument(true)?;
                Ok(Expression::Apply(Function::Binomial, vec![n, k]))
            }
            Kind::Root => {
                self.advance();
                self.root()
            }
            Kind::Overline => {
                self.advance();
                Ok(match self.argument(false)? {
                    Expression::Symbol(name) => Expression::Symbol(format!("overline {name}")),
                    other => Expression::Opaque("overline".into(), vec![other]),
                })
            }
            Kind::Big(name) => {
                self.advance();
                self.big(name)
            }
            Kind::Bar | Kind::Open(Delimiter::Bars) => {
                self.advance();
                self.absolute(kind == Kind::Bar)
            }
            Kind::Open(delimiter) => {
                self.advance();
                self.deeper(|parser| parser.bracketed(delimiter))
            }
            Kind::Begin(environment) => {
                self.advance();
                self.environment(&environment)
            }
            _ => Err(Unreadable),
        }
    }

    /// A variable, or an unknown function of what follows in brackets.
    fn symbol(&mut self, name: String) -> Parsed {
        let mut name = name;
        while self.peek() == Some(&Kind::Prime) {
            self.advance();
            name.push('\'');
        }
        let called = self.peek() == Some(&Kind::Open(Delimiter::Round));
        let base = name.trim_end_matches('\'');
        let usual = matches!(base, "f" | "g" | "h" | "F" | "G");
        // `x(t) = …`: one variable in brackets in front of an equals sign makes a function of any letter.
        let defined = matches!(self.peek_at(1), Some(Kind::Symbol(_)))
            && self.peek_at(2) == Some(&Kind::Close(Delimiter::Round))
            && matches!(self.peek_at(3), Some(Kind::Relation(_)));
        if called && (usual || defined) {
            self.advance();
            let (bars, builder) = self.enter();
            let arguments = self.list();
            self.leave(bars, builder);
            self.expect(&Kind::Close(Delimiter::Round))?;
            return Ok(Expression::Call(name, entries(arguments?)));
        }
        Ok(Expression::Symbol(name))
    }

    /// Inside brackets, bars and colons have their usual meaning again.
    fn enter(&mut self) -> (usize, bool) {
        let held = (self.bars, self.builder);
        self.bars = 0;
        self.builder = false;
        held
    }

    fn leave(&mut self, bars: usize, builder: bool) {
        self.bars = bars;
        self.builder = builder;
    }

    fn bracketed(&mut self, open: Delimiter) -> Parsed {
        let (bars, builder) = self.enter();
        let result = self.bracketed_inner(open);
        self.leave(bars, builder);
        result
    }

    fn bracketed_inner(&mut self, open: Delimiter) -> Parsed {
        if let Some(Kind::Close(close)) = self.peek() {
            // The empty group in front of `{}_6C_3`.
            if open == Delimiter::Group && matches!(self.peek_at(1), Some(Kind::Underscore | Kind::Caret)) {
                self.at += 2;
                return self.combinations();
            }
            // `{}` is the empty set; LaTeX's empty group means nothing.
            let empty_set = open == Delimiter::Brace && *close == Delimiter::Brace;
            self.advance();
            return if empty_set { Ok(Expression::EmptySet) } else { Err(Unreadable) };
        }
        if matches!(open, Delimiter::Brace | Delimiter::Group) && self.is_set_builder() {
            self.builder = true;
            let head = self.list();
            self.builder = false;
            if !self.take(&Kind::Bar) {
                self.expect(&Kind::Colon)?;
            }
            let condition = self.list()?;
            self.expect(&Kind::Close(open))?;
            return Ok(Expression::SetBuilder(head?.into(), condition.into()));
        }
        if open == Delimiter::Square && self.is_row() {
            let mut entries = Vec::new();
            while self.peek() != Some(&Kind::Close(Delimiter::Square)) {
                entries.push(self.signed_factor()?);
            }
            self.advance();
            return Ok(Expression::Bracketed(Bracket::Square, entries, Bracket::Square));
        }
        let inner = self.list()?;
        match self.peek() {
            Some(Kind::Choose) if open == Delimiter::Group => {
                self.advance();
                let k = self.list()?;
                self.expect(&Kind::Close(open))?;
                return Ok(Expression::Apply(Function::Binomial, vec![inner, k]));
            }
            Some(Kind::Over) if open == Delimiter::Group => {
                self.advance();
                let bottom = self.list()?;
                self.expect(&Kind::Close(open))?;
                return Ok(Expression::Quotient(inner.into(), bottom.into()));
            }
            _ => {}
        }
        let Some(Kind::Close(close)) = self.peek().cloned() else {
            return Err(Unreadable);
        };
        self.advance();
        match (open, close) {
            (Delimiter::Group, Delimiter::Group) => Ok(match inner {
                Expression::List(_, items) => Expression::Set(items),
                other => other,
            }),
            (Delimiter::Brace, Delimiter::Brace) => Ok(match inner {
                Expression::List(_, items) => Expression::Set(items),
                other => Expression::Set(vec![other]),
            }),
            (Delimiter::Floor, Delimiter::Floor) => Ok(Expression::Apply(Function::Floor, vec![inner])),
            (Delimiter::Ceiling, Delimiter::Ceiling) => Ok(Expression::Apply(Function::Ceiling, vec![inner])),
            _ => {
                let (open, close) = (bracket(open)?, bracket(close)?);
                Ok(match inner {
                    Expression::List(_, items) => {
                        if items.iter().all(|item| matches!(item, Expression::List(..))) {
                            // `(1,1;2,2)`: rows.
                            Expression::Matrix(items.into_iter().map(entries).collect())
                        } else {
                            Expression::Bracketed(open, items, close)
                        }
                    }
                    one if open == Bracket::Angle => Expression::Bracketed(open, vec![one], close),
                    one => one,
                })
            }
        }
    }

    /// Whether the square bracket just opened holds numbers side by side: `[5\ 12]`.
    fn is_row(&self) -> bool {
        let mut numbers = 0;
        for ahead in 0.. {
            match self.peek_at(ahead) {
                Some(Kind::Number(..)) => numbers += 1,
                Some(Kind::Minus | Kind::Open(Delimiter::Group) | Kind::Close(Delimiter::Group)) => {}
                Some(Kind::Close(Delimiter::Square)) => break,
                _ => return false,
            }
            // `[3 - 1]` is a difference.
            let spaced = |at: usize| self.tokens.get(self.at + at).is_some_and(|token| token.spaced);
            let grouped = ahead > 0 && self.peek_at(ahead - 1) == Some(&Kind::Open(Delimiter::Group));
            let minus = ahead > 0 && self.peek_at(ahead) == Some(&Kind::Minus) && !grouped;
            if minus && (!spaced(ahead) || spaced(ahead + 1)) {
                return false;
            }
        }
        numbers > 1
    }

    /// Whether the braces just opened hold `x | condition`: bars that do not pair up, or a colon before a relation.
    fn is_set_builder(&self) -> bool {
        let (mut depth, mut bars, mut colon, mut condition) = (0usize, 0usize, false, false);
        for ahead in 0.. {
            match self.peek_at(ahead) {
                None => return false,
                Some(Kind::Open(_) | Kind::Begin(_)) => depth += 1,
                Some(Kind::Close(_) | Kind::End(_)) if depth == 0 => break,
                Some(Kind::Close(_) | Kind::End(_)) => depth -= 1,
                Some(Kind::Bar) if depth == 0 => bars += 1,
                Some(Kind::Colon) if depth == 0 => colon = true,
                Some(Kind::Relation(_)) if depth == 0 => condition |= colon,
                _ => {}
            }
        }
        bars % 2 == 1 || condition
    }

    fn absolute(&mut self, bar: bool) -> Parsed {
        let (bars, builder) = self.enter();
        self.bars = usize::from(bar);
        let inner = self.deeper(Self::list);
        self.leave(bars, builder);
        self.expect(if bar { &Kind::Bar } else { &Kind::Close(Delimiter::Bars) })?;
        Ok(Expression::Apply(Function::Absolute, vec![inner?]))
    }

    /// The arguments of a function: what is in brackets, or the factors that follow.
    fn arguments(&mut self) -> Parsed<Vec<Expression>> {
        if let Some(Kind::Open(
            delimiter @ (Delimiter::Round | Delimiter::Square | Delimiter::Brace | Delimiter::Group),
        )) = self.peek().cloned()
        {
            self.advance();
            let (bars, builder) = self.enter();
            let inner = self.deeper(Self::list);
            self.leave(bars, builder);
            self.expect(&Kind::Close(delimiter))?;
            return Ok(entries(inner?));
        }
        let negative = self.take(&Kind::Minus);
        let mut factors = vec![self.factor()?];
        while matches!(
            self.peek(),
            Some(
                Kind::Number(..)
                    | Kind::Symbol(_)
                    | Kind::Constant(_)
                    | Kind::Fraction
                    | Kind::Root
                    | Kind::Open(Delimiter::Group)
            )
        ) {
            factors.push(self.factor()?);
        }
        let product = product_of(factors);
        Ok(vec![if negative { Expression::Negative(product.into()) } else { product }])
    }

    fn function(&mut self, function: Function) -> Parsed {
        let power = if self.take(&Kind::Caret) { Some(self.exponent()?) } else { None };
        // `\max_{x}` and the like name what they range over.
        if self.take(&Kind::Underscore) {
            self.script_label()?;
        }
        // `\max = 5` names a value.
        if let Function::Maximum | Function::Minimum = function
            && matches!(self.peek(), Some(Kind::Relation(_)))
        {
            return Ok(Expression::Symbol(if function == Function::Maximum { "max" } else { "min" }.into()));
        }
        let arguments = self.arguments()?;
        let inverse = match (&power, function) {
            (Some(exponent), _) if crate::algebra::exact_value(exponent).and_then(|v| v.to_i64()) == Some(-1) => {
                inverse(function)
            }
            _ => None,
        };
        if let Some(inverse) = inverse {
            return Ok(Expression::Apply(inverse, arguments));
        }
        let applied = Expression::Apply(function, arguments);
        Ok(match power {
            Some(exponent) => Expression::Power(applied.into(), exponent.into()),
            None => applied,
        })
    }

    fn logarithm(&mut self) -> Parsed {
        let mut power = None;
        let mut base = None;
        loop {
            if self.take(&Kind::Underscore) {
                base = Some(self.argument(false)?);
            } else if self.take(&Kind::Caret) {
                power = Some(self.exponent()?);
            } else {
                break;
            }
        }
        let mut arguments = self.arguments()?;
        arguments.truncate(1);
        arguments.extend(base);
        let applied = Expression::Apply(Function::Logarithm, arguments);
        Ok(match power {
            Some(exponent) => Expression::Power(applied.into(), exponent.into()),
            None => applied,
        })
    }

    /// The number in front of a `C` or `P` and the one after it: combinations or arrangements.
    fn combinations(&mut self) -> Parsed {
        let n = self.argument(false)?;
        let kind = match self.peek() {
            Some(Kind::Symbol(name)) if matches!(name.as_str(), "C" | "P") => name.clone(),
            _ => return Err(Unreadable),
        };
        self.advance();
        if !self.take(&Kind::Underscore) && !self.take(&Kind::Caret) {
            return Err(Unreadable);
        }
        let k = self.argument(false)?;
        Ok(if kind == "C" { Expression::Apply(Function::Binomial, vec![n, k]) } else { arrangements(n, k) })
    }

    fn root(&mut self) -> Parsed {
        let degree = if self.peek() == Some(&Kind::Open(Delimiter::Square)) {
            self.advance();
            let degree = self.sum()?;
            self.expect(&Kind::Close(Delimiter::Square))?;
            Some(degree)
        } else {
            None
        };
        let radicand = self.argument(false)?;
        let mut arguments = vec![radicand];
        arguments.extend(degree);
        Ok(Expression::Apply(Function::Root, arguments))
    }

    /// A sum, product, integral or limit: kept as it is written.
    fn big(&mut self, name: &'static str) -> Parsed {
        let mut parts = Vec::new();
        let mut label = name.to_string();
        loop {
            if self.take(&Kind::Underscore) {
                label.push('_');
            } else if self.take(&Kind::Caret) {
                label.push('^');
            } else {
                break;
            }
            let part = if self.take(&Kind::Open(Delimiter::Group)) {
                let (bars, builder) = self.enter();
                let inner = self.deeper(Self::list);
                self.leave(bars, builder);
                self.side();
                self.expect(&Kind::Close(Delimiter::Group))?;
                inner?
            } else {
                self.atom()?
            };
            parts.push(part);
        }
        // What is multiplied belongs to a sum or a limit, what is added does not. A product takes the next factor only.
        parts.push(match name {
            "int" => self.sum()?,
            "prod" => self.factor()?,
            _ => self.product()?,
        });
        Ok(Expression::Opaque(label, parts))
    }

    fn environment(&mut self, name: &str) -> Parsed {
        let rows = self.rows(name)?;
        let matrix = name.ends_with("matrix") || name.starts_with("array") || name == "tabular";
        if matrix {
            let width = rows.first().map_or(0, Vec::len);
            if width == 0 || rows.iter().any(|row| row.len() != width) {
                return Err(Unreadable);
            }
            if matches!(name, "vmatrix") {
                return Ok(Expression::Opaque("determinant".into(), vec![Expression::Matrix(rows)]));
            }
            return Ok(Expression::Matrix(rows));
        }
        // Systems and aligned lines: every row is one entry.
        let mut lines: Vec<Expression> = rows
            .into_iter()
            .map(|mut row| if row.len() == 1 { row.remove(0) } else { Expression::List(Joint::Comma, row) })
            .collect();
        match lines.len() {
            0 => Err(Unreadable),
            1 => Ok(lines.remove(0)),
            _ => Ok(Expression::List(Joint::And, lines)),
        }
    }

    fn rows(&mut self, name: &str) -> Parsed<Vec<Vec<Expression>>> {
        let (bars, builder) = self.enter();
        let result = self.rows_inner(name);
        self.leave(bars, builder);
        result
    }

    fn rows_inner(&mut self, name: &str) -> Parsed<Vec<Vec<Expression>>> {
        let mut rows = vec![Vec::new()];
        let mut cells = 0usize;
        loop {
            match self.peek().cloned().ok_or(Unreadable)? {
                Kind::End(ending) => {
                    if ending != name {
                        return Err(Unreadable);
                    }
                    self.advance();
                    rows.retain(|row: &Vec<Expression>| !row.is_empty());
                    return Ok(rows);
                }
                Kind::RowBreak => {
                    self.advance();
                    rows.push(Vec::new());
                }
                Kind::Ampersand => self.advance(),
                _ => {
                    cells += 1;
                    if cells > MAX_CELLS {
                        return Err(Unreadable);
                    }
                    let cell = self.deeper(Self::cell_entry)?;
                    if let Some(row) = rows.last_mut() {
                        row.push(cell);
                    }
                }
            }
        }
    }
}

/// The entries of a list, or the expression as the only one.
pub(crate) fn entries(expression: Expression) -> Vec<Expression> {
    match expression {
        Expression::List(_, items) => items,
        other => vec![other],
    }
}

/// `n! / (n-k)!`
pub(crate) fn arrangements(n: Expression, k: Expression) -> Expression {
    let rest = Expression::Sum(vec![n.clone(), Expression::Negative(k.into())]);
    Expression::Quotient(Expression::Factorial(n.into()).into(), Expression::Factorial(rest.into()).into())
}

fn with_base_ten(expression: Expression) -> Expression {
    match expression {
        Expression::Apply(Function::Logarithm, mut arguments) if arguments.len() == 1 => {
            arguments.push(Expression::integer(10));
            Expression::Apply(Function::Logarithm, arguments)
        }
        Expression::Power(base, exponent) => Expression::Power(with_base_ten(*base).into(), exponent),
        other => other,
    }
}

fn bracket(delimiter: Delimiter) -> Parsed<Bracket> {
    Ok(match delimiter {
        Delimiter::Round => Bracket::Round,
        Delimiter::Square => Bracket::Square,
        Delimiter::Angle => Bracket::Angle,
        _ => return Err(Unreadable),
    })
}

fn inverse(function: Function) -> Option<Function> {
    use Function::*;
    Some(match function {
        Sine => ArcSine,
        Cosine => ArcCosine,
        Tangent => ArcTangent,
        HyperbolicSine => ArcHyperbolicSine,
        HyperbolicCosine => ArcHyperbolicCosine,
        HyperbolicTangent => ArcHyperbolicTangent,
        _ => return None,
    })
}
