//! Documents to decisions.

use anyhow::Result;
use octo_data::row::Row;
use octo_plugin::types::{Decision, Document, Field};
use octo_plugin::{DataFilter, Record as CaseRecord};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::chunks::{self, Place, Record};
use super::columns::Columns;
use super::summary::Summary;
use super::{Failed, Session};

/// Columns that `--map` can name.
pub const COLUMNS: [&str; 5] = ["id", "text", "url", "source", "year"];

const DECISIONS: [&str; 4] = ["keep", "annotate", "rewrite", "drop"];

impl Record for Document {
    fn bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|field| field.name.len() + field.value.len()).sum();
        self.text.len() + fields
    }
}

/// A decision as it is printed.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    pub(super) decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "in_order")]
    fields: Option<&'a [Field]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(line: u64, id: Option<&'a Value>, decision: &'a Decision) -> Answer<'a> {
        let (decision, reason, fields, text) = match decision {
            Decision::Keep => ("keep", None, None, None),
            Decision::Annotate(fields) => ("annotate", None, Some(fields.as_slice()), None),
            Decision::Rewrite(to) => ("rewrite", None, Some(to.fields.as_slice()), Some(to.text.as_str())),
            Decision::Drop(reason) => ("drop", Some(reason.as_str()), None, None),
        };
        Answer { line, id, decision, reason, fields, text }
    }
}

/// The fields as an object, in the plugin's order.
fn in_order<S: Serializer>(fields: &Option<&[Field]>, serializer: S) -> Result<S::Ok, S::Error> {
    let fields = fields.unwrap_or_default();
    let mut map = serializer.serialize_map(Some(fields.len()))?;
    for field in fields {
        map.serialize_entry(&field.name, &field.value)?;
    }
    map.end()
}

/// Prints one decision a line.
pub fn run(filter: DataFilter, session: Session) -> Result<Summary> {
    let Session { input, columns, strict, mut answers, mut failures, terminal, stop } = session;
    let mut summary = Summary::start(&terminal, &input.name, "filter", ("Filtered", "documents"), &DECISIONS);
    let read = move |record: &Row, place: Place<'_>| Ok((columns.id(record), read_document(&columns, record, place)?));
    let lines = chunks::for_each(input, strict, &terminal, &stop, read, |chunk| {
        let (places, documents): (Vec<_>, Vec<_>) =
            chunk.into_iter().map(|entry| ((entry.file, entry.line, entry.id), entry.record)).unzip();
        for (((file, line, id), document), decision) in places.iter().zip(&documents).zip(filter.filter(&documents)) {
            match &decision {
                Ok(decision) => {
                    let answer = Answer::new(*line, id.as_ref(), decision);
                    summary.count(answer.decision);
                    answers.write(file.as_deref(), &answer)?;
                }
                Err(failure) => {
                    summary.count_failure(failure);
                    answers.write(file.as_deref(), &Failed::new(*line, id.as_ref(), failure))?;
                    failures.save(*line, id.as_ref(), failure, || CaseRecord::Filter(document.clone()))?;
                }
            }
        }
        summary.advance(places.len());
        answers.flush()
    })?;
    failures.report();
    Ok(summary.finish(lines))
}

/// The document of a record.
pub(super) fn read_document(columns: &Columns, record: &Row, place: Place<'_>) -> Result<Document, String> {
    let document = octo_data::record::Document::from_row(record, columns.map(), &place.line.to_string())?;
    let fields = if columns.picks_fields() {
        columns.fields(record)?
    } else {
        document.fields.into_iter().map(|(name, value)| Field { name, value }).collect()
    };
    Ok(Document {
        id: document.id,
        text: document.text,
        url: document.url,
        source: if document.source.is_empty() { place.file.to_owned() } else { document.source },
        year: document.year,
        fields,
    })
}
