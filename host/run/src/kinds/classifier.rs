//! `classifier`: a fastText classifier learnt from labelled documents.

use std::path::Path;

use anyhow::{Result, bail};
use octo_curate::classifier::preprocessing::Preprocessing;
use octo_curate::classifier::{ClassifierError, Quantise, Settings, train};
use octo_record::ClassifierReport;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_document};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::Texts;

/// The most memory that a model may take while it is trained.
const LARGEST_MODEL: u64 = 64 << 30;

/// A stage of this kind.
pub struct Classifier {
    keys: Keys,
}

/// How texts are prepared for a classifier.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Prepared {
    /// Words as they are.
    None,
    /// As MegaMath prepares pages: lower case, numbers as `<NUM>`, letters and digits of ASCII alone.
    #[default]
    Mathematics,
}

impl Prepared {
    pub(crate) fn preprocessing(self) -> Preprocessing {
        match self {
            Prepared::None => Preprocessing::None,
            Prepared::Mathematics => Preprocessing::Mathematics,
        }
    }
}

/// The keys of such a stage. What fastText learns with is by default what DeepSeekMath published of its classifier.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of documents with a number to label them by.
    documents: Texts,
    /// Field with the number; documents without one are counted and left out.
    #[serde(default = "label_field")]
    label_field: String,
    /// The least number of a positive document.
    #[serde(default = "positive_from")]
    positive_from: f64,
    /// Label of positive documents, by which filters ask.
    #[serde(default = "positive_label")]
    positive_label: String,
    /// Label of the others.
    #[serde(default = "negative_label")]
    negative_label: String,
    /// How texts are prepared; filters that ask the classifier prepare theirs alike.
    #[serde(default)]
    preprocessing: Prepared,
    /// Share of sites whose documents are held out to measure on, from 0 to 0.9. A site is a registered domain.
    #[serde(default = "held_out")]
    #[schemars(range(min = 0.0, max = 0.9))]
    held_out: f64,
    /// The most documents of each class to learn from, drawn by their hash; all where it is not given.
    #[serde(default)]
    #[schemars(range(min = 1))]
    most_per_class: Option<u64>,
    /// Probability from which a document counts as found, for precision, recall and F1.
    #[serde(default = "threshold")]
    #[schemars(range(min = 0.0, max = 1.0))]
    threshold: f64,
    /// Numbers of a vector.
    #[serde(default = "dim")]
    #[schemars(range(min = 1, max = 4096))]
    dim: u32,
    /// Learning rate at the beginning; it falls to 0.
    #[serde(default = "learning_rate")]
    learning_rate: f64,
    /// Words of the longest n-gram of words.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 64))]
    word_ngrams: u32,
    /// How often a word has to occur to be learnt.
    #[serde(default = "three")]
    min_count: u32,
    /// Passes over the documents.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 10_000))]
    epochs: u32,
    /// Rows that n-grams of words share. With the words' rows they take `dim` × 4 bytes each, in memory and in the file.
    #[serde(default = "bucket")]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    bucket: u32,
    /// Whether the model is also written quantised, as `model.ftz`.
    #[serde(default)]
    quantise: bool,
    /// Words and n-grams that the quantised model keeps; all where it is not given.
    #[serde(default)]
    #[schemars(range(min = 256))]
    cutoff: Option<u32>,
    /// Whether lines that cannot be read are counted and left out, instead of ending the stage.
    #[serde(default)]
    skip_bad_lines: bool,
}

fn label_field() -> String {
    "math_score".to_owned()
}

fn positive_from() -> f64 {
    3.0
}

fn positive_label() -> String {
    "math".to_owned()
}

fn negative_label() -> String {
    "other".to_owned()
}

fn held_out() -> f64 {
    0.1
}

fn threshold() -> f64 {
    0.4
}

fn dim() -> u32 {
    256
}

fn learning_rate() -> f64 {
    0.1
}

fn three() -> u32 {
    3
}

fn bucket() -> u32 {
    2_000_000
}

impl StageKind for Classifier {
    fn name() -> &'static str {
        ClassifierReport::KIND
    }

    fn about() -> &'static str {
        "Trains a fastText classifier on labelled documents, and measures it on sites that it has not seen."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Classifier> {
        let keys: Keys = table.rest()?;
        table.inputs("documents", &keys.documents)?;
        keys.check(&|key| table.place(key))?;
        Ok(Classifier { keys })
    }

    fn content(&self) -> Value {
        let keys = &self.keys;
        json!({
            "label_field": keys.label_field,
            "positive_from": keys.positive_from,
            "positive_label": keys.positive_label,
            "negative_label": keys.negative_label,
            "preprocessing": keys.preprocessing.preprocessing().name(),
            "held_out": keys.held_out,
            "most_per_class": keys.most_per_class,
            "threshold": keys.threshold,
            "dim": keys.dim,
            "learning_rate": keys.learning_rate,
            "word_ngrams": keys.word_ngrams,
            "min_count": keys.min_count,
            "epochs": keys.epochs,
            "bucket": keys.bucket,
            "quantise": keys.quantise,
            "cutoff": keys.cutoff,
            "skip_bad_lines": keys.skip_bad_lines,
        })
    }

    fn will_have(&self, _: &str, path: &str) -> Result<(), String> {
        use octo_record::layout::{CLASSIFIER, CLASSIFIER_MODEL, CLASSIFIER_QUANTISED};
        match path {
            CLASSIFIER | CLASSIFIER_MODEL => Ok(()),
            CLASSIFIER_QUANTISED if self.keys.quantise => Ok(()),
            CLASSIFIER_QUANTISED => Err(format!("{path}, which it writes with quantise = true")),
            _ => Err(format!("{path}, which it does not write: it writes {CLASSIFIER_MODEL} and {CLASSIFIER}")),
        }
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        run.check_documents(stage, "documents.", &first_document, self.keys.skip_bad_lines)
    }

    fn forecast(_: &PlannedRun, stages: &[&Stage]) -> Option<String> {
        let line = |stage: &&Stage| {
            let keys = &stage.work_of::<Classifier>()?.keys;
            let gigabytes = keys.model_bytes() as f64 / 1e9;
            Some(format!("  {}: {gigabytes:.1} GB for the model while it is trained, and on disk\n", stage.name))
        };
        let lines: String = stages.iter().filter_map(line).collect();
        Some(format!("classifiers, on one thread each:\n{lines}"))
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("documents.")?;
        let report = |message: &str, share: f64| context.line.report(message, share);
        let settings = self.keys.settings(context.stage.seed);
        match train(&inputs, out, &settings, context.run.stop, &report) {
            Ok(_) => Ok(Ended::Done),
            Err(ClassifierError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}

impl Keys {
    fn settings(&self, seed: u64) -> Settings {
        Settings {
            label_field: self.label_field.clone(),
            positive_from: self.positive_from,
            positive_label: self.positive_label.clone(),
            negative_label: self.negative_label.clone(),
            preprocessing: self.preprocessing.preprocessing(),
            held_out: self.held_out,
            most_per_class: self.most_per_class,
            threshold: self.threshold,
            dim: self.dim as i32,
            learning_rate: self.learning_rate,
            word_ngrams: self.word_ngrams as i32,
            min_count: self.min_count as i32,
            epochs: self.epochs as i32,
            bucket: self.bucket as i32,
            quantise: self.quantise.then(|| Quantise { cutoff: self.cutoff.unwrap_or(0) as usize }),
            seed,
            skip_bad_lines: self.skip_bad_lines,
        }
    }

    /// Bytes of the rows that n-grams share.
    fn model_bytes(&self) -> u64 {
        let rows = if self.word_ngrams > 1 { u64::from(self.bucket) } else { 0 };
        rows * u64::from(self.dim) * 4
    }

    fn check(&self, place: &dyn Fn(&str) -> String) -> Result<()> {
        let range = |key: &str, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                bail!("{}: {value} is not from {least} to {most}", place(key));
            }
            Ok(())
        };
        range("dim", self.dim, 1, 4096)?;
        range("word_ngrams", self.word_ngrams, 1, 64)?;
        range("min_count", self.min_count, 0, i32::MAX as u32)?;
        range("epochs", self.epochs, 1, 10_000)?;
        range("bucket", self.bucket, 1, 1_000_000_000)?;
        if let Some(cutoff) = self.cutoff {
            range("cutoff", cutoff, 256, i32::MAX as u32)?;
            if !self.quantise {
                bail!("{}: only a quantised model is cut off; add quantise = true", place("cutoff"));
            }
        }
        if self.model_bytes() > LARGEST_MODEL {
            let gibibytes = self.model_bytes() as f64 / f64::from(1 << 30);
            bail!(
                "{}: {} rows of {} numbers take {gibibytes:.0} GiB; 64 GiB are the most",
                place("bucket"),
                self.bucket,
                self.dim
            );
        }
        if self.most_per_class == Some(0) {
            bail!("{}: 0 documents are nothing to learn from", place("most_per_class"));
        }
        if !(0.0..=0.9).contains(&self.held_out) {
            bail!("{}: {} is not from 0 to 0.9", place("held_out"), self.held_out);
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            bail!("{}: {} is not from 0 to 1", place("threshold"), self.threshold);
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 100.0) {
            bail!("{}: {} is not above 0 and at most 100", place("learning_rate"), self.learning_rate);
        }
        if !self.positive_from.is_finite() {
            bail!("{}: is not a number that a score can reach", place("positive_from"));
        }
        for (key, label) in [("positive_label", &self.positive_label), ("negative_label", &self.negative_label)] {
            if label.is_empty() || label.contains(|c: char| c.is_whitespace() || c.is_control()) {
                bail!("{}: {label:?} is not one word", place(key));
            }
        }
        if self.positive_label == self.negative_label {
            bail!("{}: is {:?} like positive_label", place("negative_label"), self.negative_label);
        }
        Ok(())
    }
}
