//! Flags of `octo-host compare`.

use std::path::PathBuf;

use clap::Args;

/// `octo-host compare A B`.
#[derive(Args, Debug)]
#[command(after_help = "\
A and B are what `octo-host --plugin` of a verifier prints or writes with --out, in any format. Rows
belong together by `id` where all have one, or else by `line`, or else by their place. An attempt
without a verdict counts as not correct. Where a problem has several attempts, its share of correct
ones is compared. docs/judging.md says what is computed, and what --json prints.

Exit status: 0 done, whatever came of it; 1 failed; 2 wrong usage.")]
pub struct CompareArguments {
    /// Verdicts to compare with
    #[arg(value_name = "A")]
    pub a: PathBuf,

    /// Verdicts that are compared
    #[arg(value_name = "B")]
    pub b: PathBuf,

    /// Rows with the same text in COLUMN are about one problem [default: id, line, or the row's number]
    #[arg(long, value_name = "COLUMN")]
    pub on: Option<String>,

    /// The column that --join gave verdicts
    #[arg(long, value_name = "COLUMN", default_value = "verdict")]
    pub verdict: String,

    /// Print JSON, with every problem that flipped
    #[arg(long)]
    pub json: bool,
}
