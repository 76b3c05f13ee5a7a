//! The facts of a text that a rewriting must not lose: its numbers and its formulas.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{formulas, numbers};

/// Most bytes of all facts of a text together, so that they fit into a field of a document.
const MOST_BYTES: usize = 40_000;
/// Most bytes of one of them. The beginning of a longer formula stands for it.
const MOST_BYTES_EACH: usize = 200;

/// The facts of a text, each once. They are written as JSON, to be compared with another text later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Characters of the text.
    pub characters: u64,
    /// Its numbers, written in one way.
    pub numbers: BTreeSet<String>,
    /// Its formulas, written in one way.
    pub formulas: BTreeSet<String>,
    /// How many facts were left out because there were too many. Which ones depends on the facts alone.
    #[serde(default)]
    pub left_out: u64,
}

/// How much of a text's facts another has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kept {
    /// Share of the numbers, 1 where there were none.
    pub numbers: f64,
    /// Share of the formulas, 1 where there were none.
    pub formulas: f64,
    /// Characters of the other text by those of this one; 0 where this one has none.
    pub length: f64,
}

impl Facts {
    /// The facts of a text.
    pub fn of(text: &str) -> Facts {
        let mut facts = Facts { characters: text.chars().count() as u64, ..Facts::default() };
        numbers::each(text, |number| {
            facts.numbers.insert(start(number).to_owned());
        });
        formulas::each(text, |formula| {
            facts.formulas.insert(start(formula).to_owned());
        });
        facts.bound();
        facts
    }

    /// The facts that [`Facts::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with the JSON.
    pub fn from_json(json: &str) -> Result<Facts, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// One line of JSON, within 48 KiB.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// How much of these facts a text has. A formula may be part of a larger one there, and need not be between
    /// delimiters.
    pub fn kept_by(&self, text: &str) -> Kept {
        let mut found = BTreeSet::new();
        numbers::each(text, |number| {
            found.insert(start(number).to_owned());
        });
        let share = |kept: usize, all: usize| if all == 0 { 1.0 } else { kept as f64 / all as f64 };
        let plain = formulas::in_one_way(text);
        let formulas = self.formulas.iter().filter(|formula| plain.contains(formula.as_str())).count();
        Kept {
            numbers: share(self.numbers.intersection(&found).count(), self.numbers.len()),
            formulas: share(formulas, self.formulas.len()),
            length: match self.characters {
                0 => 0.0,
                characters => text.chars().count() as f64 / characters as f64,
            },
        }
    }

    /// Leaves facts out until the rest is small enough: those of the largest digests, which are a sample of all.
    fn bound(&mut self) {
        let cost = |fact: &String| serde_json::to_string(fact).map_or(0, |json| json.len() + 1);
        let mut drawn: Vec<(u64, bool, String)> = Vec::new();
        let both = [(false, std::mem::take(&mut self.numbers)), (true, std::mem::take(&mut self.formulas))];
        for (is_formula, facts) in both {
            drawn.extend(facts.into_iter().map(|fact| (digest(&fact), is_formula, fact)));
        }
        drawn.sort();
        let mut bytes = 0;
        for (_, is_formula, fact) in drawn {
            bytes += cost(&fact);
            match (bytes <= MOST_BYTES, is_formula) {
                (false, _) => self.left_out += 1,
                (true, false) => _ = self.numbers.insert(fact),
                (true, true) => _ = self.formulas.insert(fact),
            }
        }
    }
}

/// The beginning of a fact, as far as it is kept.
fn start(fact: &str) -> &str {
    &fact[..fact.floor_char_boundary(MOST_BYTES_EACH)]
}

/// FNV-1a (Fowler, Noll and Vo), of 64 bits.
fn digest(fact: &str) -> u64 {
    fact.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str =
        "In 1905 the pendulum of 2.50 m swung with $T = 2\\pi\\sqrt{\\frac{l}{g}}$, so $T \\approx 3.17$ s.";

    #[test]
    fn facts_are_read_as_they_were_written() {
        let facts = Facts::of(PAGE);
        assert_eq!(facts.numbers, ["1905", "2", "2.5", "3.17"].map(str::to_owned).into());
        let formulas = ["T=2\\pi\\sqrt{\\fraclg}", "T\\approx3.17"].map(str::to_owned);
        assert_eq!(facts.formulas, formulas.into());
        assert_eq!(Facts::from_json(&facts.to_json()), Ok(facts));
        assert!(Facts::from_json("{\"characters\": 1, \"numbers\": [], \"formulas\": [], \"more\": 1}").is_err());
    }

    #[test]
    fn a_rewriting_keeps_a_share_of_them() {
        let facts = Facts::of(PAGE);
        let all = facts.kept_by(PAGE);
        assert_eq!(all, Kept { numbers: 1.0, formulas: 1.0, length: 1.0 });
        let half = facts.kept_by("A pendulum of 2.5 m: $$T = 2 \\pi \\sqrt{\\dfrac{l}{g}}.$$");
        assert_eq!((half.numbers, half.formulas), (0.5, 0.5));
        assert!(half.length > 0.4 && half.length < 0.7, "{half:?}");
        assert_eq!(facts.kept_by("").numbers, 0.0);
        assert_eq!(Facts::of("no facts").kept_by("x"), Kept { numbers: 1.0, formulas: 1.0, length: 0.125 });
        assert_eq!(Facts::of("").kept_by("x").length, 0.0);
    }

    #[test]
    fn many_facts_are_sampled_within_a_bound() {
        let table: String = (0..100_000).map(|number| format!("{number} ")).collect();
        let facts = Facts::of(&table);
        assert!(facts.to_json().len() < 48 << 10, "{}", facts.to_json().len());
        assert_eq!(facts.numbers.len() as u64 + facts.left_out, 100_000);
        assert!(facts.numbers.len() > 4000);
        let upper = facts.numbers.iter().filter(|number| number.parse::<u32>().is_ok_and(|n| n >= 50_000)).count();
        assert!(upper.abs_diff(facts.numbers.len() / 2) < facts.numbers.len() / 10, "{upper} of the upper half");
        let long = format!("$${}$$", "a+".repeat(500));
        let facts = Facts::of(&long);
        assert_eq!(facts.formulas.iter().map(String::len).collect::<Vec<_>>(), [200]);
        assert_eq!(facts.kept_by(&long).formulas, 1.0);
    }
}
