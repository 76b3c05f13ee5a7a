//! The processes that run one recipe together.

use std::any::Any;

use anyhow::Result;

/// A signal has ended a process's wait for the others: it is stopped, and has not failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoppedWaiting(pub String);

impl StoppedWaiting {
    /// This as the reason of `error`, if it is.
    pub fn among(error: &anyhow::Error) -> Option<&StoppedWaiting> {
        error.chain().find_map(|cause| cause.downcast_ref())
    }
}

/// One process among those that run a recipe together. Rank 0 runs the recipe, and calls the others to the stages that
/// take further processes.
pub trait World: Any + Send + Sync {
    /// Number of processes.
    fn size(&self) -> usize;

    /// This process, counted from 0.
    fn rank(&self) -> usize;

    /// Checks that all ranks have the same `value` of `what`.
    ///
    /// # Errors
    /// That they have not, that a rank is gone, or [`StoppedWaiting`].
    fn agree(&self, what: &str, value: &str) -> Result<()>;

    /// Gives every rank the message that rank 0 hands in, which may take days; what others hand in is ignored.
    ///
    /// # Errors
    /// That a rank is gone, or [`StoppedWaiting`].
    fn broadcast(&self, message: &str) -> Result<String>;
}

/// The only process.
pub struct Alone;

impl World for Alone {
    fn size(&self) -> usize {
        1
    }

    fn rank(&self) -> usize {
        0
    }

    fn agree(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }

    fn broadcast(&self, message: &str) -> Result<String> {
        Ok(message.to_owned())
    }
}
