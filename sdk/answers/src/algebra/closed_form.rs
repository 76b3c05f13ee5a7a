//! What can be worked out exactly: finite sums and products, geometric and exponential series, integrals of
//! polynomials, limits of rational functions, common divisors of formulas.
//!
//! Only a reference is worked out, unless the rules say otherwise: an answer that restates the problem is not an answer.

use super::univariate::{coefficients, fraction, value_at, without_root};
use super::{divisors, exact_value, whole};
use crate::expression::rational::factorial;
use crate::expression::{Constant, Expression, Function, Rational, Relation};

/// Terms that a sum or product may have; as formulas, fewer.
const MAX_TERMS: i64 = 200;
const MAX_FORMULAS: i64 = 16;

/// Whether something in an expression is left to be worked out.
pub fn is_open(expression: &Expression) -> bool {
    expression.any(&|part| match part {
        Expression::Opaque(name, _) => ["sum", "prod", "int", "lim"].iter().any(|sign| name.starts_with(sign)),
        Expression::Dots => true,
        Expression::Apply(function, _) => {
            matches!(function, Function::GreatestCommonDivisor | Function::LeastCommonMultiple)
        }
        _ => false,
    })
}

/// The expression with everything worked out that can be; `polynomials` says what divisors of formulas are.
pub fn work_out(expression: &Expression, polynomials: bool) -> Expression {
    if crate::work::spend(20).is_none() {
        return expression.clone();
    }
    let inner = expression.map_parts(&mut |part| work_out(part, polynomials));
    let value = match &inner {
        Expression::Opaque(label, parts) => operator(label, parts),
        Expression::Apply(function, arguments) => divisors::value(*function, arguments, polynomials),
        _ => None,
    };
    value.unwrap_or(inner)
}

fn operator(label: &str, parts: &[Expression]) -> Option<Expression> {
    let (body, bounds) = parts.split_last()?;
    let (name, marks) = label.split_at(label.find(['_', '^']).unwrap_or(label.len()));
    let (below, above) = match (marks, bounds) {
        ("_^", [below, above]) => (below, Some(above)),
        ("^_", [above, below]) => (below, Some(above)),
        ("_", [below]) => (below, None),
        _ => return None,
    };
    match (name, above) {
        ("sum" | "prod", Some(above)) => series(name == "sum", below, above, body),
        ("int", Some(above)) => integral(below, above, body),
        ("lim", None) => limit(below, body),
        _ => None,
    }
}

/// `k = 1` as a name and a value.
fn starts(below: &Expression, with: Relation) -> Option<(&Expression, &Expression)> {
    match below {
        Expression::Chain(first, rest) => match (&**first, rest.as_slice()) {
            (name @ (Expression::Symbol(_) | Expression::Constant(Constant::I)), [(relation, value)])
                if *relation == with =>
            {
                Some((name, value))
            }
            _ => None,
        },
        _ => None,
    }
}

fn series(sum: bool, below: &Expression, above: &Expression, body: &Expression) -> Option<Expression> {
    let (counter, first) = starts(below, Relation::Equal)?;
    let first = whole(first)?;
    if *above == Expression::Constant(Constant::Infinity) {
        return if sum { endless(counter, first, body) } else { None };
    }
    let last = whole(above)?;
    let count = last.checked_sub(first)?.checked_add(1)?;
    if !(0..=MAX_TERMS).contains(&count) {
        return None;
    }
    let mut value = if sum { Rational::zero() } else { Rational::one() };
    let term = |index: i64| body.replaced(counter, &Expression::integer(index));
    for index in first..=last {
        let Some(next) = exact_value(&term(index)) else {
            // Formulas are written out where there are few.
            let terms = (count <= MAX_FORMULAS).then(|| (first..=last).map(term).collect())?;
            return Some(if sum { Expression::Sum(terms) } else { Expression::Product(terms) });
        };
        value = if sum { value.add(&next)? } else { value.multiply(&next)? };
    }
    Some(Expression::rational(value))
}

/// A geometric series, or one that becomes the exponential function by the factorial below.
fn endless(counter: &Expression, first: i64, body: &Expression) -> Option<Expression> {
    if let Some((factor, ratio)) = geometric(counter, body) {
        if ratio.absolute() >= Rational::one() {
            return None;
        }
        let rest = Rational::one().subtract(&ratio)?;
        let value = factor.multiply(&ratio.power(first)?)?.divide(&rest)?;
        return Some(Expression::rational(value));
    }
    let (above, below) = match body {
        Expression::Quotient(top, bottom) => (&**top, &**bottom),
        _ => return None,
    };
    let exponential = matches!(below, Expression::Factorial(inner) if **inner == *counter);
    let (factor, ratio) = geometric(counter, above)?;
    if !exponential || !(0..=20).contains(&first) {
        return None;
    }
    // Without the terms in front of the first.
    let mut missing = Rational::zero();
    for index in 0..first {
        let term = ratio.power(index)?.divide(&factorial(&Rational::integer(index))?)?;
        missing = missing.add(&term)?;
    }
    let power = Expression::Power(Expression::Constant(Constant::E).into(), Expression::rational(ratio).into());
    let series = Expression::Sum(vec![power, Expression::rational(missing.negate())]);
    Some(Expression::Product(vec![Expression::rational(factor), series]))
}

/// A term of the form `a · r^k` as `a` and `r`.
fn geometric(counter: &Expression, term: &Expression) -> Option<(Rational, Rational)> {
    if let Some(constant) = exact_value(term) {
        return Some((constant, Rational::one()));
    }
    match term {
        Expression::Negative(inner) => geometric(counter, inner).map(|(factor, ratio)| (factor.negate(), ratio)),
        Expression::Product(factors) => {
            factors.iter().try_fold((Rational::one(), Rational::one()), |(factor, ratio), next| {
                let (a, r) = geometric(counter, next)?;
                Some((factor.multiply(&a)?, ratio.multiply(&r)?))
            })
        }
        Expression::Quotient(top, bottom) => {
            let ((a, r), (b, s)) = (geometric(counter, top)?, geometric(counter, bottom)?);
            Some((a.divide(&b)?, r.divide(&s)?))
        }
        Expression::Power(base, exponent) => {
            // (a r^k)^c, or b^(αk + β).
            if let Some(power) = whole(exponent) {
                let (a, r) = geometric(counter, base)?;
                return Some((a.power(power)?, r.power(power)?));
            }
            let base = exact_value(base)?;
            let exponent = coefficients(counter, exponent)?;
            if exponent.len() != 2 {
                return None;
            }
            Some((base.power(exponent[0].to_i64()?)?, base.power(exponent[1].to_i64()?)?))
        }
        _ => None,
    }
}

/// The definite integral of a polynomial between rational bounds.
fn integral(below: &Expression, above: &Expression, body: &Expression) -> Option<Expression> {
    let (low, high) = (exact_value(below)?, exact_value(above)?);
    let Expression::Product(factors) = body else { return None };
    let (variable, integrand) = match factors.as_slice() {
        [integrand @ .., Expression::Symbol(d), variable @ Expression::Symbol(_)] if d == "d" => (variable, integrand),
        _ => return None,
    };
    let coefficients = coefficients(variable, &Expression::Product(integrand.to_vec()))?;
    let mut value = Rational::zero();
    for (power, coefficient) in coefficients.iter().enumerate() {
        let power = power as i64 + 1;
        let area = high.power(power)?.subtract(&low.power(power)?)?;
        value = value.add(&area.multiply(coefficient)?.divide(&Rational::integer(power))?)?;
    }
    Some(Expression::rational(value))
}

/// The limit of a rational function, at a rational point or at infinity.
fn limit(below: &Expression, body: &Expression) -> Option<Expression> {
    let (variable, point) = starts(below, Relation::Arrow)?;
    let (top, bottom) = fraction(variable, body)?;
    if bottom.is_empty() {
        return None;
    }
    let at_infinity = match point {
        Expression::Constant(Constant::Infinity) => Some(1),
        Expression::Negative(inner) if **inner == Expression::Constant(Constant::Infinity) => Some(-1i64),
        _ => None,
    };
    if let Some(sign) = at_infinity {
        if top.len() < bottom.len() {
            return Some(Expression::integer(0));
        }
        let ratio = top.last()?.divide(bottom.last()?)?;
        if top.len() == bottom.len() {
            return Some(Expression::rational(ratio));
        }
        let odd = (top.len() - bottom.len()) % 2 == 1;
        let infinity = Expression::Constant(Constant::Infinity);
        let negative = ratio.is_negative() != (sign < 0 && odd);
        return Some(if negative { Expression::Negative(infinity.into()) } else { infinity });
    }
    let point = exact_value(point)?;
    let (mut top, mut bottom) = (top, bottom);
    // A zero of both cancels.
    while value_at(&bottom, &point)?.is_zero() {
        if top.is_empty() || !value_at(&top, &point)?.is_zero() {
            return None;
        }
        top = without_root(&top, &point)?;
        bottom = without_root(&bottom, &point)?;
    }
    Some(Expression::rational(value_at(&top, &point)?.divide(&value_at(&bottom, &point)?)?))
}
