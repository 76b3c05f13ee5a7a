//! The eval stage: a model's accuracy on a set of problems, in `results.json`.
//!
//! It keeps no checkpoints: an interrupted evaluation starts over.

use std::path::{Path, PathBuf};

use octo_data::prompt::{PromptSettings, PromptTemplate};
use octo_data::record::Problem;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Model, Precision, Sampling};
use octo_plugin::Verifier;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::control::{Clock, Control, Finished};
use crate::error::TrainError;
use crate::evaluate::evaluate_prompts;
use crate::metrics::StepLog;
use crate::midtrain_config::{cpu, threads};
use crate::model_folder::Companions;
use crate::numerics::Numerics;
use crate::rl_config::{cache_bytes, check_generation, generation_batch, generation_cache_gib, max_prompt_tokens, one};
use crate::rollout::{Generator, Room, build_prompts, end_tokens};
use crate::sample_log::Sample;
use crate::stage::{self, RESULTS_FILE, write_results};

/// Settings of an eval stage, with the recipe's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalConfig {
    /// How problems are asked: a text with `{problem}` in it, or a template.
    pub prompt: PromptSettings,
    /// Longest response, in tokens.
    pub max_response_tokens: usize,
    /// Longest prompt; problems above it are left out and counted.
    #[serde(default = "max_prompt_tokens")]
    pub max_prompt_tokens: usize,
    /// 0 is greedy.
    #[serde(default)]
    pub temperature: f64,
    /// Share of probability to sample from.
    #[serde(default = "one")]
    pub top_p: f64,
    /// Texts that end a response.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Attempts at each problem; with more than one, pass@k is reported too.
    #[serde(default = "attempts")]
    pub attempts: usize,
    /// Sample among this many of the likeliest tokens; 0 is all.
    #[serde(default)]
    pub top_k: usize,
    /// Sample among tokens at least this many times as likely as the likeliest; 0 is all.
    #[serde(default)]
    pub min_p: f64,
    /// Responses under way at one time; one that ends gives its place to the next.
    #[serde(default = "generation_batch")]
    pub generation_batch: usize,
    /// Memory for keys and values in GiB. Where it is short, fewer responses are under way.
    #[serde(default = "generation_cache_gib")]
    pub generation_cache_gib: f64,
    /// What the passes compute in: `float32` or `bfloat16`.
    #[serde(default)]
    pub compute: Precision,
    /// libtorch threads of this stage.
    #[serde(default = "threads")]
    pub threads: usize,
    /// Whether a GPU may round the factors of fp32 products to TF32, which is about eight times as fast there; nothing
    /// changes on the CPU. Off, as in PyTorch.
    #[serde(default)]
    pub allow_tf32: bool,
    /// Whether a GPU takes only kernels that give the same bits each time, at some cost in speed; an operation that has
    /// none ends the stage with its name. The CPU always does. Off, as in PyTorch.
    #[serde(default)]
    pub deterministic: bool,
    /// `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
}

/// Responses between two looks at whether to stop, for each of `generation_batch`.
const CHUNK: usize = 4;

fn attempts() -> usize {
    1
}

/// What an eval stage works on.
pub struct EvalInputs {
    /// Model folder with its tokenizer.
    pub model: PathBuf,
    /// Problems with references.
    pub problems: Vec<Problem>,
    /// Judges the responses.
    pub verifier: Verifier,
}

/// Evaluates and leaves in `out`: `samples.jsonl` with every response, one line in `metrics.jsonl`, `results.json`.
pub fn evaluate(
    config: &EvalConfig,
    inputs: EvalInputs,
    out: &Path,
    seed: u64,
    control: &Control,
) -> Result<Finished, TrainError> {
    if config.attempts == 0 {
        return Err(TrainError::config("attempts", "must be at least 1"));
    }
    if config.attempts > 1 && config.temperature == 0.0 {
        return Err(TrainError::config("attempts", "greedy attempts are all the same; set `temperature` above 0"));
    }
    check_generation(config.generation_batch, config.generation_cache_gib, config.min_p, config.compute)?;
    if out.join(RESULTS_FILE).is_file() {
        return Ok(Finished::Done);
    }
    stage::on_own_thread("eval", config.threads, move || {
        let numerics = Numerics { allow_tf32: config.allow_tf32, deterministic: config.deterministic };
        let Some(_held) = numerics.hold(stage::device(&config.device)?, control)? else {
            return Ok(Finished::Stopped);
        };
        run(config, inputs, out, seed, control)
    })
}

fn run(
    config: &EvalConfig,
    inputs: EvalInputs,
    out: &Path,
    seed: u64,
    control: &Control,
) -> Result<Finished, TrainError> {
    let model = Model::load(&inputs.model, stage::device(&config.device)?)?.compute_in(config.compute);
    let companions = Companions::new(Tokenizer::load(&inputs.model)?, None);
    companions.check(&model)?;
    let tokenizer = companions.tokenizer();
    let template = PromptTemplate::new(&config.prompt, &inputs.model)?;
    let last = template.last_epoch();
    let prompts = build_prompts(&template, last..=last, inputs.problems, tokenizer, config.max_prompt_tokens)?;
    let kept = prompts.kept.into_iter().next().unwrap_or_default();
    let sampling = Sampling {
        temperature: config.temperature,
        top_k: config.top_k,
        top_p: config.top_p,
        min_p: config.min_p,
        stop: config.stop.clone(),
        end_tokens: end_tokens(&model, tokenizer),
        ..Sampling::new(config.max_response_tokens)
    };
    let slots = config.generation_batch;
    let room =
        Room { slots, cache_bytes: cache_bytes(config.generation_cache_gib), chunk: slots.saturating_mul(CHUNK) };
    let generator = Generator { model: &model, tokenizer, verifier: &inputs.verifier, room };
    let total = (kept.len() * config.attempts) as u64;
    let clock = Clock::start(0, total);
    let mut progress = |share: f64, tally: &crate::tally::Tally| {
        let (done, accuracy) = (tally.rollouts(), tally.accuracy());
        (control.report)(&format!("{done}/{total}  accuracy {accuracy:.3}  {}", clock.eta(done)), share);
        !control.stopping()
    };
    let found = evaluate_prompts(&generator, &kept, &sampling, config.attempts, seed, &mut progress)?;
    let Some(found) = found else { return Ok(Finished::Stopped) };

    let mut samples = StepLog::resume(&out.join("samples.jsonl"), |_, _| false)?;
    for (prompt, rollout) in &found.rollouts {
        samples.append(&Sample::held_out(0, None, &kept[*prompt].problem, rollout))?;
    }
    samples.sync()?;
    let mut results = found.tally.evaluation(kept.len());
    StepLog::resume(&out.join("metrics.jsonl"), |_, _| false)?
        .append(&json!({"step": 0, "held_out": results.clone()}))?;
    results["overlong_prompts"] = json!(prompts.overlong);
    if config.attempts > 1 {
        let powers = std::iter::successors(Some(1), |k| Some(k * 2)).take_while(|k| *k <= config.attempts);
        let pass_at = powers.map(|k| (k.to_string(), json!(found.pass_at(k, config.attempts))));
        results["attempts"] = json!(config.attempts);
        results["pass_at"] = pass_at.collect();
    }
    write_results(out, &results)?;
    Ok(Finished::Done)
}
