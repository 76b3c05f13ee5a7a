//! What models say when they do not do as asked: refusals, and words to whoever asked.

/// How far into a text, in bytes, its opening words are looked for.
const OPENING: usize = 200;

/// Beginnings of refusals. A text that teaches hardly begins so.
const REFUSALS: [&str; 14] = [
    "i'm sorry",
    "i am sorry",
    "sorry, ",
    "i apologize",
    "i apologise",
    "i cannot ",
    "i can't ",
    "i can not ",
    "i'm unable",
    "i am unable",
    "i'm not able",
    "i am not able",
    "as an ai",
    "unfortunately, i ",
];

/// Words by which a model begins to speak to whoever asked.
const GREETINGS: [&str; 5] = ["sure,", "sure!", "certainly", "of course", "absolutely"];

/// Words that name the text that is about to come, after one of [`POINTING`].
const NAMED: [&str; 12] = [
    "rewritten",
    "rewrite",
    "refined",
    "revised",
    "cleaned",
    "restructured",
    "reorganized",
    "reorganised",
    "condensed",
    "version of",
    "text that",
    "extracted",
];
/// Beginnings that point at it.
const POINTING: [&str; 7] =
    ["here is", "here's", "here are", "below is", "the following is", "this is a", "this is the"];

/// Beginnings of the last line of a text in which a model offers more.
const FAREWELLS: [&str; 6] = [
    "let me know if",
    "i hope this",
    "feel free to ask",
    "please let me know",
    "if you have any questions",
    "would you like me to",
];

/// Whether a text begins as a refusal.
pub(crate) fn is_refusal(text: &str) -> bool {
    let opening = opening(text);
    REFUSALS.iter().any(|refusal| opening.starts_with(refusal))
}

/// Whether a model speaks to whoever asked, in the first line of a text or in its last.
pub(crate) fn is_chatter(text: &str) -> bool {
    let opening = opening(text);
    let mut first = opening.lines().next().unwrap_or_default();
    if let Some(rest) = GREETINGS.iter().find_map(|greeting| first.strip_prefix(greeting)) {
        first = rest.trim_start_matches(|sign: char| !sign.is_alphanumeric());
        // A greeting with nothing else in its line is one; a sentence may well begin with "Certainly".
        if first.is_empty() {
            return true;
        }
    }
    let points = POINTING.iter().any(|pointing| first.starts_with(pointing));
    if points && NAMED.iter().any(|named| first.contains(named)) {
        return true;
    }
    let last = plain(text.trim_end().lines().next_back().unwrap_or_default());
    FAREWELLS.iter().any(|farewell| last.starts_with(farewell))
}

/// The beginning of a text, in lower case and with plain apostrophes, without marks before it.
fn opening(text: &str) -> String {
    plain(&text[..text.floor_char_boundary(OPENING)])
}

fn plain(text: &str) -> String {
    text.trim_start_matches(|sign: char| !sign.is_alphanumeric()).to_lowercase().replace('’', "'")
}
