//! Llama on libtorch, Hugging Face checkpoints and the generation engine.
//!
//! The layout follows the checkpoint: parameters carry the names that `transformers` gives them, so a folder written
//! here loads there and the reverse. One file holds one idea:
//!
//! - [`config`]: `config.json`, read from and written for `transformers` 4 and 5;
//! - [`llama`]: the model and its forward pass; [`rotary`]: position rotations;
//! - [`checkpoint`]: safetensors in and out, sharded or not, as untrusted input;
//! - [`initial`]: seeded random weights; [`snapshot`]: a copy of the weights to write while training goes on;
//! - [`key_value_cache`], [`sampling`], [`generate`]: the generation engine;
//! - [`token_log_probabilities`]: what training needs of the vocabulary projection, without holding all logits.
//!
//! Arithmetic is fp32. Nothing here touches torch's global random generator.

pub mod checkpoint;
pub mod config;
pub mod generate;
pub mod initial;
pub mod key_value_cache;
pub mod llama;
pub mod rotary;
pub mod sampling;
pub mod snapshot;
pub mod token_log_probabilities;

mod error;

pub use config::LlamaConfig;
pub use error::ModelError;
pub use generate::{generate, generate_with};
pub use llama::Llama;
pub use sampling::{Finish, Response, Sampling};
pub use snapshot::Snapshot;
pub use token_log_probabilities::{
    ResponseBatch, TokenStatistics, backward_in_chunks, next_token_backward, response_backward, token_log_probabilities,
};
