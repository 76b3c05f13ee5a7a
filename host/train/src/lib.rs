//! Octo's training loops on libtorch: mid-training, reinforcement learning and evaluation.
//!
//! Each stage is one function that takes a config, its inputs and a working folder, and that can be killed at any
//! moment: called again on the same folder it continues from the last whole checkpoint, on the CPU to the same bits.
//! What an experiment varies (mixture, verifier, reward, schedule) comes in as plugins; this crate knows only
//! per-token weights and advantages.

pub mod adamw;
pub mod advantage;
pub mod aggregation;
pub mod alarms;
pub mod algorithm;
pub mod answering;
mod background;
pub mod checkpoint;
pub mod control;
pub mod curriculum;
pub mod error;
pub mod eval;
pub mod evaluate;
pub mod gradient_clip;
pub mod hardware;
pub mod importance;
pub mod learning_rate;
pub mod memory_estimate;
pub mod metrics;
pub mod midtrain;
pub mod midtrain_config;
mod model_folder;
mod numerics;
mod optimizer_file;
pub mod policy_loss;
pub mod policy_update;
pub mod ranks;
mod repetition;
pub mod rewards;
pub mod rl;
pub mod rl_config;
pub mod rollout;
mod sample_log;
pub mod spikes;
mod stage;
mod step_rollouts;
pub mod tally;

pub use control::{Control, Finished};
pub use error::TrainError;
