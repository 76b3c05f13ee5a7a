//! The ranks of `octo-train` as the processes of a run.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use octo_run::world::{StoppedWaiting, World};
use octo_train::error::TrainError;
use octo_train::ranks::Ranks;

/// The processes that train together.
pub struct TrainingRanks(pub Arc<Ranks>);

impl TrainingRanks {
    /// Those that `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT` name; this process alone where they are not set.
    /// Raising `stop` ends waits.
    ///
    /// # Errors
    /// Variables that contradict each other, ranks that do not come, or [`StoppedWaiting`].
    pub fn from_environment(stop: &Arc<AtomicBool>) -> Result<TrainingRanks> {
        Ok(TrainingRanks(Arc::new(Ranks::from_environment(stop).map_err(in_words_of_a_run)?)))
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
        self.0.agree(what, value).map_err(in_words_of_a_run)
    }

    fn broadcast(&self, message: &str) -> Result<String> {
        self.0.call(message).map_err(in_words_of_a_run)
    }
}

/// An error of a stage, or of the ranks between stages, with a stop told from a failure.
pub(crate) fn in_words_of_a_run(error: TrainError) -> anyhow::Error {
    match error {
        TrainError::StoppedWaiting(sentence) => StoppedWaiting(sentence).into(),
        error => error.into(),
    }
}
