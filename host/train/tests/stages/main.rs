//! The stages from end to end on a tiny model, with the reference plugins. One binary, so it is linked once.

mod answers;
mod configs;
mod differences;
mod memory;
mod midtraining;
mod parallel;
mod reinforcement;
mod rollouts;
mod shards;
mod throughput;
mod tiny;
