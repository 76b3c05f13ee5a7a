//! A named body of tokens to train on: in memory for small corpora, in shards on disk for large ones.

use crate::digest::{self, Sum};
use crate::error::DataError;
use crate::field_map::FieldMap;
use crate::packing::Packing;
use crate::shards::MANIFEST;
use crate::shards::reader::ShardFolder;
use crate::tokenizer::Tokenizer;
use crate::tokenizer::parallel::{Reading, encode_in_order};
use serde::{Deserialize, Serialize};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The tokens of a source's documents, each document ending with the end-of-text token. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TokenSource {
    name: String,
    body: Arc<Body>,
    tokens: u64,
    documents: u64,
    digest: String,
    origin: TokenOrigin,
}

/// What the tokens were made of, for a message that says what changed where their digest did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenOrigin {
    /// Digest of the tokenizer; empty where the tokens came without one.
    pub tokenizer: String,
    /// Name and digest of every file, in order.
    pub files: Vec<(String, String)>,
}

#[derive(Debug)]
enum Body {
    Memory {
        tokens: Vec<u32>,
        /// Where each document ends in `tokens`.
        ends: Vec<u64>,
    },
    /// One folder after the other, with the position of its first token.
    Shards(Vec<(u64, ShardFolder)>),
}

impl TokenSource {
    /// Opens `paths` as one source of documents: folders of token shards, or data files that are tokenised here and
    /// now, into memory. Shards of another tokenizer than `tokenizer` are refused.
    pub fn from_documents(name: &str, paths: &[PathBuf], tokenizer: &Tokenizer) -> Result<TokenSource, DataError> {
        let folders = paths.iter().filter(|path| path.is_dir()).count();
        match folders {
            0 => TokenSource::from_files(name, paths, tokenizer),
            _ if folders == paths.len() => TokenSource::from_shards(name, paths, tokenizer),
            _ => Err(DataError::Source {
                name: name.to_string(),
                message: "mixes data files and folders of token shards; tokenise the files as well, or make them a source of their own".into(),
            }),
        }
    }

    /// Opens folders that `octo-host tokenize` wrote, as one source.
    pub fn from_shards(name: &str, folders: &[PathBuf], tokenizer: &Tokenizer) -> Result<TokenSource, DataError> {
        let mut opened = Vec::with_capacity(folders.len());
        let (mut tokens, mut documents) = (0u64, 0u64);
        let mut sum = Sum::default();
        let mut origin = TokenOrigin { tokenizer: tokenizer.digest(), files: Vec::new() };
        for path in folders {
            let folder = ShardFolder::open(path)?;
            let manifest = folder.manifest();
            if manifest.tokenizer != origin.tokenizer {
                return Err(DataError::Format {
                    path: path.join(MANIFEST),
                    message: format!(
                        "was tokenised with another tokenizer ({}; the model's is {}): its tokens mean something else. Tokenise the corpus again with the model's",
                        manifest.tokenizer, origin.tokenizer
                    ),
                });
            }
            if manifest.beginning != tokenizer.beginning() {
                return Err(DataError::Format {
                    path: path.join(MANIFEST),
                    message: format!(
                        "has the tokens {:?} before each document, and the model's tokenizer puts {:?} there; tokenise the \
                         corpus again with the model's",
                        manifest.beginning,
                        tokenizer.beginning()
                    ),
                });
            }
            origin.files.extend(manifest.inputs.iter().map(|input| (input.name.clone(), input.digest.clone())));
            sum.update(folder.digest().as_bytes());
            let first = tokens;
            tokens = first.checked_add(folder.tokens()).ok_or_else(|| DataError::Source {
                name: name.to_string(),
                message: "has more tokens than can be counted".into(),
            })?;
            documents = documents.saturating_add(manifest.total.documents);
            opened.push((first, folder));
        }
        if tokens == 0 {
            return Err(DataError::Source { name: name.to_string(), message: "has no token to train on".into() });
        }
        let body = Arc::new(Body::Shards(opened));
        Ok(TokenSource { name: name.to_string(), body, tokens, documents, digest: sum.finish(), origin })
    }

    /// Tokenises the rows of `files` into memory, in order, and puts the end-of-text token after each, and before each
    /// what the tokenizer begins a text with. Special
    /// tokens' names in a text are plain characters. A row without text adds nothing; a bad one is an error, and so is
    /// a source without any token to predict.
    pub fn from_files(name: &str, files: &[PathBuf], tokenizer: &Tokenizer) -> Result<TokenSource, DataError> {
        let mut gathered = Gathered::new(tokenizer.end_of_text());
        let map = FieldMap::default();
        let bytes_read = AtomicU64::new(0);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let reading = Reading { inputs: files, map: &map, start: (0, 0), threads, bytes_read: &bytes_read };
        let _never_stopped = encode_in_order(&reading, tokenizer, |row| {
            gathered.add(&row.tokens?.ids);
            Ok(ControlFlow::Continue(()))
        })?;
        let mut source = gathered.into_source(name)?;
        source.origin.tokenizer = tokenizer.digest();
        for file in files {
            source.origin.files.push((shown(file), digest::of_file(file)?));
        }
        Ok(source)
    }

    /// A source of documents that are tokens already; `end_of_text` is put after each one that is not empty.
    ///
    /// Two tokens are enough: a source repeats, epoch after epoch, so it fills windows of any length.
    pub fn from_tokens(name: &str, documents: Vec<Vec<u32>>, end_of_text: u32) -> Result<TokenSource, DataError> {
        let mut gathered = Gathered::new(end_of_text);
        for document in &documents {
            gathered.add(document);
        }
        gathered.into_source(name)
    }

    /// The source's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tokens in one epoch, end-of-text tokens included.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Documents that have text.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// "sha256:…" over every document's tokens, in order: for shards, over the digests that their manifests state.
    /// Tells whether a saved position still means the same.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the tokens were made of.
    pub fn origin(&self) -> &TokenOrigin {
        &self.origin
    }

    /// Appends sequence `sequence` of this source to `into`, `context` + 1 tokens as [`Packing`] finds them, and
    /// returns where segments begin among its `context` inputs: 0, and every place at which a document begins.
    pub fn sequence(
        &self,
        sequence: u64,
        context: usize,
        seed: u64,
        into: &mut Vec<u32>,
    ) -> Result<Vec<u32>, DataError> {
        let packing = Packing { tokens: self.tokens, context: context as u64 };
        let mut at = packing.start_of(sequence, seed, &self.name);
        let mut segments = vec![0];
        let mut done = 0;
        let wanted = context as u64 + 1;
        while done < wanted {
            let end = self.tokens.min(at + (wanted - done));
            self.read(at..end, into)?;
            let starts = self.document_starts(at..end)?;
            let places = starts.into_iter().map(|start| (start - at) + done);
            // The last token is a target alone: what begins there begins in another sequence.
            segments.extend(places.filter(|place| (1..context as u64).contains(place)).map(|place| place as u32));
            done += end - at;
            at = 0;
        }
        Ok(segments)
    }

    fn read(&self, range: Range<u64>, into: &mut Vec<u32>) -> Result<(), DataError> {
        match &*self.body {
            Body::Memory { tokens, .. } => {
                into.extend_from_slice(&tokens[range.start as usize..range.end as usize]);
                Ok(())
            }
            Body::Shards(folders) => parts(folders, range, |_, folder, part| folder.read(part, into)),
        }
    }

    fn document_starts(&self, range: Range<u64>) -> Result<Vec<u64>, DataError> {
        match &*self.body {
            Body::Memory { ends, .. } => {
                let first = ends.partition_point(|end| *end < range.start);
                let within = ends[first..].iter().take_while(|end| **end < range.end);
                let beginning = (range.start == 0).then_some(0);
                Ok(beginning.into_iter().chain(within.copied()).collect())
            }
            Body::Shards(folders) => {
                let mut starts = Vec::new();
                parts(folders, range, |first, folder, part| {
                    starts.extend(folder.document_starts(part)?.into_iter().map(|start| first + start));
                    Ok(())
                })?;
                Ok(starts)
            }
        }
    }
}

/// Calls `each` with every folder that has some of `range`, and its part of it.
fn parts(
    folders: &[(u64, ShardFolder)],
    range: Range<u64>,
    mut each: impl FnMut(u64, &ShardFolder, Range<u64>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let begin = folders.partition_point(|(first, _)| *first <= range.start).saturating_sub(1);
    for (first, folder) in &folders[begin..] {
        let part = range.start.max(*first)..range.end.min(first + folder.tokens());
        if part.start < part.end {
            each(*first, folder, part.start - first..part.end - first)?;
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Documents on their way into memory.
struct Gathered {
    tokens: Vec<u32>,
    ends: Vec<u64>,
    end_of_text: u32,
    empty: u64,
}

impl Gathered {
    fn new(end_of_text: u32) -> Gathered {
        Gathered { tokens: Vec::new(), ends: Vec::new(), end_of_text, empty: 0 }
    }

    fn add(&mut self, document: &[u32]) {
        if document.is_empty() {
            self.empty += 1;
            return;
        }
        self.tokens.extend_from_slice(document);
        self.tokens.push(self.end_of_text);
        self.ends.push(self.tokens.len() as u64);
    }

    fn into_source(self, name: &str) -> Result<TokenSource, DataError> {
        let Gathered { tokens, ends, empty, .. } = self;
        if ends.is_empty() {
            return Err(DataError::Source {
                name: name.to_string(),
                message: format!("has no text to train on: {empty} documents, all of them empty"),
            });
        }
        let mut sum = Sum::default();
        sum.update(&(ends.len() as u64).to_le_bytes());
        ends.iter().for_each(|end| sum.update(&end.to_le_bytes()));
        tokens.iter().for_each(|token| sum.update(&token.to_le_bytes()));
        Ok(TokenSource {
            name: name.to_string(),
            tokens: tokens.len() as u64,
            documents: ends.len() as u64,
            body: Arc::new(Body::Memory { tokens, ends }),
            digest: sum.finish(),
            origin: TokenOrigin::default(),
        })
    }
}

#[cfg(test)]
mod tests;
