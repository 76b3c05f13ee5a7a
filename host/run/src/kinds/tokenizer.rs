//! `tokenizer`: a byte-pair vocabulary learnt from documents.

use std::path::Path;

use anyhow::{Result, bail};
use octo_data::tokenizer::{SMALLEST_VOCABULARY, Tokenizer};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_document};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::Texts;

/// A stage of this kind.
pub struct TrainTokenizer {
    /// Entries of the vocabulary, special tokens included.
    pub vocabulary: usize,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of documents to learn from.
    documents: Texts,
    /// Entries of the vocabulary, special tokens included.
    vocabulary: usize,
}

impl StageKind for TrainTokenizer {
    fn name() -> &'static str {
        "tokenizer"
    }

    fn about() -> &'static str {
        "Learns a byte-pair tokenizer from documents."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<TrainTokenizer> {
        let keys: Keys = table.rest()?;
        table.inputs("documents", &keys.documents)?;
        if keys.vocabulary < SMALLEST_VOCABULARY {
            bail!(
                "{}: {} is too small: every byte and the end-of-text token need {SMALLEST_VOCABULARY}",
                table.place("vocabulary"),
                keys.vocabulary
            );
        }
        Ok(TrainTokenizer { vocabulary: keys.vocabulary })
    }

    fn content(&self) -> Value {
        json!({ "vocabulary": self.vocabulary })
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        run.check_documents(stage, "documents.", &first_document, false)
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let tokenizer = Tokenizer::train_from_files(&context.paths("documents.")?, self.vocabulary, &[])?;
        tokenizer.save(out)?;
        Ok(Ended::Done)
    }
}
