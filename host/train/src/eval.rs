//! The eval stage: a model's accuracy on a set of problems, in `results.json`.
//!
//! [`config`] has the settings, and [`accuracy`] asks, judges and counts. A stage keeps no checkpoints: an interrupted
//! evaluation starts over.

pub mod accuracy;
pub mod config;

use std::path::{Path, PathBuf};

use octo_data::prompt::PromptTemplate;
use octo_data::record::Problem;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Model, Sampling};
use octo_plugin::Verifier;
use octo_record::{EvalResults, HeldOutRecord, layout};

use crate::checkpoint::model_folder::ModelWriter;
use crate::control::{Clock, Control, Finished, Stoppable};
use crate::error::TrainError;
use crate::generation::prompts::build_prompts;
use crate::generation::rollouts::{GenerationBudget, Generator, end_tokens};
use crate::generation::settings::cache_bytes;
use crate::measuring::step_log::StepLog;
use crate::measuring::tally::Tally;
use crate::rl::samples::held_out_sample;
use crate::stage::numerics::Numerics;
use crate::stage::{self, write_results};
use accuracy::evaluate_prompts;
pub use config::EvalConfig;

/// Responses between two looks at whether to stop, for each of `generation_batch`.
const CHUNK: usize = 4;

/// What an eval stage works on.
pub struct EvalInputs {
    /// Model folder with its tokenizer.
    pub model: PathBuf,
    /// Problems with references.
    pub problems: Vec<Problem>,
    /// The plugin that judges the responses.
    pub verifier: Verifier,
}

/// Evaluates and leaves in `out`: `samples.jsonl` with every response, one line in `metrics.jsonl`, `results.json`.
///
/// # Errors
/// Where a setting cannot work, or a file cannot be read or written.
pub fn evaluate(
    config: &EvalConfig,
    inputs: EvalInputs,
    out: &Path,
    seed: u64,
    control: &Control,
) -> Result<Finished, TrainError> {
    config.check()?;
    if out.join(layout::RESULTS).is_file() {
        return Ok(Finished::Done);
    }
    stage::on_own_thread("eval", config.threads, move || {
        let numerics = Numerics { allow_tf32: config.allow_tf32, deterministic: config.deterministic };
        let Stoppable::Done(_held) = numerics.hold(stage::device(&config.device)?, control)? else {
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
    let model_writer = ModelWriter::new(Tokenizer::load(&inputs.model)?, None);
    model_writer.check(&model)?;
    let tokenizer = model_writer.tokenizer();
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
    let cache_bytes = cache_bytes(config.generation_cache_gib);
    let budget = GenerationBudget { slots, cache_bytes, chunk: slots.saturating_mul(CHUNK) };
    let generator = Generator { model: &model, tokenizer, verifier: &inputs.verifier, budget };
    let total = (kept.len() * config.attempts) as u64;
    let clock = Clock::start(0, total);
    let mut on_batch = |share: f64, tally: &Tally| {
        let (done, accuracy) = (tally.rollouts(), tally.accuracy());
        (control.report)(&format!("{done}/{total}  accuracy {accuracy:.3}  {}", clock.eta(done)), share);
    };
    let found = evaluate_prompts(&generator, &kept, &sampling, config.attempts, seed, control, &mut on_batch)?;
    let Stoppable::Done(found) = found else { return Ok(Finished::Stopped) };

    let mut samples = StepLog::resume(&out.join(layout::SAMPLES), |_, _| false)?;
    for (prompt, rollout) in &found.rollouts {
        samples.append(&held_out_sample(0, None, &kept[*prompt].problem, rollout))?;
    }
    samples.sync()?;
    let evaluation = found.tally.evaluation(kept.len());
    let line = HeldOutRecord { held_out: evaluation.clone(), set: None, step: 0 };
    StepLog::resume(&out.join(layout::METRICS), |_, _| false)?.append(&line)?;
    let mut results = EvalResults::new(evaluation, prompts.overlong as u64);
    if config.attempts > 1 {
        let powers = std::iter::successors(Some(1), |k| Some(k * 2)).take_while(|k| *k <= config.attempts);
        let pass_at = powers.map(|k| (k.to_string(), found.pass_at(k, config.attempts)));
        results.attempts = Some(config.attempts as u64);
        results.pass_at = Some(pass_at.collect());
    }
    write_results(out, &results)?;
    Ok(Finished::Done)
}
