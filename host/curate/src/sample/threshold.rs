//! Up to which hash the documents of a year are taken: exactly, from a file of all hashes that is read twice.

use super::Year;
use octo_data::DataError;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The file of hashes: the year and the hash of each document, a JSON list per line.
pub(super) const HASHES: &str = "hashes.jsonl.zst";

/// Leading bits of a hash by which hashes are counted.
const BITS: u32 = 12;

/// The hashes of each year, counted by their leading bits.
pub(super) type Counts = BTreeMap<Year, Vec<u64>>;

fn bucket(hash: u64) -> usize {
    (hash >> (u64::BITS - BITS)) as usize
}

/// Counts the hashes of a file.
pub(super) fn count(hashes: &Path) -> Result<Counts, DataError> {
    let mut counts = Counts::new();
    read(hashes, |year, hash| {
        let counts = counts.entry(year).or_insert_with(|| vec![0; 1 << BITS]);
        if let Some(count) = counts.get_mut(bucket(hash)) {
            *count += 1;
        }
    })?;
    Ok(counts)
}

/// For each year of which anything is wanted the largest hash of the documents that are taken.
pub(super) fn find(
    hashes: &Path,
    counts: &Counts,
    wanted: &BTreeMap<Year, u64>,
) -> Result<BTreeMap<Year, u64>, DataError> {
    // Of each year the bucket that its last document is in, and its place there, counted from 0.
    let mut last: BTreeMap<Year, (usize, u64)> = BTreeMap::new();
    for (year, wanted) in wanted.iter().filter(|(_, wanted)| **wanted > 0) {
        let mut left = wanted - 1;
        let holds_it = |count: &u64| {
            let found = left < *count;
            left -= if found { 0 } else { *count };
            found
        };
        if let Some(bucket) = counts.get(year).and_then(|counts| counts.iter().position(holds_it)) {
            last.insert(*year, (bucket, left));
        }
    }
    let mut within: BTreeMap<Year, Vec<u64>> = BTreeMap::new();
    read(hashes, |year, hash| {
        if last.get(&year).is_some_and(|(last, _)| *last == bucket(hash)) {
            within.entry(year).or_default().push(hash);
        }
    })?;
    let mut found = BTreeMap::new();
    for (year, (_, place)) in last {
        let hashes = within.entry(year).or_default();
        hashes.sort_unstable();
        found.extend(hashes.get(place as usize).map(|hash| (year, *hash)));
    }
    Ok(found)
}

fn read(hashes: &Path, mut each: impl FnMut(Year, u64)) -> Result<(), DataError> {
    let failed = |error| DataError::file("read", hashes, error);
    let mut reader =
        BufReader::new(zstd::stream::read::Decoder::new(File::open(hashes).map_err(failed)?).map_err(failed)?);
    let mut line = String::new();
    while reader.read_line(&mut line).map_err(failed)? > 0 {
        let (year, hash) = serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
        each(year, hash);
        line.clear();
    }
    Ok(())
}
