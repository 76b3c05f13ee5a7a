//! The generation engine: many responses at once, each from its own seeded stream.
//!
//! A fixed number of slots decode together, one token each per forward pass. A response that ends gives its slot to
//! the next in line at once, so slots stand empty only when nobody waits. Equal prompts (the rollouts of one problem)
//! are read once and copied to each of their slots. The cache of keys and values has a budget: it grows as responses
//! do, and where the budget would be passed, the youngest responses give up their slots, wait, and are read again
//! with their prompts when there is room. What a response is does not depend on any of this, up to floating-point
//! rounding of the logits.

use std::collections::{BTreeMap, VecDeque};

use octo_data::tokenizer::Tokenizer;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tch::{Kind, Tensor};

use crate::attention::Further;
use crate::initial::uniform;
use crate::key_value_cache::KeyValueCache;
use crate::next_tokens::choose;
use crate::stop_texts::{Decode, StopTexts};
use crate::{Finish, Model, ModelError, Response, Sampling};

/// Keys and values take at most this much memory, unless the caller sets another limit.
const CACHE_BYTES: usize = 2 << 30;
/// Sequences are read in slices of this many tokens, which bounds the memory of the activations.
const PREFILL_TOKENS: usize = 8192;
/// Room in the cache grows by this many tokens at least.
const GROWTH: usize = 64;

/// Generates responses with one model.
pub struct Engine<'a> {
    model: &'a Model,
    decode: Decode<'a>,
    decode_special: Option<Decode<'a>>,
    slots: usize,
    cache_bytes: usize,
    cut_at_context: bool,
}

/// Generates one response per prompt with the engine's defaults; see [`Engine::generate`].
///
/// # Errors
/// The errors of [`Engine::generate`].
pub fn generate(
    model: &Model,
    tokenizer: &Tokenizer,
    prompts: &[Vec<u32>],
    seeds: &[u64],
    sampling: &Sampling,
) -> Result<Vec<Response>, ModelError> {
    let (decode, decode_special) = (|t: &[u32]| tokenizer.decode(t, true), |t: &[u32]| tokenizer.decode(t, false));
    let engine = Engine::new(model, &decode);
    let engine = match sampling.stop.iter().any(|stop| tokenizer.names_special(stop)) {
        true => engine.decode_special(&decode_special),
        false => engine,
    };
    engine.generate(prompts, seeds, sampling, &mut |_, _| ())
}

impl<'a> Engine<'a> {
    /// An engine of 256 slots and 2 GiB of keys and values. `decode` turns tokens into text, and is asked only where
    /// there are stop texts.
    pub fn new(model: &'a Model, decode: &'a dyn Fn(&[u32]) -> String) -> Self {
        Self { model, decode, decode_special: None, slots: 256, cache_bytes: CACHE_BYTES, cut_at_context: false }
    }

    /// Looks for stop texts also in what `decode_special` makes of the tokens, which shows the names of special tokens:
    /// for stop texts that have one.
    pub fn decode_special(self, decode_special: &'a dyn Fn(&[u32]) -> String) -> Self {
        Self { decode_special: Some(decode_special), ..self }
    }

    /// Ends a response where the model's `max_position_embeddings` are used up, as [`Finish::Length`]. Without this, a
    /// prompt that leaves less room than `max_response_tokens` is refused; with it, only one that leaves none.
    pub fn cut_at_context(self) -> Self {
        Self { cut_at_context: true, ..self }
    }

    /// Sets how many responses are under way at one time, at least 1; fewer where the cache's budget is short.
    pub fn slots(self, slots: usize) -> Self {
        Self { slots: slots.max(1), ..self }
    }

    /// Sets the memory for keys and values. One response is always given what it needs.
    pub fn cache_bytes(self, cache_bytes: usize) -> Self {
        Self { cache_bytes, ..self }
    }

    /// Generates one response per prompt, in order. `seeds[i]` alone decides the random draws of response `i`.
    /// `on_finished` is called with each response, and the index of its prompt, as soon as it is complete.
    ///
    /// # Errors
    /// [`ModelError::Argument`] for settings or prompts that cannot be used (empty, beyond the vocabulary, or longer
    /// with the response than `max_position_embeddings`); [`ModelError::NotFinite`] if the model gives no numbers.
    pub fn generate(
        &self,
        prompts: &[Vec<u32>],
        seeds: &[u64],
        sampling: &Sampling,
        on_finished: &mut dyn FnMut(usize, &Response),
    ) -> Result<Vec<Response>, ModelError> {
        self.check(prompts, seeds, sampling)?;
        if prompts.is_empty() {
            return Ok(Vec::new());
        }
        let _no_grad = tch::no_grad_guard();
        let mut responses: Vec<Option<Response>> = vec![None; prompts.len()];
        let mut finished = |index: usize, response: Response| {
            on_finished(index, &response);
            if let Some(place) = responses.get_mut(index) {
                *place = Some(response);
            }
        };
        Run::new(self, prompts, seeds, sampling).finish_all(&mut finished)?;
        Ok(responses.into_iter().flatten().collect())
    }

    /// Refuses what cannot be generated.
    fn check(&self, prompts: &[Vec<u32>], seeds: &[u64], sampling: &Sampling) -> Result<(), ModelError> {
        sampling.validate()?;
        let wrong = |text: String| Err(ModelError::Argument(text));
        if prompts.len() != seeds.len() {
            return wrong(format!("{} prompts and {} seeds; each prompt needs one", prompts.len(), seeds.len()));
        }
        let (vocabulary, context) = (self.model.config().vocab_size, self.model.config().max_position_embeddings);
        for (index, prompt) in prompts.iter().enumerate() {
            if prompt.is_empty() {
                return wrong(format!("prompt {index} is empty; begin with at least one token"));
            }
            if let Some(token) = prompt.iter().find(|&&token| token as usize >= vocabulary) {
                return wrong(format!(
                    "prompt {index} has token {token}, and the model knows {vocabulary}: is this the model's tokenizer?"
                ));
            }
            let wanted = if self.cut_at_context { 1 } else { sampling.max_response_tokens };
            if prompt.len().saturating_add(wanted) > context {
                return wrong(format!(
                    "prompt {index} has {} tokens; with max_response_tokens = {wanted} it passes the model's \
                 max_position_embeddings = {context}",
                    prompt.len()
                ));
            }
        }
        Ok(())
    }
}

/// A response that waits or is under way.
struct Growing {
    /// Index of the prompt.
    prompt: usize,
    /// The prompt and what has been generated.
    tokens: Vec<u32>,
    /// Log-probabilities of the generated tokens.
    log_probabilities: Vec<f32>,
    /// Tokens at which it is ended.
    most: usize,
    generator: ChaCha8Rng,
}

/// Sequences that were read ahead of their slots.
struct Read {
    cache: KeyValueCache,
    width: i64,
    /// Logits `[sequences, vocabulary]` of each one's next token.
    logits: Tensor,
    rows: BTreeMap<Vec<u32>, i64>,
}

/// The responses of one call.
struct Run<'e, 'a> {
    engine: &'e Engine<'a>,
    sampling: &'e Sampling,
    stops: StopTexts<'e>,
    /// Equal sequences follow each other, and sequences of like length are near each other, so that they can be read
    /// together.
    waiting: VecDeque<Growing>,
    read: Option<Read>,
    /// `slots[i]` has row `i` of the cache; between two passes none is empty.
    slots: Vec<Option<Growing>>,
    cache: KeyValueCache,
    most_slots: usize,
    /// Tokens of the longest prompt and the longest response: more room is of no use.
    most_tokens: usize,
}

impl<'e, 'a> Run<'e, 'a> {
    fn new(engine: &'e Engine<'a>, prompts: &[Vec<u32>], seeds: &[u64], sampling: &'e Sampling) -> Self {
        let context = engine.model.config().max_position_embeddings;
        let begin = |(prompt, (tokens, seed)): (usize, (&Vec<u32>, &u64))| Growing {
            prompt,
            tokens: tokens.clone(),
            log_probabilities: Vec::new(),
            most: sampling.max_response_tokens.min(context - tokens.len()),
            generator: ChaCha8Rng::seed_from_u64(*seed),
        };
        let mut waiting: Vec<Growing> = prompts.iter().zip(seeds).enumerate().map(begin).collect();
        waiting.sort_by(|a, b| (a.tokens.len(), &a.tokens).cmp(&(b.tokens.len(), &b.tokens)));
        let longest = waiting.last().map_or(0, |growing| growing.tokens.len());
        let capacity = (longest + GROWTH.min(sampling.max_response_tokens)).min(context);
        let most_slots = engine.slots.min(waiting.len()).min(engine.affordable(capacity));
        let model = engine.model;
        let options = (model.compute().kind(), model.device());
        Self {
            engine,
            sampling,
            stops: StopTexts::new(&sampling.stop, engine.decode, engine.decode_special),
            waiting: waiting.into(),
            read: None,
            slots: Vec::with_capacity(most_slots),
            cache: KeyValueCache::new(model.config(), most_slots as i64, capacity as i64, options),
            most_slots,
            most_tokens: longest.saturating_add(sampling.max_response_tokens).min(context),
        }
    }

    fn finish_all(mut self, finished: &mut dyn FnMut(usize, Response)) -> Result<(), ModelError> {
        loop {
            self.fill_slots(finished)?;
            self.close_ranks();
            if self.slots.is_empty() {
                return Ok(());
            }
            self.make_room();
            self.decode(finished)?;
        }
    }

    /// Gives every empty slot to the response that waits longest.
    fn fill_slots(&mut self, finished: &mut dyn FnMut(usize, Response)) -> Result<(), ModelError> {
        loop {
            let mut free: VecDeque<usize> = (0..self.most_slots)
                .filter(|slot| self.slots.get(*slot).is_none_or(Option::is_none))
                .take(self.waiting.len())
                .collect();
            let Some(next) = self.waiting.front().filter(|_| !free.is_empty()) else { return Ok(()) };
            let read = match self.read.take().filter(|read| read.rows.contains_key(&next.tokens)) {
                Some(read) => read,
                None => self.read_ahead()?,
            };
            let mut taken = Vec::new();
            let mut sources = Vec::new();
            while let Some(&row) = self.waiting.front().and_then(|growing| read.rows.get(&growing.tokens)) {
                if taken.len() == free.len() {
                    break;
                }
                taken.extend(self.waiting.pop_front());
                sources.push(row);
            }
            let rows = Tensor::from_slice(&sources).to_device(self.engine.model.device());
            // A response may end with its first token; whose does takes no slot.
            let still = self.take_tokens(&mut taken, &read.logits.index_select(0, &rows), finished)?;
            let (mut from, mut to) = (Vec::new(), Vec::new());
            for ((growing, row), still) in taken.into_iter().zip(sources).zip(still) {
                let Some(slot) = free.pop_front().filter(|_| still) else { continue };
                from.push(row);
                to.push(slot as i64);
                if slot >= self.slots.len() {
                    self.slots.resize_with(slot + 1, || None);
                }
                self.slots[slot] = Some(growing);
            }
            if !to.is_empty() {
                self.cache.copy_rows(&read.cache, &from, &to, read.width);
            }
            self.read = Some(read);
        }
    }

    /// Reads the sequences that wait longest, each different one once: as many as there are slots, and no more than a
    /// slice of tokens.
    fn read_ahead(&self) -> Result<Read, ModelError> {
        let mut rows: BTreeMap<Vec<u32>, i64> = BTreeMap::new();
        let mut sequences: Vec<&[u32]> = Vec::new();
        let mut width = 0;
        for growing in &self.waiting {
            if rows.contains_key(&growing.tokens) {
                continue;
            }
            let wider = width.max(growing.tokens.len());
            let many = sequences.len() >= self.most_slots || (sequences.len() + 1) * wider > PREFILL_TOKENS;
            if many && !sequences.is_empty() {
                break;
            }
            rows.insert(growing.tokens.clone(), sequences.len() as i64);
            sequences.push(&growing.tokens);
            width = wider;
        }
        let model = self.engine.model;
        let (count, device) = (sequences.len() as i64, model.device());
        let (mut tokens, mut ends) = (Vec::with_capacity(sequences.len() * width), Vec::new());
        for (row, sequence) in sequences.iter().enumerate() {
            tokens.extend(sequence.iter().map(|&token| i64::from(token)));
            tokens.resize((row + 1) * width, 0);
            ends.push((row * width + sequence.len()) as i64 - 1);
        }
        let tokens = Tensor::from_slice(&tokens).view([count, width as i64]).to_device(device);
        let cache = KeyValueCache::new(model.config(), count, width as i64, (model.compute().kind(), device));
        let hidden = model.prefill(&tokens, &cache).flatten(0, 1);
        let logits = model.logits(&hidden.index_select(0, &Tensor::from_slice(&ends).to_device(device)));
        Ok(Read { cache, width: width as i64, logits, rows })
    }

    /// Moves the last slots into the empty ones, so that a pass computes nothing that nobody wants.
    fn close_ranks(&mut self) {
        let (mut from, mut to) = (Vec::new(), Vec::new());
        let mut empty = 0;
        loop {
            while self.slots.last().is_some_and(Option::is_none) {
                self.slots.pop();
            }
            empty += self.slots[empty..].iter().take_while(|slot| slot.is_some()).count();
            if empty == self.slots.len() {
                break;
            }
            self.slots[empty] = self.slots.pop().flatten();
            from.push(self.slots.len() as i64);
            to.push(empty as i64);
        }
        if !from.is_empty() {
            let longest = self.slots.iter().flatten().map(|growing| growing.tokens.len()).max().unwrap_or(0);
            self.cache.move_rows(&from, &to, (longest as i64).min(self.cache.capacity()));
        }
    }

    /// Makes room for a further token in each slot's row.
    fn make_room(&mut self) {
        let longest = self.slots.iter().flatten().map(|growing| growing.tokens.len()).max().unwrap_or(0);
        let capacity = self.cache.capacity() as usize;
        if longest <= capacity {
            return;
        }
        // Room grows by half, so that copying stays a small share of all work.
        let wanted = (capacity + GROWTH.max(capacity / 2)).min(self.most_tokens);
        let most = self.engine.affordable(wanted);
        if most < self.most_slots {
            self.most_slots = most;
            let mut without = self.slots.split_off(most.min(self.slots.len()));
            // Those that are to be read again need not be read one by one later: they wait first, by length.
            without.sort_by_key(|growing| growing.as_ref().map_or(0, |growing| growing.tokens.len()));
            without.into_iter().rev().flatten().for_each(|growing| self.waiting.push_front(growing));
        }
        self.cache.resize(self.most_slots as i64, wanted as i64);
    }

    /// One further token for every slot.
    fn decode(&mut self, finished: &mut dyn FnMut(usize, Response)) -> Result<(), ModelError> {
        let (model, capacity) = (self.engine.model, self.cache.capacity());
        let growing = || self.slots.iter().flatten();
        let last: Vec<i64> = growing().map(|growing| growing.tokens.last().map_or(0, |&token| token.into())).collect();
        let lengths: Vec<i64> = growing().map(|growing| growing.tokens.len() as i64).collect();
        let count = last.len() as i64;
        // One transfer to the device for both.
        let both = Tensor::from_slice(&[&last[..], &lengths].concat()).view([2, count]).to_device(model.device());
        let positions = both.get(1) - 1;
        let rows = Tensor::arange(count, (Kind::Int64, model.device()));
        let further = Further { places: rows * capacity + &positions, positions, lengths };
        let hidden = model.decode(&both.get(0).unsqueeze(1), &further, &self.cache);
        let logits = model.logits(&hidden.squeeze_dim(1));
        let mut slots: Vec<Growing> = std::mem::take(&mut self.slots).into_iter().flatten().collect();
        let still = self.take_tokens(&mut slots, &logits, finished)?;
        self.slots = slots.into_iter().zip(still).map(|(growing, still)| still.then_some(growing)).collect();
        Ok(())
    }

    /// Chooses a token for each of `growing` from `logits`, and calls `finished` with those that end with it; gives
    /// which of them do not end yet.
    fn take_tokens(
        &mut self,
        growing: &mut [Growing],
        logits: &Tensor,
        finished: &mut dyn FnMut(usize, Response),
    ) -> Result<Vec<bool>, ModelError> {
        let greedy = self.sampling.temperature == 0.0;
        let marks: Vec<f64> =
            growing.iter_mut().map(|one| if greedy { 0.0 } else { uniform(&mut one.generator) }).collect();
        let mut still = Vec::with_capacity(growing.len());
        for (one, (token, log_probability)) in growing.iter_mut().zip(choose(logits, &marks, self.sampling)?) {
            if log_probability.is_nan() {
                return Err(ModelError::NotFinite { prompt: one.prompt, token: one.log_probabilities.len() });
            }
            one.tokens.push(token);
            one.log_probabilities.push(log_probability);
            let length = one.log_probabilities.len();
            let response = &one.tokens[one.tokens.len() - length..];
            let finish = if self.sampling.end_tokens.contains(&token) || self.stops.found(response) {
                Some(Finish::Stop)
            } else {
                (length >= one.most).then_some(Finish::Length)
            };
            still.push(finish.is_none());
            if let Some(finish) = finish {
                let (tokens, log_probabilities) = (response.to_vec(), std::mem::take(&mut one.log_probabilities));
                finished(one.prompt, Response { tokens, log_probabilities, finish });
            }
        }
        Ok(still)
    }
}

impl Engine<'_> {
    /// Slots of `capacity` tokens that the cache's budget has room for, at least 1.
    fn affordable(&self, capacity: usize) -> usize {
        let per_token = KeyValueCache::bytes_per_token(self.model.config(), self.model.compute().kind()).max(1);
        (self.cache_bytes / per_token / capacity.max(1)).max(1)
    }
}
