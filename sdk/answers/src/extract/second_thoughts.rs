//! What a text says once it has given its value: a check of it, a remark, a correction, or what somebody else says.
//!
//! Numbers in there are not the answer, and a value that is taken back is none.

use super::{claims, search};

/// How far from the end a check or a guess is looked for.
const NEAR_THE_END: usize = 600;

/// How far from the end several guesses lie together.
const GUESSED: usize = 240;

/// How a sentence begins that checks the value in front of it.
const CHECKS: [&str; 42] = [
    "check:",
    "check that",
    "check -",
    "checking",
    "verification",
    "verifying",
    "verify:",
    "to check:",
    "to check,",
    "to check that",
    "to check this",
    "to check our",
    "to verify",
    "to double-check",
    "let me verify",
    "let me check",
    "let me double",
    "let us verify",
    "let us check",
    "let's verify",
    "let's check",
    "let's double",
    "we can verify",
    "we can check",
    "we verify",
    "we check",
    "as a check",
    "indeed",
    "double-check",
    "double check",
    "quick check",
    "sanity check",
    "the answer checks",
    "this checks",
    "it checks",
    "that checks",
    "this is right",
    "this is correct",
    "that is correct",
    "this works",
    "that works",
    "proof:",
];

/// How a sentence begins that takes back what was said before it.
const CORRECTIONS: [&str; 22] = [
    "no wait",
    "no, wait",
    "wait",
    "hold on",
    "actually",
    "scratch that",
    "correction",
    "oops",
    "sorry",
    "hmm, no",
    "no, that",
    "no, it",
    "no: ",
    "i made a mistake",
    "i made an error",
    "that is wrong",
    "that's wrong",
    "that is not right",
    "that's not right",
    "that can't be",
    "on second thought",
    "let me correct",
];

/// How a sentence begins that goes on from a check to a conclusion.
const CONCLUSIONS: [&str; 11] =
    ["so ", "so,", "thus", "therefore", "hence", "but ", "however", "the answer", "answer", "final", "in conclusion"];

/// What begins the reasons or an aside after a value.
const REASONS: [&str; 9] = [
    " because ",
    " since ",
    ", as ",
    ", and indeed ",
    ", indeed ",
    ", though ",
    ", although ",
    " (because ",
    " (since ",
];

/// Words in front of "answer is" that make it another's answer or a wrong one.
const NOT_THE_ANSWER: [&str; 16] = [
    "wrong",
    "incorrect",
    "tempting",
    "naive",
    "common",
    "false",
    "book's",
    "textbook's",
    "key's",
    "teacher's",
    "friend's",
    "book’s",
    "textbook’s",
    "key’s",
    "teacher’s",
    "friend’s",
];

/// Who else may say what the answer is, and how.
const OTHERS: [&str; 13] = [
    "book",
    "textbook",
    "answer key",
    "the key",
    "manual",
    "answer sheet",
    "friend",
    "teacher",
    "some people",
    "most people",
    "others",
    "classmate",
    "internet",
];
const SAYING: [&str; 17] = [
    "say", "says", "said", "claim", "claims", "claimed", "give", "gives", "gave", "think", "thinks", "thought", "got",
    "gets", "states", "lists", "insists",
];

/// Where sentences begin, lines and what stands in brackets among them.
fn sentence_starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = text.as_bytes();
    let begins = move |at: usize| {
        let before = &bytes[..at];
        before.ends_with(b"\n")
            || before.ends_with(b" (")
            || before.last() == Some(&b' ')
                && before.iter().rev().find(|c| **c != b' ' && **c != b'$').is_some_and(|c| b".!?)".contains(c))
            || before.ends_with("。".as_bytes())
    };
    (0..text.len()).filter(move |at| *at == 0 || text.is_char_boundary(*at) && begins(*at))
}

/// Whether a text begins with one of the phrases, marks of emphasis and lists passed over.
fn opens_with(text: &str, phrases: &[&str]) -> bool {
    let plain = text.trim_start_matches(|c: char| " \t*_#>-(–—.…".contains(c));
    phrases.iter().any(|phrase| plain.get(..phrase.len()).is_some_and(|head| head.eq_ignore_ascii_case(phrase)))
}

fn holds_value(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit() || "$\\".contains(c))
}

/// A text without what it says after its value: a check of it at the end, or a remark such as "the answer is a multiple
/// of 11".
pub(crate) fn dropped(text: &str) -> &str {
    before_reason(before_remark(before_check(text)))
}

/// A text up to where its last sentence gives reasons for its value: "The price is 30, because 30 + 12 = 42".
fn before_reason(text: &str) -> &str {
    let ends = text.trim_end().trim_end_matches(['.', '!', ')']).len();
    let start = [text[..ends].rfind('\n'), text[..ends].rfind(". ")].into_iter().flatten().max().map_or(0, |at| at + 1);
    let sentence = &text[start..ends];
    let cut = REASONS.iter().filter_map(|word| sentence.find(word)).min();
    match cut {
        Some(cut) if sentence[..cut].contains(|c: char| c.is_ascii_digit()) => &text[..start + cut],
        _ => text,
    }
}

/// A text up to where it begins to check the value that the sentence before states, and never comes back to it.
fn before_check(text: &str) -> &str {
    let mut from = text.len().saturating_sub(NEAR_THE_END);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let near = &text[from..];
    if !["heck", "erif", "ndeed", "roof:", "works", " right", " correct"].iter().any(|part| search::has(near, part)) {
        return text;
    }
    let mut last = 0;
    let mut cut = None;
    for at in sentence_starts(near) {
        let sentence = &near[at..];
        match cut {
            None if at > 0 && opens_with(sentence, &CHECKS) && holds_value(&near[last..at]) => cut = Some(at),
            Some(_) if opens_with(sentence, &CONCLUSIONS) || opens_with(sentence, &CORRECTIONS) => return text,
            _ => {}
        }
        // A blank line is no sentence.
        if !sentence.starts_with(char::is_whitespace) {
            last = at;
        }
    }
    cut.map_or(text, |cut| &text[..from + cut])
}

/// A text up to a remark on its answer at the end.
fn before_remark(text: &str) -> &str {
    let Some(at) = search::last(text, "answer is ") else { return text };
    let remark = &text[at + "answer is ".len()..];
    let ends = remark.trim_end().trim_end_matches(['.', '!']).contains(['.', '\n']);
    match !ends && claims::is_remark(remark) {
        true if holds_value(&text[..at]) => &text[..at],
        // "The answer is more than 11 but at most 12" gives no value at all.
        true if claims::is_bound(remark) => "",
        _ => text,
    }
}

/// Whether what follows an announced answer takes it back and gives another value.
pub(super) fn corrected(after: &str) -> bool {
    let mut end = after.len().min(2_000);
    while !after.is_char_boundary(end) {
        end -= 1;
    }
    let after = &after[..end];
    // "14... no wait, 15"
    if opens_with(after, &CORRECTIONS) && !after.starts_with('\n') {
        return after.contains(|c: char| c.is_ascii_digit());
    }
    sentence_starts(after).filter(|at| *at > 0).any(|at| {
        let sentence = &after[at..];
        opens_with(sentence, &CORRECTIONS) && sentence.contains(|c: char| c.is_ascii_digit())
    })
}

/// Whether the words in front of "answer is" say that it is another's, or wrong.
pub(super) fn is_of_another(before: &str) -> bool {
    let word = before.trim_end().rsplit(char::is_whitespace).next().unwrap_or("").to_ascii_lowercase();
    NOT_THE_ANSWER.contains(&word.as_str())
}

/// Whether the number at `at` is held back, or what somebody else says: "I got 42 but the book says 43".
pub(super) fn is_said_by_another(text: &str, at: usize) -> bool {
    let mut from = at.saturating_sub(80);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let near = text[from..at].to_ascii_lowercase();
    let clause = [". ", "\n", "; ", ", ", " but ", " while ", " although ", " though "]
        .iter()
        .filter_map(|mark| near.rfind(mark).map(|found| found + mark.len()))
        .max()
        .unwrap_or(0);
    let clause = &near[clause..];
    // "There's no way it is 9", "Options: (a) 15 (b) 16".
    let sentence = near.rfind(['\n', '.', '!', '?']).map_or(near.as_str(), |found| &near[found + 1..]);
    let offered = sentence.trim_start().starts_with("options") || sentence.trim_start().starts_with("choices");
    let asked = ["is ", "could ", "can ", "would ", "might ", "what about "]
        .iter()
        .any(|word| sentence.trim_start().starts_with(word))
        && text[at..].find(['.', '!', '?', '\n']).is_some_and(|end| text[at + end..].starts_with('?'));
    let condition = asked || clause.trim_start().starts_with("if ") && !clause.contains(" then ");
    if offered
        || condition
        || is_option(text, at)
        || ["no way", "i doubt", "unlikely", "nobody knows"].iter().any(|word| clause.contains(word))
    {
        return true;
    }
    !clause.contains(|c: char| c.is_ascii_digit())
        && OTHERS.iter().any(|who| clause.contains(who))
        && clause.split(|c: char| !c.is_alphabetic()).any(|word| SAYING.contains(&word))
}

/// Whether the number at `at` stands after the label of an option, with its neighbour on the line above or below.
fn is_option(text: &str, at: usize) -> bool {
    let label = |line: &str| {
        let line = line.trim_start_matches([' ', '\t', '*', '-', '(']);
        let mut characters = line.chars();
        let letter = characters.next().filter(char::is_ascii_uppercase)?;
        characters.next().filter(|mark| ".):".contains(*mark)).map(|_| letter)
    };
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let bare = text[start..at].trim_matches(|c: char| " \t*-($\\".contains(c)).chars().count() <= 2;
    let above = text[..start].trim_end().lines().next_back().and_then(label);
    let here = if bare { label(&text[start..at]) } else { None };
    let below = text[at..].lines().skip(1).find(|line| !line.trim().is_empty()).and_then(label);
    let next = |one: Option<char>, other: Option<char>| one.zip(other).is_some_and(|(a, b)| a as u8 + 1 == b as u8);
    next(above, here) || next(here, below)
}

/// The values that a text guesses at, where they are several and it settles on none: "could be 15. It could also be 16".
pub(super) fn guesses(text: &str, last: &str) -> Option<String> {
    const UNSURE: [&str; 11] = [
        "could be ",
        "could also be ",
        "might be ",
        "might also be ",
        "may be ",
        "may also be ",
        "maybe ",
        "perhaps ",
        "possibly ",
        "guess ",
        "guess is ",
    ];
    let mut from = text.len().saturating_sub(GUESSED);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    // Most texts guess at nothing, and a word is found faster than eleven.
    if !["ould ", "ight ", "may ", "aybe ", "erhaps ", "ossibly ", "uess "]
        .iter()
        .any(|part| search::has(&text[from..], part))
    {
        return None;
    }
    let near = text[from..].to_ascii_lowercase();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for word in UNSURE {
        for (at, _) in near.match_indices(word) {
            let rest = near[at + word.len()..].trim_start_matches(['$', ' ']);
            let number = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
            if !number.is_empty() && found.iter().all(|(_, held)| *held != number) {
                found.push((at, number));
            }
        }
    }
    found.sort_unstable();
    let among = found.len() > 1 && found.last().is_some_and(|(_, held)| *held == last);
    among.then(|| found.iter().map(|(_, number)| *number).collect::<Vec<_>>().join(", "))
}
