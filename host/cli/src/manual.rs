//! `octo-host completions` and `octo-host man`: what shells and `man` are told, from the flags as they are read.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Command;

use crate::arguments::{CompletionsArguments, ManArguments};
use crate::terminal;

/// Prints the completions of one shell.
pub fn completions(arguments: CompletionsArguments, mut command: Command) -> Result<ExitCode> {
    let name = command.get_name().to_owned();
    // Written whole: the generator ends the process where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    // For bash, clap_complete 4.6 writes the blank in a name's path and the hyphen in ours alike, and finds neither again.
    let script = String::from_utf8(script).context("completions are text")?.replace("octo__subcmd__host", "octo__host");
    terminal::print(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page, or writes one for each subcommand too.
pub fn man(arguments: ManArguments, mut command: Command) -> Result<ExitCode> {
    command.build();
    let Some(folder) = arguments.out else {
        let page = page(&command)?;
        terminal::print(&page)?;
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let mut all = vec![command];
    while let Some(command) = all.pop() {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        octo_data::atomic::write(&folder.join(format!("{name}.1")), page(&command)?.as_bytes())?;
        all.extend(command.get_subcommands().filter(|below| below.get_name() != "help").cloned());
    }
    Ok(ExitCode::SUCCESS)
}

fn page(command: &Command) -> Result<String> {
    let mut page = Vec::new();
    // The date would be that of the build, which says nothing and differs from build to build.
    clap_mangen::Man::new(command.clone())
        .date("")
        .source(concat!("Octo ", env!("CARGO_PKG_VERSION")))
        .render(&mut page)?;
    String::from_utf8(page).context("a manual page is text")
}
