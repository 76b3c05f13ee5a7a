//! Which column of a record is what: `--map` and `--fields`, applied to one line.
//!
//! Errors are whole sentences about one line; whoever reads the line adds its number.

use std::str::FromStr;

use anyhow::{Result, bail};
use octo_data::field_map::FieldMap;
use octo_plugin::types::{Attempt, Field};
use serde_json::{Map, Value};

/// Finds what a plugin needs in the columns of a record.
pub struct Columns {
    map: FieldMap,
    fields: Vec<String>,
}

impl Columns {
    /// From the pairs of `--map`, each field one of `known`, and the columns of `--fields`.
    pub fn new(map: &[(String, String)], fields: &[String], known: &[&str]) -> Result<Columns> {
        for (index, (field, _)) in map.iter().enumerate() {
            if !known.contains(&field.as_str()) {
                bail!("--map {field}=…: this plugin has no use for `{field}`; it reads {}", known.join(", "));
            }
            if map[..index].iter().any(|(earlier, _)| earlier == field) {
                bail!("--map {field}=…: `{field}` is mapped twice");
            }
        }
        Ok(Columns { map: FieldMap::new(map.iter().cloned()), fields: fields.to_vec() })
    }

    /// The text or number in `field`; None where it is absent or null.
    pub fn text(&self, record: &Value, field: &str) -> Result<Option<String>, String> {
        let text = self.map.get(record, field);
        // Absent and null are the same; a list or an object where a text belongs is a mistake.
        if text.is_none() && self.raw(record, field).is_some_and(|value| value.is_array() || value.is_object()) {
            return Err(format!("{} is not a text or number", self.name(field)));
        }
        Ok(text)
    }

    /// The text or number in `field`.
    pub fn required(&self, record: &Value, field: &str) -> Result<String, String> {
        self.text(record, field)?.ok_or_else(|| self.missing(record, field))
    }

    /// The number in `field`, or `default` where it is absent or null.
    pub fn number<N: FromStr>(&self, record: &Value, field: &str, default: N) -> Result<N, String> {
        Ok(self.optional_number(record, field)?.unwrap_or(default))
    }

    /// The number in `field`; None where it is absent or null.
    pub fn optional_number<N: FromStr>(&self, record: &Value, field: &str) -> Result<Option<N>, String> {
        let Some(text) = self.text(record, field)? else {
            return Ok(None);
        };
        match text.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(format!("{} is {text:?}, not a number that it can be", self.name(field))),
        }
    }

    /// The record's id as it stands, to be given back with the answer.
    pub fn id(&self, record: &Value) -> Option<Value> {
        match self.raw(record, "id") {
            Some(Value::Null) => None,
            Some(value) => Some(value.clone()),
            None => self.map.get(record, "id").map(Value::String),
        }
    }

    /// The attempt that a verifier judges and a rollout holds.
    pub fn attempt(&self, record: &Value) -> Result<Attempt, String> {
        let response = self.required(record, "response")?;
        let references = self.map.references(record).ok_or_else(|| self.missing(record, "reference"))?;
        if references.is_empty() {
            return Err(format!("{} is an empty list; an attempt needs an accepted answer", self.name("reference")));
        }
        Ok(Attempt {
            problem: self.text(record, "problem")?.unwrap_or_default(),
            response,
            references,
            fields: self.fields(record),
        })
    }

    /// The columns of `--fields` that the record has.
    pub fn fields(&self, record: &Value) -> Vec<Field> {
        let plain = FieldMap::default();
        let value = |name: &str| {
            plain.get(record, name).or_else(|| match record.get(name) {
                None | Some(Value::Null) => None,
                Some(value) => Some(value.to_string()),
            })
        };
        self.fields.iter().filter_map(|name| value(name).map(|value| Field { name: name.clone(), value })).collect()
    }

    /// Whether `--fields` was given.
    pub fn picks_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// The record with every mapped column under the name it is mapped to.
    pub fn renamed(&self, record: &Value) -> Result<Value, String> {
        let Value::Object(columns) = record else {
            return Err(format!("a record is a JSON object; this is {}", kind(record)));
        };
        let mut columns = columns.clone();
        for (field, column) in self.map.columns() {
            let value = match columns.remove(column) {
                Some(value) => value,
                None => Value::String(self.required(record, field)?),
            };
            columns.insert(field.to_owned(), value);
        }
        Ok(Value::Object(columns))
    }

    fn raw<'a>(&self, record: &'a Value, field: &str) -> Option<&'a Value> {
        record.get(self.map.column(field))
    }

    /// `response`, or `response` (column `solution`) where it is mapped.
    fn name(&self, field: &str) -> String {
        if self.map.maps(field) {
            format!("`{field}` (column `{}`)", self.map.column(field))
        } else {
            format!("`{field}`")
        }
    }

    /// What to say of a record that lacks `field`.
    pub fn missing(&self, record: &Value, field: &str) -> String {
        let columns = match record {
            Value::Object(columns) if columns.is_empty() => {
                return format!("{} is missing: the object is empty", self.name(field));
            }
            Value::Object(columns) => columns,
            other => return format!("a record is a JSON object; this is {}", kind(other)),
        };
        let advice = if self.map.maps(field) { "" } else { "; --map names another column" };
        format!("{} is missing; the columns are {}{advice}", self.name(field), names(columns))
    }
}

/// The names of an object's keys, cut where they would fill the screen.
fn names(columns: &Map<String, Value>) -> String {
    const SHOWN: usize = 12;
    let mut text = columns.keys().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if columns.len() > SHOWN {
        text += &format!(" and {} more", columns.len() - SHOWN);
    }
    text
}

/// What a JSON value is, as a noun with its article.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
