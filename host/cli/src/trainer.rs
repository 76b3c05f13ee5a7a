//! `octo-host run` goes on as `octo-trainer`, the same command with libtorch.
//!
//! Loading libtorch takes a quarter of a second, so the program that judges answers and builds plugins is without it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::arguments::{PromptArguments, RunArguments};
use crate::{recipe, run};

/// Becomes the trainer with the same arguments. Without one beside this program, recipes run here, up to the stages that
/// train.
pub fn run(arguments: RunArguments) -> Result<ExitCode> {
    match beside() {
        Some(trainer) => become_trainer(&trainer),
        None => run::run(arguments),
    }
}

/// As [`run`], for the command that shows prompts.
pub fn prompt(arguments: PromptArguments) -> Result<ExitCode> {
    match beside() {
        Some(trainer) => become_trainer(&trainer),
        // The stages that have prompts are refused by name, as in a run.
        None => {
            recipe::load(&arguments.recipe, &arguments.set, &[])?;
            bail!("the recipe has no stage that asks prompts");
        }
    }
}

/// As [`run`], for the command that lets a model answer, which is nothing without libtorch.
pub fn generate() -> Result<ExitCode> {
    match beside() {
        Some(trainer) => become_trainer(&trainer),
        None => bail!("`generate` needs octo-trainer, the same command with libtorch, beside this program"),
    }
}

fn become_trainer(trainer: &Path) -> Result<ExitCode> {
    // The same process, so that signals, the terminal and the exit code are the trainer's own.
    let mut command = Command::new(trainer);
    // What `deterministic` wants of cuBLAS has to be there before the program is; it is the size that torch takes anyway
    // on an H100, and means nothing without a GPU.
    if std::env::var_os("CUBLAS_WORKSPACE_CONFIG").is_none() {
        command.env("CUBLAS_WORKSPACE_CONFIG", ":4096:8");
    }
    let error = command.args(std::env::args_os().skip(1)).exec();
    Err(error).with_context(|| format!("could not start {}", trainer.display()))
}

fn beside() -> Option<PathBuf> {
    let trainer = std::env::current_exe().ok()?.with_file_name("octo-trainer");
    trainer.is_file().then_some(trainer)
}
