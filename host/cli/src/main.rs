//! The program `octo-host`: everything but training. `octo-host run` becomes `octo-trainer` where that is installed.

use std::process::ExitCode;

use octo_host::Program;
use octo_run::{Kinds, kinds};

fn main() -> ExitCode {
    let kinds = Kinds::new(kinds::all())
        .or_elsewhere("kinds that train need octo-trainer, which a build of the workspace puts beside octo-host");
    octo_host::main(&Program { kinds, training: None })
}
