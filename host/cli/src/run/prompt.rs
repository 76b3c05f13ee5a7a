//! `octo-host prompt RECIPE STAGE`: the prompts of a stage, as its model would read them.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use octo_data::field_map::FieldMap;
use octo_data::prompt::PromptTemplate;
use octo_data::tokenizer::Tokenizer;
use octo_plugin::Host;

use super::input_digests::InputDigests;
use super::store::Store;
use super::{plan, work};
use crate::arguments::PromptArguments;
use crate::recipe;
use crate::recipe::keys::nearest;
use crate::recipe::stage::Work;
use crate::terminal::stdout_error;

/// Prints the prompts of the rows that are asked for, each with its length in tokens where the model is there.
pub fn run(arguments: PromptArguments) -> Result<ExitCode> {
    let recipe = recipe::load(&arguments.recipe, &arguments.set, &[])?;
    let Some(stage) = recipe.stages.iter().find(|stage| stage.name == arguments.stage) else {
        let known = recipe.stages.iter().map(|stage| stage.name.clone());
        bail!("the recipe has no stage {:?}{}", arguments.stage, nearest(&arguments.stage, known));
    };
    let (problems, settings, last_epoch_only) = match &stage.work {
        Work::Rl(rl) => (&rl.problems, &rl.config.prompt, false),
        Work::Eval(eval) => (&eval.problems, &eval.config.prompt, true),
        _ => bail!("stage {:?} is of kind {}, which asks no prompts; rl and eval do", stage.name, stage.kind),
    };
    let plan = plan::plan(&recipe, &Host::new()?, InputDigests::open(&arguments.runs))?;
    let store = Store::open(&arguments.runs)?;
    let path = |slot: &str| work::input_path(&recipe, &plan, &store, stage, slot);
    let model = path("model");
    let tokenizer = model.as_ref().ok().and_then(|folder| Tokenizer::load(folder).ok());
    // Only the model's own chat template needs the model.
    let folder = model.or_else(|error| match settings {
        octo_data::prompt::PromptSettings::Template(template) if template.text.is_none() => Err(error),
        _ => Ok(Default::default()),
    })?;
    let template = PromptTemplate::new(settings, &folder)?;
    let epoch = if last_epoch_only { template.last_epoch() } else { arguments.epoch };

    // Rows are those of the stage, which may take a part of the file.
    let first = problems.rows.as_ref().map_or(0, |rows| rows.start);
    let asked = &arguments.rows;
    let rows = Some(first + asked.start..first + asked.end);
    let found = octo_data::jsonl::read_problems(&path(&problems.slot)?, &FieldMap::new(problems.map.clone()), rows)?;
    let mut out = std::io::stdout().lock();
    for (row, problem) in asked.clone().zip(&found) {
        let prompt = template.render(problem, epoch)?;
        let tokens = match &tokenizer {
            Some(tokenizer) => format!("{} tokens", tokenizer.encode(&prompt)?.len()),
            None => "the model is not there to count tokens".to_owned(),
        };
        writeln!(out, "row {row}, {}, epoch {epoch}: {tokens}\n{prompt}\n", problem.id).map_err(stdout_error)?;
    }
    out.flush().map_err(stdout_error).context("the prompts could not be printed")?;
    Ok(ExitCode::SUCCESS)
}
