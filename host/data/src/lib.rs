//! Records, shards, sampling, tokenisation and packing.
//!
//! Documents and problems are read from JSON Lines ([`jsonl`], [`record`], [`field_map`]), and texts to train on from
//! Parquet as well ([`rows`]). Texts are turned into tokens ([`tokenizer`]), in memory or in shards on disk
//! ([`token_source`], [`shards`]), packed into windows ([`packing`]) in an order that can start anywhere
//! ([`permutation`]), and drawn into training sequences by weight ([`sampler`]). Whatever is random takes its stream from
//! [`seed`]; whatever is written goes through [`atomic`].

pub mod atomic;
pub mod digest;
mod encode;
pub mod error;
pub mod field_map;
pub mod jsonl;
pub mod packing;
mod parquet_rows;
pub mod permutation;
pub mod prompt;
pub mod record;
pub mod rows;
pub mod sampler;
pub mod seed;
pub mod shards;
pub mod synthetic;
pub mod token_source;
pub mod tokenizer;

pub use error::DataError;
