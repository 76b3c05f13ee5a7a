//! What can be worked out exactly: finite sums and products, geometric and exponential series, integrals of
//! polynomials, limits of rational functions, common divisors of formulas.
//!
//! Only a reference is worked out, unless the policy says otherwise: an answer that restates the problem is none.

use crate::divisors;
use crate::exact::{self, Rational};
use crate::expression::{Constant, Expression, Function, Relation};
use crate::relations::replaced;

/// Terms that a sum or product may have; as formulas, fewer.
const MAX_TERMS: i64 = 200;
const MAX_FORMULAS: i64 = 16;
/// The highest power in a polynomial.
const MAX_DEGREE: usize = 32;

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
pub fn worked_out(expression: &Expression, polynomials: bool) -> Expression {
    if crate::work::spend(20).is_none() {
        return expression.clone();
    }
    let inner = expression.map_parts(&mut |part| worked_out(part, polynomials));
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

fn whole(expression: &Expression) -> Option<i64> {
    exact::value(expression)?.to_i64()
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
    let term = |index: i64| replaced(body, counter, &Expression::integer(index));
    for index in first..=last {
        let Some(next) = exact::value(&term(index)) else {
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
    let factorial = matches!(below, Expression::Factorial(inner) if **inner == *counter);
    let (factor, ratio) = geometric(counter, above)?;
    if !factorial || !(0..=20).contains(&first) {
        return None;
    }
    // Without the terms in front of the first.
    let mut missing = Rational::zero();
    for index in 0..first {
        let term = ratio.power(index)?.divide(&exact::factorial(&Rational::integer(index))?)?;
        missing = missing.add(&term)?;
    }
    let power = Expression::Power(Expression::Constant(Constant::E).into(), Expression::rational(ratio).into());
    let series = Expression::Sum(vec![power, Expression::rational(missing.negate())]);
    Some(Expression::Product(vec![Expression::rational(factor), series]))
}

/// A term of the form `a · r^k` as `a` and `r`.
fn geometric(counter: &Expression, term: &Expression) -> Option<(Rational, Rational)> {
    if let Some(constant) = exact::value(term) {
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
            let base = exact::value(base)?;
            let exponent = polynomial(counter, exponent)?;
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
    let (low, high) = (exact::value(below)?, exact::value(above)?);
    let Expression::Product(factors) = body else { return None };
    let (variable, integrand) = match factors.as_slice() {
        [integrand @ .., Expression::Symbol(d), variable @ Expression::Symbol(_)] if d == "d" => (variable, integrand),
        _ => return None,
    };
    let coefficients = polynomial(variable, &Expression::Product(integrand.to_vec()))?;
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
    let point = exact::value(point)?;
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

/// Coefficients from the constant upwards, without zeros at the end; none for zero.
type Polynomial = Vec<Rational>;

fn fraction(variable: &Expression, expression: &Expression) -> Option<(Polynomial, Polynomial)> {
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
        other => Some((polynomial(variable, other)?, vec![Rational::one()])),
    }
}

fn polynomial(variable: &Expression, expression: &Expression) -> Option<Polynomial> {
    crate::work::spend(20)?;
    if expression == variable {
        return Some(vec![Rational::zero(), Rational::one()]);
    }
    if let Some(constant) = exact::value(expression) {
        return Some(trimmed(vec![constant]));
    }
    match expression {
        Expression::Negative(inner) => Some(polynomial(variable, inner)?.iter().map(Rational::negate).collect()),
        Expression::Sum(terms) => {
            terms.iter().try_fold(Vec::new(), |sum, term| added(&sum, &polynomial(variable, term)?))
        }
        Expression::Product(factors) => factors
            .iter()
            .try_fold(vec![Rational::one()], |product, factor| multiplied(&product, &polynomial(variable, factor)?)),
        Expression::Quotient(top, bottom) => {
            let divisor = exact::value(bottom)?;
            polynomial(variable, top)?.iter().map(|coefficient| coefficient.divide(&divisor)).collect()
        }
        Expression::Power(base, exponent) => {
            let power = whole(exponent).filter(|power| (0..=MAX_DEGREE as i64).contains(power))?;
            let base = polynomial(variable, base)?;
            (0..power).try_fold(vec![Rational::one()], |product, _| multiplied(&product, &base))
        }
        _ => None,
    }
}

fn trimmed(mut coefficients: Polynomial) -> Polynomial {
    while coefficients.last().is_some_and(Rational::is_zero) {
        coefficients.pop();
    }
    coefficients
}

fn added(left: &Polynomial, right: &Polynomial) -> Option<Polynomial> {
    let zero = Rational::zero();
    let sum: Option<Polynomial> = (0..left.len().max(right.len()))
        .map(|power| left.get(power).unwrap_or(&zero).add(right.get(power).unwrap_or(&zero)))
        .collect();
    sum.map(trimmed)
}

fn multiplied(left: &Polynomial, right: &Polynomial) -> Option<Polynomial> {
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

fn value_at(polynomial: &Polynomial, point: &Rational) -> Option<Rational> {
    polynomial.iter().rev().try_fold(Rational::zero(), |value, coefficient| value.multiply(point)?.add(coefficient))
}

/// The polynomial divided by `x - root`, where that is a factor.
fn without_root(polynomial: &Polynomial, root: &Rational) -> Option<Polynomial> {
    let mut quotient = vec![Rational::zero(); polynomial.len().checked_sub(1)?];
    let mut carried = Rational::zero();
    for power in (1..polynomial.len()).rev() {
        carried = polynomial[power].add(&carried.multiply(root)?)?;
        quotient[power - 1] = carried.clone();
    }
    Some(trimmed(quotient))
}
