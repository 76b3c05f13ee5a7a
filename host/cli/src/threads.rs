//! The threads that plugins run on.

use anyhow::{Context, Result};

/// Starts rayon's pool: `threads`, or as many as there are cores. Left to itself it starts when it is first needed, and
/// ends the process where the system refuses a thread.
///
/// # Errors
/// That the system refuses them, or that they were started before.
pub fn start(threads: Option<usize>) -> Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build_global().with_context(|| {
        let count = threads.map_or_else(|| "a thread for each core".to_owned(), |count| format!("{count} threads"));
        format!("could not start {count}; `ulimit -u` and the limits on memory say how many there may be")
    })
}
