//! The kinds of stage that need no tensors, one file each. How to add one is at the top of `host/run/src/kind.rs`.

pub mod curate;
pub mod extract;
pub mod generate;
pub mod sample;
pub mod tokenize;
pub mod tokenizer;

use crate::kind::Kind;

/// All of them, in the order of the reference.
pub fn all() -> Vec<Kind> {
    vec![
        Kind::of::<generate::Generate>(),
        Kind::of::<extract::Extract>(),
        Kind::of::<sample::Sample>(),
        Kind::of::<curate::Curate>(),
        Kind::of::<tokenizer::TrainTokenizer>(),
        Kind::of::<tokenize::Tokenize>(),
    ]
}
