//! The corpus pipeline: documents out of crawled pages ([`extract`]), and filters over documents ([`curate`]): plugins,
//! and those of this crate, which tell their [`language`], ask a language model about them ([`annotate`]), remove all but
//! one of those that are alike ([`deduplicate`]) and find rows of benchmarks in them ([`decontaminate`]). [`classifier`] learns
//! what filters may ask.
//!
//! Whatever a stage does to documents, it does in [`units`] of work: parts of files that threads and machines share out,
//! and that are not done again after a stop. [`curate`] streams documents through filters in order and writes what was kept, what was dropped and why, what a
//! filter failed on, and the counts of all of it. The output depends on the documents, the filters and their order
//! alone: the same bytes on any machine, with any number of threads.
//!
//! Documents flow chunk by chunk: `pipeline.rs` reads a chunk, gives it to each [`Filter`] in turn while the next chunk
//! is read, and writes every document to one of three shards ([`KEPT`], [`DROPPED`], [`DEAD_LETTER`]). `filter.rs` is
//! what the pipeline asks of a filter, and how a decision changes a document; `statistics.rs` counts what became of each
//! document into the [`Statistics`] of `octo-record`.
//!
//! A run that is stopped or killed loses the units that were at work, where its caller names a key that says what they
//! are made of ([`units::Setting`]); without one it keeps nothing.

pub mod annotate;
pub mod classifier;
pub mod datatrove;
pub mod decontaminate;
pub mod deduplicate;
mod examples;
pub mod extract;
pub mod fasttext_model;
mod filter;
pub mod language;
mod pipeline;
pub mod sample;
mod statistics;
pub mod units;

pub use filter::Filter;
pub use octo_record::layout::{DEAD_LETTER, DROPPED, KEPT, STATISTICS};
pub use octo_record::{Counts, FilterStatistics, Statistics};
pub use pipeline::{CurateError, Options, curate, curate_with};
