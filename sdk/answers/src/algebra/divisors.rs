//! Greatest common divisors and least common multiples of what is not a rational number.
//!
//! Numbers without a rational ratio, such as √5 and √2, have the common divisor one. Formulas with variables have one as
//! polynomials, where the rules ask for that: for whole numbers `\gcd(a, b)` is not 1.

use super::exact_value;
use super::normal_form;
use super::polynomial::{Atom, Exponent, Monomial};
use crate::expression::{Constant, Expression, Function, Rational};
use std::collections::BTreeMap;

/// The value of `\gcd` or `\lcm` of these arguments, where it is known.
pub fn value(function: Function, arguments: &[Expression], polynomials: bool) -> Option<Expression> {
    let multiple = match function {
        Function::GreatestCommonDivisor => false,
        Function::LeastCommonMultiple => true,
        _ => return None,
    };
    let (first, rest) = arguments.split_first()?;
    if rest.is_empty() || rest.len() > 8 {
        return None;
    }
    rest.iter().try_fold(first.clone(), |held, next| {
        let divisor = common(&held, next, polynomials)?;
        Some(match multiple {
            false => divisor,
            true => Expression::Quotient(Expression::Product(vec![held, next.clone()]).into(), divisor.into()),
        })
    })
}

fn common(left: &Expression, right: &Expression, polynomials: bool) -> Option<Expression> {
    let (a, b) = (normal_form::terms(left)?, normal_form::terms(right)?);
    let variables = |terms: &[(Monomial, Rational)]| {
        terms.iter().any(|(monomial, _)| monomial.keys().any(|atom| matches!(atom, Atom::Symbol(_))))
    };
    let unknown = |terms: &[(Monomial, Rational)]| {
        terms.iter().any(|(monomial, _)| monomial.keys().any(|atom| matches!(atom, Atom::Opaque(_) | Atom::Imaginary)))
    };
    if a.is_empty() || b.is_empty() || unknown(&a) || unknown(&b) || a.len() > 1 && b.len() > 1 {
        return None;
    }
    let symbolic = variables(&a) || variables(&b);
    if symbolic && !polynomials {
        return None;
    }
    let divisor = |a: &Rational, b: &Rational| {
        let both = [a.clone(), b.clone()].map(Expression::rational).to_vec();
        exact_value(&Expression::Apply(Function::GreatestCommonDivisor, both))
    };
    if !symbolic {
        let ([(monomial, a)], [(other, b)]) = (a.as_slice(), b.as_slice()) else { return None };
        if monomial != other {
            return Some(Expression::integer(1));
        }
        return product(monomial, &divisor(a, b)?);
    }
    // One side is a single term, so what it shares with the other is a single term too.
    let all: Vec<&(Monomial, Rational)> = a.iter().chain(&b).collect();
    let mut shared: Monomial = all[0].0.clone();
    let mut content = all[0].1.clone();
    for (monomial, coefficient) in all.into_iter().skip(1) {
        content = divisor(&content, coefficient)?;
        shared = shared
            .into_iter()
            .filter_map(|(atom, exponent)| {
                let other = *monomial.get(&atom)?;
                let less = exponent.0 * other.1 <= other.0 * exponent.1;
                Some((atom, if less { exponent } else { other }))
            })
            .collect::<BTreeMap<Atom, Exponent>>();
    }
    product(&shared, &content)
}

fn product(monomial: &Monomial, coefficient: &Rational) -> Option<Expression> {
    let mut factors = vec![Expression::rational(coefficient.clone())];
    for (atom, exponent) in monomial {
        let base = match atom {
            Atom::Pi => Expression::Constant(Constant::Pi),
            Atom::Euler => Expression::Constant(Constant::E),
            Atom::Prime(prime) => Expression::rational(Rational::integer(*prime)),
            Atom::Symbol(name) => Expression::Symbol(name.clone()),
            Atom::Imaginary | Atom::Opaque(_) => return None,
        };
        let power = Rational::integer(exponent.0).divide(&Rational::integer(exponent.1))?;
        factors.push(Expression::Power(base.into(), Expression::rational(power).into()));
    }
    Some(Expression::Product(factors))
}
