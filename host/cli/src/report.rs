//! `octo-host report`: one HTML file of a run folder.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use octo_record::layout;

use crate::arguments::ReportArguments;
use crate::terminal;

/// Writes the report of the run that the arguments name.
pub fn report(arguments: ReportArguments) -> Result<ExitCode> {
    if !arguments.run.is_dir() {
        bail!("{} is not a run folder; `octo-host run RECIPE` makes one under runs/", arguments.run.display());
    }
    let out = arguments.out.unwrap_or_else(|| arguments.run.join(layout::REPORT));
    write(&arguments.run, &out)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a run's report, and prints its summary and where it is.
pub fn write(run: &Path, out: &Path) -> Result<()> {
    let summary = octo_report::write_report(run, out)?;
    terminal::print(&format!("{summary}report: {}\n", out.display()))
}
