//! The program `octo-trainer`: the command `octo-host` with libtorch. A program of its own, since loading libtorch takes a
//! quarter of a second.

use std::process::ExitCode;

fn main() -> ExitCode {
    octo_host::trainer::restart_before_libtorch();
    octo_host::main(&octo_trainer::program())
}
