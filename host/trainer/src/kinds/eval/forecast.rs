//! What an evaluation will take: responses, tokens, memory and time, before it runs.

use octo_run::PlannedRun;
use octo_run::figures::{human_bytes, human_count};
use octo_run::recipe::stage::Stage;

use super::Eval;
use crate::kinds::forecast_figures::{KeyValueCache, in_words, parameters, problems};
use crate::kinds::known_model::shape_of;

/// Bytes of a weight in fp32.
const WEIGHT: f64 = 4.0;

/// One line for every stage of the kind.
pub fn text(run: &PlannedRun, stages: &[&Stage]) -> String {
    let width = stages.iter().map(|stage| stage.name.len()).max().unwrap_or(8).max(8);
    let mut text = format!(
        "\n{:<width$}  {:>9}  {:>12}  {:>16}  {:>11}  {:>10}  time\n",
        "eval", "problems", "responses", "most tokens", "parameters", "memory"
    );
    for stage in stages {
        let Some(eval) = stage.work_of::<Eval>() else { continue };
        let config = &eval.config;
        let shape = shape_of(run, stage);
        let memory = shape.as_ref().map_or_else(
            |_| "?".to_owned(),
            |shape| {
                let cache = KeyValueCache {
                    slots: config.generation_batch,
                    tokens: config.max_prompt_tokens.saturating_add(config.max_response_tokens),
                    gib: config.generation_cache_gib,
                    precision: config.compute,
                };
                human_bytes(WEIGHT * shape.parameter_count() as f64 + cache.bytes(shape))
            },
        );
        let responses = responses(run, stage, eval);
        let shown = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), human_count);
        let time = match (responses, seconds_per_response(run, stages, stage, eval)) {
            (Some(responses), Some((seconds, of))) => format!("{} ({of})", in_words(seconds * responses as f64)),
            _ => "? (no earlier run to go by)".to_owned(),
        };
        text += &format!(
            "{:<width$}  {:>9}  {:>12}  {:>16}  {:>11}  {memory:>10}  {time}\n",
            stage.name,
            problems(run, stage, Some(&eval.problems)),
            shown(responses),
            shown(responses.map(|responses| responses.saturating_mul(config.max_response_tokens as u64))),
            shape.as_ref().map_or_else(|_| "?".to_owned(), |shape| parameters(shape.parameter_count())),
        );
    }
    text + "memory: weights, and keys and values of responses at most\n"
}

fn responses(run: &PlannedRun, stage: &Stage, eval: &Eval) -> Option<u64> {
    let count = match &eval.problems.rows {
        Some(rows) => rows.len(),
        None => eval.problems.known(run, stage)?.ok()?.len(),
    };
    Some((count as u64).saturating_mul(eval.config.attempts as u64))
}

/// Seconds of a response in this stage, or in another like it, that is done; and which.
fn seconds_per_response(run: &PlannedRun, stages: &[&Stage], stage: &Stage, own: &Eval) -> Option<(f64, String)> {
    let shape = shape_of(run, stage).ok()?.parameter_count();
    stages.iter().find_map(|other| {
        let eval: &Eval = other.work_of()?;
        let like = (eval.config.max_response_tokens, &eval.config.device)
            == (own.config.max_response_tokens, &own.config.device);
        if !like || shape_of(run, other).ok()?.parameter_count() != shape {
            return None;
        }
        let planned = run.plan.stages.iter().find(|planned| run.recipe.stages[planned.index].name == other.name)?;
        let done = run.store.done(other.kind, &planned.key).ok()?;
        let of = if other.name == stage.name { "measured".to_owned() } else { format!("as {}, measured", other.name) };
        Some((done.seconds / responses(run, other, eval).filter(|count| *count > 0)? as f64, of))
    })
}
