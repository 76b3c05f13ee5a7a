//! Where the answer is.
//!
//! The rules run in the order that the policy gives; the first that finds something decides. By default:
//!
//! 1. what follows the last `</think>` is all that is searched;
//! 2. the last `\boxed` or `\fbox`, with neighbours where one sentence boxes several answers;
//! 3. the rest of the line behind the last `####`;
//! 4. the sentence behind the last "final answer is";
//! 5. the sentence behind the last "answer is";
//! 6. the line behind the last `Answer:`, or `A:` at the start of a line;
//! 7. the last `<answer>` element;
//! 8. the whole response, where it is one line and reads as mathematics;
//! 9. the last text in bold that holds an answer;
//! 10. the last formula or the last number, whichever comes later.
//!
//! Two more rules are there to be chosen: the last text in square brackets, and the last number alone. A short response
//! that says "no solution" and the like is an answer where no rule found another.
//!
//! An empty box is no answer, and nothing behind it is searched for one.

use crate::extraction::{Extraction, ExtractionRule, ThinkingRule};
use crate::lexer::Comma;
use crate::search;
use crate::spans::{self, Span};

/// What the references are, which decides how loosely a response may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// Mathematics.
    Mathematics,
    /// The letter of a choice.
    Choice,
    /// Words.
    Text,
}

/// An answer and the rule that found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// As written in the response.
    pub text: String,
    /// The rule.
    pub rule: &'static str,
}

/// Finds the answer, or says why there is none.
pub fn answer(response: &str, from: &Extraction, expects: Expectation) -> Result<Extracted, String> {
    let searched = tail(after_thinking(response, from)?, from.max_response_bytes);
    let searched = before_next_turn(searched);
    if searched.trim().is_empty() {
        return Err("the response is empty".into());
    }
    for rule in &from.rules {
        let found = match rule {
            ExtractionRule::Boxed => match boxed(searched) {
                Some(Ok(text)) => Some((text, "box")),
                Some(Err(())) => return Err("the box is empty".into()),
                None => None,
            },
            ExtractionRule::HashMarks => hash_marks(searched).map(|text| (text, "#### line")),
            ExtractionRule::FinalAnswerIs => phrase(searched, &["final answer is", "final answer:", "final answer**:"])
                .map(|text| (text, "final answer")),
            ExtractionRule::AnswerIs => phrase(searched, &ANSWER_PHRASES).map(|text| (text, "answer phrase")),
            ExtractionRule::AnswerLine => answer_line(searched).map(|text| (text, "answer line")),
            ExtractionRule::AnswerTag => answer_tag(searched).map(|text| (text, "answer tag")),
            ExtractionRule::Bold => bold(searched, expects).map(|text| (text, "bold text")),
            ExtractionRule::SquareBrackets => square_brackets(searched).map(|text| (text, "square brackets")),
            ExtractionRule::Bare => bare(searched, expects).map(|text| (text, "whole response")),
            ExtractionRule::LastExpression => last_expression(searched, expects).map(|text| (text, "last expression")),
            ExtractionRule::LastNumber => last_number(searched).map(|(_, text)| (text, "last number")),
        };
        if let Some((text, rule)) = found {
            return Ok(Extracted { text, rule });
        }
    }
    // Words and choices may be all that a short response says.
    let trimmed = searched.trim();
    let short = trimmed.len() <= 200;
    if short && (expects != Expectation::Mathematics || crate::text::meaning(trimmed).is_some()) {
        return Ok(Extracted { text: trimmed.to_string(), rule: "whole response" });
    }
    Err("no rule found an answer".into())
}

/// The answer inside a reference: a whole solution ends in `#### 18`, `A: 18` or a box; anything else is the answer.
pub fn reference(text: &str, from: &Extraction) -> String {
    let text = tail(text, from.max_response_bytes);
    match boxed(text) {
        Some(Ok(boxed)) => return boxed,
        Some(Err(())) => return String::new(),
        None => {}
    }
    if let Some(found) = hash_marks(text) {
        return found;
    }
    if text.contains('\n')
        && let Some(found) = answer_line(text)
    {
        return found;
    }
    let trimmed = text.trim();
    if let Some(rest) = trimmed.strip_prefix("A:") {
        return clean(rest);
    }
    if let Some(found) = phrase(trimmed, &["answer is"]) {
        return found;
    }
    trimmed.to_string()
}

/// What introduces an answer, in the languages of multilingual test sets. Matched without regard to ASCII case.
const ANSWER_PHRASES: [&str; 26] = [
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

/// The last bytes of a text, cut at a character.
fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

fn after_thinking<'a>(text: &'a str, from: &Extraction) -> Result<&'a str, String> {
    if from.thinking == ThinkingRule::Ignored {
        return Ok(text);
    }
    let end = from.thinking_ends.as_str();
    // Most responses have no tag at all, and one character is found faster than a word.
    if from.thinking == ThinkingRule::AfterClosing && end == "</think>" && !text.contains('<') {
        return Ok(text);
    }
    match search::last(text, end) {
        Some(found) => Ok(&text[found + end.len()..]),
        None if from.thinking == ThinkingRule::Required => Err(format!("there is no {end}")),
        None if search::has(text, "<think>") => Err("the <think> block is never closed".into()),
        None => Ok(text),
    }
}

/// A base model may go on with the next turn of a dialogue; its markers end the response.
fn before_next_turn(text: &str) -> &str {
    if !search::has(text, "<|") && !search::has(text, "</s>") {
        return text;
    }
    let end = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "</s>"]
        .iter()
        .filter_map(|marker| search::first(text, marker))
        .filter(|found| !text[..*found].trim().is_empty())
        .min();
    &text[..end.unwrap_or(text.len())]
}

/// The last box; several where one sentence boxes several answers. `Err` where it is empty.
fn boxed(text: &str) -> Option<Result<String, ()>> {
    let boxes = spans::boxes(text);
    // A box that was never closed counts only where there is no other.
    let closed: Vec<Span> = boxes.iter().copied().filter(|span| span.closed).collect();
    let boxes = if closed.is_empty() { boxes } else { closed };
    let last = boxes.last()?;
    let mut first = boxes.len() - 1;
    while first > 0 && first + 16 > boxes.len() {
        let gap = &text[boxes[first - 1].closes..boxes[first].opens];
        if !joins(gap) {
            break;
        }
        first -= 1;
    }
    let mut contents: Vec<&str> = Vec::new();
    for span in &boxes[first..] {
        let content = text[span.start..span.end].trim();
        if !contents.contains(&content) {
            contents.push(content);
        }
    }
    let content = if contents.len() > 1 { contents.join(", ") } else { text[last.start..last.end].trim().to_string() };
    // Braces that are written out hold the empty set.
    let empty_set = content.chars().filter(|c| !c.is_whitespace()).eq("\\{\\}".chars());
    if !empty_set && !content.chars().any(|c| !c.is_whitespace() && !"{}~$.,?\\_".contains(c)) {
        return Some(Err(()));
    }
    Some(Ok(content))
}

/// Whether what lies between two boxes makes them one answer: little more than a comma, "and" or "or".
fn joins(gap: &str) -> bool {
    if gap.len() > 70 || gap.contains("\n\n") {
        return false;
    }
    let words: Vec<&str> = gap.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    // A new thought is a new answer.
    if words.iter().any(|word| matches!(*word, "but" | "thus" | "so" | "therefore" | "then" | "hence")) {
        return false;
    }
    let joint = words.iter().any(|word| matches!(*word, "and" | "or"))
        || gap.trim_start_matches(['$', ' ', '\\', ')', ']']).starts_with([',', ';']);
    let sentence_ends = gap.contains(". ") || gap.contains(".\n");
    let only_space = gap.chars().all(|c| c.is_whitespace() || "$\\,;()[]".contains(c));
    (joint && !sentence_ends && words.len() <= 8) || (only_space && gap.len() < 10)
}

fn hash_marks(text: &str) -> Option<String> {
    let found = search::last(text, "####")?;
    let rest = text[found..].trim_start_matches('#');
    let line = rest.lines().next().unwrap_or("");
    // `#### Step 3: …` is a heading.
    let answer = clean(line);
    let heading =
        answer.chars().take_while(|c| c.is_alphabetic()).count() > 3 && !answer.chars().any(|c| c.is_ascii_digit());
    (!answer.is_empty() && !heading).then_some(answer)
}

/// The last occurrence of any of the phrases, and the sentence behind it.
fn phrase(text: &str, phrases: &[&str]) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let ascii = lower.is_ascii();
    let mut end = lower.len();
    // Empty sentences, such as a heading "Answer:", are passed over; not without end.
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

fn clip(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Without white space, emphasis, quotation marks and punctuation around it.
fn clean(text: &str) -> String {
    let text = text.trim().trim_matches(|c: char| "*`\"“”".contains(c)).trim();
    let text = text.trim_end_matches(['.', ',', ';', ':', '。']).trim();
    let text = text.trim_matches(|c: char| "*`".contains(c)).trim();
    text.trim_start_matches([':', '：']).trim().to_string()
}

fn answer_line(text: &str) -> Option<String> {
    let mut found = None;
    // Every head has a colon behind it; the wide one begins with 0xEF.
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

fn answer_tag(text: &str) -> Option<String> {
    let end = search::last(text, "</answer>")?;
    let start = search::last(&text[..end], "<answer>")? + "<answer>".len();
    let inner = text[start..end].trim();
    (!inner.is_empty()).then(|| inner.to_string())
}

/// The whole of a short response, where it reads as mathematics.
fn bare(text: &str, expects: Expectation) -> Option<String> {
    let trimmed = text.trim();
    if expects == Expectation::Choice || trimmed.len() > 600 || trimmed.contains('\n') {
        return None;
    }
    let stripped = strip_delimiters(trimmed);
    let reads =
        crate::numeral_words::value(&stripped).is_some() || crate::reading::is_mathematics(&stripped, Comma::Thousands);
    reads.then_some(stripped)
}

/// Without one pair of delimiters around the whole.
pub fn strip_delimiters(text: &str) -> String {
    let text = text.trim();
    for (open, close) in [("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")] {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close))
            && !inner.is_empty()
            && !inner.contains(open)
        {
            return inner.trim().to_string();
        }
    }
    text.to_string()
}

/// The last bold text that holds a digit or a formula, or is short.
fn bold(text: &str, expects: Expectation) -> Option<String> {
    let end = text.rfind("**")?;
    let start = text[..end].rfind("**")? + 2;
    let inner = clean(&text[start..end]);
    let answer = inner.chars().any(|c| c.is_ascii_digit() || "$\\".contains(c))
        || (expects != Expectation::Mathematics && !inner.is_empty() && inner.len() <= 60);
    // Text between two bold stretches is not bold: an opening mark touches what follows.
    let touching = text[start..end].starts_with(|c: char| !c.is_whitespace())
        && text[start..end].ends_with(|c: char| !c.is_whitespace());
    (answer && touching && inner.len() <= 300).then_some(inner)
}

/// The last text in square brackets that closes on its line and is no link or citation by its length.
fn square_brackets(text: &str) -> Option<String> {
    let end = text.rfind(']')?;
    let start = text[..end].rfind('[')? + 1;
    let inner = clean(&text[start..end]);
    (!inner.is_empty() && inner.len() <= 300 && !inner.contains('\n')).then_some(inner)
}

/// The last formula, or the last number behind it.
fn last_expression(text: &str, expects: Expectation) -> Option<String> {
    if expects == Expectation::Choice {
        return None;
    }
    let spans = spans::mathematics(text);
    let telling = spans
        .iter()
        .rev()
        .find(|span| text[span.start..span.end].chars().any(|c| c.is_ascii_digit() || "=<>\\".contains(c)));
    let formula = telling.or(spans.last());
    let number = if expects == Expectation::Mathematics { last_number(text) } else { None };
    match (formula, number) {
        (Some(span), Some((at, number))) if at >= span.closes && telling.is_none() => Some(number),
        (Some(span), Some((at, number))) if at > span.closes => {
            // "… so $x = 3$ in step 2" tells less than "… $x$ … which is 1,000".
            let between = &text[span.closes..at];
            let later_line = between.contains('\n') || between.contains(". ");
            let ends_text = text.len() - at <= number.len() + 15;
            if ends_text || later_line || between.contains('=') || between.contains(" is ") {
                Some(number)
            } else {
                Some(text[span.start..span.end].trim().to_string())
            }
        }
        (Some(span), _) => {
            let content = text[span.start..span.end].trim();
            (!content.is_empty()).then(|| content.to_string())
        }
        (None, Some((_, number))) => Some(number),
        (None, None) => None,
    }
}

/// The last number, with its sign, groups, decimals, denominator, exponent and percent sign; and where it begins.
pub fn last_number(text: &str) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let mut end = bytes.iter().rposition(u8::is_ascii_digit)? + 1;
    // A number of more digits than this is a model that repeats itself.
    const MAX_DIGITS: usize = 300;
    let mut start = end;
    let floor = end.saturating_sub(MAX_DIGITS);
    while start > floor {
        let previous = bytes[start - 1];
        let joins = previous.is_ascii_digit()
            || (b".,/".contains(&previous)
                && start >= 2
                && bytes[start - 2].is_ascii_digit()
                && bytes.get(start).is_some_and(u8::is_ascii_digit))
            || (previous == b' ' && is_group_space(bytes, start - 1));
        if !joins {
            break;
        }
        start -= 1;
    }
    // `\frac{a}{b}` in plain text.
    if bytes.get(end) == Some(&b'}')
        && let Some(open) = text[..start].rfind("\\frac{")
        && text[open..end].len() < 60
    {
        let whole = &text[open..end + 1];
        let signed = text[..open].ends_with('-');
        return Some((open, format!("{}{whole}", if signed { "-" } else { "" })));
    }
    // `\sqrt{17}`, `0.\overline{3}`, `10^4`: the number is part of a formula, which ends at white space.
    if start > 0 && b"^_{".contains(&bytes[start - 1]) {
        let open = start - bytes[..start].iter().rev().take(100).take_while(|c| !c.is_ascii_whitespace()).count();
        let close = end + bytes[end..].iter().take(100).take_while(|c| !c.is_ascii_whitespace()).count();
        let formula = text.get(open..close).map(|formula| clean(formula.trim_matches(|c: char| "$,;".contains(c))));
        if let Some(formula) = formula.filter(|formula| crate::reading::is_mathematics(formula, Comma::Thousands)) {
            return Some((open, formula));
        }
    }
    if start > 0 && bytes[start - 1] == b'.' && (start < 2 || !bytes[start - 2].is_ascii_alphanumeric()) {
        start -= 1;
    }
    if start > 0 && bytes[start - 1] == b'-' {
        let before = text[..start - 1].chars().next_back();
        if before.is_none_or(|c| c.is_whitespace() || "$=(:[{*".contains(c)) {
            start -= 1;
        }
    } else if start > 1 && bytes[start - 1] == b'$' && bytes[start - 2] == b'-' {
        start -= 2;
    }
    if bytes.get(end) == Some(&b'%') {
        end += 1;
    } else if text[end..].starts_with("\\%") {
        end += 2;
    }
    while !text.is_char_boundary(start) {
        start += 1;
    }
    Some((start, text[start..end].to_string()))
}

/// Whether the space parts a group of three digits: `1 000`.
fn is_group_space(bytes: &[u8], at: usize) -> bool {
    let behind = bytes[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
    let before = bytes[..at].iter().rev().take(4).take_while(|c| c.is_ascii_digit()).count();
    behind == 3 && (1..=3).contains(&before)
}
