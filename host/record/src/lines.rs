//! Files of one record per line.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The records of a file, and how many of its lines are not records.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines<T> {
    /// In the order of the file.
    pub records: Vec<T>,
    /// Lines that were left out: cut by a kill, still being written, or damaged.
    pub damaged: u64,
}

/// Reads a file of one record per line. A stage that is at work may be writing the last line, and a kill may have cut
/// it; so a line that is not a record is left out and counted.
pub fn read_lines<T: DeserializeOwned>(text: &[u8]) -> Lines<T> {
    let mut lines = Lines { records: Vec::new(), damaged: 0 };
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        match serde_json::from_slice(line) {
            Ok(record) => lines.records.push(record),
            Err(_) => lines.damaged += 1,
        }
    }
    lines
}

/// A line of the `metrics.jsonl` of any stage, for readers that take every number and need not know the stage's kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AnyRecord {
    /// Steps done when it was written.
    pub step: u64,
    /// When it was written, in seconds since 1970, where the record says so.
    #[serde(default)]
    pub time: Option<f64>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl AnyRecord {
    /// Every number of the record by its name, in alphabetical order at every level; those of an object inside it as
    /// `outer/inner`. `step` and `time` are not among them.
    pub fn numbers(&self) -> impl Iterator<Item = (String, f64)> {
        let mut found = Vec::new();
        numbers_of("", &self.fields, &mut found);
        found.into_iter()
    }
}

fn numbers_of(outer: &str, fields: &Map<String, Value>, into: &mut Vec<(String, f64)>) {
    for (key, value) in fields {
        let name = if outer.is_empty() { key.clone() } else { format!("{outer}/{key}") };
        match value {
            Value::Number(number) => into.extend(number.as_f64().map(|number| (name, number))),
            Value::Object(fields) => numbers_of(&name, fields, into),
            _ => {}
        }
    }
}

/// A line of the `metrics.jsonl` of a run: a record of one of its stages, with the stage's `stage` and `kind` among its
/// keys, which are in alphabetical order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RunLine {
    fields: BTreeMap<String, Value>,
}

impl RunLine {
    /// The line of `record`, a line of the `metrics.jsonl` of the stage `stage`; none where it is not a record.
    pub fn new(stage: &str, kind: &str, record: &str) -> Option<RunLine> {
        let mut fields = BTreeMap::from([("stage".to_owned(), stage.into()), ("kind".to_owned(), kind.into())]);
        fields.extend(serde_json::from_str::<BTreeMap<String, Value>>(record).ok()?);
        Some(RunLine { fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_a_record_is_left_out_and_counted() {
        let text = "{\"step\":1,\"loss\":2.5}\nno\n\n{\"loss\":2.0}\n{\"step\":2,\"lo";
        let lines = read_lines::<AnyRecord>(text.as_bytes());
        let steps: Vec<u64> = lines.records.iter().map(|record| record.step).collect();
        assert_eq!((steps, lines.damaged), (vec![1], 3));
    }

    #[test]
    fn numbers_are_named_by_their_path() {
        let record = serde_json::json!({
            "step": 3, "time": 1.0, "loss": 2, "skipped": "why", "mixture": {"web": 0.5, "deep": {"er": 1.5}}, "no": null
        });
        let record: AnyRecord = serde_json::from_value(record).expect("a record");
        let wanted = [("loss", 2.0), ("mixture/deep/er", 1.5), ("mixture/web", 0.5)];
        assert_eq!((record.step, record.time), (3, Some(1.0)));
        assert_eq!(record.numbers().collect::<Vec<_>>(), wanted.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn the_line_of_a_run_has_its_stage_and_kind_among_its_keys() {
        let line = RunLine::new("short", "midtrain", "{\"loss\":2.50,\"step\":1,\"tokens\":64}").expect("a record");
        let text = serde_json::to_string(&line).expect("writes");
        assert_eq!(text, "{\"kind\":\"midtrain\",\"loss\":2.5,\"stage\":\"short\",\"step\":1,\"tokens\":64}");
        assert_eq!(RunLine::new("short", "midtrain", "{\"loss\":2."), None);
        assert_eq!(RunLine::new("short", "midtrain", "[1]"), None);
    }
}
