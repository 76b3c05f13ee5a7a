//! The thread that judges responses while others are still being generated.
//!
//! Finished responses come in batches of a fixed size in the order in which generation finishes them, which is a matter
//! of the tokens alone; so what shares a batch, and with it every verdict, is the same on every machine. Whole chunks
//! go from here to whoever keeps or rewards them.

use std::sync::mpsc;
use std::time::Instant;

use octo_data::record::Problem;
use octo_model::Response;
use octo_plugin::Verifier;
use octo_plugin::types::{Attempt, Field};

use super::rollouts::{Chunks, Rollout};
use crate::error::TrainError;

/// What the verifier is asked about `text` as a response to `problem`.
pub(crate) fn attempt(problem: &Problem, text: &str) -> Attempt {
    let fields = problem.fields.iter().map(|(name, value)| Field { name: name.clone(), value: value.clone() });
    Attempt {
        problem: problem.problem.clone(),
        response: text.to_owned(),
        references: problem.references.clone(),
        fields: fields.collect(),
    }
}

/// What the thread that generates sends to the one that verifies.
pub(crate) enum Work {
    /// Finished responses, by the index of their prompts, with their texts and what the verifier is asked.
    Verify(Vec<(usize, Response, String, Attempt)>),
    /// A chunk that an earlier call has verified already.
    Kept {
        /// Index of its first prompt.
        first: usize,
        /// All rollouts of the chunk.
        rollouts: Vec<Rollout>,
    },
}

/// What the thread that verifies works with.
pub(crate) struct Verification<'a> {
    pub(crate) verifier: &'a Verifier,
    pub(crate) chunks: &'a dyn Chunks,
    /// Rollouts of a chunk.
    pub(crate) chunk: usize,
    /// Rollouts of all chunks.
    pub(crate) all: usize,
}

impl Verification<'_> {
    /// All rollouts in order (fewer where generation stopped early), and the seconds of work.
    pub(crate) fn run(&self, work: mpsc::Receiver<Work>) -> Result<(Vec<Rollout>, f64), TrainError> {
        let mut places: Vec<Option<Rollout>> = (0..self.all).map(|_| None).collect();
        let mut found: Vec<Vec<Rollout>> = Vec::new();
        let mut seconds = 0.0;
        for work in work {
            let started = Instant::now();
            match work {
                Work::Kept { first, rollouts } => {
                    self.chunks.on_finished(first / self.chunk, first, &rollouts, true)?;
                    found.push(rollouts);
                }
                Work::Verify(batch) => {
                    let mut attempts = Vec::with_capacity(batch.len());
                    let mut responses = Vec::with_capacity(batch.len());
                    for (index, response, text, attempt) in batch {
                        attempts.push(attempt);
                        responses.push((index, response, text));
                    }
                    for ((index, response, text), verdict) in responses.into_iter().zip(self.verifier.verify(&attempts))
                    {
                        if let Some(place) = places.get_mut(index) {
                            *place = Some(Rollout { response, text, verdict });
                        }
                    }
                    // Chunks are generated one after another, so only the next one can have become whole.
                    let first: usize = found.iter().map(Vec::len).sum();
                    let end = (first + self.chunk).min(self.all);
                    let whole = |own: &&mut [Option<Rollout>]| !own.is_empty() && own.iter().all(Option::is_some);
                    if let Some(own) = places.get_mut(first..end).filter(whole) {
                        let rollouts: Vec<Rollout> = own.iter_mut().filter_map(Option::take).collect();
                        self.chunks.on_finished(first / self.chunk, first, &rollouts, false)?;
                        found.push(rollouts);
                    }
                }
            }
            seconds += started.elapsed().as_secs_f64();
        }
        Ok((found.into_iter().flatten().collect(), seconds))
    }
}
