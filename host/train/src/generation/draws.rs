//! Seeds of responses, by what is asked and which attempt at it this is.
//!
//! Neither the place of a problem among others nor the number of attempts matters: the first attempt at a problem draws
//! the same numbers whether one or four are asked for, and with any other problem left out. A problem that stands there
//! twice is drawn for anew, so copies of a row are further attempts.

use std::collections::BTreeMap;

use octo_data::{digest, seed};
use rand_chacha::rand_core::Rng;

/// Gives problems their streams, one after the other.
pub(crate) struct Draws {
    seed: u64,
    /// What the responses are for, so that two uses of one seed do not draw alike.
    purpose: &'static str,
    /// How often each problem was met, by its digest.
    met: BTreeMap<String, u64>,
}

/// The stream of one problem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ProblemDraws(u64);

impl Draws {
    pub(crate) fn new(seed: u64, purpose: &'static str) -> Draws {
        Draws { seed, purpose, met: BTreeMap::new() }
    }

    /// The stream of the next problem, which is this text.
    pub(crate) fn of(&mut self, problem: &str) -> ProblemDraws {
        let digest = digest::of_bytes(problem.as_bytes());
        let before = self.met.entry(digest.clone()).or_insert(0);
        let stream = seed::rng(self.seed, &[self.purpose, &digest], *before).next_u64();
        *before += 1;
        ProblemDraws(stream)
    }
}

impl ProblemDraws {
    /// The seed of an attempt, counted from 0.
    pub(crate) fn attempt(self, attempt: u64) -> u64 {
        seed::rng(self.0, &["attempt"], attempt).next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(seed: u64, purpose: &'static str, problems: &[&str]) -> Vec<u64> {
        let mut draws = Draws::new(seed, purpose);
        problems.iter().map(|problem| draws.of(problem).attempt(1)).collect()
    }

    #[test]
    fn a_seed_is_of_the_problem_and_the_attempt_and_not_of_the_place() {
        let all = seeds(3, "generate", &["1 + 1", "2 + 2", "1 + 1", "3 + 3"]);
        assert_eq!(seeds(3, "generate", &["3 + 3", "1 + 1", "1 + 1"]), [all[3], all[0], all[2]]);
        let mut different = all.clone();
        different.extend(seeds(4, "generate", &["1 + 1"]));
        different.extend(seeds(3, "evaluation", &["1 + 1"]));
        different.push(Draws::new(3, "generate").of("1 + 1").attempt(0));
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), 7);
        // Written down on the day the code was: a change would draw other responses from every recipe.
        assert_eq!(all[0], GOLDEN);
    }

    const GOLDEN: u64 = 13_887_040_235_670_834_404;
}
