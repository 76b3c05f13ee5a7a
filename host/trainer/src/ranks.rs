//! The ranks of `octo-train` as the processes of a run.

use std::sync::Arc;

use anyhow::Result;
use octo_run::world::World;
use octo_train::ranks::Ranks;

/// The processes that train together.
pub struct TrainingRanks(pub Arc<Ranks>);

impl TrainingRanks {
    /// Those that `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT` name; this process alone where they are not set.
    ///
    /// # Errors
    /// Variables that contradict each other, or ranks that do not come.
    pub fn from_environment() -> Result<TrainingRanks> {
        Ok(TrainingRanks(Arc::new(Ranks::from_environment()?)))
    }
}

impl World for TrainingRanks {
    fn size(&self) -> usize {
        self.0.world()
    }

    fn rank(&self) -> usize {
        self.0.rank()
    }

    fn agree(&self, what: &str, value: &str) -> Result<()> {
        Ok(self.0.agree(what, value)?)
    }

    fn broadcast(&self, message: &str) -> Result<String> {
        Ok(self.0.leaders(message)?)
    }
}
