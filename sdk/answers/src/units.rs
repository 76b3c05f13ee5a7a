//! Units of measurement, as far as they have to be told from products of variables.

/// Whether a run of letters right behind a number is a unit.
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

/// What a word behind a number multiplies it by: `-1.8 billion`.
pub fn scale(word: &str) -> Option<u32> {
    Some(match word {
        "hundred" => 2,
        "thousand" => 3,
        "million" => 6,
        "billion" => 9,
        "trillion" => 12,
        _ => return None,
    })
}
