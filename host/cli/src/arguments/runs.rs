//! Flags of `octo-host runs` and its subcommands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `octo-host runs`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArguments {
    /// What to do other than list runs.
    #[command(subcommand)]
    pub command: Option<RunsCommand>,

    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,

    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// What `octo-host runs` does with a subcommand.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Show what no run refers to, or remove it: stages of recipes that were changed since, and of runs whose folder was
    /// removed
    Gc(RunsGcArguments),
    /// Copy a run to a folder that can be moved and shared: files instead of links, each compared with its digest
    Export(RunsExportArguments),
}

/// `octo-host runs gc`.
#[derive(Args, Debug)]
pub struct RunsGcArguments {
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,

    /// Remove it; without this flag it is only shown. A stage that somebody works on stays
    #[arg(long)]
    pub remove: bool,
}

/// `octo-host runs export RUN FOLDER`.
#[derive(Args, Debug)]
pub struct RunsExportArguments {
    /// Folder of the run, such as runs/demo
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// Folder to make
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,

    /// Take the checkpoints along, which stages branch and resume from
    #[arg(long)]
    pub checkpoints: bool,
}
