//! Runs a plan: what is not done, side by side where it can be, and keeps the run folder.
//!
//! This file makes the run folder, hands the stages to their lanes, and says at the end what is done. In its folder:
//!
//! | file | what it does |
//! |---|---|
//! | [`lanes`] | runs stages side by side, each after those that it needs |
//! | `only.rs` | one stage of a run, or a shard of its work, and not the rest |
//! | [`lock`] | links stages into the run folder, gathers `metrics.jsonl`, writes `run.lock.json` |
//! | `follow.rs` | what the processes of other ranks do in a run of several |
//! | `tensorboard.rs` | keeps TensorBoard's files beside what the stages measure |

mod follow;
mod lanes;
mod lock;
mod only;
mod tensorboard;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use octo_curate::units::Shard;
use octo_record::layout;

use self::lanes::Unit;
use crate::PlannedRun;
use crate::context::{self, ShardEnded};
use crate::failures::Failures;
use crate::kind::Ended;
use crate::progress::Board;
use crate::store::Standing;
use crate::world::{StoppedWaiting, World};

/// Runs what is not done of a plan. Ranks other than 0 help with the stages that rank 0 calls them to, and give no
/// outcome but how these ended. `lanes` stages run side by side, counted by their threads. `report` is called once with
/// the messages on failed items, whatever else happens.
///
/// # Errors
/// The first stage that failed, or a run folder that cannot be written.
pub fn run(
    planned: &PlannedRun,
    lanes: usize,
    world: &Arc<dyn World>,
    stop: &Arc<AtomicBool>,
    report: impl FnOnce(Vec<String>),
) -> Result<Ended> {
    run_part(planned, &Part::All, lanes, world, stop, report)
}

/// What of a run is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All stages.
    All,
    /// One stage, whose inputs must be done.
    Stage(String),
    /// The units of one stage's work that are a shard's. Whichever shard comes last finishes the stage.
    Shard(String, Shard),
}

/// [`run`], of a part of the run. A shard that is done while others are not is [`Ended::Done`], and its stage is not.
///
/// # Errors
/// Those of [`run`], and a stage that is not there, has inputs that are not done, or cannot be shared out.
pub fn run_part(
    planned: &PlannedRun,
    part: &Part,
    lanes: usize,
    world: &Arc<dyn World>,
    stop: &Arc<AtomicBool>,
    report: impl FnOnce(Vec<String>),
) -> Result<Ended> {
    let only = only::check(planned, part)?;
    if only.is_some() && world.size() > 1 {
        bail!("one stage of a run, or a shard of it, is run by one process, and this is one of {}", world.size());
    }
    let shard = match part {
        Part::Shard(_, shard) => Some(*shard),
        Part::All | Part::Stage(_) => None,
    };
    let PlannedRun { recipe, plan, store, .. } = planned;
    let folder = planned.folder();
    let run = context::SharedRun { planned, stop, world };
    if world.size() > 1 {
        follow::agree(&**world, plan)?;
        if world.rank() > 0 {
            return follow::follow(run);
        }
    }
    let keep_digests = || planned.digests.lock().unwrap_or_else(PoisonError::into_inner).keep();
    std::fs::create_dir_all(folder.join(layout::STAGES))
        .with_context(|| format!("could not make {}", folder.display()))?;
    let recipe_file = folder.join(layout::RECIPE);
    // Shards that begin together find it written.
    if !std::fs::read(&recipe_file).is_ok_and(|text| text == recipe.resolved.as_bytes()) {
        octo_data::atomic::write(&recipe_file, recipe.resolved.as_bytes())?;
    }
    let units = {
        let _held = store.hold()?;
        lock::link_stages(recipe, plan, store, &folder)?;
        units(planned, only)
    };

    keep_digests();
    // Ranks take one stage after the other, all the same one.
    let lanes = if world.size() > 1 { 1 } else { lanes };
    let board = Board::new();
    let failed_items = Mutex::new(Vec::new());
    let following = tensorboard::Following::start(recipe, plan, &folder);
    let ended = lanes::run(&units, lanes, stop, |index| {
        let stage = &recipe.stages[plan.stages[index].index];
        // One that waited for what is done again, and finds it as it was.
        if !planned.again.contains(&stage.name) && planned.is_done(index) {
            return Ok(Ended::Done);
        }
        let _span = tracing::error_span!("stage", name = %stage.name).entered();
        let begun = store.standing(stage.kind, &plan.stages[index].key) == Standing::Begun;
        let line = board.begin(&stage.name, begun && stage.work.resumes());
        let keep_failed = |failures: &Failures| {
            let message = message(failures, &folder, &stage.name);
            failed_items.lock().unwrap_or_else(PoisonError::into_inner).extend(message);
        };
        if let Some(shard) = shard {
            match context::run_shard(run, index, shard, &line, keep_failed) {
                Ok(ShardEnded::AllDone) => {}
                Ok(ShardEnded::Left(left)) => {
                    line.shard_done(shard, left);
                    return Ok(Ended::Done);
                }
                Ok(ShardEnded::Stopped) => {
                    line.stopped(true);
                    return Ok(Ended::Stopped);
                }
                Err(error) => {
                    line.failed();
                    return Err(error.context(format!("shard {shard} of stage {:?} failed", stage.name)));
                }
            }
        }
        let result = context::run_stage(run, index, &line, keep_failed);
        let result = result.with_context(|| format!("stage {:?} failed", stage.name));
        if matches!(result, Ok(Ended::Done)) {
            // Its folder has another name now, and who looks into the run meanwhile goes by the link.
            let _held = store.hold()?;
            lock::link_stage(stage, &plan.stages[index].key, store, &folder)?;
        }
        match &result {
            Ok(Ended::Done) => line.done(),
            Ok(Ended::Stopped) => line.stopped(stage.work.resumes()),
            Err(error) if StoppedWaiting::among(error).is_some() => line.stopped(stage.work.resumes()),
            Err(_) => line.failed(),
        }
        result
    });
    // Whatever happened, the folder shows what is done.
    let shown = lock::link_stages(recipe, plan, store, &folder).and_then(|()| match only {
        // Shards leave it to the one that finishes the stage.
        Some(index) if shard.is_some() && !planned.is_done(index) => Ok(()),
        _ => lock::write(planned, &folder),
    });
    keep_digests();
    report(failed_items.into_inner().unwrap_or_else(PoisonError::into_inner));
    drop(following);
    let ended = match (ended, shown) {
        (Ok(ended), shown) => shown.map(|()| ended)?,
        (Err(error), shown) => {
            // Where the disk is full both fail, and what the stage says is why.
            if let Err(also) = shown {
                tracing::error!("{} is not up to date either: {also}", folder.display());
            }
            return Err(error);
        }
    };
    // After an error they hear that rank 0 is gone. Those that a signal has ended too wait for nothing more.
    match world.broadcast(follow::END) {
        Err(error) if ended == Ended::Done => Err(error),
        _ => Ok(ended),
    }
}

/// The message on a stage's failed items, with the path of their cases through the run's own link, which is right once the
/// stage is at rest.
fn message(failures: &Failures, folder: &Path, stage: &str) -> Option<String> {
    let cases = layout::stage_of_run(folder, stage).join(layout::FAILURES);
    failures.summary(&cases).map(|message| format!("{stage}: {message}"))
}

fn units(planned: &PlannedRun, only: Option<usize>) -> Vec<Unit> {
    let again = planned.may_be_done_again();
    let unit = |index: usize| {
        let stage = &planned.recipe.stages[planned.plan.stages[index].index];
        Unit {
            after: planned.plan.stages[index].after.clone(),
            lanes: stage.work.threads(),
            done: match only {
                Some(only) => index != only,
                None => planned.is_done(index) && !again[index],
            },
        }
    };
    (0..planned.plan.stages.len()).map(unit).collect()
}
