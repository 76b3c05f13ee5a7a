//! How many n-grams of a text occurred in it before.

use std::collections::HashMap;

/// Longest n-gram that is counted.
pub const LONGEST: u32 = 100;

/// What an n-gram is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Words between white space, without regard to letter case.
    #[default]
    Words,
    /// Characters other than white space, for languages that do not separate words.
    Characters,
}

/// Share of the n-grams of `text` that are not the first of their kind: 1 − distinct ÷ all. 0 for a text of fewer than
/// `n` units. `n` is held within 1 to [`LONGEST`].
///
/// This is the measure of the repetition penalty that TRL and Open-R1 share. N-grams are compared exactly, in time
/// linear in the text times the logarithm of `n`.
#[must_use]
pub fn repeated_share(text: &str, unit: Unit, n: u32) -> f64 {
    let n = n.clamp(1, LONGEST) as usize;
    let mut names = match unit {
        Unit::Words => named(text.split_whitespace().map(str::to_lowercase)),
        Unit::Characters => named(text.chars().filter(|character| !character.is_whitespace())),
    };
    if names.len() < n {
        return 0.0;
    }
    // Each round gives n-grams of up to twice the length a number, equal n-grams the same one: a pair of numbers says
    // all of a longer n-gram, even where its halves overlap.
    let mut length = 1;
    while length < n {
        let by = length.min(n - length);
        let pairs = names.iter().zip(names.iter().skip(by)).map(|(one, other)| (*one, *other));
        names = named(pairs);
        length += by;
    }
    let distinct = names.iter().max().map_or(0, |largest| *largest as usize + 1);
    1.0 - distinct as f64 / names.len() as f64
}

/// Numbers for items, from 0 in the order in which they first occur; equal items get the same.
fn named<T: std::hash::Hash + Eq>(items: impl Iterator<Item = T>) -> Vec<u32> {
    let mut seen = HashMap::new();
    items
        .map(|item| {
            let next = seen.len() as u32;
            *seen.entry(item).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The definition itself.
    fn by_definition(words: &[&str], n: usize) -> f64 {
        if words.len() < n {
            return 0.0;
        }
        let distinct: BTreeSet<&[&str]> = words.windows(n).collect();
        1.0 - distinct.len() as f64 / (words.len() - n + 1) as f64
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            words in prop::collection::vec(prop::sample::select(vec!["a", "b", "cc", "ä"]), 0..120),
            n in 1u32..40,
        ) {
            prop_assert_eq!(repeated_share(&words.join(" "), Unit::Words, n), by_definition(&words, n as usize));
        }

        #[test]
        fn is_a_share_of_any_text(text in any::<String>(), n in any::<u32>()) {
            for unit in [Unit::Words, Unit::Characters] {
                let share = repeated_share(&text, unit, n);
                prop_assert!((0.0..1.0).contains(&share), "{}", share);
            }
        }
    }

    #[test]
    fn the_written_out_cases() {
        // Bigrams: "a b", "b a", "a b": 2 of 3 are distinct.
        assert_eq!(repeated_share("a b A B", Unit::Words, 2), 1.0 - 2.0 / 3.0);
        // Eight trigrams of one kind.
        assert_eq!(repeated_share(&"wait ".repeat(10), Unit::Words, 3), 1.0 - 1.0 / 8.0);
        assert_eq!(repeated_share("所以 所以", Unit::Characters, 2), 1.0 - 2.0 / 3.0);
        assert_eq!(repeated_share("所以所以", Unit::Words, 2), 0.0, "one word");
        assert_eq!(repeated_share("", Unit::Words, 1), 0.0);
    }
}
