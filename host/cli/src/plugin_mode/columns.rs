//! Which column of a record is what: `--map` and `--fields`, applied to one row.
//!
//! Errors are whole sentences about one row; whoever reads the row adds its number.

use std::str::FromStr;

use anyhow::{Result, bail};
use octo_data::field_map::{FieldMap, Found};
use octo_data::json::Json;
use octo_data::row::Row;
use octo_data::rows::Wanted;
use octo_plugin::types::{Attempt, Field, Outcome, Verdict};
use serde_json::Value;

/// The most bytes that the responses of one record may repeat of what they share.
const MOST_REPEATED: usize = 256 << 20;

/// Finds what a plugin needs in the columns of a record.
pub struct Columns {
    map: FieldMap,
    fields: Vec<String>,
}

/// One response of a record, as an attempt.
pub struct Response {
    /// Its place among the responses of the record, from 0; None where the column names one response.
    pub index: Option<usize>,
    /// The response is empty where it is not a text.
    pub attempt: Attempt,
    /// Why there is no text to judge: "`response` is null".
    pub no_text: Option<String>,
}

impl Response {
    /// The verdict on a response that has no text: there is no answer in it, whatever the plugin would say.
    pub fn verdict(&self) -> Option<Verdict> {
        let reason = self.no_text.clone()?;
        Some(Verdict { outcome: Outcome::NoAnswer, extracted: None, reason })
    }
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

    /// The columns that are looked at for `known`, for a file that holds its columns apart.
    pub fn wanted(&self, known: &[&str]) -> Wanted {
        Wanted::fields(&self.map, known).and(&["metrics"]).and(&self.fields)
    }

    /// The map of `--map`.
    pub fn map(&self) -> &FieldMap {
        &self.map
    }

    /// The text or number in `field`; None where it is absent or null.
    pub fn text(&self, record: &Row, field: &str) -> Result<Option<String>, String> {
        self.map.text(record, field)
    }

    /// The text or number in `field`.
    pub fn required(&self, record: &Row, field: &str) -> Result<String, String> {
        self.text(record, field)?.ok_or_else(|| self.missing(record, field))
    }

    /// The number in `field`, or `default` where it is absent or null.
    pub fn number<N: FromStr>(&self, record: &Row, field: &str, default: N) -> Result<N, String> {
        Ok(self.optional_number(record, field)?.unwrap_or(default))
    }

    /// The number in `field`; None where it is absent or null.
    pub fn optional_number<N: FromStr>(&self, record: &Row, field: &str) -> Result<Option<N>, String> {
        let Some(text) = self.text(record, field)? else {
            return Ok(None);
        };
        match text.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => {
                let shown = octo_data::error::quoted(&text);
                Err(format!("{} is {shown}, not a number that it can be", self.map.shown(field)))
            }
        }
    }

    /// The record's id as it stands, to be given back with the answer. A number that 64 bits do not hold is given back as
    /// a text of its digits.
    pub fn id(&self, record: &Row) -> Option<Value> {
        match self.map.find(record, "id") {
            Ok(Some(Found::One(Json::Null))) | Err(_) => None,
            Ok(Some(Found::One(value))) => Some(value.to_exact_value()),
            Ok(Some(Found::Each(values))) => Some(values.into_iter().map(Json::to_exact_value).collect()),
            Ok(None) => self.map.text(record, "id").ok().flatten().map(Value::String),
        }
    }

    /// The attempts of a record: one, or where the column of the response has a `*` in it one per item.
    ///
    /// A response that is null, a list or an object is an attempt without an answer. A record without the column, without a
    /// reference, or with an empty list of responses is an error.
    pub fn attempts(&self, record: &Row) -> Result<Vec<Response>, String> {
        let shown = self.map.shown("response");
        let joined;
        let (values, several) = match self.map.find(record, "response")? {
            Some(Found::One(value)) => (vec![value], false),
            Some(Found::Each(values)) if values.is_empty() => return Err(format!("{shown} is an empty list")),
            Some(Found::Each(values)) => (values, true),
            // Several columns joined, or none.
            None => {
                joined = Json::Text(self.required(record, "response")?);
                (vec![&joined], false)
            }
        };
        let references = match self.map.references(record)? {
            None => return Err(self.missing(record, "reference")),
            Some(references) if references.is_empty() => {
                let shown = self.map.shown("reference");
                return Err(format!("{shown} is an empty list; an attempt needs an accepted answer"));
            }
            Some(references) => references,
        };
        let problem = self.text(record, "problem")?.unwrap_or_default();
        let fields = self.fields(record)?;
        // Each response is an attempt with a problem, references and fields of its own.
        let fields_bytes: usize = fields.iter().map(|field| field.name.len() + field.value.len()).sum();
        let shared = problem.len() + references.iter().map(String::len).sum::<usize>() + fields_bytes;
        if shared.saturating_mul(values.len() - 1) > MOST_REPEATED {
            return Err(format!(
                "{shown} is {} responses, and what they share is too long to be held for each: more than {} MiB in all",
                values.len(),
                MOST_REPEATED >> 20
            ));
        }
        let response = |(index, value): (usize, &Json)| {
            let text = value.text();
            let no_text = match &text {
                Some(_) => None,
                None if several => Some(format!("item {index} of {shown} is {}", value.kind())),
                None => Some(format!("{shown} is {}", value.kind())),
            };
            let (problem, references, fields) = (problem.clone(), references.clone(), fields.clone());
            let attempt = Attempt { problem, response: text.unwrap_or_default(), references, fields };
            Response { index: several.then_some(index), attempt, no_text }
        };
        Ok(values.into_iter().enumerate().map(response).collect())
    }

    /// The attempt of a record that has one response.
    pub fn attempt(&self, record: &Row) -> Result<Response, String> {
        let mut attempts = self.attempts(record)?;
        match (attempts.pop(), attempts.len()) {
            (Some(only), 0) => Ok(only),
            (_, more) => {
                Err(format!("{} is {} responses, and this plugin takes one", self.map.shown("response"), more + 1))
            }
        }
    }

    /// The columns of `--fields` that the record has; lists and objects as JSON.
    pub fn fields(&self, record: &Row) -> Result<Vec<Field>, String> {
        let plain = FieldMap::default();
        let mut fields = Vec::new();
        for name in &self.fields {
            let value = match plain.find(record, name)? {
                None => plain.text(record, name)?,
                Some(Found::One(Json::Null)) => None,
                Some(Found::One(value)) => Some(value.text().unwrap_or_else(|| value.to_string())),
                Some(Found::Each(values)) => Some(Json::List(values.into_iter().cloned().collect()).to_string()),
            };
            fields.extend(value.map(|value| Field { name: name.clone(), value }));
        }
        Ok(fields)
    }

    /// Whether `--fields` was given.
    pub fn picks_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// What to say of a record in which `field` is absent or null.
    pub fn missing(&self, record: &Row, field: &str) -> String {
        let shown = self.map.shown(field);
        if matches!(self.map.find(record, field), Ok(Some(_))) {
            return format!("{shown} is null");
        }
        if record.is_empty() {
            return format!("{shown} is missing: the object is empty");
        }
        let advice = if self.map.maps(field) { "" } else { "; --map names another column" };
        format!("{shown} is missing; the columns are {}{advice}", record.shown_names())
    }
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
