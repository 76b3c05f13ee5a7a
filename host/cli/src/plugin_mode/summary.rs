//! What stderr shows when all records have been through a plugin.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use octo_plugin::Failure;

use super::chunks::Lines;
use crate::terminal::{Progress, Terminal};
use octo_run::figures::{human_count, human_duration};

/// Counts of a pass, and the progress line above them.
pub struct Summary {
    verb: &'static str,
    noun: &'static str,
    outcomes: Vec<(&'static str, u64)>,
    failures: BTreeMap<&'static str, u64>,
    lines: Lines,
    started: Instant,
    terminal: Terminal,
    progress: Option<Progress>,
}

impl Summary {
    /// `verb` as in "Verified", `noun` in the plural, and the outcomes in the order in which they are shown.
    pub fn start(terminal: &Terminal, verb: &'static str, noun: &'static str, outcomes: &[&'static str]) -> Summary {
        Summary {
            verb,
            noun,
            outcomes: outcomes.iter().map(|outcome| (*outcome, 0)).collect(),
            failures: BTreeMap::new(),
            lines: Lines::default(),
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

    /// Moves the progress line on by a chunk.
    pub fn advance(&self, items: usize) {
        if let Some(progress) = &self.progress {
            progress.add(items as u64);
        }
    }

    pub fn finish(mut self, lines: Lines) -> Summary {
        self.progress = None;
        self.lines = lines;
        self
    }

    /// Prints the summary. The exit code is a failure if there were lines and none of them could be read.
    pub fn report(&self) -> ExitCode {
        let elapsed = self.started.elapsed();
        let rate = self.lines.good as f64 / elapsed.as_secs_f64().max(1e-6);
        self.terminal.say(format_args!(
            "{} {} {} in {} ({}/s)",
            self.verb,
            human_count(self.lines.good),
            self.noun,
            human_duration(elapsed),
            human_count(rate.round() as u64)
        ));
        for (outcome, count) in &self.outcomes {
            self.row(outcome, *count, "");
        }
        let failed: u64 = self.failures.values().sum();
        if failed > 0 {
            let kinds: Vec<String> =
                self.failures.iter().map(|(kind, count)| format!("{kind} {}", human_count(*count))).collect();
            self.row("failed", failed, &kinds.join(", "));
        }
        if self.lines.bad > 0 {
            self.terminal.say(format_args!("  {:<12} {:>9}", "bad lines", human_count(self.lines.bad)));
        }
        if self.lines.good == 0 && self.lines.bad > 0 {
            self.terminal.complain("error: no line could be read");
            return ExitCode::FAILURE;
        }
        ExitCode::SUCCESS
    }

    fn row(&self, label: &str, count: u64, note: &str) {
        let share = 100.0 * count as f64 / self.lines.good.max(1) as f64;
        let line = format!("  {label:<12} {:>9}  {share:5.1}%  {note}", human_count(count));
        self.terminal.say(line.trim_end());
    }
}
