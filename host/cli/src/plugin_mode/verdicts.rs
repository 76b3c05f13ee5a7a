//! Attempts to verdicts.

use anyhow::Result;
use octo_data::row::Row;
use octo_plugin::types::{Attempt, Outcome, Verdict};
use octo_plugin::{Record as CaseRecord, Verifier};
use serde::Serialize;
use serde_json::Value;

use super::chunks::{self, Place, Record};
use super::columns::Response;
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
    /// The response's place in its row, where a row has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<usize>,
    outcome: &'a str,
    extracted: Option<&'a str>,
    reason: &'a str,
}

/// How an outcome is written.
pub fn outcome_name(verdict: &Verdict) -> &'static str {
    OUTCOMES.iter().find(|(outcome, _)| *outcome == verdict.outcome).map_or("unparsable", |(_, name)| name)
}

/// The attempts of one row.
struct Attempts(Vec<Response>);

impl Record for Attempts {
    fn bytes(&self) -> usize {
        self.0.iter().map(|response| response.attempt.bytes() + size_of::<Response>()).sum()
    }
}

/// Prints one verdict per response.
pub fn run(verifier: Verifier, session: Session) -> Result<Summary> {
    let Session { input, columns, strict, mut answers, mut failures, terminal } = session;
    let mut summary = Summary::start(&terminal, "Verified", "attempts", &OUTCOMES.map(|(_, name)| name));
    let read = move |record: &Row, _: Place<'_>| Ok((columns.id(record), Attempts(columns.attempts(record)?)));
    let lines = chunks::for_each(input, strict, &terminal, read, |chunk| {
        let length = chunk.len();
        let mut places = Vec::new();
        let mut attempts = Vec::new();
        for entry in chunk {
            for response in entry.record.0 {
                let given = response.verdict();
                if given.is_none() {
                    attempts.push(response.attempt);
                }
                places.push((entry.file.clone(), entry.line, entry.id.clone(), response.index, given));
            }
        }
        let mut judged = attempts.iter().zip(verifier.verify(&attempts));
        for (file, line, id, index, given) in places {
            let (file, id) = (file.as_deref(), id.as_ref());
            let (attempt, verdict) = match given {
                Some(given) => (None, Ok(given)),
                None => match judged.next() {
                    Some((attempt, verdict)) => (Some(attempt), verdict),
                    None => break,
                },
            };
            match &verdict {
                Ok(verdict) => {
                    let outcome = outcome_name(verdict);
                    summary.count(outcome);
                    let (extracted, reason) = (verdict.extracted.as_deref(), verdict.reason.as_str());
                    answers.write(file, &Answer { line, id, response: index, outcome, extracted, reason })?;
                }
                Err(failure) => {
                    summary.count_failure(failure);
                    answers.write(file, &Failed::new(line, id, failure))?;
                    if let Some(attempt) = attempt {
                        failures.save(line, id, failure, || CaseRecord::Verifier(attempt.clone()))?;
                    }
                }
            }
        }
        summary.advance(length);
        answers.flush()
    })?;
    failures.report();
    Ok(summary.finish(lines))
}
