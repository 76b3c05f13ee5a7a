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
//! | `runs`, with `gc` and `export` | `runs.rs` | `octo-run` |
//! | `prompt` | `prompt.rs` | `octo-run` for the recipe, `octo-data` for the prompts |
//! | `generate` | `trainer.rs`: becomes `octo-trainer`, whose [`Training`] does it | `octo-train` |
//! | `compare` | `compare.rs`, with a folder | `octo-data` to read, `octo-record` for the statistics |
//! | `report` | `report.rs` | `octo-report` |
//! | `tokenize` | `tokenize.rs` | `octo-data` |
//! | `completions`, `man` | `manual.rs` | clap_complete and clap_mangen, over [`arguments`] |
//! | `keys` | [`keys`], with `key_rows.rs` and `key_table.rs` | `octo-run` for the schemas of keys |
//! | `plugin build` | `plugin_build.rs`, with a folder | cargo, then `octo-plugin` |
//! | `plugin inspect` | `plugin_inspect.rs` | `octo-plugin` |
//! | `plugin replay` | `plugin_replay.rs` | `octo-plugin` |
//!
//! Several of them use `json_argument.rs` (JSON on the command line or in a file), `guest_profile.rs` (`--profile`) and
//! `threads.rs` (the pool that plugins run on). `version.rs` is what `--version` prints; `build.rs` beside this folder
//! looks up the commit for it.

pub mod arguments;
mod compare;
mod guest_profile;
mod json_argument;
mod key_rows;
mod key_table;
pub mod keys;
mod manual;
mod plugin_build;
mod plugin_inspect;
mod plugin_mode;
mod plugin_replay;
mod prompt;
mod report;
mod run;
mod runs;
mod show_plan;
pub mod terminal;
mod threads;
mod tokenize;
pub mod trainer;
mod version;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use clap::{CommandFactory, FromArgMatches};
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

    /// The processes that run a recipe together, from the environment. Raising `stop` ends their waits for each other.
    ///
    /// # Errors
    /// An environment that contradicts itself, processes that do not come, or
    /// [`StoppedWaiting`](octo_run::world::StoppedWaiting).
    fn world(&self, stop: &Arc<AtomicBool>) -> Result<Arc<dyn World>>;

    /// `octo-host generate`.
    ///
    /// # Errors
    /// Whatever keeps the model from answering.
    fn generate(&self, arguments: GenerateArguments) -> Result<ExitCode>;
}

/// The process's arguments, with `-v` and `-q` that stand before a subcommand after it: flags of plugin mode may not stand
/// there, and clap makes no difference between these and those.
fn after_the_subcommand(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let says_how_much = |argument: &OsString| {
        let text = argument.to_string_lossy();
        let short =
            text.strip_prefix('-').is_some_and(|flags| !flags.is_empty() && flags.chars().all(|c| "vq".contains(c)));
        short || text == "--verbose" || text == "--quiet"
    };
    let flags = arguments.iter().skip(1).take_while(|argument| says_how_much(argument)).count();
    let is_word = arguments.get(1 + flags).is_some_and(|next| !next.to_string_lossy().starts_with('-'));
    if is_word {
        arguments[1..2 + flags].rotate_right(1);
    }
    arguments
}

/// Runs the command that the process's arguments ask for.
pub fn main(program: &Program) -> ExitCode {
    octo_plugin::compile_if_asked();
    plugin_build::become_if_asked();
    let command = version::of(Arguments::command(), program);
    let given = after_the_subcommand(std::env::args_os().collect());
    let parsed = command.clone().try_get_matches_from(given).and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => return terminal::usage(&error),
    };
    // A replay shows the plugin's log itself, and on stdout.
    let shows_log = matches!(arguments.command, Some(Command::Plugin(PluginCommand::Replay(_))));
    terminal::start(arguments.loudness, shows_log);
    terminal::exit_code(match (arguments.command, arguments.plugin_mode) {
        (None, Some(arguments)) => plugin_mode::run(arguments),
        (Some(Command::Run(arguments)), _) => run::run(arguments, program),
        (Some(Command::Prompt(arguments)), _) => prompt::run(arguments, program),
        (Some(Command::Generate(arguments)), _) => match arguments.contradiction() {
            Some(error) => error.exit(),
            None => trainer::generate(arguments, program),
        },
        (Some(Command::Runs(arguments)), _) => runs::run(arguments),
        (Some(Command::Compare(arguments)), _) => compare::run(arguments),
        (Some(Command::Report(arguments)), _) => report::report(arguments),
        (Some(Command::Tokenize(arguments)), _) => tokenize::run(arguments),
        (Some(Command::Keys(arguments)), _) => keys::run(arguments, program),
        (Some(Command::Completions(arguments)), _) => manual::completions(arguments, command),
        (Some(Command::Man(arguments)), _) => manual::man(arguments, command),
        (Some(Command::Plugin(PluginCommand::Build(arguments))), _) => plugin_build::run(arguments),
        (Some(Command::Plugin(PluginCommand::Inspect(arguments))), _) => plugin_inspect::run(arguments),
        (Some(Command::Plugin(PluginCommand::Replay(arguments))), _) => plugin_replay::run(arguments),
        // No arguments at all are answered with the help before this.
        (None, None) => {
            let problem = clap::error::ErrorKind::MissingSubcommand;
            return terminal::usage(&Arguments::command().error(problem, "name a plugin or a subcommand"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_is_said_may_stand_before_the_subcommand() {
        let moved = |words: &str| {
            let words = words.split(' ').map(OsString::from).collect();
            let moved: Vec<String> =
                after_the_subcommand(words).iter().map(|word| word.to_string_lossy().into()).collect();
            moved.join(" ")
        };
        assert_eq!(moved("octo-host -v plugin inspect x"), "octo-host plugin -v inspect x");
        assert_eq!(moved("octo-host -q --verbose -vv run r.toml"), "octo-host run -q --verbose -vv r.toml");
        for same in
            ["octo-host run -v r.toml", "octo-host -q --plugin x", "octo-host -v", "octo-host", "octo-host -x run"]
        {
            assert_eq!(moved(same), same);
        }
    }
}
