//! The generation engine: many responses at once, each from its own seeded stream.
//!
//! Prompts are padded on the left, equal prompts (the rollouts of one problem) are read once, keys and values are
//! cached, and rows that have finished leave the batch. Tokens are chosen on the CPU, from one copy of the logits per
//! step. What a response is does not depend on the batch it was in, up to floating-point rounding of the logits.

use std::collections::BTreeMap;

use octo_data::tokenizer::Tokenizer;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::{Kind, Tensor};

use crate::key_value_cache::KeyValueCache;
use crate::sampling::sample;
use crate::{Finish, Model, ModelError, Response, Sampling};

/// Keys and values of one batch take at most this much memory; more prompts are done one batch after another.
const CACHE_BYTES: usize = 2 << 30;
/// Prompts are read in slices of this many tokens, which bounds the memory of the activations.
const PREFILL_TOKENS: usize = 8192;
/// Room in the cache grows by this many tokens at least, so that short responses do not pay for the longest.
const GROWTH: i64 = 64;
/// Finished rows leave once they are this share of the batch: dropping rows copies the cache, which costs about as
/// much as reading it for one token.
const FINISHED_SHARE: usize = 8;

/// Generates one response per prompt, in order. `seeds[i]` alone decides the random draws of response `i`.
/// `on_finished` hears of each response, by the index of its prompt, as soon as it is complete.
///
/// # Errors
/// [`ModelError::Argument`] for settings or prompts that cannot be used (empty, beyond the vocabulary, or longer
/// with the response than `max_position_embeddings`); [`ModelError::NotFinite`] if the model gives no numbers.
pub fn generate(
    model: &Model,
    tokenizer: &Tokenizer,
    prompts: &[Vec<u32>],
    seeds: &[u64],
    sampling: &Sampling,
    on_finished: &mut dyn FnMut(usize, &Response),
) -> Result<Vec<Response>, ModelError> {
    generate_with(model, &|tokens| tokenizer.decode(tokens, true), prompts, seeds, sampling, on_finished)
}

/// [`generate`] with any function from tokens to text, which is only asked where there are stop texts.
///
/// # Errors
/// As [`generate`].
pub fn generate_with(
    model: &Model,
    decode: &dyn Fn(&[u32]) -> String,
    prompts: &[Vec<u32>],
    seeds: &[u64],
    sampling: &Sampling,
    on_finished: &mut dyn FnMut(usize, &Response),
) -> Result<Vec<Response>, ModelError> {
    check(model, prompts, seeds, sampling)?;
    let _no_grad = tch::no_grad_guard();
    // Prompts of like length share a batch, so that little of it is padding.
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&index| prompts.get(index).map_or(0, Vec::len));

    let mut responses: Vec<Option<Response>> = vec![None; prompts.len()];
    let mut stops = StopTexts::new(&sampling.stop, decode);
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let size = batch_size(model, prompts, rest, sampling);
        let (batch, later) = rest.split_at(size);
        rest = later;
        let mut finished = |index: usize, response: Response| {
            on_finished(index, &response);
            if let Some(place) = responses.get_mut(index) {
                *place = Some(response);
            }
        };
        Batch::start(model, prompts, seeds, batch)?.run(sampling, &mut stops, &mut finished)?;
    }
    Ok(responses.into_iter().flatten().collect())
}

fn check(model: &Model, prompts: &[Vec<u32>], seeds: &[u64], sampling: &Sampling) -> Result<(), ModelError> {
    sampling.validate()?;
    let wrong = |text: String| Err(ModelError::Argument(text));
    if prompts.len() != seeds.len() {
        return wrong(format!("{} prompts and {} seeds; each prompt needs one", prompts.len(), seeds.len()));
    }
    let (vocabulary, context) = (model.config().vocab_size, model.config().max_position_embeddings);
    for (index, prompt) in prompts.iter().enumerate() {
        if prompt.is_empty() {
            return wrong(format!("prompt {index} is empty; begin with at least one token"));
        }
        if let Some(token) = prompt.iter().find(|&&token| token as usize >= vocabulary) {
            return wrong(format!(
                "prompt {index} has token {token}, and the model knows {vocabulary}: is this the model's tokenizer?"
            ));
        }
        if prompt.len().saturating_add(sampling.max_response_tokens) > context {
            return wrong(format!(
                "prompt {index} has {} tokens; with max_response_tokens = {} it passes the model's \
                 max_position_embeddings = {context}",
                prompt.len(),
                sampling.max_response_tokens
            ));
        }
    }
    Ok(())
}

/// How many of the prompts, which come with rising length, fit one batch.
fn batch_size(model: &Model, prompts: &[Vec<u32>], rest: &[usize], sampling: &Sampling) -> usize {
    let per_token = KeyValueCache::bytes_per_token(model.config(), model.compute().kind()).max(1);
    let most_tokens = CACHE_BYTES / per_token;
    let mut size = 0;
    for (before, &index) in rest.iter().enumerate() {
        let width = prompts.get(index).map_or(0, Vec::len) + sampling.max_response_tokens;
        if width.saturating_mul(before + 1) > most_tokens {
            break;
        }
        size = before + 1;
    }
    size.max(1)
}

/// A response under way.
struct Row {
    /// Index of the prompt.
    prompt: usize,
    generator: ChaCha8Rng,
    tokens: Vec<u32>,
    log_probabilities: Vec<f32>,
    finished: bool,
}

/// The rows that share a forward pass.
struct Batch<'a> {
    model: &'a Model,
    rows: Vec<Row>,
    cache: KeyValueCache,
    /// Padding tokens per row; `None` where there are none.
    padding: Option<Vec<i64>>,
    /// Logits `[rows, vocabulary]` of each row's next token.
    logits: Tensor,
}

impl<'a> Batch<'a> {
    /// Reads the prompts, each different one once.
    fn start(model: &'a Model, prompts: &[Vec<u32>], seeds: &[u64], batch: &[usize]) -> Result<Self, ModelError> {
        let mut numbers: BTreeMap<&[u32], i64> = BTreeMap::new();
        let mut different: Vec<&[u32]> = Vec::new();
        let mut assignment = Vec::with_capacity(batch.len());
        let mut rows = Vec::with_capacity(batch.len());
        for &index in batch {
            let (Some(prompt), Some(&seed)) = (prompts.get(index), seeds.get(index)) else {
                continue;
            };
            let number = *numbers.entry(prompt.as_slice()).or_insert_with(|| {
                different.push(prompt.as_slice());
                different.len() as i64 - 1
            });
            assignment.push(number);
            rows.push(Row {
                prompt: index,
                generator: ChaCha8Rng::seed_from_u64(seed),
                tokens: Vec::new(),
                log_probabilities: Vec::new(),
                finished: false,
            });
        }
        let width = different.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
        let missing: Vec<i64> = different.iter().map(|prompt| (width - prompt.len()) as i64).collect();

        let options = (model.compute().kind(), model.device());
        let mut cache = KeyValueCache::new(model.config(), different.len() as i64, width as i64, options);
        let mut logits = Vec::new();
        let mut row = 0;
        for slice in different.chunks((PREFILL_TOKENS / width.max(1)).max(1)) {
            let mut tokens = Vec::with_capacity(slice.len() * width);
            let mut pads = Vec::with_capacity(slice.len());
            for prompt in slice {
                tokens.extend(std::iter::repeat_n(0_i64, width - prompt.len()));
                tokens.extend(prompt.iter().map(|&token| i64::from(token)));
                pads.push((width - prompt.len()) as i64);
            }
            let tokens = Tensor::from_slice(&tokens).view([slice.len() as i64, width as i64]).to_device(model.device());
            let pads = pads.iter().any(|&pad| pad > 0).then(|| Tensor::from_slice(&pads).to_device(model.device()));
            let hidden = model.prefill(&tokens, pads.as_ref(), Some((&cache, row)));
            logits.push(model.logits(&hidden.select(1, width as i64 - 1)));
            row += slice.len() as i64;
        }
        cache.set_length(width as i64);

        let assigned = Tensor::from_slice(&assignment).to_device(model.device());
        cache.select(&assigned, width as i64 + GROWTH);
        let logits = Tensor::cat(&logits, 0).index_select(0, &assigned);
        let padding: Vec<i64> =
            assignment.iter().map(|&number| missing.get(number as usize).copied().unwrap_or(0)).collect();
        let padding = padding.iter().any(|&pad| pad > 0).then_some(padding);
        Ok(Self { model, rows, cache, padding, logits })
    }

    /// Generates until every row has finished.
    fn run(
        mut self,
        sampling: &Sampling,
        stops: &mut StopTexts,
        finished: &mut dyn FnMut(usize, Response),
    ) -> Result<(), ModelError> {
        let device = self.model.device();
        let mut mask = self.padding_tensors();
        let vocabulary = self.model.config().vocab_size;
        let (mut values, mut weights) = (Vec::new(), Vec::new());
        loop {
            values.resize(self.rows.len() * vocabulary, 0.0_f32);
            self.logits.to_kind(Kind::Float).contiguous().f_copy_data(&mut values, self.rows.len() * vocabulary)?;
            for (row, logits) in self.rows.iter_mut().zip(values.chunks_exact(vocabulary)) {
                if let Some(response) = row.step(logits, sampling, stops, &mut weights)? {
                    finished(row.prompt, response);
                }
            }
            let live: Vec<i64> = (0_i64..).zip(&self.rows).filter(|(_, row)| !row.finished).map(|(i, _)| i).collect();
            if live.is_empty() {
                return Ok(());
            }
            let gone = self.rows.len() - live.len();
            let drop_rows = gone > 0 && gone * FINISHED_SHARE >= self.rows.len();
            let full = self.cache.length() == self.cache.capacity();
            if drop_rows || full {
                // Room grows by half, so that copying stays a small share of all work.
                let length = self.cache.length();
                let capacity = if full { length + GROWTH.max(length / 2) } else { self.cache.capacity() };
                if drop_rows {
                    self.rows.retain(|row| !row.finished);
                    if let Some(padding) = &mut self.padding {
                        *padding = live.iter().filter_map(|&row| padding.get(row as usize).copied()).collect();
                    }
                    self.cache.select(&Tensor::from_slice(&live).to_device(device), capacity);
                } else {
                    let all = Tensor::arange(self.rows.len() as i64, (Kind::Int64, device));
                    self.cache.select(&all, capacity);
                }
                mask = self.padding_tensors();
            }
            // A finished row that is still in the batch is fed its last token again; nobody reads what comes of it.
            let next: Vec<i64> =
                self.rows.iter().map(|row| row.tokens.last().map_or(0, |&token| i64::from(token))).collect();
            let next = Tensor::from_slice(&next).unsqueeze(1).to_device(device);
            let padding = mask.as_ref().map(|(padding, mask)| (padding, mask));
            let hidden = self.model.decode(&next, padding, &mut self.cache);
            self.logits = self.model.logits(&hidden.squeeze_dim(1));
        }
    }

    /// Padding `[rows]` and the additive mask `[rows, 1, 1, capacity]` that hides it from queries.
    fn padding_tensors(&self) -> Option<(Tensor, Tensor)> {
        let padding = self.padding.as_ref().filter(|padding| padding.iter().any(|&pad| pad > 0))?;
        let device = self.model.device();
        let padding = Tensor::from_slice(padding).to_device(device);
        let index = Tensor::arange(self.cache.capacity(), (Kind::Int64, device)).view([1, 1, 1, -1]);
        let hidden = index.lt_tensor(&padding.view([-1, 1, 1, 1]));
        let mask = hidden.zeros_like().to_kind(Kind::Float).masked_fill(&hidden, f64::NEG_INFINITY);
        Some((padding, mask))
    }
}

impl Row {
    /// Takes one more token; gives the response if that ends it.
    fn step(
        &mut self,
        logits: &[f32],
        sampling: &Sampling,
        stops: &mut StopTexts,
        weights: &mut Vec<f64>,
    ) -> Result<Option<Response>, ModelError> {
        if self.finished {
            return Ok(None);
        }
        let chosen = sample(logits, sampling.temperature, sampling.top_p, &mut self.generator, weights);
        let (token, log_probability) =
            chosen.ok_or(ModelError::NotFinite { prompt: self.prompt, token: self.tokens.len() })?;
        self.tokens.push(token);
        self.log_probabilities.push(log_probability);
        let finish = if sampling.end_tokens.contains(&token) || stops.found(&self.tokens) {
            Finish::Stop
        } else if self.tokens.len() >= sampling.max_response_tokens {
            Finish::Length
        } else {
            return Ok(None);
        };
        self.finished = true;
        Ok(Some(Response {
            // The row still needs its last token while it stays in the batch.
            tokens: self.tokens.clone(),
            log_probabilities: std::mem::take(&mut self.log_probabilities),
            finish,
        }))
    }
}

/// Looks for stop texts at the end of a growing response, decoding as little as possible.
struct StopTexts<'a> {
    texts: &'a [String],
    decode: &'a dyn Fn(&[u32]) -> String,
    /// A stop text of n bytes spans at most n tokens that have text; some more are looked at, since special tokens
    /// have none and a character may begin before the window.
    window: usize,
    /// By token: whether its text has the last character of a stop text. Others cannot complete one.
    completes: BTreeMap<u32, bool>,
}

impl<'a> StopTexts<'a> {
    fn new(texts: &'a [String], decode: &'a dyn Fn(&[u32]) -> String) -> Self {
        let longest = texts.iter().map(String::len).max().unwrap_or(0);
        Self { texts, decode, window: longest + 8, completes: BTreeMap::new() }
    }

    /// Whether the last of `tokens` completes a stop text.
    fn found(&mut self, tokens: &[u32]) -> bool {
        let Some(&last) = tokens.last().filter(|_| !self.texts.is_empty()) else {
            return false;
        };
        let completes = *self.completes.entry(last).or_insert_with(|| {
            let text = (self.decode)(&[last]);
            // U+FFFD: the token has part of a character, which may be any.
            text.contains('\u{fffd}')
                || self.texts.iter().any(|stop| stop.chars().next_back().is_some_and(|end| text.contains(end)))
        });
        if !completes {
            return false;
        }
        let window = tokens.get(tokens.len().saturating_sub(self.window)..).unwrap_or(tokens);
        let text = (self.decode)(window);
        self.texts.iter().any(|stop| text.contains(stop.as_str()))
    }
}
