//! Text to token ids and back: byte-level BPE trained here, or any `tokenizer.json` of a Hugging Face folder.

pub(crate) mod parallel;
mod pipeline;
mod special;

use crate::atomic;
use crate::digest;
use crate::error::DataError;
use crate::jsonl::read_documents;
use crate::model_file;
use pipeline::Growth;
pub use pipeline::LONGEST_TEXT;
use serde_json::json;
use special::Special;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tokenizers::AddedToken;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;

/// The token that ends every document; id 0 of the tokenizers trained here.
pub const END_OF_TEXT: &str = "<|end_of_text|>";
/// Tokens of the smallest vocabulary that [`Tokenizer::train`] makes: every byte, and [`END_OF_TEXT`].
pub const SMALLEST_VOCABULARY: usize = 257;

/// Files of a Hugging Face folder that belong to the tokenizer and are copied as they are by [`Tokenizer::save`]: those
/// of every tokenizer, and those that the slow ones of `transformers` and llama.cpp's converter read.
const ACCOMPANYING: [&str; 9] = [
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "chat_template.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "tokenizer.model",
];

/// A tokenizer with what it puts around texts.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// The same tokenizer, reading special tokens as plain text; made when first needed.
    plain: OnceLock<tokenizers::Tokenizer>,
    special: Special,
    vocabulary_size: usize,
    growth: Growth,
    /// Name and bytes of every file of the folder, `tokenizer.json` first.
    files: Vec<(String, Vec<u8>)>,
}

impl Tokenizer {
    /// Loads a `tokenizer.json`, or the one in a folder.
    ///
    /// The end tokens are `eos_token_id` of `generation_config.json`, or else of `config.json`, beside it (a number or
    /// a list), and `eos_token` of `tokenizer_config.json`, which may be the end of a turn; without any, a special token
    /// of a well-known name. A tokenizer without any is an error. What a text begins with is said by the post-processor
    /// of `tokenizer.json`, as in `transformers` 5, and by `add_bos_token` of `tokenizer_config.json` for Llama's and the
    /// like, as in 4; a warning names the two where they differ. Truncation and padding that the file asks for are turned
    /// off.
    ///
    /// Each file is read up to the size that [`model_file`] states, and pipelines that grow texts without end are
    /// refused.
    pub fn load(path: &Path) -> Result<Tokenizer, DataError> {
        let file = if path.is_dir() { path.join("tokenizer.json") } else { path.to_path_buf() };
        let folder = file.parent().unwrap_or(Path::new("."));
        let bytes = model_file::read(&file)?;
        let named = |message: String| DataError::Tokenizer(format!("{}: {message}", file.display()));
        let growth = Growth::of(&bytes).map_err(named)?;
        let inner = parse(&bytes).map_err(named)?;
        let mut files = vec![("tokenizer.json".to_string(), bytes)];
        for name in ACCOMPANYING {
            if let Some(bytes) = model_file::read_if_there(&folder.join(name))? {
                files.push((name.to_string(), bytes));
            }
        }
        let special = Special::load(&inner, folder)?;
        Tokenizer::assemble(inner, special, growth, files)
    }

    /// Trains a byte-level BPE on `documents`: digits one by one, every byte a token, then merges of the most frequent
    /// pairs (ties to the pair of lower ids) until there are `vocabulary` tokens.
    ///
    /// [`END_OF_TEXT`] is token 0, and the other `special_tokens` follow in order. The same documents in the same or
    /// any other order give the same bytes. The vocabulary is smaller than asked for where the documents have no more
    /// pairs to merge; asking for less than 256 and the special tokens is an error.
    pub fn train<S: AsRef<str> + Send>(
        documents: impl IntoIterator<Item = S, IntoIter: Send>,
        vocabulary: usize,
        special_tokens: &[&str],
    ) -> Result<Tokenizer, DataError> {
        Tokenizer::try_train(documents.into_iter().map(Ok), vocabulary, special_tokens)
    }

    /// Trains on the documents of JSON Lines files, as [`Tokenizer::train`]. The first bad line is an error.
    pub fn train_from_files(
        files: &[PathBuf],
        vocabulary: usize,
        special_tokens: &[&str],
    ) -> Result<Tokenizer, DataError> {
        let texts = files.iter().flat_map(|path| match read_documents(path) {
            Ok(documents) => Box::new(documents.map(|found| found.map(|document| document.text)))
                as Box<dyn Iterator<Item = Result<String, DataError>> + Send>,
            Err(error) => Box::new(std::iter::once(Err(error))),
        });
        Tokenizer::try_train(texts, vocabulary, special_tokens)
    }

    fn try_train<S: AsRef<str> + Send>(
        documents: impl Iterator<Item = Result<S, DataError>> + Send,
        vocabulary: usize,
        special_tokens: &[&str],
    ) -> Result<Tokenizer, DataError> {
        let mut specials = vec![END_OF_TEXT];
        for token in special_tokens {
            if token.is_empty() {
                return Err(DataError::Tokenizer("a special token is empty".into()));
            }
            if !specials.contains(token) {
                specials.push(token);
            }
        }
        let least = SMALLEST_VOCABULARY - 1 + specials.len();
        if vocabulary < least {
            return Err(DataError::Tokenizer(format!(
                "a vocabulary of {vocabulary} is too small: 256 bytes and {} special tokens need {least}",
                specials.len()
            )));
        }
        // Texts stream through: what is held of them is the count of each word. The first error ends the stream.
        let mut failure = None;
        let texts = documents.map_while(|document| document.map_err(|error| failure = Some(error)).ok());
        let mut trainer: TrainerWrapper = BpeTrainer::builder()
            .vocab_size(vocabulary)
            .show_progress(false)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .special_tokens(specials.iter().map(|token| AddedToken::from(*token, true)).collect())
            .build()
            .into();
        let mut inner = tokenizers::Tokenizer::new(BPE::default());
        let bytes_and_digits = Sequence::new(vec![
            PreTokenizerWrapper::Digits(Digits::new(true)),
            PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true)),
        ]);
        inner.with_pre_tokenizer(Some(bytes_and_digits)).with_decoder(Some(ByteLevel::new(false, true, true)));
        let trained = inner.train(&mut trainer, texts).map(|_| ()).map_err(failed);
        if let Some(error) = failure {
            return Err(error);
        }
        trained?;
        let bytes = inner.to_string(true).map_err(failed)?.into_bytes();
        // What was saved is what is used: no difference between the first run and one that loads it.
        let growth = Growth::of(&bytes).map_err(DataError::Tokenizer)?;
        let inner = parse(&bytes).map_err(DataError::Tokenizer)?;
        let files = vec![
            ("tokenizer.json".to_string(), bytes),
            ("tokenizer_config.json".to_string(), tokenizer_config(&specials)),
        ];
        Tokenizer::assemble(inner, Special::trained(), growth, files)
    }

    fn assemble(
        inner: tokenizers::Tokenizer,
        special: Special,
        growth: Growth,
        files: Vec<(String, Vec<u8>)>,
    ) -> Result<Tokenizer, DataError> {
        let vocabulary = inner.get_vocab(true);
        let growth = growth.with_vocabulary(&vocabulary).map_err(DataError::Tokenizer)?;
        // Added tokens may lie after a gap, so the count of tokens is not enough.
        let vocabulary_size = vocabulary.into_values().max().map_or(0, |largest| largest as usize + 1);
        if let Some(id) = special.ends.iter().find(|id| inner.id_to_token(**id).is_none()) {
            return Err(DataError::Tokenizer(format!(
                "end token {id} (eos_token_id) is not in its vocabulary of {vocabulary_size}"
            )));
        }
        Ok(Tokenizer { inner, plain: OnceLock::new(), special, growth, vocabulary_size, files })
    }

    /// The tokens of `text`, with none added before or after. A special token's name in `text` becomes that token, as
    /// `transformers` does; use [`Tokenizer::encode_plain`] for text that is not to be trusted with that.
    ///
    /// # Errors
    /// A text of more than [`LONGEST_TEXT`] bytes, or one that the tokenizer cannot read.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, DataError> {
        self.encode_with(&self.inner, text)
    }

    /// The tokens of `text`, special tokens' names in it read as the characters they are: a document that quotes
    /// `<|end_of_text|>` does not end there.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`].
    pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let plain = self.plain.get_or_init(|| {
            let mut plain = self.inner.clone();
            plain.set_encode_special_tokens(true);
            plain
        });
        self.encode_with(plain, text)
    }

    /// The tokens of a document to train on: [`Tokenizer::beginning`], then those of its text as
    /// [`Tokenizer::encode_plain`] has them. A document without text has none.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`].
    pub fn encode_document(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let tokens = self.encode_plain(text)?;
        Ok(if tokens.is_empty() { tokens } else { self.begun(tokens) })
    }

    /// The tokens of a prompt: [`Tokenizer::beginning`], then those of its text as [`Tokenizer::encode`] has them. A
    /// prompt that already begins so is not given it twice. A chat template writes such tokens itself where they belong,
    /// so its text is for [`Tokenizer::encode`].
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`].
    pub fn encode_prompt(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let tokens = self.encode(text)?;
        Ok(if tokens.starts_with(&self.special.beginning) { tokens } else { self.begun(tokens) })
    }

    fn begun(&self, tokens: Vec<u32>) -> Vec<u32> {
        match self.special.beginning.as_slice() {
            [] => tokens,
            beginning => [beginning, &tokens].concat(),
        }
    }

    fn encode_with(&self, tokenizer: &tokenizers::Tokenizer, text: &str) -> Result<Vec<u32>, DataError> {
        self.growth.check_text(tokenizer, text).map_err(DataError::Tokenizer)?;
        let encoding = tokenizer.encode_fast(text, false).map_err(failed)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of `tokens`. Bytes that are no UTF-8 become U+FFFD, and ids that are not in the vocabulary nothing.
    /// `skip_special` leaves out special tokens.
    pub fn decode(&self, tokens: &[u32], skip_special: bool) -> String {
        let decoded = match self.growth.allows_decoding(&self.inner, tokens) {
            true => self.inner.decode(tokens, skip_special).ok(),
            false => None,
        };
        // Byte-level decoders never fail. One that does, or grows a text without end, still has its tokens to show.
        decoded.unwrap_or_else(|| tokens.iter().filter_map(|id| self.inner.id_to_token(*id)).collect())
    }

    /// The tokens that the tokenizer puts before a text, such as Llama's `<|begin_of_text|>`; most have none.
    pub fn beginning(&self) -> &[u32] {
        &self.special.beginning
    }

    /// The token that ends a document: of several end tokens, the one with an end-of-text name, or else the first.
    pub fn end_of_text(&self) -> u32 {
        self.special.end_of_text
    }

    /// Whether the name of a special token stands in `text`, which no text without special tokens can then equal.
    pub fn names_special(&self, text: &str) -> bool {
        self.inner
            .get_added_tokens_decoder()
            .values()
            .any(|token| token.special && !token.content.is_empty() && text.contains(token.content.as_str()))
    }

    /// Every token that ends a generation, never empty.
    pub fn end_tokens(&self) -> &[u32] {
        &self.special.ends
    }

    /// One more than the largest token id: the rows that an embedding needs.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary_size
    }

    /// Digest of the bytes of `tokenizer.json`, as it was read or made.
    pub fn digest(&self) -> String {
        digest::of_bytes(self.files.first().map_or(&[], |(_, bytes)| bytes))
    }

    /// The id of a token by its name in the vocabulary, for example of a special token.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Writes `tokenizer.json` and its companions into the folder `folder`, so that `transformers` loads it. The files
    /// of a loaded tokenizer are written as they were read.
    pub fn save(&self, folder: &Path) -> Result<(), DataError> {
        for (name, bytes) in &self.files {
            atomic::write(&folder.join(name), bytes)?;
        }
        Ok(())
    }
}

fn failed(error: tokenizers::Error) -> DataError {
    DataError::Tokenizer(error.to_string())
}

fn parse(bytes: &[u8]) -> Result<tokenizers::Tokenizer, String> {
    let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| error.to_string())?;
    // A corpus is cut into windows by the sampler; a tokenizer that cuts texts loses tokens.
    inner.with_truncation(None).map_err(|error| error.to_string())?;
    inner.with_padding(None);
    Ok(inner)
}

fn tokenizer_config(specials: &[&str]) -> Vec<u8> {
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END_OF_TEXT,
        "pad_token": END_OF_TEXT,
        "additional_special_tokens": &specials[1..],
        "add_prefix_space": false,
        "clean_up_tokenization_spaces": false,
    });
    format!("{config:#}\n").into_bytes()
}

#[cfg(test)]
mod tests;
