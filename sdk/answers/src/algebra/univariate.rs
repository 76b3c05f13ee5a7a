//! Polynomials and rational functions in one variable, by their coefficients.

use super::{exact_value, whole};
use crate::expression::{Expression, Rational};
use crate::work;

/// The highest power in a polynomial.
const MAX_DEGREE: usize = 32;

/// Coefficients from the constant upwards, without zeros at the end; none for zero.
pub(super) type Coefficients = Vec<Rational>;

/// A quotient of two polynomials; `None` where the expression is not one, or its powers are too high.
pub(super) fn fraction(variable: &Expression, expression: &Expression) -> Option<(Coefficients, Coefficients)> {
    match expression {
        Expression::Quotient(top, bottom) => {
            let ((a, b), (c, d)) = (fraction(variable, top)?, fraction(variable, bottom)?);
            Some((multiplied(&a, &d)?, multiplied(&b, &c)?))
        }
        Expression::Sum(terms) => {
            let mut sum = (Vec::new(), vec![Rational::one()]);
            for term in terms {
                let (top, bottom) = fraction(variable, term)?;
                sum = (added(&multiplied(&sum.0, &bottom)?, &multiplied(&top, &sum.1)?)?, multiplied(&sum.1, &bottom)?);
            }
            Some(sum)
        }
        Expression::Product(factors) => {
            let mut product = (vec![Rational::one()], vec![Rational::one()]);
            for factor in factors {
                let (top, bottom) = fraction(variable, factor)?;
                product = (multiplied(&product.0, &top)?, multiplied(&product.1, &bottom)?);
            }
            Some(product)
        }
        Expression::Negative(inner) => {
            let (top, bottom) = fraction(variable, inner)?;
            Some((top.iter().map(Rational::negate).collect(), bottom))
        }
        other => Some((coefficients(variable, other)?, vec![Rational::one()])),
    }
}

/// The coefficients of a polynomial; `None` where the expression is not one, or its powers are too high.
pub(super) fn coefficients(variable: &Expression, expression: &Expression) -> Option<Coefficients> {
    work::spend(20)?;
    if expression == variable {
        return Some(vec![Rational::zero(), Rational::one()]);
    }
    if let Some(constant) = exact_value(expression) {
        return Some(trimmed(vec![constant]));
    }
    match expression {
        Expression::Negative(inner) => Some(coefficients(variable, inner)?.iter().map(Rational::negate).collect()),
        Expression::Sum(terms) => {
            terms.iter().try_fold(Vec::new(), |sum, term| added(&sum, &coefficients(variable, term)?))
        }
        Expression::Product(factors) => factors
            .iter()
            .try_fold(vec![Rational::one()], |product, factor| multiplied(&product, &coefficients(variable, factor)?)),
        Expression::Quotient(top, bottom) => {
            let divisor = exact_value(bottom)?;
            coefficients(variable, top)?.iter().map(|coefficient| coefficient.divide(&divisor)).collect()
        }
        Expression::Power(base, exponent) => {
            let power = whole(exponent).filter(|power| (0..=MAX_DEGREE as i64).contains(power))?;
            let base = coefficients(variable, base)?;
            (0..power).try_fold(vec![Rational::one()], |product, _| multiplied(&product, &base))
        }
        _ => None,
    }
}

fn trimmed(mut coefficients: Coefficients) -> Coefficients {
    while coefficients.last().is_some_and(Rational::is_zero) {
        coefficients.pop();
    }
    coefficients
}

fn added(left: &Coefficients, right: &Coefficients) -> Option<Coefficients> {
    let zero = Rational::zero();
    let sum: Option<Coefficients> = (0..left.len().max(right.len()))
        .map(|power| left.get(power).unwrap_or(&zero).add(right.get(power).unwrap_or(&zero)))
        .collect();
    sum.map(trimmed)
}

fn multiplied(left: &Coefficients, right: &Coefficients) -> Option<Coefficients> {
    if left.is_empty() || right.is_empty() {
        return Some(Vec::new());
    }
    if left.len() + right.len() > MAX_DEGREE + 2 {
        return None;
    }
    let mut product = vec![Rational::zero(); left.len() + right.len() - 1];
    for (i, a) in left.iter().enumerate() {
        for (j, b) in right.iter().enumerate() {
            product[i + j] = product[i + j].add(&a.multiply(b)?)?;
        }
    }
    Some(trimmed(product))
}

/// The value of a polynomial at a point.
pub(super) fn value_at(polynomial: &Coefficients, point: &Rational) -> Option<Rational> {
    polynomial.iter().rev().try_fold(Rational::zero(), |value, coefficient| value.multiply(point)?.add(coefficient))
}

/// The polynomial divided by `x - root`, where that is a factor.
pub(super) fn without_root(polynomial: &Coefficients, root: &Rational) -> Option<Coefficients> {
    let mut quotient = vec![Rational::zero(); polynomial.len().checked_sub(1)?];
    let mut carried = Rational::zero();
    for power in (1..polynomial.len()).rev() {
        carried = polynomial[power].add(&carried.multiply(root)?)?;
        quotient[power - 1] = carried.clone();
    }
    Some(trimmed(quotient))
}
