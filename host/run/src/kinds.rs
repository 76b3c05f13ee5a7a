//! The kinds of stage that need no tensors, one file each. How to add one is at the top of `host/run/src/kind.rs`.

pub mod annotate;
pub mod classifier;
pub mod curate;
pub mod decontaminate;
pub mod deduplicate;
pub mod extract;
pub mod generate;
pub mod language;
pub mod sample;
pub mod tokenize;
pub mod tokenizer;

use crate::kind::Kind;

/// All of them, in the order of the reference.
pub fn all() -> Vec<Kind> {
    vec![
        Kind::of::<generate::Generate>(),
        Kind::of::<extract::Extract>(),
        Kind::of::<language::Language>(),
        Kind::of::<sample::Sample>(),
        Kind::of::<annotate::Annotate>(),
        Kind::of::<classifier::Classifier>(),
        Kind::of::<curate::Curate>(),
        Kind::of::<deduplicate::Deduplicate>(),
        Kind::of::<decontaminate::Decontaminate>(),
        Kind::of::<tokenizer::TrainTokenizer>(),
        Kind::of::<tokenize::Tokenize>(),
    ]
}
