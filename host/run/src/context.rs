//! A stage at work: where its inputs lie, its plugins, and how it reports.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use octo_curate::units::{self, Setting, Shard};
use octo_plugin::{CaseSetup, Classifiers, LoadedPlugin};
use octo_record::layout;

use crate::PlannedRun;
use crate::again;
use crate::failures::Failures;
use crate::kind::Ended;
use crate::plan::check_inputs::When;
use crate::progress::Line;
use crate::recipe::source::Source;
use crate::recipe::stage::Stage;
use crate::store::{Standing, Working};
use crate::world::World;

/// Time between two looks whether another process has ended a stage.
const TURN: Duration = Duration::from_millis(500);

/// What the stages of a run share.
#[derive(Clone, Copy)]
pub struct SharedRun<'a> {
    /// The recipe with its plan.
    pub planned: &'a PlannedRun,
    /// Raised when the run is to stop.
    pub stop: &'a Arc<AtomicBool>,
    /// The processes that run it together.
    pub world: &'a Arc<dyn World>,
}

/// A stage at work and all it may look at.
pub struct StageContext<'a> {
    /// The run that it belongs to.
    pub run: SharedRun<'a>,
    /// The stage itself.
    pub stage: &'a Stage,
    /// Its key, by which other processes know it.
    pub key: &'a str,
    /// Where it reports how far it is.
    pub line: &'a Line,
    /// Keeps what its plugins fail on.
    pub failures: Arc<Failures>,
    /// The share of its work that is done, where it is not the whole.
    pub shard: Option<Shard>,
}

/// Runs the stage at `index` of the plan, or resumes it. `report` is called at the end with the items on which its
/// plugins failed.
pub(crate) fn run_stage(
    run: SharedRun<'_>,
    index: usize,
    line: &Line,
    report: impl FnOnce(&Failures),
) -> Result<Ended> {
    let PlannedRun { recipe, plan, store, .. } = run.planned;
    let planned = &plan.stages[index];
    let stage = &recipe.stages[planned.index];
    let Some(working) = wait_for_turn(run, stage, &planned.key, line)? else { return Ok(Ended::Stopped) };
    // Another process may have finished it while this one waited for its turn.
    if store.standing(stage.kind, &planned.key) == Standing::Done && !run.planned.again.contains(&stage.name) {
        return Ok(Ended::Done);
    }
    run.planned.check_inputs(stage, When::Before)?;
    let out = &working.folder;
    let context = StageContext::new(run, stage, &planned.key, line, out);
    let ended = stage.work.run(&context, out);
    report(&context.failures);
    // What was made of an input that is not the one that was planned is neither recorded nor resumed from.
    if let Err(changed) = run.planned.check_inputs(stage, When::After) {
        working.discard()?;
        return Err(match ended {
            Err(error) => error.context(changed),
            Ok(_) => changed,
        });
    }
    let ended = ended?;
    if ended == Ended::Done {
        let device = stage.work.device(run.world.size());
        let done = working.seal(stage.kind, &planned.key, line.seconds(), device)?;
        again::mark_stale(run.planned, index, &done, line)?;
        working.publish()?;
    }
    Ok(ended)
}

/// How a shard of a stage's work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShardEnded {
    /// It was asked to stop.
    Stopped,
    /// Its units are done, and so many other shards are left of as many as there are.
    Left(usize),
    /// Its units are done, and all others. What they wrote is to be joined.
    AllDone,
}

/// Does a shard of the stage at `index` of the plan, beside others that do theirs.
pub(crate) fn run_shard(
    run: SharedRun<'_>,
    index: usize,
    shard: Shard,
    line: &Line,
    report: impl FnOnce(&Failures),
) -> Result<ShardEnded> {
    let PlannedRun { recipe, plan, store, .. } = run.planned;
    let planned = &plan.stages[index];
    let stage = &recipe.stages[planned.index];
    let begin = || store.begin_shard(stage.kind, &planned.key, shard);
    let Some(working) = wait_until(run, line, begin)? else { return Ok(ShardEnded::Stopped) };
    // A process that worked on the whole stage may have finished it; nothing of it is in the working folder then.
    if store.standing(stage.kind, &planned.key) == Standing::Done {
        let _ = std::fs::remove_dir_all(&working.folder);
        return Ok(ShardEnded::AllDone);
    }
    run.planned.check_inputs(stage, When::Before)?;
    let mut context = StageContext::new(run, stage, &planned.key, line, &working.folder);
    context.shard = Some(shard);
    let ended = stage.work.run(&context, &working.folder);
    report(&context.failures);
    if let Err(changed) = run.planned.check_inputs(stage, When::After) {
        // Other shards have read the changed input too, or will see that it has changed.
        let folder = &working.folder;
        std::fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
        return Err(match ended {
            Err(error) => error.context(changed),
            Ok(_) => changed,
        });
    }
    if ended? == Ended::Stopped {
        return Ok(ShardEnded::Stopped);
    }
    let left = units::left(&working.folder)?.unwrap_or_default();
    Ok(if left.is_empty() { ShardEnded::AllDone } else { ShardEnded::Left(shard.shards_with(&left)) })
}

/// The stage's working folder, once no other process works in it; none where the run is stopped before that. Recipes
/// that share a stage, such as those of a sweep, so do it once.
fn wait_for_turn(run: SharedRun<'_>, stage: &Stage, key: &str, line: &Line) -> Result<Option<Working>> {
    wait_until(run, line, || run.planned.store.begin(stage.kind, key))
}

fn wait_until<T>(run: SharedRun<'_>, line: &Line, begin: impl Fn() -> Result<Option<T>>) -> Result<Option<T>> {
    let mut waits = false;
    loop {
        if let Some(working) = begin()? {
            return Ok(Some(working));
        }
        if run.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        if !std::mem::replace(&mut waits, true) {
            line.write("another octo-host works on this stage; waiting for it");
        }
        std::thread::sleep(TURN);
    }
}

impl<'a> StageContext<'a> {
    pub(crate) fn new(
        run: SharedRun<'a>,
        stage: &'a Stage,
        key: &'a str,
        line: &'a Line,
        out: &Path,
    ) -> StageContext<'a> {
        let failures = Failures::of_stage(out, &format!("stage {} of run {}", stage.name, run.planned.recipe.name));
        StageContext { run, stage, key, line, failures, shard: None }
    }

    /// How the stage's units of work are done: what was done under its key counts, and a shard does its own.
    pub fn units(&self) -> Setting {
        Setting { key: Some(self.key.to_owned()), shard: self.shard, unit_bytes: None }
    }

    /// Where the input in `slot` lies.
    ///
    /// # Errors
    /// A slot that the stage does not have, or an input that is not there.
    pub fn path(&self, slot: &str) -> Result<PathBuf> {
        self.run.planned.input_path(self.stage, slot)
    }

    /// All inputs whose slot begins with `prefix`, in the recipe's order.
    ///
    /// # Errors
    /// An input that is not there.
    pub fn paths(&self, prefix: &str) -> Result<Vec<PathBuf>> {
        self.stage.inputs.iter().filter(|(slot, _)| slot.starts_with(prefix)).map(|(slot, _)| self.path(slot)).collect()
    }

    /// A fresh instance of the plugin in `role`, whose failed items are kept.
    ///
    /// # Errors
    /// A plugin that has changed since the run was planned, or that does not start.
    pub fn plugin(&self, role: &str) -> Result<LoadedPlugin> {
        self.plugin_with_classifiers(role, &Classifiers::default())
    }

    /// As [`StageContext::plugin`]; it may ask the `classifiers` by their names.
    ///
    /// # Errors
    /// As [`StageContext::plugin`].
    pub fn plugin_with_classifiers(&self, role: &str, classifiers: &Classifiers) -> Result<LoadedPlugin> {
        let PlannedRun { plan, host, .. } = self.run.planned;
        let plugin = plan.plugins.get(role).with_context(|| format!("no plugin has the role {role:?}"))?;
        let host = host.clone().with_classifiers(classifiers.clone());
        let loaded = host.load(&plugin.path, &plugin.entry.config, &plugin.entry.limits)?;
        if loaded.digest() != plugin.digest {
            bail!("{} changed during the run; run again", plugin.path.display());
        }
        // A case may be run again from another folder.
        let path =
            std::path::absolute(&plugin.path).with_context(|| format!("could not find {}", plugin.path.display()))?;
        let setup = CaseSetup::of(&path, &loaded, &plugin.entry.config, &plugin.entry.limits);
        Ok(loaded.with_failure_listener(self.failures.keeper(setup)))
    }

    /// The plugin in `slot` (`verifier`, `reward`, ...).
    ///
    /// # Errors
    /// A slot that the stage has not filled, and those of [`StageContext::plugin`].
    pub fn plugin_in(&self, slot: &str) -> Result<LoadedPlugin> {
        let role = self.stage.plugins.iter().find(|plugin| plugin.slot == slot).map(|plugin| plugin.role.as_str());
        self.plugin(role.with_context(|| format!("the stage names no {slot}"))?)
    }

    /// Calls the other processes to this stage: each runs its kind's [`follow`](crate::kind::StageKind::follow).
    ///
    /// # Errors
    /// That a rank is gone.
    pub fn call_others(&self) -> Result<()> {
        self.run.world.broadcast(self.key).map(|_| ())
    }

    /// The processes, as the type that the program has handed in.
    ///
    /// # Errors
    /// That they are of another type, which is a mistake of the program.
    pub fn world<W: World>(&self) -> Result<&W> {
        let world: &dyn Any = &**self.run.world;
        world.downcast_ref().context("the run's processes are not of the type that the stage's kind needs")
    }
}

impl PlannedRun {
    /// Where the input in `slot` of a stage lies.
    ///
    /// # Errors
    /// A slot that the stage does not have, or an input that is not there.
    pub fn input_path(&self, stage: &Stage, slot: &str) -> Result<PathBuf> {
        match stage.input(slot) {
            None => bail!("the stage has no input {slot}"),
            Some(Source::File(path)) => Ok(path.clone()),
            Some(Source::Stage { stage: name, path }) => {
                let found = self.plan.stages.iter().find_map(|planned| {
                    let other = &self.recipe.stages[planned.index];
                    (other.name == *name).then(|| self.store.folder(other.kind, &planned.key))
                });
                let folder = found.with_context(|| format!("there is no stage {name:?}"))?;
                if !folder.exists() {
                    bail!("{slot} = \"@{name}/{path}\": stage {name:?} is not done; run the recipe first");
                }
                let full = folder.join(path);
                if !full.exists() {
                    let mut names: Vec<String> = std::fs::read_dir(&folder)?
                        .filter_map(|entry| entry.ok())
                        .map(|entry| entry.file_name().to_string_lossy().into_owned())
                        .filter(|name| name != layout::DONE)
                        .collect();
                    names.sort();
                    bail!(
                        "{slot} = \"@{name}/{path}\": stage {name:?} wrote no such file; it wrote {}",
                        names.join(", ")
                    );
                }
                Ok(full)
            }
        }
    }
}
