//! Answers that the response announces: "the answer is …", "Answer: …", in several languages.

use super::{Expectation, claims, clean, clip, search, second_thoughts, spans};

/// What introduces an answer, in the languages of multilingual test sets. Matched without regard to ASCII case.
pub(super) const ANSWER_PHRASES: [&str; 31] = [
    "answer is",
    "answers are",
    "answer:",
    "answer：",
    "answer :",
    "correct choice is",
    "correct option is",
    "right choice is",
    "right option is",
    "réponse est",
    "réponse :",
    "respuesta es",
    "antwort ist",
    "antwort lautet",
    "risposta è",
    "resposta é",
    "antwoord is",
    "odpowiedź to",
    "ответ:",
    "ответ —",
    "ответ -",
    "答案是",
    "答案为",
    "答案為",
    "答案：",
    "答えは",
    "정답은",
    "답은",
    "उत्तर:",
    "الجواب هو",
    "الإجابة هي",
];

/// The sentence after the last of the phrases that states something; what the last one says else goes into `unsaid`.
pub(super) fn phrase(
    text: &str,
    phrases: &[&str],
    expects: Expectation,
    unsaid: &mut Option<String>,
) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let ascii = lower.is_ascii();
    let mut end = lower.len();
    // Sentences that state nothing, such as a heading "Answer:", are passed over, a few times only.
    for _ in 0..6 {
        let (at, phrase) = phrases
            .iter()
            .filter(|phrase| !ascii || phrase.is_ascii())
            .filter_map(|phrase| search::last(&lower[..end], phrase).map(|at| (at, *phrase)))
            .max_by_key(|(at, phrase)| (at + phrase.len(), phrase.len()))?;
        if second_thoughts::is_of_another(&text[..at]) {
            end = at;
            continue;
        }
        let (sentence, after) = sentence(&text[at + phrase.len()..]);
        if claims::states(&sentence, expects) {
            // What is taken back is no answer, and neither is anything before it.
            return (!second_thoughts::corrected(after)).then_some(sentence);
        }
        if unsaid.is_none() && !sentence.is_empty() {
            *unsaid = Some(sentence);
        }
        end = at;
    }
    None
}

/// A sentence from here, without what only introduces it, and the text after it.
fn sentence(text: &str) -> (String, &str) {
    let denied = text.strip_prefix("n't ").or_else(|| text.strip_prefix("n’t "));
    let text = denied.unwrap_or(text);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || ":*=\"'`>-–".contains(c) && c != '-');
    // ", of course, 42"
    let text = text.strip_prefix(", ").and_then(|rest| rest.split_once(", ")).map_or(text, |(_, rest)| rest);
    let bytes = text.as_bytes();
    let spans = spans::mathematics(clip(text, 2_000));
    let mut span = spans.iter().peekable();
    let mut index = 0;
    while index < bytes.len() {
        if let Some(next) = span.peek()
            && next.opens == index
        {
            index = next.closes;
            span.next();
            continue;
        }
        match bytes[index] {
            b'\n' => break,
            b'.' | b'!' | b'?' => {
                let next = bytes.get(index + 1);
                let ends = next.is_none_or(|c| c.is_ascii_whitespace() || b"*\"'<)".contains(c));
                let abbreviation = bytes[index] == b'.' && abbreviated(text, index);
                // `5!` is a factorial.
                let factorial = bytes[index] == b'!'
                    && index > 0
                    && (bytes[index - 1].is_ascii_digit() || bytes[index - 1] == b')')
                    && next.is_some();
                if ends && !abbreviation && !factorial {
                    break;
                }
            }
            _ => {}
        }
        index += 1;
    }
    while !text.is_char_boundary(index) {
        index += 1;
    }
    let said = clean(without_reason(&text[..index]));
    // "not 41 but 42"
    let said = if denied.is_some() { format!("not {said}") } else { said };
    let said = match said.strip_prefix("not ").and_then(|rest| rest.rsplit_once(" but ")) {
        Some((_, after)) => clean(after.trim_start_matches("rather ")),
        None => said,
    };
    (said, &text[index..])
}

/// Whether the point at `index` ends an abbreviation and not the sentence: "approx. 12 km", "5 ft. 6 in.".
fn abbreviated(text: &str, index: usize) -> bool {
    let before = &text[..index];
    if ["p.m", "a.m", "i.e", "e.g"].iter().any(|short| before.ends_with(short)) {
        return true;
    }
    let head = before.trim_end_matches(|c: char| c.is_alphabetic());
    let word = before[head.len()..].to_ascii_lowercase();
    let next = text[index + 1..].trim_start().chars().next();
    let goes_on = next.is_some_and(|c| c.is_ascii_digit() || c.is_lowercase() || "$\\".contains(c));
    match word.as_str() {
        "approx" | "ca" | "no" | "vs" | "resp" | "e.g" | "i.e" | "eq" | "rs" => next.is_some(),
        "ft" | "in" | "yd" | "mi" | "lb" | "lbs" | "oz" | "hr" | "hrs" | "min" | "mins" | "sec" | "secs" | "sq"
        | "cu" | "cm" | "mm" | "km" | "kg" => goes_on,
        "mr" | "mrs" | "ms" | "dr" | "st" => next.is_some_and(char::is_uppercase),
        _ => false,
    }
}

/// A sentence up to where it begins to give reasons or remarks: ", since …", " because …", ", not 41", " (rounded …)".
fn without_reason(sentence: &str) -> &str {
    let cut = [
        ", since ",
        ", because ",
        " because ",
        ", as ",
        ", so ",
        ", which ",
        " since ",
        ", not ",
        ", I ",
        " and we ",
        " (not ",
        " instead of ",
        " rather than ",
        " (rounded",
        " (see ",
        " (approx",
        " (about ",
        " (because ",
        " (since ",
        " (as ",
        " (from ",
        " (after ",
        " (by ",
        " (using ",
        " (via ",
        " (i.e",
        " (that is",
        ", i.e",
        ", that is,",
        " (cf",
        " (check",
        " (note",
        ", by ",
        ", using ",
        ", rounded ",
        ", obtained ",
        ", given that ",
        " given that ",
        ", rather than ",
        ", instead of ",
        ", according to ",
        ", but not ",
    ]
    .iter()
    .filter_map(|connective| sentence.find(connective))
    .filter(|cut| sentence[..*cut].contains(|c: char| c.is_alphanumeric()))
    .min();
    &sentence[..cut.unwrap_or(sentence.len())]
}

/// The last line `Answer: …` that states something. `A: …` is one too, but not where `B: …` follows: those are options.
pub(super) fn answer_line(text: &str, expects: Expectation, unsaid: &mut Option<String>) -> Option<String> {
    let mut found = None;
    let bare = |line: &str| line.trim_start_matches(|c: char| c.is_whitespace() || "*#>-_".contains(c)).len();
    let offers = text.lines().any(|line| line[line.len() - bare(line)..].starts_with("B:"));
    // Every head has a colon after it; the wide one begins with 0xEF.
    // "Ans. 15" has a point.
    let short =
        |line: &str| line[line.len() - bare(line)..].get(..4).is_some_and(|head| head.eq_ignore_ascii_case("ans."));
    let headed = |line: &&str| memchr::memchr2(b':', 0xEF, line.as_bytes()).is_some() || short(line);
    for line in text.lines().filter(headed) {
        let bare = line.trim_start_matches(|c: char| c.is_whitespace() || "*#>-_".contains(c));
        let lower = clip(bare, 40).to_ascii_lowercase();
        let rest = [
            "final answer",
            "the answer",
            "answer",
            "ans.",
            "ans",
            "a",
            "答案",
            "réponse",
            "respuesta",
            "antwort",
            "resposta",
            "risposta",
            "ответ",
            "答え",
            "정답",
            "답",
            "उत्तर",
            "الإجابة",
            "الجواب",
        ]
        .iter()
        .filter(|head| lower.starts_with(**head) && !(offers && **head == "a"))
        .find_map(|head| {
            let rest = bare.get(head.len()..)?.trim_start_matches(['*', ' ']);
            let marked = rest.strip_prefix(':').or_else(|| rest.strip_prefix('：'));
            if *head == "ans." { marked.or(Some(rest)) } else { marked }
        });
        if let Some(rest) = rest {
            let answer = clean(without_reason(rest));
            if claims::states(&answer, expects) {
                found = Some(answer);
            } else if unsaid.is_none() && !answer.is_empty() {
                *unsaid = Some(answer);
            }
        }
    }
    found
}
