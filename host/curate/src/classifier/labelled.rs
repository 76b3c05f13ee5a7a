//! Labelled documents, read once: what training and measuring need of each, and their prepared texts in a file.

use super::{ClassifierError, Settings, site::site};
use octo_data::DataError;
use octo_data::jsonl::{NO_ROWS, read_documents};
use octo_data::record::Document;
use octo_data::rows::faults::Faults;
use std::collections::HashMap;
use std::fs::File;
use std::hash::Hasher;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use twox_hash::XxHash64;

/// The file of prepared texts, gone when the stage is done.
const TEXTS: &str = "texts.tmp";
/// Bytes of the longest prepared text that is learnt from; the rest of a longer one is left out.
const LONGEST: usize = 1 << 26;

/// What is known of a labelled document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Example {
    /// Of its URL and text, by the seed.
    pub(super) hash: u64,
    pub(super) positive: bool,
    pub(super) held_out: bool,
    /// 0 where it has none.
    pub(super) year: u16,
    /// Bytes of its prepared text, and where this begins in the file.
    length: u32,
    at: u64,
}

pub(super) struct Labelled {
    examples: Vec<Example>,
    texts: File,
    path: PathBuf,
    pub(super) documents: u64,
    pub(super) bad_lines: u64,
    pub(super) unlabelled: u64,
    pub(super) sites: u64,
    pub(super) sites_held_out: u64,
}

impl Labelled {
    /// Reads `inputs`, and keeps prepared texts in a file in the folder `out`.
    pub(super) fn read(
        inputs: &[PathBuf],
        out: &Path,
        settings: &Settings,
        stop: &AtomicBool,
        progress: &dyn Fn(u64, f64),
    ) -> Result<Labelled, ClassifierError> {
        let path = out.join(TEXTS);
        std::fs::create_dir_all(out).map_err(|error| DataError::file("create the folder of", &path, error))?;
        let failed = |error| DataError::file("write", &path, error);
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).map_err(failed)?;
        let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |details| details.len());
        let total = inputs.iter().map(size).sum::<u64>().max(1);
        let mut writer = BufWriter::with_capacity(1 << 20, &file);
        let mut found = Found { seed: settings.seed, share: settings.held_out, ..Found::default() };
        let (mut at, mut bytes_before) = (0, 0);
        for input in inputs {
            let mut documents = read_documents(input)?;
            while let Some(document) = documents.next() {
                let document = match document {
                    Ok(document) => document,
                    Err(error) if settings.skip_bad_lines && error.is_one_line() => {
                        found.bad_lines += 1;
                        let (place, message) = error.place_and_message();
                        if let Some(said) = found.faults.add(&place, &message) {
                            tracing::warn!("skipped {said}");
                        }
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                found.documents += 1;
                if found.documents.is_multiple_of(1024) {
                    if stop.load(Ordering::Relaxed) {
                        return Err(ClassifierError::Stopped);
                    }
                    progress(found.documents, (bytes_before + documents.bytes_read()) as f64 / total as f64);
                }
                let Some(number) = number(&document, &settings.label_field) else {
                    found.unlabelled += 1;
                    continue;
                };
                let mut text = settings.preprocessing.apply(&document.text);
                shorten(&mut text);
                writer.write_all(text.as_bytes()).map_err(failed)?;
                let example = found.example(&document, number >= settings.positive_from, text.len() as u32, at);
                found.examples.push(example);
                at += text.len() as u64;
            }
            bytes_before += documents.bytes_read();
        }
        writer.flush().map_err(failed)?;
        drop(writer);
        found.faults.rest().iter().for_each(|line| tracing::warn!("skipped {line}"));
        if found.documents + found.bad_lines == 0 {
            let path = inputs.first().cloned().unwrap_or_default();
            return Err(DataError::Format { path, message: NO_ROWS.into() }.into());
        }
        // By their hash, whatever file they lie in; those of one hash are alike but for their place.
        found.examples.sort_unstable();
        Ok(Labelled {
            examples: found.examples,
            texts: file,
            path,
            documents: found.documents,
            bad_lines: found.bad_lines,
            unlabelled: found.unlabelled,
            sites: found.sites.len() as u64,
            sites_held_out: found.sites.values().filter(|held_out| **held_out).count() as u64,
        })
    }

    /// All of them, by their hash.
    pub(super) fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// The prepared text of an example.
    pub(super) fn text(&mut self, example: &Example) -> Result<String, DataError> {
        let failed = |error| DataError::file("read", &self.path, error);
        self.texts.seek(SeekFrom::Start(example.at)).map_err(failed)?;
        let mut bytes = vec![0; example.length as usize];
        self.texts.read_exact(&mut bytes).map_err(failed)?;
        String::from_utf8(bytes).map_err(|error| failed(std::io::Error::other(error)))
    }

    /// Removes the file of prepared texts.
    pub(super) fn remove(self) -> Result<(), DataError> {
        std::fs::remove_file(&self.path).map_err(|error| DataError::file("remove", &self.path, error))
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    seed: u64,
    share: f64,
    examples: Vec<Example>,
    /// Hashes of sites, and whether they are held out.
    sites: HashMap<u64, bool>,
    documents: u64,
    bad_lines: u64,
    unlabelled: u64,
    faults: Faults,
}

impl Found {
    fn example(&mut self, document: &Document, positive: bool, length: u32, at: u64) -> Example {
        let hash = hash(self.seed, &[document.url.as_deref().unwrap_or_default(), &document.text]);
        // A document without a URL is a site of its own.
        let site = match document.url.as_deref().and_then(site) {
            Some(site) => XxHash64::oneshot(self.seed, site.as_bytes()),
            None => XxHash64::oneshot(self.seed ^ 1, &hash.to_le_bytes()),
        };
        let held_out = (site as f64) < self.share * u64::MAX as f64;
        self.sites.insert(site, held_out);
        Example { hash, positive, held_out, year: document.year.unwrap_or(0), length, at }
    }
}

/// XXH64 of texts, each ended by a NUL.
fn hash(seed: u64, texts: &[&str]) -> u64 {
    let mut hasher = XxHash64::with_seed(seed);
    for text in texts {
        hasher.write(text.as_bytes());
        hasher.write(&[0]);
    }
    hasher.finish()
}

/// The number in a field of a document; none where there is none.
fn number(document: &Document, field: &str) -> Option<f64> {
    let number: f64 = document.fields.get(field)?.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

/// Leaves out what comes after the longest text.
fn shorten(text: &mut String) {
    if text.len() > LONGEST {
        let mut end = LONGEST;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
}
