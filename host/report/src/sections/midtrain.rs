//! Mid-training: losses over the tokens that a model has seen, and the mixture of sources.

use std::collections::BTreeSet;

use octo_record::{MidtrainRecord, MidtrainResults, MidtrainStep, RlRecord, layout};

use super::{readable, rl, say_missing, whole};
use crate::ReportError;
use crate::chart::{self, Axes, Series};
use crate::run_folder::{Run, Stage};
use crate::summary::Summary;

/// What a `midtrain` stage wrote.
struct Trained<'a> {
    stage: &'a Stage,
    records: Vec<MidtrainRecord>,
    /// Tokens that its model had seen before the stage began; `None` where that cannot be known.
    tokens_before: Option<f64>,
}

impl Trained<'_> {
    fn steps(&self) -> impl DoubleEndedIterator<Item = &MidtrainStep> {
        self.records.iter().filter_map(|record| match record {
            MidtrainRecord::Step(step) => Some(step),
            MidtrainRecord::Start(_) => None,
        })
    }
}

fn read<'a>(stage: &'a Stage, summary: &mut Summary) -> Result<Trained<'a>, ReportError> {
    let records = whole(stage.lines(layout::METRICS)?, stage, layout::METRICS, summary);
    Ok(Trained { stage, records, tokens_before: None })
}

/// The section.
pub(crate) fn html(run: &Run, summary: &mut Summary) -> Result<String, ReportError> {
    let mut stages = Vec::new();
    for stage in run.of_kind(MidtrainRecord::KIND) {
        let trained = read(stage, summary)?;
        let results: Option<MidtrainResults> = readable(stage.record(layout::RESULTS), stage, summary)?;
        let newest = trained.records.iter().map(MidtrainRecord::step).max().unwrap_or(0);
        let last = newest.max(results.map_or(0, |results| results.steps));
        say_missing(trained.steps().map(|step| step.step), last, stage, summary);
        let tokens_before = tokens_before(run, stage)?;
        if let Err(unknown) = &tokens_before {
            let note = format!(
                "{}: not drawn over tokens, since nothing says how many its model had seen in stage {unknown:?}",
                stage.name
            );
            summary.notes.push(note);
        }
        stages.push(Trained { tokens_before: tokens_before.ok(), ..trained });
    }
    Ok([loss(&stages), held_out_loss(&stages), mixtures(&stages)].concat())
}

/// Tokens that a stage's model had seen before the stage began, or the name of a stage before it that does not say.
fn tokens_before(run: &Run, stage: &Stage) -> Result<Result<f64, String>, ReportError> {
    let mut tokens = 0;
    let mut at = stage.initial;
    // `initial` always points to an earlier stage, so this ends.
    while let Some(index) = at {
        let before = &run.stages[index];
        let Some(of_stage) = tokens_of(before)? else { return Ok(Err(before.name.clone())) };
        tokens += of_stage;
        at = before.initial;
    }
    Ok(Ok(tokens as f64))
}

/// Tokens of a stage that trains, of mid-training up to its last step that has a loss; `None` of a kind whose records
/// are not known here.
fn tokens_of(stage: &Stage) -> Result<Option<u64>, ReportError> {
    // What cannot be read is said where the stage itself is shown.
    let mut unsaid = Summary::default();
    Ok(match stage.lock.kind.as_str() {
        MidtrainRecord::KIND => {
            Some(read(stage, &mut unsaid)?.steps().rfind(|step| step.loss.is_some()).map_or(0, |step| step.tokens))
        }
        RlRecord::KIND => {
            let steps = rl::read(stage, &mut unsaid)?.steps;
            Some(steps.last().map_or(0, |step| step.tokens))
        }
        _ => None,
    })
}

fn loss(stages: &[Trained<'_>]) -> String {
    let series = series(stages, |own| {
        let point = |step: &MidtrainStep| Some((own.tokens_before? + step.tokens as f64, step.loss?));
        own.steps().filter_map(point).collect()
    });
    let axes = Axes {
        title: "Loss (nats a token) against tokens seen by the model",
        x: "tokens",
        percent: false,
        from_zero: false,
    };
    chart::lines(&axes, &series, 280.0)
}

/// Loss on held-out documents of every stage that measured it.
fn held_out_loss(stages: &[Trained<'_>]) -> String {
    let mut series = series(stages, |own| {
        let point =
            |record: &MidtrainRecord| Some((own.tokens_before? + record.tokens() as f64, record.held_out_loss()?));
        own.records.iter().filter_map(point).collect()
    });
    series.retain(|series| !series.points.is_empty());
    let axes = Axes { title: "Loss on held-out documents", x: "tokens", percent: false, from_zero: false };
    chart::lines(&axes, &series, 240.0)
}

fn series<'a>(stages: &'a [Trained<'a>], points: impl Fn(&'a Trained<'a>) -> Vec<(f64, f64)>) -> Vec<Series> {
    let named = stages.iter().enumerate();
    named.map(|(colour, own)| Series { name: own.stage.name.clone(), points: points(own), colour }).collect()
}

/// Mixture weights over tokens, one figure per stage.
fn mixtures(stages: &[Trained<'_>]) -> String {
    let mut html = String::new();
    // A source keeps its colour from stage to stage.
    let names: BTreeSet<&String> =
        stages.iter().flat_map(Trained::steps).flat_map(|step| step.mixture.keys()).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    for own in stages {
        let (mut xs, mut rows) = (Vec::new(), Vec::new());
        for step in own.steps() {
            let weight =
                |name: &String| step.mixture.get(name).copied().filter(|weight| !weight.is_nan()).unwrap_or(0.0);
            xs.push(step.tokens as f64);
            rows.push(names.iter().map(weight).collect());
        }
        let title = format!("Mixture weights of {}", own.stage.name);
        let axes = Axes { title: &title, x: "tokens of the stage", percent: true, from_zero: true };
        html += &chart::bands(&axes, &names, &xs, &rows, 170.0);
    }
    html
}
