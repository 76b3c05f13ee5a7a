//! From a response and its references to a verdict.

use crate::config::Policy;
use crate::equivalence;
use crate::extract::{self, Expectation};
use crate::reading::Answer;
use crate::text;
use octo_sdk::{Outcome, Verdict};

/// Judges one response. It is correct if any reference matches.
pub fn judge(response: &str, references: &[String], policy: &Policy) -> Verdict {
    let golds: Vec<Answer> = references
        .iter()
        .map(|reference| Answer::read(&extract::reference(reference), policy.max_answer_bytes))
        .filter(|gold| !gold.is_blank())
        .collect();
    let Some(first) = golds.first() else {
        return Verdict {
            outcome: Outcome::Unparsable,
            extracted: None,
            reason: "the reference is empty or cannot be read".into(),
        };
    };
    let expects = expectation(first);
    let found = match extract::answer(response, policy, expects) {
        Ok(found) => found,
        Err(reason) => {
            return Verdict { outcome: Outcome::NoAnswer, extracted: None, reason };
        }
    };
    let answer = Answer::read(&found.text, policy.max_answer_bytes);
    // A sentence with one formula or number in it says that.
    let inner = inner_answer(&answer, expects);
    let mut reason = None;
    for gold in &golds {
        for candidate in std::iter::once(&answer).chain(inner.as_ref()) {
            match equivalence::compare(gold, candidate, policy) {
                Ok(rule) => {
                    return Verdict {
                        outcome: Outcome::Correct,
                        extracted: Some(found.text.clone()),
                        reason: format!("{}: {rule}", found.rule),
                    };
                }
                Err(rule) => reason = reason.or(Some(rule)),
            }
        }
    }
    let reason = reason.unwrap_or_else(|| "no rule makes it equal".into());
    Verdict { outcome: Outcome::Incorrect, extracted: Some(found.text), reason: format!("{}: {reason}", found.rule) }
}

fn expectation(gold: &Answer) -> Expectation {
    if text::choice(&gold.text).is_some() && !gold.text.contains('=') {
        Expectation::Choice
    } else if gold.is_text() {
        Expectation::Text
    } else {
        Expectation::Mathematics
    }
}

/// Where an extracted sentence does not read as mathematics: its last formula, or its only number.
fn inner_answer(answer: &Answer, expects: Expectation) -> Option<Answer> {
    if expects != Expectation::Mathematics || !answer.is_text() || answer.text.len() > 2_000 {
        return None;
    }
    let spans = crate::spans::mathematics(&answer.text);
    if let Some(span) = spans.last() {
        return Some(Answer::read(&answer.text[span.start..span.end], 2_000));
    }
    let (at, number) = extract::last_number(&answer.text)?;
    let alone = !answer.text[..at].chars().any(|c| c.is_ascii_digit());
    alone.then(|| Answer::read(&number, 2_000))
}
