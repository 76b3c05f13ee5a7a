//! Token shards: a corpus as tokens on disk, read from anywhere in it.
//!
//! This page is the format, version 1. A folder holds
//!
//! | file | what |
//! |---|---|
//! | `manifest.json` | a [`Manifest`]; written last, so a folder that has one is whole |
//! | `00000.ds`, `00001.ds`, ... | token ids, one after the other, little endian, 2 or 4 bytes each ([`bytes_per_token`]); every document ends with the end-of-text token |
//! | `00000.ds.index`, ... | of each shard, where each document ends, counted in tokens of that shard: rising 8-byte little-endian numbers |
//! | `progress.json` | of a folder that is not whole yet: what is done, and the row of the inputs after which to resume |
//!
//! A document lies in one shard. Shards are one body of tokens, in the order of their names; where one ends means
//! nothing to a reader. The two binary files are laid out as datatrove lays out tokenised documents, so Nanotron's and
//! datatrove's readers take them, and so does `numpy.memmap`.
//!
//! [`writer`] makes a shard, [`tokenize`] a folder from data files, and [`reader`] reads one.
//!
//! Shards are read with positioned reads, not mapped. Mapped they would be read two to three times as fast: windows drawn
//! at random out of the page cache, by one thread, came at 121, 342 and 661 million tokens per second by reads and at 379,
//! 821 and 1418 million from a map, for contexts of 512, 2048 and 8192 (`cargo bench -p octo-data --bench shard_windows`).
//! The slower is still a hundred times what a machine of eight GPUs trains on, so the difference is never seen; and a map
//! has a price that is. A mapped file that is cut short by someone else, or a disk or network storage that fails to give
//! a page, ends the process with SIGBUS, of which no handler can make an error; a read ends in one that names the file.
//! Checking lengths when a folder is opened guards against neither.

pub mod reader;
pub mod tokenize;
pub mod writer;

use crate::error::DataError;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What [`Manifest::format`] says.
pub const FORMAT: &str = "octo-token-shards";
/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// Name of the description of a whole folder.
pub const MANIFEST: &str = "manifest.json";
/// Name of the description of a folder that is not whole yet.
pub const PROGRESS: &str = "progress.json";
/// Different pairs of source and year that are counted apart; documents of further ones are counted together.
pub const ORIGINS: usize = 4096;

/// What a folder of shards holds. Nothing in it depends on time, place or thread count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Digest of the `tokenizer.json` that made the tokens.
    pub tokenizer: String,
    /// One more than the largest id that the tokenizer gives.
    pub vocabulary: usize,
    /// The tokens before every document; most tokenizers have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beginning: Vec<u32>,
    /// The token after every document.
    pub end_of_text: u32,
    /// 2 or 4.
    pub bytes_per_token: u64,
    /// How the inputs were read.
    pub settings: Settings,
    /// The files that were read, in order.
    pub inputs: Vec<Input>,
    /// Sums over all shards.
    pub total: Counts,
    /// Documents and tokens by source and year, sorted.
    pub sources: Vec<Origin>,
    /// The shards, in order.
    pub shards: Vec<Shard>,
}

/// What decides the bytes of the shards beside inputs and tokenizer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of a field (`text`, `source`, `year`) → the column it is in, where that has another name.
    pub map: std::collections::BTreeMap<String, String>,
    /// The source of rows that name none.
    pub source: String,
    /// Tokens at which a shard ends, with the document that reaches them.
    pub shard_tokens: u64,
    /// Whether rows that cannot be used are passed over and counted; else the first one is an error.
    pub skip_bad_rows: bool,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name, without its folder.
    pub name: String,
    /// Its size on disk.
    pub bytes: u64,
    /// Its digest.
    pub digest: String,
}

/// Numbers of documents, rows and tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Documents that have tokens.
    pub documents: u64,
    /// Their tokens, end-of-text tokens included.
    pub tokens: u64,
    /// Rows without text: nothing of them is in the shards.
    pub empty: u64,
    /// Rows that could not be used and were passed over.
    pub skipped: u64,
}

/// What came of one source and year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The source's name.
    pub source: String,
    /// The year, where the rows have one.
    pub year: Option<u16>,
    /// Documents that have tokens.
    pub documents: u64,
    /// Their tokens.
    pub tokens: u64,
}

/// One shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Tokens in it.
    pub tokens: u64,
    /// Documents in it.
    pub documents: u64,
    /// Digest of the file of tokens.
    pub digest: String,
    /// Digest of the index.
    pub index_digest: String,
}

/// The bytes per token id of a tokenizer with `vocabulary` ids.
pub fn bytes_per_token(vocabulary: usize) -> u64 {
    if vocabulary <= 1 << 16 { 2 } else { 4 }
}

/// The file of tokens of shard `number` in `folder`.
pub fn tokens_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:05}.ds"))
}

/// The index of shard `number` in `folder`.
pub fn index_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:05}.ds.index"))
}

impl Manifest {
    /// Reads and checks the manifest of `folder`: its version, and that its numbers agree with each other.
    pub fn read(folder: &Path) -> Result<Manifest, DataError> {
        let path = folder.join(MANIFEST);
        let wrong = |message: String| DataError::Format { path: path.clone(), message };
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound if folder.join(PROGRESS).is_file() => wrong(
                "is not there yet: the folder is not whole. Run the same `octo-host tokenize` again, and it resumes"
                    .into(),
            ),
            _ => DataError::file("read", &path, error),
        })?;
        Manifest::parse(&bytes).map_err(wrong)
    }

    fn parse(bytes: &[u8]) -> Result<Manifest, String> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Versioned {
            format: String,
            version: u32,
        }
        let head: Versioned = serde_json::from_slice(bytes)
            .map_err(|error| format!("is not a manifest of token shards ({error}); tokenise the corpus again"))?;
        if head.format != FORMAT {
            return Err(format!("is of the format {:?}, not {FORMAT:?}", head.format));
        }
        if head.version != VERSION {
            return Err(format!(
                "is of version {}, and this octo-host reads version {VERSION}; use the one that wrote it, or tokenise the corpus again",
                head.version
            ));
        }
        let manifest: Manifest =
            serde_json::from_slice(bytes).map_err(|error| format!("is damaged: {error}; tokenise the corpus again"))?;
        manifest.check().map_err(|message| format!("contradicts itself: {message}; tokenise the corpus again"))?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        let largest = u32::MAX as usize + 1;
        if self.vocabulary == 0 || self.vocabulary > largest {
            return Err(format!("a vocabulary of {}", self.vocabulary));
        }
        if self.bytes_per_token != bytes_per_token(self.vocabulary) {
            return Err(format!("{} bytes per token for a vocabulary of {}", self.bytes_per_token, self.vocabulary));
        }
        if self.end_of_text as usize >= self.vocabulary {
            return Err(format!("end-of-text token {} in a vocabulary of {}", self.end_of_text, self.vocabulary));
        }
        if let Some(token) = self.beginning.iter().find(|token| **token as usize >= self.vocabulary) {
            return Err(format!("a document begins with token {token}, in a vocabulary of {}", self.vocabulary));
        }
        let sum = |of: fn(&Shard) -> u64| self.shards.iter().try_fold(0u64, |sum, shard| sum.checked_add(of(shard)));
        if sum(|shard| shard.tokens) != Some(self.total.tokens)
            || sum(|shard| shard.documents) != Some(self.total.documents)
        {
            return Err("its shards do not add up to its totals".into());
        }
        if self.total.tokens.checked_mul(8).is_none() {
            return Err(format!("{} tokens", self.total.tokens));
        }
        // Every document has its end-of-text token at least.
        match self.shards.iter().position(|shard| shard.documents == 0 || shard.tokens < shard.documents) {
            Some(number) => Err(format!("shard {number} has more documents than tokens")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn manifest() -> Value {
        json!({
            "format": FORMAT, "version": 1, "tokenizer": "sha256:00", "vocabulary": 300, "end_of_text": 0,
            "bytes_per_token": 2,
            "settings": {"map": {}, "source": "a", "shard_tokens": 10, "skip_bad_rows": false},
            "inputs": [], "total": {"documents": 3, "tokens": 9, "empty": 0, "skipped": 0}, "sources": [],
            "shards": [
                {"tokens": 5, "documents": 2, "digest": "sha256:01", "index_digest": "sha256:02"},
                {"tokens": 4, "documents": 1, "digest": "sha256:03", "index_digest": "sha256:04"}
            ]
        })
    }

    #[test]
    fn a_manifest_that_cannot_be_true_is_refused_with_the_reason() {
        let parse = |manifest: &Value| Manifest::parse(manifest.to_string().as_bytes());
        assert!(parse(&manifest()).is_ok());
        let wrong: [(&str, Value, &str); 9] = [
            ("/format", json!("else"), "\"else\""),
            ("/version", json!(2), "version 2"),
            ("/vocabulary", json!(0), "vocabulary of 0"),
            ("/bytes_per_token", json!(4), "4 bytes per token"),
            ("/end_of_text", json!(300), "token 300"),
            ("/total/tokens", json!(10), "add up"),
            ("/shards/0/tokens", json!(u64::MAX), "add up"),
            ("/shards/1/documents", json!(-1), "damaged"),
            ("/shards", json!([]), "add up"),
        ];
        for (place, value, words) in wrong {
            let mut manifest = manifest();
            *manifest.pointer_mut(place).unwrap() = value;
            let error = parse(&manifest).unwrap_err();
            assert!(error.contains(words), "{place}: {error}");
        }
        let mut hollow = manifest();
        hollow["shards"][0]["documents"] = json!(0);
        hollow["total"]["documents"] = json!(1);
        assert!(parse(&hollow).unwrap_err().contains("shard 0"));
        assert!(Manifest::parse(b"PAR1").is_err());
    }
}
