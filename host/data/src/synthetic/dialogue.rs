//! Who asks and who answers: questions with solutions, chats, and instructions in the form `User: …\nAssistant: …`.
//!
//! Instructions practise the rule about the box on single words and bare sums, and always keep it. Everywhere else, as
//! on the web, answers keep it only now and then. Keeping it on every problem is what RL has to bring out.

use super::SyntheticConfig;
use super::story::{Story, answer_sentence};
use super::task::Split;
use super::words::{NAMES, PLACES, THINGS, between, chance, pick};
use rand_chacha::ChaCha8Rng;

/// The sentence that asks for a boxed answer; a recipe's prompt uses the same one.
pub const BOX_RULE: &str = "Put the answer in \\boxed{}.";

/// A story as a question with its answer, half of the time as a chat; `long` asks for a chain of thought.
pub fn question_and_answer(rng: &mut ChaCha8Rng, config: &SyntheticConfig, story: &Story, long: bool) -> String {
    let solution = if long { story.long_solution() } else { story.short_solution() };
    if chance(rng, 0.5) {
        return chat_turn(rng, config, story, &solution);
    }
    let answer = answer_sentence(story.task.answer, chance(rng, config.boxed_share));
    format!("Question: {}\nAnswer: {solution} {answer}", story.problem())
}

/// One turn of a chat about a story. The user may ask for the box, and the assistant may forget to use it.
pub fn chat_turn(rng: &mut ChaCha8Rng, config: &SyntheticConfig, story: &Story, solution: &str) -> String {
    let (rule, boxed) = if chance(rng, config.rule_share) {
        (format!(" {BOX_RULE}"), config.rule_kept_share)
    } else {
        (String::new(), config.boxed_share)
    };
    let answer = answer_sentence(story.task.answer, chance(rng, boxed));
    format!("User: {}{rule}\nAssistant: {solution} {answer}", story.problem())
}

/// One instruction with its answer.
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
