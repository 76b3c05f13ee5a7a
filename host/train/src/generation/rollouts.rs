//! Rollouts: responses from the model, with the verifier's verdicts.
//!
//! Finished responses go to the thread that verifies (`verification.rs`), and whole groups from there to the
//! reward plugin, while the rest are still being generated.
//!
//! Prompts are generated in chunks. A chunk is the least that can be kept across an interruption: what shares a forward
//! pass decides the last bits of a log-probability, so half a chunk could not be completed to the same bits.

use std::sync::mpsc;
use std::time::Instant;

use octo_data::tokenizer::Tokenizer;
use octo_model::{Engine, Model, Response, Sampling};
use octo_plugin::types::Verdict;
use octo_plugin::{Failure, Verifier};

use super::prompts::Prompt;
pub(crate) use super::texts::end_tokens;
use super::texts::{names_special, response_text};
use super::verification::{Verification, Work, attempt};
use crate::control::{Control, Stoppable};
use crate::error::TrainError;
use crate::stage::panic_message;

/// Responses handed to the verifier at once.
const VERIFIED_AT_ONCE: usize = 16;

/// A verified response.
#[derive(Debug, Clone)]
pub struct Rollout {
    /// Tokens, their log-probabilities and how they ended.
    pub response: Response,
    /// The response as the verifier sees it: without special tokens, cut before a stop string.
    pub text: String,
    /// The verdict, or why there is none.
    pub verdict: Result<Verdict, Failure>,
}

/// Everything that turns prompts into rollouts.
pub struct Generator<'a> {
    /// The model that samples the responses.
    pub model: &'a Model,
    /// The tokenizer that turns responses into text.
    pub tokenizer: &'a Tokenizer,
    /// The plugin that judges them.
    pub verifier: &'a Verifier,
    /// Responses under way, memory, and the size of a chunk.
    pub budget: GenerationBudget,
}

/// What generation may use. It decides what shares a forward pass, and with it the last bits of a log-probability,
/// so it is a setting and not a matter of the machine.
#[derive(Debug, Clone, Copy)]
pub struct GenerationBudget {
    /// Responses under way at one time.
    pub slots: usize,
    /// Bytes of memory for keys and values.
    pub cache_bytes: usize,
    /// Prompts of a chunk. Slots run empty at its end, so it is best many times their number.
    pub chunk: usize,
}

/// What happens to the chunks of one call of [`Generator::rollouts`].
pub trait Chunks: Sync {
    /// The chunk as an earlier call, which was interrupted, has left it.
    fn kept(&self, chunk: usize) -> Result<Option<Vec<JudgedResponse>>, TrainError> {
        let _ = chunk;
        Ok(None)
    }

    /// Called with each finished chunk, which begins at the prompt of index `first`, on the thread that verifies.
    fn on_finished(&self, chunk: usize, first: usize, rollouts: &[Rollout], was_kept: bool) -> Result<(), TrainError> {
        let _ = (chunk, first, rollouts, was_kept);
        Ok(())
    }
}

/// A response and its verdict, or why there is none.
pub type JudgedResponse = (Response, Result<Verdict, Failure>);

/// Chunks that are neither kept nor waited for.
pub struct NotKept;

impl Chunks for NotKept {}

/// Rollouts, and how well verifying overlapped with generating.
#[derive(Debug, Default)]
pub struct Generated {
    /// One per prompt, in order.
    pub rollouts: Vec<Rollout>,
    /// Seconds that the device generated.
    pub generation_seconds: f64,
    /// Seconds that verifier and reward ran and finished chunks were written, most of them beside the device.
    pub verification_seconds: f64,
    /// Seconds that the device waited for that after the last response.
    pub waited_seconds: f64,
}

impl Generator<'_> {
    /// One rollout per prompt, in order; `seeds` has one seed per prompt. `control` is asked before each chunk but the
    /// first.
    ///
    /// # Errors
    /// Where the model cannot answer, and what `chunks` gives back.
    pub fn rollouts(
        &self,
        prompts: &[&Prompt],
        seeds: &[u64],
        sampling: &Sampling,
        chunks: &dyn Chunks,
        control: &Control,
    ) -> Result<Stoppable<Generated>, TrainError> {
        let chunk = self.budget.chunk.max(1);
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel::<Work>();
            let verification = Verification { verifier: self.verifier, chunks, chunk, all: prompts.len() };
            let refused =
                |error| TrainError::Panicked { stage: "verifier", message: format!("it could not start: {error}") };
            let verifying = std::thread::Builder::new()
                .name("verifier".to_owned())
                .spawn_scoped(scope, move || verification.run(receiver))
                .map_err(refused)?;
            let generated = self.generate(prompts, seeds, sampling, chunks, control, &sender);
            drop(sender);
            let last = Instant::now();
            let verified = verifying
                .join()
                .map_err(|panic| TrainError::Panicked { stage: "verifier", message: panic_message(&*panic) })?;
            let waited_seconds = last.elapsed().as_secs_f64();
            let (Stoppable::Done(generation_seconds), (rollouts, verification_seconds)) = (generated?, verified?)
            else {
                return Ok(Stoppable::Stopped);
            };
            Ok(Stoppable::Done(Generated { rollouts, generation_seconds, verification_seconds, waited_seconds }))
        })
    }

    /// Generates chunk after chunk and hands on what is finished; gives the seconds that it took.
    fn generate(
        &self,
        prompts: &[&Prompt],
        seeds: &[u64],
        sampling: &Sampling,
        chunks: &dyn Chunks,
        control: &Control,
        sender: &mpsc::Sender<Work>,
    ) -> Result<Stoppable<f64>, TrainError> {
        let size = self.budget.chunk.max(1);
        let decode = |tokens: &[u32]| self.tokenizer.decode(tokens, true);
        let decode_special = |tokens: &[u32]| self.tokenizer.decode(tokens, false);
        let mut engine = Engine::new(self.model, &decode).slots(self.budget.slots).cache_bytes(self.budget.cache_bytes);
        if names_special(self.tokenizer, &sampling.stop) {
            engine = engine.decode_special(&decode_special);
        }
        let mut seconds = 0.0;
        for (chunk, (prompts, seeds)) in prompts.chunks(size).zip(seeds.chunks(size)).enumerate() {
            if chunk > 0 && control.stopping() {
                return Ok(Stoppable::Stopped);
            }
            let first = chunk * size;
            // Where sending fails, the receiver's thread has ended with an error or a panic, which joining shows.
            if let Some(kept) = chunks.kept(chunk)?.filter(|kept| kept.len() == prompts.len()) {
                let rollout = |(response, verdict)| {
                    let text = response_text(self.tokenizer, &response, &sampling.stop);
                    Rollout { response, text, verdict }
                };
                let _ = sender.send(Work::Kept { first, rollouts: kept.into_iter().map(rollout).collect() });
                continue;
            }
            let started = Instant::now();
            let tokens: Vec<Vec<u32>> = prompts.iter().map(|prompt| prompt.tokens.clone()).collect();
            let mut waiting = Vec::with_capacity(VERIFIED_AT_ONCE);
            let mut on_finished = |within: usize, response: &Response| {
                let Some(prompt) = prompts.get(within) else { return };
                let text = response_text(self.tokenizer, response, &sampling.stop);
                let attempt = attempt(&prompt.problem, &text);
                waiting.push((first + within, response.clone(), text, attempt));
                if waiting.len() == VERIFIED_AT_ONCE {
                    let _ = sender.send(Work::Verify(std::mem::take(&mut waiting)));
                }
            };
            engine.generate(&tokens, seeds, sampling, &mut on_finished)?;
            let _ = sender.send(Work::Verify(waiting));
            seconds += started.elapsed().as_secs_f64();
        }
        Ok(Stoppable::Done(seconds))
    }
}
