//! Attempts to verdicts.

use anyhow::Result;
use octo_plugin::types::{Attempt, Outcome, Verdict};
use octo_plugin::{Record as CaseRecord, Verifier};
use serde::Serialize;
use serde_json::Value;

use super::chunks::{self, Record};
use super::summary::Summary;
use super::{Failed, Session};

/// Columns that `--map` can name.
pub const COLUMNS: [&str; 5] = ["id", "problem", "response", "reference", "references"];

/// The outcomes in the order of the contract, as they are written.
pub const OUTCOMES: [(Outcome, &str); 4] = [
    (Outcome::Correct, "correct"),
    (Outcome::Incorrect, "incorrect"),
    (Outcome::NoAnswer, "no-answer"),
    (Outcome::Unparsable, "unparsable"),
];

impl Record for Attempt {
    fn bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|field| field.name.len() + field.value.len()).sum();
        let references: usize = self.references.iter().map(String::len).sum();
        self.problem.len() + self.response.len() + references + fields
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    outcome: &'a str,
    extracted: Option<&'a str>,
    reason: &'a str,
}

/// How an outcome is written.
pub fn outcome_name(verdict: &Verdict) -> &'static str {
    OUTCOMES.iter().find(|(outcome, _)| *outcome == verdict.outcome).map_or("unparsable", |(_, name)| name)
}

/// Prints one verdict a line.
pub fn run(verifier: Verifier, session: Session) -> Result<Summary> {
    let Session { input, columns, strict, mut answers, mut failures, terminal } = session;
    let mut summary = Summary::start(&terminal, "Verified", "attempts", &OUTCOMES.map(|(_, name)| name));
    let read = move |record: &Value, _| Ok((columns.id(record), columns.attempt(record)?));
    let lines = chunks::for_each(input, strict, &terminal, read, |chunk| {
        let (places, attempts): (Vec<_>, Vec<_>) =
            chunk.into_iter().map(|entry| ((entry.line, entry.id), entry.record)).unzip();
        for (((line, id), attempt), verdict) in places.iter().zip(&attempts).zip(verifier.verify(&attempts)) {
            let id = id.as_ref();
            match &verdict {
                Ok(verdict) => {
                    let outcome = outcome_name(verdict);
                    summary.count(outcome);
                    let (extracted, reason) = (verdict.extracted.as_deref(), verdict.reason.as_str());
                    answers.write(&Answer { line: *line, id, outcome, extracted, reason })?;
                }
                Err(failure) => {
                    summary.count_failure(failure);
                    answers.write(&Failed::new(*line, id, failure))?;
                    failures.save(*line, id, failure, || CaseRecord::Verifier(attempt.clone()))?;
                }
            }
        }
        summary.advance(places.len());
        answers.flush()
    })?;
    failures.report();
    Ok(summary.finish(lines))
}
