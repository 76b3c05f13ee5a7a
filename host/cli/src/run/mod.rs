//! `octo-host run`: plans a recipe, runs what is not done, and keeps the run folder.

mod lanes;
mod lock;
pub mod plan;
mod show;
mod store;
#[cfg(feature = "train")]
mod train;
mod work;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result};
use octo_plugin::Host;

use self::lanes::{Ended, Unit};
use self::store::{State, Store};
use crate::arguments::RunArguments;
use crate::recipe;
use crate::terminal;

/// Runs a recipe. Exit code 1 if it was asked to stop before the end.
pub fn run(arguments: RunArguments) -> Result<ExitCode> {
    let recipe = recipe::load(&arguments.recipe, &arguments.set, &arguments.plugin)?;
    let host = Host::new()?;
    let plan = plan::plan(&recipe, &host)?;
    let store = Store::open(&arguments.runs)?;
    if arguments.dry_run {
        print!("{}", show::plan(&recipe, &plan, &store));
        return Ok(ExitCode::SUCCESS);
    }

    let folder = arguments.runs.join(&recipe.name);
    std::fs::create_dir_all(folder.join("stages")).with_context(|| format!("could not make {}", folder.display()))?;
    octo_data::atomic::write(&folder.join("recipe.toml"), recipe.resolved.as_bytes())?;
    lock::link_stages(&recipe, &plan, &store, &folder)?;

    let units: Vec<Unit> = plan
        .stages
        .iter()
        .map(|planned| {
            let stage = &recipe.stages[planned.index];
            Unit {
                after: planned.after.clone(),
                lanes: stage.threads,
                done: store.state(stage.kind, &planned.key) == State::Done,
            }
        })
        .collect();
    let to_do = units.iter().filter(|unit| !unit.done).count();
    eprintln!("{}: {} stages, {} done already", recipe.name, units.len(), units.len() - to_do);

    let stop: Arc<AtomicBool> = terminal::stop_on_signals()?;
    let lanes = match arguments.jobs {
        Some(jobs) => jobs,
        None => std::thread::available_parallelism().map(usize::from).unwrap_or(1),
    };
    let board = show::Board::new();
    let started = Instant::now();
    let ended = lanes::run(&units, lanes, &stop, |index| {
        let planned = &plan.stages[index];
        let stage = &recipe.stages[planned.index];
        let _said_in = tracing::error_span!("stage", name = %stage.name).entered();
        let line = board.begin(&stage.name, store.state(stage.kind, &planned.key) == State::Begun);
        let result = work::run(&recipe, &plan, index, &store, &host, &stop, &line)
            .with_context(|| format!("stage {:?} failed", stage.name));
        match &result {
            Ok(Ended::Done) => line.done(),
            Ok(Ended::Stopped) => line.stopped(),
            Err(_) => line.failed(),
        }
        result
    });
    // Whatever happened, the folder shows what is done.
    lock::link_stages(&recipe, &plan, &store, &folder)?;
    lock::write(&recipe, &plan, &store, &folder)?;
    match ended? {
        Ended::Stopped => {
            eprintln!("stopped; what is done is kept, and the same command goes on from here");
            Ok(ExitCode::FAILURE)
        }
        Ended::Done => {
            if to_do > 0 {
                eprintln!("{}: done in {:.0} s", recipe.name, started.elapsed().as_secs_f64());
            }
            finish(&folder)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn finish(folder: &Path) -> Result<()> {
    let report = folder.join("report.html");
    let summary = octo_report::write_report(folder, &report)?;
    print!("{summary}");
    println!("report: {}", report.display());
    Ok(())
}
