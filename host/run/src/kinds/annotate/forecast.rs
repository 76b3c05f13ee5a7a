//! What an `annotate` stage will ask: calls, tokens and cost, guessed from the first documents of its files.

use octo_curate::annotate::Estimate;

use super::{Annotate, Engine, Model};
use crate::PlannedRun;
use crate::figures::human_count;
use crate::recipe::stage::Stage;

/// One line for every stage of the kind.
pub fn text<E: Engine>(run: &PlannedRun, stages: &[&Stage]) -> String {
    let width = stages.iter().map(|stage| stage.name.len()).max().unwrap_or(8).max(8);
    let mut text = format!(
        "\n{:<width$}  {:>14}  {:>14}  {:>16}  {:>16}  cost\n",
        "annotate", "documents", "calls", "prompt tokens", "answer tokens"
    );
    for stage in stages {
        let Some(kind) = stage.work_of::<Annotate<E>>() else { continue };
        let row = match estimate(kind, run, stage) {
            Ok(estimate) => row(kind, &estimate),
            Err(reason) => {
                let documents = kind.expected_documents.map_or_else(|| "?".to_owned(), human_count);
                format!("{documents:>14}  {:>14}  {:>16}  {:>16}  ? ({reason})", "?", "?", "?")
            }
        };
        text += &format!("{:<width$}  {row}\n", stage.name);
    }
    text += "Tokens of prompts are guessed as a quarter of their characters, answers as long as they may be.\n";
    text
}

fn row<E>(kind: &Annotate<E>, estimate: &Estimate) -> String {
    let count = |value: f64| human_count(value.round() as u64);
    let about = |value: f64| format!("about {}", count(value));
    let cost = match &kind.model {
        Model::Folder(_) => "none: this machine answers".to_owned(),
        Model::Endpoint(settings, _) if settings.prices == octo_endpoint::Prices::default() => {
            "? (no `price_in`, no `price_out`)".to_owned()
        }
        Model::Endpoint(settings, _) => {
            let most = estimate.money(settings.prices);
            match settings.budget.money {
                Some(budget) if budget < most => {
                    format!("at most {most:.2}, which the budget of {budget} does not cover")
                }
                _ => format!("at most {most:.2}"),
            }
        }
    };
    format!(
        "{:>14}  {:>14}  {:>16}  {:>16}  {cost}",
        about(estimate.documents),
        about(estimate.calls),
        about(estimate.prompt_tokens),
        format!("at most {}", count(estimate.answer_tokens)),
    )
}

fn estimate<E>(kind: &Annotate<E>, run: &PlannedRun, stage: &Stage) -> Result<Estimate, String> {
    let mut files = Vec::new();
    let mut missing = false;
    for (slot, _) in stage.inputs.iter().filter(|(slot, _)| slot.starts_with("inputs.")) {
        match run.known_input(stage, slot) {
            Some(path) => files.push(path),
            None => missing = true,
        }
    }
    let Some(expected) = kind.expected_documents.or((!missing).then_some(0)) else {
        return Err("its documents are not there yet; `expected_documents` says how many to plan for".to_owned());
    };
    let annotator = annotator(run, stage)?;
    if files.is_empty() {
        let one = Estimate::of_expected(kind.expected_characters, &annotator, &kind.asking);
        return Ok(one.for_documents(expected as f64));
    }
    let estimate = Estimate::of_files(&files, &annotator, &kind.asking).map_err(|error| error.to_string())?;
    Ok(if missing { estimate.for_documents(expected as f64) } else { estimate })
}

/// Documents of the stage, as far as they can be known; for the share that is done.
pub fn documents<E>(kind: &Annotate<E>, run: &PlannedRun, stage: &Stage) -> Option<f64> {
    estimate(kind, run, stage).ok().map(|estimate| estimate.documents)
}

fn annotator(run: &PlannedRun, stage: &Stage) -> Result<octo_plugin::Annotator, String> {
    let plugin =
        stage.plugins.first().and_then(|slot| run.plan.plugins.get(&slot.role)).ok_or("it has no annotator")?;
    let loaded = run.host.load(&plugin.path, &plugin.entry.config, &plugin.entry.limits);
    loaded.and_then(octo_plugin::LoadedPlugin::into_annotator).map_err(|error| error.to_string())
}
