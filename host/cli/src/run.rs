//! `octo-host run`: runs a recipe, and says how it ended.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail};
use octo_record::layout;
use octo_run::run::Part;
use octo_run::world::{Alone, StoppedWaiting, World};
use octo_run::{Ended, PlannedRun, RecipeArguments};

use crate::arguments::RunArguments;
use crate::terminal::Terminal;
use crate::{Program, show_plan, terminal, threads, trainer};

/// Runs a recipe, or shows its plan. The exit code is that of the signal if it was asked to stop before the end, and 1
/// if inputs of a plan are missing or a stage could not work.
pub fn run(arguments: RunArguments, program: &Program) -> Result<ExitCode> {
    trainer::become_if_there(program)?;
    threads::start(None)?;
    let libtorch = program.training.as_ref().and_then(|training| training.libtorch());
    let recipe = RecipeArguments {
        recipe: &arguments.recipe,
        set: &arguments.set,
        plugin: &arguments.plugin,
        runs: &arguments.runs,
        again: &arguments.force,
    };
    let planned = PlannedRun::new(&recipe, &program.kinds, libtorch)?;
    if arguments.dry_run {
        terminal::print(&(show_plan::table(&planned) + &planned.forecast()))?;
        may_run(&planned, arguments.replace)?;
        return Ok(if planned.plan.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    planned.plan.complete(&planned.recipe, arguments.stage.as_deref())?;
    may_run(&planned, arguments.replace)?;
    match run_planned(&arguments, program, &planned) {
        Err(error) => match StoppedWaiting::among(&error) {
            Some(stopped) => {
                eprintln!("{stopped}");
                Ok(terminal::stopped())
            }
            None => Err(error),
        },
        ended => ended,
    }
}

fn run_planned(arguments: &RunArguments, program: &Program, planned: &PlannedRun) -> Result<ExitCode> {
    let stop = terminal::stop_on_signals()?;
    let world: Arc<dyn World> = match &program.training {
        Some(training) => training.world(&stop)?,
        None => Arc::new(Alone),
    };
    let leads = world.rank() == 0;
    let stages = planned.plan.stages.len();
    let done = (0..stages).filter(|index| planned.is_done(*index) && !planned.is_forced(*index)).count();
    let screen = Terminal::stderr();
    if leads {
        let noun = if stages == 1 { "stage" } else { "stages" };
        let again = (0..stages).filter(|index| planned.is_done(*index) && planned.is_forced(*index)).count();
        let again = if again > 0 { format!(", {again} to do again") } else { String::new() };
        screen.say(format_args!("{}: {stages} {noun}, {done} done already{again}", planned.recipe.name));
    }
    let lanes = arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let started = Instant::now();
    let report = |failed: Vec<String>| failed.iter().for_each(|message| screen.complain(message));
    let part = match (&arguments.stage, arguments.shard) {
        (None, _) => Part::All,
        (Some(stage), None) => Part::Stage(stage.clone()),
        (Some(stage), Some(shard)) => Part::Shard(stage.clone(), shard),
    };
    let ended = octo_run::run::run_part(planned, &part, lanes, &world, &stop, report)?;
    match ended {
        Ended::Stopped if leads => {
            screen.say("stopped; what is done is kept, and the same command resumes from here");
            Ok(terminal::stopped())
        }
        Ended::Stopped => Ok(terminal::stopped()),
        Ended::Done if leads => {
            if done < stages && part == Part::All {
                screen.say(format_args!("{}: done in {:.0} s", planned.recipe.name, started.elapsed().as_secs_f64()));
            }
            // A shard that is not the last leaves the report to that.
            let left = |index: usize| {
                !planned.is_done(index)
                    && planned.recipe.stages[planned.plan.stages[index].index].name
                        == *arguments.stage.as_deref().unwrap_or_default()
            };
            if !(0..stages).any(left) {
                crate::report::write(&planned.folder(), &planned.folder().join(layout::REPORT))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Ended::Done => Ok(ExitCode::SUCCESS),
    }
}

/// All that is known to keep the recipe from running, but for inputs that are missing.
fn may_run(planned: &PlannedRun, replace: bool) -> Result<()> {
    planned.check()?;
    match planned.name_is_taken() {
        Some(taken) if !replace => bail!("{taken}"),
        _ => Ok(()),
    }
}
