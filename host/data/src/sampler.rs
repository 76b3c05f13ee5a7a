//! Which source gives the next training sequence, and where in its stream it stands. Exact to resume, on any number of
//! ranks.
//!
//! Sources share the sequences by weight with a rule that draws no lots ([`Sampler::next_batch`]); which tokens the n-th
//! sequence of a source has is [`packing`](crate::packing)'s to say. So the order of all sequences is a function of seed,
//! weights and index alone, and data-parallel ranks need not speak to each other: each follows the order of the whole
//! batch and reads its own part of it.

use crate::error::DataError;
use crate::token_source::{TokenOrigin, TokenSource};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// Sequences for one training step, or one rank's part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Sequence after sequence, each of context + 1 tokens.
    pub tokens: Vec<u32>,
    /// The source of each sequence, an index into the sampler's sources.
    pub source: Vec<usize>,
    /// Of each sequence, where in its context inputs a segment begins: 0, and every place at which a document does.
    /// A trainer that wants documents apart resets positions and attention there.
    pub segments: Vec<Vec<u32>>,
}

/// One of the processes that share every batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    /// Which one, from 0.
    pub rank: usize,
    /// How many there are.
    pub world_size: usize,
}

impl Rank {
    /// A process that trains alone.
    pub const ALONE: Rank = Rank { rank: 0, world_size: 1 };

    /// The sequences of a batch of `sequences` that are this rank's: the ranks' parts lie one after the other, and
    /// differ in length by one at most.
    pub fn part_of(&self, sequences: usize) -> Range<usize> {
        let edge = |rank: usize| (sequences as u128 * rank as u128 / self.world_size.max(1) as u128) as usize;
        edge(self.rank)..edge(self.rank + 1)
    }
}

/// Where a [`Sampler`] stands: what a checkpoint keeps. The same on every rank.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplerState {
    /// Tokens a sequence predicts.
    pub context: usize,
    /// The seed of the orders.
    pub seed: u64,
    /// One entry per source, in order.
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
    /// Tokenizer and files, for the same message.
    pub origin: TokenOrigin,
    /// Sequences drawn so far, by all ranks together.
    pub sequences: u64,
    /// Sequences that the weights promised, less those drawn; `owed` in a checkpoint. Stays within one while the
    /// weights stay.
    #[serde(rename = "owed")]
    pub budget: f64,
}

/// Draws training sequences from sources by weight.
#[derive(Clone, Debug)]
pub struct Sampler {
    context: usize,
    seed: u64,
    sources: Vec<TokenSource>,
    /// Where each source stands.
    drawn: Vec<Drawn>,
}

#[derive(Clone, Copy, Debug)]
struct Drawn {
    sequences: u64,
    budget: f64,
    /// Sequences after which the source gives no more.
    cap: u64,
}

impl Drawn {
    fn capped(&self) -> bool {
        self.sequences >= self.cap
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
            return Err(DataError::Invalid("the list of sources to train on is empty".into()));
        }
        for (index, source) in sources.iter().enumerate() {
            if sources[..index].iter().any(|other| other.name() == source.name()) {
                return Err(DataError::Source { name: source.name().to_string(), message: "is named twice".into() });
            }
        }
        let drawn = vec![Drawn { sequences: 0, budget: 0.0, cap: u64::MAX }; sources.len()];
        Ok(Sampler { context, seed, sources, drawn })
    }

    /// Bounds how often sources are repeated, by name: a source whose sequences have had as many tokens as `epochs`
    /// times its own gives no more, and the others share what it would have given, by their weights.
    ///
    /// Refuses names that no source has, and numbers that are not above 0.
    pub fn cap_epochs(&mut self, epochs: &BTreeMap<String, f64>) -> Result<(), DataError> {
        let mut caps = vec![u64::MAX; self.sources.len()];
        for (name, most) in epochs {
            let Some(index) = self.sources.iter().position(|source| source.name() == name) else {
                return Err(DataError::Invalid(format!(
                    "max_epochs names {name:?}, which is not a source; the sources are {}",
                    self.names().join(", ")
                )));
            };
            if !(*most > 0.0 && most.is_finite()) {
                return Err(DataError::Invalid(format!("max_epochs.{name} is {most}; it must be above 0")));
            }
            caps[index] = (most * self.sources[index].tokens() as f64 / self.context as f64).ceil() as u64;
        }
        for (drawn, cap) in self.drawn.iter_mut().zip(caps) {
            drawn.cap = cap;
        }
        Ok(())
    }

    /// Sources that have reached their cap of epochs.
    pub fn capped(&self) -> Vec<&str> {
        let capped = self.sources.iter().zip(&self.drawn).filter(|(_, drawn)| drawn.capped());
        capped.map(|(source, _)| source.name()).collect()
    }

    /// The next `sequences` sequences. `weights` has one finite, non-negative weight a source, not all zero; they need
    /// not sum to 1. A source of weight 0 gives nothing, nor does one at its cap.
    ///
    /// While the weights stay the same and no source reaches its cap, the sequences that each source has given never
    /// differ from its share by one or more, at any moment, over the whole history. Sequences are not split between
    /// sources, so no rule of drawing could do better than half of one; in tokens, a realised share is within
    /// `context / tokens drawn` of its weight. That is a thousandth from 1000 sequences on: over a million tokens up to
    /// a context of 1000, and with a context of 8192 over eight million.
    pub fn next_batch(&mut self, weights: &[f64], sequences: usize) -> Result<Batch, DataError> {
        self.next_batch_of(Rank::ALONE, weights, sequences)
    }

    /// As [`Sampler::next_batch`], of which only `rank`'s part is read and returned. All ranks must ask for the same
    /// weights and sequences; each then stands where a process alone would stand, and any number of ranks can resume
    /// from there. After an error the sampler is as it was.
    pub fn next_batch_of(&mut self, rank: Rank, weights: &[f64], sequences: usize) -> Result<Batch, DataError> {
        if rank.rank >= rank.world_size {
            return Err(DataError::Invalid(format!(
                "rank {} of a world of {}: ranks are counted from 0",
                rank.rank, rank.world_size
            )));
        }
        self.check(weights)?;
        let part = rank.part_of(sequences);
        let mut batch = Batch {
            tokens: Vec::with_capacity(part.len() * (self.context + 1)),
            source: Vec::with_capacity(part.len()),
            segments: Vec::with_capacity(part.len()),
        };
        let mut drawn = self.drawn.clone();
        let mut shares = self.shares(weights, &drawn)?;
        for index in 0..sequences {
            let chosen = choose(&mut drawn, &shares);
            let sequence = drawn[chosen].sequences;
            drawn[chosen].budget -= 1.0;
            drawn[chosen].sequences += 1;
            if part.contains(&index) {
                let segments = self.sources[chosen].sequence(sequence, self.context, self.seed, &mut batch.tokens)?;
                batch.source.push(chosen);
                batch.segments.push(segments);
            }
            if drawn[chosen].capped() && index + 1 < sequences {
                shares = self.shares(weights, &drawn)?;
            }
        }
        self.drawn = drawn;
        Ok(batch)
    }

    fn check(&self, weights: &[f64]) -> Result<(), DataError> {
        if weights.len() != self.sources.len() {
            return Err(DataError::Invalid(format!(
                "mixture: {} weights for {} sources",
                weights.len(),
                self.sources.len()
            )));
        }
        for (weight, source) in weights.iter().zip(&self.sources) {
            if !weight.is_finite() || *weight < 0.0 {
                return Err(DataError::Source {
                    name: source.name().to_string(),
                    message: format!("has the weight {weight}; weights are finite and not negative"),
                });
            }
        }
        if weights.iter().all(|weight| *weight == 0.0) {
            return Err(DataError::Invalid("mixture: every weight is 0".into()));
        }
        Ok(())
    }

    /// Weights of sum 1, those of capped sources 0.
    fn shares(&self, weights: &[f64], drawn: &[Drawn]) -> Result<Vec<f64>, DataError> {
        let open: Vec<f64> =
            weights.iter().zip(drawn).map(|(weight, drawn)| if drawn.capped() { 0.0 } else { *weight }).collect();
        // Divided by the largest first, or the sum of two huge weights is infinite.
        let largest = open.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            let ended: Vec<String> = self
                .sources
                .iter()
                .zip(weights)
                .filter(|(_, weight)| **weight > 0.0)
                .map(|(source, _)| format!("{:?} ({} tokens per epoch)", source.name(), source.tokens()))
                .collect();
            return Err(DataError::Invalid(format!(
                "every source with a weight has reached its max_epochs: {}. Raise them, add data, give weight to another source, or train on fewer tokens",
                ended.join(", ")
            )));
        }
        let sum: f64 = open.iter().map(|weight| weight / largest).sum();
        Ok(open.iter().map(|weight| weight / largest / sum).collect())
    }

    /// Names of the sources, in the order of weights and of [`Batch::source`].
    pub fn names(&self) -> Vec<&str> {
        self.sources.iter().map(TokenSource::name).collect()
    }

    /// Tokens in one epoch of each source.
    pub fn tokens_available(&self) -> Vec<u64> {
        self.sources.iter().map(TokenSource::tokens).collect()
    }

    /// Tokens of each source that sequences have predicted so far, on all ranks: context times its sequences.
    pub fn tokens_seen(&self) -> Vec<u64> {
        self.drawn.iter().map(|drawn| drawn.sequences.saturating_mul(self.context as u64)).collect()
    }

    /// Which share of all sequences so far each source has given; all 0 before the first.
    pub fn realised_shares(&self) -> Vec<f64> {
        let all: u64 = self.drawn.iter().map(|drawn| drawn.sequences).sum();
        self.drawn.iter().map(|drawn| drawn.sequences as f64 / all.max(1) as f64).collect()
    }

    /// Where the sampler stands. [`Sampler::restore`] with it gives the same batches from here on.
    pub fn state(&self) -> SamplerState {
        let sources = self.sources.iter().zip(&self.drawn).map(|(source, drawn)| SourceState {
            name: source.name().to_string(),
            digest: source.digest().to_string(),
            tokens: source.tokens(),
            origin: source.origin().clone(),
            sequences: drawn.sequences,
            budget: drawn.budget,
        });
        SamplerState { context: self.context, seed: self.seed, sources: sources.collect() }
    }

    /// Goes to where `state` was taken. Refuses one of another context, seed, tokenizer, or other sources, saying what
    /// differs, before and now: its position would mean other data. The sampler is left as it was then.
    pub fn restore(&mut self, state: &SamplerState) -> Result<(), DataError> {
        let changes = self.changes_since(state);
        if !changes.is_empty() {
            return Err(DataError::State(format!(
                "{}. Bring back what it was, or start anew in another folder",
                changes.join("; ")
            )));
        }
        for saved in &state.sources {
            if !saved.budget.is_finite() || saved.sequences.checked_mul(self.context as u64).is_none() {
                return Err(DataError::State(format!("the position saved for {:?} is damaged", saved.name)));
            }
        }
        for (drawn, saved) in self.drawn.iter_mut().zip(&state.sources) {
            drawn.sequences = saved.sequences;
            drawn.budget = saved.budget;
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
        for (source, saved) in self.sources.iter().zip(&state.sources) {
            changes.extend(changes_of(source, saved));
        }
        changes
    }
}

/// What differs between a source and its saved state. Files that changed without changing a token make no difference.
fn changes_of(source: &TokenSource, saved: &SourceState) -> Vec<String> {
    let name = &saved.name;
    let mut changes = Vec::new();
    let (before, now) = (&saved.origin, source.origin());
    if before.tokenizer != now.tokenizer {
        changes.push(format!("the tokenizer of source {name:?} was {}, is {}", before.tokenizer, now.tokenizer));
    }
    if saved.digest == source.digest() {
        return changes;
    }
    if before.files.len() != now.files.len() {
        let names = |files: &[(String, String)]| -> String {
            files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        changes.push(format!("the files of source {name:?} were {}, are {}", names(&before.files), names(&now.files)));
    }
    for ((old_name, old), (new_name, new)) in before.files.iter().zip(&now.files) {
        if old != new {
            changes.push(format!("the file of source {name:?} was {old_name} ({old}), is {new_name} ({new})"));
        }
    }
    changes.push(format!(
        "the tokens of source {name:?} changed ({} tokens then, {} now; {} then, {} now)",
        saved.tokens,
        source.tokens(),
        saved.digest,
        source.digest()
    ));
    changes
}

/// Adds every source's share to its budget, and picks the source whose budget would first grow to a whole sequence:
/// Tijdeman's rule ("The chairman assignment problem", Discrete Mathematics 32, 1980), which keeps every debt within
/// 1 - 1/(2n-2). Taking the largest budget instead lets one of many sources lag by more.
fn choose(sources: &mut [Drawn], shares: &[f64]) -> usize {
    let slack = 1.0 / (2.0 * shares.len() as f64 - 2.0).max(1.0);
    for (drawn, share) in sources.iter_mut().zip(shares) {
        drawn.budget += share;
    }
    let mut chosen: Option<(usize, bool, f64)> = None;
    for (index, (drawn, share)) in sources.iter().zip(shares).enumerate() {
        if *share <= 0.0 {
            continue;
        }
        // The sum of the debts is exact only up to rounding: without an allowance none of them might be due.
        let due = drawn.budget >= slack - 1e-9;
        let deadline = (1.0 - slack - drawn.budget) / share;
        let order = if due { deadline } else { -drawn.budget };
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

#[cfg(test)]
mod tests;
