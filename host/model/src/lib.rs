//! Language models on libtorch: model folders in Hugging Face's layout, training passes and the generation engine.
//!
//! A model folder becomes a [`Model`] ([`checkpoint`]), which makes hidden states of tokens. From there data flow two
//! ways: for training, through the vocabulary projection in chunks into losses and gradients
//! ([`mod@token_log_probabilities`]); for generation, through a cache of keys and values into tokens with their
//! log-probabilities ([`generate()`]).
//!
//! Parameters carry the names that `transformers` gives them, so a folder written here loads there and the reverse. One
//! file holds one idea:
//!
//! - [`config`]: the shape of a model; `config_file`: `config.json` as it lies on disk; [`family`]: the architectures
//!   that it may name, with a file for each (`llama`, `qwen2`, `qwen3`) of the same outline;
//! - what they are built of: `block` (what the model sees of a family's block), `parameters` by name, `norm`, `linear`,
//!   `feed_forward`, `attention`, [`rotary`] positions;
//! - [`model`]: a model of any family and its forward pass, in any [`mod@precision`];
//! - [`checkpoint`]: model folders in and out, sharded or not, as untrusted input; [`tensor_file`]: safetensors;
//! - [`initial`]: seeded random weights; [`snapshot`]: a copy of the weights to write beside training;
//! - [`mod@generate`]: the generation engine, with its [`key_value_cache`], [`sampling`], `next_tokens` and `stop_texts`;
//! - [`mod@token_log_probabilities`]: losses and their gradients; [`chunked_loss`]: without holding all logits;
//!   `training_pass`: without holding all activations; [`documents`]: packed sequences; [`response_batch`]: prompts
//!   with their responses, laid out for the model;
//! - `error`: what can go wrong with a model.
//!
//! Nothing here touches torch's global random generator.

pub mod checkpoint;
pub mod chunked_loss;
pub mod config;
pub mod documents;
pub mod family;
pub mod generate;
pub mod initial;
pub mod key_value_cache;
pub mod model;
pub mod precision;
pub mod response_batch;
pub mod rotary;
pub mod sampling;
pub mod snapshot;
pub mod tensor_file;
pub mod token_log_probabilities;

mod attention;
mod block;
mod config_file;
mod error;
mod feed_forward;
mod linear;
mod llama;
mod next_tokens;
mod norm;
mod parameters;
mod qwen2;
mod qwen3;
mod stop_texts;
mod training_pass;

pub use checkpoint::SaveOptions;
pub use chunked_loss::{TokenStatistics, backward_in_chunks};
pub use config::ModelConfig;
pub use documents::Documents;
pub use error::ModelError;
pub use family::Family;
pub use generate::{Engine, generate};
pub use model::Model;
pub use precision::Precision;
pub use response_batch::ResponseBatch;
pub use sampling::{Finish, Response, Sampling};
pub use snapshot::Snapshot;
pub use tensor_file::{Writing, write_tensors_as};
pub use token_log_probabilities::{
    NextTokenOptions, next_token_backward, next_token_backward_with, next_token_losses, response_backward,
    response_backward_with, token_log_probabilities,
};
