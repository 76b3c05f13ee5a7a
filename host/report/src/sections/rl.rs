//! Reinforcement learning: accuracy and length on held-out sets, rewards and their parts, and alarms.

use std::collections::BTreeSet;
use std::fmt::Write;

use octo_record::{HeldOutRecord, RlRecord, RlResults, RlStep, layout};

use super::{readable, say_missing, whole};
use crate::ReportError;
use crate::chart::{self, Axes, Series, escape};
use crate::run_folder::{Run, Stage};
use crate::summary::{Change, Summary};

/// What an `rl` stage wrote.
pub(crate) struct Reinforced<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) steps: Vec<RlStep>,
    /// Evaluations of all sets, by step.
    pub(crate) held_out: Vec<HeldOutRecord>,
    pub(crate) results: Option<RlResults>,
}

/// Reads an `rl` stage's files.
pub(crate) fn read<'a>(stage: &'a Stage, summary: &mut Summary) -> Result<Reinforced<'a>, ReportError> {
    let (mut steps, mut held_out) = (Vec::new(), Vec::new());
    for record in whole(stage.lines(layout::METRICS)?, stage, layout::METRICS, summary) {
        match record {
            RlRecord::Step(step) => steps.push(*step),
            RlRecord::HeldOut(record) => held_out.push(record),
        }
    }
    held_out.sort_by_key(|record| record.step);
    let results: Option<RlResults> = readable(stage.record(layout::RESULTS), stage, summary)?;
    let newest = steps.iter().map(|step| step.step).max().unwrap_or(0);
    let last = newest.max(results.as_ref().map_or(0, |results| results.steps));
    say_missing(steps.iter().map(|step| step.step), last, stage, summary);
    Ok(Reinforced { stage, steps, held_out, results })
}

/// Reads every `rl` stage's files.
pub(crate) fn read_all<'a>(run: &'a Run, summary: &mut Summary) -> Result<Vec<Reinforced<'a>>, ReportError> {
    run.of_kind(RlRecord::KIND).map(|stage| read(stage, summary)).collect()
}

impl Reinforced<'_> {
    /// Names of the held-out sets, in the order in which they were measured.
    pub(crate) fn sets(&self) -> Vec<Option<&str>> {
        let mut found = Vec::new();
        for record in &self.held_out {
            if !found.contains(&record.set.as_deref()) {
                found.push(record.set.as_deref());
            }
        }
        found
    }

    /// The evaluations on one set, by step.
    pub(crate) fn held_out_of(&self, set: Option<&str>) -> impl DoubleEndedIterator<Item = &HeldOutRecord> {
        self.held_out.iter().filter(move |record| record.set.as_deref() == set)
    }

    /// The stage's name, with that of the set where it has one.
    pub(crate) fn named(&self, set: Option<&str>) -> String {
        set.map(|set| format!("{} {set}", self.stage.name)).unwrap_or_else(|| self.stage.name.clone())
    }
}

/// The section.
pub(crate) fn html(run: &Run, summary: &mut Summary) -> Result<String, ReportError> {
    let stages = read_all(run, summary)?;
    for own in &stages {
        for set in own.sets() {
            let (Some(first), Some(last)) = (own.held_out_of(set).next(), own.held_out_of(set).next_back()) else {
                continue;
            };
            summary.changes.push(Change {
                stage: own.named(set),
                before: first.held_out.accuracy,
                after: last.held_out.accuracy,
                length_before: first.held_out.response_length,
                length_after: last.held_out.response_length,
            });
        }
        for (alarm, up) in own.results.iter().flat_map(|results| &results.alarms) {
            let note = format!("{}: alarm {alarm} from step {}, {} steps", own.stage.name, up.first, up.steps);
            summary.notes.push(note);
        }
    }
    Ok([held_out(&stages), rewards(&stages), reward_parts(&stages), alarms(&stages)].concat())
}

/// Accuracy and response length over steps, set by set, every branch in one figure.
fn held_out(stages: &[Reinforced<'_>]) -> String {
    let mut sets = Vec::new();
    for set in stages.iter().flat_map(Reinforced::sets) {
        if !sets.contains(&set) {
            sets.push(set);
        }
    }
    sets.into_iter().map(|set| held_out_of(stages, set)).collect()
}

fn held_out_of(stages: &[Reinforced<'_>], set: Option<&str>) -> String {
    let series = |value: fn(&HeldOutRecord) -> f64| -> Vec<Series> {
        let of = |own: &Reinforced<'_>| own.held_out_of(set).map(|at| (at.step as f64, value(at))).collect();
        let named = stages.iter().enumerate();
        named.map(|(colour, own)| Series { name: own.stage.name.clone(), points: of(own), colour }).collect()
    };
    let of_set = set.map(|set| format!(": {set}")).unwrap_or_default();
    let titles = ["Held-out accuracy", "Mean response length on held-out problems (tokens)"];
    let [accuracy, length] = titles.map(|title| format!("{title}{of_set}"));
    let accuracy = Axes { title: &accuracy, x: "step", percent: true, from_zero: true };
    let length = Axes { title: &length, x: "step", percent: false, from_zero: true };
    let figure = chart::lines(&accuracy, &series(|at| at.held_out.accuracy), 300.0)
        + &chart::lines(&length, &series(|at| at.held_out.response_length), 240.0);
    if figure.is_empty() { figure } else { format!("<figure>{figure}</figure>") }
}

fn rewards(stages: &[Reinforced<'_>]) -> String {
    let points = |own: &Reinforced<'_>| own.steps.iter().filter_map(|at| Some((at.step as f64, at.reward?))).collect();
    let named = stages.iter().enumerate();
    let series: Vec<Series> =
        named.map(|(colour, own)| Series { name: own.stage.name.clone(), points: points(own), colour }).collect();
    let axes = Axes { title: "Mean reward of the training rollouts", x: "step", percent: false, from_zero: true };
    chart::lines(&axes, &series, 240.0)
}

/// Every part of a reward that has several, one figure per stage: what of it a policy learned to please.
fn reward_parts(stages: &[Reinforced<'_>]) -> String {
    let mut html = String::new();
    for own in stages {
        let names: BTreeSet<&String> = own.steps.iter().flat_map(|step| step.reward_parts.keys()).collect();
        if names.len() < 2 {
            continue;
        }
        let points = |name: &String| {
            let point = |at: &RlStep| Some((at.step as f64, *at.reward_parts.get(name)?));
            own.steps.iter().filter_map(point).collect()
        };
        let series: Vec<Series> = names
            .into_iter()
            .enumerate()
            .map(|(colour, name)| Series { name: name.clone(), points: points(name), colour })
            .collect();
        let title = format!("Reward parts of {}", own.stage.name);
        let axes = Axes { title: &title, x: "step", percent: false, from_zero: true };
        html += &chart::lines(&axes, &series, 200.0);
    }
    html
}

/// Alarms that were up.
fn alarms(stages: &[Reinforced<'_>]) -> String {
    let mut rows = String::new();
    for own in stages {
        for (name, up) in own.results.iter().flat_map(|results| &results.alarms) {
            let _ = write!(
                rows,
                "<tr><td>{}</td><td class=bad>{name}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
                escape(&own.stage.name),
                up.first,
                up.last,
                up.steps
            );
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<table><thead><tr><th>stage</th><th>alarm</th><th class=n>first step</th><th class=n>last step</th><th class=n>steps</th></tr></thead><tbody>{rows}</tbody></table>"
    )
}
