//! How well a classifier finds the positive documents among those of sites that it has not seen.

use super::labelled::Labelled;
use super::{ClassifierError, Settings};
use crate::fasttext_model::{FastTextModel, ModelError, Scratch};
use octo_record::{ClassifierFigures, LabelCounts, ThresholdPoint};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Thresholds of a curve: 0.05, 0.10, … 0.95.
const STEPS: u32 = 20;
/// Years that have figures of their own.
const YEARS: usize = 1000;
/// Where documents without a year are counted, and those of all years beyond the thousandth.
const NO_YEAR: &str = "(none)";
const OTHERS: &str = "(others)";

/// Figures over all that was held out, and by year.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) overall: Option<ClassifierFigures>,
    pub(super) years: BTreeMap<String, ClassifierFigures>,
}

/// Asks the model at `path` about every document that was held out.
pub(super) fn measure(
    path: &Path,
    labelled: &mut Labelled,
    settings: &Settings,
    stop: &AtomicBool,
    progress: &dyn Fn(f64),
) -> Result<Measured, ClassifierError> {
    let model = FastTextModel::load(path)?;
    let label = model.labels().iter().position(|label| *label == settings.positive_label);
    let damaged = |message: String| ModelError::Format { path: path.to_owned(), message };
    let label = label.ok_or_else(|| damaged(format!("has no label {:?}", settings.positive_label)))?;
    let held_out: Vec<_> = labelled.examples().iter().filter(|example| example.held_out).copied().collect();
    let mut scratch = Scratch::default();
    let mut years: BTreeMap<u16, Vec<Answer>> = BTreeMap::new();
    for (index, example) in held_out.iter().enumerate() {
        if index.is_multiple_of(1024) {
            if stop.load(Ordering::Relaxed) {
                return Err(ClassifierError::Stopped);
            }
            progress(index as f64 / held_out.len() as f64);
        }
        let text = labelled.text(example)?;
        let probability = model.probability(&text, label, &mut scratch).map_err(damaged)?;
        years.entry(example.year).or_default().push(Answer { probability, positive: example.positive });
    }
    Ok(figures_by_year(years, settings.threshold))
}

fn figures_by_year(years: BTreeMap<u16, Vec<Answer>>, threshold: f64) -> Measured {
    let mut all = Vec::new();
    let mut named: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
    for (year, answers) in years {
        all.extend_from_slice(&answers);
        let name = match year {
            0 => NO_YEAR.to_owned(),
            _ if named.len() >= YEARS => OTHERS.to_owned(),
            year => format!("{year:04}"),
        };
        named.entry(name).or_default().extend(answers);
    }
    if all.is_empty() {
        return Measured::default();
    }
    let years = named.into_iter().map(|(year, answers)| (year, figures(answers, threshold))).collect();
    Measured { overall: Some(figures(all, threshold)), years }
}

/// What the model said of a document, and what is true.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) probability: f32,
    pub(super) positive: bool,
}

/// The figures of some answers. The average precision is the sum over distinct probabilities, from the highest, of the
/// precision there by the recall that it adds.
pub(super) fn figures(mut answers: Vec<Answer>, threshold: f64) -> ClassifierFigures {
    answers.sort_unstable_by(|one, other| other.probability.total_cmp(&one.probability));
    let total = answers.len() as u64;
    let positive = answers.iter().filter(|answer| answer.positive).count() as u64;
    let (mut average, mut found, mut kept) = (0.0, 0u64, 0u64);
    for alike in answers.chunk_by(|one, other| one.probability == other.probability) {
        let new = alike.iter().filter(|answer| answer.positive).count() as u64;
        found += new;
        kept += alike.len() as u64;
        average += found as f64 / kept as f64 * new as f64;
    }
    let point = |threshold: f64| {
        let kept = answers.partition_point(|answer| f64::from(answer.probability) >= threshold) as u64;
        let found = answers[..kept as usize].iter().filter(|answer| answer.positive).count() as u64;
        ThresholdPoint {
            threshold,
            kept: kept as f64 / total.max(1) as f64,
            precision: share(found, kept),
            recall: share(found, positive),
        }
    };
    let at = point(threshold);
    let f1 = match (at.precision, at.recall) {
        (Some(precision), Some(recall)) if precision + recall > 0.0 => {
            Some(2.0 * precision * recall / (precision + recall))
        }
        (_, Some(_)) => Some(0.0),
        _ => None,
    };
    ClassifierFigures {
        documents: LabelCounts { positive, negative: total - positive },
        precision: at.precision,
        recall: at.recall,
        f1,
        average_precision: (positive > 0).then(|| average / positive as f64),
        curve: (1..STEPS).map(|step| point(f64::from(step) / f64::from(STEPS))).collect(),
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(all: &[(f32, bool)]) -> Vec<Answer> {
        all.iter().map(|(probability, positive)| Answer { probability: *probability, positive: *positive }).collect()
    }

    #[test]
    fn figures_are_those_of_the_books() {
        let found = figures(answers(&[(0.9, true), (0.8, false), (0.8, true), (0.3, true), (0.1, false)]), 0.5);
        assert_eq!(found.documents, LabelCounts { positive: 3, negative: 2 });
        assert_eq!((found.precision, found.recall), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(found.f1, Some(2.0 / 3.0));
        // 1/1 for the first of three, 2/3 for the second, 3/4 for the third.
        assert_eq!(found.average_precision, Some((1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0));
        assert_eq!(found.curve.len(), 19);
        let point = |index: usize| found.curve[index];
        assert_eq!(point(0), ThresholdPoint { threshold: 0.05, kept: 1.0, precision: Some(0.6), recall: Some(1.0) });
        assert_eq!(
            point(7),
            ThresholdPoint { threshold: 0.4, kept: 0.6, precision: Some(2.0 / 3.0), recall: Some(2.0 / 3.0) }
        );
        assert_eq!(point(18), ThresholdPoint { threshold: 0.95, kept: 0.0, precision: None, recall: Some(0.0) });
    }

    #[test]
    fn what_one_class_alone_cannot_say_is_not_said() {
        let found = figures(answers(&[(0.9, false), (0.2, false)]), 0.5);
        assert_eq!((found.precision, found.recall, found.f1, found.average_precision), (Some(0.0), None, None, None));
        let found = figures(answers(&[(0.2, true)]), 0.5);
        assert_eq!(
            (found.precision, found.recall, found.f1, found.average_precision),
            (None, Some(0.0), Some(0.0), Some(1.0))
        );
    }

    #[test]
    fn years_have_figures_of_their_own() {
        let years = BTreeMap::from([(0, answers(&[(0.9, true)])), (2020, answers(&[(0.1, false)]))]);
        let measured = figures_by_year(years, 0.5);
        assert_eq!(measured.years.keys().collect::<Vec<_>>(), ["(none)", "2020"]);
        assert_eq!(measured.overall.expect("figures").documents, LabelCounts { positive: 1, negative: 1 });
        assert!(figures_by_year(BTreeMap::new(), 0.5).overall.is_none());
    }
}
