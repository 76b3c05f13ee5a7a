//! How well a classifier of documents does: `classifier.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `classifier.json`: what a `classifier` stage learnt from, and how well it finds positive documents of sites that it has
/// not seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassifierReport {
    /// Documents read.
    pub documents: u64,
    /// Lines that are not documents and were skipped because the recipe allows it.
    pub bad_lines: u64,
    /// Documents without a number to label them by.
    pub unlabelled: u64,
    /// Sites of the labelled documents; one without a URL is a site of its own.
    pub sites: u64,
    /// Those of them that were held out.
    pub sites_held_out: u64,
    /// Documents that were learnt from.
    pub training: LabelCounts,
    /// Documents of other sites than those held out that were not learnt from, to keep the classes in balance.
    pub left_out: LabelCounts,
    /// The label of positive documents.
    pub positive_label: String,
    /// How texts are prepared; whoever asks the model does the same.
    pub preprocessing: String,
    /// The probability from which a document counts as found.
    pub threshold: f64,
    /// Figures over all documents held out; `null` where there are none.
    pub overall: Option<ClassifierFigures>,
    /// By the documents' year, of four digits; `(none)` has none, and `(others)` is of all beyond the first thousand.
    pub years: BTreeMap<String, ClassifierFigures>,
    /// Figures of the quantised model over all documents held out; `null` where there is none.
    pub quantised: Option<ClassifierFigures>,
    /// The digest of `model.bin`.
    pub model: String,
}

impl ClassifierReport {
    /// The kind of stage that writes it, as recipes and the lock name it.
    pub const KIND: &str = "classifier";
}

/// Documents of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCounts {
    /// Positive documents.
    pub positive: u64,
    /// Negative documents.
    pub negative: u64,
}

/// How well a classifier does on a group of documents. What it takes a positive document to say is `null` where there
/// is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassifierFigures {
    /// The documents.
    pub documents: LabelCounts,
    /// Share of positive documents among those found at the threshold; `null` where none is found.
    pub precision: Option<f64>,
    /// Share of the positive documents that is found at the threshold.
    pub recall: Option<f64>,
    /// The harmonic mean of these two.
    pub f1: Option<f64>,
    /// The mean over positive documents of the precision at each one's probability.
    pub average_precision: Option<f64>,
    /// What other thresholds do, in ascending order.
    pub curve: Vec<ThresholdPoint>,
}

/// What a threshold does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ThresholdPoint {
    /// The probability from which a document counts as found.
    pub threshold: f64,
    /// Share of all documents that is found.
    pub kept: f64,
    /// Share of positive documents among them; `null` where none is found.
    pub precision: Option<f64>,
    /// Share of the positive documents that is found; `null` where there are none.
    pub recall: Option<f64>,
}
