//! `octo-host prompt RECIPE STAGE`: the prompts of a stage, as its model would read them.

use std::process::ExitCode;

use anyhow::{Result, bail};
use octo_data::prompt::{PromptSettings, PromptTemplate};
use octo_data::tokenizer::Tokenizer;
use octo_run::{PlannedRun, RecipeArguments, nearest};

use crate::arguments::PromptArguments;
use crate::{Program, terminal, trainer};

/// Prints the prompts of the rows that are asked for, each with its length in tokens where the model is there.
pub fn run(arguments: PromptArguments, program: &Program) -> Result<ExitCode> {
    trainer::become_if_there(program)?;
    let (recipe, set, runs) = (&arguments.recipe, &arguments.set, &arguments.runs);
    let recipe = RecipeArguments { recipe, set, plugin: &[], runs, again: &[] };
    let planned = PlannedRun::new(&recipe, &program.kinds, None)?;
    let stages = &planned.recipe.stages;
    let Some(stage) = stages.iter().find(|stage| stage.name == arguments.stage) else {
        let known = stages.iter().map(|stage| stage.name.clone());
        bail!("the recipe has no stage {:?}{}", arguments.stage, nearest(&arguments.stage, known));
    };
    let Some(prompts) = stage.work.prompts() else {
        bail!("stage {:?} is of kind {}, which asks no prompts", stage.name, stage.kind);
    };
    let model = planned.input_path(stage, "model");
    let tokenizer = model.as_ref().ok().and_then(|folder| Tokenizer::load(folder).ok());
    // Only the model's own chat template needs the model.
    let folder = model.or_else(|error| match prompts.settings {
        PromptSettings::Template(template) if template.text.is_none() => Err(error),
        _ => Ok(Default::default()),
    })?;
    let template = PromptTemplate::new(prompts.settings, &folder)?;
    let epoch = if prompts.last_epoch_only { template.last_epoch() } else { arguments.epoch };

    // Rows are those of the stage, which may take a part of the file.
    let first = prompts.problems.rows.as_ref().map_or(0, |rows| rows.start);
    let asked = &arguments.rows;
    let rows = first + asked.start..first + asked.end;
    let files = prompts.problems.files(|slot| planned.input_path(stage, slot))?;
    let found = prompts.problems.read_rows(&files, Some(rows))?;
    for (row, problem) in asked.clone().zip(&found) {
        let prompt = template.render(problem, epoch)?;
        let tokens = match &tokenizer {
            Some(tokenizer) => format!("{} tokens", template.encode(problem, epoch, tokenizer)?.len()),
            None => "the model is not there to count tokens".to_owned(),
        };
        terminal::print_data(&format!("row {row}, {}, epoch {epoch}: {tokens}\n{prompt}\n\n", problem.id))?;
    }
    Ok(ExitCode::SUCCESS)
}
