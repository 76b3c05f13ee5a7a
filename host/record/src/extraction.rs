//! What became of crawled pages.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Why a page gave no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoDocument {
    /// The server's answer was not 200.
    Status,
    /// What the server sent is not HTML, by its own words.
    NotHtml,
    /// Nothing but white space was sent.
    EmptyBody,
    /// The body breaks off or its compression is damaged.
    BrokenBody,
    /// The page is longer than pages may be.
    TooLarge,
    /// Elements lie within each other deeper than they may.
    NestedTooDeeply,
    /// The page has no text, or none that is content.
    NoText,
    /// The row cannot be read, or the column of its page is no text.
    BadRow,
    /// The file breaks off here or is damaged; what comes after could not be read.
    BrokenFile,
}

/// Counts of an `extract` stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractionStatistics {
    /// Files that were read.
    pub files: u64,
    /// Records that hold a page or should.
    pub records: u64,
    /// Documents that came of them.
    pub documents: u64,
    /// Bytes of the documents' text.
    pub text_bytes: u64,
    /// Formulas in the documents.
    pub formulas: u64,
    /// Documents that have any formula.
    pub with_formulas: u64,
    /// Documents by year of the crawl; those without a year are under 0.
    pub years: BTreeMap<u16, u64>,
    /// Pages that gave no document, by reason.
    pub no_document: BTreeMap<NoDocument, u64>,
}

impl ExtractionStatistics {
    /// The kind of stage that writes them.
    pub const KIND: &'static str = "extract";

    /// Counts a document.
    pub fn count_document(&mut self, year: Option<u16>, text_bytes: u64, formulas: u64) {
        self.records += 1;
        self.documents += 1;
        self.text_bytes += text_bytes;
        self.formulas += formulas;
        self.with_formulas += u64::from(formulas > 0);
        *self.years.entry(year.unwrap_or(0)).or_default() += 1;
    }

    /// Counts a page that gave no document.
    pub fn count_none(&mut self, reason: NoDocument) {
        self.records += 1;
        *self.no_document.entry(reason).or_default() += 1;
    }

    /// Adds the counts of other pages.
    pub fn add(&mut self, other: &ExtractionStatistics) {
        self.files += other.files;
        self.records += other.records;
        self.documents += other.documents;
        self.text_bytes += other.text_bytes;
        self.formulas += other.formulas;
        self.with_formulas += other.with_formulas;
        for (year, count) in &other.years {
            *self.years.entry(*year).or_default() += count;
        }
        for (reason, count) in &other.no_document {
            *self.no_document.entry(*reason).or_default() += count;
        }
    }
}
