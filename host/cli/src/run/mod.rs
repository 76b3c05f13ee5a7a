//! `octo-host run`: plans a recipe, runs what is not done, and keeps the run folder.

mod device;
#[cfg(feature = "train")]
mod estimate;
mod failures;
mod input_digests;
mod lanes;
mod lock;
pub mod plan;
#[cfg(feature = "train")]
pub mod prompt;
#[cfg(feature = "train")]
mod ranks;
mod show;
mod store;
mod tensorboard;
#[cfg(feature = "train")]
mod train;
mod work;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use octo_plugin::Host;

use self::input_digests::InputDigests;
use self::lanes::{Ended, Unit};
use self::store::{State, Store};
use crate::arguments::RunArguments;
use crate::recipe;
use crate::terminal;

/// Runs a recipe. Exit code 1 if it was asked to stop before the end.
pub fn run(arguments: RunArguments) -> Result<ExitCode> {
    let recipe = recipe::load(&arguments.recipe, &arguments.set, &arguments.plugin)?;
    let host = Host::new()?;
    let plan = plan::plan(&recipe, &host, InputDigests::open(&arguments.runs))?;
    let store = Store::open(&arguments.runs)?;
    if arguments.dry_run {
        print!("{}", show::plan(&recipe, &plan, &store));
        #[cfg(feature = "train")]
        print!("{}", estimate::lines(&recipe, &plan, &store));
        return Ok(ExitCode::SUCCESS);
    }
    plan.complete()?;
    let stop: Arc<AtomicBool> = terminal::stop_on_signals()?;
    #[cfg(feature = "train")]
    let ranks = Arc::new(octo_train::ranks::Ranks::from_environment()?);
    #[cfg(feature = "train")]
    if ranks.world() > 1 {
        self::ranks::agree(&ranks, &plan)?;
        if !ranks.leads() {
            return self::ranks::follow(&recipe, &plan, &store, &host, &stop, ranks);
        }
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

    let lanes = match arguments.jobs {
        // Ranks take one stage after the other, all the same one.
        #[cfg(feature = "train")]
        _ if ranks.world() > 1 => 1,
        Some(jobs) => jobs,
        None => std::thread::available_parallelism().map(usize::from).unwrap_or(1),
    };
    let board = show::Board::new();
    let failed_items = Mutex::new(Vec::new());
    let linking = Mutex::new(());
    let following = tensorboard::Following::start(&recipe, &plan, &folder);
    let started = Instant::now();
    let shared = work::Run {
        recipe: &recipe,
        plan: &plan,
        store: &store,
        host: &host,
        stop: &stop,
        #[cfg(feature = "train")]
        ranks: &ranks,
    };
    let ended = lanes::run(&units, lanes, &stop, |index| {
        let planned = &plan.stages[index];
        let stage = &recipe.stages[planned.index];
        let _said_in = tracing::error_span!("stage", name = %stage.name).entered();
        let line = board.begin(&stage.name, store.state(stage.kind, &planned.key) == State::Begun);
        let told = |failures: &failures::Failures| {
            // Through the run's own link, which is right once the stage is at rest.
            let cases = folder.join("stages").join(&stage.name).join(failures::FAILURES);
            let told = failures.told(&cases).map(|told| format!("{}: {told}", stage.name));
            failed_items.lock().unwrap_or_else(PoisonError::into_inner).extend(told);
        };
        let result = work::run(shared, index, &line, told).with_context(|| format!("stage {:?} failed", stage.name));
        if matches!(result, Ok(Ended::Done)) {
            // Its folder has another name now, and who looks into the run meanwhile goes by the link.
            let _alone = linking.lock().unwrap_or_else(PoisonError::into_inner);
            lock::link_stages(&recipe, &plan, &store, &folder)?;
        }
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
    for told in failed_items.into_inner().unwrap_or_else(PoisonError::into_inner) {
        eprintln!("{told}");
    }
    drop(following);
    let ended = ended?;
    // After an error they hear that rank 0 is gone.
    #[cfg(feature = "train")]
    ranks.leaders(self::ranks::END)?;
    match ended {
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
