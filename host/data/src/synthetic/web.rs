//! Pages as a crawl finds them: lessons, tables and forum threads, and the rubbish between them.

use super::SyntheticConfig;
use super::dialogue::chat_turn;
use super::story::{Story, answer_sentence};
use super::task::{Change, Split, equation};
use super::words::{NAMES, PLACES, QUALITIES, between, chance, pick};
use crate::record::Document;
use crate::seed::{below, shuffle};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// First and last year of the crawls.
pub const YEARS: (u16, u16) = (2014, 2024);

/// Page `index` of the crawl. The field `quality` holds what no filter may read: whether the page is `good` or `bad`;
/// `page` names its kind.
pub fn page(rng: &mut ChaCha8Rng, config: &SyntheticConfig, index: u64) -> Document {
    let year = YEARS.0 + below(rng, u64::from(YEARS.1 - YEARS.0) + 1) as u16;
    // Old crawls have more rubbish: from 1.5 times the share in the first year to half of it in the last.
    let age = f64::from(YEARS.1 - year) / f64::from(YEARS.1 - YEARS.0);
    let bad = chance(rng, config.bad_page_share * (0.5 + age));
    let (kind, text) = if bad { bad_page(rng) } else { good_page(rng, config) };
    let source = match kind {
        "lesson" | "table" => "lessons",
        "thread" | "chat" => "forum",
        _ => pick(rng, &["lessons", "forum", "blog"]),
    };
    Document {
        id: format!("web-{index:06}"),
        text,
        url: Some(format!("https://{source}.example/{year}/{kind}-{index}")),
        source: source.to_string(),
        year: Some(year),
        fields: BTreeMap::from([
            ("page".to_string(), kind.to_string()),
            ("quality".to_string(), if bad { "bad" } else { "good" }.to_string()),
        ]),
    }
}

fn good_page(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> (&'static str, String) {
    match between(rng, 0, 9) {
        0..=2 => ("table", table(rng, config)),
        3..=5 => ("lesson", lesson(rng, config)),
        6..=7 => ("thread", thread(rng, config)),
        _ => ("chat", chat(rng, config)),
    }
}

/// The facts that every problem is made of: one number added to or taken from others, in no order.
fn table(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> String {
    let change = Change { adds: chance(rng, 0.5), amount: between(rng, 1, 9) };
    let least = if change.adds { 0 } else { change.amount };
    let first = least + between(rng, 0, config.largest_operand);
    let mut rows: Vec<u32> = (first..first + 9).collect();
    shuffle(rng, &mut rows);
    let doing = if change.adds { "adding" } else { "taking away" };
    let facts: Vec<String> = rows.iter().map(|from| format!("{}.", equation(*from, change))).collect();
    format!(
        "Here is a table for {doing} {}. {} Read it aloud in the {}.",
        change.amount,
        facts.join(" "),
        pick(rng, &["morning", "evening"])
    )
}

fn lesson(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> String {
    let mut text = pick(
        rng,
        &[
            "This is a lesson on adding and taking away.",
            "Notes from the school on stories with numbers.",
            "Work from left to right and you will find the answer.",
        ],
    )
    .to_string();
    for _ in 0..between(rng, 2, 3) {
        let story = config.story(rng, Split::Train);
        text += &format!(
            "\nExample. {} We work it out: {} {}",
            story.problem(),
            story.short_solution(),
            stated_answer(rng, config, &story)
        );
    }
    text
}

/// People asking each other.
fn thread(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> String {
    let mut text = format!("A quiet forum for the {}.", pick(rng, &["school", "market"]));
    for _ in 0..between(rng, 2, 3) {
        let story = config.story(rng, Split::Train);
        text += &format!(
            "\n{} asks: {}\n{} replies: {} {}",
            pick(rng, &NAMES),
            story.problem(),
            pick(rng, &NAMES),
            story.short_solution(),
            stated_answer(rng, config, &story)
        );
    }
    text
}

/// A conversation with an assistant that somebody pasted.
fn chat(rng: &mut ChaCha8Rng, config: &SyntheticConfig) -> String {
    let mut text = format!("{} shares a chat about numbers.", pick(rng, &NAMES));
    for _ in 0..between(rng, 2, 3) {
        let story = config.story(rng, Split::Train);
        text += &format!("\n{}", chat_turn(rng, config, &story, &story.short_solution()));
    }
    text
}

/// What the page says the answer is: sometimes boxed, and sometimes wrong by one, as on the web.
fn stated_answer(rng: &mut ChaCha8Rng, config: &SyntheticConfig, story: &Story) -> String {
    let wrong = u32::from(chance(rng, config.web_error_share));
    answer_sentence(story.task.answer + wrong, chance(rng, config.boxed_share))
}

fn bad_page(rng: &mut ChaCha8Rng) -> (&'static str, String) {
    match between(rng, 0, 3) {
        0 => ("menu", menu(rng)),
        1 => ("repeat", repetition(rng)),
        2 => ("noise", noise(rng)),
        _ => ("stub", stub(rng)),
    }
}

/// Navigation, cookies and log-in: words, but no text.
fn menu(rng: &mut ChaCha8Rng) -> String {
    let mut items = [
        "Home",
        "About us",
        "Contact",
        "Log in",
        "Sign up",
        "Shop",
        "Basket",
        "Help",
        "Terms",
        "Privacy",
        "Next page",
        "Share",
        "Print",
        "Top",
    ];
    shuffle(rng, &mut items);
    let bar = items[..between(rng, 7, items.len() as u32) as usize].join(" | ");
    let notice = pick(
        rng,
        &[
            "We use cookies. Accept all | Reject all | Settings",
            "Please enable JavaScript. Loading ...",
            "Subscribe to our newsletter! Enter your e-mail >>",
        ],
    );
    format!("{bar}\n{notice}\n{bar}\nAll rights reserved")
}

fn repetition(rng: &mut ChaCha8Rng) -> String {
    let line =
        format!("Buy {} {} at the {}.", pick(rng, &QUALITIES), pick(rng, &super::words::THINGS), pick(rng, &PLACES));
    vec![line; between(rng, 8, 14) as usize].join(pick(rng, &[" ", "\n"]))
}

/// What is left of a page whose bytes were read wrongly.
fn noise(rng: &mut ChaCha8Rng) -> String {
    const SIGNS: &[u8] = b"abcdefghjkmnpqrtvwxyz0123456789#%&*@=/<>;$^~_";
    let words = between(rng, 20, 40);
    let mut text = String::new();
    for _ in 0..words {
        for _ in 0..between(rng, 4, 12) {
            text.push(char::from(SIGNS[below(rng, SIGNS.len() as u64) as usize]));
        }
        text.push(' ');
    }
    text.trim_end().to_string()
}

fn stub(rng: &mut ChaCha8Rng) -> String {
    pick(rng, &["Page not found.", "Coming soon.", "No replies yet.", "This thread is closed.", "Loading ..."])
        .to_string()
}
