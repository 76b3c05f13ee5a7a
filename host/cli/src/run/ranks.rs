//! A run of several processes: rank 0 runs the recipe, the others help with the stages that train data-parallel.
//!
//! Ranks other than 0 write nothing. They make the same plan (all must see the same files), and wait for rank 0's word
//! which stage is next.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use octo_plugin::Host;
use octo_train::ranks::Ranks;

use super::failures::Failures;
use super::lanes::Ended;
use super::plan::Plan;
use super::store::Store;
use super::{show, train, work};
use crate::recipe::Recipe;
use crate::recipe::stage::Work;

/// Rank 0's last word.
pub const END: &str = "end";

/// Checks that all ranks have made the same plan.
pub fn agree(ranks: &Ranks, plan: &Plan) -> Result<()> {
    let keys: Vec<&str> = plan.stages.iter().map(|planned| planned.key.as_str()).collect();
    Ok(ranks.agree("plan (recipe, inputs and plugins)", &keys.join(" "))?)
}

/// What a rank other than 0 does with a run.
pub fn follow(
    recipe: &Recipe,
    plan: &Plan,
    store: &Store,
    host: &Host,
    stop: &Arc<AtomicBool>,
    ranks: Arc<Ranks>,
) -> Result<ExitCode> {
    let board = show::Board::silent();
    let mut outcome = ExitCode::SUCCESS;
    loop {
        let word = ranks.leaders("")?;
        if word == END {
            return Ok(outcome);
        }
        let planned = plan.stages.iter().find(|planned| planned.key == word);
        let planned = planned.with_context(|| format!("rank 0 began a stage {word:?} that is not in this plan"))?;
        let stage = &recipe.stages[planned.index];
        let Work::Midtrain(config) = &stage.work else { continue };
        let line = board.begin(&stage.name, false);
        let out = store.working_folder(stage.kind, &planned.key);
        let run = work::Run { recipe, plan, store, host, stop, ranks: &ranks };
        // Cases are named by their content, so what every rank meets is one file.
        let failures = Failures::of_stage(&out, &format!("stage {} of run {}", stage.name, recipe.name));
        let bench = work::Bench { run, stage, line: &line, failures };
        let seed = stage.seed.unwrap_or(recipe.seed);
        let ended = train::join_midtrain(&bench, config, &out, seed);
        if let Ended::Stopped =
            ended.with_context(|| format!("stage {:?} failed on rank {}", stage.name, ranks.rank()))?
        {
            outcome = ExitCode::FAILURE;
        }
    }
}
