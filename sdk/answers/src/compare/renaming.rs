//! Expressions that differ in names alone, where the names cannot matter: parameters, counters, constants of integration.

use super::{Comparison, Reason};
use crate::expression::{Constant, Expression};
use std::collections::BTreeSet;

/// Whether two functions are one family with other names for its parameters: `f(x) = ax + b` and `f(x) = cx + d`.
///
/// Names that both sides use keep their meaning, so that `ax + b` is not `bx + a`.
pub(super) fn same_family(
    by: &Comparison,
    name: &Expression,
    gold: &Expression,
    answer: &Expression,
) -> Option<Reason> {
    let (variables, gold_names, answer_names) = (name.names(), gold.names(), answer.names());
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| -> Vec<String> {
        these.difference(those).filter(|name| !variables.contains(*name)).cloned().collect()
    };
    let (wanted, given) = (only(&gold_names, &answer_names), only(&answer_names, &gold_names));
    let orders: &[&[usize]] = match (wanted.len(), given.len()) {
        (1, 1) => &[&[0]],
        (2, 2) => &[&[0, 1], &[1, 0]],
        (3, 3) => &[&[0, 1, 2], &[0, 2, 1], &[1, 0, 2], &[1, 2, 0], &[2, 0, 1], &[2, 1, 0]],
        _ => return None,
    };
    orders.iter().find_map(|order| {
        let mut renamed = answer.clone();
        for (from, to) in given.iter().zip(order.iter()) {
            renamed = renamed.substitute(from, &Expression::Symbol(wanted[*to].clone()));
        }
        by.same(gold, &renamed).map(|_| "same family of functions")
    })
}

/// Sums and products that count with another name: `\sum_{k=1}^n k` and `\sum_{i=1}^n i`.
pub fn same_big_operator(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Reason> {
    let (Expression::Opaque(sign, parts), Expression::Opaque(other, others)) = (gold, answer) else { return None };
    if sign != other || parts.len() != others.len() || !(sign.starts_with("sum") || sign.starts_with("prod")) {
        return None;
    }
    // `i` counts as often as `k` does, although it is a number elsewhere.
    let counter = |parts: &[Expression]| match parts.first() {
        Some(Expression::Chain(first, _)) => {
            matches!(**first, Expression::Symbol(_) | Expression::Constant(Constant::I)).then(|| (**first).clone())
        }
        _ => None,
    };
    let (wanted, given) = (counter(parts)?, counter(others)?);
    // The name must be free on the other side, or it would be caught.
    let taken = others.iter().any(|part| part.any(&|inner| *inner == wanted));
    if wanted == given || taken {
        return None;
    }
    let same = parts.iter().zip(others).all(|(a, b)| by.same(a, &b.replaced(&given, &wanted)).is_some());
    same.then_some("same sum or product with another counter")
}

/// Whether two expressions differ in the name of one variable only, where the name cannot matter: the
/// counting variable of a family such as `kπ`, a parameter of a tuple, or another case of the same letter.
pub fn renamed(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Reason> {
    let (gold_names, answer_names) = (gold.names(), answer.names());
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| {
        let mut difference = these.difference(those);
        let first = difference.next()?.clone();
        difference.next().is_none().then_some(first)
    };
    let (wanted, given) = (only(&gold_names, &answer_names)?, only(&answer_names, &gold_names)?);
    let counting = |name: &str| matches!(name, "k" | "n" | "m" | "l" | "j" | "t" | "s" | "x" | "r");
    let has_pi = |part: &Expression| matches!(part, Expression::Constant(Constant::Pi));
    let family = gold.any(&has_pi) && answer.any(&has_pi);
    let tuples = matches!(gold, Expression::Bracketed(..)) && matches!(answer, Expression::Bracketed(..));
    let alone = gold_names.len() == 1 && answer_names.len() == 1;
    // A constant of integration has any name.
    let free = |name: &str| matches!(name.to_lowercase().split('_').next(), Some("c" | "k"));
    let is_term = |expression: &Expression, name: &str| {
        matches!(expression, Expression::Sum(terms)
            if terms.iter().any(|term| matches!(term, Expression::Symbol(own) if own == name)))
    };
    let constant = !alone && free(&wanted) && free(&given) && is_term(gold, &wanted) && is_term(answer, &given);
    let bound = constant || alone && counting(&wanted) && counting(&given) && (family || tuples);
    let relational = matches!(gold, Expression::Chain(..) | Expression::Bracketed(..));
    let cased = relational && wanted.to_lowercase() == given.to_lowercase();
    if !bound && !cased {
        return None;
    }
    by.same(gold, &answer.substitute(&given, &Expression::Symbol(wanted)))
}
