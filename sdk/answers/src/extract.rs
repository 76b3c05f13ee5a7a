//! From a response to its answer, as text.
//!
//! The rules run in the order that [`Extraction`] gives; the first that finds something decides. By default:
//!
//! 1. what follows the last `</think>` is all that is searched;
//! 2. the last `\boxed` or `\fbox`, with neighbours where one sentence boxes several answers;
//! 3. the rest of the line after the last `####` that is not a heading;
//! 4. the sentence after the last "final answer is";
//! 5. the sentence after the last "answer is";
//! 6. the line after the last `Answer:`, or `A:` at the start of a line;
//! 7. the last `<answer>` element;
//! 8. the whole response, where it is one line and reads as mathematics;
//! 9. the last text in bold that holds an answer and is not the label of a step;
//! 10. the last formula or the last number, whichever comes later; with the equation or the run of numbers that it is in.
//!
//! Two more rules are there to be chosen: the last text in square brackets, and the last number alone. A short response
//! that says "no solution" and the like is an answer where no rule found another.
//!
//! An empty box is not an answer: a filled one in front of it is, and where there is none nothing else is searched for one.
//! What is announced must state something: "this answer is correct" and "as follows" are passed over.
//!
//! `claims` says what of a text states an answer, `second_thoughts` what comes after it; `characters` mends what its way here did to the text.
//! `marks` has the answers that are set off from the text, `phrases` those that are announced, `formulas` those that
//! nothing announces. [`spans`] finds where boxes and formulas lie, `search` finds words in long texts.

pub(crate) mod characters;
pub(crate) mod claims;
mod config;
mod formulas;
mod marks;
mod phrases;
mod search;
pub(crate) mod second_thoughts;
pub mod spans;

pub use config::{Extraction, ExtractionConfig, ExtractionRule, ThinkingRule};
pub use formulas::last_number;
pub(crate) use formulas::scaled;

use crate::read::words;
use formulas::{bare, last_expression};
use marks::{answer_tag, bold, boxed, hash_marks, square_brackets};
use phrases::{ANSWER_PHRASES, answer_line, phrase};

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
    /// The rule, as the verdict names it.
    pub rule: &'static str,
}

/// Finds the answer in a response.
///
/// # Errors
/// Says why there is none: the response or the box is empty, the reasoning never ends, or no rule found anything.
pub fn answer(response: &str, from: &Extraction, expects: Expectation) -> Result<Extracted, String> {
    let searched = tail(after_thinking(response, from)?, from.max_response_bytes);
    let searched = before_next_turn(searched);
    if searched.trim().is_empty() {
        return Err("the response is empty".into());
    }
    // What an announcement says that states nothing, for when nothing else is found.
    let mut unsaid = None;
    for rule in &from.rules {
        let found = match rule {
            ExtractionRule::Boxed => match boxed(searched) {
                Some(Ok(text)) => Some((text, "box")),
                Some(Err(())) => return Err("the box is empty".into()),
                None => None,
            },
            ExtractionRule::HashMarks => hash_marks(searched).map(|text| (text, "#### line")),
            ExtractionRule::FinalAnswerIs => {
                let heads = ["final answer is", "final answer:", "final answer**:"];
                phrase(searched, &heads, expects, &mut unsaid).map(|text| (text, "final answer"))
            }
            ExtractionRule::AnswerIs => {
                phrase(searched, &ANSWER_PHRASES, expects, &mut unsaid).map(|text| (text, "answer phrase"))
            }
            ExtractionRule::AnswerLine => answer_line(searched, expects, &mut unsaid).map(|text| (text, "answer line")),
            ExtractionRule::AnswerTag => answer_tag(searched).map(|text| (text, "answer tag")),
            ExtractionRule::Bold => bold(searched, expects).map(|text| (text, "bold text")),
            ExtractionRule::SquareBrackets => square_brackets(searched).map(|text| (text, "square brackets")),
            ExtractionRule::Bare => bare(searched, expects).map(|text| (text, "whole response")),
            ExtractionRule::LastExpression => {
                last_expression(second_thoughts::dropped(searched), expects).map(|text| (text, "last expression"))
            }
            ExtractionRule::LastNumber => last_number(searched).map(|(_, text)| (text, "last number")),
        };
        if let Some((text, rule)) = found {
            return Ok(Extracted { text, rule });
        }
    }
    if let Some(text) = unsaid {
        return Ok(Extracted { text, rule: "answer phrase" });
    }
    // Words and choices may be all that a short response says.
    let trimmed = searched.trim();
    let short = trimmed.len() <= 200;
    if short && (expects != Expectation::Mathematics || words::meaning(trimmed).is_some()) {
        return Ok(Extracted { text: trimmed.to_string(), rule: "whole response" });
    }
    if short && let Some(letter) = letter_named(trimmed) {
        return Ok(Extracted { text: letter.to_string(), rule: "last expression" });
    }
    Err("no rule found an answer".into())
}

/// The one letter that a short text ends with after "is": "The point is P."
fn letter_named(text: &str) -> Option<char> {
    let (_, name) = text.trim_end_matches(['.', '!']).rsplit_once(" is ")?;
    let mut letters = name.trim().chars();
    letters.next().filter(|letter| letter.is_ascii_alphabetic() && letters.next().is_none())
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
        && let Some(found) = answer_line(text, Expectation::Text, &mut None)
    {
        return found;
    }
    let trimmed = text.trim();
    if let Some(rest) = trimmed.strip_prefix("A:") {
        return clean(rest);
    }
    if let Some(found) = phrase(trimmed, &["answer is"], Expectation::Text, &mut None) {
        return found;
    }
    trimmed.to_string()
}

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

/// A base model may continue with the next turn of a dialogue; its markers end the response.
fn before_next_turn(text: &str) -> &str {
    let text = before_made_up_turn(text);
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

/// A base model without markers makes up the next question in words: `User: …` at the start of a line, once an answer is
/// given.
fn before_made_up_turn(text: &str) -> &str {
    let turns = ["\nUser:", "\nHuman:", "\nQuestion:", "\nQ:", "\nProblem:"];
    let answered = |before: &str| {
        ["boxed{", "####", "answer is", "Answer:", "</answer>", "A:"].iter().any(|mark| search::has(before, mark))
    };
    if memchr::memchr(b'\n', text.as_bytes()).is_none() {
        return text;
    }
    let end = turns.iter().filter_map(|turn| search::first(text, turn)).filter(|found| answered(&text[..*found])).min();
    &text[..end.unwrap_or(text.len())]
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
