//! What stderr shows when all records have been through a plugin: text for people, or one line of JSON for scripts.
//!
//! Shares are of everything that was there to judge: a row that could not be read counts among them, so a broken file
//! never looks good.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use octo_plugin::{Failure, for_people};
use octo_record::statistics::{Interval, wilson_interval};
use octo_run::figures::{human_count, human_duration};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::breakdown::{Breakdown, Group};
use super::chunks::Lines;
use super::problems::{Mean, Problems};
use crate::arguments::SummaryFormat;
use crate::terminal::{Progress, Terminal};

/// Groups of a breakdown that the text shows; JSON has all.
const GROUPS_SHOWN: usize = 50;
/// The most bytes of a value of a column that the text shows.
const VALUE_SHOWN: usize = 40;

/// Counts of a pass, and the progress line above them.
pub struct Summary {
    kind: &'static str,
    verb: &'static str,
    noun: &'static str,
    input: String,
    items: u64,
    outcomes: Vec<(&'static str, u64)>,
    failures: BTreeMap<&'static str, u64>,
    lines: Lines,
    scores: Option<Scores>,
    started: Instant,
    terminal: Terminal,
    progress: Option<Progress>,
}

/// What is counted of verdicts.
pub struct Scores {
    /// Attempts that are correct.
    pub correct: u64,
    /// The attempts by problem, where problems have several.
    pub problems: Option<Problems>,
    /// Accuracy by columns.
    pub by: Vec<Breakdown>,
}

/// The summary as `--summary json` writes it.
#[derive(Serialize)]
struct Written<'a> {
    kind: &'a str,
    input: &'a str,
    rows: u64,
    bad_rows: u64,
    items: u64,
    #[serde(serialize_with = "in_order")]
    outcomes: &'a [(&'static str, u64)],
    failures: &'a BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy_interval: Option<Option<Interval>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass_at: Option<Vec<Mean>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maj_at: Option<Vec<Mean>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Vec<By<'a>>>,
    seconds: f64,
    error: Option<&'a str>,
    exit_status: u8,
}

#[derive(Serialize)]
struct By<'a> {
    columns: &'a [String],
    groups: Vec<Group>,
    other: Option<Group>,
}

/// The outcomes as an object, in the contract's order.
fn in_order<S: Serializer>(outcomes: &&[(&'static str, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(outcomes.len()))?;
    for (outcome, count) in *outcomes {
        map.serialize_entry(outcome, count)?;
    }
    map.end()
}

impl Summary {
    /// Of a plugin of `kind` and the input of this name; `verb` as in "Verified", `noun` in the plural, and the outcomes in
    /// the order in which they are shown.
    pub fn start(
        terminal: &Terminal,
        input: &str,
        kind: &'static str,
        (verb, noun): (&'static str, &'static str),
        outcomes: &[&'static str],
    ) -> Summary {
        Summary {
            kind,
            verb,
            noun,
            input: input.to_owned(),
            items: 0,
            outcomes: outcomes.iter().map(|outcome| (*outcome, 0)).collect(),
            failures: BTreeMap::new(),
            lines: Lines::default(),
            scores: None,
            started: Instant::now(),
            terminal: terminal.clone(),
            progress: Some(terminal.counter(verb, noun)),
        }
    }

    pub fn count(&mut self, outcome: &'static str) {
        match self.outcomes.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, count)) => *count += 1,
            None => self.outcomes.push((outcome, 1)),
        }
    }

    pub fn count_failure(&mut self, failure: &Failure) {
        *self.failures.entry(failure.kind.as_str()).or_default() += 1;
    }

    /// Counts the items of a chunk, and moves the progress line on.
    pub fn advance(&mut self, items: usize) {
        self.items += items as u64;
        if let Some(progress) = &self.progress {
            progress.add(items as u64);
        }
    }

    pub fn finish(mut self, lines: Lines) -> Summary {
        self.progress = None;
        self.lines = lines;
        self
    }

    /// The same, with what was counted of verdicts.
    pub fn with_scores(self, scores: Scores) -> Summary {
        Summary { scores: Some(scores), ..self }
    }

    /// Prints the summary. The exit code is a failure where something is missing from it: rows that could not be read, or
    /// any result at all.
    pub fn report(&self, format: SummaryFormat) -> ExitCode {
        let error = self.error();
        match format {
            SummaryFormat::Text => {
                self.print();
                if let Some(error) = &error {
                    self.terminal.complain(format_args!("error: {error}"));
                }
            }
            SummaryFormat::Json => {
                let written = self.written(error.as_deref());
                // Numbers, and texts that are Unicode: nothing in it can fail to be written.
                self.terminal.say(serde_json::to_string(&written).unwrap_or_default());
            }
        }
        if error.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// All that was there to judge: items, and the rows that are none since they could not be read.
    fn all(&self) -> u64 {
        self.items + self.lines.bad
    }

    /// What keeps the summary from being good.
    fn error(&self) -> Option<String> {
        let (good, bad) = (self.lines.good, self.lines.bad);
        let rows = human_count(good + bad);
        if good == 0 && bad > 0 {
            Some(if bad == 1 {
                "the only row could not be read".into()
            } else {
                format!("none of {rows} rows could be read")
            })
        } else if self.items > 0 && self.failed() == self.items {
            let items = human_count(self.items);
            Some(format!("the plugin failed on all of {items} {}; --save-failures keeps them", self.noun))
        } else if bad > 0 {
            Some(format!("{} of {rows} rows could not be read", human_count(bad)))
        } else {
            None
        }
    }

    fn print(&self) {
        let elapsed = self.started.elapsed();
        let rate = self.items as f64 / elapsed.as_secs_f64().max(1e-6);
        let several = self.scores.as_ref().and_then(|scores| scores.problems.as_ref());
        let of = several.map_or_else(String::new, |problems| format!(" of {} problems", human_count(problems.count())));
        self.terminal.say(format_args!(
            "{} {} {}{of} in {} ({}/s)",
            self.verb,
            human_count(self.items),
            self.noun,
            human_duration(elapsed),
            human_count(rate.round() as u64)
        ));
        let interval = self.accuracy_interval().flatten().map(|interval| format!("95% interval {}", shown(interval)));
        for (index, (outcome, count)) in self.outcomes.iter().enumerate() {
            let note = interval.as_deref().filter(|_| index == 0).unwrap_or_default();
            self.row(outcome, *count, note);
        }
        if self.failed() > 0 {
            let kinds: Vec<String> =
                self.failures.iter().map(|(kind, count)| format!("{kind} {}", human_count(*count))).collect();
            self.row("failed", self.failed(), &kinds.join(", "));
        }
        if self.lines.bad > 0 {
            self.row("bad rows", self.lines.bad, "");
        }
        let Some(scores) = &self.scores else { return };
        if let Some(problems) = &scores.problems {
            for (name, means) in [("pass", problems.pass_at()), ("maj", problems.maj_at())] {
                means.iter().for_each(|mean| self.mean(name, mean, problems.count()));
            }
        }
        scores.by.iter().for_each(|by| self.by(by));
    }

    /// The accuracy's interval; None within where attempts at one problem depend on each other.
    fn accuracy_interval(&self) -> Option<Option<Interval>> {
        let scores = self.scores.as_ref()?;
        Some(match &scores.problems {
            None if self.items > 0 => wilson_interval(scores.correct, self.all()),
            None => None,
            Some(_) => None,
        })
    }

    fn row(&self, label: &str, count: u64, note: &str) {
        let share = 100.0 * count as f64 / self.all().max(1) as f64;
        let line = format!("  {label:<12} {:>9}  {share:5.1}%  {note}", human_count(count));
        self.terminal.say(line.trim_end());
    }

    fn mean(&self, name: &str, mean: &Mean, all: u64) {
        let label = format!("{name}@{}", mean.k);
        let Some(value) = mean.mean else {
            // Of the two, one says so.
            if name == "pass" {
                self.terminal.say(format_args!("  {label:<12} no problem has {} attempts", human_count(mean.k)));
            }
            return;
        };
        let interval = mean.interval.map(|interval| format!("95% interval {}", shown(interval))).unwrap_or_default();
        let some =
            if mean.problems < all { format!("  of {} problems", human_count(mean.problems)) } else { String::new() };
        let line = format!("  {label:<12} {:>9}  {:5.1}%  {interval}{some}", "", 100.0 * value);
        self.terminal.say(line.trim_end());
    }

    fn by(&self, by: &Breakdown) {
        let groups = by.groups();
        let label = |group: &Group| {
            let values = group.values.iter().map(|value| match value {
                Some(value) => for_people(value, VALUE_SHOWN),
                None => "(none)".to_owned(),
            });
            values.collect::<Vec<_>>().join(", ")
        };
        let mut rows: Vec<(String, &Group)> =
            groups.iter().take(GROUPS_SHOWN).map(|group| (label(group), group)).collect();
        let other = by.other();
        rows.extend(other.iter().map(|group| ("(other values)".to_owned(), group)));
        let columns: Vec<String> = by.columns().iter().map(|column| for_people(column, VALUE_SHOWN)).collect();
        let heading = columns.join(", ");
        let width = rows.iter().map(|(label, _)| label.chars().count()).chain([heading.chars().count(), 12]).max();
        let width = width.unwrap_or(12);
        self.terminal.say(format_args!("  {heading:<width$} {:>9} {:>9}  accuracy", "attempts", "correct"));
        for (label, group) in rows {
            let interval = match (&group.interval, self.scores.as_ref().is_some_and(|scores| scores.problems.is_some()))
            {
                (Some(interval), false) => format!("  95% interval {}", shown(*interval)),
                _ => String::new(),
            };
            let (attempts, correct) = (human_count(group.attempts), human_count(group.correct));
            let share = 100.0 * group.accuracy;
            self.terminal.say(format_args!("  {label:<width$} {attempts:>9} {correct:>9}    {share:5.1}%{interval}"));
        }
        if groups.len() > GROUPS_SHOWN {
            let more = human_count((groups.len() - GROUPS_SHOWN) as u64);
            self.terminal.say(format_args!("  and {more} more; --summary json has all"));
        }
    }

    fn written<'a>(&'a self, error: Option<&'a str>) -> Written<'a> {
        let scores = self.scores.as_ref();
        let problems = scores.and_then(|scores| scores.problems.as_ref());
        let several = problems.is_some();
        let by = |by: &'a Breakdown| {
            // Attempts at one problem depend on each other, so Wilson's interval would be too narrow.
            let without = |group: Group| Group { interval: group.interval.filter(|_| !several), ..group };
            By {
                columns: by.columns(),
                groups: by.groups().into_iter().map(without).collect(),
                other: by.other().map(without),
            }
        };
        Written {
            kind: self.kind,
            input: &self.input,
            rows: self.lines.good + self.lines.bad,
            bad_rows: self.lines.bad,
            items: self.items,
            outcomes: &self.outcomes,
            failures: &self.failures,
            accuracy: scores.map(|scores| scores.correct as f64 / self.all().max(1) as f64),
            accuracy_interval: self.accuracy_interval(),
            problems: problems.map(Problems::count),
            pass_at: problems.map(Problems::pass_at),
            maj_at: problems.map(Problems::maj_at),
            by: scores.filter(|scores| !scores.by.is_empty()).map(|scores| scores.by.iter().map(by).collect()),
            seconds: self.started.elapsed().as_secs_f64(),
            error,
            exit_status: u8::from(error.is_some()),
        }
    }
}

/// `32.6% to 67.4%`.
fn shown(interval: Interval) -> String {
    format!("{:.1}% to {:.1}%", 100.0 * interval.low, 100.0 * interval.high)
}
