//! A uniform sample of documents, by year: the same pages however the corpus is cut into files.
//!
//! A document's place in the order of its year is a hash of its address and text under the seed, so that neither its file
//! nor its neighbours decide. The work has two phases: the first hashes every document and finds for each year up to which
//! hash its documents are taken (`sample/quota.rs` says how many, `sample/threshold.rs` finds the hash); the second is the
//! pipeline with [`Sampled`] as its filter. Documents with equal addresses and texts are taken or left together, so a year
//! may have more than its quota by the copies of its last document.
//!
//! Between the phases 10 bytes or so per document lie on disk. In memory there are 32 KiB per year, and the hashes of one
//! part in 4,096 of the documents.

mod quota;
mod threshold;

pub use quota::{Amount, Quota, Spread};

use crate::filter::{Filter, to_plugin};
use crate::pipeline::{CurateError, Done, Options, curate_with};
use crate::units::{Outputs, Ran, Unit, Units};
use octo_data::jsonl::{NO_ROWS, read_documents_in};
use octo_data::rows::parts;
use octo_data::{DataError, atomic};
use octo_plugin::Failure;
use octo_plugin::types::{Decision, Document};
use octo_record::Statistics;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use threshold::HASHES;
use twox_hash::XxHash64;

/// In the folder of a `sample` stage: how many documents each year has and is to give; a [`Sample`].
pub const SAMPLE: &str = "sample.json";
/// Why a document is dropped that is not in the sample.
pub const NOT_SAMPLED: &str = "not-sampled";
/// In the folder of a stage at work: the units of the first phase.
const FOLDER: &str = "hashing";

/// A year, or none.
type Year = Option<u16>;

/// What is taken of each year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The seed of the hashes.
    pub seed: u64,
    /// By year, in order; documents without one come first.
    pub years: Vec<SampledYear>,
}

/// What is taken of a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampledYear {
    /// The year; none of documents that have none.
    pub year: Option<u16>,
    /// Its documents.
    pub documents: u64,
    /// How many of them are wanted.
    pub wanted: u64,
    /// The largest hash that is taken; none where nothing is.
    pub up_to: Option<u64>,
}

/// Takes the documents of a [`Sample`] and drops the others as [`NOT_SAMPLED`].
pub struct Sampled {
    seed: u64,
    up_to: BTreeMap<Year, Option<u64>>,
}

impl Sampled {
    /// The filter of a sample.
    pub fn new(sample: &Sample) -> Sampled {
        Sampled { seed: sample.seed, up_to: sample.years.iter().map(|year| (year.year, year.up_to)).collect() }
    }

    fn takes(&self, document: &Document) -> bool {
        let up_to = self.up_to.get(&document.year).copied().flatten();
        up_to.is_some_and(|up_to| hash(document, self.seed) <= up_to)
    }
}

impl Filter for Sampled {
    fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
        let decide = |document| if self.takes(document) { Decision::Keep } else { Decision::Drop(NOT_SAMPLED.into()) };
        documents.iter().map(|document| Ok(decide(document))).collect()
    }
}

/// A document's place among those of its year.
fn hash(document: &Document, seed: u64) -> u64 {
    let mut hasher = XxHash64::with_seed(seed);
    hasher.write(document.url.as_deref().unwrap_or_default().as_bytes());
    // No address and no text has this byte, so what stands on one side is not taken for what stands on the other.
    hasher.write(&[0xFF]);
    hasher.write(document.text.as_bytes());
    hasher.finish()
}

/// Samples the documents of `inputs` as `quota` says into the files of [`curate_with`] and [`SAMPLE`] in the folder `out`.
/// `progress` is called with the documents and bytes of the inputs that were read, in both phases together.
///
/// # Errors
/// Those of [`curate_with`].
pub fn sample(
    inputs: &[PathBuf],
    quota: &Quota,
    seed: u64,
    out: &Path,
    options: &Options,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Statistics, CurateError> {
    let path = out.join(SAMPLE);
    let kept = options.units.key.as_ref().and_then(|_| std::fs::read(&path).ok());
    let sample = match kept.and_then(|text| serde_json::from_slice(&text).ok()) {
        Some(sample) => sample,
        None => {
            let sample = find(inputs, quota, seed, out, options, stop, progress)?;
            let text = octo_record::to_json(&sample).map_err(|error| DataError::file("write", &path, error.into()))?;
            atomic::write(&path, &text)?;
            sample
        }
    };
    let before: u64 = inputs.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|data| data.len()).sum();
    let (documents, filter) = (sample.years.iter().map(|year| year.documents).sum::<u64>(), Sampled::new(&sample));
    let second = |read: u64, bytes: u64| progress(documents + read, before + bytes);
    let filters = [("sample".to_owned(), &filter)];
    curate_with(inputs, &filters, out, options, stop, &second)
}

/// The first phase.
fn find(
    inputs: &[PathBuf],
    quota: &Quota,
    seed: u64,
    out: &Path,
    options: &Options,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Sample, CurateError> {
    let cut = |place: usize, wanted: u64| inputs.get(place).map_or(Ok(Vec::new()), |path| parts::cut(path, wanted));
    let units = Units::new(inputs, &cut, (out, FOLDER), &[HASHES], &options.units)?;
    let done = Done::new(progress);
    let work = |unit: &Unit, outputs: &mut Outputs, ends: &(dyn Fn() -> bool + Sync)| -> Result<_, CurateError> {
        let mut documents = 0;
        for part in &unit.parts {
            let Some(path) = inputs.get(part.input) else { continue };
            let mut read = 0u64;
            for document in read_documents_in(path, &part.part.place)? {
                let document = match document {
                    // They are named and counted in the second phase.
                    Err(error) if options.skip_bad_lines && error.is_one_line() => continue,
                    document => to_plugin(document?),
                };
                outputs.write(HASHES, &(document.year, hash(&document, seed)))?;
                read += 1;
                if read.is_multiple_of(1024) && ends() {
                    return Err(CurateError::Stopped);
                }
            }
            documents += read;
            done.add(read, part.part.bytes);
        }
        Ok(documents)
    };
    let known = |unit: &Unit, documents: &u64| done.add(*documents, unit.bytes());
    if let Ran::Left(units) = units.run::<_, CurateError>(stop, &work, &known)? {
        return Err(CurateError::Left { units });
    }
    let hashes = units.join_aside(HASHES)?;
    let counts = threshold::count(&hashes)?;
    if counts.is_empty() {
        let path = inputs.first().cloned().unwrap_or_default();
        return Err(DataError::Format { path, message: NO_ROWS.into() }.into());
    }
    let documents: BTreeMap<Year, u64> = counts.iter().map(|(year, counts)| (*year, counts.iter().sum())).collect();
    let wanted = quota.by_year(&documents);
    let up_to = threshold::find(&hashes, &counts, &wanted)?;
    let years = documents.into_iter().map(|(year, documents)| {
        let (wanted, up_to) = (wanted.get(&year).copied().unwrap_or(0), up_to.get(&year).copied());
        SampledYear { year, documents, wanted, up_to }
    });
    let sample = Sample { seed, years: years.collect() };
    units.remove()?;
    Ok(sample)
}

#[cfg(test)]
mod tests;
