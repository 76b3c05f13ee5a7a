//! fastText classifiers: models of C++ fastText 0.9.2 and its ports, `.bin` and quantised `.ftz`, read and asked.
//!
//! The crate `fasttext` trains and quantises (`classifier/training.rs`); asking is Octo's own. It reads a model as C++
//! fastText does where the crate departs from it: a quantised model with hierarchical softmax is one (lid.176.ftz), the
//! end of the sentence takes part in n-grams of words, a text of unknown words alone is answered, and negative sampling
//! is a sigmoid in a quantised model too. Sums have one order, whatever the processor, so the same model and text give
//! the same probabilities everywhere. Probabilities are C++ fastText's, whose logarithm is of p + 0.00001, but never
//! above 1.
//!
//! A model file is other people's data. Nothing is allocated that the file is not long enough for, every index is checked
//! before a row is looked up by it, and what does not hold is an error that names it. A model takes as much memory as
//! its file, and four bytes for each n-gram of characters of its words.
//!
//! `file.rs` reads numbers of a file that may lie about its sizes; `dictionary.rs` makes row numbers of a text;
//! `matrix.rs` has the rows, plain or quantised; `loss.rs` makes probabilities of their mean.

mod dictionary;
mod file;
mod loss;
mod matrix;
#[cfg(test)]
mod tests;

use dictionary::Dictionary;
use file::ModelReader;
use loss::{Loss, Output};
use matrix::Matrix;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a fastText model begins with.
const MAGIC: i32 = 793_712_314;
/// The newest version of the format.
const NEWEST: i32 = 12;
/// The number of the model that is a classifier.
const SUPERVISED: i32 = 3;
/// The longest n-grams, of characters or words, that are read.
const LONGEST_NGRAM: i32 = 64;
/// Columns that a matrix may have.
const LARGEST_DIMENSION: i64 = 1 << 16;

/// Why a model was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be read.
    #[error("could not read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not a fastText classifier, or is damaged.
    #[error("{}: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// A fastText classifier.
pub struct FastTextModel {
    dictionary: Dictionary,
    /// A row per word, then per bucket of n-grams.
    input: Matrix,
    output: Output,
}

/// Room to work in, which one thread uses for text after text.
#[derive(Default)]
pub struct Scratch {
    rows: Vec<i32>,
    hashes: Vec<i32>,
    word: Vec<u8>,
    hidden: Vec<f32>,
    scores: Vec<f32>,
}

impl FastTextModel {
    /// Reads the model at `path`.
    ///
    /// # Errors
    /// A file that cannot be read, is no classifier of fastText, or is damaged.
    pub fn load(path: &Path) -> Result<FastTextModel, ModelError> {
        let error = |source| ModelError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(error)?;
        let details = file.metadata().map_err(error)?;
        if !details.is_file() {
            return Err(ModelError::Format { path: path.to_owned(), message: "is not a file".into() });
        }
        FastTextModel::read(path, file, details.len())
    }

    /// Reads a model of `length` bytes from `source`; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`FastTextModel::load`].
    pub fn read(path: &Path, source: impl Read, length: u64) -> Result<FastTextModel, ModelError> {
        let mut reader = ModelReader::new(source, length);
        read_model(&mut reader).map_err(|wrong| match wrong {
            file::Wrong::Read(source) => ModelError::Read { path: path.to_owned(), source },
            file::Wrong::Format(message) => ModelError::Format { path: path.to_owned(), message },
        })
    }

    /// The labels, without `__label__` before them, in the order of the model.
    pub fn labels(&self) -> &[String] {
        &self.dictionary.labels
    }

    /// The `top` most probable labels of `text`, as their places in [`FastTextModel::labels`], with their probabilities, the
    /// most probable first. The text is read as one line, as C++ fastText does after its line breaks are made blanks; it
    /// ends early at a word `</s>`. Empty where the model knows nothing of the text. With hierarchical softmax, labels of
    /// a probability under 0.00001 are left out.
    ///
    /// # Errors
    /// Where the model's weights overflow.
    pub fn predict(&self, text: &str, top: usize, scratch: &mut Scratch) -> Result<Vec<(usize, f32)>, String> {
        self.dictionary.rows_of(text, &mut scratch.rows, &mut scratch.hashes, &mut scratch.word);
        if scratch.rows.is_empty() || top == 0 {
            return Ok(Vec::new());
        }
        self.input.mean_of_rows(&scratch.rows, &mut scratch.hidden);
        let found = self.output.best(&scratch.hidden, top, &mut scratch.scores);
        if found.iter().any(|(_, probability)| probability.is_nan()) {
            return Err("the classifier's weights overflow on this text; the model is damaged or badly trained".into());
        }
        Ok(found)
    }

    /// The `top` most probable labels of each text with their probabilities, the most probable first.
    ///
    /// # Errors
    /// As [`FastTextModel::predict`].
    pub fn classify(&self, texts: &[&str], top: u32) -> Result<Vec<Vec<(String, f32)>>, String> {
        let mut scratch = Scratch::default();
        let named = |(label, probability): (usize, f32)| (self.labels()[label].clone(), probability);
        let one = |text: &&str| {
            let found = self.predict(text, top as usize, &mut scratch)?;
            Ok(found.into_iter().map(named).collect())
        };
        texts.iter().map(one).collect()
    }

    /// The probability of the label at `label` for `text`; 0 where the model knows nothing of the text.
    ///
    /// # Errors
    /// As [`FastTextModel::predict`].
    pub fn probability(&self, text: &str, label: usize, scratch: &mut Scratch) -> Result<f32, String> {
        let found = self.predict(text, self.labels().len(), scratch)?;
        Ok(found.into_iter().find(|(found, _)| *found == label).map_or(0.0, |(_, probability)| probability))
    }
}

fn read_model<R: Read>(reader: &mut ModelReader<R>) -> Result<FastTextModel, file::Wrong> {
    if reader.left() < 8 || reader.i32()? != MAGIC {
        return Err("is not a model of fastText: it does not begin as one".into());
    }
    let version = reader.i32()?;
    if !(1..=NEWEST).contains(&version) {
        return Err(format!("has version {version} of fastText's format; versions up to {NEWEST} are read").into());
    }
    let dim = i64::from(reader.i32()?);
    for _ in ["ws", "epoch", "minCount", "neg"] {
        reader.i32()?;
    }
    let word_ngrams = reader.i32()?;
    let loss = reader.i32()?;
    let model = reader.i32()?;
    let bucket = reader.i32()?;
    let minn = reader.i32()?;
    let mut maxn = reader.i32()?;
    reader.i32()?;
    reader.f64()?;
    if model != SUPERVISED {
        return Err("is a model of word vectors, not a classifier; train one with `fasttext supervised`".into());
    }
    // As C++ fastText: old classifiers use no n-grams of characters.
    if version == 11 {
        maxn = 0;
    }
    if !(1..=LARGEST_DIMENSION).contains(&dim) {
        return Err(format!("is damaged: its vectors have {dim} numbers").into());
    }
    let ngram = 0..=LONGEST_NGRAM;
    if !ngram.contains(&minn) || !ngram.contains(&maxn) || !ngram.contains(&word_ngrams) || bucket < 0 {
        return Err(format!(
            "has n-grams of {minn} to {maxn} characters and up to {word_ngrams} words in {bucket} buckets; lengths from 0 to \
             {LONGEST_NGRAM} are read"
        )
        .into());
    }
    let loss = Loss::of_number(loss)?;
    let mut dictionary = Dictionary::read(reader, dictionary::Ngrams { word_ngrams, bucket, minn, maxn })?;
    let quantised = reader.flag("whether the input is quantised")?;
    if dictionary.is_pruned() && !quantised {
        return Err("is damaged: its dictionary is pruned, which only quantised models are".into());
    }
    let input = Matrix::read(reader, quantised, "input", dim)?;
    let output_quantised = reader.flag("whether the output is quantised")?;
    let output = Matrix::read(reader, quantised && output_quantised, "output", dim)?;
    if reader.left() != 0 {
        return Err(format!("is damaged: {} bytes come after its end", reader.left()).into());
    }
    if output.rows() != dictionary.labels.len() {
        let (rows, labels) = (output.rows(), dictionary.labels.len());
        return Err(format!("is damaged: its output has {rows} rows for {labels} labels").into());
    }
    dictionary.finish(input.rows())?;
    let output = Output::new(output, loss, &dictionary.label_counts)?;
    Ok(FastTextModel { dictionary, input, output })
}
