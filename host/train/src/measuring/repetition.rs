//! Responses that end in a loop, found in time linear in their length.
//!
//! A collapsing policy repeats itself up to the length limit (OctoThinker saw it with Llama bases). The sign is the end
//! of a response: a passage that stands there several times over. Tokens are compared, not characters, so line ends and
//! long passages hide nothing, and there is no pattern matcher to blow up on them.

/// Times in a row that a passage must stand at the end: OctoThinker's reward variants count from five.
const TIMES: usize = 5;
/// Tokens that the repetitions must have together, so that an answer such as "11111" does not count as a loop.
const LEAST_TOKENS: usize = 20;

/// Whether `tokens` end in a loop: at least [`TIMES`] repetitions of one passage, [`LEAST_TOKENS`] tokens in all. The
/// last repetition may be cut off.
pub fn ends_in_a_loop(tokens: &[u32]) -> bool {
    // Read backwards, the repetitions are a prefix. borders[n] is the longest proper border of the prefix of n tokens
    // (Knuth, Morris, Pratt), so n − borders[n] is its shortest period.
    let at = |index: usize| tokens[tokens.len() - 1 - index];
    let mut borders = vec![0usize; tokens.len() + 1];
    for length in 2..=tokens.len() {
        let last = at(length - 1);
        let mut border = borders[length - 1];
        while border > 0 && at(border) != last {
            border = borders[border];
        }
        borders[length] = if at(border) == last { border + 1 } else { 0 };
        let period = length - borders[length];
        if length >= LEAST_TOKENS && length >= TIMES * period {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looped(head: usize, passage: usize, times: usize, rest: usize) -> Vec<u32> {
        let head = (0..head as u32).map(|n| 1000 + n);
        head.chain((0..passage * times + rest).map(|n| (n % passage) as u32)).collect()
    }

    #[test]
    fn a_passage_of_any_length_five_times_over_is_a_loop() {
        assert!(ends_in_a_loop(&looped(7, 4, 5, 0)));
        assert!(ends_in_a_loop(&looped(0, 9, 5, 3)), "the last repetition is cut off");
        assert!(ends_in_a_loop(&looped(100, 300, 5, 0)));
        assert!(ends_in_a_loop(&[3; 20]));
    }

    #[test]
    fn what_is_short_or_over_or_repeated_seldom_is_not_a_loop() {
        assert!(!ends_in_a_loop(&[]));
        assert!(!ends_in_a_loop(&[3; 19]), "too few tokens");
        assert!(!ends_in_a_loop(&looped(50, 9, 4, 8)), "four times and a bit");
        let mut over = looped(0, 4, 9, 0);
        over.push(77);
        assert!(!ends_in_a_loop(&over), "it got out of the loop");
    }

    #[test]
    fn it_agrees_with_looking_at_every_period() {
        let plain = |tokens: &[u32]| {
            (1..=tokens.len()).any(|period| {
                let same = (0..tokens.len() - period)
                    .take_while(|back| tokens[tokens.len() - 1 - back] == tokens[tokens.len() - 1 - back - period])
                    .count();
                let run = same + period;
                same > 0 && run >= LEAST_TOKENS && run >= TIMES * period
            })
        };
        // All that a linear congruence makes of two letters, in windows: loops of every kind, and none.
        let mut state = 12345u32;
        let mut found = 0;
        for _ in 0..3000 {
            let window: Vec<u32> = (0..30)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    u32::from(state >> 24 < 26)
                })
                .collect();
            assert_eq!(ends_in_a_loop(&window), plain(&window), "{window:?}");
            found += usize::from(plain(&window));
        }
        assert!((100..2900).contains(&found), "{found}");
    }
}
