//! The run folder as types: every file that a run leaves and other tools read.
//!
//! What `wit/` is for plugins, this crate is for whatever reads or writes a run: the stages write these types, the
//! report, the command and other tools read them, and a key that is renamed in one place is an error of the compiler
//! and not an empty curve. It depends on `serde` and `serde_json` alone, so a reader needs no libtorch and no
//! WebAssembly engine.
//!
//! # The folders
//!
//! ```text
//! runs/
//!   .store/                       the outputs of all stages of all runs, found by content key
//!     KIND-KEY/                   a stage that is done
//!     KIND-KEY.partial/           a stage at work, or one that was interrupted
//!     KIND-KEY.lock               held locked by the process that works on it
//!     KIND-KEY.replaced/          on its way out: a result that was made anew, or that no run refers to
//!     .linking                    held locked by a run that links its stages, and by whoever empties the store
//!   .input-digests.json           a cache of digests of input files
//!   NAME/                         a run, by its recipe's name
//!     recipe.toml                 the recipe as it was run
//!     run.lock.json               what the run was made of            RunLock
//!     metrics.jsonl               the records of all its stages       RunLine
//!     report.html                 for people
//!     stages/STAGE                a link to the stage's folder in the store
//!     tensorboard/STAGE/          TensorBoard's event files
//! ```
//!
//! # The folder of a stage
//!
//! | File | Written by | Type |
//! |---|---|---|
//! | `done.json` | all kinds, as the last file | [`StageDone`] |
//! | `stale` | nobody but a stage before it that was done again and came out otherwise | empty |
//! | `failures/PLUGIN-KIND-DIGEST.json` | all with plugins: items that a plugin failed on, for `octo-host plugin replay` | `octo_plugin::Case` |
//! | `metrics.jsonl` | `midtrain`, `rl`, `eval` | [`MidtrainRecord`], [`RlRecord`], [`HeldOutRecord`] |
//! | `samples.jsonl` | `rl` (some of each step), `eval` (all) | [`Sample`] |
//! | `results.json` | `midtrain`, `rl`, `eval`, `perplexity`, when they are done | [`MidtrainResults`], [`RlResults`], [`EvalResults`], [`PerplexityResults`] |
//! | `problem_history.jsonl` | `rl`, when it is done | [`ProblemHistory`] |
//! | `statistics.json` | `extract`; all kinds of [`Statistics::KINDS`] | [`ExtractionStatistics`]; [`Statistics`] |
//! | `examples.jsonl` | all kinds of [`Statistics::KINDS`] | [`DocumentExample`] |
//! | `kept.jsonl.zst`, `dropped.jsonl.zst`, `dead-letter.jsonl.zst` | all kinds of [`Statistics::KINDS`] | `octo_data::record::Document`, with why |
//! | `classifier.json` | `classifier`, when it is done | [`ClassifierReport`] |
//! | `model.bin`, `model.ftz` | `classifier` | the format of fastText 0.9.2 |
//! | `contamination.json`, `benchmarks-DIGITS.index` | `decontaminate` | [`Contamination`]; `octo_curate::decontaminate::Index` |
//! | `clusters.json` | `deduplicate` | [`DuplicateClusters`] |
//! | `model/`, `optimizer.safetensors` | `midtrain`; `rl` the model alone | the layout of Hugging Face; safetensors |
//! | `checkpoints/step-000123/` | `midtrain`, `rl` | a model folder, `optimizer.safetensors`, `state.json`, which has their digests and, first, its own |
//! | `rollouts/` | `rl` at work, gone when it is done | safetensors |
//!
//! What `generate`, `tokenizer` and `tokenize` write is data, and `octo-data` says how it looks.
//!
//! # How files are written
//!
//! A line of a `.jsonl` file is one record and is written whole; a kill may cut the last one, which [`read_lines`] leaves
//! out and counts. A `.json` file is written under a temporary name and renamed. Keys of metrics, results and the lock
//! are in alphabetical order, and the fields of their types stand in that order; `samples.jsonl`, `statistics.json` and
//! `done.json` have an order of their own, which is that of their types. A key that may be missing is an `Option` whose
//! documentation says *absent*; one that is always there and may be empty says `null`. Numbers that are not finite are
//! written as `null`. A reader passes over keys that it does not know.
//!
//! Steps are counted from 1, and 0 is before the first; lengths are in tokens, losses and divergences in nats per
//! token, durations in seconds, times in seconds since 1970, memory in bytes, shares from 0 to 1. A digest is `sha256:`
//! and 64 hexadecimal digits.
//!
//! # Which file of the crate is what
//!
//! [`layout`] has the names and places. `midtrain.rs`, `rl.rs`, `evaluation.rs` and `perplexity.rs` have what stages of models write,
//! `extraction.rs`, `curation.rs`, `documents.rs`, `classification.rs`, `duplicates.rs` and `contamination.rs` what those of
//! documents do, `sample.rs` responses to read, `lock.rs` the lock and the proof that a stage is done, `words.rs` outcomes,
//! failures and other words, `lines.rs` what files of lines have in common, and `missing.rs` which steps such a file lacks.
//! [`statistics`] has what the stages, the report and the command compute of verdicts.

mod classification;
mod contamination;
mod curation;
mod documents;
mod duplicates;
mod evaluation;
mod extraction;
pub mod layout;
mod lines;
mod lock;
mod midtrain;
mod missing;
mod nan;
mod perplexity;
mod rl;
mod sample;
pub mod statistics;
mod words;

pub use classification::{ClassifierFigures, ClassifierReport, LabelCounts, ThresholdPoint};
pub use contamination::{BenchmarkContamination, Contamination, ContaminationExample, RowContamination};
pub use curation::{Counts, FilterStatistics, Statistics, TokenCounts, TokenOrigin, TokenTotal};
pub use documents::{Became, DocumentExample, Scores};
pub use duplicates::{ClusterDocument, ClusterExample, ClusterSizes, DuplicateClusters};
pub use evaluation::{EvalResults, Evaluation, EvaluationMean, HeldOutRecord, HeldOutSummary};
pub use extraction::{ExtractionStatistics, NoDocument};
pub use lines::{AnyRecord, Lines, RunLine, read_lines};
pub use lock::{Device, PluginLock, Processor, RunLock, StageDone, StageLock};
pub use midtrain::{MidtrainRecord, MidtrainResults, MidtrainStart, MidtrainStep};
pub use missing::MissingSteps;
pub use perplexity::{PerplexityResults, TextPerplexity};
pub use rl::{AlarmSpan, ProblemHistory, RaisedAlarm, RlRecord, RlResults, RlStep, TrainInferenceMismatch};
pub use sample::Sample;
pub use words::{AlarmName, FailureKind, Finish, Outcome, Pick, Split, UnknownWord};

/// The bytes of a file of one record (`results.json`, `run.lock.json`, `statistics.json`): indented JSON, with a newline
/// at the end.
///
/// # Errors
/// Where the record cannot be written as JSON.
pub fn to_json(record: &impl serde::Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(record)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod order_tests;
