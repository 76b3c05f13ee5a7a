//! The language of documents, as a native [`Filter`].
//!
//! Mathematics and code are masked first (`language/masking.rs`), since a page of formulas is Interlingua to a model of
//! languages. What is left goes to fastText's lid.176 or another model of the same kind ([`FastTextModel`]), or, where no
//! model is given, to the embedded `whatlang`, which knows 70 languages and needs no file (`language/embedded.rs`). Both
//! name languages by ISO 639-1 where it has a code, as lid.176 does.

mod embedded;
pub mod masking;

use crate::classifier::preprocessing::plain;
use crate::fasttext_model::{FastTextModel, Scratch};
use crate::filter::Filter;
use octo_plugin::types::{Decision, Document, Field};
use octo_plugin::{Failure, FailureKind};
use rayon::prelude::*;
use std::borrow::Cow;

/// The reason with which documents in other languages are dropped.
pub const REASON: &str = "language";
/// The field that names a document's language.
pub const LANGUAGE: &str = "language";
/// The field with the probability of that language, with four decimals.
pub const LANGUAGE_SCORE: &str = "language_score";
/// The name of a language that cannot be told, since there is no word to tell it by.
pub const UNDETERMINED: &str = "und";

/// Letters of prose that tell a language. Where masking leaves fewer, code is looked at too: there are pages that are one
/// block of preformatted text.
const FEW_LETTERS: usize = 40;

/// What tells languages.
pub enum Identifier {
    /// `whatlang`'s trigrams; the score is its confidence.
    Embedded,
    /// A fastText model whose labels are languages; the score is the label's probability.
    Model(Box<FastTextModel>),
}

/// The codes of the languages that [`Identifier::Embedded`] tells apart, in order.
pub fn embedded_codes() -> Vec<&'static str> {
    embedded::codes()
}

/// Keeps documents in some languages, and stores which language each is in.
pub struct LanguageFilter {
    /// What tells languages.
    pub identifier: Identifier,
    /// Codes of the languages to keep; documents in any are kept where there is none.
    pub languages: Vec<String>,
    /// The score that the language needs, from 0 to 1.
    pub threshold: f32,
    /// Whether mathematics and code are masked before.
    pub mask: bool,
    /// Whether other documents are dropped; else they are kept with the same fields.
    pub drop: bool,
}

impl LanguageFilter {
    /// The most probable language of a text with its score; none where nothing tells it.
    ///
    /// # Errors
    /// As [`FastTextModel::predict`].
    pub fn identify(&self, whole: &str, scratch: &mut Scratch) -> Result<Option<(String, f32)>, String> {
        let mut text = if self.mask { Cow::Owned(masking::prose(whole)) } else { Cow::Borrowed(whole) };
        if self.mask && letters(&text) < FEW_LETTERS {
            text = Cow::Owned(masking::without_formulas(whole));
        }
        if letters(&text) == 0 {
            return Ok(None);
        }
        match &self.identifier {
            Identifier::Embedded => Ok(embedded::identify(&text)),
            Identifier::Model(model) => {
                let best = model.predict(&plain(&text), 1, scratch)?;
                Ok(best.first().map(|(label, score)| (model.labels()[*label].clone(), *score)))
            }
        }
    }

    fn decide(&self, document: &Document, scratch: &mut Scratch) -> Result<Decision, Failure> {
        let found = self.identify(&document.text, scratch);
        let found = found.map_err(|message| Failure { kind: FailureKind::InvalidOutput, message })?;
        let (language, score) = found.unwrap_or_else(|| (UNDETERMINED.to_owned(), 0.0));
        let is_one = self.languages.is_empty() || self.languages.contains(&language);
        if self.drop && !(is_one && score >= self.threshold) {
            return Ok(Decision::Drop(REASON.to_owned()));
        }
        Ok(Decision::Annotate(vec![
            Field { name: LANGUAGE.to_owned(), value: language },
            Field { name: LANGUAGE_SCORE.to_owned(), value: format!("{score:.4}") },
        ]))
    }
}

/// Letters of a text, counted up to [`FEW_LETTERS`].
fn letters(text: &str) -> usize {
    text.chars().filter(|character| character.is_alphabetic()).take(FEW_LETTERS).count()
}

impl Filter for LanguageFilter {
    fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
        documents.par_iter().map_init(Scratch::default, |scratch, document| self.decide(document, scratch)).collect()
    }
}

#[cfg(test)]
mod tests;
