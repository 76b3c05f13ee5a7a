//! One self-contained HTML report of a run folder, and the run's metrics for TensorBoard.
//!
//! The report reads what a run wrote (`run.lock.json`, each stage's `metrics.jsonl`, `samples.jsonl`, `results.json` and
//! `statistics.json`, all as the types of [`octo_record`]) and nothing else, so it can be made again at any time, on any
//! machine, for a run that is still at work or that was killed. Whatever a model wrote is escaped: a response is text,
//! never markup.
//!
//! [`Run::read`] reads the lock and puts the stages in order. Each section of the page (`sections/`) reads the files
//! that it shows, adds its lines to the [`Summary`] for the terminal and returns HTML, for which [`chart`] draws lines,
//! bands and columns as SVG; `page.rs` puts the sections together. A kind of stage with a figure is one file in `sections/` and
//! one line in the list of `sections.rs`.
//!
//! [`tensorboard::Follower`] copies every number of a stage's metrics to an [`event_file`] while the stage is at work.

pub mod chart;
pub mod event_file;
mod figures;
mod page;
mod run_folder;
mod sections;
mod summary;
pub mod tensorboard;

use std::io::Write;
use std::path::{Path, PathBuf};

pub use run_folder::{Run, Stage};
pub use summary::Summary;

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

/// Reads the run folder `run` and writes the report to `out` (to a temporary name, then renamed). Lines that a kill has
/// cut or that are damaged are left out, and the summary says how many.
///
/// # Errors
/// Where `run` holds no `run.lock.json`, a file is damaged, or `out` cannot be written.
pub fn write_report(run: &Path, out: &Path) -> Result<Summary, ReportError> {
    let (html, summary) = page::html(&Run::read(run)?)?;
    let io = |source| ReportError::Io { path: out.to_owned(), source };
    let temporary = out.with_extension("html.tmp");
    let mut file = std::fs::File::create(&temporary).map_err(io)?;
    file.write_all(html.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
    std::fs::rename(&temporary, out).map_err(io)?;
    Ok(summary)
}
