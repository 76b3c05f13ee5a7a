//! A program that ends with the one that started it, even where that is killed.
//!
//! Linux has a signal for it, which a process asks for itself. So `octo-host` starts itself again; the new process asks
//! for the signal and becomes the program, and the request outlives that. (`pre_exec` would do it without the detour,
//! and is unsafe.)

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

/// The variable that is set for an `octo-host` that is to become its arguments: the process that it ends with.
const TIED: &str = "OCTO_TIED_TO";

/// A command that becomes `program`, whose arguments are to be added, and ends with this process.
pub fn command(program: &OsString) -> Command {
    // Where this program cannot be found, the other one runs on its own.
    let Ok(own) = std::env::current_exe() else { return Command::new(program) };
    let mut command = Command::new(own);
    command.arg(program).env(TIED, getpid().as_raw_nonzero().to_string());
    command
}

/// Becomes the program of the arguments, where this one was started for that; call it early in `main`.
pub fn become_if_asked() {
    let Some(parent) = std::env::var_os(TIED) else { return };
    // Cargo ends where it stands, and its compilers with the crate that they are at.
    let tied = set_parent_process_death_signal(Some(Signal::TERM));
    let mut arguments = std::env::args_os().skip(1);
    let is_there = parent.to_str().and_then(|parent| parent.parse().ok()) == Some(Pid::as_raw(getppid()));
    match arguments.next() {
        // Who was to wait for it is gone already.
        _ if !is_there || tied.is_err() => std::process::exit(1),
        Some(program) => {
            let error = Command::new(&program).args(arguments).env_remove(TIED).exec();
            eprintln!("could not run {}: {error}", octo_plugin::for_terminal(&program.to_string_lossy()));
            std::process::exit(127);
        }
        None => std::process::exit(2),
    }
}
