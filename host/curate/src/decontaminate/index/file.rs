//! The index as a file, and back.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `OCTODEC1` |
//! | 4 | length of the header |
//! | header | JSON: settings, benchmarks, numbers of what follows |
//! | rows | benchmark, length, grams, name, labels and passage, each list with its length |
//! | 8 × grams | the grams, sorted |
//! | 4 × (grams + 1) | where the rows of each begin |
//! | 4 × postings | the rows |
//! | 12 × repeated | grams of labels and passages that several rows have |
//! | 32 | SHA-256 of all before it |
//!
//! Numbers are little-endian. The file is called `benchmarks-DIGITS.index` by the first 16 digits of that digest.

use std::fs;
use std::path::{Path, PathBuf};

use octo_data::{DataError, atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BenchmarkEntry, Index, IndexRow, IndexSettings, Parts};

const MAGIC: &[u8; 8] = b"OCTODEC1";
const DIGEST: usize = 32;
/// The largest file that is read.
const LARGEST: u64 = 64 << 30;
/// What the name of an index ends with.
const ENDING: &str = "index";

#[derive(Serialize, Deserialize)]
struct Header {
    settings: IndexSettings,
    benchmarks: Vec<BenchmarkEntry>,
    rows: usize,
    grams: usize,
    postings: usize,
    repeated: usize,
}

impl Index {
    /// The bytes of its file.
    ///
    /// # Errors
    /// Where a name cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let header = serde_json::to_vec(&Header {
            settings: self.settings.clone(),
            benchmarks: self.benchmarks.clone(),
            rows: self.rows.len(),
            grams: self.grams.len(),
            postings: self.postings.len(),
            repeated: self.repeated.len(),
        })?;
        let mut bytes = MAGIC.to_vec();
        let number = |bytes: &mut Vec<u8>, value: usize| bytes.extend((value as u32).to_le_bytes());
        number(&mut bytes, header.len());
        bytes.extend(header);
        for row in &self.rows {
            [row.benchmark, row.length, row.grams].iter().for_each(|value| number(&mut bytes, *value as usize));
            number(&mut bytes, row.name.len());
            bytes.extend(row.name.as_bytes());
            number(&mut bytes, row.labels.len());
            for list in row.labels.iter().chain([&row.passage]) {
                number(&mut bytes, list.len());
                list.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
            }
        }
        self.grams.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        self.starts.iter().chain(&self.postings).for_each(|value| bytes.extend(value.to_le_bytes()));
        for (gram, rows) in &self.repeated {
            bytes.extend(gram.to_le_bytes());
            bytes.extend(rows.to_le_bytes());
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        Ok(bytes)
    }

    /// The name of its file, which its digest gives it.
    ///
    /// # Errors
    /// Where a name cannot be written as JSON.
    pub fn name(&self) -> Result<String, DataError> {
        Ok(name_of(&self.bytes_for(Path::new(ENDING))?))
    }

    /// Writes it into `folder` under the name that its digest gives it, and returns the path.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, DataError> {
        let bytes = self.bytes_for(folder)?;
        let path = folder.join(name_of(&bytes));
        atomic::write(&path, &bytes)?;
        Ok(path)
    }

    fn bytes_for(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        self.to_bytes().map_err(|error| DataError::file("write", path, error.into()))
    }

    /// Reads the file `path`, or the one index in the folder `path`.
    ///
    /// # Errors
    /// Where it is not an index, is damaged, or is of another version, with what to do.
    pub fn read(path: &Path) -> Result<Index, DataError> {
        let path = &find(path)?;
        let failed = |error| DataError::file("read", path, error);
        if fs::metadata(path).map_err(failed)?.len() > LARGEST {
            return Err(wrong(path, "is larger than 64 GiB, the most that an index has"));
        }
        let bytes = fs::read(path).map_err(failed)?;
        if !bytes.starts_with(MAGIC) {
            return Err(wrong(
                path,
                match bytes.starts_with(&MAGIC[..7]) {
                    true => "is an index of another version of Octo; build it again from the benchmarks",
                    false => {
                        "is not an index of benchmarks; name a file `benchmarks-….index` that a stage of kind `decontaminate` wrote"
                    }
                },
            ));
        }
        let damaged = || wrong(path, "is damaged or cut short; copy it again, or build it again from the benchmarks");
        let content = bytes.len().checked_sub(DIGEST).filter(|content| *content >= MAGIC.len()).ok_or_else(damaged)?;
        if Sha256::digest(&bytes[..content]).as_slice() != &bytes[content..] {
            return Err(damaged());
        }
        Bytes { left: &bytes[MAGIC.len()..content] }.index().ok_or_else(damaged)
    }
}

fn name_of(bytes: &[u8]) -> String {
    let digest = &bytes[bytes.len().saturating_sub(DIGEST)..];
    format!("benchmarks-{}.{ENDING}", hex::encode(&digest[..digest.len().min(8)]))
}

/// Removes indexes from `folder` that an earlier call has left and that are not `index`.
///
/// # Errors
/// A folder that cannot be listed, or a file that cannot be removed.
pub(in crate::decontaminate) fn remove_others(folder: &Path, index: &Index) -> Result<(), DataError> {
    let own = index.name()?;
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|error| DataError::file("list", folder, error))?.path();
        let is_index = path.extension().is_some_and(|ending| ending == ENDING);
        if is_index && path.file_name().is_none_or(|name| name != own.as_str()) {
            fs::remove_file(&path).map_err(|error| DataError::file("remove", &path, error))?;
        }
    }
    Ok(())
}

fn wrong(path: &Path, message: &str) -> DataError {
    DataError::Format { path: path.to_path_buf(), message: message.to_owned() }
}

/// The file itself, or the one index in a folder.
fn find(path: &Path) -> Result<PathBuf, DataError> {
    let failed = |error| DataError::file("read", path, error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(path.to_path_buf());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|ending| ending == ENDING) {
            found.push(file);
        }
    }
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => Err(wrong(path, "has no index of benchmarks in it; name the folder of a stage of kind `decontaminate`")),
        _ => Err(wrong(path, "has several indexes of benchmarks in it; name one of the files")),
    }
}

/// What is left to be read. All methods give None where the file has less than it says.
struct Bytes<'a> {
    left: &'a [u8],
}

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(length)?;
        self.left = left;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn numbers(&mut self, count: usize) -> Option<Vec<u32>> {
        let bytes = self.take(count.checked_mul(4)?)?;
        bytes.chunks_exact(4).map(|value| Some(u32::from_le_bytes(value.try_into().ok()?))).collect()
    }

    fn hashes(&mut self, count: usize) -> Option<Vec<u64>> {
        let bytes = self.take(count.checked_mul(8)?)?;
        bytes.chunks_exact(8).map(|value| Some(u64::from_le_bytes(value.try_into().ok()?))).collect()
    }

    fn list(&mut self) -> Option<Vec<u64>> {
        let count = self.number()? as usize;
        self.hashes(count)
    }

    fn row(&mut self, benchmarks: usize) -> Option<IndexRow> {
        let (benchmark, length, grams) = (self.number()?, self.number()?, self.number()?);
        if benchmark as usize >= benchmarks {
            return None;
        }
        let bytes = self.number()? as usize;
        let name = std::str::from_utf8(self.take(bytes)?).ok()?.to_owned();
        let labels = self.number()?;
        let labels = (0..labels).map(|_| self.list()).collect::<Option<_>>()?;
        Some(IndexRow { benchmark, name, grams, length, labels, passage: self.list()? })
    }

    fn index(mut self) -> Option<Index> {
        let length = self.number()? as usize;
        let header: Header = serde_json::from_slice(self.take(length)?).ok()?;
        let rows: Vec<IndexRow> = (0..header.rows).map(|_| self.row(header.benchmarks.len())).collect::<Option<_>>()?;
        let grams = self.hashes(header.grams)?;
        let starts = self.numbers(header.grams.checked_add(1)?)?;
        let postings = self.numbers(header.postings)?;
        let repeated = (0..header.repeated)
            .map(|_| Some((u64::from_le_bytes(self.take(8)?.try_into().ok()?), self.number()?)))
            .collect::<Option<Vec<_>>>()?;
        let sound = self.left.is_empty()
            && (1..=1024).contains(&header.settings.n)
            && grams.is_sorted_by(|one, next| one < next)
            && starts.first() == Some(&0)
            && starts.is_sorted_by(|one, next| one < next)
            && starts.last().is_some_and(|last| *last as usize == postings.len())
            && postings.iter().all(|row| (*row as usize) < rows.len());
        let parts = Parts { rows, grams, starts, postings, repeated };
        sound.then(|| Index::of_parts(header.settings, header.benchmarks, parts))
    }
}
