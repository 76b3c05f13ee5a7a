//! What needs libtorch of the command: the kinds of stage that train or ask a model, and `octo-host generate`.
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

    fn world(&self) -> Result<Arc<dyn World>> {
        Ok(Arc::new(TrainingRanks::from_environment()?))
    }

    fn generate(&self, arguments: GenerateArguments) -> Result<ExitCode> {
        generate::run(arguments)
    }
}
