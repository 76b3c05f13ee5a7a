//! Several amounts with their names, and one quantity in several units.

use super::Comparison;
use crate::expression::{Expression, Joint, Rational, Relation};
use crate::read::units;
use std::collections::BTreeMap;

/// Amounts of several things, each with its name, in any order: "7 hens and 12 goats". `None` where the names are not
/// those of the other list, each once.
pub(super) fn named_amounts(by: &Comparison, gold: &[Expression], answer: &[Expression]) -> Option<bool> {
    let named = |items: &[Expression]| -> Option<BTreeMap<String, Expression>> {
        let mut amounts = BTreeMap::new();
        for item in items {
            // `x = 12` pens
            let named = match item {
                Expression::Chain(name, rest) if matches!(**name, Expression::Symbol(_)) => match rest.as_slice() {
                    [(Relation::Equal, value)] => value,
                    _ => return None,
                },
                other => other,
            };
            let Expression::Quantity(value, unit) = named else { return None };
            amounts.insert(units::canonical(unit), (**value).clone());
        }
        (amounts.len() == items.len() && amounts.len() > 1).then_some(amounts)
    };
    let (wanted, given) = (named(gold)?, named(answer)?);
    if !wanted.keys().eq(given.keys()) {
        return None;
    }
    Some(wanted.iter().all(|(name, amount)| given.get(name).is_some_and(|other| by.same(amount, other).is_some())))
}

/// One quantity in parts, each in a smaller unit of the same kind than the one before: "2 dollars and 50 cents".
pub(super) fn in_parts(expression: &Expression) -> Option<Expression> {
    let Expression::List(Joint::And | Joint::Comma, items) = expression else { return None };
    let mut sum = Vec::new();
    let mut largest: Option<(units::Measure, &String)> = None;
    let mut last: Option<Rational> = None;
    for item in items {
        let Expression::Quantity(value, unit) = item else { return None };
        let measure = units::measure(unit)?;
        if last.as_ref().is_some_and(|last| measure.factor >= *last) {
            return None;
        }
        last = Some(measure.factor.clone());
        match &largest {
            None => {
                sum.push((**value).clone());
                largest = Some((measure, unit));
            }
            Some((held, _)) if held.dimension == measure.dimension => {
                let factor = measure.factor.divide(&held.factor)?;
                sum.push(Expression::Product(vec![(**value).clone(), Expression::rational(factor)]));
            }
            Some(_) => return None,
        }
    }
    let (_, unit) = largest.filter(|_| sum.len() > 1)?;
    Some(Expression::Quantity(Expression::Sum(sum).into(), unit.clone()))
}
