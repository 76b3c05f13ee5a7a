//! What the pipeline asks of a filter, and how a decision changes a document.

use octo_data::record;
use octo_plugin::types::{Decision, Document, Field};
use octo_plugin::{DataFilter, Failure};

/// Decides on documents. A decision may depend on its document alone, never on its neighbours.
pub trait Filter: Sync {
    /// One decision or failure per document, in their order.
    fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>>;
}

impl Filter for DataFilter {
    fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
        DataFilter::filter(self, documents)
    }
}

/// The document as plugins see it, its fields by name.
pub(crate) fn to_plugin(document: record::Document) -> Document {
    Document {
        id: document.id,
        text: document.text,
        url: document.url,
        source: document.source,
        year: document.year,
        fields: document.fields.into_iter().map(|(name, value)| Field { name, value }).collect(),
    }
}

/// The document as shards keep it.
pub(crate) fn to_record(document: Document) -> record::Document {
    record::Document {
        id: document.id,
        text: document.text,
        url: document.url,
        source: document.source,
        year: document.year,
        fields: document.fields.into_iter().map(|field| (field.name, field.value)).collect(),
    }
}

/// Adds `fields` to those of `document`; one of a name that is there already takes its place.
pub(crate) fn annotate(document: &mut Document, fields: Vec<Field>) {
    for field in fields {
        match document.fields.iter_mut().find(|own| own.name == field.name) {
            Some(own) => own.value = field.value,
            None => document.fields.push(field),
        }
    }
}
