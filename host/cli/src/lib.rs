//! The command `octo-host`: flags, wiring and words.
//!
//! Two programs are this command. `octo-host` has no libtorch, whose loading takes a quarter of a second, so whoever
//! judges an answer or inspects a plugin does not wait for it. `octo-trainer` adds what needs libtorch, and `octo-host`
//! becomes it where that is asked for (`trainer.rs`). Each hands [`main`] the kinds of stage that it can run.
//!
//! Data flow in one direction: [`arguments`] reads every flag, the file of the subcommand turns them into a call of the
//! crate that does the work, and what that gives becomes text. Results go to standard output; [`terminal`] writes all
//! else (progress, summaries, errors) to standard error.
//!
//! | subcommand | file | crate that it calls |
//! |---|---|---|
//! | `--plugin`, without a subcommand | `plugin_mode.rs`, with a folder | `octo-plugin` |
//! | `run`, and its `--dry-run` | `run.rs`, `show_plan.rs` | `octo-run` |
//! | `prompt` | `prompt.rs` | `octo-run` for the recipe, `octo-data` for the prompts |
//! | `generate` | `trainer.rs`: becomes `octo-trainer`, whose [`Training`] does it | `octo-train` |
//! | `report` | `report.rs` | `octo-report` |
//! | `tokenize` | `tokenize.rs` | `octo-data` |
//! | `keys` | [`keys`], with `key_rows.rs` and `key_table.rs` | `octo-run` for the schemas of keys |
//! | `plugin build` | `plugin_build.rs`, with a folder | cargo, then `octo-plugin` |
//! | `plugin inspect` | `plugin_inspect.rs` | `octo-plugin` |
//! | `plugin replay` | `plugin_replay.rs` | `octo-plugin` |
//!
//! Several of them use `json_argument.rs` (JSON on the command line or in a file) and `guest_profile.rs` (`--profile`).

pub mod arguments;
mod guest_profile;
mod json_argument;
mod key_rows;
mod key_table;
pub mod keys;
mod plugin_build;
mod plugin_inspect;
mod plugin_mode;
mod plugin_replay;
mod prompt;
mod report;
mod run;
mod show_plan;
pub mod terminal;
mod tokenize;
pub mod trainer;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::{CommandFactory, Parser};
use octo_run::Kinds;
use octo_run::world::World;

use crate::arguments::{Arguments, Command, GenerateArguments, PluginCommand};

/// What one of the two programs brings along.
pub struct Program {
    /// The kinds of stage that it can run.
    pub kinds: Kinds,
    /// What needs libtorch, where the program has it.
    pub training: Option<Box<dyn Training>>,
}

/// What needs libtorch besides kinds of stage.
pub trait Training {
    /// The version of libtorch, as the library itself reports it.
    fn libtorch(&self) -> Option<String>;

    /// The processes that run a recipe together, from the environment.
    ///
    /// # Errors
    /// An environment that contradicts itself, or processes that do not come.
    fn world(&self) -> Result<Arc<dyn World>>;

    /// `octo-host generate`.
    ///
    /// # Errors
    /// Whatever keeps the model from answering.
    fn generate(&self, arguments: GenerateArguments) -> Result<ExitCode>;
}

/// Runs the command that the process's arguments ask for.
pub fn main(program: &Program) -> ExitCode {
    octo_plugin::compile_if_asked();
    let arguments = Arguments::parse();
    terminal::start_log(match arguments.command {
        // A replay shows the plugin's log itself, and on stdout.
        Some(Command::Plugin(PluginCommand::Replay(_))) => "warn,octo_plugin::guest=off",
        _ => "warn",
    });
    terminal::exit_code(match (arguments.command, arguments.plugin_mode) {
        (None, Some(arguments)) => plugin_mode::run(arguments),
        (Some(Command::Run(arguments)), _) => run::run(arguments, program),
        (Some(Command::Prompt(arguments)), _) => prompt::run(arguments, program),
        (Some(Command::Generate(arguments)), _) => match arguments.contradiction() {
            Some(error) => error.exit(),
            None => trainer::generate(arguments, program),
        },
        (Some(Command::Report(arguments)), _) => report::report(arguments),
        (Some(Command::Tokenize(arguments)), _) => tokenize::run(arguments),
        (Some(Command::Keys(arguments)), _) => keys::run(arguments, program),
        (Some(Command::Plugin(PluginCommand::Build(arguments))), _) => plugin_build::run(arguments),
        (Some(Command::Plugin(PluginCommand::Inspect(arguments))), _) => plugin_inspect::run(arguments),
        (Some(Command::Plugin(PluginCommand::Replay(arguments))), _) => plugin_replay::run(arguments),
        // No arguments at all are answered with the help before this.
        (None, None) => Arguments::command()
            .error(clap::error::ErrorKind::MissingSubcommand, "name a plugin or a subcommand")
            .exit(),
    })
}
