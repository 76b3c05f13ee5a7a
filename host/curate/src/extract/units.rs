//! Many files side by side, in [units](crate::units) of work; within a unit, pages are extracted side by side and written
//! in the order in which they stand.

use super::records::{Body, Record, Records};
use super::sources::{Columns, Source};
use super::{PageLimits, page, sources};
use crate::pipeline::Done;
use crate::units::{FOLDER, Outputs, Ran, Setting, Stopped, Unit, Units};
use octo_data::rows::parts::Place;
use octo_data::{DataError, atomic, record};
use octo_record::layout::{DEAD_LETTER, DOCUMENTS, STATISTICS};
use octo_record::{ExtractionStatistics, NoDocument};
use rayon::prelude::*;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Pages of a unit that are held at once, and the bytes that end them early.
const CHUNK_PAGES: usize = 256;
const CHUNK_BYTES: usize = 16 << 20;

/// What is extracted, and how the work is shared out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtractOptions {
    /// What a page may cost.
    pub limits: PageLimits,
    /// Which columns of tables hold pages; without it a table is an error.
    pub columns: Option<Columns>,
    /// How the units of work are done: whether those of an earlier call count, and which are done.
    pub units: Setting,
}

/// Why an extraction ended before its output was written. Units that were done are kept where [`Setting::key`] is given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The stop flag was raised.
    #[error("stopped before the end")]
    Stopped,
    /// The shard's units are done. Whoever runs without a shard after all others are done writes the output.
    #[error("the units of the shard are done, and {units} of others are left")]
    Left {
        /// Units that others have to do.
        units: usize,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl From<Stopped> for ExtractError {
    fn from(_: Stopped) -> ExtractError {
        ExtractError::Stopped
    }
}

/// A page that gave no document, with its place.
#[derive(Serialize)]
struct NotKept<'a> {
    file: &'a str,
    record: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    reason: NoDocument,
}

/// Extracts the pages of `inputs`, of which folders stand for the HTML files in them, into [`DOCUMENTS`], [`DEAD_LETTER`] and [`STATISTICS`] in the folder `out`.
///
/// Work is done on rayon's current pool. `stop` is looked at between chunks of pages; the unit that it interrupts is done
/// again by the next run. `progress` is called with the pages so far and the files' bytes that are done, by one thread at
/// a time.
///
/// # Errors
/// [`ExtractError`]. A page that cannot be used is not an error: it is counted, and named among the dead letters.
pub fn extract(
    inputs: &[PathBuf],
    out: &Path,
    options: &ExtractOptions,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<ExtractionStatistics, ExtractError> {
    let sources = sources(inputs)?;
    let paths: Vec<PathBuf> = sources.iter().map(|source| source.path.clone()).collect();
    let cut = |place: usize, wanted: u64| sources.get(place).map_or(Ok(Vec::new()), |source| source.parts(wanted));
    let units = Units::new(&paths, &cut, (out, FOLDER), &[DOCUMENTS, DEAD_LETTER], &options.units)?;
    let done = Done::new(progress);
    let work = |unit: &Unit, outputs: &mut Outputs, ends: &(dyn Fn() -> bool + Sync)| -> Result<_, ExtractError> {
        let mut statistics = ExtractionStatistics::default();
        for part in &unit.parts {
            let Some(source) = sources.get(part.input) else { continue };
            let mut of_file = OneFile { source, options, done: &done, statistics: &mut statistics, outputs };
            of_file.work(&part.part.place, ends)?;
            statistics.files += u64::from(part.begins_its_file());
            done.add(0, part.part.bytes);
        }
        Ok(statistics)
    };
    let known = |unit: &Unit, statistics: &ExtractionStatistics| done.add(statistics.records, unit.bytes());
    match units.run::<_, ExtractError>(stop, &work, &known)? {
        Ran::Left(units) => return Err(ExtractError::Left { units }),
        Ran::All if options.units.shard.is_some() => return Err(ExtractError::Left { units: 0 }),
        Ran::All => {}
    }
    if stop.load(Ordering::Relaxed) {
        return Err(ExtractError::Stopped);
    }
    let mut total = ExtractionStatistics::default();
    units.counts(|counted| total.add(&counted))?;
    units.join(|| {
        let path = out.join(STATISTICS);
        let text = octo_record::to_json(&total).map_err(|error| DataError::file("write", &path, error.into()))?;
        atomic::write(&path, &text)
    })?;
    Ok(total)
}

/// The work on what a unit has of a file.
struct OneFile<'a, 'b> {
    source: &'a Source,
    options: &'a ExtractOptions,
    done: &'a Done<'b>,
    statistics: &'a mut ExtractionStatistics,
    outputs: &'a mut Outputs,
}

impl OneFile<'_, '_> {
    fn work(&mut self, place: &Place, ends: &(dyn Fn() -> bool + Sync)) -> Result<(), ExtractError> {
        let file = &self.source.name;
        let mut records = Records::open_part(self.source, place, self.options.limits, self.options.columns.as_ref())?;
        loop {
            let chunk = next_chunk(&mut records);
            if chunk.is_empty() {
                return Ok(());
            }
            if ends() {
                return Err(ExtractError::Stopped);
            }
            let pages = chunk.len() as u64;
            let found: Vec<_> = chunk.into_par_iter().map(|record| found(record, file)).collect();
            for (number, url, year, found) in found {
                match found {
                    Ok(document) => {
                        self.outputs.write(DOCUMENTS, &document)?;
                        let formulas = document.fields.get("formulas").and_then(|count| count.parse().ok());
                        self.statistics.count_document(year, document.text.len() as u64, formulas.unwrap_or(0));
                    }
                    Err(reason) => {
                        if reason == NoDocument::BrokenFile {
                            tracing::warn!(
                                "{file} breaks off or is damaged at record {number}; what comes after is not read"
                            );
                        }
                        let line = NotKept { file, record: number, url: url.as_deref(), reason };
                        self.outputs.write(DEAD_LETTER, &line)?;
                        self.statistics.count_none(reason);
                    }
                }
            }
            self.done.add(pages, 0);
        }
    }
}

/// The next pages of a file; empty at its end.
fn next_chunk(records: &mut Records) -> Vec<Record> {
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    while chunk.len() < CHUNK_PAGES && bytes < CHUNK_BYTES {
        let Some(record) = records.next() else { break };
        bytes += record.page.as_ref().map_or(0, |page| match &page.body {
            Body::Html(html) => html.len(),
            Body::Text(text) => text.len(),
        });
        chunk.push(record);
    }
    chunk
}

type Found = (u64, Option<String>, Option<u16>, Result<record::Document, NoDocument>);

/// What came of a record, with its number, its place on the web and its year.
fn found(Record { number, url, page }: Record, file: &str) -> Found {
    let year = page.as_ref().ok().and_then(super::Page::year);
    (number, url, year, page.and_then(|page| document(page, &format!("{file}:{number}"))))
}

/// The document of a page. `id` names it: the file and the record.
fn document(page_of: super::Page, id: &str) -> Result<record::Document, NoDocument> {
    let year = page_of.year();
    let mut document = record::Document { id: id.to_owned(), url: page_of.url, year, ..record::Document::default() };
    let mut field = |name: &str, value: String| {
        if !value.is_empty() {
            document.fields.insert(name.to_owned(), value);
        }
    };
    field("date", page_of.date.unwrap_or_default());
    field("record", page_of.record.unwrap_or_default());
    match page_of.body {
        Body::Text(text) => document.text = text,
        Body::Html(html) => {
            let found = page(&html, page_of.charset.as_deref())?;
            field("charset", found.charset.to_owned());
            field("title", found.title);
            field("html_lang", found.language);
            field("formulas", found.formulas.to_string());
            document.text = found.text;
        }
    }
    Ok(document)
}
