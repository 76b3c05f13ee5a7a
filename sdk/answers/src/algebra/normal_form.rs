//! The algebraic normal form: a quotient of two polynomials with rational coefficients in variables, π, e, i and
//! roots of primes. Anything else becomes an opaque atom, known by how it is written.
//!
//! Where only variables, i, roots of primes, and at most one of π and e occur, those atoms are independent over the
//! rationals, so that unequal normal forms prove the expressions unequal.

use super::exact_value;
use super::polynomial::{Atom, Exponent, Monomial, Polynomial, reduce};
use crate::expression::{Constant, Expression, Function, Rational};
use num_traits::ToPrimitive;
use std::collections::BTreeMap;

/// An expression in normal form.
#[derive(Debug, Clone)]
pub struct NormalForm {
    top: Polynomial,
    bottom: Polynomial,
}

impl NormalForm {
    /// The normal form of an expression; `None` where it is too large or not a number.
    pub fn of(expression: &Expression) -> Option<Self> {
        match expression {
            Expression::Number(number) => Some(Self::constant(number.value.clone())),
            Expression::Constant(constant) => {
                let atom = match constant {
                    Constant::Pi => Atom::Pi,
                    Constant::E => Atom::Euler,
                    Constant::I => Atom::Imaginary,
                    Constant::Infinity => Atom::Opaque("infinity".into()),
                };
                Some(Self::whole(Polynomial::atom(atom, Exponent(1, 1))?))
            }
            Expression::Symbol(name) => {
                Some(Self::whole(Polynomial::atom(Atom::Symbol(name.clone()), Exponent(1, 1))?))
            }
            Expression::Negative(inner) => Self::of(inner)?.negate(),
            Expression::Sum(terms) => {
                let mut sum = Self::constant(Rational::zero());
                for term in terms {
                    sum = sum.add(&Self::of(term)?)?;
                }
                Some(sum)
            }
            Expression::Product(factors) => {
                let mut product = Self::constant(Rational::one());
                for factor in factors {
                    product = product.multiply(&Self::of(factor)?)?;
                }
                Some(product)
            }
            Expression::Quotient(top, bottom) => Self::of(top)?.multiply(&Self::of(bottom)?.reciprocal()?),
            Expression::Ratio(parts) => match parts.as_slice() {
                [top, bottom] => Self::of(top)?.multiply(&Self::of(bottom)?.reciprocal()?),
                _ => None,
            },
            Expression::Percent(inner) => Self::of(inner)?.multiply(&Self::constant(Rational::integer(100).power(-1)?)),
            Expression::Power(base, exponent) => power(base, exponent),
            Expression::Apply(Function::Root, arguments) => {
                if let Some(value) = exact_value(expression) {
                    return Some(Self::constant(value));
                }
                let degree = match arguments.get(1) {
                    None => 2,
                    Some(degree) => exact_value(degree)?.to_i64()?,
                };
                if !(2..=64).contains(&degree) {
                    return None;
                }
                let radicand = Self::of(arguments.first()?)?;
                radicand
                    .root(degree, true)
                    .or_else(|| Self::opaque(format!("root{degree}({})", key(&radicand)?.as_str())))
            }
            Expression::Apply(function, arguments) => {
                if let Some(value) = exact_value(expression) {
                    return Some(Self::constant(value));
                }
                opaque(&format!("{function:?}"), arguments)
            }
            Expression::Call(name, arguments) => opaque(&format!("call {name}"), arguments),
            Expression::Opaque(name, parts) => opaque(name, parts),
            Expression::Chain(first, rest) => {
                let mut name = "chain".to_string();
                let mut parts = vec![(**first).clone()];
                for (relation, part) in rest {
                    name.push_str(&format!(" {relation:?}"));
                    parts.push(part.clone());
                }
                opaque(&name, &parts)
            }
            Expression::Dots => Self::opaque("dots".into()),
            Expression::Factorial(inner) => match exact_value(expression) {
                Some(value) => Some(Self::constant(value)),
                None => opaque("factorial", std::slice::from_ref(inner)),
            },
            Expression::Modulo(left, right) => match exact_value(expression) {
                Some(value) => Some(Self::constant(value)),
                None => opaque("modulo", &[(**left).clone(), (**right).clone()]),
            },
            _ => None,
        }
    }

    fn constant(value: Rational) -> Self {
        Self::whole(Polynomial::constant(value))
    }

    fn whole(top: Polynomial) -> Self {
        Self { top, bottom: Polynomial::constant(Rational::one()) }
    }

    fn opaque(key: String) -> Option<Self> {
        // A key that long belongs to an expression that probing decides better.
        if key.len() > 600 {
            return None;
        }
        Some(Self::whole(Polynomial::atom(Atom::Opaque(key), Exponent(1, 1))?))
    }

    fn add(&self, other: &Self) -> Option<Self> {
        if self.bottom == other.bottom {
            return Some(Self { top: self.top.add(&other.top)?, bottom: self.bottom.clone() });
        }
        Some(Self {
            top: self.top.multiply(&other.bottom)?.add(&other.top.multiply(&self.bottom)?)?,
            bottom: self.bottom.multiply(&other.bottom)?,
        })
    }

    fn multiply(&self, other: &Self) -> Option<Self> {
        Some(Self { top: self.top.multiply(&other.top)?, bottom: self.bottom.multiply(&other.bottom)? })
    }

    fn reciprocal(&self) -> Option<Self> {
        if self.top.is_zero() {
            return None;
        }
        // A single term below goes up, so that plain polynomials keep a bottom of one.
        if let (Some((monomial, coefficient)), one) = (self.top.single(), &self.bottom) {
            let inverse: Option<Monomial> = monomial
                .iter()
                .map(|(atom, exponent)| Some((atom.clone(), Exponent::new(-exponent.0, exponent.1)?)))
                .collect();
            let (monomial, factor) = reduce(inverse?)?;
            let factor = factor.divide(coefficient)?;
            let inverse = Polynomial(BTreeMap::from([(monomial, factor)]));
            return Some(Self::whole(inverse.multiply(one)?));
        }
        Some(Self { top: self.bottom.clone(), bottom: self.top.clone() })
    }

    fn negate(&self) -> Option<Self> {
        Some(Self { top: self.top.scale(&Rational::integer(-1))?, bottom: self.bottom.clone() })
    }

    /// A root of a single term, as long as that is sound for every value of its variables.
    fn root(&self, degree: i64, odd_root_of_negative: bool) -> Option<Self> {
        let (top, bottom) = (self.top.single()?, self.bottom.single()?);
        let quotient = Self::whole(Polynomial(BTreeMap::from([(top.0.clone(), top.1.clone())])))
            .multiply(&Self::whole(Polynomial(BTreeMap::from([(bottom.0.clone(), bottom.1.clone())]))).reciprocal()?)?;
        let (monomial, coefficient) = quotient.top.single()?;
        let part = Exponent::new(1, degree)?;
        let mut result = Polynomial::constant(Rational::one());
        let mut magnitude = coefficient.clone();
        if coefficient.is_negative() {
            magnitude = coefficient.negate();
            if degree == 2 {
                result = Polynomial::atom(Atom::Imaginary, Exponent(1, 1))?;
            } else if odd_root_of_negative && degree % 2 == 1 && monomial.is_empty() {
                result = result.scale(&Rational::integer(-1))?;
            } else {
                return None;
            }
        }
        // √(a/b) = √(a·b^(d-1)) / b
        let below = Rational::integer(magnitude.denominator().clone());
        let radicand = Rational::integer(magnitude.numerator().clone()).multiply(&below.power(degree - 1)?)?;
        for (prime, count) in factors(&radicand)? {
            let exponent = Exponent::new(i64::from(count), degree)?;
            result = result.multiply(&Polynomial::atom(Atom::Prime(prime), exponent)?)?;
        }
        result = result.scale(&Rational::one().divide(&below)?)?;
        for (atom, exponent) in monomial {
            let positive = matches!(atom, Atom::Pi | Atom::Euler | Atom::Prime(_));
            // √(x²) is |x|: an even power under an even root is not taken out.
            if !positive && (degree % 2 == 0 && exponent.0 % 2 == 0 || *atom == Atom::Imaginary) {
                return None;
            }
            result = result.multiply(&Polynomial::atom(atom.clone(), exponent.multiply(part)?)?)?;
        }
        Some(Self::whole(result))
    }
}

/// The prime factors of a positive integer; `None` where trial division does not finish.
fn factors(value: &Rational) -> Option<Vec<(u64, u32)>> {
    crate::work::spend(5_000)?;
    let mut left = value.numerator().to_u64()?;
    let mut found = Vec::new();
    let mut prime = 2u64;
    while prime * prime <= left {
        if prime > 20_000 {
            return None;
        }
        let mut count = 0;
        while left.is_multiple_of(prime) {
            left /= prime;
            count += 1;
        }
        if count > 0 {
            found.push((prime, count));
        }
        prime += if prime == 2 { 1 } else { 2 };
    }
    if left > 1 {
        found.push((left, 1));
    }
    Some(found)
}

/// The terms of an expression that is a polynomial, roots among its variables; `None` where it is not one.
pub fn terms(expression: &Expression) -> Option<Vec<(Monomial, Rational)>> {
    let form = NormalForm::of(expression)?;
    let whole = form.bottom.single().is_some_and(|(monomial, factor)| monomial.is_empty() && factor.is_one());
    whole.then(|| form.top.0.into_iter().collect())
}

fn power(base: &Expression, exponent: &Expression) -> Option<NormalForm> {
    let Some(value) = exact_value(exponent) else {
        return opaque("power", &[base.clone(), exponent.clone()]);
    };
    let form = NormalForm::of(base)?;
    if let Some(whole) = value.to_i64() {
        if whole == 0 {
            return Some(NormalForm::constant(Rational::one()));
        }
        let form = if whole < 0 { form.reciprocal()? } else { form };
        let size = whole.unsigned_abs();
        if let (Some((monomial, coefficient)), true) = (
            form.top.single(),
            form.bottom.0.len() == 1 && form.bottom.single().is_some_and(|(m, c)| m.is_empty() && c.is_one()),
        ) {
            let size = i64::try_from(size).ok()?;
            let raised: Option<Monomial> = monomial
                .iter()
                .map(|(atom, exponent)| Some((atom.clone(), exponent.multiply(Exponent::new(size, 1)?)?)))
                .collect();
            let (monomial, factor) = reduce(raised?)?;
            let coefficient = coefficient.power(size)?.multiply(&factor)?;
            return Some(NormalForm::whole(Polynomial(BTreeMap::from([(monomial, coefficient)]))));
        }
        if size > 64 {
            return None;
        }
        return Some(NormalForm { top: form.top.power(size as u32)?, bottom: form.bottom.power(size as u32)? });
    }
    let degree = value.denominator().to_i64().filter(|degree| *degree <= 64)?;
    let whole = value.numerator().to_i64().filter(|whole| whole.unsigned_abs() <= 64)?;
    let Some(root) = form.root(degree, false) else {
        return opaque("power", &[base.clone(), exponent.clone()]);
    };
    let raised = NormalForm { top: root.top.power(whole.unsigned_abs() as u32)?, bottom: root.bottom };
    if whole < 0 { raised.reciprocal() } else { Some(raised) }
}

fn opaque(name: &str, parts: &[Expression]) -> Option<NormalForm> {
    let mut text = format!("{name}(");
    for part in parts {
        text.push_str(&match NormalForm::of(part).and_then(|form| key(&form)) {
            Some(key) => key,
            None => match part {
                Expression::List(_, items) | Expression::Bracketed(_, items, _) => {
                    let keys: Option<Vec<String>> = items.iter().map(|item| key(&NormalForm::of(item)?)).collect();
                    keys?.join(";")
                }
                _ => return None,
            },
        });
        text.push(',');
        if text.len() > 600 {
            return None;
        }
    }
    text.push(')');
    NormalForm::opaque(text)
}

/// A name for a form, the same for equal forms that differ by no common factor.
fn key(form: &NormalForm) -> Option<String> {
    // Scale so that the first coefficient below is one.
    crate::work::spend(100 + 100 * (form.top.0.len() + form.bottom.0.len()) as u64)?;
    let lead = form.bottom.0.values().next()?;
    let scale = Rational::one().divide(lead)?;
    let (top, bottom) = (form.top.scale(&scale)?, form.bottom.scale(&scale)?);
    let text = |polynomial: &Polynomial| {
        let mut out = String::new();
        for (monomial, coefficient) in &polynomial.0 {
            out.push_str(&format!("{coefficient}"));
            for (atom, exponent) in monomial {
                let name = match atom {
                    Atom::Imaginary => "i".to_string(),
                    Atom::Pi => "π".to_string(),
                    Atom::Euler => "e".to_string(),
                    Atom::Prime(prime) => format!("#{prime}"),
                    Atom::Symbol(name) => format!("${name}"),
                    Atom::Opaque(key) => format!("[{key}]"),
                };
                out.push_str(&format!("*{name}^{}/{}", exponent.0, exponent.1));
            }
            out.push('+');
        }
        out
    };
    Some(format!("{}|{}", text(&top), text(&bottom)))
}

/// Whether two forms are equal: `Some(true)` proves it, `Some(false)` disproves it.
pub fn equal(left: &NormalForm, right: &NormalForm) -> Option<bool> {
    let a = left.top.multiply(&right.bottom)?;
    let b = right.top.multiply(&left.bottom)?;
    if a == b {
        return Some(true);
    }
    certain(&[&a, &b]).then_some(false)
}

/// Whether two forms are zero together: equal up to a rational factor other than zero, and what stands below.
pub fn proportional(left: &NormalForm, right: &NormalForm) -> Option<bool> {
    let (a, b) = (&left.top.without_variables_below()?, &right.top.without_variables_below()?);
    let (first, second) = (a.0.iter().next()?, b.0.iter().next()?);
    let ratio = second.1.divide(first.1)?;
    if a.scale(&ratio)? == *b {
        return Some(true);
    }
    certain(&[a, b]).then_some(false)
}

/// The rational factor that takes one form to the other, where there is one.
pub fn factor(left: &NormalForm, right: &NormalForm) -> Option<Rational> {
    let a = left.top.multiply(&right.bottom)?;
    let b = right.top.multiply(&left.bottom)?;
    let ratio = b.0.values().next()?.divide(a.0.values().next()?)?;
    (a.scale(&ratio)? == b).then_some(ratio)
}

fn certain(polynomials: &[&Polynomial]) -> bool {
    let (mut pi, mut euler) = (false, false);
    for polynomial in polynomials {
        for atom in polynomial.atoms() {
            match atom {
                Atom::Opaque(_) => return false,
                Atom::Pi => pi = true,
                Atom::Euler => euler = true,
                _ => {}
            }
        }
    }
    !(pi && euler)
}
