//! A run of several processes: rank 0 runs the recipe, the others help with the stages that it calls them to.
//!
//! Ranks other than 0 write nothing. They make the same plan (all must see the same files), and wait for the key of the
//! stage that is next.

use anyhow::{Context, Result};

use crate::context::{SharedRun, StageContext};
use crate::kind::Ended;
use crate::plan::Plan;
use crate::progress::Board;
use crate::world::World;

/// What rank 0 broadcasts last.
pub const END: &str = "end";

/// Checks that all ranks have made the same plan.
pub fn agree(world: &dyn World, plan: &Plan) -> Result<()> {
    let keys: Vec<&str> = plan.stages.iter().map(|planned| planned.key.as_str()).collect();
    world.agree("plan (recipe, inputs and plugins)", &keys.join(" "))
}

/// What a rank other than 0 does with a run.
pub fn follow(run: SharedRun<'_>) -> Result<Ended> {
    let planned = run.planned;
    let board = Board::silent();
    let mut outcome = Ended::Done;
    loop {
        let key = run.world.broadcast("")?;
        if key == END {
            return Ok(outcome);
        }
        let called = planned.plan.stages.iter().find(|planned| planned.key == key);
        let called = called.with_context(|| format!("rank 0 began a stage {key:?} that is not in this plan"))?;
        let stage = &planned.recipe.stages[called.index];
        let line = board.begin(&stage.name, false);
        let out = planned.store.working_folder(stage.kind, &called.key);
        // Cases are named by their content, so what every rank meets is one file.
        let context = StageContext::new(run, stage, &called.key, &line, &out);
        let ended = stage.work.follow(&context, &out);
        if ended.with_context(|| format!("stage {:?} failed on rank {}", stage.name, run.world.rank()))?
            == Ended::Stopped
        {
            outcome = Ended::Stopped;
        }
    }
}
