//! Complex numbers in double precision that carry a bound of their own rounding error.
//!
//! The bound is what distinguishes `2^{-99}` from zero and `sin π` from anything but zero: two values are the same only if
//! they differ by no more than their errors allow.

use std::f64::consts::PI;

/// A complex number and how far it may be from the true value.
#[derive(Debug, Clone, Copy)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
    /// A bound of the distance from the true value.
    pub error: f64,
}

const EPSILON: f64 = f64::EPSILON;

impl Complex {
    /// A real number that is exact to within its last digit.
    pub fn real(value: f64) -> Self {
        Self { re: value, im: 0.0, error: value.abs() * EPSILON }
    }

    /// The imaginary unit.
    pub fn i() -> Self {
        Self { re: 0.0, im: 1.0, error: 0.0 }
    }

    fn new(re: f64, im: f64, error: f64) -> Self {
        let size = re.hypot(im);
        Self { re, im, error: error + 2.0 * EPSILON * size }
    }

    /// The distance from zero.
    pub fn size(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// Whether the imaginary part is no more than rounding.
    pub fn is_real(self) -> bool {
        self.im.abs() <= 16.0 * self.error + f64::MIN_POSITIVE
    }

    /// Whether the value can be trusted: finite, and neither overflowed nor underflowed.
    pub fn is_usable(self) -> bool {
        self.re.is_finite() && self.im.is_finite() && self.error.is_finite()
    }

    /// The sum.
    pub fn add(self, other: Self) -> Self {
        Self::new(self.re + other.re, self.im + other.im, self.error + other.error)
    }

    /// The other sign.
    pub fn negate(self) -> Self {
        Self { re: -self.re, im: -self.im, error: self.error }
    }

    /// The product; `None` where it underflows.
    pub fn multiply(self, other: Self) -> Option<Self> {
        let product = Self::new(
            self.re * other.re - self.im * other.im,
            self.re * other.im + self.im * other.re,
            self.error * other.size() + other.error * self.size() + self.error * other.error,
        );
        let vanished = product.size() < 1e-290 && self.size() > 0.0 && other.size() > 0.0;
        (!vanished).then_some(product)
    }

    /// The reciprocal; `None` where the value may be zero.
    pub fn reciprocal(self) -> Option<Self> {
        let size = self.size();
        if size <= 4.0 * self.error || size < 1e-290 {
            return None;
        }
        let square = size * size;
        if square == 0.0 || !square.is_finite() {
            return None;
        }
        Some(Self::new(self.re / square, -self.im / square, 2.0 * self.error / square))
    }

    /// The quotient.
    pub fn divide(self, other: Self) -> Option<Self> {
        self.multiply(other.reciprocal()?)
    }

    /// The exponential.
    pub fn exponential(self) -> Option<Self> {
        if self.re > 600.0 || self.re < -600.0 {
            return None;
        }
        let size = self.re.exp();
        let error = size * (self.error.min(1.0) * 1.8 + EPSILON * (self.im.abs() + self.re.abs()));
        Some(Self::new(size * self.im.cos(), size * self.im.sin(), error))
    }

    /// The principal natural logarithm.
    pub fn logarithm(self) -> Option<Self> {
        let size = self.size();
        if size <= 4.0 * self.error || size == 0.0 {
            return None;
        }
        // A negative number's argument is π, whatever the sign of its rounding.
        let im = if self.is_real() { if self.re < 0.0 { PI } else { 0.0 } } else { self.im.atan2(self.re) };
        Some(Self::new(size.ln(), im, 2.0 * self.error / size + EPSILON))
    }

    /// The principal power.
    pub fn power(self, exponent: Self) -> Option<Self> {
        let whole = exponent.re.round();
        if exponent.is_real() && (exponent.re - whole).abs() <= 4.0 * exponent.error && whole.abs() <= 4096.0 {
            return self.whole_power(whole as i64);
        }
        if self.size() <= 4.0 * self.error {
            return (exponent.is_real() && exponent.re > 0.0).then(|| Self::real(0.0));
        }
        exponent.multiply(self.logarithm()?)?.exponential()
    }

    fn whole_power(self, exponent: i64) -> Option<Self> {
        let mut result = Self { re: 1.0, im: 0.0, error: 0.0 };
        let mut square = self;
        let mut left = exponent.unsigned_abs();
        while left > 0 {
            if left % 2 == 1 {
                result = result.multiply(square)?;
            }
            left /= 2;
            if left > 0 {
                square = square.multiply(square)?;
            }
        }
        if exponent < 0 { result.reciprocal() } else { Some(result) }
    }

    /// The real root of odd degree of a real number, otherwise the principal root.
    pub fn root(self, degree: f64) -> Option<Self> {
        let odd = degree.fract() == 0.0 && degree.rem_euclid(2.0) == 1.0;
        if odd && self.is_real() && self.re < 0.0 {
            return Some(self.negate().root(degree)?.negate());
        }
        if self.size() <= 4.0 * self.error {
            return Some(Self { re: 0.0, im: 0.0, error: self.error.powf(1.0 / degree) });
        }
        self.logarithm()?.multiply(Self::real(1.0 / degree))?.exponential()
    }

    /// Sine and cosine together.
    pub fn sine_cosine(self) -> Option<(Self, Self)> {
        if self.im.abs() > 600.0 {
            return None;
        }
        let (sine, cosine) = self.re.sin_cos();
        let (sinh, cosh) = (self.im.sinh(), self.im.cosh());
        let error = (self.error + EPSILON) * cosh;
        Some((Self::new(sine * cosh, cosine * sinh, error), Self::new(cosine * cosh, -sine * sinh, error)))
    }

    /// A function of a real number with the given slope there.
    pub fn of_real(self, function: fn(f64) -> f64, slope: f64) -> Option<Self> {
        if !self.is_real() {
            return None;
        }
        let value = function(self.re);
        value.is_finite().then(|| Self::new(value, 0.0, self.error * slope.abs() + EPSILON * value.abs()))
    }
}
