//! The second phase: pairs of documents that are duplicates, a unit per bucket and one for exact copies.
//!
//! Documents of equal keys follow each other in the sorted files of all inputs, merged; each makes a pair with the one
//! before it.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use octo_data::DataError;
use octo_data::atomic::AtomicFile;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::marker::Unit;
use super::signatures::{Counts, EXACT, bucket_file, counted, digest_of, exact_file, layout};
use super::sorted::{Layout, Record, merge};
use crate::units::Shard;

use super::{DeduplicateError, Exact, Meter, Run, has, unreadable, unwritable};

/// The phase, as a word.
pub(super) const PHASE: &str = "pairs";
/// Records between two looks at the stop flag.
const BETWEEN: u64 = 1 << 16;

/// What a unit counted.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Pairs {
    pub(super) pairs: u64,
}

/// The units: the file of pairs of each, the sorted files that they come of, and how these lie. Exact copies are last.
fn units(run: &Run<'_>) -> Vec<(PathBuf, Vec<PathBuf>, Layout)> {
    let ranks = 0..run.inputs.len();
    let folder = run.work("pairs");
    let mut units = Vec::new();
    if let Some(near) = run.settings.near {
        for bucket in 0..near.buckets {
            let files = ranks.clone().map(|rank| bucket_file(run, bucket, rank)).collect();
            units.push((folder.join(format!("{bucket:05}_00.dups")), files, layout(&near)));
        }
    }
    if run.settings.exact != Exact::Off {
        units.push((folder.join("exact.dups"), ranks.map(|rank| exact_file(run, rank)).collect(), EXACT));
    }
    units
}

fn unit<'a>(number: usize, input: &str, settings: &'a str) -> Unit<'a> {
    Unit { name: format!("{PHASE} {number}"), input: input.to_owned(), settings }
}

/// Finds the pairs of the buckets of `shard`.
///
/// # Errors
/// [`DeduplicateError`]. Buckets that were done are kept.
pub fn pairs(run: &Run<'_>, shard: Option<Shard>) -> Result<(), DeduplicateError> {
    let counts = counted(run)?;
    let (input, settings) = (digest_of(&counts), run.signature_settings());
    let own: Vec<_> = units(run).into_iter().enumerate().filter(|(number, _)| has(shard, *number)).collect();
    let records = |layout: &Layout| -> u64 {
        counts.iter().map(|one: &Counts| if *layout == EXACT { one.documents } else { one.signatures }).sum()
    };
    let meter = Meter::new(run, PHASE, own.iter().map(|(_, (_, _, layout))| records(layout)).sum());
    own.par_iter().try_for_each(|(number, (path, files, layout))| {
        run.may_go_on()?;
        let unit = unit(*number, &input, &settings);
        let marker = path.with_extension("json");
        if unit.done::<Pairs>(&marker)?.is_some() {
            meter.add(0, records(layout));
            return Ok(());
        }
        let pairs = write_pairs(run, path, files, *layout, &meter)?;
        Ok(unit.mark(&marker, &pairs)?)
    })
}

fn write_pairs(
    run: &Run<'_>,
    path: &Path,
    files: &[PathBuf],
    layout: Layout,
    meter: &Meter<'_>,
) -> Result<Pairs, DeduplicateError> {
    let mut out = AtomicFile::create(path)?;
    let mut last: Option<Record> = None;
    let (mut pairs, mut seen) = (0, 0);
    merge::<DeduplicateError>(files, layout, &mut |record| {
        seen += 1;
        if seen % BETWEEN == 0 {
            run.may_go_on()?;
            meter.add(0, BETWEEN);
        }
        match &mut last {
            Some(last) => {
                if last.key == record.key {
                    let pair = [last.file, last.document, record.file, record.document].map(u32::to_le_bytes);
                    out.write_all(&pair.concat()).map_err(unwritable(path))?;
                    pairs += 1;
                }
                last.clone_from(record);
            }
            None => last = Some(record.clone()),
        }
        Ok(())
    })?;
    out.commit()?;
    meter.add(0, seen % BETWEEN);
    Ok(Pairs { pairs })
}

/// The files of pairs, in the order in which datatrove reads them, exact copies last; and the digest of what they were
/// made from.
pub(super) fn found(run: &Run<'_>, counts: &[Counts]) -> Result<(Vec<PathBuf>, String), DeduplicateError> {
    let (input, settings) = (digest_of(counts), run.signature_settings());
    let units = units(run);
    let mut missing = Vec::new();
    for (number, (path, ..)) in units.iter().enumerate() {
        if unit(number, &input, &settings).done::<Pairs>(&path.with_extension("json"))?.is_none() {
            missing.push(path.display().to_string());
        }
    }
    if let Some(first) = missing.first() {
        let (missing, first) = (missing.len(), first.clone());
        return Err(DeduplicateError::Unfinished { phase: PHASE, missing, units: units.len(), first });
    }
    Ok((units.into_iter().map(|(path, ..)| path).collect(), input))
}

/// Reads a file of pairs: file and document, twice.
pub(super) fn each_pair(path: &Path, each: &mut dyn FnMut([u32; 4])) -> Result<(), DataError> {
    let mut file = BufReader::new(File::open(path).map_err(unreadable(path))?);
    let pairs = file.get_ref().metadata().map_err(unreadable(path))?.len() / 16;
    for _ in 0..pairs {
        let mut bytes = [0; 16];
        file.read_exact(&mut bytes).map_err(unreadable(path))?;
        let four = |at: usize| u32::from_le_bytes(std::array::from_fn(|byte| bytes[at * 4 + byte]));
        each([four(0), four(1), four(2), four(3)]);
    }
    Ok(())
}
