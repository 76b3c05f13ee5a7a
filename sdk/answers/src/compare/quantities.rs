//! Values with a unit, a percent sign, a degree sign or a base.

use super::{Comparison, Reason, amounts, rounding};
use crate::config::{PercentRule, UnitRule};
use crate::expression::{Constant, Expression, Number, Rational};
use crate::read::units;

/// The whole number that is written, and the modulus of `mod 5`.
fn whole(expression: &Expression) -> Option<i64> {
    match expression {
        Expression::Number(number) if number.value.is_integer() => number.value.to_i64(),
        Expression::Negative(inner) => whole(inner)?.checked_neg(),
        _ => None,
    }
}

fn modulus(unit: &str) -> Option<i64> {
    unit.strip_prefix("mod ")?.parse().ok().filter(|modulus: &i64| *modulus > 0)
}

fn congruent(wanted: &Expression, given: &Expression, unit: &str) -> bool {
    let difference = || Some(whole(wanted)?.checked_sub(whole(given)?)?.checked_rem(modulus(unit)?)? == 0);
    difference().unwrap_or(false)
}

/// Whether `5k + 2` is the class of 2 modulo 5.
fn same_class(residue: &Expression, unit: &str, sum: &Expression) -> Option<Reason> {
    let Expression::Sum(terms) = sum else { return None };
    let [one, other] = terms.as_slice() else { return None };
    let (step, rest) = if whole(one).is_some() { (other, one) } else { (one, other) };
    let step = if let Expression::Negative(inner) = step { inner } else { step };
    let Expression::Product(factors) = step else { return None };
    let [step, Expression::Symbol(_)] = factors.as_slice() else { return None };
    (whole(step) == modulus(unit) && congruent(residue, rest, unit)).then_some("same residue class")
}

/// `12 m/s` and `0.5 m` in plain text, which read as products of a number and letters: the number and the unit.
fn in_letters(expression: &Expression) -> Option<(Expression, String)> {
    let letter = |part: &Expression| match part {
        Expression::Symbol(name) => units::measure(name).map(|_| (name.clone(), 1)),
        Expression::Power(base, exponent) => match &**base {
            Expression::Symbol(name) if units::measure(name).is_some() => Some((name.clone(), whole(exponent)?)),
            _ => None,
        },
        _ => None,
    };
    let letters = |part: &Expression| match part {
        Expression::Product(factors) => factors.iter().map(letter).collect::<Option<Vec<_>>>(),
        other => letter(other).map(|one| vec![one]),
    };
    let (top, below) = match expression {
        Expression::Quotient(top, bottom) => (&**top, letters(bottom)?),
        other => (other, Vec::new()),
    };
    let Expression::Product(factors) = top else { return None };
    let (number @ Expression::Number(_), rest) = factors.split_first()? else { return None };
    let above = rest.iter().map(letter).collect::<Option<Vec<_>>>().filter(|above| !above.is_empty())?;
    let unit = |(name, power): (String, i64)| format!("{name}{power}");
    let turned = below.into_iter().map(|(name, power)| (name, -power));
    let written: Vec<String> = above.into_iter().chain(turned).map(unit).collect();
    Some((number.clone(), written.join(" ")))
}

impl Comparison<'_> {
    /// Units, percent signs and degrees: `None` where neither side has any.
    pub(super) fn wrapped(&self, gold: &Expression, answer: &Expression) -> Option<Option<Reason>> {
        if matches!(gold, Expression::Chain(..)) || matches!(answer, Expression::Chain(..)) {
            return None;
        }
        match (gold, answer) {
            (Expression::Quantity(..), Expression::List(..)) if amounts::in_parts(answer).is_some() => {
                Some(self.same(gold, &amounts::in_parts(answer)?))
            }
            (Expression::List(..), Expression::Quantity(..)) if amounts::in_parts(gold).is_some() => {
                Some(self.same(&amounts::in_parts(gold)?, answer))
            }
            (Expression::Quantity(a, unit), Expression::Sum(_))
            | (Expression::Sum(_), Expression::Quantity(a, unit))
                if unit.starts_with("mod ") =>
            {
                let sum = if matches!(gold, Expression::Sum(_)) { gold } else { answer };
                Some(same_class(a, unit, sum))
            }
            (Expression::Quantity(a, unit), Expression::Quantity(b, other)) => Some(self.quantities(a, unit, b, other)),
            // `10 m` in plain text is a product of a number and a letter.
            (Expression::Quantity(a, unit), Expression::Product(factors))
            | (Expression::Product(factors), Expression::Quantity(a, unit))
                if matches!(factors.as_slice(), [Expression::Number(_), Expression::Symbol(letter)]
                    if units::abbreviates(letter, unit)) =>
            {
                let swapped = matches!(gold, Expression::Product(_));
                Some(if swapped { self.same(&factors[0], a) } else { self.same(a, &factors[0]) })
            }
            (Expression::Quantity(a, unit), other) if in_letters(other).is_some() && units::measure(unit).is_some() => {
                let (b, letters) = in_letters(other)?;
                Some(self.quantities(a, unit, &b, &letters))
            }
            (other, Expression::Quantity(b, unit)) if in_letters(other).is_some() && units::measure(unit).is_some() => {
                let (a, letters) = in_letters(other)?;
                Some(self.quantities(&a, &letters, b, unit))
            }
            (Expression::Quantity(..), _) if self.rules.units == UnitRule::Require => Some(None),
            // A ratio has no unit.
            (Expression::Quantity(..), Expression::Ratio(_)) | (Expression::Ratio(_), Expression::Quantity(..)) => {
                Some(None)
            }
            (Expression::Quantity(a, _), b) => Some(self.same(a, b)),
            (a, Expression::Quantity(b, _)) => Some(self.same(a, b)),
            (Expression::Percent(a), Expression::Percent(b)) => Some(self.same(a, b)),
            (Expression::Percent(inner), other) => Some(self.percent(inner, other, true)),
            (other, Expression::Percent(inner)) => Some(self.percent(inner, other, false)),
            (Expression::Degrees(a), Expression::Degrees(b)) => Some(self.same(a, b)),
            (Expression::Degrees(inner), other) => {
                Some(self.same(inner, other).or_else(|| self.radians(inner, other, true)))
            }
            (other, Expression::Degrees(inner)) => {
                Some(self.same(other, inner).or_else(|| self.radians(inner, other, false)))
            }
            (Expression::Based(digits, base), Expression::Based(others, other)) => {
                Some((digits == others && base == other).then_some("same digits in the same base"))
            }
            (Expression::Based(..), _) | (_, Expression::Based(..)) => Some(None),
            _ => None,
        }
    }

    /// Two values with units, under the rules.
    fn quantities(&self, wanted: &Expression, unit: &str, given: &Expression, other: &str) -> Option<Reason> {
        let same_unit = units::canonical(unit) == units::canonical(other);
        // A modulus is not a unit, and neither is the half of the day.
        let half = |unit: &str| unit.eq_ignore_ascii_case("am") || unit.eq_ignore_ascii_case("pm");
        if !same_unit && (unit.starts_with("mod ") || other.starts_with("mod ") || half(unit) && half(other)) {
            return None;
        }
        if same_unit && unit.starts_with("mod ") && congruent(wanted, given, unit) {
            return Some("same residue class");
        }
        match self.rules.units {
            UnitRule::Ignore => self.same(wanted, given),
            UnitRule::Known if same_unit => self.same(wanted, given),
            UnitRule::Known => match (units::measure(unit), units::measure(other)) {
                (Some(_), Some(_)) => self.converted(wanted, unit, given, other),
                _ => self.same(wanted, given),
            },
            UnitRule::Match if same_unit => self.same(wanted, given),
            UnitRule::Match => None,
            UnitRule::Convert | UnitRule::Require if same_unit => self.same(wanted, given),
            UnitRule::Convert | UnitRule::Require => self.converted(wanted, unit, given, other),
        }
    }

    /// The answer brought to the unit of the reference, where both units are known and of one dimension.
    fn converted(&self, wanted: &Expression, unit: &str, given: &Expression, other: &str) -> Option<Reason> {
        let (to, from) = (units::measure(unit)?, units::measure(other)?);
        if to.dimension != from.dimension {
            return None;
        }
        let factor = from.factor.divide(&to.factor)?;
        if factor.is_one() {
            return self.same(wanted, given);
        }
        let turned = Expression::Product(vec![given.clone(), Expression::rational(factor)]);
        self.same(wanted, &turned).map(|_| "same quantity in another unit")
    }

    fn percent(&self, inner: &Expression, other: &Expression, gold: bool) -> Option<Reason> {
        let ordered = |a: &Expression, b: &Expression| if gold { self.same(a, b) } else { self.same(b, a) };
        let hundredth = match inner {
            // A decimal stays one, so that it may be a rounded value.
            Expression::Number(Number { value, places: Some(places) }) => {
                Expression::Number(Number { value: value.divide(&Rational::integer(100))?, places: Some(places + 2) })
            }
            _ => Expression::Quotient(inner.clone().into(), Expression::integer(100).into()),
        };
        let fraction = self.rules.percent != PercentRule::Number && ordered(&hundredth, other).is_some();
        if fraction {
            return Some("percent as a fraction");
        }
        let number = self.rules.percent != PercentRule::Fraction && ordered(inner, other).is_some();
        number.then_some("percent sign dropped")
    }

    fn radians(&self, degrees: &Expression, other: &Expression, gold: bool) -> Option<Reason> {
        let turned = Expression::Product(vec![
            degrees.clone(),
            Expression::Quotient(Expression::Constant(Constant::Pi).into(), Expression::integer(180).into()),
        ]);
        // A decimal stays one, so that it may be a rounded value: arctan 2 is 63.43°.
        let back = Expression::Quotient(
            Expression::Product(vec![other.clone(), Expression::integer(180)]).into(),
            Expression::Constant(Constant::Pi).into(),
        );
        let rounded = || if gold { self.same_value(degrees, &back) } else { self.same_value(&back, degrees) };
        let decimal = rounding::decimal_literal(degrees).is_some();
        let same = self.same_value(other, &turned).or_else(|| if decimal { rounded() } else { None });
        same.map(|_| "degrees in radians")
    }
}
