//! Reads a folder of shards: any tokens, and where documents begin among them.

use super::{Manifest, index_path, tokens_path};
use crate::digest::{self, Sum};
use crate::error::DataError;
use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Every how many documents' end is held in memory; those between are read when they are asked for.
const SPARSE: u64 = 512;
/// Files held open at once.
const OPEN: usize = 64;

/// A folder of shards, open for reading. Its positions count the tokens of all shards from 0.
#[derive(Debug)]
pub struct ShardFolder {
    folder: PathBuf,
    manifest: Manifest,
    shards: Vec<Place>,
    open: Mutex<Vec<(PathBuf, Arc<File>)>>,
}

/// Where a shard stands, and a thinned copy of its index.
#[derive(Debug)]
struct Place {
    /// Tokens of the shards before it.
    first: u64,
    tokens: u64,
    documents: u64,
    /// The ends of documents SPARSE - 1, 2 · SPARSE - 1, ...
    sparse: Vec<u64>,
}

impl ShardFolder {
    /// Opens `folder` and checks it: the manifest, the size of every file, and every index from end to end. What the
    /// tokens are is checked as they are read; [`ShardFolder::verify`] reads them all.
    pub fn open(folder: &Path) -> Result<ShardFolder, DataError> {
        let manifest = Manifest::read(folder)?;
        let mut shards = Vec::with_capacity(manifest.shards.len());
        let mut first = 0;
        for (number, shard) in manifest.shards.iter().enumerate() {
            check_size(&tokens_path(folder, number), shard.tokens.saturating_mul(manifest.bytes_per_token))?;
            let path = index_path(folder, number);
            check_size(&path, shard.documents.saturating_mul(8))?;
            let sparse = read_index(&path, shard.tokens, shard.documents)?;
            shards.push(Place { first, tokens: shard.tokens, documents: shard.documents, sparse });
            first += shard.tokens;
        }
        Ok(ShardFolder { folder: folder.to_path_buf(), manifest, shards, open: Mutex::new(Vec::new()) })
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// What the folder says it holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Tokens of all shards.
    pub fn tokens(&self) -> u64 {
        self.manifest.total.tokens
    }

    /// A digest over the digests of all shards, in order: the same tokens and documents give the same.
    pub fn digest(&self) -> String {
        let mut sum = Sum::default();
        for shard in &self.manifest.shards {
            for digest in [&shard.digest, &shard.index_digest] {
                sum.update(digest.as_bytes());
                sum.update(b"\n");
            }
        }
        sum.finish()
    }

    /// Reads every byte and compares it with the manifest's digests; the first file that differs is the error.
    pub fn verify(&self) -> Result<(), DataError> {
        for (number, shard) in self.manifest.shards.iter().enumerate() {
            let files = [
                (tokens_path(&self.folder, number), &shard.digest),
                (index_path(&self.folder, number), &shard.index_digest),
            ];
            for (path, digest) in files {
                let found = digest::of_file(&path)?;
                if found != *digest {
                    let message = format!(
                        "is not what was written ({found}, and the manifest says {digest}); tokenise the corpus again, into a new folder"
                    );
                    return Err(DataError::Format { path, message });
                }
            }
        }
        Ok(())
    }

    /// Appends the tokens of `range` to `into`. The range must lie within the folder's tokens.
    pub fn read(&self, range: Range<u64>, into: &mut Vec<u32>) -> Result<(), DataError> {
        let mut at = range.start;
        while at < range.end {
            let number = self.shard_of(at);
            let shard = &self.shards[number];
            let end = range.end.min(shard.first + shard.tokens);
            self.read_of_shard(number, at - shard.first..end - shard.first, into)?;
            at = end;
        }
        Ok(())
    }

    fn read_of_shard(&self, number: usize, range: Range<u64>, into: &mut Vec<u32>) -> Result<(), DataError> {
        let path = tokens_path(&self.folder, number);
        let width = self.manifest.bytes_per_token;
        let mut bytes = vec![0; ((range.end - range.start) * width) as usize];
        self.read_at(&path, &mut bytes, range.start * width)?;
        let before = into.len();
        if width == 2 {
            into.extend(bytes.as_chunks::<2>().0.iter().map(|id| u32::from(u16::from_le_bytes(*id))));
        } else {
            into.extend(bytes.as_chunks::<4>().0.iter().map(|id| u32::from_le_bytes(*id)));
        }
        let vocabulary = self.manifest.vocabulary;
        match into[before..].iter().position(|id| *id as usize >= vocabulary) {
            None => Ok(()),
            Some(place) => {
                let message = format!(
                    "is damaged: token {} is {}, and the vocabulary has {vocabulary}; tokenise the corpus again, into a new folder",
                    range.start + place as u64,
                    into[before + place]
                );
                into.truncate(before);
                Err(DataError::Format { path, message })
            }
        }
    }

    /// The positions in `range` at which a document begins, in order.
    pub fn document_starts(&self, range: Range<u64>) -> Result<Vec<u64>, DataError> {
        let mut starts = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let number = self.shard_of(at);
            let shard = &self.shards[number];
            let end = range.end.min(shard.first + shard.tokens);
            if at == shard.first {
                starts.push(at);
            }
            self.ends_within(number, at - shard.first, end - shard.first, &mut starts)?;
            at = end;
        }
        Ok(starts)
    }

    /// Pushes the ends of documents that lie in `from..to` of a shard, and above 0, as positions of the folder.
    fn ends_within(&self, number: usize, from: u64, to: u64, starts: &mut Vec<u64>) -> Result<(), DataError> {
        let shard = &self.shards[number];
        let path = index_path(&self.folder, number);
        // The block of SPARSE ends in which the first end at or after `from` lies.
        let mut document = shard.sparse.partition_point(|end| *end < from) as u64 * SPARSE;
        let mut bytes = [0; 8 * SPARSE as usize];
        while document < shard.documents {
            let count = SPARSE.min(shard.documents - document);
            let block = &mut bytes[..8 * count as usize];
            self.read_at(&path, block, document * 8)?;
            for end in block.as_chunks::<8>().0 {
                let end = u64::from_le_bytes(*end);
                if end >= to {
                    return Ok(());
                }
                if end >= from {
                    starts.push(shard.first + end);
                }
            }
            document += count;
        }
        Ok(())
    }

    fn shard_of(&self, position: u64) -> usize {
        self.shards.partition_point(|shard| shard.first <= position).saturating_sub(1)
    }

    fn read_at(&self, path: &Path, bytes: &mut [u8], offset: u64) -> Result<(), DataError> {
        self.file(path)?.read_exact_at(bytes, offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => DataError::Format {
                path: path.to_path_buf(),
                message: "was cut short while it was in use; tokenise the corpus again, into a new folder".into(),
            },
            _ => DataError::file("read", path, error),
        })
    }

    /// The open file of `path`, the one used last in front. A corpus of thousands of shards has more files than a
    /// process may hold open.
    fn file(&self, path: &Path) -> Result<Arc<File>, DataError> {
        let mut open = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(place) = open.iter().position(|(known, _)| known == path) {
            open[..=place].rotate_right(1);
        } else {
            let file = File::open(path).map_err(|error| DataError::file("open", path, error))?;
            open.truncate(OPEN - 1);
            open.insert(0, (path.to_path_buf(), Arc::new(file)));
        }
        Ok(Arc::clone(&open[0].1))
    }
}

fn check_size(path: &Path, expected: u64) -> Result<(), DataError> {
    let size = std::fs::metadata(path).map_err(|error| DataError::file("read", path, error))?.len();
    if size == expected {
        return Ok(());
    }
    let message = format!(
        "has {size} bytes, and the manifest says {expected}; copy the folder again, or tokenise the corpus again into a new one"
    );
    Err(DataError::Format { path: path.to_path_buf(), message })
}

/// Reads an index once: its numbers must rise and end with the shard's tokens.
fn read_index(path: &Path, tokens: u64, documents: u64) -> Result<Vec<u64>, DataError> {
    let failed = |error| DataError::file("read", path, error);
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).map_err(failed)?);
    let mut sparse = Vec::new();
    let mut before = 0;
    for document in 0..documents {
        let mut bytes = [0; 8];
        file.read_exact(&mut bytes).map_err(failed)?;
        let end = u64::from_le_bytes(bytes);
        if end <= before || end > tokens || (document + 1 == documents && end != tokens) {
            let message = format!(
                "is damaged: document {document} ends at token {end}, the one before it at {before}, and the shard has {tokens}; tokenise the corpus again, into a new folder"
            );
            return Err(DataError::Format { path: path.to_path_buf(), message });
        }
        if (document + 1).is_multiple_of(SPARSE) {
            sparse.push(end);
        }
        before = end;
    }
    Ok(sparse)
}

#[cfg(test)]
mod tests;
