//! `octo-host`: runs plugins over records, runs recipes, tokenises corpora, and builds and inspects plugins.

#![cfg_attr(
    not(feature = "train"),
    allow(dead_code, reason = "recipes are read whole, so that a stage which this build can't run is refused by name")
)]

mod arguments;
#[cfg(feature = "train")]
mod generate;
mod guest_profile;
mod json_argument;
mod plugin_build;
mod plugin_inspect;
mod plugin_mode;
mod plugin_replay;
mod recipe;
mod report;
mod run;
mod terminal;
mod tokenize;
#[cfg(not(feature = "train"))]
mod trainer;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::arguments::{Arguments, Command, PluginCommand};

fn main() -> ExitCode {
    octo_plugin::compile_if_asked();
    let arguments = Arguments::parse();
    terminal::start_log(match arguments.command {
        // A replay shows the plugin's log itself, and on stdout.
        Some(Command::Plugin(PluginCommand::Replay(_))) => "warn,octo_plugin::guest=off",
        _ => "warn",
    });
    terminal::exit_code(match (arguments.command, arguments.plugin_mode) {
        (None, Some(arguments)) => plugin_mode::run(arguments),
        #[cfg(feature = "train")]
        (Some(Command::Run(arguments)), _) => run::run(arguments),
        #[cfg(not(feature = "train"))]
        (Some(Command::Run(arguments)), _) => trainer::run(arguments),
        #[cfg(feature = "train")]
        (Some(Command::Prompt(arguments)), _) => run::prompt::run(arguments),
        #[cfg(not(feature = "train"))]
        (Some(Command::Prompt(arguments)), _) => trainer::prompt(arguments),
        #[cfg(feature = "train")]
        (Some(Command::Generate(arguments)), _) => generate::run(arguments),
        #[cfg(not(feature = "train"))]
        (Some(Command::Generate(_)), _) => trainer::generate(),
        (Some(Command::Report(arguments)), _) => report::report(arguments),
        (Some(Command::Tokenize(arguments)), _) => tokenize::run(arguments),
        (Some(Command::Plugin(PluginCommand::Build(arguments))), _) => plugin_build::run(arguments),
        (Some(Command::Plugin(PluginCommand::Inspect(arguments))), _) => plugin_inspect::run(arguments),
        (Some(Command::Plugin(PluginCommand::Replay(arguments))), _) => plugin_replay::run(arguments),
        // No arguments at all are answered with the help before this.
        (None, None) => Arguments::command()
            .error(clap::error::ErrorKind::MissingSubcommand, "name a plugin or a subcommand")
            .exit(),
    })
}
