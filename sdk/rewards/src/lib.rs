//! Building blocks of reward plugins: repetition, length limits, and the sum of a reward's parts.
//!
//! The reward plugins of this repository are made of them, and others can be.
//!
//! A reward plugin is given a step's rollouts and returns a [`Reward`] for each: named parts and their [`sum`]. What it
//! measures on the way lies here, one idea per file:
//!
//! | file | idea |
//! |---|---|
//! | [`loops`] | whether a passage stands many times in a row |
//! | [`ngrams`] | how many n-grams of a text occurred in it before |
//! | [`limit`] | the length limit that a reward is measured by: fixed by a recipe, or reported by the host for the step |
//! | [`amounts`] | checks of a config's numbers, which keep every total finite |
//! | [`samples`] | rollouts for the tests of a reward |
//!
//! All of it takes time linear in the response, whatever the response holds.

pub mod amounts;
pub mod limit;
pub mod loops;
pub mod ngrams;
pub mod samples;

use octo_sdk::{Reward, RewardPart};

/// The reward whose total is the sum of its parts, each with its name.
#[must_use]
pub fn sum<'a>(parts: impl IntoIterator<Item = (&'a str, f64)>) -> Reward {
    let parts: Vec<RewardPart> =
        parts.into_iter().map(|(name, value)| RewardPart { name: name.to_owned(), value }).collect();
    // Summed from +0, so that a reward of nothing is 0 and not -0.
    Reward { total: parts.iter().fold(0.0, |total, part| total + part.value), parts }
}
