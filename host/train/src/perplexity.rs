//! The perplexity stage: how well a model predicts texts, in bits per byte.
//!
//! Every document is read from its beginning in windows of `context` tokens without overlap. A window begins after the token
//! before it (for the first one, what the tokenizer puts before a text, or its end-of-text token), so each token is
//! predicted once, as lm-eval's rolling log-likelihood does with a context of one token. A document's sum depends on it
//! alone but for rounding: what shares a pass with it is padding to the right, which causal attention does not see.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use octo_data::jsonl::read_documents;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Model, Precision, next_token_losses};
use octo_record::{PerplexityResults, TextPerplexity, layout};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::control::{Clock, Control, Finished};
use crate::error::TrainError;
use crate::stage::defaults::{cpu, threads};
use crate::stage::{self, write_results};

/// Documents whose windows are put in order by length and read together.
const CHUNK: usize = 256;

/// Settings of a perplexity stage, with the recipe's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerplexityConfig {
    /// Tokens that the model reads at once; what the model was made for where it is not given.
    pub context: Option<usize>,
    /// The most documents of each text, from its beginning; all where it is not given.
    pub most_documents: Option<usize>,
    /// Windows per pass.
    #[serde(default = "batch")]
    #[schemars(range(min = 1))]
    pub batch: usize,
    /// Number format of the passes: `float32` or `bfloat16`.
    #[serde(default)]
    pub compute: Precision,
    /// Threads of libtorch in this stage.
    #[serde(default = "threads")]
    pub threads: usize,
    /// Where the stage runs: `cpu`, `cuda`, or `cuda:N` for one of several GPUs.
    #[serde(default = "cpu")]
    pub device: String,
}

fn batch() -> usize {
    8
}

/// What a perplexity stage reads.
pub struct PerplexityInputs {
    /// Model folder with its tokenizer.
    pub model: PathBuf,
    /// Files of documents by the name of the text.
    pub texts: BTreeMap<String, Vec<PathBuf>>,
}

impl PerplexityConfig {
    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// The key and what would be right.
    pub fn check(&self) -> Result<(), TrainError> {
        for (key, value) in
            [("batch", Some(self.batch)), ("context", self.context), ("most_documents", self.most_documents)]
        {
            if value == Some(0) {
                return Err(TrainError::config(key, "must be at least 1".to_owned()));
            }
        }
        Ok(())
    }
}

/// Measures, and leaves `results.json` in `out`. A stage that is stopped starts over.
///
/// # Errors
/// Where a setting cannot work, a text has no document, or a file cannot be read or written.
pub fn perplexity(
    config: &PerplexityConfig,
    inputs: PerplexityInputs,
    out: &Path,
    control: &Control,
) -> Result<Finished, TrainError> {
    config.check()?;
    if out.join(layout::RESULTS).is_file() {
        return Ok(Finished::Done);
    }
    stage::on_own_thread("perplexity", config.threads, move || {
        let model = Model::load(&inputs.model, stage::device(&config.device)?)?.compute_in(config.compute);
        let tokenizer = Tokenizer::load(&inputs.model)?;
        model.config().check_tokenizer(&tokenizer)?;
        let most = model.config().max_position_embeddings;
        let context = config.context.unwrap_or(most);
        if context > most {
            let message = format!("is {context}, and the model reads {most} tokens");
            return Err(TrainError::config("context", message));
        }
        let reader = Reader { config, model: &model, tokenizer: &tokenizer, context };
        let mut texts = BTreeMap::new();
        for (place, (name, files)) in inputs.texts.iter().enumerate() {
            let before = place as f64 / inputs.texts.len() as f64;
            let share = |of_text: f64| before + of_text / inputs.texts.len() as f64;
            match reader.text(name, files, control, &share)? {
                Some(found) => texts.insert(name.clone(), found),
                None => return Ok(Finished::Stopped),
            };
        }
        write_results(out, &PerplexityResults { texts })?;
        Ok(Finished::Done)
    })
}

/// One window of a document: its index among those of the chunk, and the tokens with the one before them.
struct Window {
    document: usize,
    tokens: Vec<i64>,
}

struct Reader<'a> {
    config: &'a PerplexityConfig,
    model: &'a Model,
    tokenizer: &'a Tokenizer,
    context: usize,
}

impl Reader<'_> {
    /// The figures of one text; none where the stage is to stop.
    fn text(
        &self,
        name: &str,
        files: &[PathBuf],
        control: &Control,
        share: &dyn Fn(f64) -> f64,
    ) -> Result<Option<TextPerplexity>, TrainError> {
        let bytes: u64 = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum();
        let (mut measured, mut chunk, mut bytes_before) = (Vec::new(), Vec::new(), 0);
        let clock = Clock::start(0, bytes.max(1));
        for file in files {
            let mut documents = read_documents(file)?;
            loop {
                let room = self.config.most_documents.is_none_or(|most| measured.len() + chunk.len() < most);
                let next = if room { documents.next().transpose()? } else { None };
                let at_end = next.is_none();
                chunk.extend(next.map(|document| document.text).filter(|text| !text.is_empty()));
                if chunk.len() >= CHUNK || (at_end && !chunk.is_empty()) {
                    if control.stopping() {
                        return Ok(None);
                    }
                    measured.extend(self.chunk(&std::mem::take(&mut chunk))?);
                    let read = bytes_before + documents.bytes_read();
                    let (found, eta) = (TextPerplexity::over(&measured).bits_per_byte, clock.eta(read));
                    let said = format!("{name}: {} documents  {found:.4} bits per byte  {eta}", measured.len());
                    (control.report)(&said, share(read as f64 / bytes.max(1) as f64));
                }
                if at_end {
                    break;
                }
            }
            bytes_before += documents.bytes_read();
        }
        if measured.is_empty() {
            return Err(TrainError::NothingToDo(format!("texts.{name}: no document of it has text")));
        }
        Ok(Some(TextPerplexity::over(&measured)))
    }

    /// Sum of losses, bytes and tokens of every document.
    fn chunk(&self, texts: &[String]) -> Result<Vec<(f64, u64, u64)>, TrainError> {
        let mut measured = vec![(0.0, 0, 0); texts.len()];
        let mut windows = Vec::new();
        for (document, text) in texts.iter().enumerate() {
            let tokens = self.tokenizer.encode_plain(text)?;
            measured[document] = (0.0, text.len() as u64, tokens.len() as u64);
            let mut before =
                i64::from(self.tokenizer.beginning().last().copied().unwrap_or(self.tokenizer.end_of_text()));
            for part in tokens.chunks(self.context) {
                let part: Vec<i64> = part.iter().map(|token| i64::from(*token)).collect();
                let last = part.last().copied().unwrap_or(before);
                windows.push(Window { document, tokens: [&[before], &part[..]].concat() });
                before = last;
            }
        }
        // By length, so that little is padded; the order of equals is that of the documents.
        windows.sort_by_key(|window| window.tokens.len());
        for group in windows.chunks(self.config.batch) {
            for (window, nats) in group.iter().zip(self.losses(group)?) {
                measured[window.document].0 += nats;
            }
        }
        Ok(measured)
    }

    /// The sum of the losses of each window, in nats.
    fn losses(&self, group: &[Window]) -> Result<Vec<f64>, TrainError> {
        let width = group.iter().map(|window| window.tokens.len()).max().unwrap_or(0);
        let mut numbers = Vec::with_capacity(width * group.len());
        let mut counted = Vec::with_capacity(width.saturating_sub(1) * group.len());
        for Window { tokens, .. } in group {
            numbers.extend(tokens);
            numbers.extend(std::iter::repeat_n(0, width - tokens.len()));
            counted.extend((1..width).map(|place| f64::from(u8::from(place < tokens.len()))));
        }
        let (rows, width) = (group.len() as i64, width as i64);
        let device = self.model.device();
        let tokens = Tensor::from_slice(&numbers).f_view([rows, width])?.f_to_device(device)?;
        let counted = Tensor::from_slice(&counted).f_view([rows, width - 1])?.f_to_device(device)?;
        let losses = next_token_losses(self.model, &tokens, None)?.f_to_kind(Kind::Double)?;
        let sums = losses.f_mul(&counted)?.f_sum_dim_intlist(Some([1i64].as_slice()), false, Kind::Double)?;
        Ok(Vec::<f64>::try_from(&sums)?)
    }
}
