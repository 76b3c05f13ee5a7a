//! What a report says on the terminal.

use std::fmt;

/// Accuracy before and after of every `rl` stage, what `eval` stages found, and what a person should know, as a table
/// for a terminal.
#[derive(Default)]
pub struct Summary {
    pub(crate) changes: Vec<Change>,
    /// Stage and accuracy.
    pub(crate) evaluations: Vec<(String, f64)>,
    /// A line each: alarms, and lines that could not be read.
    pub(crate) notes: Vec<String>,
}

/// What reinforcement learning changed on a held-out set.
pub(crate) struct Change {
    pub(crate) stage: String,
    pub(crate) before: f64,
    pub(crate) after: f64,
    pub(crate) length_before: f64,
    pub(crate) length_after: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            self.changes.iter().map(|row| row.stage.len()).chain(self.evaluations.iter().map(|row| row.0.len()));
        let width = names.max().unwrap_or(0).max(10);
        if !self.changes.is_empty() {
            writeln!(out, "{:<width$}  {:>7}  {:>7}  {:>7}  response tokens", "held out", "before", "after", "points")?;
        }
        for row in &self.changes {
            writeln!(
                out,
                "{:<width$}  {:>6.1}%  {:>6.1}%  {:>+7.1}  {:.0} -> {:.0}",
                row.stage,
                100.0 * row.before,
                100.0 * row.after,
                100.0 * (row.after - row.before),
                row.length_before,
                row.length_after
            )?;
        }
        for (stage, accuracy) in &self.evaluations {
            writeln!(out, "{stage:<width$}  {:>6.1}%", 100.0 * accuracy)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(out, "{note}"))
    }
}
