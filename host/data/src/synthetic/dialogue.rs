//! Instructions in the form `User: …\nAssistant: …`: small talk, and following a rule about the form of the answer.
//!
//! The rule about the box is only ever practised on single words and on sums of one step. Using it on a problem of two
//! steps is what RL has to bring out.

use super::SyntheticConfig;
use super::story::answer_sentence;
use super::task::{Change, equation};
use super::words::{NAMES, PLACES, THINGS, between, chance, pick};
use rand_chacha::ChaCha8Rng;

/// The sentence that asks for a boxed answer; a recipe's prompt uses the same one.
pub const BOX_RULE: &str = "Put the answer in \\boxed{}.";

/// One exchange.
pub fn exchange(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> String {
    let (user, assistant) = if chance(rng, config.instruction_rule_share) {
        ruled(rng)
    } else {
        free(rng)
    };
    format!("User: {user}\nAssistant: {assistant}")
}

/// An instruction with the rule, and an answer that keeps it.
fn ruled(rng: &mut ChaCha8Rng) -> (String, String) {
    if chance(rng, 0.5) {
        let word = pick(rng, if chance(rng, 0.5) { &THINGS } else { &PLACES });
        return (
            format!("Say the word {word}. {BOX_RULE}"),
            format!("The answer is \\boxed{{{word}}}."),
        );
    }
    let (question, work, result) = easy_sum(rng);
    (
        format!("{question} {BOX_RULE}"),
        format!("{work} {}", answer_sentence(result, true)),
    )
}

/// An instruction without the rule, and a plain answer.
fn free(rng: &mut ChaCha8Rng) -> (String, String) {
    let name = pick(rng, &NAMES);
    match between(rng, 0, 3) {
        0 => {
            let place = pick(rng, &PLACES);
            (
                format!("{name} walks to the {place}. Where is {name}?"),
                format!("{name} is at the {place}."),
            )
        }
        1 => {
            let thing = pick(rng, &THINGS);
            (
                format!("{name} has {thing} in a box. What is in the box?"),
                format!("The {thing} are in the box."),
            )
        }
        2 => (
            format!("My name is {name}. Say hello."),
            format!("Hello, {name}."),
        ),
        _ => {
            let (question, work, result) = easy_sum(rng);
            (question, format!("{work} {}", answer_sentence(result, false)))
        }
    }
}

/// A sum of one step: question, working and result.
fn easy_sum(rng: &mut ChaCha8Rng) -> (String, String, u32) {
    let change = Change {
        adds: chance(rng, 0.5),
        amount: between(rng, 1, 9),
    };
    let from = between(rng, if change.adds { 1 } else { change.amount }, 9);
    (
        format!("What is {from}{}{}?", change.sign(), change.amount),
        format!("{}.", equation(from, change)),
        change.apply(from).unwrap_or(0),
    )
}
