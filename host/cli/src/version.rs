//! `octo-host --version`: the command, and what else decides results.

use std::sync::OnceLock;

use clap::Command;
use octo_plugin::{Contract, ENGINE_VERSION};

use crate::{Program, trainer};

/// Of the source; `unknown` where the build had none to tell.
const COMMIT: &str = env!("BUILD_COMMIT");
/// Of the libtorch that was there when both programs were built.
const LIBTORCH: &str = env!("BUILD_LIBTORCH");
/// Digits of a commit that tell it from others.
const SHORT: usize = 12;

/// `command` with what `-V` and `--version` print.
pub fn of(command: Command, program: &Program) -> Command {
    // The process has one, and clap keeps texts for ever.
    static LONG: OnceLock<String> = OnceLock::new();
    static BRIEF: OnceLock<String> = OnceLock::new();
    command.version(BRIEF.get_or_init(brief).as_str()).long_version(LONG.get_or_init(|| long(program)).as_str())
}

/// `0.1.0 (commit 0123456789ab)`.
fn brief() -> String {
    format!("{} (commit {})", env!("CARGO_PKG_VERSION"), COMMIT.get(..SHORT).unwrap_or(COMMIT))
}

fn long(program: &Program) -> String {
    let contracts: Vec<String> = Contract::ALL.iter().rev().map(|contract| contract.version().to_string()).collect();
    let libtorch = match &program.training {
        Some(training) => training.libtorch().unwrap_or_else(|| LIBTORCH.to_owned()),
        // Asking the library would load it.
        None if trainer::is_there() => LIBTORCH.to_owned(),
        None => "none, as octo-trainer is not beside octo-host".to_owned(),
    };
    format!(
        "{}\ncommit    {COMMIT}\ncontract  octo:plugin {}\nengine    {ENGINE_VERSION}\nlibtorch  {libtorch}",
        env!("CARGO_PKG_VERSION"),
        contracts.join(", ")
    )
}
