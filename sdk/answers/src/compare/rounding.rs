//! When two numbers that differ are still the same: the tolerance of the rules, and decimals rounded from an exact value.

use super::Reason;
use crate::algebra::{exact_value, probe};
use crate::config::{Rules, Tolerance, ToleranceFor};
use crate::expression::{Expression, Number, Rational};

/// The rule by which two numbers of different value are the same, if any.
pub fn near(rules: &Rules, gold: &Expression, answer: &Expression) -> Option<Reason> {
    let literals = (decimal_literal(gold), decimal_literal(answer));
    let tolerated =
        rules.tolerance != Tolerance::Exact && (literals != (None, None) || rules.tolerance_for == ToleranceFor::All);
    // Two decimals are both as their writers wanted them: 2.23 is not 2.232.
    let rounded = match literals {
        // 3.14 is what problems say to use for π; whoever answers π has not done so.
        (Some(number), None) => Some((number, rules.stated_digits.filter(|_| !is_constant(answer)))),
        // Whoever answers an exact reference with a decimal has dropped something, and must keep more.
        (None, Some(number)) => Some((number, rules.stated_digits.map(|digits| digits + 1))),
        _ => None,
    };
    let may_be_rounded = |number: &Number, digits: Option<u32>| {
        let places = rules.rounded_decimal_places.is_some_and(|least| number.places >= Some(least));
        places || digits.is_some()
    };
    let rounded = rounded.filter(|(number, digits)| may_be_rounded(number, *digits));
    if rounded.is_none() && !tolerated {
        return None;
    }
    let (wanted, given) = (probe::constant(gold)?, probe::constant(answer)?);
    if !wanted.is_finite() || !given.is_finite() {
        return None;
    }
    if tolerated && rules.tolerance.allows(wanted, given) {
        return Some("within the tolerance");
    }
    let (number, digits) = rounded?;
    // A whole number is rounded to itself alone: 0.999999999 is not 1.
    let other = if literals.0.is_some() { answer } else { gold };
    if exact_value(other).is_some_and(|value| value.is_integer()) {
        return None;
    }
    let (decimal, exact) = if literals.0.is_some() { (wanted, given) } else { (given, wanted) };
    if is_rounded(rules, number, decimal, exact) {
        return Some("decimal rounded from the exact value");
    }
    let reference = literals.0.is_some();
    digits.and_then(|least| stated(number, decimal, exact, least, reference))
}

/// Whether a decimal of the places that the rules ask for is rounded from an exact value.
fn is_rounded(rules: &Rules, number: &Number, decimal: f64, exact: f64) -> bool {
    let Some(least) = rules.rounded_decimal_places else { return false };
    let Some(held) = number.places.filter(|held| *held >= least) else { return false };
    // Zeros at the end may be no more than a program's way to print.
    let short = significant(&number.value).map(|(places, _)| places).filter(|short| *short >= least);
    std::iter::once(held).chain(short).any(|held| {
        let unit = unit_of(held);
        // At least three digits that count: 0.000001 is not a rounding of 2^{-20}.
        number.value.to_f64().abs() >= 100.0 * unit && rounds_to(exact, decimal, unit)
    })
}

/// Whether a decimal with enough digits states an exact value: rounded to its last digit or, in a reference with two
/// digits more, cut off after it.
fn stated(number: &Number, decimal: f64, exact: f64, least: u32, reference: bool) -> Option<Reason> {
    let (places, digits) = significant(&number.value)?;
    // What is left of `130.0` without its zero is a whole number, and those are exact.
    if places == 0 || digits < least {
        return None;
    }
    let unit = unit_of(number.places?);
    if rounds_to(exact, decimal, unit) {
        return Some("decimal stated to its last digit");
    }
    // Doubles do not tell how far a value of many digits lies from its decimal, so what is left must be clear of the unit.
    let rest = exact.abs() - decimal.abs();
    let noise = 4.0 * f64::EPSILON * exact.abs();
    let cut = reference
        && digits > least + 1
        && (exact < 0.0) == (decimal < 0.0)
        && (0.0..unit * (1.0 - 1e-9) - noise).contains(&rest);
    cut.then_some("decimal cut off behind its last digit")
}

fn is_constant(expression: &Expression) -> bool {
    matches!(expression, Expression::Constant(_))
}

fn unit_of(places: u32) -> f64 {
    10f64.powi(-(places.min(300) as i32))
}

fn rounds_to(exact: f64, decimal: f64, unit: f64) -> bool {
    (exact - decimal).abs() <= 0.5 * unit * (1.0 + 1e-9)
}

/// Digits after the point, and digits that count, without zeros at the end.
fn significant(value: &Rational) -> Option<(u32, u32)> {
    let ten = Rational::integer(10);
    let mut scaled = value.absolute();
    // Nobody rounds to so many digits, and counting them costs.
    if scaled.numerator().bits() > 512 {
        return None;
    }
    for places in 0..40 {
        if scaled.is_integer() {
            let digits = scaled.numerator().to_string().len() as u32;
            return Some((places, digits));
        }
        scaled = scaled.multiply(&ten)?;
    }
    None
}

/// A decimal as written, with its sign.
pub fn decimal_literal(expression: &Expression) -> Option<&Number> {
    match expression {
        Expression::Number(number) if number.places.is_some() => Some(number),
        Expression::Negative(inner) => decimal_literal(inner),
        _ => None,
    }
}
