//! The exact rational value of an expression, where it has one.

use crate::expression::rational::{binomial, factorial, greatest_common_divisor, least_common_multiple};
use crate::expression::{Constant, Expression, Function, Rational};
use num_traits::ToPrimitive;

/// The exact rational value of an expression; `None` where it has none, is not a number, or is too large.
pub fn exact_value(expression: &Expression) -> Option<Rational> {
    match expression {
        Expression::Number(number) => Some(number.value.clone()),
        Expression::Negative(inner) => Some(exact_value(inner)?.negate()),
        Expression::Sum(terms) => {
            let mut sum = Rational::zero();
            for term in terms {
                sum = sum.add(&exact_value(term)?)?;
            }
            Some(sum)
        }
        Expression::Product(factors) => {
            let mut product = Rational::one();
            for factor in factors {
                product = product.multiply(&exact_value(factor)?)?;
            }
            Some(product)
        }
        Expression::Quotient(top, bottom) => exact_value(top)?.divide(&exact_value(bottom)?),
        Expression::Power(base, exponent) => power(&exact_value(base)?, &exact_value(exponent)?),
        Expression::Percent(inner) => exact_value(inner)?.divide(&Rational::integer(100)),
        Expression::Factorial(inner) => factorial(&exact_value(inner)?),
        Expression::Modulo(left, right) => {
            let (left, right) = (exact_value(left)?, exact_value(right)?);
            let whole = left.divide(&right)?.floor();
            left.subtract(&right.multiply(&whole)?)
        }
        Expression::Ratio(parts) => match parts.as_slice() {
            [top, bottom] => exact_value(top)?.divide(&exact_value(bottom)?),
            _ => None,
        },
        Expression::Apply(function, arguments) => apply(*function, arguments),
        Expression::Constant(Constant::Pi | Constant::E | Constant::I | Constant::Infinity) => None,
        _ => None,
    }
}

fn power(base: &Rational, exponent: &Rational) -> Option<Rational> {
    if base.is_zero() && (exponent.is_zero() || exponent.is_negative()) {
        return None;
    }
    if let Some(exponent) = exponent.to_i64() {
        return base.power(exponent);
    }
    // A negative base has no single real power with a fractional exponent.
    if base.is_negative() {
        return None;
    }
    let degree = exponent.denominator().to_u32()?;
    base.root(degree)?.power(exponent.numerator().to_i64()?)
}

fn apply(function: Function, arguments: &[Expression]) -> Option<Rational> {
    let first = exact_value(arguments.first()?)?;
    let second = || exact_value(arguments.get(1)?);
    let fold = |step: fn(&Rational, &Rational) -> Option<Rational>| {
        arguments.iter().skip(1).try_fold(first.clone(), |held, next| step(&held, &exact_value(next)?))
    };
    match function {
        Function::Root => {
            let degree = match arguments.get(1) {
                Some(degree) => u32::try_from(exact_value(degree)?.to_i64()?).ok()?,
                None => 2,
            };
            first.root(degree)
        }
        Function::Absolute => Some(first.absolute()),
        Function::Floor => Some(first.floor()),
        Function::Ceiling => Some(first.negate().floor().negate()),
        Function::Binomial => binomial(&first, &second()?),
        Function::GreatestCommonDivisor => Some(fold(greatest_common_divisor)?.absolute()),
        Function::LeastCommonMultiple => Some(fold(least_common_multiple)?.absolute()),
        Function::Maximum => fold(|a, b| Some(a.max(b).clone())),
        Function::Minimum => fold(|a, b| Some(a.min(b).clone())),
        _ => None,
    }
}
