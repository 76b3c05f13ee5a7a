//! `octo-host` becomes `octo-trainer`, the same command with libtorch, where training is asked for.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::Program;
use crate::arguments::GenerateArguments;

/// Becomes the trainer with the same arguments, if this program is not it and there is one beside it. Without one,
/// recipes run here, as far as their kinds of stage allow.
///
/// # Errors
/// A trainer that does not start.
pub fn become_if_there(program: &Program) -> Result<()> {
    match beside() {
        Some(trainer) if program.training.is_none() => become_trainer(&trainer),
        _ => Ok(()),
    }
}

/// `octo-host generate`, which is nothing without libtorch.
///
/// # Errors
/// That libtorch is not there, and those of the trainer.
pub fn generate(arguments: GenerateArguments, program: &Program) -> Result<ExitCode> {
    become_if_there(program)?;
    match &program.training {
        Some(training) => training.generate(arguments),
        None => bail!("`generate` needs octo-trainer, the same command with libtorch, beside this program"),
    }
}

/// Does not return where it succeeds.
fn become_trainer(trainer: &Path) -> Result<()> {
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
