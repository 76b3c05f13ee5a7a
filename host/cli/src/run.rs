//! `octo-host run`: runs a recipe, and says how it ended.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use octo_record::layout;
use octo_run::world::{Alone, World};
use octo_run::{Ended, PlannedRun, RecipeArguments};

use crate::arguments::RunArguments;
use crate::terminal::{self, stdout_error};
use crate::{Program, show_plan, trainer};

/// Runs a recipe. Exit code 1 if it was asked to stop before the end.
pub fn run(arguments: RunArguments, program: &Program) -> Result<ExitCode> {
    trainer::become_if_there(program)?;
    let libtorch = program.training.as_ref().and_then(|training| training.libtorch());
    let recipe = RecipeArguments {
        recipe: &arguments.recipe,
        set: &arguments.set,
        plugin: &arguments.plugin,
        runs: &arguments.runs,
    };
    let planned = PlannedRun::new(&recipe, &program.kinds, libtorch)?;
    if arguments.dry_run {
        let text = show_plan::table(&planned) + &planned.forecast();
        std::io::stdout().write_all(text.as_bytes()).map_err(stdout_error)?;
        return Ok(ExitCode::SUCCESS);
    }
    planned.plan.complete()?;
    let stop = terminal::stop_on_signals()?;
    let world: Arc<dyn World> = match &program.training {
        Some(training) => training.world()?,
        None => Arc::new(Alone),
    };
    let leads = world.rank() == 0;
    let stages = planned.plan.stages.len();
    let done = (0..stages).filter(|index| planned.is_done(*index)).count();
    if leads {
        let noun = if stages == 1 { "stage" } else { "stages" };
        eprintln!("{}: {stages} {noun}, {done} done already", planned.recipe.name);
    }
    let lanes = arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let started = Instant::now();
    let report = |failed: Vec<String>| failed.iter().for_each(|message| eprintln!("{message}"));
    let outcome = octo_run::run::run(&planned, lanes, &world, &stop, report)?;
    match outcome.ended {
        Ended::Stopped if leads => {
            eprintln!("stopped; what is done is kept, and the same command resumes from here");
            Ok(ExitCode::FAILURE)
        }
        Ended::Stopped => Ok(ExitCode::FAILURE),
        Ended::Done if leads => {
            if done < stages {
                eprintln!("{}: done in {:.0} s", planned.recipe.name, started.elapsed().as_secs_f64());
            }
            crate::report::write(&outcome.folder, &outcome.folder.join(layout::REPORT))?;
            Ok(ExitCode::SUCCESS)
        }
        Ended::Done => Ok(ExitCode::SUCCESS),
    }
}
