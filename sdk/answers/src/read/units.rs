//! Units of measurement: their names, as far as they must be distinguished from products of variables, and their size, so
//! that 1.5 m is 150 cm, 90 minutes are 1.5 hours, and neither is ever 150 kg.
//!
//! A unit is read into powers of base units and an exact factor. One unknown word makes the whole unknown: "red
//! apples per metre" converts into nothing.

use crate::expression::Rational;

/// Powers of length, mass, time, money, angle and data.
pub type Dimension = [i8; 6];

/// A unit as powers of base units and the size of one in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Powers of the base units.
    pub dimension: Dimension,
    /// How many base units one of these is.
    pub factor: Rational,
}

const LENGTH: Dimension = [1, 0, 0, 0, 0, 0];
const MASS: Dimension = [0, 1, 0, 0, 0, 0];
const TIME: Dimension = [0, 0, 1, 0, 0, 0];
const MONEY: Dimension = [0, 0, 0, 1, 0, 0];
const ANGLE: Dimension = [0, 0, 0, 0, 1, 0];
const DATA: Dimension = [0, 0, 0, 0, 0, 1];
const VOLUME: Dimension = [3, 0, 0, 0, 0, 0];
const AREA: Dimension = [2, 0, 0, 0, 0, 0];
const FORCE: Dimension = [1, 1, -2, 0, 0, 0];
const ENERGY: Dimension = [2, 1, -2, 0, 0, 0];
const POWER: Dimension = [2, 1, -3, 0, 0, 0];
const SPEED: Dimension = [1, 0, -1, 0, 0, 0];

/// One unit by name or abbreviation: its dimension and its size as a fraction.
fn named(word: &str) -> Option<(Dimension, i64, i64)> {
    // Abbreviations whose case matters.
    match word {
        "m" => return Some((LENGTH, 1, 1)),
        "g" => return Some((MASS, 1, 1000)),
        "s" => return Some((TIME, 1, 1)),
        "h" => return Some((TIME, 3600, 1)),
        "L" | "l" => return Some((VOLUME, 1, 1000)),
        "N" => return Some((FORCE, 1, 1)),
        "J" => return Some((ENERGY, 1, 1)),
        "W" => return Some((POWER, 1, 1)),
        "t" => return Some((MASS, 1000, 1)),
        _ => {}
    }
    let lower = word.to_lowercase();
    Some(match lower.as_str() {
        "meter" | "metre" => (LENGTH, 1, 1),
        "km" | "kilometer" | "kilometre" => (LENGTH, 1000, 1),
        "dm" | "decimeter" | "decimetre" => (LENGTH, 1, 10),
        "cm" | "centimeter" | "centimetre" => (LENGTH, 1, 100),
        "mm" | "millimeter" | "millimetre" => (LENGTH, 1, 1000),
        "inch" | "inche" | "in" => (LENGTH, 254, 10_000),
        "ft" | "foot" | "feet" => (LENGTH, 3048, 10_000),
        "yd" | "yard" => (LENGTH, 9144, 10_000),
        "mi" | "mile" => (LENGTH, 1_609_344, 1000),
        "kg" | "kilogram" | "kilo" => (MASS, 1, 1),
        "gram" | "gm" => (MASS, 1, 1000),
        "mg" | "milligram" => (MASS, 1, 1_000_000),
        "ton" | "tonne" => (MASS, 1000, 1),
        "lb" | "pound" => (MASS, 45_359_237, 100_000_000),
        "oz" | "ounce" => (MASS, 45_359_237, 1_600_000_000),
        "sec" | "second" => (TIME, 1, 1),
        "ms" | "millisecond" => (TIME, 1, 1000),
        "min" | "minute" => (TIME, 60, 1),
        "hr" | "hour" => (TIME, 3600, 1),
        "day" => (TIME, 86_400, 1),
        "week" => (TIME, 604_800, 1),
        "dollar" | "usd" => (MONEY, 100, 1),
        "cent" | "penny" | "pennie" => (MONEY, 1, 1),
        "dime" => (MONEY, 10, 1),
        "nickel" => (MONEY, 5, 1),
        "liter" | "litre" => (VOLUME, 1, 1000),
        "ml" | "milliliter" | "millilitre" | "cc" => (VOLUME, 1, 1_000_000),
        "cl" | "centiliter" => (VOLUME, 1, 100_000),
        "hectare" | "ha" => (AREA, 10_000, 1),
        "newton" => (FORCE, 1, 1),
        "kn" => (FORCE, 1000, 1),
        "joule" => (ENERGY, 1, 1),
        "kj" => (ENERGY, 1000, 1),
        "kwh" => (ENERGY, 3_600_000, 1),
        "watt" => (POWER, 1, 1),
        "kw" | "kilowatt" => (POWER, 1000, 1),
        "mph" => (SPEED, 1_609_344, 3_600_000),
        "kph" | "kmh" => (SPEED, 1000, 3600),
        "deg" | "degree" => (ANGLE, 3600, 1),
        "arcminute" => (ANGLE, 60, 1),
        "byte" => (DATA, 1, 1),
        "kilobyte" | "kb" => (DATA, 1000, 1),
        "megabyte" | "mb" => (DATA, 1_000_000, 1),
        _ => return None,
    })
}

/// A word with its plural taken off, where that names a unit.
fn unit(word: &str) -> Option<(Dimension, i64, i64)> {
    named(word).or_else(|| named(word.strip_suffix('s').filter(|single| single.len() > 1)?))
}

/// Reads a unit such as `cm2`, "square feet", "km per h" or "metres per second"; `None` where a word is unknown.
pub fn measure(written: &str) -> Option<Measure> {
    let mut whole = Measure { dimension: [0; 6], factor: Rational::one() };
    let (mut below, mut power_ahead, mut any) = (false, 1i64, false);
    // The power of the last unit, which "squared" multiplies.
    let mut last: Option<(Dimension, Rational, i64)> = None;
    let spaced = written.replace('/', " per ").replace(['^', '{', '}'], "");
    for word in spaced.split(|c: char| c.is_whitespace() || ".,()*·".contains(c)).filter(|word| !word.is_empty()) {
        match word.to_lowercase().as_str() {
            "per" | "a" | "an" if any || word == "per" => {
                below = true;
                continue;
            }
            "square" | "sq" => {
                power_ahead = 2;
                continue;
            }
            "cubic" | "cu" => {
                power_ahead = 3;
                continue;
            }
            "squared" | "cubed" => {
                let (dimension, size, power) = last.take()?;
                let more = if word.eq_ignore_ascii_case("squared") { power } else { 2 * power };
                apply(&mut whole, dimension, &size, more)?;
                continue;
            }
            _ => {}
        }
        let digits = word.find(|c: char| c.is_ascii_digit() || c == '-').unwrap_or(word.len());
        let (name, written_power) = word.split_at(digits);
        let (dimension, top, bottom) = unit(name)?;
        let size = Rational::integer(top).divide(&Rational::integer(bottom))?;
        let own: i64 = if written_power.is_empty() { 1 } else { written_power.parse().ok()? };
        let power = own * power_ahead * if below { -1 } else { 1 };
        if !(-6..=6).contains(&power) {
            return None;
        }
        apply(&mut whole, dimension, &size, power)?;
        last = Some((dimension, size, power));
        power_ahead = 1;
        any = true;
    }
    any.then_some(whole)
}

fn apply(whole: &mut Measure, dimension: Dimension, size: &Rational, power: i64) -> Option<()> {
    for (held, of) in whole.dimension.iter_mut().zip(dimension) {
        *held = held.checked_add(of.checked_mul(i8::try_from(power).ok()?)?)?;
    }
    whole.factor = whole.factor.multiply(&size.power(power)?)?;
    Some(())
}

/// Whether one lone letter after a number is short for a unit: `10 m` for "10 meters".
pub fn abbreviates(letter: &str, written: &str) -> bool {
    letter.chars().count() == 1 && matches!((measure(letter), measure(written)), (Some(a), Some(b)) if a == b)
}

/// Whether a run of letters right after a number is a unit.
pub fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "mm" | "cm"
            | "dm"
            | "km"
            | "mg"
            | "kg"
            | "ml"
            | "cl"
            | "dl"
            | "hr"
            | "hrs"
            | "min"
            | "mins"
            | "sec"
            | "secs"
            | "ms"
            | "mph"
            | "kph"
            | "kmh"
            | "ft"
            | "in"
            | "inch"
            | "yd"
            | "mi"
            | "lb"
            | "lbs"
            | "oz"
            | "cc"
            | "rad"
            | "sq"
            | "cu"
            | "usd"
            | "eur"
            | "rs"
            | "hz"
            | "khz"
            | "kw"
            | "kwh"
            | "pts"
            | "am"
            | "pm"
            | "kn"
            | "pa"
            | "kj"
            | "mol"
            | "st"
            | "nd"
            | "rd"
            | "th"
    )
}

/// A unit as it is compared: lower case, without plural, punctuation and fill words.
pub fn canonical(unit: &str) -> String {
    unit.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !matches!(*word, "of" | "the" | "a" | "an"))
        .map(|word| match word.strip_suffix('s') {
            Some(singular) if singular.len() > 1 && !singular.ends_with('s') => singular,
            _ => word,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// What a word after a number multiplies it by: `-1.8 billion`, `3 dozen`.
pub fn scale(word: &str) -> Option<i64> {
    Some(match word {
        "dozen" | "dozens" => 12,
        "hundred" => 100,
        "thousand" => 1_000,
        "million" => 1_000_000,
        "billion" => 1_000_000_000,
        "trillion" => 1_000_000_000_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_convert_only_within_their_dimension() {
        let same = |a: &str, b: &str| match (measure(a), measure(b)) {
            (Some(a), Some(b)) => a.dimension == b.dimension,
            _ => false,
        };
        assert!(
            same("cm2", "square feet")
                && same("km per h", "meters per second")
                && same("m per s2", "feet per second squared")
        );
        assert!(!same("cm", "kg") && !same("cm", "cm2") && !same("apples", "apples"));
        let half = Rational::integer(1).divide(&Rational::integer(100));
        assert_eq!(measure("cm").map(|unit| unit.factor), half);
        assert!(abbreviates("m", "meters") && !abbreviates("m", "miles"));
    }
}
