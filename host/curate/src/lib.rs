//! The corpus pipeline: filter plugins over shards.
//!
//! [`curate`] streams documents through filters in order and writes what was kept, what was dropped and why, what a
//! filter failed on, and the counts of all of it. The output depends on the documents, the filters and their order
//! alone: the same bytes on any machine, with any number of threads.

mod filter;
mod pipeline;
mod statistics;

pub use filter::Filter;
pub use pipeline::{CurateError, DEAD_LETTER, DROPPED, KEPT, Options, STATISTICS, curate, curate_with};
pub use statistics::{Counts, FilterStatistics, Statistics};
