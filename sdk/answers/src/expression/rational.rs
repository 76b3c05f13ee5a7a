//! Exact rational numbers with a ceiling on their size, and the exact value of an expression where it has one.
//!
//! The ceilings are what keeps `9^9^9^9` and `10000000!` quick: an operation whose result would be larger has no
//! value here, and the comparison falls through to cheaper rules.

use crate::work;
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;
use std::ops::Rem;

/// Bits an integer may have: about 19,700 digits, so that `2006!` still fits.
const MAX_BITS: u64 = 65_536;
/// Bits that both halves of a fraction may have at once: bounds the cost of reducing it.
const MAX_FRACTION_BITS: u64 = 8_192;

/// A reduced fraction with a positive denominator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rational {
    numerator: BigInt,
    denominator: BigInt,
}

/// The greatest common divisor of two numbers that are not negative, by Euclid's algorithm.
pub(crate) fn euclid<T: Clone + Zero + Rem<Output = T>>(mut a: T, mut b: T) -> T {
    while !b.is_zero() {
        (a, b) = (b.clone(), a % b);
    }
    a
}

/// The greatest common divisor of two integers, in machine words where both fit.
fn common_divisor(left: &BigInt, right: &BigInt) -> BigInt {
    match (left.abs().to_u64(), right.abs().to_u64()) {
        (Some(a), Some(b)) => euclid(a, b).into(),
        _ => euclid(left.abs(), right.abs()),
    }
}

impl Rational {
    /// The integer as a fraction.
    pub fn integer(value: impl Into<BigInt>) -> Self {
        Self { numerator: value.into(), denominator: BigInt::one() }
    }

    /// Reduces a fraction; `None` for a zero denominator or one beyond the ceilings.
    pub fn new(numerator: BigInt, denominator: BigInt) -> Option<Self> {
        if denominator.is_zero() {
            return None;
        }
        let (top, bottom) = (numerator.bits(), denominator.bits());
        if top.max(bottom) > MAX_BITS || top.min(bottom) > MAX_FRACTION_BITS {
            return None;
        }
        if denominator.is_one() {
            work::spend(5)?;
            return Some(Self::integer(numerator));
        }
        // Euclid's algorithm takes 0.6 steps a bit of the smaller number, each as long as that number.
        let (small, large) = (top.min(bottom), top.max(bottom));
        let steps = if large <= 64 { 4 } else { small * 6 / 10 * (150 + small / 8) };
        work::spend(10 + steps + small / 32 * (large / 32))?;
        // A divisor of a small number is found quickly even where the other is large.
        let divisor = common_divisor(&numerator, &denominator);
        let (mut numerator, mut denominator) = (numerator / &divisor, denominator / &divisor);
        if denominator.is_negative() {
            (numerator, denominator) = (-numerator, -denominator);
        }
        Some(Self { numerator, denominator })
    }

    /// Zero.
    pub fn zero() -> Self {
        Self::integer(0)
    }

    /// One.
    pub fn one() -> Self {
        Self::integer(1)
    }

    /// The number above the line.
    pub fn numerator(&self) -> &BigInt {
        &self.numerator
    }

    /// The number below the line, positive.
    pub fn denominator(&self) -> &BigInt {
        &self.denominator
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.numerator.is_zero()
    }

    /// Whether the value is one.
    pub fn is_one(&self) -> bool {
        self.numerator.is_one() && self.denominator.is_one()
    }

    /// Whether the value is below zero.
    pub fn is_negative(&self) -> bool {
        self.numerator.is_negative()
    }

    /// Whether the value is a whole number.
    pub fn is_integer(&self) -> bool {
        self.denominator.is_one()
    }

    /// The value as a machine integer, where it is one.
    pub fn to_i64(&self) -> Option<i64> {
        self.is_integer().then(|| self.numerator.to_i64()).flatten()
    }

    /// The nearest double; infinite or zero beyond its range.
    pub fn to_f64(&self) -> f64 {
        let (top, bottom) = (self.numerator.bits() as i64, self.denominator.bits() as i64);
        if top < 1000 && bottom < 1000 {
            let bottom = self.denominator.to_f64().unwrap_or(f64::INFINITY);
            return self.numerator.to_f64().unwrap_or(f64::NAN) / bottom;
        }
        // Shift both halves to 64 bits and put the exponent back, so that huge halves do not overflow.
        let head = |value: &BigInt, bits: i64| {
            let shift = (bits - 64).max(0);
            ((value >> shift as u64).to_f64().unwrap_or(f64::NAN), shift)
        };
        let (top, up) = head(&self.numerator, top);
        let (bottom, down) = head(&self.denominator, bottom);
        let exponent = (up - down).clamp(-5000, 5000) as i32;
        let half = exponent / 2;
        top / bottom * 2f64.powi(half) * 2f64.powi(exponent - half)
    }

    /// Pays for the products that an operation on two fractions forms.
    fn pay(&self, other: &Self) -> Option<()> {
        let words = |value: &Self| (value.numerator.bits() + value.denominator.bits()) / 32 + 1;
        work::spend(3 + words(self) * words(other))
    }

    /// The sum.
    pub fn add(&self, other: &Self) -> Option<Self> {
        self.pay(other)?;
        if self.denominator == other.denominator {
            return Self::new(&self.numerator + &other.numerator, self.denominator.clone());
        }
        Self::new(
            &self.numerator * &other.denominator + &other.numerator * &self.denominator,
            &self.denominator * &other.denominator,
        )
    }

    /// The difference.
    pub fn subtract(&self, other: &Self) -> Option<Self> {
        self.add(&other.negate())
    }

    /// The product.
    pub fn multiply(&self, other: &Self) -> Option<Self> {
        self.pay(other)?;
        Self::new(&self.numerator * &other.numerator, &self.denominator * &other.denominator)
    }

    /// The quotient; `None` for division by zero.
    pub fn divide(&self, other: &Self) -> Option<Self> {
        self.pay(other)?;
        Self::new(&self.numerator * &other.denominator, &self.denominator * &other.numerator)
    }

    /// The value with the other sign.
    pub fn negate(&self) -> Self {
        Self { numerator: -&self.numerator, denominator: self.denominator.clone() }
    }

    /// The distance from zero.
    pub fn absolute(&self) -> Self {
        Self { numerator: self.numerator.abs(), denominator: self.denominator.clone() }
    }

    /// The largest integer that is not greater.
    pub fn floor(&self) -> Self {
        let quotient = &self.numerator / &self.denominator;
        let exact = (&quotient * &self.denominator) == self.numerator;
        Self::integer(if self.numerator.sign() == Sign::Minus && !exact { quotient - 1 } else { quotient })
    }

    /// A power with an integer exponent.
    pub fn power(&self, exponent: i64) -> Option<Self> {
        let size = exponent.unsigned_abs();
        let bits = self.numerator.bits().max(self.denominator.bits());
        let unit = self.is_integer() && self.numerator.abs() <= BigInt::one();
        if !unit && bits.checked_mul(size)? > MAX_BITS + 64 {
            return None;
        }
        // A unit to a huge power is itself up to its sign.
        let size = u32::try_from(if unit { size % 2 + 2 } else { size }).ok()?;
        let words = bits * u64::from(size) / 32;
        work::spend(5 + words * words / 2)?;
        let (top, bottom) = (self.numerator.pow(size), self.denominator.pow(size));
        if exponent >= 0 { Self::new(top, bottom) } else { Self::new(bottom, top) }
    }

    /// The exact root of the given degree, real; `None` where it is irrational or does not exist.
    pub fn root(&self, degree: u32) -> Option<Self> {
        if degree == 0 || self.numerator.bits().max(self.denominator.bits()) > 2048 {
            return None;
        }
        if self.is_negative() && degree.is_multiple_of(2) {
            return None;
        }
        let words = (self.numerator.bits() + self.denominator.bits()) / 32 + 1;
        work::spend(50 * words * words)?;
        let whole = |value: &BigInt| {
            let magnitude: BigUint = value.magnitude().nth_root(degree);
            (magnitude.pow(degree) == *value.magnitude()).then(|| BigInt::from_biguint(value.sign(), magnitude))
        };
        Self::new(whole(&self.numerator)?, whole(&self.denominator)?)
    }

    /// Reads digits with an optional point, such as `12.50`; the caller has seen that there is nothing else.
    pub fn from_digits(whole: &str, fraction: &str) -> Option<Self> {
        if whole.len() + fraction.len() > 4_000 {
            return None;
        }
        let digits = format!("0{whole}{fraction}");
        let numerator = BigInt::parse_bytes(digits.as_bytes(), 10)?;
        Self::new(numerator, BigInt::from(10).pow(u32::try_from(fraction.len()).ok()?))
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.numerator * &other.denominator).cmp(&(&other.numerator * &self.denominator))
    }
}

impl std::fmt::Display for Rational {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.numerator)?;
        if !self.is_integer() {
            write!(formatter, "/{}", self.denominator)?;
        }
        Ok(())
    }
}

/// `n!`, where it fits.
pub fn factorial(n: &Rational) -> Option<Rational> {
    let n = u32::try_from(n.to_i64()?).ok()?;
    // 3,000! has about 30,000 bits.
    if n > 3_000 {
        return None;
    }
    work::spend(u64::from(n) * (5 + u64::from(n) / 10))?;
    let mut product = BigInt::one();
    for factor in 2..=n {
        product *= factor;
    }
    Some(Rational::integer(product))
}

/// The number of ways to choose `k` of `n` things, where it fits.
pub fn binomial(n: &Rational, k: &Rational) -> Option<Rational> {
    let (n, k) = (n.to_i64()?, k.to_i64()?);
    if n < 0 || k < 0 || n > 10_000 {
        return None;
    }
    if k > n {
        return Some(Rational::zero());
    }
    let k = k.min(n - k);
    if k > 2_000 {
        return None;
    }
    work::spend(k as u64 * (20 + k as u64 / 2))?;
    let mut product = BigInt::one();
    for step in 0..k {
        product = product * (n - step) / (step + 1);
        if product.bits() > MAX_BITS {
            return None;
        }
    }
    Some(Rational::integer(product))
}

/// The largest rational number that divides both into whole numbers.
pub fn greatest_common_divisor(left: &Rational, right: &Rational) -> Option<Rational> {
    let sizes = [left, right].map(|value| value.numerator().bits().max(value.denominator().bits()));
    if sizes.iter().any(|bits| *bits > MAX_FRACTION_BITS) {
        return None;
    }
    // gcd(a/b, c/d) = gcd(ad, cb) / bd
    let top = common_divisor(&(left.numerator() * right.denominator()), &(right.numerator() * left.denominator()));
    Rational::new(top, left.denominator() * right.denominator())
}

/// The smallest rational number that both divide into whole numbers.
pub fn least_common_multiple(left: &Rational, right: &Rational) -> Option<Rational> {
    if left.is_zero() || right.is_zero() {
        return Some(Rational::zero());
    }
    Some(left.multiply(right)?.divide(&greatest_common_divisor(left, right)?)?.absolute())
}
