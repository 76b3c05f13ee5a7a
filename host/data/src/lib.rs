//! Data, from files to training sequences: records, prompts, tokenisation, shards, sampling and packing. No tensors.
//!
//! # How data flow
//!
//! ```text
//! .jsonl, .csv, .parquet, .gz … ── rows, jsonl ──┬── record ─────────── prompt ────────────► what a model is asked (RL, eval)
//!                                  field_map ───┘
//!                                               └── tokenizer ── shards ── token_source ──► sampler ► batches (mid-training)
//!                                                                             packing, permutation ──┘
//! ```
//!
//! Documents and problems are read as [`record`]s, and problems become prompts. Texts to train on are
//! turned into tokens in the order of the files, kept in memory or in shards on disk, and
//! drawn by weight as sequences whose order is a function of the seed alone, so that a run resumes anywhere in it.
//!
//! # Which file is which idea
//!
//! | module | idea |
//! |---|---|
//! | [`rows`] | one reader for every format of rows, its limits, and texts to train on (`rows/text.rs`) |
//! | [`row`], [`json`] | a row whose columns are built only when they are read; JSON whose numbers keep their digits |
//! | [`jsonl`] | JSON Lines, read one line at a time and written; whole files of documents and problems |
//! | [`table`] | rows of JSON Lines as a file of JSON Lines, CSV or Parquet |
//! | [`record`] | a document, a problem: which columns they have and what else of a row they keep |
//! | [`field_map`] | the columns in which a file has what Octo calls `text`, `problem`, `reference`, … |
//! | [`prompt`] | from a problem to the text that a model is asked: inline, template file, chat template (`prompt/jinja.rs`), few-shot examples |
//! | [`tokenizer`] | byte-level BPE trained here, or any `tokenizer.json`; many threads, one order (`tokenizer/parallel.rs`); what begins and ends a text (`special.rs`), and how far a file's pipeline may grow it (`pipeline.rs`) |
//! | [`model_file`] | files of a model folder: regular ones, of a bounded size each |
//! | [`shards`] | the format of token shards, and how they are written, resumed and read |
//! | [`token_source`] | a named body of tokens, in memory or in shards |
//! | [`packing`] | which tokens of a source its n-th training sequence has |
//! | [`permutation`] | an order of n things that can be entered anywhere, without a list of them |
//! | [`sampler`] | which source gives the next sequence, by weight, on any number of ranks |
//! | [`seed`] | random streams that depend on their names alone |
//! | [`synthetic`] | the corpora and problems of the demo, made from a seed |
//! | [`atomic`] | files that are either whole or absent; everything that is written goes through it |
//! | [`digest`] | SHA-256 as Octo writes it |
//! | [`error`] | what can go wrong with data, as a sentence for a person |

pub mod atomic;
pub mod digest;
pub mod error;
pub mod field_map;
pub mod json;
pub mod jsonl;
pub mod model_file;
pub mod packing;
pub mod permutation;
pub mod prompt;
pub mod record;
pub mod row;
pub mod rows;
pub mod sampler;
pub mod seed;
pub mod shards;
pub mod synthetic;
pub mod table;
pub mod token_source;
pub mod tokenizer;

pub use error::DataError;
