//! Rollouts: prompts from problems, responses from the model, verdicts from the verifier.
//!
//! Finished responses go to a verifying thread while the rest are still being generated. They go in batches of a
//! fixed size in the order in which generation finishes them, which is a matter of the tokens alone; so what shares a
//! batch, and with it every verdict, is the same on every machine.

use std::sync::mpsc;

use octo_data::prompt::PromptTemplate;
use octo_data::record::Problem;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Finish, Llama, Response, Sampling, generate};
use octo_plugin::types::{Attempt, Field, Verdict};
use octo_plugin::{Failure, Verifier};
use serde::Serialize;

use crate::error::TrainError;
use crate::stage::panic_message;
use crate::tally::outcome_name;

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
    pub model: &'a Llama,
    /// Turns them into text.
    pub tokenizer: &'a Tokenizer,
    /// Judges them.
    pub verifier: &'a Verifier,
    /// Prompts generated at once; part of what decides the last bits of a log-probability, so a setting.
    pub batch: usize,
}

impl Generator<'_> {
    /// One rollout a prompt, in order; `seeds` has one seed a prompt.
    pub fn rollouts(
        &self,
        prompts: &[&Prompt],
        seeds: &[u64],
        sampling: &Sampling,
    ) -> Result<Vec<Rollout>, TrainError> {
        let tokens: Vec<Vec<u32>> = prompts.iter().map(|prompt| prompt.tokens.clone()).collect();
        let verifier = self.verifier;
        let (responses, mut texts, verdicts) = std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel::<Vec<(usize, Attempt)>>();
            let verifying = scope.spawn(move || {
                let mut verdicts = Vec::new();
                for batch in receiver {
                    let (indices, attempts): (Vec<usize>, Vec<Attempt>) = batch.into_iter().unzip();
                    verdicts.extend(indices.into_iter().zip(verifier.verify(&attempts)));
                }
                verdicts
            });
            let mut texts = vec![String::new(); prompts.len()];
            let mut waiting = Vec::with_capacity(VERIFIED_AT_ONCE);
            let mut responses = Vec::with_capacity(prompts.len());
            let at_once = self.batch.max(1);
            for (start, (tokens, seeds)) in
                (0..).step_by(at_once).zip(tokens.chunks(at_once).zip(seeds.chunks(at_once)))
            {
                let mut on_finished = |within: usize, response: &Response| {
                    let index = start + within;
                    let (Some(prompt), Some(place)) = (prompts.get(index), texts.get_mut(index)) else { return };
                    *place = response_text(self.tokenizer, response, &sampling.stop);
                    waiting.push((index, attempt(&prompt.problem, place)));
                    if waiting.len() == VERIFIED_AT_ONCE {
                        // The receiver lives until this sender is dropped; if its thread panicked, joining tells.
                        let _ = sender.send(std::mem::take(&mut waiting));
                    }
                };
                responses.extend(generate(self.model, self.tokenizer, tokens, seeds, sampling, &mut on_finished)?);
            }
            if !waiting.is_empty() {
                let _ = sender.send(waiting);
            }
            drop(sender);
            let verdicts = verifying
                .join()
                .map_err(|panic| TrainError::Panicked { stage: "verifier", message: panic_message(&*panic) })?;
            Ok::<_, TrainError>((responses, texts, verdicts))
        })?;
        let mut ordered = verdicts;
        ordered.sort_by_key(|(index, _)| *index);
        let rollouts = responses
            .into_iter()
            .zip(ordered)
            .zip(&mut texts)
            .map(|((response, (_, verdict)), text)| Rollout { response, text: std::mem::take(text), verdict });
        Ok(rollouts.collect())
    }
}

/// The text that a verifier judges. Generation keeps the stop string that ended it in the tokens; a reader of the
/// response, like vLLM's, does not want it.
fn response_text(tokenizer: &Tokenizer, response: &Response, stop: &[String]) -> String {
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
pub(crate) fn end_tokens(model: &Llama, tokenizer: &Tokenizer) -> Vec<u32> {
    let mut tokens = tokenizer.end_tokens().to_vec();
    tokens.extend(&model.config().eos_token_id);
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

/// A line of `samples.jsonl`.
#[derive(Debug, Serialize)]
pub(crate) struct Sample<'a> {
    step: u64,
    split: &'static str,
    problem: &'a str,
    response: &'a str,
    references: &'a [String],
    outcome: Option<&'static str>,
    extracted: Option<&'a str>,
    reason: Option<&'a str>,
    failure: Option<&'static str>,
    reward: Option<f64>,
    tokens: usize,
    finish: &'static str,
}

impl<'a> Sample<'a> {
    /// The sample line of a rollout; `split` is `train` or `held-out`.
    pub(crate) fn new(
        step: u64,
        split: &'static str,
        problem: &'a Problem,
        rollout: &'a Rollout,
        reward: Option<f64>,
    ) -> Sample<'a> {
        let verdict = rollout.verdict.as_ref().ok();
        Sample {
            step,
            split,
            problem: &problem.problem,
            response: &rollout.text,
            references: &problem.references,
            outcome: verdict.map(|verdict| outcome_name(verdict.outcome)),
            extracted: verdict.and_then(|verdict| verdict.extracted.as_deref()),
            reason: verdict.map(|verdict| verdict.reason.as_str()),
            failure: rollout.verdict.as_ref().err().map(|failure| failure.kind.as_str()),
            reward,
            tokens: rollout.response.tokens.len(),
            finish: if rollout.response.finish == Finish::Stop { "stop" } else { "length" },
        }
    }
}

/// `count` indices below `all`, evenly spread, so that samples come from different prompts.
pub(crate) fn spread(count: usize, all: usize) -> impl Iterator<Item = usize> {
    let count = count.min(all);
    (0..count).map(move |index| index * all / count)
}
