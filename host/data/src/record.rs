//! The two records everything is made of: documents to train on and problems to solve.

use crate::field_map::{FieldMap, text_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A text of a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct Document {
    /// Names the document; readers fill in "FILE:LINE" where the corpus has none.
    pub id: String,
    /// The text itself.
    pub text: String,
    /// Where it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The corpus or crawl it belongs to; empty where unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Year of the crawl or of publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
    /// Everything else, as text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// A problem with its accepted answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct Problem {
    /// Names the problem; readers fill in "FILE:LINE" where the data set has none.
    pub id: String,
    /// What is asked.
    pub problem: String,
    /// Answers, any one of which is right. Never empty in what a reader returns.
    pub references: Vec<String>,
    /// Columns handed over to plugins: those of the row's `fields` object and those that a map names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

impl Document {
    /// Reads a document from a row of a corpus. `text` is required. Columns that a document has no place for become
    /// fields (lists and objects as JSON), so nothing of the row is lost; those of a `fields` object win.
    ///
    /// The error says what is wrong with which column.
    pub fn from_value(row: Value, default_id: &str) -> Result<Document, String> {
        let Value::Object(row) = row else {
            return Err(format!("expected an object with a \"text\", found {}", kind(&row)));
        };
        let mut document = Document { id: default_id.to_string(), ..Document::default() };
        let mut text = None;
        let mut own_fields = None;
        for (name, value) in row {
            match (name.as_str(), value) {
                ("text", Value::String(found)) => text = Some(found),
                ("text", other) => return Err(format!("\"text\" is {}, not a text", kind(&other))),
                ("fields", value @ (Value::Object(_) | Value::Null)) => own_fields = Some(value),
                (_, Value::Null) => {}
                ("id", value) => {
                    document.id =
                        text_of(&value).ok_or_else(|| format!("\"id\" is {}, not a text or number", kind(&value)))?;
                }
                ("url", Value::String(url)) => document.url = Some(url),
                ("source", Value::String(source)) => document.source = source,
                ("year", value) => match year_of(&value) {
                    Some(year) => document.year = Some(year),
                    None => return Err(format!("\"year\" is {value}, not a year from 0 to 65535")),
                },
                (_, value) => {
                    document.fields.insert(name, field_text(value));
                }
            }
        }
        document.text = text.ok_or("the row has no \"text\"")?;
        if let Some(Value::Object(own)) = own_fields {
            add_fields(&mut document.fields, own);
        }
        Ok(document)
    }
}

impl TryFrom<Value> for Document {
    type Error = String;

    fn try_from(row: Value) -> Result<Document, String> {
        Document::from_value(row, "")
    }
}

impl Problem {
    /// Reads a problem from a row of a data set, its columns named by `map`: `id` (optional), `problem`, and
    /// `reference` or `references` (a text, a number or a list of them). Any other name that the map has becomes a
    /// field, as do the entries of the row's `fields` object; further columns are left alone.
    ///
    /// The error says which column is missing and which ones there are.
    pub fn from_value(row: &Value, map: &FieldMap, default_id: &str) -> Result<Problem, String> {
        let Value::Object(columns) = row else {
            return Err(format!("expected an object, found {}", kind(row)));
        };
        let missing = |name: &str| {
            let present: Vec<&str> = columns.keys().map(String::as_str).collect();
            format!(
                "no usable {:?} for {name}; the columns are: {}. Name the right one with a map, as in `{name}=COLUMN`",
                map.column(name),
                present.join(", ")
            )
        };
        let problem = map.get(row, "problem").ok_or_else(|| missing("problem"))?;
        let references = map.references(row).ok_or_else(|| missing("reference"))?;
        if references.is_empty() {
            return Err("the list of references is empty: every problem needs an accepted answer".into());
        }
        let mut fields = BTreeMap::new();
        if let Some(Value::Object(own)) = columns.get("fields") {
            add_fields(&mut fields, own.clone());
        }
        for (name, _) in map.columns() {
            if !["id", "problem", "reference", "references"].contains(&name) {
                let text = map.get(row, name).ok_or_else(|| missing(name))?;
                fields.insert(name.to_string(), text);
            }
        }
        Ok(Problem {
            id: match map.get(row, "id") {
                Some(id) => id,
                None if map.maps("id") => return Err(missing("id")),
                None => default_id.to_string(),
            },
            problem,
            references,
            fields,
        })
    }
}

impl TryFrom<Value> for Problem {
    type Error = String;

    fn try_from(row: Value) -> Result<Problem, String> {
        Problem::from_value(&row, &FieldMap::default(), "")
    }
}

fn add_fields(fields: &mut BTreeMap<String, String>, own: serde_json::Map<String, Value>) {
    for (name, value) in own {
        if !value.is_null() {
            fields.insert(name, field_text(value));
        }
    }
}

fn field_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => text_of(&other).unwrap_or_else(|| other.to_string()),
    }
}

fn year_of(value: &Value) -> Option<u16> {
    text_of(value).and_then(|text| text.trim().parse().ok())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_keeps_every_column_of_its_row() {
        let row = json!({
            "text": "t", "id": 7, "url": "u", "source": "web", "year": "2021", "dump": "CC-MAIN-2021-04",
            "score": 0.5, "labels": ["a", 1], "nothing": null, "fields": {"dump": "own", "extra": 3.0}
        });
        let document = Document::from_value(row, "file:1").unwrap();
        assert_eq!(document.id, "7");
        assert_eq!(document.year, Some(2021));
        let fields: Vec<(&str, &str)> =
            document.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(fields, [("dump", "own"), ("extra", "3"), ("labels", "[\"a\",1]"), ("score", "0.5")]);
        let again: Document = serde_json::from_str(&serde_json::to_string(&document).unwrap()).unwrap();
        assert_eq!(again, document);
    }

    #[test]
    fn a_row_that_is_no_document_says_why() {
        for (row, part) in [
            (json!([1]), "a list"),
            (json!({"id": "a"}), "no \"text\""),
            (json!({"text": null}), "null"),
            (json!({"text": 5}), "a number"),
            (json!({"text": "t", "year": 70000}), "70000"),
            (json!({"text": "t", "id": {}}), "\"id\""),
        ] {
            let error = Document::from_value(row, "").unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(Document::from_value(json!({"text": "t"}), "f:3").unwrap().id, "f:3");
    }

    #[test]
    fn a_problem_reads_mapped_columns_and_says_which_is_missing() {
        let row = json!({"Body": "Seven apples.", "Question": "How many?", "Answer": 7.0, "level": {"of": 2}});
        let map = FieldMap::parse("problem=Body+Question,reference=Answer,level=level.of").unwrap();
        let problem = Problem::from_value(&row, &map, "svamp:1").unwrap();
        assert_eq!(problem.problem, "Seven apples. How many?");
        assert_eq!(problem.references, ["7"]);
        assert_eq!(problem.id, "svamp:1");
        assert_eq!(problem.fields["level"], "2");
        let error = Problem::from_value(&row, &FieldMap::default(), "").unwrap_err();
        assert!(error.contains("Body") && error.contains("problem=COLUMN"), "{error}");
        let error = Problem::from_value(&json!({"problem": "p", "references": []}), &FieldMap::default(), "");
        assert!(error.unwrap_err().contains("empty"));
        let again: Problem = serde_json::from_str(&serde_json::to_string(&problem).unwrap()).unwrap();
        assert_eq!(again, problem);
    }
}
