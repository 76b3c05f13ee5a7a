//! Attempts to verdicts.
//!
//! `read` takes the attempts of a row, the plugin judges those of a chunk together, and each verdict is written and
//! counted. With `--out` the verdicts of an earlier call are read back instead of asking the plugin again, and counted the
//! same; so the summary of a resumed call is that of a whole one.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use octo_data::digest::Sum;
use octo_data::field_map::Found;
use octo_data::json::Json;
use octo_data::row::Row;
use octo_plugin::types::{Attempt, Outcome, Verdict};
use octo_plugin::{Failure, Record as CaseRecord, Verifier};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Session;
use super::breakdown::{self, Breakdown, Values};
use super::chunks::{self, Entry, Place, Record};
use super::columns::{Columns, Response};
use super::out_file::OutFile;
use super::problems::{Name, Problems};
use super::summary::{Scores, Summary};
use crate::arguments::PluginModeArguments;

/// Columns that `--map` can name.
pub const COLUMNS: [&str; 5] = ["id", "problem", "response", "reference", "references"];

/// The outcomes in the order of the contract, as they are written.
pub const OUTCOMES: [(Outcome, &str); 4] = [
    (Outcome::Correct, "correct"),
    (Outcome::Incorrect, "incorrect"),
    (Outcome::NoAnswer, "no-answer"),
    (Outcome::Unparsable, "unparsable"),
];

/// How an outcome is written.
pub fn outcome_name(verdict: &Verdict) -> &'static str {
    OUTCOMES.iter().find(|(outcome, _)| *outcome == verdict.outcome).map_or("unparsable", |(_, name)| name)
}

impl Record for Attempt {
    fn bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|field| field.name.len() + field.value.len()).sum();
        let references: usize = self.references.iter().map(String::len).sum();
        self.problem.len() + self.response.len() + references + fields
    }
}

/// What is asked of verdicts besides printing them.
pub struct Judging {
    /// The column that joined rows have their verdict in.
    join: Option<String>,
    /// The column by which rows are one problem.
    group: Option<String>,
    /// The columns of each breakdown.
    by: Vec<Vec<String>>,
    at: Vec<u64>,
    problems: Option<PathBuf>,
    out: Option<OutFile>,
}

impl Judging {
    /// What the flags ask for.
    pub fn new(arguments: &PluginModeArguments, out: Option<OutFile>) -> Judging {
        Judging {
            join: arguments.join.clone(),
            group: arguments.group.clone(),
            by: arguments.by.iter().map(|by| breakdown::columns(by)).collect(),
            at: arguments.at.clone(),
            problems: arguments.problems.clone(),
            out,
        }
    }

    /// The columns that the flags read; None is all of them.
    pub fn columns(arguments: &PluginModeArguments) -> Option<Vec<String>> {
        if arguments.join.is_some() {
            return None;
        }
        let by = arguments.by.iter().flat_map(|by| breakdown::columns(by));
        Some(by.chain(arguments.group.clone()).collect())
    }
}

/// What came of an attempt.
pub struct Judged(Result<Verdict, Failure>);

impl Judged {
    pub fn is_correct(&self) -> bool {
        self.0.as_ref().is_ok_and(|verdict| verdict.outcome == Outcome::Correct)
    }

    /// The answer that was found in the response.
    pub fn extracted(&self) -> Option<&str> {
        self.0.as_ref().ok()?.extracted.as_deref()
    }

    /// Why there is no verdict.
    pub fn failure(&self) -> Option<&Failure> {
        self.0.as_ref().err()
    }

    /// `+7` is the correct answer 7, `-7` an incorrect one, `?` none, and anything else a failure.
    #[cfg(test)]
    pub fn of_test(text: &str) -> Judged {
        let verdict = |outcome, extracted: Option<&str>| {
            Ok(Verdict { outcome, extracted: extracted.map(str::to_owned), reason: String::new() })
        };
        Judged(match (text.get(..1), text.get(1..)) {
            (Some("+"), answer) => verdict(Outcome::Correct, answer),
            (Some("-"), answer) => verdict(Outcome::Incorrect, answer),
            (Some("?"), _) => verdict(Outcome::NoAnswer, None),
            _ => Err(Failure { kind: octo_plugin::FailureKind::Trap, message: String::new() }),
        })
    }
}

/// A verdict as it is written.
#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Verdict { outcome: &'static str, extracted: Option<&'a str>, reason: &'a str },
    Failure { failure: &'static str, message: &'a str },
}

impl<'a> From<&'a Judged> for Written<'a> {
    fn from(judged: &'a Judged) -> Written<'a> {
        match &judged.0 {
            Ok(verdict) => Written::Verdict {
                outcome: outcome_name(verdict),
                extracted: verdict.extracted.as_deref(),
                reason: &verdict.reason,
            },
            Err(failure) => Written::Failure { failure: failure.kind.as_str(), message: &failure.message },
        }
    }
}

/// A verdict as it is read back; [`Written`] in the other direction.
#[derive(Deserialize)]
struct ReadBack {
    outcome: Option<String>,
    extracted: Option<String>,
    #[serde(default)]
    reason: String,
    failure: Option<octo_plugin::FailureKind>,
    #[serde(default)]
    message: String,
}

impl ReadBack {
    fn judged(self) -> Option<Judged> {
        if let Some(kind) = self.failure {
            return Some(Judged(Err(Failure { kind, message: self.message })));
        }
        let written = self.outcome?;
        let (outcome, _) = OUTCOMES.iter().find(|(_, name)| *name == written)?;
        Some(Judged(Ok(Verdict { outcome: *outcome, extracted: self.extracted, reason: self.reason })))
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    /// The file, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<usize>,
    #[serde(flatten)]
    written: Written<'a>,
}

/// The attempts of a row, and what else is asked of it.
struct Attempts {
    responses: Vec<Response>,
    /// What the row has in the columns of each breakdown.
    by: Vec<Values>,
    /// What the row has in the column of `--group`.
    group: Option<String>,
    /// The row as JSON, where its verdict is to be joined to it.
    row: Option<String>,
}

impl Record for Attempts {
    fn bytes(&self) -> usize {
        let attempts: usize = self.responses.iter().map(|response| response.attempt.bytes()).sum();
        attempts + self.row.as_ref().map_or(0, String::len)
    }
}

impl Attempts {
    fn is_several(&self) -> bool {
        self.responses.first().is_some_and(|response| response.index.is_some())
    }
}

/// Prints one verdict a line, or a row with its verdicts.
pub fn run(verifier: Verifier, session: Session, judging: Judging) -> Result<Summary> {
    let Session { input, columns, strict, mut answers, mut failures, terminal, stop } = session;
    let Judging { join, group, by, at, problems: problems_file, mut out } = judging;
    let outcomes = OUTCOMES.map(|(_, name)| name);
    let mut summary = Summary::start(&terminal, &input.name, "verifier", ("Verified", "attempts"), &outcomes);
    let mut scores = Scores { correct: 0, problems: None, by: by.iter().cloned().map(Breakdown::new).collect() };
    let mut problems = Problems::new(&at);
    let mut grouped = group.is_some() || problems_file.is_some() || !at.is_empty();
    if out.as_ref().is_some_and(OutFile::resumes) {
        terminal.say("resumes where it was stopped; what is judged is not judged again");
    }
    let (joined, of_group) = (join.clone(), group.clone());
    let read = move |record: &Row, _: Place<'_>| {
        let row = Attempts {
            responses: columns.attempts(record)?,
            by: by.iter().map(|names| values(&columns, record, names)).collect::<Result<_, _>>()?,
            group: of_group.as_ref().map(|column| group_of(&columns, record, column)).transpose()?,
            row: joined.as_ref().map(|column| row_to_join(record, column)).transpose()?,
        };
        Ok((columns.id(record), row))
    };
    let lines = chunks::for_each(input, strict, &terminal, &stop, read, |chunk| {
        let digest = out.as_ref().map(|_| digest(&chunk));
        let kept = match (&mut out, &digest) {
            (Some(out), Some(digest)) => out.sealed(digest)?,
            _ => None,
        };
        let from_part = kept.is_some();
        let judged = match kept {
            Some(lines) => read_back(&lines, join.as_deref())?,
            None => judge(&verifier, &chunk),
        };
        if judged.len() != chunk.iter().map(|entry| entry.record.responses.len()).sum::<usize>() {
            return Err(anyhow!("the file of --out holds another number of verdicts than its rows have attempts"));
        }
        let mut text = Vec::new();
        let mut judged = judged.into_iter();
        for Entry { file, line, id, record, .. } in chunk {
            let of_row: Vec<Judged> = judged.by_ref().take(record.responses.len()).collect();
            if !from_part {
                let place = (file.as_deref(), line, id.as_ref());
                write(&mut text, place, &record, &of_row, join.as_deref())?;
                for (response, failure) in record.responses.iter().zip(of_row.iter().map(Judged::failure)) {
                    if let Some(failure) = failure {
                        failures.save(line, id.as_ref(), failure, || CaseRecord::Verifier(response.attempt.clone()))?;
                    }
                }
            }
            summary.advance(of_row.len());
            for judged in &of_row {
                match &judged.0 {
                    Ok(verdict) => summary.count(outcome_name(verdict)),
                    Err(failure) => summary.count_failure(failure),
                }
            }
            let correct = of_row.iter().filter(|judged| judged.is_correct()).count() as u64;
            scores.correct += correct;
            for (breakdown, values) in scores.by.iter_mut().zip(&record.by) {
                breakdown.add(values, correct, of_row.len() as u64);
            }
            grouped |= record.is_several();
            if grouped {
                let name = record.group.map_or_else(|| Name::Row(file, line, id), Name::Group);
                problems.add(name, &of_row);
            }
        }
        match (&mut out, digest) {
            (Some(_), Some(_)) if from_part => Ok(()),
            (Some(out), Some(digest)) => out.append(digest, &text),
            _ => answers.write_lines(&text),
        }
    });
    let lines = match lines {
        Ok(lines) => lines,
        Err(error) => {
            // What is kept is resumed; a part without an answer would only be in the way.
            out.map_or(Ok(()), OutFile::abandon)?;
            return Err(error);
        }
    };
    if grouped {
        if let Some(path) = &problems_file {
            problems.write(path, group.as_deref()).context("--problems")?;
        }
        scores.problems = Some(problems);
    }
    if let Some(out) = out {
        // Without one good row there is no result to write.
        if lines.good > 0 {
            let path = out.finish()?;
            terminal.say(format_args!("verdicts: {}", path.display()));
        } else {
            out.abandon()?;
        }
    }
    failures.report();
    Ok(summary.finish(lines).with_scores(scores))
}

/// Asks the plugin about all attempts of a chunk that have a response.
fn judge(verifier: &Verifier, chunk: &[Entry<Attempts>]) -> Vec<Judged> {
    let responses = || chunk.iter().flat_map(|entry| &entry.record.responses);
    let asked: Vec<Attempt> =
        responses().filter(|response| response.no_text.is_none()).map(|response| response.attempt.clone()).collect();
    let mut verdicts = verifier.verify(&asked).into_iter();
    let judged = responses().filter_map(|response| match response.verdict() {
        Some(verdict) => Some(Judged(Ok(verdict))),
        None => verdicts.next().map(Judged),
    });
    judged.collect()
}

/// Adds what is written of a row to `text`, as whole lines.
fn write(
    text: &mut Vec<u8>,
    (file, line, id): (Option<&str>, u64, Option<&Value>),
    record: &Attempts,
    judged: &[Judged],
    join: Option<&str>,
) -> Result<()> {
    let written = "a verdict can't be written as JSON";
    if let (Some(row), Some(column)) = (&record.row, join) {
        let verdict = if record.is_several() {
            serde_json::to_string(&judged.iter().map(Written::from).collect::<Vec<_>>())
        } else {
            serde_json::to_string(&judged.first().map(Written::from))
        };
        let open = row.strip_suffix('}').unwrap_or(row);
        let comma = if open.len() > 1 { "," } else { "" };
        let (column, verdict) = (Value::from(column), verdict.context(written)?);
        text.extend_from_slice(format!("{open}{comma}{column}:{verdict}}}\n").as_bytes());
        return Ok(());
    }
    for (response, judged) in record.responses.iter().zip(judged) {
        let answer = Answer { file, line, id, attempt: response.index, written: judged.into() };
        serde_json::to_writer(&mut *text, &answer).context(written)?;
        text.push(b'\n');
    }
    Ok(())
}

/// The verdicts in lines that [`write`] wrote.
fn read_back(lines: &[Vec<u8>], join: Option<&str>) -> Result<Vec<Judged>> {
    let damaged = || anyhow!("the file of --out has a line that octo-host has not written");
    let one = |value: &Json| {
        let read: ReadBack = serde_json::from_value(value.to_value()).map_err(|_| damaged())?;
        read.judged().ok_or_else(damaged)
    };
    let mut judged = Vec::new();
    for line in lines {
        let Some(column) = join else {
            let read: ReadBack = serde_json::from_slice(line).map_err(|_| damaged())?;
            judged.push(read.judged().ok_or_else(damaged)?);
            continue;
        };
        let row = Row::parse(line.clone()).map_err(|_| damaged())?;
        match row.get(column).map_err(|_| damaged())? {
            Some(Json::List(items)) => {
                for item in items {
                    judged.push(one(item)?);
                }
            }
            Some(value) => judged.push(one(value)?),
            None => return Err(damaged()),
        }
    }
    Ok(judged)
}

/// What a row has in each of the columns of `names`.
fn values(columns: &Columns, record: &Row, names: &[String]) -> Result<Values, String> {
    names.iter().map(|name| cell(columns, record, name)).collect()
}

/// What a row has in the column of `--group`. A row without it belongs to no problem, which a misspelt name would make of
/// all rows.
fn group_of(columns: &Columns, record: &Row, name: &str) -> Result<String, String> {
    cell(columns, record, name)?
        .ok_or_else(|| format!("--group: {name:?} is absent or null; the columns are {}", record.shown_names()))
}

/// The text in a column for `--by` or `--group`: a text, number or boolean, lists and objects as JSON.
fn cell(columns: &Columns, record: &Row, name: &str) -> Result<Option<String>, String> {
    let map = columns.map();
    Ok(match map.find(record, name)? {
        None => map.text(record, name)?,
        Some(Found::One(Json::Null)) => None,
        Some(Found::One(value)) => Some(value.text().unwrap_or_else(|| value.to_string())),
        Some(Found::Each(values)) => Some(Json::List(values.into_iter().cloned().collect()).to_string()),
    })
}

/// The row as JSON, without a column of the name that its verdict is to have.
fn row_to_join(record: &Row, column: &str) -> Result<String, String> {
    if record.names().any(|name| name == column) {
        return Err(format!("has a column {column:?} already; give --join a name that no row has"));
    }
    Ok(record.to_json_with(&[]))
}

/// The digest of all that decides the verdicts of a chunk, and of what is written beside them.
fn digest(chunk: &[Entry<Attempts>]) -> String {
    let mut sum = Sum::default();
    let mut text = |text: &str| {
        sum.update(&(text.len() as u64).to_le_bytes());
        sum.update(text.as_bytes());
    };
    for entry in chunk {
        text(entry.file.as_deref().unwrap_or_default());
        text(&entry.line.to_string());
        text(&entry.id.as_ref().map(Value::to_string).unwrap_or_default());
        text(entry.record.row.as_deref().unwrap_or_default());
        for Response { index, attempt, no_text } in &entry.record.responses {
            text(&format!("{index:?} {} {}", attempt.references.len(), attempt.fields.len()));
            text(no_text.as_deref().unwrap_or_default());
            text(&attempt.problem);
            text(&attempt.response);
            attempt.references.iter().for_each(|reference| text(reference));
            for field in &attempt.fields {
                text(&field.name);
                text(&field.value);
            }
        }
    }
    sum.finish()
}
