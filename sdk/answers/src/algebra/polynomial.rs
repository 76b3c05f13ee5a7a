//! Polynomials with rational coefficients in atoms: variables, π, e, i, roots of primes, and what is opaque.

use crate::expression::Rational;
use crate::expression::rational::euclid;
use crate::work;
use std::collections::BTreeMap;

/// Terms of one polynomial.
const MAX_TERMS: usize = 120;
/// Pairs of terms that one multiplication may form.
const MAX_PAIRS: usize = 6_000;

/// A rational exponent in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exponent(pub i64, pub i64);

impl Exponent {
    pub(super) fn new(top: i64, bottom: i64) -> Option<Self> {
        if bottom == 0 || top.unsigned_abs() > 1_000_000_000 || bottom.unsigned_abs() > 1_000_000 {
            return None;
        }
        let divisor = euclid(top.unsigned_abs(), bottom.unsigned_abs()).max(1) as i64 * bottom.signum();
        Some(Self(top / divisor, bottom / divisor))
    }

    pub(super) fn add(self, other: Self) -> Option<Self> {
        Self::new(self.0 * other.1 + other.0 * self.1, self.1.checked_mul(other.1)?)
    }

    pub(super) fn multiply(self, other: Self) -> Option<Self> {
        Self::new(self.0.checked_mul(other.0)?, self.1.checked_mul(other.1)?)
    }
}

/// What a polynomial is made of: powers of these, multiplied and added.
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
    /// Anything else, by how it is written.
    Opaque(String),
}

/// A product of powers of atoms.
pub type Monomial = BTreeMap<Atom, Exponent>;

/// A sum of monomials with rational coefficients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Polynomial(pub(super) BTreeMap<Monomial, Rational>);

impl Polynomial {
    pub(super) fn constant(value: Rational) -> Self {
        let mut terms = BTreeMap::new();
        if !value.is_zero() {
            terms.insert(Monomial::new(), value);
        }
        Self(terms)
    }

    pub(super) fn atom(atom: Atom, exponent: Exponent) -> Option<Self> {
        let (monomial, factor) = reduce(Monomial::from([(atom, exponent)]))?;
        Some(Self(BTreeMap::from([(monomial, factor)])))
    }

    pub(super) fn add(&self, other: &Self) -> Option<Self> {
        work::spend(10 + 120 * (self.0.len() + other.0.len()) as u64)?;
        let mut terms = self.0.clone();
        for (monomial, coefficient) in &other.0 {
            add_term(&mut terms, monomial.clone(), coefficient)?;
        }
        (terms.len() <= MAX_TERMS).then_some(Self(terms))
    }

    /// Multiplied by the variables that stand below: `y - x^{-1}` as `xy - 1`.
    pub(super) fn without_variables_below(&self) -> Option<Self> {
        let mut raise = Monomial::new();
        for (atom, exponent) in self.0.keys().flatten() {
            if exponent.0 < 0 && matches!(atom, Atom::Symbol(_)) {
                let lifted = Exponent::new(-exponent.0, exponent.1)?;
                let held = raise.entry(atom.clone()).or_insert(lifted);
                if lifted.0 * held.1 > held.0 * lifted.1 {
                    *held = lifted;
                }
            }
        }
        if raise.is_empty() {
            Some(self.clone())
        } else {
            self.multiply(&Self(BTreeMap::from([(raise, Rational::one())])))
        }
    }

    pub(super) fn scale(&self, factor: &Rational) -> Option<Self> {
        let mut terms = BTreeMap::new();
        for (monomial, coefficient) in &self.0 {
            add_term(&mut terms, monomial.clone(), &coefficient.multiply(factor)?)?;
        }
        Some(Self(terms))
    }

    pub(super) fn multiply(&self, other: &Self) -> Option<Self> {
        let pairs = self.0.len() * other.0.len();
        if pairs > MAX_PAIRS {
            return None;
        }
        work::spend(20 + 500 * pairs as u64)?;
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

    pub(super) fn power(&self, exponent: u32) -> Option<Self> {
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

    pub(super) fn single(&self) -> Option<(&Monomial, &Rational)> {
        (self.0.len() == 1).then(|| self.0.iter().next()).flatten()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn atoms(&self) -> impl Iterator<Item = &Atom> {
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
pub(super) fn reduce(monomial: Monomial) -> Option<(Monomial, Rational)> {
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
