//! A named body of tokens to train on, and the endless stream that is read from it.

use crate::error::DataError;
use crate::jsonl::read_documents;
use crate::seed;
use crate::tokenizer::Tokenizer;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Documents that are tokenised at once, whatever the number of threads.
const CHUNK: usize = 1024;

/// The tokens of a source's documents, each document ending with the end-of-text token.
#[derive(Clone, Debug)]
pub struct TokenSource {
    name: String,
    tokens: Vec<u32>,
    /// Where each document ends in `tokens`.
    ends: Vec<usize>,
    digest: String,
}

impl TokenSource {
    /// Tokenises the documents of `files`, in order, and puts the end-of-text token behind each. Special tokens' names
    /// in a text are plain characters. A document without text adds nothing; a bad line is an error, and so is a
    /// source without any token to predict.
    pub fn from_documents(name: &str, files: &[PathBuf], tokenizer: &Tokenizer) -> Result<TokenSource, DataError> {
        let mut documents = Vec::new();
        let mut texts: Vec<String> = Vec::with_capacity(CHUNK);
        let encode = |texts: &mut Vec<String>, documents: &mut Vec<Vec<u32>>| {
            let encoded: Result<Vec<Vec<u32>>, DataError> =
                texts.par_iter().map(|text| tokenizer.encode_plain(text)).collect();
            texts.clear();
            encoded.map(|encoded| documents.extend(encoded))
        };
        for file in files {
            for document in read_documents(file)? {
                texts.push(document?.text);
                if texts.len() == CHUNK {
                    encode(&mut texts, &mut documents)?;
                }
            }
        }
        encode(&mut texts, &mut documents)?;
        TokenSource::from_tokens(name, documents, tokenizer.end_of_text())
    }

    /// A source of documents that are tokens already; `end_of_text` is put behind each one that is not empty.
    ///
    /// Two tokens are enough: a source repeats, epoch after epoch, so it fills windows of any length.
    pub fn from_tokens(name: &str, documents: Vec<Vec<u32>>, end_of_text: u32) -> Result<TokenSource, DataError> {
        let mut tokens = Vec::with_capacity(documents.iter().map(|tokens| tokens.len() + 1).sum());
        let mut ends = Vec::with_capacity(documents.len());
        for document in documents.iter().filter(|document| !document.is_empty()) {
            tokens.extend_from_slice(document);
            tokens.push(end_of_text);
            ends.push(tokens.len());
        }
        if ends.is_empty() {
            return Err(DataError::Source {
                name: name.to_string(),
                message: format!("has no text to train on: {} documents, all of them empty", documents.len()),
            });
        }
        let mut hasher = Sha256::new();
        hasher.update((ends.len() as u64).to_le_bytes());
        for end in &ends {
            hasher.update((*end as u64).to_le_bytes());
        }
        for token in &tokens {
            hasher.update(token.to_le_bytes());
        }
        let digest = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Ok(TokenSource { name: name.to_string(), tokens, ends, digest: format!("sha256:{digest}") })
    }

    /// The source's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tokens in one epoch, end-of-text tokens included.
    pub fn tokens(&self) -> u64 {
        self.tokens.len() as u64
    }

    /// Documents that have text.
    pub fn documents(&self) -> usize {
        self.ends.len()
    }

    /// "sha256:…" over every document's tokens, in order. Tells whether a saved position still means the same.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    fn document(&self, index: usize) -> &[u32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.tokens[start..self.ends[index]]
    }
}

/// The endless stream of a source: epoch after epoch, each with its own order of the documents.
///
/// The order of epoch e depends on the seed, the source's name and e alone, so any position can be sought.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    source: TokenSource,
    seed: u64,
    epoch: u64,
    order: Vec<usize>,
    /// Position in `order`, and within that document.
    next_document: usize,
    offset: usize,
}

impl Stream {
    /// The stream of `source` at `position`, counted in tokens from its beginning.
    pub(crate) fn at(source: TokenSource, seed: u64, position: u64) -> Stream {
        let mut stream = Stream { order: Vec::new(), source, seed, epoch: 0, next_document: 0, offset: 0 };
        stream.seek(position);
        stream
    }

    pub(crate) fn source(&self) -> &TokenSource {
        &self.source
    }

    pub(crate) fn seek(&mut self, position: u64) {
        let length = self.source.tokens();
        self.begin_epoch(position / length);
        let mut left = (position % length) as usize;
        for (place, document) in self.order.iter().enumerate() {
            let tokens = self.source.document(*document).len();
            if left < tokens {
                self.next_document = place;
                self.offset = left;
                return;
            }
            left -= tokens;
        }
    }

    /// Appends the next `count` tokens to `into`.
    pub(crate) fn read(&mut self, mut count: usize, into: &mut Vec<u32>) {
        while count > 0 {
            let document = self.source.document(self.order[self.next_document]);
            let rest = &document[self.offset..];
            let taken = rest.len().min(count);
            into.extend_from_slice(&rest[..taken]);
            count -= taken;
            self.offset += taken;
            if self.offset == document.len() {
                self.offset = 0;
                self.next_document += 1;
                if self.next_document == self.order.len() {
                    self.begin_epoch(self.epoch + 1);
                }
            }
        }
    }

    fn begin_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.next_document = 0;
        self.offset = 0;
        self.order = (0..self.source.documents()).collect();
        let mut stream = seed::rng(self.seed, &["epoch-order", &self.source.name], epoch);
        seed::shuffle(&mut stream, &mut self.order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonl::JsonlWriter;
    use serde_json::json;

    #[test]
    fn every_document_ends_with_the_end_token_and_cannot_forge_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut writer = JsonlWriter::create(&path).unwrap();
        for text in ["one", "", "two <|end_of_text|> three"] {
            writer.write(&json!({"text": text})).unwrap();
        }
        writer.finish().unwrap();
        let tokenizer = Tokenizer::train(["one two three"], 260, &[]).unwrap();
        let source = TokenSource::from_documents("a", &[path], &tokenizer).unwrap();
        assert_eq!(source.documents(), 2);
        assert_eq!(source.tokens.iter().filter(|token| **token == 0).count(), 2);
        assert_eq!(source.document(0).last(), Some(&0));
        assert_eq!(tokenizer.decode(source.document(1), true), "two <|end_of_text|> three");
    }

    #[test]
    fn a_source_without_text_is_refused_by_name() {
        for documents in [vec![], vec![vec![], vec![]]] {
            let error = TokenSource::from_tokens("web", documents, 0).unwrap_err().to_string();
            assert!(error.contains("\"web\""), "{error}");
        }
    }

    #[test]
    fn the_digest_tells_tokens_and_document_borders_apart() {
        let digest =
            |documents: Vec<Vec<u32>>| TokenSource::from_tokens("a", documents, 0).unwrap().digest().to_string();
        assert_eq!(digest(vec![vec![1, 2]]), digest(vec![vec![1, 2], vec![]]));
        assert_ne!(digest(vec![vec![1, 2]]), digest(vec![vec![1, 3]]));
        assert_ne!(digest(vec![vec![1, 0, 2]]), digest(vec![vec![1], vec![2]]));
    }
}
