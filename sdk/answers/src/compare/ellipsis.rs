//! Sums and products with an ellipsis, such as `a_1 + a_2 + \cdots + a_n`: compared with the ellipsis filled in.
//!
//! The letter that counts is given several whole values in turn. At each, the two terms beside the ellipsis say how the
//! terms continue, and the gap is filled until the term after it is met. Where the terms do not lead there, or their
//! number does not grow evenly with the letter, nothing is concluded.

use super::{Comparison, Reason};
use crate::algebra::{closed_form, exact_value};
use crate::expression::Expression;
use crate::read::lexer::Comma;
use crate::read::parser;
use crate::work;
use std::collections::BTreeSet;

/// Values that the counting letter is given.
const LENGTHS: [i64; 4] = [4, 5, 6, 7];
/// Terms that one gap may be filled with.
const MAX_TERMS: i64 = 40;

/// Whether two expressions agree for every length tried; the counting letter is found by trying.
pub fn compare(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Reason> {
    letters(gold, answer).iter().take(4).find_map(|letter| at_every_length(by, gold, answer, letter))
}

fn at_every_length(by: &Comparison, gold: &Expression, answer: &Expression, letter: &str) -> Option<Reason> {
    let mut gaps: Vec<Vec<i64>> = Vec::new();
    for length in LENGTHS {
        let mut filled = Vec::new();
        let wanted = fill(&instance(gold, letter, length), &mut filled)?;
        let given = fill(&instance(answer, letter, length), &mut filled)?;
        gaps.push(filled);
        by.same_value(&closed_form::work_out(&wanted, false), &closed_form::work_out(&given, false))?;
    }
    let even = gaps.windows(3).all(|three| {
        three[0].len() == three[1].len()
            && three[1].len() == three[2].len()
            && (0..three[0].len()).all(|gap| three[1][gap] - three[0][gap] == three[2][gap] - three[1][gap])
    });
    even.then_some("same sum or product at every length")
}

/// The letters that may count: alone, or in a subscript.
fn letters(gold: &Expression, answer: &Expression) -> BTreeSet<String> {
    let names = &gold.names() | &answer.names();
    let counting = |letter: &char| "nkmNrstpqlj".contains(*letter);
    let mut found = BTreeSet::new();
    for name in &names {
        let label = match name.split_once('_') {
            Some((_, label)) if label.len() <= 6 => label,
            None if name.len() == 1 => name,
            _ => continue,
        };
        found.extend(label.chars().filter(counting).map(String::from));
    }
    found
}

/// The expression with a whole number for a letter, in subscripts too.
fn instance(expression: &Expression, letter: &str, value: i64) -> Expression {
    match expression {
        Expression::Symbol(name) if name == letter => Expression::integer(value),
        Expression::Symbol(name) => match name.split_once('_') {
            Some((base, label)) if label.len() <= 6 && label.contains(letter) => {
                let index = parser::parse(label, Comma::Separator)
                    .ok()
                    .and_then(|label| exact_value(&label.substitute(letter, &Expression::integer(value)))?.to_i64());
                match index {
                    Some(index) => Expression::Symbol(format!("{base}_{index}")),
                    None => expression.clone(),
                }
            }
            _ => expression.clone(),
        },
        _ => expression.map_parts(&mut |part| instance(part, letter, value)),
    }
}

/// The expression with every ellipsis filled, and how many terms each took.
fn fill(expression: &Expression, filled: &mut Vec<i64>) -> Option<Expression> {
    work::spend(50)?;
    let mut whole = true;
    let inner = expression.map_parts(&mut |part| match part {
        Expression::Dots => Expression::Dots,
        part => fill(part, filled).unwrap_or_else(|| {
            whole = false;
            Expression::Dots
        }),
    });
    if !whole {
        return None;
    }
    let parts = match &inner {
        Expression::Sum(parts) | Expression::Product(parts) => parts,
        other => {
            let mut dots = matches!(other, Expression::Dots);
            other.for_each_part(&mut |part| dots |= *part == Expression::Dots);
            return (!dots).then_some(inner);
        }
    };
    let mut places = parts.iter().enumerate().filter(|(_, part)| **part == Expression::Dots).map(|(at, _)| at);
    let Some(at) = places.next() else { return Some(inner) };
    if places.next().is_some() {
        return None;
    }
    let (before, after) = (&parts[..at], &parts[at + 1..]);
    let gap = match (before, after) {
        ([.., first, second], [last, ..]) => between(first, second, last, false)?,
        // `a_1 + ⋯ + a_{n-1} + a_n` continues from its end.
        ([first], [second, last, ..]) => between(last, second, first, false)?,
        ([first], [last]) => between(first, last, last, true)?,
        _ => return None,
    };
    filled.push(gap.len() as i64);
    let all: Vec<Expression> = before.iter().chain(&gap).chain(after).cloned().collect();
    Some(if matches!(inner, Expression::Sum(_)) { Expression::Sum(all) } else { Expression::Product(all) })
}

/// The terms that continue the first two and end before the last. With `unit`, indices move by one towards the
/// last term, where there is no second one to give the step.
fn between(first: &Expression, second: &Expression, last: &Expression, unit: bool) -> Option<Vec<Expression>> {
    let begin = if unit { 1 } else { 2 };
    let mut gap = Vec::new();
    for step in begin..=MAX_TERMS {
        let term = stepped(first, second, step, unit)?;
        if meets(&term, last) {
            return Some(gap);
        }
        gap.push(term);
    }
    None
}

/// The term that many steps after the first, where the second is one step after it.
fn stepped(first: &Expression, second: &Expression, steps: i64, unit: bool) -> Option<Expression> {
    work::spend(30)?;
    if first == second {
        return Some(first.clone());
    }
    let onwards = |from: i64, to: i64| {
        let step = if unit { (to - from).signum() } else { to - from };
        from.checked_add(step.checked_mul(steps)?)
    };
    if let (Expression::Symbol(a), Expression::Symbol(b)) = (first, second) {
        let ((base, from), (other, to)) = (indexed(a)?, indexed(b)?);
        return (base == other).then(|| Some(Expression::Symbol(format!("{base}_{}", onwards(from, to)?))))?;
    }
    // x, x^2, …
    if let Expression::Power(base, exponent) = second
        && **base == *first
    {
        let exponent = stepped(&Expression::integer(1), exponent, steps, unit)?;
        return Some(Expression::Power(base.clone(), exponent.into()));
    }
    // 1, 1/2, …
    if let Expression::Quotient(..) = second
        && matches!(first, Expression::Number(_))
    {
        let first = Expression::Quotient(first.clone().into(), Expression::integer(1).into());
        return stepped(&first, second, steps, unit);
    }
    if let Some(parts) = matched_parts(first, second) {
        let mut rest = parts.into_iter();
        let mut whole = true;
        let stepped = first.map_parts(&mut |part| {
            let next = rest.next().and_then(|other| stepped(part, &other, steps, unit));
            whole &= next.is_some();
            next.unwrap_or(Expression::Dots)
        });
        if whole {
            return Some(stepped);
        }
    }
    let (from, to) = (exact_value(first)?.to_i64()?, exact_value(second)?.to_i64()?);
    Some(Expression::integer(onwards(from, to)?))
}

/// A name and its whole index.
fn indexed(name: &str) -> Option<(&str, i64)> {
    let (base, label) = name.split_once('_')?;
    Some((base, label.parse().ok()?))
}

/// The parts of the second expression, where it has the form of the first.
fn matched_parts(first: &Expression, second: &Expression) -> Option<Vec<Expression>> {
    let mut parts = Vec::new();
    second.for_each_part(&mut |part| parts.push(part.clone()));
    let hollow = |expression: &Expression| expression.map_parts(&mut |_| Expression::Dots);
    (!parts.is_empty() && hollow(first) == hollow(second)).then_some(parts)
}

/// Whether a term is the one that was written, numbers by their value.
fn meets(term: &Expression, last: &Expression) -> bool {
    if term == last {
        return true;
    }
    if let Some(parts) = matched_parts(term, last) {
        let mut rest = parts.iter();
        let mut same = true;
        term.for_each_part(&mut |part| same = same && rest.next().is_some_and(|other| meets(part, other)));
        if same {
            return true;
        }
    }
    matches!((exact_value(term), exact_value(last)), (Some(a), Some(b)) if a == b)
}
