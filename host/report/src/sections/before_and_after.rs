//! Held-out accuracy before and after reinforcement learning, and what evaluations found.

use std::fmt::{Display, Write};

use octo_record::EvalResults;

use super::{eval, rl};
use crate::ReportError;
use crate::chart::escape;
use crate::run_folder::{Run, Stage};
use crate::summary::Summary;

/// The section.
pub(crate) fn html(run: &Run, summary: &mut Summary) -> Result<String, ReportError> {
    // The section of reinforcement learning has said what could not be read.
    let mut html = changes(run, &rl::read_all(run, &mut Summary::default())?);
    let found = eval::read_all(run, summary)?;
    summary.evaluations.extend(found.iter().map(|(stage, results)| (stage.name.clone(), results.accuracy)));
    html += &evaluations(run, &found);
    Ok(html)
}

fn changes(run: &Run, stages: &[rl::Reinforced<'_>]) -> String {
    let mut rows = String::new();
    for (own, set) in stages.iter().flat_map(|own| own.sets().into_iter().map(move |set| (own, set))) {
        let (Some(first), Some(last)) = (own.held_out_of(set).next(), own.held_out_of(set).next_back()) else {
            continue;
        };
        let (first, last) = (&first.held_out, &last.held_out);
        let points = 100.0 * (last.accuracy - first.accuracy);
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td class=n>{:.1}%</td><td class=n>{:.1}%</td><td class=\"n {}\">{points:+.1}</td><td class=n>{:.0}</td><td class=n>{:.0}</td></tr>",
            escape(&own.named(set)),
            escape(run.model_of(own.stage)),
            100.0 * first.accuracy,
            100.0 * last.accuracy,
            if points >= 10.0 { "good" } else { "" },
            first.response_length,
            last.response_length
        );
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<table><thead><tr><th>stage</th><th>starts from</th><th class=n>before</th><th class=n>after</th><th class=n>points</th><th class=n>tokens before</th><th class=n>tokens after</th></tr></thead><tbody>{rows}</tbody></table>"
    )
}

fn evaluations(run: &Run, found: &[(&Stage, EvalResults)]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<table><thead><tr><th>evaluation</th><th>model of</th><th class=n>problems</th><th class=n>accuracy</th><th class=n>response tokens</th><th>outcomes</th></tr></thead><tbody>",
    );
    for (stage, results) in found {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td class=n>{}</td><td class=n>{:.1}%</td><td class=n>{:.0}</td><td>{}</td></tr>",
            escape(&stage.name),
            escape(run.model_of(stage)),
            results.problems,
            100.0 * results.accuracy,
            results.response_length,
            counts(results)
        );
    }
    html + "</tbody></table>"
}

/// `correct 61, no-answer 3; failed: fuel 1`: outcomes, then failures.
fn counts(results: &EvalResults) -> String {
    let (outcomes, failures) = (spelled(&results.outcomes), spelled(&results.failures));
    if failures.is_empty() { outcomes } else { format!("{outcomes}; failed: {failures}") }
}

fn spelled<'a, W: Display + 'a>(counts: impl IntoIterator<Item = (&'a W, &'a u64)>) -> String {
    let counts = counts.into_iter().filter(|(_, count)| **count != 0);
    counts.map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
}
