//! A text classifier learnt from labelled documents: fastText, measured on sites that it has not seen.
//!
//! [`train`] reads documents once (`classifier/labelled.rs`): each is labelled by a number in one of its fields, prepared
//! as the classifier will read it ([`preprocessing`]), and put by its site ([`site`]) on the side that is learnt from or
//! the side that is held out, so that no site is on both. `classifier/training.rs` draws as many documents of each class
//! as are wanted, by their hash, puts them in the order of their hashes and has the crate `fasttext` train on them;
//! `classifier/measuring.rs` asks the model about what was held out, and counts.
//!
//! What is written depends on the documents and the settings alone, not on the files that they lie in or their order:
//! training runs on one thread from a seed. It also depends on the processor, since the crate adds up by the widest vector
//! instructions that it finds; so what is recorded is the model's digest, and training again elsewhere may make another.
//!
//! Memory: 24 bytes for each labelled document, the longest document, and while it trains the model, which is
//! (words + `bucket`) × `dim` × 4 bytes: 2 GB with the defaults.

pub mod asking;
mod labelled;
mod measuring;
pub mod preprocessing;
pub mod site;
mod training;

use labelled::Labelled;
use octo_data::{DataError, atomic, digest};
use octo_record::layout::{CLASSIFIER, CLASSIFIER_MODEL, CLASSIFIER_QUANTISED};
use octo_record::{ClassifierReport, LabelCounts};
use preprocessing::Preprocessing;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fasttext_model::ModelError;

/// Documents of each class that there have to be to learn from.
const LEAST: u64 = 10;

/// How a classifier is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The field with the number that documents are labelled by.
    pub label_field: String,
    /// The least number of a positive document.
    pub positive_from: f64,
    /// The label of positive documents.
    pub positive_label: String,
    /// The label of the others.
    pub negative_label: String,
    /// How texts are prepared.
    pub preprocessing: Preprocessing,
    /// The share of sites that is held out.
    pub held_out: f64,
    /// The most documents of each class to learn from; all of them where there is none.
    pub most_per_class: Option<u64>,
    /// The probability from which a document counts as found.
    pub threshold: f64,
    /// Numbers of a vector.
    pub dim: i32,
    /// The learning rate at the beginning.
    pub learning_rate: f64,
    /// Words of the longest n-gram.
    pub word_ngrams: i32,
    /// How often a word has to occur.
    pub min_count: i32,
    /// Passes over the documents.
    pub epochs: i32,
    /// Rows that n-grams share.
    pub bucket: i32,
    /// How the model is made smaller, if it is.
    pub quantise: Option<Quantise>,
    /// Decides which sites are held out, which documents are drawn, their order, and the first weights.
    pub seed: u64,
    /// Whether lines that cannot be read are counted and left out.
    pub skip_bad_lines: bool,
}

/// How a model is quantised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantise {
    /// Words and n-grams that are kept, those with the longest vectors; all of them where it is 0.
    pub cutoff: usize,
}

/// Why there is no classifier.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifierError {
    /// The stop flag was raised; nothing is kept.
    #[error("stopped before the end; nothing is kept, and the next run starts over")]
    Stopped,
    /// A file cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// What was trained cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The documents do not do to learn from.
    #[error("{0}")]
    Documents(String),
    /// The crate that trains has failed.
    #[error("fastText could not be trained: {0}")]
    Training(String),
}

/// Trains a classifier on the documents of `inputs` and writes [`CLASSIFIER_MODEL`], [`CLASSIFIER_QUANTISED`] where it is
/// wanted, and last [`CLASSIFIER`] into the folder `out`. `progress` is told what is done and which share of the whole.
///
/// # Errors
/// [`ClassifierError`], where it was stopped or failed.
pub fn train(
    inputs: &[PathBuf],
    out: &Path,
    settings: &Settings,
    stop: &Arc<AtomicBool>,
    progress: &dyn Fn(&str, f64),
) -> Result<ClassifierReport, ClassifierError> {
    let mut labelled = Labelled::read(inputs, out, settings, stop, &|documents, share| {
        progress(&format!("{documents} documents read"), share * READING);
    })?;
    let (chosen, left_out) = training::draw(labelled.examples(), settings);
    check(&labelled, &chosen, settings)?;
    let path = training::lines(&mut labelled, &chosen, out, settings)?;
    progress(&format!("learning from {} documents", chosen.len()), READING);
    let made = training::train(&path, out, settings, stop);
    let removed = std::fs::remove_file(&path);
    made?;
    removed.map_err(|error| DataError::file("remove", &path, error))?;
    let measure = |name: &str, labelled: &mut Labelled, from: f64, to: f64| {
        measuring::measure(&out.join(name), labelled, settings, stop, &|share| {
            progress("measuring on what was held out", from + (to - from) * share);
        })
    };
    let figures = measure(CLASSIFIER_MODEL, &mut labelled, TRAINED, 0.95)?;
    let quantised = match settings.quantise {
        Some(_) => measure(CLASSIFIER_QUANTISED, &mut labelled, 0.95, 1.0)?.overall,
        None => None,
    };
    if stop.load(Ordering::Relaxed) {
        return Err(ClassifierError::Stopped);
    }
    let report = ClassifierReport {
        documents: labelled.documents,
        bad_lines: labelled.bad_lines,
        unlabelled: labelled.unlabelled,
        sites: labelled.sites,
        sites_held_out: labelled.sites_held_out,
        training: LabelCounts {
            positive: chosen.iter().filter(|example| example.positive).count() as u64,
            negative: chosen.iter().filter(|example| !example.positive).count() as u64,
        },
        left_out,
        positive_label: settings.positive_label.clone(),
        preprocessing: settings.preprocessing.name().to_owned(),
        threshold: settings.threshold,
        overall: figures.overall,
        years: figures.years,
        quantised,
        model: digest::of_file(&out.join(CLASSIFIER_MODEL))?,
    };
    labelled.remove()?;
    let json = octo_record::to_json(&report)
        .map_err(|error| DataError::file("write", &out.join(CLASSIFIER), std::io::Error::other(error)))?;
    atomic::write(&out.join(CLASSIFIER), &json)?;
    Ok(report)
}

/// The share of the work after reading, and after training.
const READING: f64 = 0.3;
const TRAINED: f64 = 0.9;

/// Checks that there is enough to learn from.
fn check(labelled: &Labelled, chosen: &[labelled::Example], settings: &Settings) -> Result<(), ClassifierError> {
    let positive = chosen.iter().filter(|example| example.positive).count() as u64;
    let negative = chosen.len() as u64 - positive;
    if positive >= LEAST && negative >= LEAST {
        return Ok(());
    }
    let field = &settings.label_field;
    let from = settings.positive_from;
    let held_out = labelled.examples().iter().filter(|example| example.held_out).count();
    Err(ClassifierError::Documents(format!(
        "there is too little to learn from: {positive} documents have a {field:?} of at least {from} and {negative} have less, \
         where {LEAST} of each are needed; of {} documents, {} have no number in that field and {held_out} are held out",
        labelled.documents, labelled.unlabelled
    )))
}

#[cfg(test)]
mod tests;
