//! Equations, assignments, chains and inequalities.

use crate::equivalence::{Comparison, Rule};
use crate::expression::{Constant, Expression, Relation};
use crate::{algebra, numeric, structures, work};
use std::collections::BTreeSet;

/// Compares where either side is a chain of relations; `None` where neither is.
pub fn compare(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Option<Rule>> {
    match (gold, answer) {
        (Expression::Chain(..), Expression::Chain(..)) => Some(both(by, gold, answer)),
        (Expression::Chain(first, rest), other) => Some(gold_only(by, gold, first, rest, other)),
        (other, Expression::Chain(first, rest)) => Some(answer_only(by, answer, first, rest, other)),
        _ => None,
    }
}

/// The value of `x = … = value`, where the left side is a name.
fn assigned<'a>(first: &'a Expression, rest: &'a [(Relation, Expression)]) -> Option<(&'a Expression, &'a Expression)> {
    if !is_name(first) {
        return None;
    }
    let mut value = None;
    for (relation, part) in rest {
        match relation {
            Relation::Equal | Relation::Congruent => value = Some(part),
            // `x ∈ S`
            Relation::In if rest.len() == 1 => value = Some(part),
            // What follows ≈ is rounded: the exact value before it counts.
            Relation::Approximately => {
                value = value.or(Some(part));
                break;
            }
            Relation::Arrow if value.is_none() => value = Some(part),
            _ => return None,
        }
    }
    value.map(|value| (first, value))
}

/// Whether an expression only names a quantity: `x`, `f(x)`, `AB`, `|AB|`, `(p, q)`, `V_1 : V_2`.
pub fn is_name(expression: &Expression) -> bool {
    match expression {
        Expression::Symbol(_) => true,
        Expression::Call(_, arguments) => arguments.len() <= 4,
        Expression::Apply(crate::expression::Function::Absolute, parts)
        | Expression::Ratio(parts)
        | Expression::Bracketed(_, parts, _)
        | Expression::List(_, parts)
        | Expression::Set(parts) => parts.iter().all(is_name),
        Expression::Product(parts) => {
            let letters = |part: &Expression| {
                matches!(part, Expression::Symbol(_) | Expression::Constant(Constant::E | Constant::I))
                    || matches!(part, Expression::Chain(..) | Expression::Combined(..))
                    || matches!(part, Expression::Power(base, exponent)
                        if matches!(**base, Expression::Symbol(ref name) if matches!(name.as_str(), "f" | "g" | "h"))
                        && matches!(**exponent, Expression::Negative(_)))
            };
            parts.iter().all(letters)
        }
        // `dy/dx`
        Expression::Quotient(top, bottom) => {
            let differential = |part: &Expression| {
                matches!(part, Expression::Product(letters)
                if letters.len() == 2 && letters[0] == Expression::Symbol("d".into()) && is_name(&letters[1]))
            };
            differential(top) && differential(bottom)
        }
        Expression::Opaque(name, parts) => name == "overline" && parts.iter().all(is_name),
        Expression::Quantity(inner, _) => is_name(inner),
        _ => false,
    }
}

fn both(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Rule> {
    let (Expression::Chain(a, gold_rest), Expression::Chain(b, answer_rest)) = (gold, answer) else {
        return None;
    };
    if let (Some((name, wanted)), Some((other, given))) = (assigned(a, gold_rest), assigned(b, answer_rest)) {
        if same_name(name, other) {
            let family = matches!(name, Expression::Call(..)).then(|| same_family(by, name, wanted, given));
            return by.same(wanted, given).map(|_| "same assigned value").or(family.flatten());
        }
        // `f(n) = …` and `f(m) = …` differ in a bound name only.
        if let (Expression::Call(f, xs), Expression::Call(g, ys)) = (name, other)
            && f == g
            && let ([Expression::Symbol(x)], [Expression::Symbol(y)]) = (xs.as_slice(), ys.as_slice())
        {
            let renamed = given.substitute(y, &Expression::Symbol(x.clone()));
            return by.same(wanted, &renamed).map(|_| "same function of a renamed variable");
        }
        // `y = …` and `f(x) = …` name the same function.
        let dependent = |part: &Expression| matches!(part, Expression::Symbol(name) if name == "y");
        let called = |part: &Expression| {
            matches!(part, Expression::Call(_, arguments)
            if matches!(arguments.as_slice(), [Expression::Symbol(x)] if x == "x"))
        };
        if dependent(name) && called(other) || called(name) && dependent(other) {
            return by.same(wanted, given).map(|_| "same function");
        }
        if is_expanding(gold) || is_expanding(answer) {
            return by.same(wanted, given);
        }
    }
    if let ([(Relation::Equal, c)], [(Relation::Equal, d)]) = (gold_rest.as_slice(), answer_rest.as_slice()) {
        return same_equation(&difference(a, c), &difference(b, d));
    }
    if let Some(Some(rule)) = crate::real_sets::compare(by, gold, answer) {
        return Some(rule);
    }
    if let ([(wanted, c)], [(given, d)]) = (gold_rest.as_slice(), answer_rest.as_slice())
        && let Some(decided) = same_inequality((a, *wanted, c), (b, *given, d))
    {
        return decided;
    }
    let (gold_parts, gold_relations) = directed(a, gold_rest);
    let (answer_parts, answer_relations) = directed(b, answer_rest);
    let same = gold_relations == answer_relations
        && gold_parts.iter().zip(&answer_parts).all(|(x, y)| by.same(x, y).is_some());
    same.then_some("same chain of relations")
}

fn is_expanding(expression: &Expression) -> bool {
    matches!(expression, Expression::Chain(_, rest)
        if rest.iter().any(|(_, part)| matches!(part, Expression::List(..) | Expression::Set(_))))
}

/// Names are the same up to brackets around the arguments: `f(x)` read as a call or as a product.
fn same_name(a: &Expression, b: &Expression) -> bool {
    a == b || name_letters(a) == name_letters(b)
}

fn name_letters(expression: &Expression) -> String {
    let mut out = String::new();
    match expression {
        Expression::Symbol(name) => out.push_str(name),
        Expression::Call(name, _) => out.push_str(name),
        _ => {}
    }
    expression.for_each_part(&mut |part| {
        out.push(' ');
        out.push_str(&name_letters(part));
    });
    out.trim().to_string()
}

fn difference(left: &Expression, right: &Expression) -> Expression {
    Expression::Sum(vec![left.clone(), Expression::Negative(right.clone().into())])
}

/// Two equations are the same if their differences are proportional.
fn same_equation(gold: &Expression, answer: &Expression) -> Option<Rule> {
    let mut gold_names = BTreeSet::new();
    let mut answer_names = BTreeSet::new();
    gold.symbols(&mut gold_names);
    answer.symbols(&mut answer_names);
    if gold_names != answer_names || gold_names.is_empty() {
        return None;
    }
    let proportional = work::limited(crate::equivalence::NORMAL_FORM, || {
        algebra::proportional(&algebra::form(gold)?, &algebra::form(answer)?)
    });
    match proportional {
        Some(true) => return Some("same equation up to a factor"),
        Some(false) => return None,
        None => {}
    }
    numeric::proportional(gold, answer).then_some("same equation at every probe point")
}

/// Two inequalities are the same if their differences, turned the same way, are proportional with a positive factor;
/// `None` where either is none or the algebra cannot tell.
fn same_inequality(
    gold: (&Expression, Relation, &Expression),
    answer: (&Expression, Relation, &Expression),
) -> Option<Option<Rule>> {
    let upwards = |(left, relation, right): (&Expression, Relation, &Expression)| {
        Some(match relation {
            Relation::Less => (difference(left, right), true),
            Relation::LessOrEqual => (difference(left, right), false),
            Relation::Greater => (difference(right, left), true),
            Relation::GreaterOrEqual => (difference(right, left), false),
            _ => return None,
        })
    };
    let ((wanted, strict), (given, other)) = (upwards(gold)?, upwards(answer)?);
    if strict != other {
        return Some(None);
    }
    let factor = work::limited(crate::equivalence::NORMAL_FORM, || {
        algebra::factor(&algebra::form(&wanted)?, &algebra::form(&given)?)
    })?;
    Some((!factor.is_negative()).then_some("same inequality up to a positive factor"))
}

/// The parts of a chain with every inequality turned to point upwards.
fn directed<'a>(first: &'a Expression, rest: &'a [(Relation, Expression)]) -> (Vec<&'a Expression>, Vec<Relation>) {
    let mut parts: Vec<&Expression> = std::iter::once(first).chain(rest.iter().map(|(_, part)| part)).collect();
    let mut relations: Vec<Relation> = rest.iter().map(|(relation, _)| *relation).collect();
    let downwards = relations.iter().any(|relation| matches!(relation, Relation::Greater | Relation::GreaterOrEqual));
    if downwards {
        parts.reverse();
        relations.reverse();
        for relation in &mut relations {
            *relation = match *relation {
                Relation::Greater => Relation::Less,
                Relation::GreaterOrEqual => Relation::LessOrEqual,
                Relation::Less => Relation::Greater,
                Relation::LessOrEqual => Relation::GreaterOrEqual,
                other => other,
            };
        }
    }
    (parts, relations)
}

fn gold_only(
    by: &Comparison,
    gold: &Expression,
    first: &Expression,
    rest: &[(Relation, Expression)],
    other: &Expression,
) -> Option<Rule> {
    if let Some((name, value)) = assigned(first, rest) {
        let direct = by.same(value, other).or_else(|| renamed(by, value, other));
        // `(x, y) = (1, 2)` is answered by `x = 1, y = 2`, which the structures compare.
        return direct
            .map(|_| "same value as assigned")
            .or_else(|| structures::labelled(by, name, value, other).then_some("same labelled values"));
    }
    if let [(Relation::Approximately, _)] = rest {
        return by.same(first, other);
    }
    crate::real_sets::compare(by, gold, other).flatten()
}

fn answer_only(
    by: &Comparison,
    answer: &Expression,
    first: &Expression,
    rest: &[(Relation, Expression)],
    gold: &Expression,
) -> Option<Rule> {
    if let Some((_, value)) = assigned(first, rest) {
        return by.same(gold, value).or_else(|| renamed(by, gold, value)).map(|_| "same value as assigned");
    }
    if let [(Relation::Approximately, _)] = rest {
        return by.same(gold, first);
    }
    // A computation without variables ends in its result.
    let has_variables =
        |part: &Expression| part.any(&|inner| matches!(inner, Expression::Symbol(_) | Expression::Call(..)));
    let closed = (!has_variables(first) || matches!(first, Expression::Opaque(..)))
        && !rest.iter().any(|(_, part)| has_variables(part));
    if closed && rest.iter().all(|(relation, _)| matches!(relation, Relation::Equal | Relation::Approximately)) {
        let exact = rest.iter().take_while(|(relation, _)| *relation == Relation::Equal).last();
        return match exact {
            Some((_, value)) => by.same(gold, value),
            None => by.same(gold, first),
        };
    }
    crate::real_sets::compare(by, gold, answer).flatten()
}

/// Whether two functions are one family with other names for its parameters: `f(x) = ax + b` and `f(x) = cx + d`.
///
/// Names that both sides use keep their meaning, so that `ax + b` is not `bx + a`.
fn same_family(by: &Comparison, name: &Expression, gold: &Expression, answer: &Expression) -> Option<Rule> {
    let names = |expression: &Expression| {
        let mut names = BTreeSet::new();
        expression.symbols(&mut names);
        names
    };
    let (variables, gold_names, answer_names) = (names(name), names(gold), names(answer));
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

/// The tree with every place of one expression taken by another.
pub fn replaced(expression: &Expression, from: &Expression, to: &Expression) -> Expression {
    if expression == from { to.clone() } else { expression.map_parts(&mut |part| replaced(part, from, to)) }
}

/// Sums and products that count with another name: `\sum_{k=1}^n k` and `\sum_{i=1}^n i`.
pub fn same_big_operator(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Rule> {
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
    let same = parts.iter().zip(others).all(|(a, b)| by.same(a, &replaced(b, &given, &wanted)).is_some());
    same.then_some("same sum or product with another counter")
}

/// Whether two expressions differ in the name of one variable only, where the name cannot matter: the
/// counting variable of a family such as `kπ`, a parameter of a tuple, or another case of the same letter.
pub fn renamed(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Rule> {
    let names = |expression: &Expression| {
        let mut names = BTreeSet::new();
        expression.symbols(&mut names);
        names
    };
    let (gold_names, answer_names) = (names(gold), names(answer));
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
