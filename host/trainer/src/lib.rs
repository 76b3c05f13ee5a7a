//! The program `octo-trainer`: the command `octo-host` with libtorch, so that it can also train models and ask them.
//!
//! It adds the kinds of stage `midtrain`, `rl` and `eval`, and `octo-host generate`. How a stage flows through it:
//!
//! ```text
//! recipe ──octo-run──▶ the stage's table ──kind──▶ config, inputs, plugins ──loop of octo-train──▶ the stage's folder
//! ```
//!
//! `octo-run` reads and plans the recipe and calls the kind. The kind has read its keys into the config of a loop of
//! `octo-train` (`midtrain`, `rl` or `eval`); now it turns the stage's inputs into paths and its plugins into loaded
//! ones, and calls the loop, which writes into the stage's folder in the store.
//!
//! - [`kinds`]: `midtrain`, `rl` and `eval`, one file each. A kind reads its table, says what goes into the stage's key,
//!   and hands inputs and plugins to a loop of `octo-train`.
//! - [`prompts`]: how `rl` and `eval` ask their problems; [`rewards`]: what an `rl` stage pays.
//! - [`generate`]: a model answers a file of problems, or what is typed.
//! - [`ranks`]: the processes that train together.

pub mod generate;
pub mod kinds;
pub mod prompts;
pub mod ranks;
pub mod rewards;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use octo_host::arguments::GenerateArguments;
use octo_host::{Program, Training};
use octo_run::Kinds;
use octo_run::world::World;

use crate::ranks::TrainingRanks;

/// The command with every kind of stage that there is.
pub fn program() -> Program {
    Program { kinds: all_kinds(), training: Some(Box::new(Libtorch)) }
}

/// Every kind of stage, in the order of the reference.
pub fn all_kinds() -> Kinds {
    Kinds::new(octo_run::kinds::all()).with(kinds::all())
}

struct Libtorch;

impl Training for Libtorch {
    fn libtorch(&self) -> Option<String> {
        octo_shim::libtorch_version()
    }

    fn world(&self, stop: &Arc<AtomicBool>) -> Result<Arc<dyn World>> {
        Ok(Arc::new(TrainingRanks::from_environment(stop)?))
    }

    fn generate(&self, arguments: GenerateArguments) -> Result<ExitCode> {
        generate::run(arguments)
    }
}
