//! The small world of the demo's texts: who, what and where.
//!
//! The lists are short on purpose: a model of half a million parameters has to learn them in a minute, and prose and
//! story problems share them, so that what the model learns from prose is of use later.

use crate::seed::below;
use rand_chacha::ChaCha8Rng;

/// People of stories.
pub const NAMES: [&str; 8] = ["Mia", "Tom", "Ana", "Leo", "Zoe", "Sam", "Ivy", "Max"];
/// Things that can be counted.
pub const THINGS: [&str; 8] = ["apples", "shells", "coins", "stones", "cards", "books", "pens", "cups"];
/// Where people go.
pub const PLACES: [&str; 8] = ["river", "garden", "market", "harbour", "school", "kitchen", "forest", "station"];
/// What places and things are like.
pub const QUALITIES: [&str; 8] = ["cold", "warm", "quiet", "bright", "grey", "green", "old", "small"];
/// Verbs after which a person has more.
pub const GAINS: [&str; 4] = ["finds", "gets", "buys", "picks"];
/// Verbs after which a person has less.
pub const LOSSES: [&str; 4] = ["loses", "drops", "sells", "lends"];

/// One of `list`, every entry equally likely; the empty text where the list is empty.
pub fn pick<'a>(rng: &mut ChaCha8Rng, list: &[&'a str]) -> &'a str {
    list.get(below(rng, list.len() as u64) as usize).copied().unwrap_or("")
}

/// A number from `least` to `most`, both included and equally likely.
pub fn between(rng: &mut ChaCha8Rng, least: u32, most: u32) -> u32 {
    least + below(rng, u64::from(most.saturating_sub(least)) + 1) as u32
}

/// True with probability `share`, in steps of one millionth.
pub fn chance(rng: &mut ChaCha8Rng, share: f64) -> bool {
    (below(rng, 1_000_000) as f64) < share * 1e6
}
