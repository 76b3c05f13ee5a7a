//! Samples: some responses of every stage that kept any, each with its verdict.

use std::fmt::Write;

use octo_record::{Outcome, Sample, Split, layout};

use super::whole;
use crate::ReportError;
use crate::chart::escape;
use crate::run_folder::Run;
use crate::summary::Summary;

/// Samples shown of each stage; the report is for reading, the folder has all.
const SAMPLES_PER_STAGE: usize = 6;

/// The section.
pub(crate) fn html(run: &Run, summary: &mut Summary) -> Result<String, ReportError> {
    let mut html = String::new();
    for stage in &run.stages {
        let found = pick(whole(stage.lines(layout::SAMPLES)?, stage, layout::SAMPLES, summary));
        if !found.is_empty() {
            let shown: String = found.iter().map(shown).collect();
            let _ = write!(html, "<details><summary>{}</summary>{shown}</details>", escape(&stage.name));
        }
    }
    Ok(html)
}

fn shown(sample: &Sample) -> String {
    let outcome = match (sample.failure, sample.outcome) {
        (Some(failure), _) => failure.as_str(),
        (None, Some(outcome)) => outcome.as_str(),
        (None, None) => "",
    };
    let good = sample.failure.is_none() && sample.outcome == Some(Outcome::Correct);
    format!(
        "<div class=sample><p><b class=\"{}\">{outcome}</b> step {}, {} tokens, ended by {}. {}</p><pre>{}<mark>{}</mark></pre><p>reference: {}</p></div>",
        if good { "good" } else { "bad" },
        sample.step,
        sample.tokens,
        sample.finish,
        escape(sample.reason.as_deref().unwrap_or_default()),
        escape(&sample.problem),
        escape(&sample.response),
        escape(&sample.references.join(" or "))
    )
}

/// Half from the beginning, half from the end: what changed is what one wants to read. Of evaluations alone where
/// there are any.
fn pick(samples: Vec<Sample>) -> Vec<Sample> {
    let (held_out, rest): (Vec<Sample>, Vec<Sample>) =
        samples.into_iter().partition(|sample| sample.split == Split::HeldOut);
    let mut samples = if held_out.is_empty() { rest } else { held_out };
    if samples.len() > SAMPLES_PER_STAGE {
        let tail = samples.split_off(samples.len() - SAMPLES_PER_STAGE / 2);
        samples.truncate(SAMPLES_PER_STAGE - tail.len());
        samples.extend(tail);
    }
    samples
}
