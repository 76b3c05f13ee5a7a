//! Plain prose: stories of the same people, places and things, with no mathematics, no digits and no boxes.
//!
//! What is said once comes back later (who went where, what lies in which place), as it does in any text: this is what
//! trains a small model to look things up in its context before it ever sees a problem.

use super::words::{GAINS, LOSSES, NAMES, PLACES, QUALITIES, THINGS, between, pick};
use rand_chacha::ChaCha8Rng;

/// A short scene of four to nine sentences.
pub fn scene(rng: &mut ChaCha8Rng) -> String {
    let hero = pick(rng, &NAMES);
    let place = pick(rng, &PLACES);
    let thing = pick(rng, &THINGS);
    let quality = pick(rng, &QUALITIES);
    let mut sentences = vec![opening(rng, hero, place)];
    for _ in 0..between(rng, 3, 8) {
        sentences.push(sentence(rng, hero, place, thing, quality));
    }
    sentences.join(" ")
}

fn opening(rng: &mut ChaCha8Rng, hero: &str, place: &str) -> String {
    let way = pick(rng, &["walks", "runs", "comes back"]);
    let time = pick(rng, &["in the morning", "in the evening", "in the rain"]);
    format!("{hero} {way} to the {place} {time}.")
}

fn sentence(rng: &mut ChaCha8Rng, hero: &str, place: &str, thing: &str, quality: &str) -> String {
    let other = pick(rng, &NAMES);
    match between(rng, 0, 8) {
        0 => format!("The {place} is {quality} and {}.", pick(rng, &QUALITIES)),
        1 => format!("{hero} has {quality} {thing} in a box."),
        2 => format!("{hero} {} {thing} and then {} some.", pick(rng, &GAINS), pick(rng, &LOSSES)),
        3 => format!("\"How are the {thing}?\" {other} asks. \"They are {quality},\" {hero} says."),
        4 => format!("{other} puts the {quality} {thing} in the {place}."),
        5 => format!("Nobody knows why the {place} is so {quality}."),
        6 => format!("\"Where is {hero}?\" {other} asks. \"{hero} is at the {place}.\""),
        7 => format!("{hero} {} {} for {other}.", pick(rng, &GAINS), pick(rng, &THINGS)),
        _ => format!("{other} takes the {thing} out of the box and looks at the {place}."),
    }
}
