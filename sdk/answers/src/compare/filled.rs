//! Sets and lists whose members are not all written: an ellipsis between numbers, a set-builder over the integers.

use crate::expression::{Expression, Function, Joint, Relation};
use crate::work;

/// Whole numbers that a set may be filled up with.
const MAX_FILLED: i64 = 1_000;

/// A list with its one ellipsis filled in (`1, 2, …, 10`; `2, 4, 8, …, 64`), or the whole numbers that a set-builder
/// over the integers holds.
pub(super) fn filled(expression: &Expression) -> Option<Expression> {
    match expression {
        Expression::Set(items) => Some(Expression::Set(run(items)?)),
        Expression::List(joint, items) => Some(Expression::List(*joint, run(items)?)),
        Expression::Bracketed(open, items, close) => Some(Expression::Bracketed(*open, run(items)?, *close)),
        Expression::SetBuilder(head, condition) => integers_of(head, condition),
        _ => None,
    }
}

fn whole_number(expression: &Expression) -> Option<i64> {
    match expression {
        Expression::Number(number) if number.value.is_integer() => number.value.to_i64(),
        Expression::Negative(inner) => whole_number(inner)?.checked_neg(),
        _ => None,
    }
}

fn run(items: &[Expression]) -> Option<Vec<Expression>> {
    let at = items.iter().position(|item| *item == Expression::Dots)?;
    let (before, after) = (&items[..at], &items[at + 1..]);
    let first: Vec<i64> = before.iter().map(whole_number).collect::<Option<_>>()?;
    let rest: Vec<i64> = after.iter().map(whole_number).collect::<Option<_>>()?;
    let (held, end) = (*first.last()?, *rest.first()?);
    let differences: Vec<i64> = first.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    let mut values = first.clone();
    let mut next = held;
    if differences.windows(2).all(|pair| pair[0] == pair[1]) {
        let step = differences.first().copied().unwrap_or(if end > held { 1 } else { -1 });
        let distance = end.checked_sub(held)?;
        let steps = distance.checked_div(step)?;
        if !(1..=MAX_FILLED).contains(&steps) || distance.checked_rem(step)? != 0 {
            return None;
        }
        while next != end {
            next += step;
            values.push(next);
        }
    } else {
        let ratio = first[1].checked_div(first[0])?;
        let geometric = first.windows(2).all(|pair| pair[0].checked_mul(ratio) == Some(pair[1]));
        if !geometric || ratio.unsigned_abs() < 2 {
            return None;
        }
        while next != end {
            next = next.checked_mul(ratio).filter(|next| next.unsigned_abs() <= end.unsigned_abs())?;
            values.push(next);
        }
    }
    values.extend(&rest[1..]);
    work::spend(100 * values.len() as u64)?;
    Some(values.into_iter().map(Expression::integer).collect())
}

/// The integers between the bounds that the conditions of `{ n ∈ ℤ : 1 ≤ n ≤ 3 }` set.
fn integers_of(head: &Expression, condition: &Expression) -> Option<Expression> {
    let mut domain = None;
    let (mut low, mut high) = (None::<i64>, None::<i64>);
    let conditions = match condition {
        Expression::List(Joint::Comma | Joint::And, items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let membership = |part: &Expression| match part {
        Expression::Chain(first, rest) => match (&**first, rest.as_slice()) {
            (Expression::Symbol(name), [(Relation::In, Expression::Symbol(set))])
                if matches!(set.as_str(), "ℤ" | "ℕ" | "ℤ+" | "Z" | "N") =>
            {
                Some((name.clone(), set.clone()))
            }
            _ => None,
        },
        _ => None,
    };
    let name = match head {
        Expression::Symbol(name) => name.clone(),
        other => {
            let (name, set) = membership(other)?;
            domain = Some(set);
            name
        }
    };
    for part in conditions {
        if let Some((other, set)) = membership(part) {
            domain = (other == name).then_some(set);
            continue;
        }
        let Expression::Chain(first, rest) = part else { return None };
        let mut left = &**first;
        // `|n| ≤ 2`
        if let (Expression::Apply(Function::Absolute, inner), [(relation, bound)]) = (left, rest.as_slice())
            && matches!(inner.as_slice(), [Expression::Symbol(own)] if *own == name)
        {
            let bound = match relation {
                Relation::Less => whole_number(bound)?.checked_sub(1)?,
                Relation::LessOrEqual => whole_number(bound)?,
                _ => return None,
            };
            low = Some(low.map_or(bound.saturating_neg(), |held| held.max(bound.saturating_neg())));
            high = Some(high.map_or(bound, |held| held.min(bound)));
            continue;
        }
        for (relation, right) in rest {
            let variable = |side: &Expression| matches!(side, Expression::Symbol(own) if *own == name);
            let (relation, bound) = match (variable(left), variable(right)) {
                (true, false) => (*relation, whole_number(right)?),
                (false, true) => (relation.flipped(), whole_number(left)?),
                _ => return None,
            };
            match relation {
                Relation::Less => {
                    high = Some(high.map_or(bound.saturating_sub(1), |held| held.min(bound.saturating_sub(1))))
                }
                Relation::LessOrEqual => high = Some(high.map_or(bound, |held| held.min(bound))),
                Relation::Greater => {
                    low = Some(low.map_or(bound.saturating_add(1), |held| held.max(bound.saturating_add(1))))
                }
                Relation::GreaterOrEqual => low = Some(low.map_or(bound, |held| held.max(bound))),
                _ => return None,
            }
            left = right;
        }
    }
    match domain?.as_str() {
        "ℕ" => low = low.map(|low| low.max(0)).or(Some(1)),
        "ℤ+" => low = low.map(|low| low.max(1)).or(Some(1)),
        _ => {}
    }
    let (low, high) = (low?, high?);
    if high.checked_sub(low)? > MAX_FILLED {
        return None;
    }
    work::spend(100 * high.saturating_sub(low).max(0) as u64)?;
    if low > high {
        return Some(Expression::EmptySet);
    }
    Some(Expression::Set((low..=high).map(Expression::integer).collect()))
}
