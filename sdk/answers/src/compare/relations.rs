//! Equations, assignments, chains and inequalities.

use super::renaming::{renamed, same_family};
use super::{Comparison, Reason};
use super::{NORMAL_FORM, collections, real_sets};
use crate::algebra::normal_form::{self, NormalForm};
use crate::algebra::{exact_value, probe};
use crate::expression::{Constant, Expression, Function, Relation};
use crate::work;

/// Compares where either side is a chain of relations; `None` where neither is.
pub fn compare(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Option<Reason>> {
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
        Expression::Apply(Function::Absolute | Function::Maximum | Function::Minimum, parts)
        | Expression::Ratio(parts)
        | Expression::Bracketed(_, parts, _)
        | Expression::List(_, parts)
        | Expression::Set(parts) => parts.iter().all(is_name),
        Expression::Product(parts) => {
            let letters = |part: &Expression| {
                matches!(part, Expression::Symbol(_) | Expression::Constant(Constant::E | Constant::I))
                    || matches!(part, Expression::Apply(Function::Maximum | Function::Minimum, names) if names.iter().all(|name| is_name(name) || *name == Expression::Constant(Constant::E)))
                    || matches!(part, Expression::Chain(..) | Expression::Combined(..))
                    || matches!(part, Expression::Bracketed(_, names, _) if names.iter().all(is_name))
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

fn both(by: &Comparison, gold: &Expression, answer: &Expression) -> Option<Reason> {
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
    if let Some(Some(rule)) = real_sets::compare(by, gold, answer) {
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
fn same_equation(gold: &Expression, answer: &Expression) -> Option<Reason> {
    let (gold_names, answer_names) = (gold.names(), answer.names());
    if gold_names != answer_names || gold_names.is_empty() {
        return None;
    }
    let proportional =
        work::limited(NORMAL_FORM, || normal_form::proportional(&NormalForm::of(gold)?, &NormalForm::of(answer)?));
    match proportional {
        Some(true) => return Some("same equation up to a factor"),
        Some(false) => return None,
        None => {}
    }
    probe::proportional(gold, answer).then_some("same equation at every probe point")
}

/// Two inequalities are the same if their differences, turned the same way, are proportional with a positive factor;
/// `None` where either is not an inequality or the algebra cannot decide.
fn same_inequality(
    gold: (&Expression, Relation, &Expression),
    answer: (&Expression, Relation, &Expression),
) -> Option<Option<Reason>> {
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
    let factor =
        work::limited(NORMAL_FORM, || normal_form::factor(&NormalForm::of(&wanted)?, &NormalForm::of(&given)?))?;
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
            *relation = relation.flipped();
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
) -> Option<Reason> {
    if let Some((name, value)) = assigned(first, rest) {
        let direct = by.same(value, other).or_else(|| renamed(by, value, other));
        // `(x, y) = (1, 2)` is answered by `x = 1, y = 2`, which the structures compare.
        return direct
            .map(|_| "same value as assigned")
            .or_else(|| collections::labelled(by, name, value, other).then_some("same labelled values"));
    }
    if let [(Relation::Approximately, _)] = rest {
        return by.same(first, other);
    }
    real_sets::compare(by, gold, other).flatten()
}

/// Whether the members of a computation are equal, as far as they are exact numbers.
fn agree<'a>(members: impl Iterator<Item = &'a Expression>) -> bool {
    let value = |part: &Expression| match part
        .any(&|inner| matches!(inner, Expression::Number(number) if number.places.is_some()))
    {
        true => None,
        false => work::limited(20_000, || exact_value(part)),
    };
    let mut values = members.filter_map(value);
    values.next().is_none_or(|held| values.all(|other| other == held))
}

fn answer_only(
    by: &Comparison,
    answer: &Expression,
    first: &Expression,
    rest: &[(Relation, Expression)],
    gold: &Expression,
) -> Option<Reason> {
    if let Some((_, value)) = assigned(first, rest) {
        // `Total = 60 + 7 = 66` is computed wrongly.
        let held = rest.iter().take_while(|(relation, _)| *relation == Relation::Equal).map(|(_, part)| part);
        if rest.len() > 1 && !agree(held) {
            return None;
        }
        return by.same(gold, value).or_else(|| renamed(by, gold, value)).map(|_| "same value as assigned");
    }
    if let [(Relation::Approximately, _)] = rest {
        return by.same(gold, first);
    }
    // `3 = x` assigns as `x = 3` does.
    if let [(Relation::Equal, name @ Expression::Symbol(_))] = rest
        && first.names().is_empty()
    {
        return by.same(gold, first).map(|_| "same value as assigned").filter(|_| *name != *gold);
    }
    // A computation ends in its result, with or without the name of what it computes: `m + n = 256 + 37 = 293`.
    let has_variables =
        |part: &Expression| part.any(&|inner| matches!(inner, Expression::Symbol(_) | Expression::Call(..)));
    let summed = |part: &Expression| match part {
        Expression::Negative(inner) => is_name(inner),
        other => is_name(other),
    };
    let named = match first {
        Expression::Sum(terms) => terms.iter().all(summed),
        Expression::Quotient(top, bottom) => is_name(top) && is_name(bottom),
        Expression::Opaque(..) => true,
        _ => false,
    };
    let named = named || !has_variables(first);
    // `2x + z = 1` is an equation, and no value.
    let closed = named && !rest.iter().any(|(_, part)| has_variables(part));
    if closed && rest.iter().all(|(relation, _)| matches!(relation, Relation::Equal | Relation::Approximately)) {
        let exact = rest.iter().take_while(|(relation, _)| *relation == Relation::Equal).last();
        // Its members must be equal: `256 + 37 = 294` is none.
        let computed = matches!(
            first,
            Expression::Sum(_) | Expression::Product(_) | Expression::Power(..) | Expression::Number(_)
        );
        let members = std::iter::once(first)
            .chain(rest.iter().take_while(|(relation, _)| *relation == Relation::Equal).map(|(_, part)| part));
        if computed && !agree(members) {
            return None;
        }
        return match exact {
            Some((_, value)) => by.same(gold, value),
            None => by.same(gold, first),
        };
    }
    real_sets::compare(by, gold, answer).flatten()
}
