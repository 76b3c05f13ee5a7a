//! One self-contained HTML report of a run folder, and the run's metrics for TensorBoard.
//!
//! The report reads what a run wrote (`run.lock.json`, each stage's `metrics.jsonl`, `samples.jsonl` and
//! `results.json`) and nothing else, so it can be made again at any time, on any machine, for a run that is still
//! going on or that was killed. Whatever a model wrote is escaped: a response is text, never markup.

pub mod chart;
pub mod event_file;
mod page;
mod run_folder;
mod tables;
pub mod tensorboard;

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

pub use run_folder::{HeldOut, Run, Stage};

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the run folder is not what it should be.
    #[error("{}: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        message: String,
    },
}

/// Accuracy before and after of every reinforcement-learning stage, as a table for a terminal.
pub struct Summary {
    rows: Vec<SummaryRow>,
    evaluations: Vec<(String, f64)>,
    /// Stage, alarm, first step and number of steps.
    alarms: Vec<(String, String, u64, u64)>,
}

struct SummaryRow {
    stage: String,
    before: f64,
    after: f64,
    length_before: f64,
    length_after: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.stage.len()).chain(self.evaluations.iter().map(|row| row.0.len()));
        let width = width.max().unwrap_or(0).max(10);
        if !self.rows.is_empty() {
            writeln!(out, "{:<width$}  {:>7}  {:>7}  {:>7}  response tokens", "held out", "before", "after", "points")?;
        }
        for row in &self.rows {
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
        for (stage, alarm, first, steps) in &self.alarms {
            writeln!(out, "{stage}: alarm {alarm} from step {first}, {steps} steps")?;
        }
        Ok(())
    }
}

/// Reads the run folder `run` and writes the report to `out` (to a temporary name, then renamed).
///
/// # Errors
/// Where `run` holds no `run.lock.json`, a file is damaged, or `out` can't be written.
pub fn write_report(run: &Path, out: &Path) -> Result<Summary, ReportError> {
    let run = Run::read(run)?;
    let html = page::html(&run);
    let io = |source| ReportError::Io { path: out.to_owned(), source };
    let temporary = out.with_extension("html.tmp");
    let mut file = std::fs::File::create(&temporary).map_err(io)?;
    file.write_all(html.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
    std::fs::rename(&temporary, out).map_err(io)?;

    let mut rows = Vec::new();
    let mut evaluations = Vec::new();
    let mut alarms = Vec::new();
    for stage in &run.stages {
        let own = stage.alarms().into_iter();
        alarms.extend(own.map(|(alarm, [first, _, steps])| (stage.name.clone(), alarm.to_owned(), first, steps)));
        for set in stage.sets() {
            let (Some(first), Some(last)) = (stage.held_out_of(set).next(), stage.held_out_of(set).next_back()) else {
                continue;
            };
            if stage.kind != "rl" {
                continue;
            }
            rows.push(SummaryRow {
                stage: tables::named(stage, set),
                before: first.accuracy,
                after: last.accuracy,
                length_before: first.response_length,
                length_after: last.response_length,
            });
        }
        if let ("eval", Some(accuracy)) = (stage.kind.as_str(), stage.result("accuracy")) {
            evaluations.push((stage.name.clone(), accuracy));
        }
    }
    Ok(Summary { rows, evaluations, alarms })
}
