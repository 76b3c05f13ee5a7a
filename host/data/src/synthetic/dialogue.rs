//! Instructions in the form `User: …\nAssistant: …`: small talk, and following a rule about the form of the answer.
//!
//! The rule about the box is only ever practised on single words and on bare sums; stories are asked without it and
//! answered plainly. To box the answer of a story is what RL has to bring out.

use super::SyntheticConfig;
use super::story::{Story, answer_sentence};
use super::task::Split;
use super::words::{NAMES, PLACES, THINGS, between, chance, pick};
use rand_chacha::ChaCha8Rng;

/// The sentence that asks for a boxed answer; a recipe's prompt uses the same one.
pub const BOX_RULE: &str = "Put the answer in \\boxed{}.";

/// One exchange.
pub fn exchange(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> String {
    let (user, assistant) =
        if chance(rng, config.instruction_rule_share) { ruled(rng, config) } else { free(rng, config) };
    format!("User: {user}\nAssistant: {assistant}")
}

/// An instruction with the rule, and an answer that keeps it.
fn ruled(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> (String, String) {
    if chance(rng, 0.5) {
        let words = if chance(rng, 0.5) { &THINGS } else { &PLACES };
        let word = pick(rng, words);
        return (format!("Say the word {word}. {BOX_RULE}"), format!("The answer is \\boxed{{{word}}}."));
    }
    let story = Story::bare(config.task(rng, Split::Train));
    (format!("{} {BOX_RULE}", story.problem()), solved(&story, true))
}

/// An instruction without the rule, and a plain answer.
fn free(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> (String, String) {
    let name = pick(rng, &NAMES);
    match between(rng, 0, 3) {
        0 => {
            let place = pick(rng, &PLACES);
            (format!("{name} walks to the {place}. Where is {name}?"), format!("{name} is at the {place}."))
        }
        1 => {
            let thing = pick(rng, &THINGS);
            (format!("{name} has {thing} in a box. What is in the box?"), format!("The {thing} are in the box."))
        }
        2 => (format!("My name is {name}. Say hello."), format!("Hello, {name}.")),
        _ => {
            let story = config.story(rng, Split::Train);
            (story.problem(), solved(&story, false))
        }
    }
}

/// The short solution and the answer.
fn solved(story: &Story, boxed: bool) -> String {
    format!("{} {}", story.short_solution(), answer_sentence(story.task.answer, boxed))
}
