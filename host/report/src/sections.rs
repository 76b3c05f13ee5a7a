//! What the report shows, section by section. A kind of stage that has a figure is one file here and one line in
//! [`ALL`].

pub(crate) mod before_and_after;
pub(crate) mod corpus;
pub(crate) mod eval;
pub(crate) mod lock;
pub(crate) mod midtrain;
pub(crate) mod perplexity;
pub(crate) mod rl;
pub(crate) mod samples;

use octo_record::{Lines, MissingSteps, layout};

use crate::ReportError;
use crate::run_folder::{Run, Stage};
use crate::summary::Summary;

/// A section: reads what it shows from the run's folder, adds to the summary what a terminal should show of it, and
/// returns its HTML, which is empty where the run has nothing of it.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) html: fn(&Run, &mut Summary) -> Result<String, ReportError>,
}

/// All sections, in the order of the page.
pub(crate) const ALL: [Section; 7] = [
    Section { title: "Reinforcement learning", html: rl::html },
    Section { title: "Before and after", html: before_and_after::html },
    Section { title: "Mid-training", html: midtrain::html },
    Section { title: "Perplexity", html: perplexity::html },
    Section { title: "Corpus", html: corpus::html },
    Section { title: "Samples", html: samples::html },
    Section { title: "Stages and lock", html: lock::html },
];

/// A file of one record; one that is damaged is said in the summary and left out.
fn readable<T>(
    found: Result<Option<T>, ReportError>,
    stage: &Stage,
    summary: &mut Summary,
) -> Result<Option<T>, ReportError> {
    match found {
        Err(damaged @ ReportError::Damaged { .. }) => {
            summary.notes.push(format!("{}: {damaged}", stage.name));
            Ok(None)
        }
        other => other,
    }
}

/// The records of `lines`; says in the summary how many lines of the stage's `file` are not among them.
fn whole<T>(lines: Lines<T>, stage: &Stage, file: &str, summary: &mut Summary) -> Vec<T> {
    if lines.damaged > 0 {
        let (count, name) = (lines.damaged, &stage.name);
        let lines = if count == 1 { "line" } else { "lines" };
        summary.notes.push(format!(
            "{name}: {count} {lines} of {file} cannot be read and {} left out",
            if count == 1 { "is" } else { "are" }
        ));
    }
    lines.records
}

/// Says in the summary which of the steps up to `last` have none among the records of a stage's `metrics.jsonl`.
fn say_missing(steps: impl Iterator<Item = u64>, last: u64, stage: &Stage, summary: &mut Summary) {
    let missing = MissingSteps::of(steps, last);
    if missing.count() > 0 {
        summary.notes.push(format!("{}: {} lacks {missing} of {last}", stage.name, layout::METRICS));
    }
}
