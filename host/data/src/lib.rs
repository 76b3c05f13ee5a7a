//! Records, shards, sampling, tokenisation and packing.
//!
//! Documents and problems are read from JSON Lines ([`jsonl`], [`record`], [`field_map`]), documents are turned into
//! tokens ([`tokenizer`], [`token_source`]) and drawn into training sequences by weight ([`sampler`]). Whatever is random
//! takes its stream from [`seed`]; whatever is written goes through [`atomic`].

pub mod atomic;
pub mod error;
pub mod field_map;
pub mod jsonl;
pub mod prompt;
pub mod record;
pub mod sampler;
pub mod seed;
pub mod synthetic;
pub mod token_source;
pub mod tokenizer;

pub use error::DataError;
