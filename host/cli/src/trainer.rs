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
    command.envs(missing_variables()).args(std::env::args_os().skip(1));
    Err(command.exec()).with_context(|| format!("could not start {}", trainer.display()))
}

/// What libtorch's libraries read when they are loaded, so that it has to be there before the program is.
const BEFORE_LIBTORCH: [(&str, &str); 2] = [
    // OpenMP's threads spin while they wait unless they are told to sleep, which makes every other program on the
    // machine many times slower, and libtorch too where its processors are shared.
    ("OMP_WAIT_POLICY", "PASSIVE"),
    // What `deterministic` wants of cuBLAS; it is the size that torch takes anyway on an H100, and means nothing without
    // a GPU.
    ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
];

/// The variables that libtorch wants and the user has not set.
fn missing_variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    BEFORE_LIBTORCH.into_iter().filter(|(name, _)| std::env::var_os(name).is_none())
}

/// Starts this program anew with what libtorch reads when it is loaded, if that is not in the environment: for the
/// program that links libtorch, where it is called directly. Does not return where it starts it; where it cannot, this
/// process goes its way without.
pub fn restart_before_libtorch() {
    if missing_variables().next().is_some()
        && let Ok(program) = std::env::current_exe()
    {
        let _ = Command::new(program).envs(missing_variables()).args(std::env::args_os().skip(1)).exec();
    }
}

/// Whether there is a trainer to become.
pub fn is_there() -> bool {
    beside().is_some()
}

fn beside() -> Option<PathBuf> {
    let trainer = std::env::current_exe().ok()?.with_file_name("octo-trainer");
    trainer.is_file().then_some(trainer)
}
