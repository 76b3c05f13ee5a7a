//! How many documents of the corpus have each gram of the index.
//!
//! GPT-3 leaves out a gram that more than ten documents have: most such are phrases that everybody uses. But a problem
//! that many sites copy is on more than ten pages too. So a common gram does not count by itself, and counts where a
//! document has half of the row's grams.
//!
//! The counts are of all inputs, whatever part of them a machine filters, so that each decides alike. They are written
//! to a file in the stage's folder and read from there when the stage resumes.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use octo_data::jsonl::read_documents;
use octo_data::{DataError, atomic, record};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::Index;
use super::shared_grams::slots_of;
use crate::CurateError;

/// The file of counts: `OCTOCNT1`, the digest of the index's name and of the inputs' names and sizes, the counts, and the digest of all that.
const FILE: &str = "document-counts.bin";
const MAGIC: &[u8; 8] = b"OCTOCNT1";
const DIGEST: usize = 32;
/// Documents and bytes of text that are held at once.
const CHUNK_DOCUMENTS: usize = 1024;
const CHUNK_BYTES: usize = 64 << 20;

/// The counts, from the file that an earlier call left or by reading all documents.
pub(super) fn of(
    inputs: &[PathBuf],
    index: &Index,
    index_file: &str,
    out: &Path,
    skip_bad_lines: bool,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<u32>, CurateError> {
    let path = out.join(FILE);
    let of_what = of_what(inputs, index_file);
    if let Some(counts) = read(&path, &of_what, index.len()) {
        return Ok(counts);
    }
    let mut counts = vec![0u32; index.len()];
    let (mut documents, mut bytes_before) = (0, 0);
    let mut add = |chunk: &mut Vec<record::Document>| {
        let found: Vec<Vec<u32>> = chunk.par_iter().map(|document| slots_of(index, &document.text)).collect();
        for slot in found.into_iter().flatten() {
            let count = &mut counts[slot as usize];
            *count = count.saturating_add(1);
        }
        chunk.clear();
    };
    for input in inputs {
        let mut found = read_documents(input)?;
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while let Some(document) = found.next() {
            match document {
                Ok(document) => {
                    bytes += document.bytes();
                    chunk.push(document);
                }
                // The filtering names and counts them.
                Err(error) if skip_bad_lines && error.is_one_line() => {}
                Err(error) => return Err(error.into()),
            }
            if chunk.len() == CHUNK_DOCUMENTS || bytes >= CHUNK_BYTES {
                documents += chunk.len() as u64;
                add(&mut chunk);
                bytes = 0;
                progress(documents, bytes_before + found.bytes_read());
                if stop.load(Ordering::Relaxed) {
                    return Err(CurateError::Stopped);
                }
            }
        }
        documents += chunk.len() as u64;
        add(&mut chunk);
        bytes_before += found.bytes_read();
        progress(documents, bytes_before);
    }
    write(&path, &of_what, &counts)?;
    Ok(counts)
}

fn of_what(inputs: &[PathBuf], index_file: &str) -> [u8; DIGEST] {
    let mut digest = Sha256::new();
    digest.update(index_file);
    for input in inputs {
        let size = std::fs::metadata(input).map_or(0, |details| details.len());
        digest.update([0]);
        digest.update(input.as_os_str().as_encoded_bytes());
        digest.update(size.to_le_bytes());
    }
    digest.finalize().into()
}

fn write(path: &Path, of_what: &[u8; DIGEST], counts: &[u32]) -> Result<(), DataError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(of_what);
    counts.iter().for_each(|count| bytes.extend_from_slice(&count.to_le_bytes()));
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    atomic::write(path, &bytes)
}

/// None where there is no such file, or it is damaged or of something else: then documents are counted again.
fn read(path: &Path, of_what: &[u8; DIGEST], grams: usize) -> Option<Vec<u32>> {
    let bytes = std::fs::read(path).ok()?;
    let content = bytes.len().checked_sub(DIGEST)?;
    if Sha256::digest(&bytes[..content]).as_slice() != &bytes[content..] {
        return None;
    }
    let counts = bytes[..content].strip_prefix(MAGIC)?.strip_prefix(of_what)?;
    let counts: Vec<u32> =
        counts.chunks_exact(4).map(|count| u32::from_le_bytes(count.try_into().unwrap_or_default())).collect();
    (counts.len() == grams).then_some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_where_they_are_of_the_same_index_and_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let input = folder.path().join("a.jsonl");
        std::fs::write(&input, "{}").unwrap();
        let what = of_what(std::slice::from_ref(&input), "benchmarks-0.index");
        assert_eq!(read(&path, &what, 2), None);
        write(&path, &what, &[7, u32::MAX]).unwrap();
        assert_eq!(read(&path, &what, 2), Some(vec![7, u32::MAX]));
        assert_eq!(read(&path, &what, 3), None);
        assert_eq!(read(&path, &of_what(std::slice::from_ref(&input), "benchmarks-1.index"), 2), None);
        std::fs::write(&input, "{} ").unwrap();
        assert_eq!(read(&path, &of_what(&[input], "benchmarks-0.index"), 2), None);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[44] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path, &what, 2), None);
        std::fs::write(&path, b"x").unwrap();
        assert_eq!(read(&path, &what, 2), None);
    }
}
