//! Rollouts: prompts from problems, responses from the model, verdicts from the verifier.
//!
//! Finished responses go to a verifying thread, and whole groups from there to the reward function, while the rest are
//! still being generated. They go in batches of a fixed size in the order in which generation finishes them, which is a
//! matter of the tokens alone; so what shares a batch, and with it every verdict, is the same on every machine.
//!
//! Prompts are generated in chunks. A chunk is the least that can be kept across an interruption: what shares a forward
//! pass decides the last bits of a log-probability, so half a chunk could not be completed to the same bits.

use std::sync::mpsc;
use std::time::Instant;

use octo_data::prompt::PromptTemplate;
use octo_data::record::Problem;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Engine, Finish, Model, Response, Sampling};
use octo_plugin::types::{Attempt, Field, Verdict};
use octo_plugin::{Failure, Verifier};

use crate::error::TrainError;
use crate::stage::panic_message;

/// Responses handed to the verifier at once.
const VERIFIED_AT_ONCE: usize = 16;

/// A problem and the tokens that ask for its solution.
pub struct Prompt {
    /// The problem with its references.
    pub problem: Problem,
    /// The filled-in template.
    pub tokens: Vec<u32>,
}

/// Prompts that are short enough, and the count of those that are not.
pub struct Prompts {
    /// For each epoch that was asked for, the same problems in their order.
    pub kept: Vec<Vec<Prompt>>,
    /// Problems left out because their prompt is longer than allowed.
    pub overlong: usize,
}

/// Fills `template` with each of `problems`, in the form of each of `epochs`. A problem whose prompt has more than
/// `max_prompt_tokens` tokens in any of them is left out of all and counted: cutting it would ask something else.
pub fn build_prompts(
    template: &PromptTemplate,
    epochs: std::ops::RangeInclusive<usize>,
    problems: Vec<Problem>,
    tokenizer: &Tokenizer,
    max_prompt_tokens: usize,
) -> Result<Prompts, TrainError> {
    let mut prompts = Prompts { kept: epochs.clone().map(|_| Vec::new()).collect(), overlong: 0 };
    for problem in problems {
        let forms = epochs
            .clone()
            .map(|epoch| Ok(tokenizer.encode(&template.render(&problem, epoch)?)?))
            .collect::<Result<Vec<_>, TrainError>>()?;
        if forms.iter().any(|tokens| tokens.len() > max_prompt_tokens) {
            prompts.overlong += 1;
        } else if forms.iter().any(Vec::is_empty) {
            return Err(TrainError::config("prompt", format!("problem {} gives an empty prompt", problem.id)));
        } else {
            for (kept, tokens) in prompts.kept.iter_mut().zip(forms) {
                kept.push(Prompt { problem: problem.clone(), tokens });
            }
        }
    }
    let count = prompts.kept.first().map_or(0, Vec::len);
    if count == 0 {
        return Err(TrainError::NothingToDo(format!(
            "no problem is left: {} of {} prompts are longer than max_prompt_tokens = {max_prompt_tokens}",
            prompts.overlong, prompts.overlong,
        )));
    }
    if prompts.overlong > 0 {
        let (left_out, all) = (prompts.overlong, prompts.overlong + count);
        tracing::warn!("{left_out} of {all} prompts are longer than {max_prompt_tokens} tokens and left out");
    }
    Ok(prompts)
}

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

/// Everything that turns prompts into rollouts.
pub struct Generator<'a> {
    /// Samples the responses.
    pub model: &'a Model,
    /// Turns them into text.
    pub tokenizer: &'a Tokenizer,
    /// Judges them.
    pub verifier: &'a Verifier,
    /// How many responses, in what memory, and how many to a chunk.
    pub room: Room,
}

/// What generation takes up. It decides what shares a forward pass, and with it the last bits of a log-probability,
/// so it is a setting and not a matter of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Responses under way at one time.
    pub slots: usize,
    /// Memory for keys and values.
    pub cache_bytes: usize,
    /// Prompts of a chunk. Slots run empty at its end, so it is best many times their number.
    pub chunk: usize,
}

/// What happens to the chunks of one call of [`Generator::rollouts`].
pub trait Chunks: Sync {
    /// The chunk as an earlier call, which was interrupted, has left it.
    fn kept(&self, chunk: usize) -> Option<Vec<(Response, Result<Verdict, Failure>)>> {
        let _ = chunk;
        None
    }

    /// Hears of a finished chunk, which begins at the prompt of index `first`, on the thread that verifies.
    fn finished(&self, chunk: usize, first: usize, rollouts: &[Rollout], was_kept: bool) -> Result<(), TrainError> {
        let _ = (chunk, first, rollouts, was_kept);
        Ok(())
    }

    /// Asked before each chunk but the first: whether to end here.
    fn stopping(&self) -> bool {
        false
    }
}

/// Chunks that nobody keeps or waits for.
pub struct Unwatched;

impl Chunks for Unwatched {}

/// Rollouts, and how well verifying hid behind generating.
#[derive(Debug, Default)]
pub struct Generated {
    /// One a prompt, in order.
    pub rollouts: Vec<Rollout>,
    /// Seconds that the device generated.
    pub generation_seconds: f64,
    /// Seconds that verifier and reward ran and finished chunks were written, most of them beside the device.
    pub verification_seconds: f64,
    /// Seconds that the device waited for that after the last response.
    pub waited_seconds: f64,
}

/// From the thread that generates to the one that verifies.
enum Work {
    Judge(Vec<(usize, Response, String, Attempt)>),
    Kept { first: usize, rollouts: Vec<Rollout> },
}

impl Generator<'_> {
    /// One rollout a prompt, in order; `seeds` has one seed a prompt. `None` where `chunks` asked to stop.
    pub fn rollouts(
        &self,
        prompts: &[&Prompt],
        seeds: &[u64],
        sampling: &Sampling,
        chunks: &dyn Chunks,
    ) -> Result<Option<Generated>, TrainError> {
        let at_once = self.room.chunk.max(1);
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel::<Work>();
            let judge = Judge { verifier: self.verifier, chunks, at_once, all: prompts.len() };
            let verifying = scope.spawn(move || judge.run(receiver));
            let generated = self.generate(prompts, seeds, sampling, chunks, &sender);
            drop(sender);
            let last = Instant::now();
            let judged = verifying
                .join()
                .map_err(|panic| TrainError::Panicked { stage: "verifier", message: panic_message(&*panic) })?;
            let waited_seconds = last.elapsed().as_secs_f64();
            let (Some(generation_seconds), (rollouts, verification_seconds)) = (generated?, judged?) else {
                return Ok(None);
            };
            Ok(Some(Generated { rollouts, generation_seconds, verification_seconds, waited_seconds }))
        })
    }

    /// Generates chunk after chunk and hands on what is finished; the seconds of it, `None` where asked to stop.
    fn generate(
        &self,
        prompts: &[&Prompt],
        seeds: &[u64],
        sampling: &Sampling,
        chunks: &dyn Chunks,
        sender: &mpsc::Sender<Work>,
    ) -> Result<Option<f64>, TrainError> {
        let at_once = self.room.chunk.max(1);
        let decode = |tokens: &[u32]| self.tokenizer.decode(tokens, true);
        let engine = Engine::new(self.model, &decode).slots(self.room.slots).cache_bytes(self.room.cache_bytes);
        let mut seconds = 0.0;
        for (chunk, (prompts, seeds)) in prompts.chunks(at_once).zip(seeds.chunks(at_once)).enumerate() {
            if chunk > 0 && chunks.stopping() {
                return Ok(None);
            }
            let first = chunk * at_once;
            // Where sending fails, the receiver's thread has ended with an error or a panic, which joining tells.
            if let Some(kept) = chunks.kept(chunk).filter(|kept| kept.len() == prompts.len()) {
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
                    let _ = sender.send(Work::Judge(std::mem::take(&mut waiting)));
                }
            };
            engine.generate(&tokens, seeds, sampling, &mut on_finished)?;
            let _ = sender.send(Work::Judge(waiting));
            seconds += started.elapsed().as_secs_f64();
        }
        Ok(Some(seconds))
    }
}

/// The verifying thread.
struct Judge<'a> {
    verifier: &'a Verifier,
    chunks: &'a dyn Chunks,
    at_once: usize,
    /// Rollouts wanted.
    all: usize,
}

impl Judge<'_> {
    /// All rollouts in order (fewer where generation stopped early), and the seconds of work.
    fn run(&self, work: mpsc::Receiver<Work>) -> Result<(Vec<Rollout>, f64), TrainError> {
        let mut places: Vec<Option<Rollout>> = (0..self.all).map(|_| None).collect();
        let mut found: Vec<Vec<Rollout>> = Vec::new();
        let mut seconds = 0.0;
        for work in work {
            let started = Instant::now();
            match work {
                Work::Kept { first, rollouts } => {
                    self.chunks.finished(first / self.at_once, first, &rollouts, true)?;
                    found.push(rollouts);
                }
                Work::Judge(batch) => {
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
                    let end = (first + self.at_once).min(self.all);
                    let whole = |own: &&mut [Option<Rollout>]| !own.is_empty() && own.iter().all(Option::is_some);
                    if let Some(own) = places.get_mut(first..end).filter(whole) {
                        let rollouts: Vec<Rollout> = own.iter_mut().filter_map(Option::take).collect();
                        self.chunks.finished(first / self.at_once, first, &rollouts, false)?;
                        found.push(rollouts);
                    }
                }
            }
            seconds += started.elapsed().as_secs_f64();
        }
        Ok((found.into_iter().flatten().collect(), seconds))
    }
}

/// The text that a verifier judges. Generation keeps the stop string that ended it in the tokens; a reader of the
/// response, like vLLM's, does not want it.
pub(crate) fn response_text(tokenizer: &Tokenizer, response: &Response, stop: &[String]) -> String {
    let mut text = tokenizer.decode(&response.tokens, true);
    if response.finish == Finish::Stop {
        let ends = stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str()));
        if let Some(end) = ends.min() {
            text.truncate(end);
        }
    }
    text
}

/// Tokens at which a response ends: the tokenizer's and the model's.
pub(crate) fn end_tokens(model: &Model, tokenizer: &Tokenizer) -> Vec<u32> {
    let mut tokens = tokenizer.end_tokens().to_vec();
    tokens.extend(&model.config().eos_token_id);
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}
