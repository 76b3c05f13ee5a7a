//! The environment of a call: the caller's, without what would change how the program behaves.

use std::ffi::OsStr;
use std::process::Command;

/// Beginnings of the names of variables that steer Octo, its numerical libraries, or Rust's own messages.
const PREFIXES: [&str; 13] = [
    "OCTO_",
    "OMP_",
    "GOMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "RAYON_",
    "ATEN_",
    "TORCH_",
    "PYTORCH_",
    "CUBLAS_",
    "NCCL_",
    "RUST_",
];

/// Whole names of such variables: the ranks of a distributed run, and colours.
const NAMES: [&str; 9] = [
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "LOCAL_WORLD_SIZE",
    "NODE_RANK",
    "MASTER_ADDR",
    "MASTER_PORT",
    "CLICOLOR",
    "CLICOLOR_FORCE",
];

/// Width of the terminal in columns, as the program sees it: clap wraps its help to them.
const COLUMNS: &str = "100";

/// Takes variables such as `OCTO_LOG`, `OMP_NUM_THREADS` or `RANK` from the environment of `command`, and sets the
/// width of the terminal and the absence of colours, so that a test means the same wherever it runs.
pub fn clear(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if steers(&name) {
            command.env_remove(&name);
        }
    }
    command.env("COLUMNS", COLUMNS).env("NO_COLOR", "1");
}

fn steers(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_the_program_is_recognised_and_what_finds_files_is_not() {
        for name in ["OCTO_LOG", "OMP_NUM_THREADS", "RUST_BACKTRACE", "RANK", "MKL_CBWR", "CLICOLOR_FORCE"] {
            assert!(steers(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "XDG_CACHE_HOME", "RUSTUP_HOME", "CARGO_HOME", "LD_LIBRARY_PATH", "RANKS"] {
            assert!(!steers(OsStr::new(name)), "{name}");
        }
    }
}
