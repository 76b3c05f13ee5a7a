//! Which source gives the next training sequence, and where in its stream it stands. Exact to resume.
//!
//! Each source is an endless stream: its documents in an order drawn from the seed, then again in another order, epoch
//! after epoch. Sequence k of a source is tokens k·context to (k+1)·context of that stream, both ends included, so
//! neighbours share one token: it is the last target of one and the first input of the next. Every token of an epoch is
//! therefore an input once and a target once (but for the stream's very first, which nothing predicts). An epoch's
//! length is rarely a multiple of the context; the window that reaches over its end goes on in the next epoch's order.

use crate::error::DataError;
use crate::token_source::{Stream, TokenSource};
use serde::{Deserialize, Serialize};

/// Sequences for one training step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Sequence after sequence, each of context + 1 tokens.
    pub tokens: Vec<u32>,
    /// The source of each sequence, an index into the sampler's sources.
    pub source: Vec<usize>,
}

/// Where a [`Sampler`] stands: what a checkpoint keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerState {
    /// Tokens a sequence predicts.
    pub context: usize,
    /// The seed of the document orders.
    pub seed: u64,
    /// One entry a source, in order.
    pub sources: Vec<SourceState>,
}

/// Where one source stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceState {
    /// The source's name.
    pub name: String,
    /// [`TokenSource::digest`] of its tokens.
    pub digest: String,
    /// Tokens in one epoch, for the message where the digest differs.
    pub tokens: u64,
    /// Sequences drawn so far.
    pub sequences: u64,
    /// Sequences that the weights promised, less those drawn. Stays within one while the weights stay.
    pub owed: f64,
}

/// Draws training sequences from sources by weight.
#[derive(Clone, Debug)]
pub struct Sampler {
    context: usize,
    seed: u64,
    sources: Vec<Drawn>,
}

#[derive(Clone, Debug)]
struct Drawn {
    /// Stands one token behind the beginning of the next sequence: that token is `first`.
    stream: Stream,
    first: u32,
    sequences: u64,
    owed: f64,
}

impl Drawn {
    fn seek(&mut self, sequences: u64, context: usize) {
        self.stream.seek(sequences * context as u64);
        self.sequences = sequences;
        self.take_first();
    }

    fn take_first(&mut self) {
        let mut first = Vec::with_capacity(1);
        self.stream.read(1, &mut first);
        self.first = first.first().copied().unwrap_or(self.first);
    }
}

impl Sampler {
    /// A sampler at the beginning of `sources`, for sequences of `context` + 1 tokens.
    ///
    /// Refuses a context of 0, no sources, and two sources of one name (their orders and curves would mix).
    pub fn new(sources: Vec<TokenSource>, context: usize, seed: u64) -> Result<Sampler, DataError> {
        if context == 0 {
            return Err(DataError::Invalid("context must be at least 1 token".into()));
        }
        if sources.is_empty() {
            return Err(DataError::Invalid("there is no source to train on".into()));
        }
        for (index, source) in sources.iter().enumerate() {
            if sources[..index].iter().any(|other| other.name() == source.name()) {
                return Err(DataError::Source { name: source.name().to_string(), message: "is named twice".into() });
            }
        }
        let sources = sources
            .into_iter()
            .map(|source| {
                let mut drawn = Drawn { stream: Stream::at(source, seed, 0), first: 0, sequences: 0, owed: 0.0 };
                drawn.take_first();
                drawn
            })
            .collect();
        Ok(Sampler { context, seed, sources })
    }

    /// The next `sequences` sequences. `weights` has one finite, non-negative weight a source, not all zero; they need
    /// not sum to 1. A source of weight 0 gives nothing.
    ///
    /// While the weights stay the same, the sequences that each source has given never differ from its share by one or
    /// more, at any moment, over the whole history.
    pub fn next_batch(&mut self, weights: &[f64], sequences: usize) -> Result<Batch, DataError> {
        let shares = self.shares(weights)?;
        let mut batch =
            Batch { tokens: Vec::with_capacity(sequences * (self.context + 1)), source: Vec::with_capacity(sequences) };
        for _ in 0..sequences {
            let chosen = self.choose(&shares);
            let drawn = &mut self.sources[chosen];
            drawn.owed -= 1.0;
            drawn.sequences += 1;
            batch.tokens.push(drawn.first);
            drawn.stream.read(self.context, &mut batch.tokens);
            drawn.first = batch.tokens.last().copied().unwrap_or(drawn.first);
            batch.source.push(chosen);
        }
        Ok(batch)
    }

    /// Adds every source's share to what it is owed, and picks the source whose debt would first grow to a whole
    /// sequence: Tijdeman's rule ("The chairman assignment problem", Discrete Mathematics 32, 1980), which keeps every
    /// debt within 1 - 1/(2n-2). Taking the largest debt instead lets one of many sources fall further behind.
    fn choose(&mut self, shares: &[f64]) -> usize {
        let slack = 1.0 / (2.0 * shares.len() as f64 - 2.0).max(1.0);
        for (drawn, share) in self.sources.iter_mut().zip(shares) {
            drawn.owed += share;
        }
        let mut chosen: Option<(usize, bool, f64)> = None;
        for (index, (drawn, share)) in self.sources.iter().zip(shares).enumerate() {
            if *share <= 0.0 {
                continue;
            }
            // The sum of the debts is exact only up to rounding: without an allowance none of them might be due.
            let due = drawn.owed >= slack - 1e-9;
            let deadline = (1.0 - slack - drawn.owed) / share;
            let order = if due { deadline } else { -drawn.owed };
            let better = match chosen {
                None => true,
                Some((_, other_due, other_order)) => (due && !other_due) || (due == other_due && order < other_order),
            };
            if better {
                chosen = Some((index, due, order));
            }
        }
        chosen.map_or(0, |(index, _, _)| index)
    }

    fn shares(&self, weights: &[f64]) -> Result<Vec<f64>, DataError> {
        if weights.len() != self.sources.len() {
            return Err(DataError::Invalid(format!(
                "mixture: {} weights for {} sources",
                weights.len(),
                self.sources.len()
            )));
        }
        for (weight, drawn) in weights.iter().zip(&self.sources) {
            if !weight.is_finite() || *weight < 0.0 {
                return Err(DataError::Source {
                    name: drawn.stream.source().name().to_string(),
                    message: format!("has the weight {weight}; weights are finite and not negative"),
                });
            }
        }
        // Divided by the largest first, or the sum of two huge weights is infinite.
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(DataError::Invalid("mixture: every weight is 0".into()));
        }
        let sum: f64 = weights.iter().map(|weight| weight / largest).sum();
        Ok(weights.iter().map(|weight| weight / largest / sum).collect())
    }

    /// Names of the sources, in the order of weights and of [`Batch::source`].
    pub fn names(&self) -> Vec<&str> {
        self.sources.iter().map(|drawn| drawn.stream.source().name()).collect()
    }

    /// Tokens in one epoch of each source.
    pub fn tokens_available(&self) -> Vec<u64> {
        self.sources.iter().map(|drawn| drawn.stream.source().tokens()).collect()
    }

    /// Tokens of each source that sequences have predicted so far: context times its sequences.
    pub fn tokens_seen(&self) -> Vec<u64> {
        self.sources.iter().map(|drawn| drawn.sequences * self.context as u64).collect()
    }

    /// Where the sampler stands. [`Sampler::restore`] with it gives the same batches from here on.
    pub fn state(&self) -> SamplerState {
        let sources = self.sources.iter().map(|drawn| {
            let source = drawn.stream.source();
            SourceState {
                name: source.name().to_string(),
                digest: source.digest().to_string(),
                tokens: source.tokens(),
                sequences: drawn.sequences,
                owed: drawn.owed,
            }
        });
        SamplerState { context: self.context, seed: self.seed, sources: sources.collect() }
    }

    /// Goes to where `state` was taken. Refuses one of another context, seed, or other sources, saying what differs:
    /// its position would mean other data. The sampler is left as it was then.
    pub fn restore(&mut self, state: &SamplerState) -> Result<(), DataError> {
        let changes = self.changes_since(state);
        if !changes.is_empty() {
            return Err(DataError::State(changes.join("; ")));
        }
        for (drawn, saved) in self.sources.iter().zip(&state.sources) {
            let position = saved.sequences.checked_mul(self.context as u64);
            if !saved.owed.is_finite() || position.is_none() {
                return Err(DataError::State(format!(
                    "the position saved for \"{}\" is damaged",
                    drawn.stream.source().name()
                )));
            }
        }
        for (drawn, saved) in self.sources.iter_mut().zip(&state.sources) {
            drawn.seek(saved.sequences, self.context);
            drawn.owed = saved.owed;
        }
        Ok(())
    }

    fn changes_since(&self, state: &SamplerState) -> Vec<String> {
        let mut changes = Vec::new();
        if state.context != self.context {
            changes.push(format!("context was {}, is {}", state.context, self.context));
        }
        if state.seed != self.seed {
            changes.push(format!("seed was {}, is {}", state.seed, self.seed));
        }
        let before: Vec<&str> = state.sources.iter().map(|saved| saved.name.as_str()).collect();
        let now = self.names();
        if before != now {
            changes.push(format!("sources were {}, are {}", before.join(", "), now.join(", ")));
            return changes;
        }
        for (drawn, saved) in self.sources.iter().zip(&state.sources) {
            let source = drawn.stream.source();
            if saved.digest != source.digest() {
                changes.push(format!(
                    "the tokens of source \"{}\" changed ({} tokens then, {} now; {} then, {} now)",
                    saved.name,
                    saved.tokens,
                    source.tokens(),
                    saved.digest,
                    source.digest()
                ));
            }
        }
        changes
    }
}

#[cfg(test)]
#[path = "sampler_tests.rs"]
mod tests;
