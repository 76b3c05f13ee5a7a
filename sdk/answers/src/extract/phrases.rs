//! Answers that the response announces: "the answer is …", "Answer: …", in several languages.

use super::{clean, clip, search, spans};

/// What introduces an answer, in the languages of multilingual test sets. Matched without regard to ASCII case.
pub(super) const ANSWER_PHRASES: [&str; 26] = [
    "answer is",
    "answers are",
    "answer:",
    "answer：",
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

/// The last occurrence of any of the phrases, and the sentence after it.
pub(super) fn phrase(text: &str, phrases: &[&str]) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let ascii = lower.is_ascii();
    let mut end = lower.len();
    // Empty sentences, such as a heading "Answer:", are passed over, a few times only.
    for _ in 0..4 {
        let (at, phrase) = phrases
            .iter()
            .filter(|phrase| !ascii || phrase.is_ascii())
            .filter_map(|phrase| search::last(&lower[..end], phrase).map(|at| (at, *phrase)))
            .max_by_key(|(at, phrase)| (at + phrase.len(), phrase.len()))?;
        let sentence = sentence(&text[at + phrase.len()..]);
        if !sentence.is_empty() {
            return Some(sentence);
        }
        end = at;
    }
    None
}

/// A sentence from here, without what only introduces it.
fn sentence(text: &str) -> String {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || ":*=\"'`>-–".contains(c) && c != '-');
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
                let abbreviation = text[..index].ends_with("p.m") || text[..index].ends_with("a.m");
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
    clean(without_reason(&text[..index]))
}

/// A sentence up to where it begins to give reasons: ", since …", " because …".
fn without_reason(sentence: &str) -> &str {
    let cut = [", since ", ", because ", " because ", ", as ", ", so ", ", which ", " since "]
        .iter()
        .filter_map(|connective| sentence.find(connective))
        .filter(|cut| sentence[..*cut].contains(|c: char| c.is_alphanumeric()))
        .min();
    &sentence[..cut.unwrap_or(sentence.len())]
}

pub(super) fn answer_line(text: &str) -> Option<String> {
    let mut found = None;
    // Every head has a colon after it; the wide one begins with 0xEF.
    for line in text.lines().filter(|line| memchr::memchr2(b':', 0xEF, line.as_bytes()).is_some()) {
        let bare = line.trim_start_matches(|c: char| c.is_whitespace() || "*#>-_".contains(c));
        let lower = clip(bare, 40).to_ascii_lowercase();
        let rest = [
            "final answer",
            "the answer",
            "answer",
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
        .filter(|head| lower.starts_with(**head))
        .find_map(|head| {
            let rest = bare.get(head.len()..)?.trim_start_matches(['*', ' ']);
            rest.strip_prefix(':').or_else(|| rest.strip_prefix('：'))
        });
        if let Some(rest) = rest {
            let answer = clean(rest);
            if !answer.is_empty() {
                found = Some(answer);
            }
        }
    }
    found
}
