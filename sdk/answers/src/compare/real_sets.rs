//! Sets of real numbers: intervals, unions, inequalities and set-builders, all as ascending pieces.

use super::{Comparison, Reason};
use crate::algebra::probe;
use crate::expression::{Bracket, Constant, Expression, Function, Joint, Relation, SetOperation};
use std::cmp::Ordering;

/// Pieces that a set may have.
const MAX_PIECES: usize = 64;

/// One end of a piece: its place, and the expression that gave it where it is finite.
#[derive(Debug, Clone)]
struct End {
    at: f64,
    closed: bool,
    written: Option<Expression>,
}

/// An interval with its ends, or one point.
#[derive(Debug, Clone)]
struct Piece {
    low: End,
    high: End,
}

type RealSet = Vec<Piece>;

/// Compares two sets of reals where at least one is written as more than a bare bracket; `None` where that is not so.
pub fn compare(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Option<Reason>> {
    if !is_set_like(gold) && !is_set_like(answer) {
        return None;
    }
    // `x ∈ [1, 2]` is written as a set.
    let relational = |expression: &Expression| {
        expression
            .any(&|part| matches!(part, Expression::Chain(_, rest) if rest.iter().any(|(by, _)| *by != Relation::In)))
    };
    // As math-verify has it: the answer may be the solution of the reference, and not the reference the answer's.
    if !by.rules.inequality_as_interval && relational(answer) && !relational(gold) {
        return Some(None);
    }
    // Inequalities about different variables are different answers.
    if let (Some(a), Some(b)) = (subject(gold), subject(answer))
        && a != b
    {
        return Some(None);
    }
    let (Some(wanted), Some(given)) = (set(gold), set(answer)) else {
        return combined_as_written(by, gold, answer);
    };
    let same = wanted.len() == given.len()
        && wanted.iter().zip(&given).all(|(a, b)| same_end(by, &a.low, &b.low) && same_end(by, &a.high, &b.high));
    Some(same.then_some("same set of real numbers"))
}

/// Unions with symbols in their ends, piece by piece.
fn combined_as_written(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Option<Reason>> {
    match (gold, answer) {
        (Expression::Combined(a, b, c), Expression::Combined(x, y, z)) if a == x => {
            let same = by.same(b, y).is_some() && by.same(c, z).is_some();
            Some(same.then_some("same combination of sets"))
        }
        (Expression::SetBuilder(a, b), Expression::SetBuilder(x, y)) => {
            let same = by.same(a, x).is_some() && by.same(b, y).is_some();
            Some(same.then_some("same set"))
        }
        _ => None,
    }
}

/// The variable that a bare inequality is about.
fn subject(expression: &Expression) -> Option<String> {
    match expression {
        Expression::Chain(first, rest) => {
            let mut found = None;
            for part in std::iter::once(&**first).chain(rest.iter().map(|(_, part)| part)) {
                if let Expression::Symbol(name) = part {
                    found = Some(name.clone());
                }
            }
            found
        }
        Expression::List(_, items) => items.iter().find_map(subject),
        _ => None,
    }
}

fn is_set_like(expression: &Expression) -> bool {
    match expression {
        Expression::Combined(..) | Expression::SetBuilder(..) => true,
        Expression::Chain(_, rest) => rest.iter().all(|(relation, _)| is_inequality(*relation)),
        Expression::Bracketed(open, items, close) => {
            items.len() == 2 && (open != close || items.iter().any(is_infinite))
        }
        Expression::List(_, items) => items.iter().all(is_set_like),
        Expression::Sum(terms) => terms.len() == 2 && is_set_like(&terms[0]),
        _ => false,
    }
}

fn is_infinite(expression: &Expression) -> bool {
    match expression {
        Expression::Constant(Constant::Infinity) => true,
        Expression::Negative(inner) => is_infinite(inner),
        _ => false,
    }
}

fn is_inequality(relation: Relation) -> bool {
    matches!(
        relation,
        Relation::Less | Relation::LessOrEqual | Relation::Greater | Relation::GreaterOrEqual | Relation::NotEqual
    )
}

fn same_end(by: &Comparison, a: &End, b: &End) -> bool {
    a.closed == b.closed
        && match (&a.written, &b.written) {
            (None, None) => a.at == b.at,
            (Some(a), Some(b)) => a == b || by.same_value(a, b).is_some(),
            _ => false,
        }
}

fn end(expression: &Expression, closed: bool) -> Option<End> {
    let infinite = |at| Some(End { at, closed: false, written: None });
    match expression {
        Expression::Constant(Constant::Infinity) => return infinite(f64::INFINITY),
        Expression::Negative(inner) if is_infinite(inner) => return infinite(f64::NEG_INFINITY),
        _ => {}
    }
    let at = probe::constant(expression)?;
    at.is_finite().then(|| End { at, closed, written: Some(expression.clone()) })
}

fn unbounded(at: f64) -> End {
    End { at, closed: false, written: None }
}

fn everything() -> RealSet {
    vec![Piece { low: unbounded(f64::NEG_INFINITY), high: unbounded(f64::INFINITY) }]
}

fn point(expression: &Expression) -> Option<Piece> {
    let at = end(expression, true)?;
    at.written.is_some().then(|| Piece { low: at.clone(), high: at })
}

/// The set that an expression stands for, in ascending pieces that do not touch.
fn set(expression: &Expression) -> Option<RealSet> {
    let pieces = match expression {
        Expression::EmptySet => Vec::new(),
        Expression::Symbol(name) if name == "ℝ" => everything(),
        Expression::Bracketed(open, items, close) => {
            let [low, high] = items.as_slice() else { return None };
            let low = end(low, *open == Bracket::Square)?;
            let high = end(high, *close == Bracket::Square)?;
            if low.at > high.at {
                return None;
            }
            vec![Piece { low, high }]
        }
        Expression::Set(items) => items.iter().map(point).collect::<Option<RealSet>>()?,
        Expression::Combined(operation, left, right) => {
            let (left, right) = (set(left)?, set(right)?);
            match operation {
                SetOperation::Union => left.into_iter().chain(right).collect(),
                SetOperation::Intersection => intersection(&left, &right),
                SetOperation::Difference => intersection(&left, &complement(&right)),
            }
        }
        // `A - B` of sets.
        Expression::Sum(terms) => match terms.as_slice() {
            [left, Expression::Negative(right)] => intersection(&set(left)?, &complement(&set(right)?)),
            _ => return None,
        },
        Expression::SetBuilder(_, condition) => set(condition)?,
        Expression::Chain(first, rest) => chain(first, rest)?,
        Expression::List(joint, items) => {
            let mut sets = items.iter().map(set);
            let first = sets.next()??;
            // "x > 1 and x < 3" narrows; a comma or "or" between solutions widens, except that `x ≠ 1, x ≠ 2`
            // and conditions of a set-builder hold together.
            let together = *joint == Joint::And || items.iter().all(excludes);
            let mut held = first;
            for next in sets {
                held = if together { intersection(&held, &next?) } else { held.into_iter().chain(next?).collect() };
            }
            held
        }
        _ => return None,
    };
    (pieces.len() <= MAX_PIECES).then(|| merged(pieces))
}

fn excludes(expression: &Expression) -> bool {
    matches!(expression, Expression::Chain(_, rest) if rest.iter().all(|(relation, _)| *relation == Relation::NotEqual))
}

/// The solutions of a chain with one variable among constants.
fn chain(first: &Expression, rest: &[(Relation, Expression)]) -> Option<RealSet> {
    if let [(Relation::In, within)] = rest {
        return set(within);
    }
    let mut held = everything();
    let mut left = first;
    for (relation, right) in rest {
        let step = match (left, right) {
            (Expression::Apply(Function::Absolute, inner), bound) => within_distance(inner, *relation, bound)?,
            (bound, Expression::Apply(Function::Absolute, inner)) => within_distance(inner, relation.flipped(), bound)?,
            (Expression::Symbol(_) | Expression::Call(..), bound) => half_line(*relation, bound)?,
            (bound, Expression::Symbol(_) | Expression::Call(..)) => half_line(relation.flipped(), bound)?,
            _ => return None,
        };
        held = intersection(&held, &step);
        left = right;
    }
    Some(held)
}

/// The solutions of `|x - centre| < radius` and its like.
fn within_distance(inner: &[Expression], relation: Relation, radius: &Expression) -> Option<RealSet> {
    let centre = match inner {
        [Expression::Symbol(_)] => Expression::integer(0),
        [Expression::Sum(terms)] => match terms.as_slice() {
            [Expression::Symbol(_), Expression::Negative(centre)] => (**centre).clone(),
            [Expression::Symbol(_), shift] => Expression::Negative(shift.clone().into()),
            _ => return None,
        },
        _ => return None,
    };
    if probe::constant(radius)? <= 0.0 {
        return None;
    }
    let side = |radius: Expression| match &centre {
        zero if *zero == Expression::integer(0) => radius,
        other => Expression::Sum(vec![other.clone(), radius]),
    };
    let (low, high) = (side(Expression::Negative(radius.clone().into())), side(radius.clone()));
    let closed = matches!(relation, Relation::LessOrEqual | Relation::GreaterOrEqual);
    let inside = |closed| Some(vec![Piece { low: end(&low, closed)?, high: end(&high, closed)? }]);
    match relation {
        Relation::Less | Relation::LessOrEqual => inside(closed),
        // Outside are the ends where inside has none.
        Relation::Greater | Relation::GreaterOrEqual => Some(complement(&inside(!closed)?)),
        _ => None,
    }
}

fn half_line(relation: Relation, bound: &Expression) -> Option<RealSet> {
    let below = |closed| -> Option<RealSet> {
        Some(vec![Piece { low: unbounded(f64::NEG_INFINITY), high: end(bound, closed)? }])
    };
    let above =
        |closed| -> Option<RealSet> { Some(vec![Piece { low: end(bound, closed)?, high: unbounded(f64::INFINITY) }]) };
    match relation {
        Relation::Less => below(false),
        Relation::LessOrEqual => below(true),
        Relation::Greater => above(false),
        Relation::GreaterOrEqual => above(true),
        Relation::Equal => Some(vec![point(bound)?]),
        Relation::NotEqual => Some(complement(&vec![point(bound)?])),
        _ => None,
    }
}

/// Whether two places are the same to within rounding.
fn near(a: f64, b: f64) -> bool {
    a == b || (a.is_finite() && b.is_finite() && (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1e-300))
}

fn order(a: f64, b: f64) -> Ordering {
    if near(a, b) { Ordering::Equal } else { a.total_cmp(&b) }
}

fn merged(mut pieces: RealSet) -> RealSet {
    pieces.retain(|piece| match order(piece.low.at, piece.high.at) {
        Ordering::Less => true,
        Ordering::Equal => piece.low.closed && piece.high.closed,
        Ordering::Greater => false,
    });
    pieces.sort_by(|a, b| order(a.low.at, b.low.at).then(b.low.closed.cmp(&a.low.closed)));
    let mut out: RealSet = Vec::new();
    for piece in pieces {
        if let Some(last) = out.last_mut() {
            let touch = match order(piece.low.at, last.high.at) {
                Ordering::Less => true,
                Ordering::Equal => piece.low.closed || last.high.closed,
                Ordering::Greater => false,
            };
            if touch {
                match order(piece.high.at, last.high.at) {
                    Ordering::Greater => last.high = piece.high,
                    Ordering::Equal => last.high.closed |= piece.high.closed,
                    Ordering::Less => {}
                }
                continue;
            }
        }
        out.push(piece);
    }
    out
}

/// The end that an intersection keeps: the one that lies `inwards` of the other, open if either is where both are one.
fn inner_end(a: &End, b: &End, inwards: Ordering) -> End {
    match order(a.at, b.at) {
        Ordering::Equal => End { closed: a.closed && b.closed, ..a.clone() },
        found if found == inwards => a.clone(),
        _ => b.clone(),
    }
}

fn intersection(left: &RealSet, right: &RealSet) -> RealSet {
    let mut out = Vec::new();
    for a in left {
        for b in right {
            if out.len() >= MAX_PIECES * 2 {
                return out;
            }
            let low = inner_end(&a.low, &b.low, Ordering::Greater);
            let high = inner_end(&a.high, &b.high, Ordering::Less);
            out.push(Piece { low, high });
        }
    }
    merged(out)
}

fn complement(of: &RealSet) -> RealSet {
    let mut out = Vec::new();
    let mut low = unbounded(f64::NEG_INFINITY);
    for piece in merged(of.clone()) {
        let mut high = piece.low.clone();
        high.closed = !high.closed;
        if high.at != f64::NEG_INFINITY {
            out.push(Piece { low: low.clone(), high });
        }
        low = piece.high.clone();
        low.closed = !low.closed;
    }
    if low.at != f64::INFINITY {
        out.push(Piece { low, high: unbounded(f64::INFINITY) });
    }
    merged(out)
}
