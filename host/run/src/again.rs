//! A stage that is done again, though it is done; and a run's name that has another recipe's results.
//!
//! Keys do not tell one result of a stage from another: whoever does a stage again suspects the result, not the recipe.
//! Where the new one differs, every stage that was made from the old one is marked as stale, in all runs, before the new
//! one takes its place. A stale stage counts as one to do, so that a kill in between loses nothing and forgets nothing.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use octo_record::layout::STALE;
use octo_record::{RunLock, StageDone, layout};

use crate::PlannedRun;
use crate::nearest;
use crate::progress::Line;
use crate::recipe::Recipe;
use crate::runs::locks;

/// The stages of `names`, which the recipe must have.
pub(crate) fn named(recipe: &Recipe, names: &[String]) -> Result<BTreeSet<String>> {
    for name in names {
        if !recipe.stages.iter().any(|stage| stage.name == *name) {
            let known = recipe.stages.iter().map(|stage| stage.name.clone());
            bail!("--force {name}: the recipe has no stage {name:?}{}", nearest(name, known));
        }
    }
    Ok(names.iter().cloned().collect())
}

impl PlannedRun {
    /// Whether the stage at `index` of the plan is to be done again, though it is done.
    pub fn is_forced(&self, index: usize) -> bool {
        self.again.contains(&self.recipe.stages[self.plan.stages[index].index].name)
    }

    /// Of every stage of the plan, whether it may be done again though it is done: whether it, or one that it comes after,
    /// is forced or stale. Whether it is, shows when these have been done.
    pub(crate) fn may_be_done_again(&self) -> Vec<bool> {
        let mut again: Vec<bool> = Vec::new();
        for (index, planned) in self.plan.stages.iter().enumerate() {
            let kind = self.recipe.stages[planned.index].kind;
            let own = self.is_forced(index) || self.store.is_stale(kind, &planned.key);
            // The plan has every stage after those that it needs.
            again.push(own || planned.after.iter().any(|before| again[*before]));
        }
        again
    }

    /// What stands against running this recipe under its name: another recipe's finished stages in the run's folder, which
    /// would lead nowhere from there afterwards. None where the folder is new, of this recipe, or has nothing that is lost.
    pub fn name_is_taken(&self) -> Option<String> {
        let folder = self.folder();
        let lock: RunLock = serde_json::from_slice(&std::fs::read(folder.join(layout::LOCK)).ok()?).ok()?;
        let before = std::fs::read_to_string(folder.join(layout::RECIPE)).ok()?;
        if before == self.recipe.resolved {
            return None;
        }
        let keys: BTreeSet<&str> = self.plan.stages.iter().map(|planned| planned.key.as_str()).collect();
        let lost: Vec<&str> = lock
            .stages
            .iter()
            .filter(|(_, stage)| stage.done && !keys.contains(stage.key.as_str()))
            .map(|(name, _)| name.as_str())
            .collect();
        if lost.is_empty() {
            return None;
        }
        let (count, stages) = (lost.len(), if lost.len() == 1 { "stage" } else { "stages" });
        Some(format!(
            "{} has results of another recipe, {count} finished {stages} that this one lacks or makes otherwise ({}); give \
             this run another name (--set name={}-2), or add --replace to let it take the name",
            folder.display(),
            few(&lost),
            self.recipe.name
        ))
    }
}

/// `a, b, c and 7 more`.
fn few(names: &[&str]) -> String {
    match names.get(..6) {
        Some(first) if names.len() > 8 => format!("{} and {} more", first.join(", "), names.len() - 6),
        _ => names.join(", "),
    }
}

/// Marks what was made from the stage at `index`, whose result was another before `done`, as stale.
pub(crate) fn mark_stale(run: &PlannedRun, index: usize, done: &StageDone, line: &Line) -> Result<()> {
    let planned = &run.plan.stages[index];
    let stage = &run.recipe.stages[planned.index];
    let Ok(before) = run.store.done(stage.kind, &planned.key) else { return Ok(()) };
    if before.outputs == done.outputs {
        line.write("came out as it was");
        return Ok(());
    }
    // Only what was made from it directly: whether what comes after that is stale shows when that has been done again.
    let mut made_from_it = BTreeSet::new();
    for (_, lock) in locks(&run.runs) {
        for stage in lock.stages.into_values() {
            if stage.stage_inputs().any(|(_, from)| from == planned.key) {
                made_from_it.insert((stage.kind, stage.key));
            }
        }
    }
    for after in run.plan.stages.iter().filter(|after| after.after.contains(&index)) {
        made_from_it.insert((run.recipe.stages[after.index].kind.to_owned(), after.key.clone()));
    }
    let mut marked = 0;
    for (kind, key) in &made_from_it {
        let folder = run.store.folder(kind, key);
        if folder.join(layout::DONE).is_file() {
            octo_data::atomic::write(&folder.join(STALE), b"")
                .with_context(|| format!("could not mark {} as stale", folder.display()))?;
            marked += 1;
        }
        // What was begun on the old result would resume from it.
        if run.store.working_folder(kind, key).is_dir()
            && let Some(working) = run.store.begin(kind, key)?
        {
            working.discard()?;
        }
    }
    line.write(&match marked {
        0 => "came out otherwise than before".to_owned(),
        1 => "came out otherwise than before; 1 stage that was made from it is to be done again".to_owned(),
        more => format!("came out otherwise than before; {more} stages that were made from it are to be done again"),
    });
    Ok(())
}
