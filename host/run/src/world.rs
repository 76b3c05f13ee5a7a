//! The processes that run one recipe together.

use std::any::Any;

use anyhow::Result;

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
    /// That they have not, or that a rank is gone.
    fn agree(&self, what: &str, value: &str) -> Result<()>;

    /// Gives every rank the message that rank 0 hands in; what others hand in is ignored.
    ///
    /// # Errors
    /// That a rank is gone.
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
