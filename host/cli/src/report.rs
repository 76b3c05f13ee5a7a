//! `octo-host report`: one HTML file of a run folder.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::ReportArguments;

/// Writes the report and says where it is.
pub fn report(arguments: ReportArguments) -> Result<ExitCode> {
    if !arguments.run.is_dir() {
        bail!("{} is not a run folder; `octo-host run RECIPE` makes one under runs/", arguments.run.display());
    }
    let out = arguments.out.unwrap_or_else(|| arguments.run.join("report.html"));
    let summary = octo_report::write_report(&arguments.run, &out)?;
    print!("{summary}");
    println!("report: {}", out.display());
    Ok(ExitCode::SUCCESS)
}
