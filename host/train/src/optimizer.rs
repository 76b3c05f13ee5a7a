//! AdamW and what stands around it: gradient clipping, the learning rate by step, and the file of its state.
//!
//! An update is [`learning_rate`] (the rate of the step), then [`clip`] (all gradients, by their joint norm), then
//! [`adamw`] (weights and moments). `state_file.rs` writes and reads the moments, for checkpoints.

pub mod adamw;
pub mod clip;
pub mod learning_rate;
mod state_file;
