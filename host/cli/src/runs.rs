//! `octo-host runs`: what runs there are and what they take, `runs gc` and `runs export`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use octo_run::figures::{human_bytes, human_duration};
use octo_run::runs::{self, ListedRun, Runs, Unused, export};

use crate::arguments::{RunsArguments, RunsCommand, RunsGcArguments};
use crate::terminal;

/// Lists runs, or does what the subcommand says.
pub fn run(arguments: RunsArguments) -> Result<ExitCode> {
    match arguments.command {
        None => {
            let listed = runs::list(&arguments.runs)?;
            let text = match arguments.json {
                true => serde_json::to_string_pretty(&listed)? + "\n",
                false => table(&listed, &arguments.runs),
            };
            terminal::print(&text)?;
        }
        Some(RunsCommand::Gc(arguments)) => terminal::print(&collect(&arguments)?)?,
        Some(RunsCommand::Export(arguments)) => {
            let exported = export::export(&arguments.run, &arguments.folder, arguments.checkpoints)?;
            if !exported.left_out.is_empty() {
                eprintln!("not done, and left out: {}", exported.left_out.join(", "));
            }
            terminal::print(&format!("{}: {exported}\n", arguments.folder.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(listed: &Runs, folder: &Path) -> String {
    if listed.runs.is_empty() && listed.store_bytes == 0 {
        return format!("there are no runs in {}\n", folder.display());
    }
    let stages = || listed.runs.iter().flat_map(|run| &run.stages);
    let names = stages().map(|stage| stage.name.len() + 2).chain(listed.runs.iter().map(|run| run.name.len()));
    let width = names.max().unwrap_or(3).max(3);
    let kinds = stages().map(|stage| stage.kind.len()).max().unwrap_or(4).max(4);
    let mut text =
        format!("{:<width$}  {:<kinds$}  {:<8}  {:>10}  {:>8}  shared with\n", "run", "kind", "state", "size", "time");
    for run in &listed.runs {
        let ListedRun { name, done, bytes, stages } = run;
        let state = format!("{done}/{}", stages.len());
        text += &line(&format!("{name:<width$}  {:<kinds$}  {state:<8}  {:>10}", "", human_bytes(*bytes as f64)));
        for stage in stages {
            let seconds = stage.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            text += &line(&format!(
                "  {:<inner$}  {:<kinds$}  {:<8}  {:>10}  {:>8}  {}",
                stage.name,
                stage.kind,
                stage.state,
                human_bytes(stage.bytes as f64),
                seconds.map(human_duration).unwrap_or_default(),
                stage.shared_with.join(", "),
                inner = width - 2,
            ));
        }
    }
    let unused = match listed.unused_bytes {
        0 => String::new(),
        bytes => format!(", {} of it used by no run: `octo-host runs gc` shows it", human_bytes(bytes as f64)),
    };
    text + &format!("\n{} in all{unused}\n", human_bytes(listed.store_bytes as f64))
}

fn line(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

fn collect(arguments: &RunsGcArguments) -> Result<String> {
    let found = if arguments.remove { runs::collect(&arguments.runs)? } else { runs::unused(&arguments.runs)? };
    let folders: Vec<&Unused> = found.iter().filter(|unused| unused.bytes > 0).collect();
    let bytes: u64 = folders.iter().map(|unused| unused.bytes).sum();
    let mut text = String::new();
    for unused in &folders {
        text += &format!("{:>10}  {} {}\n", human_bytes(unused.bytes as f64), unused.kind, unused.key);
    }
    let count = if folders.len() == 1 { "1 stage".to_owned() } else { format!("{} stages", folders.len()) };
    let bytes = human_bytes(bytes as f64);
    Ok(text
        + &match (arguments.remove, folders.is_empty()) {
            (_, true) => "every stage is one of a run; there is nothing to remove\n".to_owned(),
            (true, false) => format!("{count} of no run removed, {bytes}\n"),
            (false, false) => {
                format!("{count} of no run, {bytes}; nothing was removed: `octo-host runs gc --remove` does that\n")
            }
        })
}
