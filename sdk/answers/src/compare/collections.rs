//! Answers of several values: lists, tuples, sets, matrices, and `±`.

use super::amounts::{in_parts, named_amounts};
use super::filled::filled;
use super::matrices::folded_matrix;
use super::renaming;
use super::unit_vectors::{components, is_marked, unmarked};
use super::{Comparison, Reason};
use crate::config::ListOrder;
use crate::expression::{Bracket, Expression, Relation};
use crate::work;
use std::collections::BTreeMap;

/// Entries that are matched pair by pair, once those that are written alike or are equal numbers are matched.
const MAX_UNORDERED: usize = 40;

/// Compares where either side has several values; `None` where neither has.
pub fn compare(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Option<Reason>> {
    if let (wanted, given) = (filled(gold), filled(answer))
        && (wanted.is_some() || given.is_some())
        && let Some(rule) = by.same(wanted.as_ref().unwrap_or(gold), given.as_ref().unwrap_or(answer))
    {
        return Some(Some(rule));
    }
    let tuple = |expression: &Expression| {
        components(expression).map(|entries| Expression::Bracketed(Bracket::Round, entries, Bracket::Round))
    };
    match (tuple(gold), tuple(answer)) {
        (None, None) => {
            // `2 + 3\\mathbf{i}` is a complex number.
            if is_marked(gold) || is_marked(answer) {
                return Some(by.same(&unmarked(gold), &unmarked(answer)));
            }
        }
        // A vector of the plane lies in space, too.
        (wanted, given) => {
            let (wanted, given) = (wanted.as_ref().unwrap_or(gold), given.as_ref().unwrap_or(answer));
            let (Some(mut a), Some(mut b)) = (vector(wanted), vector(given)) else {
                return Some(by.same(&unmarked(gold), &unmarked(answer)));
            };
            let length = a.len().max(b.len());
            if length <= 3 && a.len().min(b.len()) > 1 {
                a.resize(length, Expression::integer(0));
                b.resize(length, Expression::integer(0));
            }
            return Some(same_entries(by, &a, &b, true).then_some("same vector"));
        }
    }
    if has_plus_minus(gold) || has_plus_minus(answer) {
        let (wanted, given) = (values(gold), values(answer));
        if wanted.len() > 1 || given.len() > 1 {
            let same = same_entries(by, &wanted, &given, false);
            // `(±1, 0, ±2)` are two points, or four where the signs do not go together.
            let free = || {
                let (wanted, given) = (freely(gold), freely(answer));
                same_entries(by, &wanted, &given, false)
            };
            return Some((same || free()).then_some("same values of ±"));
        }
    }
    if let (Some(a), Some(b)) = (folded_matrix(gold), folded_matrix(answer)) {
        let same = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same_entries(by, a, b, true));
        return Some(same.then_some("same matrix"));
    }
    if let (Some(a), Some(b)) = (vector(gold), vector(answer)) {
        let either_matrix = matches!(gold, Expression::Matrix(_)) || matches!(answer, Expression::Matrix(_));
        if either_matrix {
            return Some(same_entries(by, &a, &b, true).then_some("same vector"));
        }
    }
    match (gold, answer) {
        (Expression::Bracketed(open, a, close), Expression::Bracketed(other, b, end)) => {
            // Two entries may be the ends of an interval, where the brackets matter.
            let interval = a.len() == 2 && !matches!((open, other), (Bracket::Angle, _) | (_, Bracket::Angle));
            if interval && (open != other || close != end) {
                return None;
            }
            let same = same_entries(by, a, b, true).then_some("same tuple");
            Some(same.or_else(|| renaming::renamed(by, gold, answer)))
        }
        (Expression::Set(a), Expression::Set(b)) => {
            Some(same_entries(by, &distinct(a), &distinct(b), false).then_some("same set"))
        }
        (Expression::Set(_), Expression::List(..)) | (Expression::List(..), Expression::Set(_))
            if !by.rules.list_as_set =>
        {
            Some(None)
        }
        (Expression::Set(a), Expression::List(_, b)) | (Expression::List(_, a), Expression::Set(b)) => {
            Some(same_entries(by, a, b, false).then_some("same values as a set"))
        }
        (Expression::List(..), Expression::List(..)) if solutions(gold).is_some() != solutions(answer).is_some() => {
            let (wanted, given) = (solutions(gold), solutions(answer));
            let (wanted, given) = (wanted.as_ref().unwrap_or(gold), given.as_ref().unwrap_or(answer));
            Some(by.same(wanted, given))
        }
        (Expression::List(_, a), Expression::List(_, b)) => {
            if let Some(same) = named_amounts(by, a, b) {
                return Some(same.then_some("same amounts by name"));
            }
            let ordered = by.rules.list_order == ListOrder::Same;
            if same_entries(by, a, b, ordered) {
                return Some(Some("same list"));
            }
            None
        }
        // An interval is not the list of its ends.
        (Expression::Bracketed(open, a, close), Expression::List(..))
            if a.len() == 2 && (*open, *close) != (Bracket::Round, Bracket::Round) =>
        {
            Some(None)
        }
        (Expression::List(_, a), Expression::Bracketed(_, b, _))
        | (Expression::Bracketed(_, a, _), Expression::List(_, b)) => {
            same_entries(by, a, b, true).then_some(Some("same values in order"))
        }
        // Clock times are ratios in form only: `12:30 p.m.`
        (Expression::Ratio(a), Expression::Ratio(b)) if a.len() == 2 && same_entries(by, a, b, true) => {
            Some(Some("same ratio"))
        }
        (Expression::Ratio(a), Expression::Ratio(b)) if a.len() == b.len() && a.len() > 2 => {
            // a : b : c up to a factor.
            let scaled = |parts: &[Expression], by: &Expression| -> Vec<Expression> {
                parts.iter().map(|part| Expression::Quotient(part.clone().into(), by.clone().into())).collect()
            };
            let same = same_entries(by, &scaled(a, &a[0]), &scaled(b, &b[0]), true);
            Some(same.then_some("same ratio"))
        }
        (one, list @ Expression::List(..)) | (list @ Expression::List(..), one)
            if !is_collection(one) && in_parts(list).is_some() =>
        {
            let whole = in_parts(list)?;
            let first = matches!(gold, Expression::List(..));
            let same = if first { by.same(&whole, one) } else { by.same(one, &whole) };
            Some(same.map(|_| "same quantity in parts"))
        }
        // The same value written in two ways, such as `15\frac{39}{40}` or `\frac{639}{40}`.
        (one, Expression::List(_, items)) if !is_collection(one) && items.len() <= 4 => {
            let held = items.iter().find(|item| by.same(one, item).is_some());
            let every = |held: &Expression| items.iter().all(|item| by.same(held, item).is_some());
            held.is_some_and(every).then_some(Some("same value in every entry"))
        }
        // `{5}` is the set of solutions of one solution.
        (Expression::Set(items), other) | (other, Expression::Set(items))
            if items.len() == 1 && !is_collection(other) =>
        {
            Some(by.same(&items[0], other))
        }
        _ => None,
    }
}

/// `p = 2, q = 3 or p = 3, q = 2` as a list of tuples: the names come again in the same order.
fn solutions(expression: &Expression) -> Option<Expression> {
    let Expression::List(joint, items) = expression else { return None };
    let assigned = |item: &Expression| match item {
        Expression::Chain(name, rest) => match (&**name, rest.as_slice()) {
            (Expression::Symbol(name), [(Relation::Equal, value)]) => Some((name.clone(), value.clone())),
            _ => None,
        },
        _ => None,
    };
    let pairs: Vec<(String, Expression)> = items.iter().map(assigned).collect::<Option<_>>()?;
    let period = (1..pairs.len()).find(|at| pairs[*at].0 == pairs[0].0)?;
    let repeats = pairs.len().is_multiple_of(period) && pairs.iter().zip(&pairs[period..]).all(|(a, b)| a.0 == b.0);
    if period < 2 || !repeats {
        return None;
    }
    let tuple = |values: &[(String, Expression)]| {
        let values = values.iter().map(|(_, value)| value.clone()).collect();
        Expression::Bracketed(Bracket::Round, values, Bracket::Round)
    };
    Some(Expression::List(*joint, pairs.chunks(period).map(tuple).collect()))
}

/// The values that a list, a set or an expression with `±` stands for.
fn values(expression: &Expression) -> Vec<Expression> {
    match expression {
        Expression::List(_, items) | Expression::Set(items) => items.iter().flat_map(expanded).collect(),
        other => expanded(other),
    }
}

fn is_collection(expression: &Expression) -> bool {
    matches!(
        expression,
        Expression::List(..)
            | Expression::Bracketed(..)
            | Expression::Combined(..)
            | Expression::SetBuilder(..)
            | Expression::Matrix(_)
            | Expression::Chain(..)
    )
}

/// The elements of a set, each once.
fn distinct(items: &[Expression]) -> Vec<Expression> {
    let mut out: Vec<Expression> = Vec::new();
    for item in items {
        // Only what is written as a number twice: comparing all pairs of formulas would be expensive.
        let again = out.iter().any(|held| {
            held == item || matches!((held, item), (Expression::Number(a), Expression::Number(b)) if a.value == b.value)
        });
        if !again || has_plus_minus(item) {
            out.push(item.clone());
        }
    }
    out
}

/// Whether two lists hold the same values, with repetitions, in order or in any order.
pub fn same_entries(by: &Comparison, gold: &[Expression], answer: &[Expression], ordered: bool) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) =
        (gold.iter().flat_map(expanded).collect(), answer.iter().flat_map(expanded).collect());
    if wanted.len() != given.len() {
        return false;
    }
    let in_order = |a: &[Expression], b: &[Expression]| a.iter().zip(b).all(|(a, b)| by.same(a, b).is_some());
    if ordered {
        return in_order(&wanted, &given);
    }
    // Identical entries first: most lists need nothing more expensive, however long they are.
    let keys = |entries: &[Expression]| -> Option<Vec<String>> {
        let keys: Vec<String> = entries.iter().map(written).collect();
        work::spend(keys.iter().map(|key| 20 + key.len() as u64).sum())?;
        Some(keys)
    };
    let (Some(wanted_keys), Some(given_keys)) = (keys(&wanted), keys(&given)) else { return false };
    let mut held: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, key) in given_keys.iter().enumerate() {
        held.entry(key).or_default().push(index);
    }
    let mut matched = vec![false; given.len()];
    let mut open: Vec<&Expression> = Vec::new();
    for (entry, key) in wanted.iter().zip(&wanted_keys) {
        match held.get_mut(key.as_str()).and_then(Vec::pop) {
            Some(index) => matched[index] = true,
            None => open.push(entry),
        }
    }
    let mut left: Vec<&Expression> =
        given.iter().zip(&matched).filter(|(_, matched)| !**matched).map(|(entry, _)| entry).collect();
    if left.len() > MAX_UNORDERED {
        return open.iter().zip(&left).all(|(a, b)| by.same(a, b).is_some());
    }
    for entry in open {
        match left.iter().position(|other| by.same(entry, other).is_some()) {
            Some(index) => {
                left.remove(index);
            }
            None => return false,
        }
    }
    true
}

/// An entry as a key: its exact number, or how it is built.
fn written(entry: &Expression) -> String {
    match entry {
        Expression::Number(number) => number.value.to_string(),
        Expression::Negative(inner) => format!("-{}", written(inner)),
        other => format!("{other:?}"),
    }
}

/// Whether `(x, y) = (1, 2)` is answered by `x = 1, y = 2`.
pub fn labelled(by: &Comparison, name: &Expression, value: &Expression, answer: &Expression) -> bool {
    let (Expression::Bracketed(_, names, _), Expression::Bracketed(_, values, _), Expression::List(_, entries)) =
        (name, value, answer)
    else {
        return false;
    };
    names.len() == values.len()
        && names.len() == entries.len()
        && names.iter().zip(values).all(|(name, value)| {
            entries.iter().any(|entry| {
                matches!(entry, Expression::Chain(first, rest)
                    if **first == *name && rest.last().is_some_and(|(_, given)| by.same(value, given).is_some()))
            })
        })
}

fn has_plus_minus(expression: &Expression) -> bool {
    // Inside a list every entry is expanded on its own.
    !matches!(expression, Expression::List(..) | Expression::Set(_))
        && expression.any(&|part| matches!(part, Expression::PlusMinus(..)))
}

/// Both readings of `±`, the upper signs first; the expression itself where there is none.
fn expanded(expression: &Expression) -> Vec<Expression> {
    if !has_plus_minus(expression) {
        return vec![expression.clone()];
    }
    vec![signed(expression, false), signed(expression, true)]
}

/// Every choice of the signs of a tuple, each entry on its own; at most sixteen.
fn freely(expression: &Expression) -> Vec<Expression> {
    let tuples = match expression {
        Expression::List(_, items) | Expression::Set(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut out = Vec::new();
    for tuple in tuples {
        let Expression::Bracketed(open, entries, close) = tuple else {
            out.extend(expanded(tuple));
            continue;
        };
        let mut rows: Vec<Vec<Expression>> = vec![Vec::new()];
        for entry in entries {
            let ways = expanded(entry);
            if rows.len() * ways.len() > 16 {
                return Vec::new();
            }
            rows = rows
                .iter()
                .flat_map(|row| ways.iter().map(move |way| row.iter().cloned().chain([way.clone()]).collect()))
                .collect();
        }
        out.extend(rows.into_iter().map(|row| Expression::Bracketed(*open, row, *close)));
    }
    out
}

fn signed(expression: &Expression, lower: bool) -> Expression {
    match expression {
        Expression::PlusMinus(flipped, inner) => {
            let inner = signed(inner, lower);
            if *flipped != lower { Expression::Negative(inner.into()) } else { inner }
        }
        other => other.map_parts(&mut |part| signed(part, lower)),
    }
}

/// The entries of a row, a column or a tuple.
fn vector(expression: &Expression) -> Option<Vec<Expression>> {
    match expression {
        Expression::Matrix(rows) if rows.len() == 1 => rows.first().cloned(),
        Expression::Matrix(rows) if rows.iter().all(|row| row.len() == 1) => {
            Some(rows.iter().flatten().cloned().collect())
        }
        Expression::Bracketed(_, items, _) => Some(items.clone()),
        _ => None,
    }
}
