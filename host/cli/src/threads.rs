//! The threads that a command shares its work out to.

use std::error::Error;

use anyhow::{Context, Result};

/// Starts them: as many as are asked for, or one per processor; those that a profile has started stay. Without this they
/// are started where they are first needed, and a system that refuses them ends the process with a panic.
///
/// # Errors
/// Threads that the system refuses.
pub fn start(threads: Option<usize>) -> Result<()> {
    let builder = match threads {
        Some(threads) => rayon::ThreadPoolBuilder::new().num_threads(threads),
        None => rayon::ThreadPoolBuilder::new(),
    };
    match builder.build_global() {
        // Only an error of the system has a source; without one, they are there already.
        Err(error) if error.source().is_some() => Err(error).context(
            "could not start the threads; the limit on processes (`ulimit -u`, or that of the container) may be too low",
        ),
        _ => Ok(()),
    }
}
