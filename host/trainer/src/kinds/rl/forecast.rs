//! What a reinforcement-learning stage will take: responses, tokens, memory and time, before it runs.

use octo_model::ModelConfig;
use octo_record::RlRecord;
use octo_record::layout::METRICS;
use octo_run::PlannedRun;
use octo_run::figures::{human_bytes, human_count};
use octo_run::recipe::stage::Stage;
use octo_run::store::Standing;
use octo_train::rl::RlConfig;

use super::Rl;
use crate::kinds::forecast_figures::{KeyValueCache, in_words, parameters, problems};
use crate::kinds::known_model::shape_of;

/// Bytes of a weight with its gradient and two moments, in fp32.
const TRAINED: f64 = 16.0;
/// Bytes of a weight of the reference model.
const REFERENCE: f64 = 4.0;

/// One line for every stage of the kind.
pub fn text(run: &PlannedRun, stages: &[&Stage]) -> String {
    let width = stages.iter().map(|stage| stage.name.len()).max().unwrap_or(8).max(8);
    let mut text = format!(
        "\n{:<width$}  {:>9}  {:>7}  {:>12}  {:>16}  {:>11}  {:>10}  time\n",
        "rl", "problems", "steps", "responses", "most tokens", "parameters", "memory"
    );
    for stage in stages {
        let Some(Rl { config, .. }) = stage.work_of() else { continue };
        let kind: Option<&Rl> = stage.work_of();
        let responses = config.steps.saturating_mul(config.rollouts_per_step() as u64);
        let shape = shape_of(run, stage);
        let memory = shape.as_ref().map_or_else(|_| "?".to_owned(), |shape| human_bytes(memory(shape, config)));
        let time = match seconds_per_step(run, stages, stage) {
            Some((seconds, of)) => {
                format!("{} (by {seconds:.2} s a step, {of})", in_words(seconds * config.steps as f64))
            }
            None => "? (no earlier run to go by)".to_owned(),
        };
        text += &format!(
            "{:<width$}  {:>9}  {:>7}  {:>12}  {:>16}  {:>11}  {memory:>10}  {time}\n",
            stage.name,
            problems(run, stage, kind.map(|kind| &kind.problems)),
            config.steps,
            human_count(responses),
            human_count(responses.saturating_mul(config.max_response_tokens as u64)),
            shape.as_ref().map_or_else(|_| "?".to_owned(), |shape| parameters(shape.parameter_count())),
        );
    }
    text + "memory: weights, gradients, optimiser, the reference model where there is one, and keys and values of \
            responses at most, without activations\n"
}

fn memory(shape: &ModelConfig, config: &RlConfig) -> f64 {
    let weights = if config.kl_coefficient > 0.0 { TRAINED + REFERENCE } else { TRAINED };
    let cache = KeyValueCache {
        slots: config.generation_batch,
        tokens: config.max_prompt_tokens.saturating_add(config.max_response_tokens.max(config.held_out_limit())),
        gib: config.generation_cache_gib,
        precision: config.compute,
    };
    weights * shape.parameter_count() as f64 + cache.bytes(shape)
}

/// Seconds of a step of this stage, or of another like it, and of which.
fn seconds_per_step(run: &PlannedRun, stages: &[&Stage], stage: &Stage) -> Option<(f64, String)> {
    if let Some(seconds) = measured(run, stage) {
        return Some((seconds, "measured".to_owned()));
    }
    let own: &Rl = stage.work_of()?;
    let shape = shape_of(run, stage).ok()?;
    let like = |other: &&&Stage| {
        other.work_of::<Rl>().is_some_and(|other| {
            let size = |rl: &Rl| {
                let config = &rl.config;
                (config.rollouts_per_step(), config.max_response_tokens, config.updates(), config.device.clone())
            };
            size(other) == size(own)
        }) && shape_of(run, other).is_ok_and(|other| other.parameter_count() == shape.parameter_count())
    };
    let mut others = stages.iter().filter(like);
    others.find_map(|other| Some((measured(run, other)?, format!("measured in {}", other.name))))
}

/// The median of the last steps of a stage that has run.
fn measured(run: &PlannedRun, stage: &Stage) -> Option<f64> {
    let planned = run.plan.stages.iter().find(|planned| run.recipe.stages[planned.index].name == stage.name)?;
    let folder = match run.store.standing(stage.kind, &planned.key) {
        Standing::ToDo => return None,
        Standing::Done => run.store.folder(stage.kind, &planned.key),
        Standing::Begun => run.store.working_folder(stage.kind, &planned.key),
    };
    let records = octo_record::read_lines::<RlRecord>(&std::fs::read(folder.join(METRICS)).ok()?).records;
    let seconds = |record: &RlRecord| match record {
        RlRecord::Step(step) => Some(step.seconds),
        RlRecord::HeldOut(_) => None,
    };
    let mut seconds: Vec<f64> = records.iter().rev().filter_map(seconds).take(100).collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}
