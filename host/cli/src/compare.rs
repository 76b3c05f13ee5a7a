//! `octo-host compare A B`: whether two files of verdicts on the same problems differ by more than chance.
//!
//! | file | what it has |
//! |---|---|
//! | `verdict_file.rs` | a file of verdicts as the outcomes of each problem |
//! | `difference.rs` | the two side by side: counts, flips, the difference with its interval, the test |
//! | `shown.rs` | that as text, and as JSON |

mod difference;
mod shown;
mod verdict_file;

use std::process::ExitCode;

use anyhow::{Result, bail};

use self::difference::Difference;
use self::verdict_file::VerdictFile;
use crate::arguments::CompareArguments;
use crate::terminal::{self, Terminal};

/// Prints how the verdicts of the second file differ from those of the first.
pub fn run(arguments: CompareArguments) -> Result<ExitCode> {
    let terminal = Terminal::stderr();
    let key = arguments.on.as_deref();
    let a = VerdictFile::read(&arguments.a, key, &arguments.verdict)?;
    let b = VerdictFile::read(&arguments.b, key, &arguments.verdict)?;
    let (a, b) = verdict_file::under_one_key(a, b)?;
    let difference = Difference::of(&a, &b);
    if difference.problems == 0 {
        bail!(
            "{} and {} have no {} in common; --on names the column that says which rows belong together",
            a.name,
            b.name,
            a.key
        );
    }
    for (file, only) in [(&a, &difference.only_a), (&b, &difference.only_b)] {
        if !only.is_empty() {
            terminal.say(format_args!("{}", shown::left_out(&file.name, &a.key, only)));
        }
    }
    let text = if arguments.json { shown::json(&a, &b, &difference) } else { shown::text(&a, &b, &difference) };
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
