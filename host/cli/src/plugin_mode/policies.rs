//! Records of progress to mixtures and step plans.
//!
//! A policy may remember, so records go to it one at a time, in order.

use anyhow::Result;
use octo_data::row::Row;
use octo_plugin::types::{DataSource, Progress, StepPlan};
use octo_plugin::{Failure, Memory, MixturePolicy, Record as CaseRecord, RolloutSchedule};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::chunks::{self, Entry, Place, Record};
use super::columns::{Columns, kind};
use super::summary::Summary;
use super::{Failed, Session, progress};

/// Columns that `--map` can name.
pub const COLUMNS: [&str; 6] = ["id", "stage", "step", "total_steps", "tokens", "total_tokens"];

impl Record for Progress {
    fn bytes(&self) -> usize {
        self.stage.len() + 64 * self.metrics.len()
    }
}

impl Record for (Progress, Vec<DataSource>) {
    fn bytes(&self) -> usize {
        self.0.bytes() + 64 * self.1.len()
    }
}

/// A data source as a record names it; the spelling of the contract is read as well.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceColumns {
    name: String,
    #[serde(default, alias = "tokens-available")]
    tokens_available: u64,
    #[serde(default, alias = "tokens-seen")]
    tokens_seen: u64,
    #[serde(default)]
    loss: Option<f64>,
}

#[derive(Serialize)]
struct Answer<'a, A> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    #[serde(flatten)]
    answer: A,
}

#[derive(Serialize)]
struct Weights {
    #[serde(serialize_with = "in_order")]
    weights: Vec<(String, f64)>,
}

/// The weights as an object, in the order of the sources.
fn in_order<S: Serializer>(weights: &[(String, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(weights.len()))?;
    for (name, weight) in weights {
        map.serialize_entry(name, weight)?;
    }
    map.end()
}

#[derive(Serialize)]
struct Plan {
    max_response_tokens: u32,
    temperature: f64,
    top_p: f64,
}

/// Prints one object of weights a line.
pub fn run_mixture(mut policy: MixturePolicy, session: Session) -> Result<Summary> {
    let read = |columns: &Columns, record: &Row| Ok((progress(columns, record)?, sources(record)?));
    run(session, "mixture", "Mixed", read, |(at, sources): (Progress, Vec<DataSource>)| {
        match policy.weights(&at, &sources) {
            Ok(weights) => {
                Ok(Weights { weights: sources.into_iter().map(|source| source.name).zip(weights).collect() })
            }
            // A call that fails leaves the memory as it was before it.
            Err(failure) => {
                let memory = remembered(policy.memory());
                Err((failure, Box::new(CaseRecord::Mixture { memory, at, sources })))
            }
        }
    })
}

/// Prints one step plan a line.
pub fn run_schedule(mut schedule: RolloutSchedule, session: Session) -> Result<Summary> {
    run(session, "schedule", "Planned", progress, |at: Progress| match schedule.plan(&at) {
        Ok(StepPlan { max_response_tokens, temperature, top_p }) => {
            Ok(Plan { max_response_tokens, temperature, top_p })
        }
        Err(failure) => {
            let memory = remembered(schedule.memory());
            Err((failure, Box::new(CaseRecord::Schedule { memory, at })))
        }
    })
}

fn remembered(memory: Option<&[u8]>) -> Memory {
    Memory(memory.map(<[u8]>::to_vec))
}

fn run<T: Record, A: Serialize>(
    session: Session,
    of: &'static str,
    verb: &'static str,
    read: impl Fn(&Columns, &Row) -> Result<T, String> + Send + 'static,
    mut ask: impl FnMut(T) -> Result<A, (Failure, Box<CaseRecord>)>,
) -> Result<Summary> {
    let Session { input, columns, strict, mut answers, mut failures, terminal, stop } = session;
    let mut summary = Summary::start(&terminal, &input.name, of, (verb, "steps"), &[]);
    let read = move |record: &Row, _: Place<'_>| Ok((columns.id(record), read(&columns, record)?));
    let lines = chunks::for_each(input, strict, &terminal, &stop, read, |chunk| {
        let length = chunk.len();
        for Entry { file, line, id, record, .. } in chunk {
            match ask(record) {
                Ok(answer) => answers.write(file.as_deref(), &Answer { line, id: id.as_ref(), answer })?,
                Err((failure, case)) => {
                    summary.count_failure(&failure);
                    answers.write(file.as_deref(), &Failed::new(line, id.as_ref(), &failure))?;
                    failures.save(line, id.as_ref(), &failure, || *case)?;
                }
            }
        }
        summary.advance(length);
        answers.flush()
    })?;
    failures.report();
    Ok(summary.finish(lines))
}

fn sources(record: &Row) -> Result<Vec<DataSource>, String> {
    let found = record.value_of("sources")?;
    let sources = match &found {
        Some(Value::Array(sources)) if !sources.is_empty() => sources,
        Some(Value::Array(_)) => return Err("`sources` is an empty list".to_owned()),
        Some(other) => return Err(format!("`sources` is {}, not a list", kind(other))),
        None => return Err("`sources` is missing: a list of {name, tokens_available, tokens_seen, loss}".to_owned()),
    };
    sources
        .iter()
        .enumerate()
        .map(|(index, source)| {
            let SourceColumns { name, tokens_available, tokens_seen, loss } =
                SourceColumns::deserialize(source).map_err(|error| format!("source {}: {error}", index + 1))?;
            Ok(DataSource { name, tokens_available, tokens_seen, loss })
        })
        .collect()
}
