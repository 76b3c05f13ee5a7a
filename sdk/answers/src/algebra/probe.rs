//! Numeric probing: values at fixed points, for what the normal form cannot decide.
//!
//! The points are the same in every run. A point counts only where both sides are real (unless the imaginary unit is
//! written out), so domains are respected: `√(x²)` and `x` part at negative points, `log x²` and `2 log x` agree
//! where both exist.

use super::complex::Complex;
use super::exact_value;
use crate::expression::{Constant, Expression, Function};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// What probing says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Equal at every point.
    Same,
    /// Different at some point.
    Different,
    /// Not enough points have a value.
    Unknown,
}

thread_local! {
    /// Whether some term was too small beside the others to change their sum. Such a sum proves nothing:
    /// `sin x + 10^{-30}` is not `sin x`.
    static ABSORBED: Cell<bool> = const { Cell::new(false) };
    /// Whether a square root or a logarithm was taken of a negative number: `√(x-7) √(x+7)` has no place at -10, though
    /// two imaginary factors have a real product.
    static LEFT_THE_REALS: Cell<bool> = const { Cell::new(false) };
}

/// The values of two expressions at a point, and whether neither lost a term to rounding.
fn values(left: &Expression, right: &Expression, point: &Point) -> Option<(Complex, Complex, bool)> {
    ABSORBED.with(|absorbed| absorbed.set(false));
    LEFT_THE_REALS.with(|left| left.set(false));
    let (a, b) = (value(left, point)?, value(right, point)?);
    Some((a, b, !ABSORBED.with(Cell::get)))
}

type Point = BTreeMap<String, f64>;

/// Points tried where there are variables.
const POINTS: usize = 12;
/// Points tried besides, where the usual ones lie outside of the domain.
const MORE: usize = 16;
/// Large points after these: `√(x-7) √(x+7)`.
const LARGE: usize = 8;
/// Points that must have a value on both sides.
const ENOUGH: usize = 3;

/// Whether two expressions are proportional, with one factor for all points.
pub fn proportional(left: &Expression, right: &Expression) -> bool {
    let names = variables(left, right);
    let mut ratio: Option<Complex> = None;
    let mut agreed = 0;
    for index in 0..POINTS {
        let point = point(&names, index);
        let Some((a, b, whole)) = values(left, right, &point) else { continue };
        let Some(quotient) = a.divide(b) else { continue };
        if !quotient.is_usable() {
            continue;
        }
        match ratio {
            None => ratio = Some(quotient),
            Some(held) => {
                if same_value(held, quotient) != Some(true) {
                    return false;
                }
                agreed += usize::from(whole);
            }
        }
    }
    agreed >= ENOUGH && ratio.is_some_and(|r| r.size() > 0.0)
}

/// The real value of an expression without variables.
pub fn constant(expression: &Expression) -> Option<f64> {
    if let Some(exact) = exact_value(expression) {
        return Some(exact.to_f64());
    }
    let result = value(expression, &Point::new())?;
    (result.is_usable() && result.is_real()).then_some(result.re)
}

fn variables(left: &Expression, right: &Expression) -> BTreeSet<String> {
    &left.names() | &right.names()
}

/// Whether two expressions have the same values.
pub fn compare(left: &Expression, right: &Expression) -> Probe {
    let names = variables(left, right);
    let imaginary = |part: &Expression| matches!(part, Expression::Constant(Constant::I));
    let complex = left.any(&imaginary) || right.any(&imaginary);
    let count = if names.is_empty() { 1 } else { POINTS };
    let (mut agreed, mut zeros) = (0, 0);
    let counts =
        |part: &Expression| matches!(part, Expression::Factorial(_) | Expression::Apply(Function::Binomial, _));
    let counting = !names.is_empty() && (left.any(&counts) || right.any(&counts));
    let last = match (names.is_empty(), counting) {
        (true, _) => 1,
        (false, true) => POINTS + MORE,
        (false, false) => POINTS + MORE + LARGE,
    };
    for index in 0..last {
        // Domains that miss the usual points: what counts things wants whole numbers, an arc wants fractions.
        if index >= POINTS && agreed >= ENOUGH && !counting {
            break;
        }
        let point = if index < POINTS { point(&names, index) } else { narrow_point(&names, index, counting) };
        let Some((a, b, whole)) = values(left, right, &point) else { continue };
        if !a.is_usable() || !b.is_usable() {
            continue;
        }
        // With variables, a point where either side leaves the real numbers is outside its domain.
        let real = a.is_real() && b.is_real() && !LEFT_THE_REALS.with(Cell::get);
        if !(real || complex || names.is_empty()) {
            continue;
        }
        // Doubles do not tell a value of so many digits from the whole number next to it: e^{π√163}.
        if names.is_empty() && a.size() > 1e12 && (exact_value(left).is_some() != exact_value(right).is_some()) {
            return Probe::Unknown;
        }
        match same_value(a, b) {
            // Two zeros at whole numbers are often an accident of the point.
            Some(true) if a.size() == 0.0 && b.size() == 0.0 => zeros += usize::from(whole),
            Some(true) => agreed += usize::from(whole),
            Some(false) => return Probe::Different,
            None => {}
        }
    }
    if agreed >= ENOUGH.min(count) || zeros >= (POINTS / 2).min(count) { Probe::Same } else { Probe::Unknown }
}

/// Whether two values are the same to within their errors; `None` where the errors are too large to decide.
fn same_value(a: Complex, b: Complex) -> Option<bool> {
    let distance = (a.re - b.re).hypot(a.im - b.im);
    let allowed = 32.0 * (a.error + b.error);
    if distance > allowed {
        return Some(false);
    }
    let scale = a.size().max(b.size());
    (allowed <= 1e-9 || allowed <= 1e-9 * scale).then_some(true)
}

/// The value of every variable at a point: positive, then negative, then whole numbers; a different one for each name.
fn point(names: &BTreeSet<String>, index: usize) -> Point {
    names
        .iter()
        .map(|name| {
            // FNV-1a: is the same everywhere.
            let mut hash = 0xcbf2_9ce4_8422_2325u64 ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for byte in name.bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
            // The finish of SplitMix64: FNV alone leaves `a` and `b` next to each other.
            hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            hash ^= hash >> 31;
            let unit = (hash >> 11) as f64 / (1u64 << 53) as f64;
            let value = match index {
                0..=4 => 0.25 + 2.5 * unit,
                5..=7 => -0.25 - 2.5 * unit,
                8 => 3.0 + 8.0 * unit,
                _ => (1.0 + 9.0 * unit).floor() + index as f64 - 9.0,
            };
            (name.clone(), value)
        })
        .collect()
}

/// A point of whole numbers up to ten, or of fractions between -1 and 1, most of them positive; after these a large one.
fn narrow_point(names: &BTreeSet<String>, index: usize, whole: bool) -> Point {
    let mut at = point(names, index);
    for value in at.values_mut() {
        // `point` gives whole numbers here; their fractions by the golden ratio lie far apart.
        let fraction = ((*value + index as f64 * 0.37) * 0.618_033_988_749_895).fract();
        *value = match (whole, index % 4) {
            (true, _) => (fraction * 10.0).floor() + 1.0,
            _ if index >= POINTS + MORE => 8.0 + 40.0 * fraction,
            (false, 3) => -fraction,
            _ => fraction,
        };
    }
    at
}

fn value(expression: &Expression, point: &Point) -> Option<Complex> {
    let expensive = matches!(expression, Expression::Power(..) | Expression::Apply(..) | Expression::Factorial(_));
    crate::work::spend(if expensive { 400 } else { 30 })?;
    match expression {
        Expression::Number(number) => {
            let value = number.value.to_f64();
            let vanished = value == 0.0 && !number.value.is_zero();
            (value.is_finite() && !vanished).then(|| Complex::real(value))
        }
        Expression::Constant(Constant::Pi) => Some(Complex::real(std::f64::consts::PI)),
        Expression::Constant(Constant::E) => Some(Complex::real(std::f64::consts::E)),
        Expression::Constant(Constant::I) => Some(Complex::i()),
        Expression::Symbol(name) => point.get(name).map(|value| Complex { re: *value, im: 0.0, error: 0.0 }),
        Expression::Negative(inner) => Some(value(inner, point)?.negate()),
        Expression::Sum(terms) => {
            let mut sum = Complex::real(0.0);
            let mut least = f64::INFINITY;
            for term in terms {
                let term = value(term, point)?;
                if term.size() > 0.0 {
                    least = least.min(term.size());
                }
                sum = sum.add(term);
            }
            if least < 128.0 * sum.error {
                ABSORBED.with(|absorbed| absorbed.set(true));
            }
            Some(sum)
        }
        Expression::Product(factors) => {
            let mut product = Complex::real(1.0);
            for factor in factors {
                product = product.multiply(value(factor, point)?)?;
            }
            Some(product)
        }
        Expression::Quotient(top, bottom) => value(top, point)?.divide(value(bottom, point)?),
        Expression::Power(base, exponent) => {
            if **base == Expression::Constant(Constant::E) {
                return value(exponent, point)?.exponential();
            }
            value(base, point)?.power(value(exponent, point)?)
        }
        Expression::Percent(inner) => value(inner, point)?.multiply(Complex::real(0.01)),
        Expression::Degrees(inner) => value(inner, point)?.multiply(Complex::real(std::f64::consts::PI / 180.0)),
        Expression::Factorial(inner) => factorial(value(inner, point)?),
        Expression::Ratio(parts) => match parts.as_slice() {
            [top, bottom] => value(top, point)?.divide(value(bottom, point)?),
            _ => None,
        },
        Expression::Modulo(left, right) => {
            let (left, right) = (value(left, point)?, value(right, point)?);
            if !left.is_real() || !right.is_real() || right.re == 0.0 {
                return None;
            }
            let whole = (left.re / right.re).floor();
            Some(left.add(right.multiply(Complex::real(whole))?.negate()))
        }
        Expression::Apply(function, arguments) => apply(*function, arguments, point),
        _ => None,
    }
}

fn factorial(of: Complex) -> Option<Complex> {
    let whole = of.re.round();
    if !of.is_real() || (of.re - whole).abs() > 4.0 * of.error || !(0.0..=150.0).contains(&whole) {
        return None;
    }
    let mut product = Complex::real(1.0);
    for factor in 2..=(whole as u32) {
        product = product.multiply(Complex::real(f64::from(factor)))?;
    }
    Some(product)
}

fn apply(function: Function, arguments: &[Expression], point: &Point) -> Option<Complex> {
    use Function::*;
    let argument = value(arguments.first()?, point)?;
    let second = || value(arguments.get(1)?, point);
    let x = argument.re;
    if x < 0.0 && argument.is_real() && (function == Logarithm || function == Root && arguments.len() == 1) {
        LEFT_THE_REALS.with(|left| left.set(true));
    }
    match function {
        Root => match arguments.get(1) {
            None => argument.root(2.0),
            Some(degree) => {
                let degree = value(degree, point)?;
                if !degree.is_real() || degree.re == 0.0 {
                    return None;
                }
                argument.root(degree.re)
            }
        },
        Absolute => Some(Complex { re: argument.size(), im: 0.0, error: argument.error }),
        Logarithm => {
            let natural = argument.logarithm()?;
            match arguments.get(1) {
                None => Some(natural),
                Some(_) => natural.divide(second()?.logarithm()?),
            }
        }
        Exponential => argument.exponential(),
        Sine => Some(argument.sine_cosine()?.0),
        Cosine => Some(argument.sine_cosine()?.1),
        Tangent => {
            let (sine, cosine) = argument.sine_cosine()?;
            sine.divide(cosine)
        }
        Cotangent => {
            let (sine, cosine) = argument.sine_cosine()?;
            cosine.divide(sine)
        }
        Secant => argument.sine_cosine()?.1.reciprocal(),
        Cosecant => argument.sine_cosine()?.0.reciprocal(),
        ArcSine => argument.of_real(f64::asin, 1.0 / (1.0 - x * x).abs().sqrt().max(1e-8)),
        ArcCosine => argument.of_real(f64::acos, 1.0 / (1.0 - x * x).abs().sqrt().max(1e-8)),
        ArcTangent => argument.of_real(f64::atan, 1.0),
        HyperbolicSine => argument.of_real(f64::sinh, x.cosh()),
        HyperbolicCosine => argument.of_real(f64::cosh, x.sinh()),
        HyperbolicTangent => argument.of_real(f64::tanh, 1.0),
        ArcHyperbolicSine => argument.of_real(f64::asinh, 1.0),
        ArcHyperbolicCosine => argument.of_real(f64::acosh, 1.0 / (x * x - 1.0).abs().sqrt().max(1e-8)),
        ArcHyperbolicTangent => argument.of_real(f64::atanh, 1.0 / (1.0 - x * x).abs().max(1e-8)),
        Floor | Ceiling => {
            // Too close to a whole number to know which side it is on.
            let near = (x - x.round()).abs();
            if !argument.is_real() || (near != 0.0 && near <= 4.0 * argument.error) {
                return None;
            }
            Some(Complex::real(if function == Floor { x.floor() } else { x.ceil() }))
        }
        Maximum | Minimum => {
            let mut best = argument;
            for other in &arguments[1..] {
                let other = value(other, point)?;
                if (function == Maximum) == (other.re > best.re) {
                    best = other;
                }
            }
            best.is_real().then_some(best)
        }
        Binomial => {
            let n = factorial(argument)?;
            let k = second()?;
            let rest = argument.add(k.negate());
            n.divide(factorial(k)?.multiply(factorial(rest)?)?)
        }
        GreatestCommonDivisor | LeastCommonMultiple => {
            let whole = Expression::Apply(function, arguments.to_vec());
            Some(Complex::real(exact_value(&whole)?.to_f64()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_lie_far_apart_at_every_point() {
        let names: BTreeSet<String> = "abcdkmnpqrstuvwxyz".chars().map(String::from).collect();
        for index in 0..9 {
            let point = point(&names, index);
            let mut held: Vec<f64> = point.values().copied().collect();
            held.sort_by(f64::total_cmp);
            let near = held.windows(2).filter(|pair| (pair[1] - pair[0]).abs() < 1e-4).count();
            assert_eq!(near, 0, "{held:?}");
        }
    }
}
