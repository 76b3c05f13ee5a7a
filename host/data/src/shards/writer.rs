//! Writes one shard, document by document.

use super::{Shard, index_path, tokens_path};
use crate::atomic::AtomicFile;
use crate::digest::Sum;
use crate::error::DataError;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A shard being written. Its two files have their names only once [`ShardWriter::finish`] returns.
#[derive(Debug)]
pub struct ShardWriter {
    tokens: Digested,
    index: Digested,
    vocabulary: usize,
    bytes_per_token: u64,
    counts: (u64, u64),
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Digested {
    file: AtomicFile,
    sum: Sum,
    path: PathBuf,
}

impl Digested {
    fn create(path: PathBuf) -> Result<Digested, DataError> {
        Ok(Digested { file: AtomicFile::create(&path)?, sum: Sum::default(), path })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        self.sum.update(bytes);
        self.file.write_all(bytes).map_err(|error| DataError::file("write", &self.path, error))
    }

    fn finish(self) -> Result<String, DataError> {
        self.file.commit()?;
        Ok(self.sum.finish())
    }
}

impl ShardWriter {
    /// Starts shard `number` of `folder`, for ids below `vocabulary`.
    pub fn create(folder: &Path, number: usize, vocabulary: usize) -> Result<ShardWriter, DataError> {
        Ok(ShardWriter {
            tokens: Digested::create(tokens_path(folder, number))?,
            index: Digested::create(index_path(folder, number))?,
            vocabulary,
            bytes_per_token: super::bytes_per_token(vocabulary),
            counts: (0, 0),
            buffer: Vec::new(),
        })
    }

    /// Adds a document of `tokens`, which must not be empty, and `end_of_text` after it. Refuses an id that is not
    /// below the vocabulary; nothing of the document is written then.
    pub fn add(&mut self, tokens: &[u32], end_of_text: u32) -> Result<(), DataError> {
        self.buffer.clear();
        for id in tokens.iter().chain([&end_of_text]) {
            if *id as usize >= self.vocabulary {
                return Err(DataError::Tokenizer(format!(
                    "gave the id {id}, which is not in its vocabulary of {}",
                    self.vocabulary
                )));
            }
            // The vocabulary decided the width.
            if self.bytes_per_token == 2 {
                self.buffer.extend_from_slice(&(*id as u16).to_le_bytes());
            } else {
                self.buffer.extend_from_slice(&id.to_le_bytes());
            }
        }
        self.tokens.write(&self.buffer)?;
        self.counts.0 += tokens.len() as u64 + 1;
        self.counts.1 += 1;
        self.index.write(&self.counts.0.to_le_bytes())
    }

    /// Tokens written so far.
    pub fn tokens(&self) -> u64 {
        self.counts.0
    }

    /// Syncs both files and gives them their names.
    pub fn finish(self) -> Result<Shard, DataError> {
        let (tokens, documents) = self.counts;
        let digest = self.tokens.finish()?;
        let index_digest = self.index.finish()?;
        Ok(Shard { tokens, documents, digest, index_digest })
    }
}
