//! The algebraic normal form: a quotient of two polynomials with rational coefficients in variables, π, e, i and
//! roots of primes. Anything else becomes an opaque atom, known by its form.
//!
//! Where only variables, i, roots of primes, and at most one of π and e occur, those atoms are independent over the
//! rationals, so that unequal normal forms prove the expressions unequal.

use crate::exact::{self, Rational};
use crate::expression::{Constant, Expression, Function};
use num_traits::ToPrimitive;
use std::collections::BTreeMap;

/// Terms of one polynomial.
const MAX_TERMS: usize = 120;
/// Pairs of terms that one multiplication may form.
const MAX_PAIRS: usize = 6_000;

/// A rational exponent in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exponent(pub i64, pub i64);

impl Exponent {
    fn new(top: i64, bottom: i64) -> Option<Self> {
        if bottom == 0 || top.unsigned_abs() > 1_000_000_000 || bottom.unsigned_abs() > 1_000_000 {
            return None;
        }
        let (mut a, mut b) = (top.unsigned_abs(), bottom.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let divisor = a.max(1) as i64 * bottom.signum();
        Some(Self(top / divisor, bottom / divisor))
    }

    fn add(self, other: Self) -> Option<Self> {
        Self::new(self.0 * other.1 + other.0 * self.1, self.1.checked_mul(other.1)?)
    }

    fn multiply(self, other: Self) -> Option<Self> {
        Self::new(self.0.checked_mul(other.0)?, self.1.checked_mul(other.1)?)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// The imaginary unit.
    Imaginary,
    /// The ratio of a circle's circumference to its diameter.
    Pi,
    /// The base of the natural logarithm.
    Euler,
    /// A root of a prime; its exponent lies between zero and one.
    Prime(u64),
    /// A variable.
    Symbol(String),
    /// Anything else, by its form.
    Opaque(String),
}

/// A product of powers of atoms.
pub type Monomial = BTreeMap<Atom, Exponent>;

/// A sum of monomials with rational coefficients.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Polynomial(BTreeMap<Monomial, Rational>);

impl Polynomial {
    fn constant(value: Rational) -> Self {
        let mut terms = BTreeMap::new();
        if !value.is_zero() {
            terms.insert(Monomial::new(), value);
        }
        Self(terms)
    }

    fn atom(atom: Atom, exponent: Exponent) -> Option<Self> {
        let (monomial, factor) = reduce(Monomial::from([(atom, exponent)]))?;
        Some(Self(BTreeMap::from([(monomial, factor)])))
    }

    fn add(&self, other: &Self) -> Option<Self> {
        crate::work::spend(10 + 120 * (self.0.len() + other.0.len()) as u64)?;
        let mut terms = self.0.clone();
        for (monomial, coefficient) in &other.0 {
            add_term(&mut terms, monomial.clone(), coefficient)?;
        }
        (terms.len() <= MAX_TERMS).then_some(Self(terms))
    }

    fn scale(&self, factor: &Rational) -> Option<Self> {
        let mut terms = BTreeMap::new();
        for (monomial, coefficient) in &self.0 {
            add_term(&mut terms, monomial.clone(), &coefficient.multiply(factor)?)?;
        }
        Some(Self(terms))
    }

    fn multiply(&self, other: &Self) -> Option<Self> {
        let pairs = self.0.len() * other.0.len();
        if pairs > MAX_PAIRS {
            return None;
        }
        crate::work::spend(20 + 500 * pairs as u64)?;
        let mut terms = BTreeMap::new();
        for (left, a) in &self.0 {
            for (right, b) in &other.0 {
                let mut product = left.clone();
                for (atom, exponent) in right {
                    let sum = match product.get(atom) {
                        Some(held) => held.add(*exponent)?,
                        None => *exponent,
                    };
                    product.insert(atom.clone(), sum);
                }
                let (monomial, factor) = reduce(product)?;
                add_term(&mut terms, monomial, &a.multiply(b)?.multiply(&factor)?)?;
                if terms.len() > 4 * MAX_TERMS {
                    return None;
                }
            }
        }
        (terms.len() <= 4 * MAX_TERMS).then_some(Self(terms))
    }

    fn power(&self, exponent: u32) -> Option<Self> {
        let mut result = Self::constant(Rational::one());
        let mut square = self.clone();
        let mut left = exponent;
        while left > 0 {
            if left % 2 == 1 {
                result = result.multiply(&square)?;
            }
            left /= 2;
            if left > 0 {
                square = square.multiply(&square)?;
            }
        }
        Some(result)
    }

    fn single(&self) -> Option<(&Monomial, &Rational)> {
        (self.0.len() == 1).then(|| self.0.iter().next()).flatten()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn atoms(&self) -> impl Iterator<Item = &Atom> {
        self.0.keys().flat_map(|monomial| monomial.keys())
    }
}

fn add_term(terms: &mut BTreeMap<Monomial, Rational>, monomial: Monomial, coefficient: &Rational) -> Option<()> {
    let sum = match terms.get(&monomial) {
        Some(held) => held.add(coefficient)?,
        None => coefficient.clone(),
    };
    if sum.is_zero() {
        terms.remove(&monomial);
    } else {
        terms.insert(monomial, sum);
    }
    Some(())
}

/// Folds `i² = -1` and whole powers of primes into a rational factor.
fn reduce(monomial: Monomial) -> Option<(Monomial, Rational)> {
    let mut factor = Rational::one();
    let mut reduced = Monomial::new();
    for (atom, exponent) in monomial {
        match atom {
            Atom::Imaginary if exponent.1 == 1 => {
                let turns = exponent.0.rem_euclid(4);
                if turns >= 2 {
                    factor = factor.negate();
                }
                if turns % 2 == 1 {
                    reduced.insert(Atom::Imaginary, Exponent(1, 1));
                }
            }
            Atom::Prime(prime) => {
                let whole = exponent.0.div_euclid(exponent.1);
                factor = factor.multiply(&Rational::integer(prime).power(whole)?)?;
                let rest = exponent.0.rem_euclid(exponent.1);
                if rest != 0 {
                    reduced.insert(Atom::Prime(prime), Exponent::new(rest, exponent.1)?);
                }
            }
            atom => {
                if exponent.0 != 0 {
                    reduced.insert(atom, exponent);
                }
            }
        }
    }
    Some((reduced, factor))
}

/// An expression in normal form.
#[derive(Debug, Clone)]
pub struct Form {
    top: Polynomial,
    bottom: Polynomial,
}

impl Form {
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

/// The normal form of an expression; `None` where it is too large or no number.
pub fn form(expression: &Expression) -> Option<Form> {
    match expression {
        Expression::Number(number) => Some(Form::constant(number.value.clone())),
        Expression::Constant(constant) => {
            let atom = match constant {
                Constant::Pi => Atom::Pi,
                Constant::E => Atom::Euler,
                Constant::I => Atom::Imaginary,
                Constant::Infinity => Atom::Opaque("infinity".into()),
            };
            Some(Form::whole(Polynomial::atom(atom, Exponent(1, 1))?))
        }
        Expression::Symbol(name) => Some(Form::whole(Polynomial::atom(Atom::Symbol(name.clone()), Exponent(1, 1))?)),
        Expression::Negative(inner) => form(inner)?.negate(),
        Expression::Sum(terms) => {
            let mut sum = Form::constant(Rational::zero());
            for term in terms {
                sum = sum.add(&form(term)?)?;
            }
            Some(sum)
        }
        Expression::Product(factors) => {
            let mut product = Form::constant(Rational::one());
            for factor in factors {
                product = product.multiply(&form(factor)?)?;
            }
            Some(product)
        }
        Expression::Quotient(top, bottom) => form(top)?.multiply(&form(bottom)?.reciprocal()?),
        Expression::Ratio(parts) => match parts.as_slice() {
            [top, bottom] => form(top)?.multiply(&form(bottom)?.reciprocal()?),
            _ => None,
        },
        Expression::Percent(inner) => form(inner)?.multiply(&Form::constant(Rational::integer(100).power(-1)?)),
        Expression::Power(base, exponent) => power(base, exponent),
        Expression::Apply(Function::Root, arguments) => {
            if let Some(value) = exact::value(expression) {
                return Some(Form::constant(value));
            }
            let degree = match arguments.get(1) {
                None => 2,
                Some(degree) => exact::value(degree)?.to_i64()?,
            };
            if !(2..=64).contains(&degree) {
                return None;
            }
            let radicand = form(arguments.first()?)?;
            radicand.root(degree, true).or_else(|| Form::opaque(format!("root{degree}({})", key(&radicand)?.as_str())))
        }
        Expression::Apply(function, arguments) => {
            if let Some(value) = exact::value(expression) {
                return Some(Form::constant(value));
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
        Expression::Dots => Form::opaque("dots".into()),
        Expression::Factorial(inner) => match exact::value(expression) {
            Some(value) => Some(Form::constant(value)),
            None => opaque("factorial", std::slice::from_ref(inner)),
        },
        Expression::Modulo(left, right) => match exact::value(expression) {
            Some(value) => Some(Form::constant(value)),
            None => opaque("modulo", &[(**left).clone(), (**right).clone()]),
        },
        _ => None,
    }
}

/// The terms of an expression that is a polynomial, roots among its variables; `None` where it is none.
pub fn terms(expression: &Expression) -> Option<Vec<(Monomial, Rational)>> {
    let form = form(expression)?;
    let whole = form.bottom.single().is_some_and(|(monomial, factor)| monomial.is_empty() && factor.is_one());
    whole.then(|| form.top.0.into_iter().collect())
}

fn power(base: &Expression, exponent: &Expression) -> Option<Form> {
    let Some(value) = exact::value(exponent) else {
        return opaque("power", &[base.clone(), exponent.clone()]);
    };
    let form = form(base)?;
    if let Some(whole) = value.to_i64() {
        if whole == 0 {
            return Some(Form::constant(Rational::one()));
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
            return Some(Form::whole(Polynomial(BTreeMap::from([(monomial, coefficient)]))));
        }
        if size > 64 {
            return None;
        }
        return Some(Form { top: form.top.power(size as u32)?, bottom: form.bottom.power(size as u32)? });
    }
    let degree = value.denominator().to_i64().filter(|degree| *degree <= 64)?;
    let whole = value.numerator().to_i64().filter(|whole| whole.unsigned_abs() <= 64)?;
    let Some(root) = form.root(degree, false) else {
        return opaque("power", &[base.clone(), exponent.clone()]);
    };
    let raised = Form { top: root.top.power(whole.unsigned_abs() as u32)?, bottom: root.bottom };
    if whole < 0 { raised.reciprocal() } else { Some(raised) }
}

fn opaque(name: &str, parts: &[Expression]) -> Option<Form> {
    let mut text = format!("{name}(");
    for part in parts {
        text.push_str(&match form(part).and_then(|form| key(&form)) {
            Some(key) => key,
            None => match part {
                Expression::List(_, items) | Expression::Bracketed(_, items, _) => {
                    let keys: Option<Vec<String>> = items.iter().map(|item| key(&form(item)?)).collect();
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
    Form::opaque(text)
}

/// A name for a form, the same for equal forms that differ by no common factor.
fn key(form: &Form) -> Option<String> {
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
pub fn equal(left: &Form, right: &Form) -> Option<bool> {
    let a = left.top.multiply(&right.bottom)?;
    let b = right.top.multiply(&left.bottom)?;
    if a == b {
        return Some(true);
    }
    certain(&[&a, &b]).then_some(false)
}

/// Whether two forms are equal up to a rational factor other than zero.
pub fn proportional(left: &Form, right: &Form) -> Option<bool> {
    let (a, b) = (&left.top, &right.top);
    let (first, second) = (a.0.iter().next()?, b.0.iter().next()?);
    let ratio = second.1.divide(first.1)?;
    if a.scale(&ratio)? == *b {
        return Some(true);
    }
    certain(&[a, b]).then_some(false)
}

/// The rational factor that takes one form to the other, where there is one.
pub fn factor(left: &Form, right: &Form) -> Option<Rational> {
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
