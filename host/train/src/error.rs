//! What can end a stage early, in words for the person who started it.

use std::path::{Path, PathBuf};

use octo_data::DataError;
use octo_model::ModelError;
use octo_plugin::Failure;

/// Why a stage could not be finished. Whatever was checkpointed before it is intact.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A config key holds a value that cannot work.
    #[error("config key `{key}`: {message}")]
    Config {
        /// The key as the recipe spells it.
        key: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// Records, tokenizer or sampler.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Model folder, shapes or generation.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A stateful plugin (mixture or schedule), whose answer every step needs, has failed.
    #[error("the {role} plugin failed at step {step} ({kind}): {message}")]
    StatefulPlugin {
        /// `mixture` or `schedule`.
        role: &'static str,
        /// Step the answer was for, counted from 0.
        step: u64,
        /// Failure kind, as in the metrics.
        kind: &'static str,
        /// The plugin's or the sandbox's words.
        message: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A checkpoint or optimiser file does not fit this run.
    #[error("{}: {message}", path.display())]
    Checkpoint {
        /// File or folder.
        path: PathBuf,
        /// What does not fit and what to do.
        message: String,
    },
    /// Loss or gradient was NaN or infinite in too many updates in a row.
    #[error(
        "loss or gradient was not finite for {in_a_row} updates in a row (the last in step {step}); \
         lower `learning_rate` or `gradient_clip`, or look at the data of those steps"
    )]
    NotFinite {
        /// Last step tried, counted from 1.
        step: u64,
        /// Skipped updates in a row; a step makes several.
        in_a_row: u64,
    },
    /// A checkpoint could not be written. The ones before it are as they were.
    #[error(
        "the checkpoint of step {step} could not be written: {reason}; those before it are whole, and the same command \
         resumes from the newest"
    )]
    NotWritten {
        /// The step that it was to be of.
        step: u64,
        /// The reason.
        reason: Box<TrainError>,
    },
    /// Too many updates in a row were skipped.
    #[error(
        "the updates of {in_a_row} steps in a row were skipped, so the run has diverged:\n{report}\n\
         Lower `learning_rate` or `gradient_clip`, or look at the data of those steps. {checkpoint}"
    )]
    Diverged {
        /// Last step tried, counted from 1.
        step: u64,
        /// Skipped steps in a row.
        in_a_row: u64,
        /// A line for each of them: what was wrong.
        report: String,
        /// Which checkpoint is the newest.
        checkpoint: String,
    },
    /// The processes that train together do not find each other, differ, or have lost each other.
    #[error("{0}")]
    Ranks(String),
    /// A signal has ended a wait for other ranks.
    #[error("{0}")]
    StoppedWaiting(String),
    /// An alarm that the recipe lets end the run.
    #[error(
        "stopped by an alarm at step {step}, after a checkpoint: {message}; running again resumes from there, without \
         this end if `alarms.stop` no longer names it"
    )]
    Alarm {
        /// Step after which it was up, counted from 1.
        step: u64,
        /// Which alarm, what is wrong, and what to do.
        message: String,
    },
    /// Nothing is left to train or evaluate on.
    #[error("{0}")]
    NothingToDo(String),
    /// libtorch refused an operation; tch reports that as a panic on the stage's thread.
    #[error("the {stage} stage's thread panicked: {message}")]
    Panicked {
        /// Stage kind.
        stage: &'static str,
        /// The panic's message.
        message: String,
    },
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
}

impl TrainError {
    /// An I/O error with the path that it is about.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> TrainError {
        TrainError::Io { path: path.to_path_buf(), source }
    }

    /// A file that does not fit, with the reason.
    pub(crate) fn checkpoint(path: &Path, message: impl Into<String>) -> TrainError {
        TrainError::Checkpoint { path: path.to_path_buf(), message: message.into() }
    }

    /// A stateful plugin's failure at `step`.
    pub(crate) fn plugin(role: &'static str, step: u64, failure: Failure) -> TrainError {
        TrainError::StatefulPlugin { role, step, kind: failure.kind.as_str(), message: failure.message }
    }

    /// A config value that cannot work.
    pub(crate) fn config(key: &'static str, message: impl Into<String>) -> TrainError {
        TrainError::Config { key, message: message.into() }
    }
}
