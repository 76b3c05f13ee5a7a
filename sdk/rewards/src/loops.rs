//! Finds a passage that stands many times in a row, the sign of a policy caught in a loop.
//!
//! The regular expression `(.{5,}?)\1{4,}` of OctoThinker's rewards asks the same, but backtracks over quadratically many
//! starts and lengths, and its dot stops at line ends, so a repeated line passes. Here the work is bounded by the text's
//! length times a constant (the sum of 1/p over the passage lengths p looked for): a passage of p characters repeated
//! without a gap covers consecutive aligned blocks of p characters, which then are equal, wherever it starts. Comparing
//! the hashes of neighbouring blocks finds the candidates, and comparing the characters settles them.

use octo_sdk::PluginError;

use crate::amounts::refuse;

/// Longest passage looked for, in characters. A loop of longer ones does not fit often into a response.
const LONGEST: usize = 2_000;

/// An odd multiplier (Knuth's for 64-bit linear congruences); collisions cost a comparison, never a wrong answer.
const MULTIPLIER: u64 = 6_364_136_223_846_793_005;

/// Whether some passage of at least `shortest` characters stands `times` times in a row or more. Passages of spaces and
/// punctuation alone (rules of dashes, columns of a table) do not count. `times` is 2 or more; at 2 every block is a
/// candidate and the bound on the work is lost, which is why the config asks for 3.
#[must_use]
pub fn repeats(text: &str, shortest: u32, times: u32) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let (shortest, times) = (shortest.max(1) as usize, times.max(2) as usize);
    let prefixes = Prefixes::of(&characters);
    let longest = LONGEST.min(characters.len() / times);
    (shortest..=longest).any(|period| repeats_with(&characters, &prefixes, period, times))
}

/// Refuses lengths and counts of passages that [`repeats`] is not made for, by the names of their keys.
///
/// # Errors
/// An invalid config that names `repeated_characters` or `repeated_times`.
pub fn check(repeated_characters: u32, repeated_times: u32) -> Result<(), PluginError> {
    for (key, value, least) in [("repeated_characters", repeated_characters, 1), ("repeated_times", repeated_times, 3)]
    {
        if !(least..=1000).contains(&value) {
            return refuse(format!("{key} is {value}; it must lie between {least} and 1000"));
        }
    }
    Ok(())
}

/// Looks for passages of exactly `period` characters.
fn repeats_with(characters: &[char], prefixes: &Prefixes, period: usize, times: usize) -> bool {
    let power = prefixes.powers.get(period).copied().unwrap_or(0);
    // `times` copies cover at least `times - 1` whole aligned blocks: one less if they start within a block.
    let needed = times - 1;
    let mut previous = None;
    let mut equal = 0;
    for start in (0..).step_by(period).take_while(|start| start + period <= characters.len()) {
        let block = prefixes.block(start, period, power);
        equal = if previous == Some(block) { equal + 1 } else { 1 };
        previous = Some(block);
        // The words first: in a rule of dashes every block is a candidate, and comparing them all is quadratic.
        if equal >= needed
            && prefixes.has_words(start, period)
            && stands_around(characters, start + period - needed * period, start + period, period, times)
        {
            return true;
        }
    }
    false
}

/// Whether the characters around `start..end` repeat in steps of `period` for `times` periods. Looks no further than one
/// period to either side: the blocks found are all but one of the copies.
fn stands_around(characters: &[char], start: usize, end: usize, period: usize, times: usize) -> bool {
    let same = |index: usize| characters.get(index) == characters.get(index + period);
    let before = (start.saturating_sub(period)..start).rev().take_while(|&index| same(index)).count();
    let inside = (start..end - period).take_while(|&index| same(index)).count();
    if inside < end - period - start {
        return false;
    }
    let after = (end - period..(characters.len() - period).min(end)).take_while(|&index| same(index)).count();
    before + (end - start) + after >= times * period
}

/// Polynomial hashes of all prefixes modulo 2^64, and their counts of letters and digits.
struct Prefixes {
    hashes: Vec<u64>,
    powers: Vec<u64>,
    alphanumeric: Vec<u32>,
}

impl Prefixes {
    fn of(characters: &[char]) -> Self {
        let (mut hashes, mut powers, mut alphanumeric) = (vec![0], vec![1], vec![0]);
        let (mut hash, mut power, mut count) = (0_u64, 1_u64, 0_u32);
        for &character in characters {
            hash = hash.wrapping_mul(MULTIPLIER).wrapping_add(u64::from(u32::from(character)) + 1);
            power = power.wrapping_mul(MULTIPLIER);
            count += u32::from(character.is_alphanumeric());
            hashes.push(hash);
            powers.push(power);
            alphanumeric.push(count);
        }
        Self { hashes, powers, alphanumeric }
    }

    /// Whether there is a letter or digit among `length` characters from `start`.
    fn has_words(&self, start: usize, length: usize) -> bool {
        self.alphanumeric.get(start) != self.alphanumeric.get(start + length)
    }

    /// The hash of `length` characters from `start`; `power` is the multiplier to the power of `length`.
    fn block(&self, start: usize, length: usize, power: u64) -> u64 {
        let at = |index: usize| self.hashes.get(index).copied().unwrap_or(0);
        at(start + length).wrapping_sub(at(start).wrapping_mul(power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition itself, in cubic time.
    fn by_definition(text: &str, shortest: usize, times: usize) -> bool {
        let characters: Vec<char> = text.chars().collect();
        (shortest..=characters.len() / times).any(|period| {
            (0..=characters.len() - period * times).any(|start| {
                let passage = &characters[start..start + period];
                let all = &characters[start..start + period * times];
                passage.iter().any(|character| character.is_alphanumeric())
                    && all.chunks(period).all(|copy| copy == passage)
            })
        })
    }

    /// Small alphabets and few letters make repeats of every kind likely; the seeds make them the same every time.
    fn random_text(seed: u64, length: usize, letters: u64) -> String {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(MULTIPLIER).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        (0..length)
            .map(|_| match next() % letters {
                0 => 'a',
                1 => '-',
                2 => 'é',
                _ => 'b',
            })
            .collect()
    }

    #[test]
    fn agrees_with_the_definition_on_many_small_texts() {
        let mut found = 0;
        for seed in 0..4_000 {
            let text = random_text(seed, 10 + (seed as usize % 60), 2 + seed % 3);
            for (shortest, times) in [(1, 3), (2, 2), (2, 4), (3, 3), (5, 5), (1, 8)] {
                let expected = by_definition(&text, shortest, times);
                found += usize::from(expected);
                assert_eq!(repeats(&text, shortest as u32, times as u32), expected, "{text:?} {shortest} {times}");
            }
        }
        assert!((2_000..22_000).contains(&found), "both answers must occur: {found} of 24000");
    }

    #[test]
    fn a_passage_is_found_wherever_it_starts_and_whatever_its_length() {
        for period in [5, 6, 7, 31, 100, 997, LONGEST] {
            let passage: String = (0..period).map(|index| char::from(b'a' + (index * index % 23) as u8)).collect();
            for offset in [0, 1, period - 1, period] {
                let before: String = "xyzw 1".chars().cycle().take(offset).collect();
                let five = format!("{}!{}?", before, passage.repeat(5));
                assert!(repeats(&five, 5, 5), "period {period} offset {offset}");
            }
        }
        let four: String = "abcdefg".repeat(4);
        assert!(!repeats(&format!("!{four}?"), 5, 5));
    }

    #[test]
    fn a_repeated_line_counts() {
        assert!(repeats(&"\\boxed{4}\n".repeat(5), 5, 5));
        assert!(repeats(&format!("Solution:\n{}", "Therefore, x = 2.\n\n".repeat(6)), 5, 5));
    }

    #[test]
    fn rules_and_tables_are_not_loops() {
        for text in ["-".repeat(200), "| --- | --- | --- | --- | --- | --- | --- |\n".repeat(2), " ".repeat(80)] {
            assert!(!repeats(&text, 5, 5), "{text:?}");
        }
    }

    #[test]
    fn ordinary_working_is_not_a_loop() {
        let text = "First, 12 x 12 = 144. Then 144 + 1 = 145, and 145 / 5 = 29.\nSo the answer is \\boxed{29}.\n";
        assert!(!repeats(text, 5, 5));
        assert!(!repeats("", 5, 5));
        assert!(!repeats("short", 5, 5));
    }
}
