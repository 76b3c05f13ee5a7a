//! The two records everything is made of: documents to train on and problems to solve.

use crate::error::quoted;
use crate::field_map::{FieldMap, Found};
use crate::json::Json;
use crate::row::Row;
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

/// The columns that a document has a place of its own for.
const DOCUMENT: [&str; 5] = ["id", "text", "url", "source", "year"];

impl Document {
    /// Reads a document from a row of a corpus, its columns named by `map`. `text` is required. Columns that a document
    /// has no place for become fields (lists and objects as JSON), so nothing of the row is lost; those of a `fields`
    /// object win.
    ///
    /// # Errors
    /// What is wrong with which column.
    pub fn from_row(row: &Row, map: &FieldMap, default_id: &str) -> Result<Document, String> {
        let mut document = Document { id: default_id.to_string(), ..Document::default() };
        document.text = match map.find(row, "text")? {
            Some(Found::One(Json::Text(text))) => text.clone(),
            Some(Found::One(other)) => return Err(format!("{} is {}, not a text", map.shown("text"), other.kind())),
            Some(Found::Each(_)) => return Err(format!("{} is several values, not a text", map.shown("text"))),
            None => map.text(row, "text")?.ok_or_else(|| missing(row, map, "text"))?,
        };
        if let Some(id) = map.text(row, "id")? {
            document.id = id;
        }
        let taken_text = |name: &str| match map.find(row, name) {
            Ok(Some(Found::One(Json::Text(text)))) => Some(text.clone()),
            _ => None,
        };
        document.url = taken_text("url");
        let source = taken_text("source");
        document.year = match map.find(row, "year")? {
            None | Some(Found::One(Json::Null)) => None,
            Some(found) => Some(year_of(&found).ok_or_else(|| {
                let written = match &found {
                    Found::One(value) => value.text().map_or(value.kind().to_owned(), |text| quoted(&text)),
                    Found::Each(_) => "several values".to_owned(),
                };
                format!("{} is {written}, not a year from 0 to 65535", map.shown("year"))
            })?),
        };
        let is_taken = |column: &str| {
            DOCUMENT.iter().any(|known| match *known {
                "url" if document.url.is_none() => false,
                "source" if source.is_none() => false,
                known => map.column(known) == column,
            })
        };
        let mut own_fields = None;
        let mut fields = BTreeMap::new();
        for (name, value) in row.all().filter(|(name, _)| !is_taken(name)) {
            let text = match value {
                Ok(Json::Null) => continue,
                Ok(Json::Object(own)) if name == "fields" => {
                    own_fields = Some(own);
                    continue;
                }
                Ok(value) => field_text(value),
                // Nobody has asked for this column: as it is written it costs the document nothing.
                Err(message) => row.as_written(name).ok_or(message)?,
            };
            if fields.insert(name.to_owned(), text).is_some() {
                return Err(format!("has two columns of the name {}; give each a name of its own", quoted(name)));
            }
        }
        document.fields = fields;
        document.source = source.unwrap_or_default();
        if let Some(own) = own_fields {
            add_fields(&mut document.fields, own);
        }
        Ok(document)
    }

    /// Bytes of text in it: what a reader counts to stay within its memory.
    pub fn bytes(&self) -> usize {
        let fields = self.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        self.text.len() + self.id.len() + self.source.len() + self.url.as_ref().map_or(0, String::len) + fields
    }
}

impl TryFrom<Value> for Document {
    type Error = String;

    fn try_from(row: Value) -> Result<Document, String> {
        Document::from_row(&object(row)?, &FieldMap::default(), "")
    }
}

impl Problem {
    /// Reads a problem from a row of a data set, its columns named by `map`: `id` (optional), `problem`, and
    /// `reference` or `references` (a text, a number or a list of them). Any other name that the map has becomes a
    /// field, as do the entries of the row's `fields` object; further columns are left alone.
    ///
    /// # Errors
    /// Which column is missing and which ones there are, or what is wrong with one.
    pub fn from_row(row: &Row, map: &FieldMap, default_id: &str) -> Result<Problem, String> {
        let problem = map.text(row, "problem")?.ok_or_else(|| missing(row, map, "problem"))?;
        let references = map.references(row)?.ok_or_else(|| missing(row, map, "reference"))?;
        if references.is_empty() {
            return Err("the list of references is empty: every problem needs an accepted answer".into());
        }
        let mut fields = BTreeMap::new();
        if let Some(Json::Object(own)) = row.get("fields")? {
            add_fields(&mut fields, own);
        }
        for (name, _) in map.columns() {
            if !["id", "problem", "reference", "references"].contains(&name) {
                let text = map.text(row, name)?.ok_or_else(|| missing(row, map, name))?;
                fields.insert(name.to_string(), text);
            }
        }
        Ok(Problem {
            id: match map.text(row, "id")? {
                Some(id) => id,
                None if map.maps("id") => return Err(missing(row, map, "id")),
                None => default_id.to_string(),
            },
            problem,
            references,
            fields,
        })
    }

    /// Reads a worked example: a problem whose field `solution` is the row's column of that name, where it has one and the
    /// map names no other.
    ///
    /// # Errors
    /// As [`Problem::from_row`], and where `solution` is a list or an object.
    pub fn example_from_row(row: &Row, map: &FieldMap, default_id: &str) -> Result<Problem, String> {
        let mut problem = Problem::from_row(row, map, default_id)?;
        if !problem.fields.contains_key("solution")
            && let Some(solution) = map.text(row, "solution")?
        {
            problem.fields.insert("solution".into(), solution);
        }
        Ok(problem)
    }
}

impl TryFrom<Value> for Problem {
    type Error = String;

    fn try_from(row: Value) -> Result<Problem, String> {
        Problem::from_row(&object(row)?, &FieldMap::default(), "")
    }
}

fn object(value: Value) -> Result<Row, String> {
    match &value {
        Value::Object(_) => Ok(Row::from(value)),
        other => Err(format!("a record is a JSON object; this is {}", Json::from(other.clone()).kind())),
    }
}

/// What to say of a row in which `name` is absent or null.
pub fn missing(row: &Row, map: &FieldMap, name: &str) -> String {
    let shown = map.shown(name);
    if matches!(map.find(row, name), Ok(Some(_))) {
        return format!("{shown} is null");
    }
    if row.is_empty() {
        return format!("{shown} is missing: the row has no columns");
    }
    let advice = if map.maps(name) { "" } else { &format!("; a map names another, as in `{name}=COLUMN`") };
    format!("{shown} is missing; the columns are {}{advice}", row.shown_names())
}

fn add_fields(fields: &mut BTreeMap<String, String>, own: &[(String, Json)]) {
    for (name, value) in own {
        if *value != Json::Null {
            fields.insert(name.clone(), field_text(value));
        }
    }
}

fn field_text(value: &Json) -> String {
    value.text().unwrap_or_else(|| value.to_string())
}

fn year_of(found: &Found<'_>) -> Option<u16> {
    match found {
        Found::One(value) => value.text()?.trim().parse().ok(),
        Found::Each(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(value: Value) -> Result<Document, String> {
        Document::from_row(&object(value)?, &FieldMap::default(), "file:1")
    }

    #[test]
    fn a_document_keeps_every_column_of_its_row() {
        let row = json!({
            "text": "t", "id": 7, "url": "u", "source": "web", "year": "2021", "dump": "CC-MAIN-2021-04",
            "score": 0.5, "labels": ["a", 1], "nothing": null, "fields": {"dump": "own", "extra": 3.0}
        });
        let document = document(row).unwrap();
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
            (json!({"id": "a"}), "`text` is missing; the columns are id"),
            (json!({"text": null}), "null"),
            (json!({"text": 5}), "a number"),
            (json!({"text": "t", "year": 70000}), "70000"),
            (json!({"text": "t", "id": {}}), "`id` is an object"),
        ] {
            let error = document(row).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(document(json!({"text": "t"})).unwrap().id, "file:1");
    }

    #[test]
    fn a_problem_reads_mapped_columns_and_says_which_is_missing() {
        let row =
            Row::from(json!({"Body": "Seven apples.", "Question": "How many?", "Answer": 7.0, "level": {"of": 2}}));
        let map = FieldMap::parse("problem=Body+Question,reference=Answer,level=level.of").unwrap();
        let problem = Problem::from_row(&row, &map, "svamp:1").unwrap();
        assert_eq!(problem.problem, "Seven apples. How many?");
        assert_eq!(problem.references, ["7"]);
        assert_eq!(problem.id, "svamp:1");
        assert_eq!(problem.fields["level"], "2");
        let error = Problem::from_row(&row, &FieldMap::default(), "").unwrap_err();
        assert!(error.contains("Body") && error.contains("problem=COLUMN"), "{error}");
        let error = Problem::from_row(&Row::from(json!({"problem": "p", "references": []})), &FieldMap::default(), "");
        assert!(error.unwrap_err().contains("empty"));
        let again: Problem = serde_json::from_str(&serde_json::to_string(&problem).unwrap()).unwrap();
        assert_eq!(again, problem);
    }
}
