//! Many files side by side: one unit of work per file, one shard per unit, and at the end the shards put together.
//!
//! A unit's shard lies in [`UNITS`] under its number, and beside it the counts of the unit, written after the shard: a unit
//! that has both is done, and is not done again by a run that resumes. The shards are joined in the order of the inputs,
//! so the output depends on the inputs alone: not on threads, and not on where a run was stopped.

use super::records::{Body, Record, Records};
use super::{PageLimits, page};
use octo_data::jsonl::JsonlWriter;
use octo_data::{DataError, atomic, record};
use octo_record::layout::{DEAD_LETTER, DOCUMENTS, STATISTICS};
use octo_record::{ExtractionStatistics, NoDocument};
use rayon::prelude::*;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The folder of units that are done, while not all are.
const UNITS: &str = "units";

/// Why an extraction ended early. Units that were done are kept, and the next run resumes after them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The stop flag was raised.
    #[error("stopped before the end; the files that were done are kept")]
    Stopped,
    /// A file cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
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

/// Extracts the pages of `inputs` into [`DOCUMENTS`], [`DEAD_LETTER`] and [`STATISTICS`] in the folder `out`.
///
/// Files are worked on side by side on rayon's current pool. `stop` is looked at before each page; what it interrupts is
/// done again by the next run. `progress` is called after each page with the pages so far and the files' bytes that are
/// done.
///
/// # Errors
/// [`ExtractError`]. A page that cannot be used is not an error: it is counted, and named among the dead letters.
pub fn extract(
    inputs: &[PathBuf],
    out: &Path,
    limits: PageLimits,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<ExtractionStatistics, ExtractError> {
    let units = out.join(UNITS);
    std::fs::create_dir_all(&units).map_err(|error| DataError::file("create", &units, error))?;
    let (pages, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
    let reporting = Mutex::new(());
    let report = |new_pages: u64, new_bytes: u64| {
        let pages = pages.fetch_add(new_pages, Ordering::Relaxed) + new_pages;
        let bytes = bytes.fetch_add(new_bytes, Ordering::Relaxed) + new_bytes;
        if let Ok(_one_at_a_time) = reporting.try_lock() {
            progress(pages, bytes);
        }
    };
    let counted: Vec<ExtractionStatistics> = inputs
        .par_iter()
        .enumerate()
        .map(|(number, input)| {
            let size = std::fs::metadata(input).map_or(0, |details| details.len());
            let unit = Unit { number, folder: &units };
            if let Some(done) = unit.done()? {
                report(done.records, size);
                return Ok(done);
            }
            let statistics = unit.work(input, limits, stop, &|| report(1, 0))?;
            report(0, size);
            Ok(statistics)
        })
        .collect::<Result<_, ExtractError>>()?;
    let mut total = ExtractionStatistics::default();
    for one in &counted {
        total.add(one);
    }
    join(inputs.len(), &units, out, DOCUMENTS)?;
    join(inputs.len(), &units, out, DEAD_LETTER)?;
    let path = out.join(STATISTICS);
    let text = octo_record::to_json(&total).map_err(|error| DataError::file("write", &path, error.into()))?;
    atomic::write(&path, &text)?;
    std::fs::remove_dir_all(&units).map_err(|error| DataError::file("remove", &units, error))?;
    Ok(total)
}

/// The work on one file.
struct Unit<'a> {
    number: usize,
    folder: &'a Path,
}

impl Unit<'_> {
    fn path(&self, name: &str) -> PathBuf {
        unit_path(self.folder, self.number, name)
    }

    /// The counts of a unit that an earlier run has done.
    fn done(&self) -> Result<Option<ExtractionStatistics>, DataError> {
        let path = self.path(STATISTICS);
        match std::fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DataError::file("read", &path, error)),
        }
    }

    fn work(
        &self,
        input: &Path,
        limits: PageLimits,
        stop: &AtomicBool,
        each: &dyn Fn(),
    ) -> Result<ExtractionStatistics, ExtractError> {
        let file =
            input.file_name().map_or_else(|| input.display().to_string(), |name| name.to_string_lossy().into_owned());
        let mut documents = JsonlWriter::create(&self.path(DOCUMENTS))?;
        let mut dead = JsonlWriter::create(&self.path(DEAD_LETTER))?;
        let mut statistics = ExtractionStatistics { files: 1, ..ExtractionStatistics::default() };
        for Record { number, url, page } in Records::open(input, limits)? {
            if stop.load(Ordering::Relaxed) {
                return Err(ExtractError::Stopped);
            }
            let year = page.as_ref().ok().and_then(super::Page::year);
            let found = page.and_then(|page| document(page, &format!("{file}:{number}")));
            match found {
                Ok(document) => {
                    documents.write(&document)?;
                    let formulas = document.fields.get("formulas").and_then(|count| count.parse().ok()).unwrap_or(0);
                    statistics.count_document(year, document.text.len() as u64, formulas);
                }
                Err(reason) => {
                    dead.write(&NotKept { file: &file, record: number, url: url.as_deref(), reason })?;
                    statistics.count_none(reason);
                }
            }
            each();
        }
        documents.finish()?;
        dead.finish()?;
        let path = self.path(STATISTICS);
        let text = octo_record::to_json(&statistics).map_err(|error| DataError::file("write", &path, error.into()))?;
        atomic::write(&path, &text)?;
        Ok(statistics)
    }
}

fn unit_path(folder: &Path, number: usize, name: &str) -> PathBuf {
    folder.join(format!("{number:06}-{name}"))
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
            field("formulas", found.formulas.to_string());
            document.text = found.text;
        }
    }
    Ok(document)
}

/// Puts the shards of one name together. Frames of zstd one after the other are a file of zstd.
fn join(units: usize, folder: &Path, out: &Path, name: &str) -> Result<(), DataError> {
    let path = out.join(name);
    let mut whole = atomic::AtomicFile::create(&path)?;
    for number in 0..units {
        let part = unit_path(folder, number, name);
        let mut shard = File::open(&part).map_err(|error| DataError::file("open", &part, error))?;
        io::copy(&mut shard, &mut whole).map_err(|error| DataError::file("write", &path, error))?;
    }
    whole.flush().map_err(|error| DataError::file("write", &path, error))?;
    whole.commit()
}
