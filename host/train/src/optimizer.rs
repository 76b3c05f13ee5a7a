//! AdamW and what stands around it: gradient clipping, the learning rate by step, and the file of its state.

pub mod adamw;
pub mod clip;
pub mod learning_rate;
mod state_file;
