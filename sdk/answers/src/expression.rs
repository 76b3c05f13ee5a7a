//! The one tree that LaTeX and plain text are both read into.

pub mod rational;

pub use rational::Rational;

use std::collections::BTreeSet;

/// A literal number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its exact value.
    pub value: Rational,
    /// Digits after the point, where it was written as a decimal: such a number may have been rounded.
    pub places: Option<u32>,
}

/// A number with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Constant {
    /// The ratio of a circle's circumference to its diameter.
    Pi,
    /// The base of the natural logarithm.
    E,
    /// The imaginary unit.
    I,
    /// Positive infinity.
    Infinity,
}

/// A function that the verifier knows the meaning of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// A root; the degree is the second argument, two where there is none.
    Root,
    /// The distance from zero.
    Absolute,
    /// The largest integer below.
    Floor,
    /// The smallest integer above.
    Ceiling,
    /// A logarithm; the base is the second argument, natural where there is none.
    Logarithm,
    /// Sine.
    Sine,
    /// Cosine.
    Cosine,
    /// Tangent.
    Tangent,
    /// Cotangent.
    Cotangent,
    /// Secant.
    Secant,
    /// Cosecant.
    Cosecant,
    /// Inverse sine.
    ArcSine,
    /// Inverse cosine.
    ArcCosine,
    /// Inverse tangent.
    ArcTangent,
    /// Hyperbolic sine.
    HyperbolicSine,
    /// Hyperbolic cosine.
    HyperbolicCosine,
    /// Hyperbolic tangent.
    HyperbolicTangent,
    /// Inverse hyperbolic sine.
    ArcHyperbolicSine,
    /// Inverse hyperbolic cosine.
    ArcHyperbolicCosine,
    /// Inverse hyperbolic tangent.
    ArcHyperbolicTangent,
    /// The exponential function.
    Exponential,
    /// The number of combinations.
    Binomial,
    /// The greatest common divisor of all arguments.
    GreatestCommonDivisor,
    /// The least common multiple of all arguments.
    LeastCommonMultiple,
    /// The largest argument.
    Maximum,
    /// The smallest argument.
    Minimum,
}

/// A relation between two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `=`
    Equal,
    /// `≠`
    NotEqual,
    /// `<`
    Less,
    /// `≤`
    LessOrEqual,
    /// `>`
    Greater,
    /// `≥`
    GreaterOrEqual,
    /// `≈`
    Approximately,
    /// `≡`
    Congruent,
    /// `∈`
    In,
    /// Any arrow.
    Arrow,
}

impl Relation {
    /// The relation that holds with both sides exchanged.
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            other => other,
        }
    }
}

/// A bracket that can enclose several entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bracket {
    /// `(` and `)`
    Round,
    /// `[` and `]`
    Square,
    /// `⟨` and `⟩`
    Angle,
}

/// What joins the entries of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// A comma or a semicolon.
    Comma,
    /// The word "and".
    And,
    /// The word "or".
    Or,
}

/// An operation on sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperation {
    /// `∪`
    Union,
    /// `∩`
    Intersection,
    /// `∖`
    Difference,
}

/// An answer as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A literal number.
    Number(Number),
    /// A number with a name.
    Constant(Constant),
    /// A variable, with its subscript if any.
    Symbol(String),
    /// Words.
    Text(String),
    /// A sum of all entries.
    Sum(Vec<Expression>),
    /// A product of all entries.
    Product(Vec<Expression>),
    /// The first divided by the second.
    Quotient(Box<Expression>, Box<Expression>),
    /// The first to the power of the second.
    Power(Box<Expression>, Box<Expression>),
    /// The other sign.
    Negative(Box<Expression>),
    /// `±` (or `∓` where the flag is set) in front of a term.
    PlusMinus(bool, Box<Expression>),
    /// `n!`
    Factorial(Box<Expression>),
    /// A known function of its arguments.
    Apply(Function, Vec<Expression>),
    /// An unknown function of its arguments, such as `f(x)`.
    Call(String, Vec<Expression>),
    /// A percentage.
    Percent(Box<Expression>),
    /// An angle in degrees.
    Degrees(Box<Expression>),
    /// A value with its unit.
    Quantity(Box<Expression>, String),
    /// The remainder of the first by the second.
    Modulo(Box<Expression>, Box<Expression>),
    /// `a : b : c`
    Ratio(Vec<Expression>),
    /// Entries in brackets: a tuple, a vector, or an interval, which the comparison decides.
    Bracketed(Bracket, Vec<Expression>, Bracket),
    /// Entries in braces.
    Set(Vec<Expression>),
    /// `{ x | condition }`
    SetBuilder(Box<Expression>, Box<Expression>),
    /// The empty set.
    EmptySet,
    /// Sets joined by one operation, from the left.
    Combined(SetOperation, Box<Expression>, Box<Expression>),
    /// Rows of a matrix.
    Matrix(Vec<Vec<Expression>>),
    /// `a = b < c`: the first expression, then relations with what follows each.
    Chain(Box<Expression>, Vec<(Relation, Expression)>),
    /// Entries without brackets.
    List(Joint, Vec<Expression>),
    /// Digits in a base of their own.
    Based(String, u32),
    /// Something that is compared as it is written: a sum, an integral, a limit. Evaluating it would let a
    /// restated problem pass for its answer.
    Opaque(String, Vec<Expression>),
    /// An ellipsis.
    Dots,
}

impl Expression {
    /// An integer literal.
    pub fn integer(value: i64) -> Self {
        Self::Number(Number { value: Rational::integer(value), places: None })
    }

    /// An exact number.
    pub fn rational(value: Rational) -> Self {
        Self::Number(Number { value, places: None })
    }

    /// Calls `visit` with every direct part.
    pub fn for_each_part(&self, visit: &mut dyn FnMut(&Expression)) {
        match self {
            Self::Number(_)
            | Self::Constant(_)
            | Self::Symbol(_)
            | Self::Text(_)
            | Self::EmptySet
            | Self::Based(..)
            | Self::Dots => {}
            Self::Sum(parts)
            | Self::Product(parts)
            | Self::Apply(_, parts)
            | Self::Call(_, parts)
            | Self::Ratio(parts)
            | Self::Bracketed(_, parts, _)
            | Self::Set(parts)
            | Self::List(_, parts)
            | Self::Opaque(_, parts) => parts.iter().for_each(visit),
            Self::Quotient(left, right)
            | Self::Power(left, right)
            | Self::Modulo(left, right)
            | Self::SetBuilder(left, right)
            | Self::Combined(_, left, right) => {
                visit(left);
                visit(right);
            }
            Self::Negative(inner)
            | Self::PlusMinus(_, inner)
            | Self::Factorial(inner)
            | Self::Percent(inner)
            | Self::Degrees(inner)
            | Self::Quantity(inner, _) => visit(inner),
            Self::Matrix(rows) => rows.iter().flatten().for_each(visit),
            Self::Chain(first, rest) => {
                visit(first);
                rest.iter().for_each(|(_, part)| visit(part));
            }
        }
    }

    /// The same tree with `change` applied to every direct part.
    pub fn map_parts(&self, change: &mut dyn FnMut(&Expression) -> Expression) -> Expression {
        let mut many = |parts: &[Expression]| parts.iter().map(&mut *change).collect::<Vec<Expression>>();
        match self {
            Self::Sum(parts) => Self::Sum(many(parts)),
            Self::Product(parts) => Self::Product(many(parts)),
            Self::Apply(function, parts) => Self::Apply(*function, many(parts)),
            Self::Call(name, parts) => Self::Call(name.clone(), many(parts)),
            Self::Ratio(parts) => Self::Ratio(many(parts)),
            Self::Bracketed(open, parts, close) => Self::Bracketed(*open, many(parts), *close),
            Self::Set(parts) => Self::Set(many(parts)),
            Self::List(joint, parts) => Self::List(*joint, many(parts)),
            Self::Opaque(name, parts) => Self::Opaque(name.clone(), many(parts)),
            Self::Matrix(rows) => Self::Matrix(rows.iter().map(|row| many(row)).collect()),
            Self::Quotient(a, b) => Self::Quotient(change(a).into(), change(b).into()),
            Self::Power(a, b) => Self::Power(change(a).into(), change(b).into()),
            Self::Modulo(a, b) => Self::Modulo(change(a).into(), change(b).into()),
            Self::SetBuilder(a, b) => Self::SetBuilder(change(a).into(), change(b).into()),
            Self::Combined(operation, a, b) => Self::Combined(*operation, change(a).into(), change(b).into()),
            Self::Negative(inner) => Self::Negative(change(inner).into()),
            Self::PlusMinus(flipped, inner) => Self::PlusMinus(*flipped, change(inner).into()),
            Self::Factorial(inner) => Self::Factorial(change(inner).into()),
            Self::Percent(inner) => Self::Percent(change(inner).into()),
            Self::Degrees(inner) => Self::Degrees(change(inner).into()),
            Self::Quantity(inner, unit) => Self::Quantity(change(inner).into(), unit.clone()),
            Self::Chain(first, rest) => Self::Chain(
                change(first).into(),
                rest.iter().map(|(relation, part)| (*relation, change(part))).collect(),
            ),
            leaf => leaf.clone(),
        }
    }

    /// Whether any part, at any depth, satisfies `wanted`.
    pub fn any(&self, wanted: &dyn Fn(&Expression) -> bool) -> bool {
        if wanted(self) {
            return true;
        }
        let mut found = false;
        self.for_each_part(&mut |part| found = found || part.any(wanted));
        found
    }

    /// Adds the name of every variable to `names`.
    pub fn symbols(&self, names: &mut BTreeSet<String>) {
        if let Self::Symbol(name) = self {
            names.insert(name.clone());
        }
        self.for_each_part(&mut |part| part.symbols(names));
    }

    /// The names of all variables.
    pub fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.symbols(&mut names);
        names
    }

    /// The same tree with `to` in every place of `from`.
    pub fn replaced(&self, from: &Expression, to: &Expression) -> Expression {
        if self == from { to.clone() } else { self.map_parts(&mut |part| part.replaced(from, to)) }
    }

    /// The same tree with one variable replaced.
    pub fn substitute(&self, name: &str, with: &Expression) -> Expression {
        match self {
            Self::Symbol(own) if own == name => with.clone(),
            _ => self.map_parts(&mut |part| part.substitute(name, with)),
        }
    }
}
