//! One stage of a run, or a shard of its work, and not the rest.

use anyhow::{Result, bail};

use super::Part;
use crate::{PlannedRun, nearest};

/// The place in the plan of the stage that is to run alone; none where all are.
pub(super) fn check(planned: &PlannedRun, part: &Part) -> Result<Option<usize>> {
    let (name, shard) = match part {
        Part::All => return Ok(None),
        Part::Stage(name) => (name, None),
        Part::Shard(name, shard) => (name, Some(shard)),
    };
    let stages = &planned.recipe.stages;
    let found = planned.plan.stages.iter().position(|one| stages[one.index].name == *name);
    let Some(index) = found else {
        let known = stages.iter().map(|stage| stage.name.clone());
        bail!("--stage {name}: the recipe has no stage {name:?}{}", nearest(name, known));
    };
    let (own, stage) = (&planned.plan.stages[index], &stages[planned.plan.stages[index].index]);
    if let Some(shard) = shard {
        if !stage.work.shards() {
            let kind = stage.kind;
            bail!("--shard {shard}: a stage of kind {kind:?} is done by one process; run it with --stage {name} alone");
        }
        if planned.is_forced(index) {
            bail!("--force {name}: a stage is done again as a whole; leave --shard away");
        }
    }
    for before in &own.after {
        if !planned.is_done(*before) {
            let before = &stages[planned.plan.stages[*before].index].name;
            bail!(
                "--stage {name}: stage {before:?}, which it needs, is not done; run the recipe without --stage, or {before} first"
            );
        }
    }
    Ok(Some(index))
}
