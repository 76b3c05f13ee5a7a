//! Every flag of `octo-host`, in one place.
#![allow(rustdoc::broken_intra_doc_links, rustdoc::bare_urls, reason = "comments here are the text of the help")]

mod compare;
mod generate;
mod runs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use octo_run::Shard;

pub use compare::CompareArguments;
pub use generate::GenerateArguments;
pub use runs::{RunsArguments, RunsCommand, RunsExportArguments, RunsGcArguments};

/// Run WebAssembly plugins over records, and training recipes made of them.
///
/// With --plugin, records are read as JSON Lines and one answer per line is printed. The subcommands run recipes,
/// write reports, and build and inspect plugins.
#[derive(Debug, Parser)]
#[command(
    name = "octo-host",
    // `version.rs` fills in the rest.
    version,
    override_usage = "octo-host --plugin <REF> [OPTIONS] [FILE]...\n       octo-host <COMMAND>",
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    after_long_help = RECORDS
)]
pub struct Arguments {
    /// The subcommand, if there is one.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of plugin mode, which has no subcommand.
    #[command(flatten)]
    pub plugin_mode: Option<PluginModeArguments>,
    /// How much is said on standard error.
    #[command(flatten)]
    pub loudness: Loudness,
}

/// `-v` and `-q`, of every subcommand.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Loudness {
    /// Say more on standard error: all that plugins log, and what Octo does beside; -vv also shows details for debugging
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,

    /// Say nothing on standard error but errors: no progress, no summary, no warnings
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// The records of plugin mode, at the end of `octo-host --help`.
const RECORDS: &str = "\
Records, one JSON object per line or row of a table, by the plugin's kind (* = required):

  verifier   response*, reference* (text, number or list; or `references`), problem, id
             → {line, id, outcome, extracted, reason}
  reward     as for a verifier, and verdict* ({outcome*, extracted, reason}, or the outcome alone), group, tokens,
             finish (\"stop\" or \"length\"), step, total_steps, metrics {length_limit: tokens}
             → {line, id, total, parts}
  filter     text*, id, url, source, year; every other column becomes a field
             → {line, id, decision, reason, fields, text}
  annotator  as for a filter; and reply (what a model answered), finish (\"stop\" or \"length\")
             → without a reply {line, id, request: {messages, max_tokens, temperature, top_p, stop}}, null where
             there is nothing to ask; with one as for a filter
  mixture    sources* [{name*, tokens_available, tokens_seen, loss}], stage, step, total_steps, tokens,
             total_tokens, metrics {name: value}
             → {line, weights}
  schedule   stage, step, total_steps, tokens, total_tokens, metrics
             → {line, max_response_tokens, temperature, top_p}

An item on which the plugin fails becomes {line, id, failure, message}; failure is one of plugin-error, trap, fuel,
deadline, memory and invalid-output. Of several responses in a record (--map response=COLUMN.*) each has its verdict,
with `attempt`, counted from 0.

Defaults: problem \"\", group: lines in a row with the same problem and references share one, and a line without a
problem is a group of its own; tokens 0; finish \"stop\"; source: the file's name; id of a document: its line;
stage \"plugin\", numbers 0. Rollouts of one group must be in a row. --verifier fills in missing verdicts.
A mixture or schedule policy keeps its memory from line to line.

COLUMNS of --map are keys, or paths through objects and lists: answer.value, choices.0.message.content;
-1 is a list's last item: messages.-1.content; * is every item: generations.*, where each response of
a row has a verdict of its own, with its place `attempt`, counted from 0. Body+Question joins two. A
response that is null, a list or an object is a no-answer. Numbers are read with all their digits.

Exit status: 0 every row was read and judged, whatever the verdicts; 1 failed, stopped by --strict, or results are
missing: no rows, a row that could not be read, or a plugin that failed on every item (single failures are results);
2 wrong usage; 130 stopped by Ctrl-C, 143 by SIGTERM.";

/// What `octo-host` does with a subcommand.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a recipe; finished stages are never run again
    Run(RunArguments),
    /// Show the prompts of a stage, as its model reads them
    Prompt(PromptArguments),
    /// Let a model answer problems: a file of them, or one per line as they are typed
    Generate(GenerateArguments),
    /// List runs with their stages and sizes; remove what no run refers to; make a folder of a run that travels
    Runs(RunsArguments),
    /// Compare two files of verdicts: flips, the difference with its interval, McNemar's exact test
    Compare(CompareArguments),
    /// Write a run's report as one HTML file
    Report(ReportArguments),
    /// Turn documents into token shards to train on; resumes where it was stopped
    Tokenize(TokenizeArguments),
    /// Show the keys of recipes, of each kind of stage and of limits, and the variables that Octo reads
    Keys(KeysArguments),
    /// Build, inspect and debug plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Print what a shell needs to complete this command
    Completions(CompletionsArguments),
    /// Print the manual page
    Man(ManArguments),
}

/// `octo-host completions SHELL`.
#[derive(Args, Debug)]
#[command(after_help = "\
For a shell of your own:

  bash  octo-host completions bash > ~/.local/share/bash-completion/completions/octo-host
  zsh   octo-host completions zsh > ~/.zfunc/_octo-host     (a folder of your $fpath)
  fish  octo-host completions fish > ~/.config/fish/completions/octo-host.fish")]
pub struct CompletionsArguments {
    /// Shell to write for
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `octo-host man`.
#[derive(Args, Debug)]
pub struct ManArguments {
    /// Write it and a page of each subcommand to DIR, as octo-host.1, octo-host-run.1 and so on
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `octo-host --plugin REF [FILE]`.
#[derive(Args, Debug)]
#[group(requires = "plugin")]
pub struct PluginModeArguments {
    /// Plugin to run: a path, or the name of one in $OCTO_PLUGIN_PATH or beside octo-host. Rewards may be several, each
    /// with a weight: their totals add up, and parts are named PLUGIN.PART [repeatable]
    #[arg(long, value_name = "REF[:WEIGHT]", required = false)]
    pub plugin: Vec<String>,

    /// Files of records, or patterns such as 'part-*.parquet': JSON Lines, one JSON array, CSV, TSV or Parquet, the text
    /// formats plain or with gzip, xz, bzip2 or zstd; `-` or nothing reads standard input [repeatable]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The plugin's config, as JSON or as @FILE; of several plugins the first one's, then the second's, and so on
    /// [default: {}] [repeatable]
    #[arg(long, value_name = "JSON|@FILE")]
    pub config: Vec<String>,

    /// Read a record's FIELD from COLUMN: a key, or a path such as choices.0.text, messages.-1.content or
    /// generations.*, which is every item [repeatable]
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = field_and_column)]
    pub map: Vec<(String, String)>,

    /// Columns to hand to the plugin as fields
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub fields: Vec<String>,

    /// Verifier that fills in the verdicts that rollouts lack (reward plugins only)
    #[arg(long, value_name = "REF")]
    pub verifier: Option<String>,

    /// The --verifier's config, as JSON or as @FILE
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}", requires = "verifier")]
    pub verifier_config: String,

    /// Limits other than the defaults, as JSON or as @FILE: {"fuel_per_item": 100000000}
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    pub limits: String,

    /// Stop at the first line that can't be read
    #[arg(long)]
    pub strict: bool,

    /// Threads to run the plugin on; results don't depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub threads: Option<usize>,

    /// Write the answers of a verifier to OUT instead of standard output: JSON Lines, CSV or Parquet by its name. Stopped
    /// or killed, the same command resumes, and judges nothing twice
    #[arg(long, value_name = "OUT")]
    pub out: Option<PathBuf>,

    /// Write each row with its own columns, and its verdict in COLUMN
    #[arg(long, value_name = "COLUMN")]
    pub join: Option<String>,

    /// Show accuracy by the values of COLUMN, or of several together [repeatable]
    #[arg(long, value_name = "COLUMN,...")]
    pub by: Vec<String>,

    /// Rows with the same text in COLUMN are attempts at one problem: show pass@k and maj@k
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,

    /// The k of pass@k and maj@k [default: 1, 2, 4 and so on, and the most attempts at a problem]
    #[arg(long, value_name = "K,...", value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..))]
    pub at: Vec<u64>,

    /// Write pass@k and maj@k of each problem to FILE: JSON Lines, CSV or Parquet by its name
    #[arg(long, value_name = "FILE")]
    pub problems: Option<PathBuf>,

    /// How the summary on standard error is written; json is one object, on the last line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub summary: SummaryFormat,

    /// Save each failed item to a file in DIR, at most 100; `plugin replay` runs one again, alone
    #[arg(long, value_name = "DIR")]
    pub save_failures: Option<PathBuf>,

    /// Sample where the plugin spends its time, on one thread, for https://profiler.firefox.com
    #[arg(long, value_name = "FILE", conflicts_with = "threads")]
    pub profile: Option<PathBuf>,
}

/// How the summary of a pass is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SummaryFormat {
    /// A table.
    Text,
    /// One JSON object on one line.
    Json,
}

/// `octo-host run RECIPE`.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// Recipe, a TOML file
    #[arg(value_name = "RECIPE")]
    pub recipe: PathBuf,

    /// Use another plugin for a role of the recipe. Given again for the role of a reward, or with a weight, the rewards
    /// add up: --plugin reward=reward_outcome --plugin reward=reward_overlong:0.5 [repeatable]
    #[arg(long, value_name = "ROLE=REF[:WEIGHT]")]
    pub plugin: Vec<String>,

    /// Set a key of the recipe, such as stages.base.learning_rate=0.002 [repeatable]
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Print the plan, and run and write nothing. Exit status 1 where inputs are missing or a stage could not work
    #[arg(long)]
    pub dry_run: bool,

    /// Do a stage again, though it is done, and what was made from it if it comes out otherwise [repeatable]
    #[arg(long, value_name = "STAGE")]
    pub force: Vec<String>,

    /// Let the recipe take its run's name over from another recipe, whose results the run's folder then no longer shows
    #[arg(long)]
    pub replace: bool,

    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,

    /// Run STAGE and no other. What it is made from must be done
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,

    /// Do the share I of N of the --stage's work, beside processes on this machine or others that do the rest in the same
    /// folder of runs: I is from 0 to N-1. The last one to end finishes the stage; after a kill, the same command resumes
    #[arg(long, value_name = "I/N", requires = "stage")]
    pub shard: Option<Shard>,

    /// Stages to run side by side [default: one a core]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub jobs: Option<usize>,
}

/// `octo-host prompt RECIPE STAGE`.
#[derive(Args, Debug)]
pub struct PromptArguments {
    /// Recipe, a TOML file
    #[arg(value_name = "RECIPE")]
    pub recipe: PathBuf,

    /// Stage of the recipe, of kind rl or eval. Stages that its problems come from must be done
    #[arg(value_name = "STAGE")]
    pub stage: String,

    /// Problems to show, counted from 0
    #[arg(long, value_name = "FROM..TO", default_value = "0..1", value_parser = rows)]
    pub rows: std::ops::Range<usize>,

    /// Epoch, which decides how many few-shot examples an rl stage shows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub epoch: usize,

    /// Set a key of the recipe, such as stages.rl.template=chat [repeatable]
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
}

/// `octo-host report RUN`.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// Folder of the run
    #[arg(value_name = "RUN")]
    pub run: PathBuf,

    /// Where to write the report [default: report.html in the run's folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `octo-host tokenize --tokenizer T --out DIR FILE...`.
#[derive(Args, Debug)]
#[command(after_help = "\
Every document begins with what the tokenizer puts before a text, if anything, and ends with its
end-of-text token; names of special tokens in a text are plain characters. The shards' bytes depend on the files, the tokenizer and the options, not on
--threads. The same command resumes after the last whole shard; in a folder that is whole it
checks every byte. DIR/manifest.json has digests, and the counts by source and year. A `midtrain`
stage of a recipe takes DIR as a source.

Exit status: 0 done; 1 failed; 2 wrong usage; 130 stopped by Ctrl-C, 143 by SIGTERM.")]
pub struct TokenizeArguments {
    /// Documents: JSON Lines, one JSON array, CSV, TSV or Parquet, the text formats plain or compressed
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// tokenizer.json, or a folder that has one
    #[arg(long, value_name = "PATH")]
    pub tokenizer: PathBuf,

    /// Folder to write the shards to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Read FIELD (text, source or year) from COLUMN, a key or a path such as messages.-1.content [repeatable]
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = field_and_column)]
    pub map: Vec<(String, String)>,

    /// Source of documents that name none [default: the name of DIR]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,

    /// Tokens at which a shard ends
    #[arg(long, value_name = "N", default_value_t = octo_data::shards::tokenize::SHARD_TOKENS, value_parser = clap::value_parser!(u64).range(1..))]
    pub shard_tokens: u64,

    /// Count and leave out rows that can't be used, instead of stopping at the first
    #[arg(long)]
    pub skip_bad_rows: bool,

    /// Threads to tokenise on [default: all cores]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub threads: Option<usize>,
}

/// `octo-host keys [TABLE]`.
#[derive(Args, Debug)]
pub struct KeysArguments {
    /// One table: recipe, plugin, limits, stage, environment, or a kind of stage
    #[arg(value_name = "TABLE")]
    pub table: Option<String>,

    /// Print Markdown, as in docs/keys.md
    #[arg(long)]
    pub markdown: bool,
}

/// What `octo-host plugin` does.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Build plugin crates into components; the bytes don't depend on the machine
    Build(PluginBuildArguments),
    /// Show what a plugin is, needs and accepts
    Inspect(PluginInspectArguments),
    /// Run one failed item again, alone, and show all that can be said about it
    Replay(PluginReplayArguments),
}

/// `octo-host plugin build PATH...`.
#[derive(Args, Debug)]
pub struct PluginBuildArguments {
    /// Folders of plugin crates
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// Where to put NAME.wasm [default: plugins/ in the target folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Keep source lines, which `plugin replay` shows: builds NAME.debug.wasm, a plugin of its own digest
    #[arg(long)]
    pub debug_info: bool,
}

/// `octo-host plugin inspect REF`.
#[derive(Args, Debug)]
pub struct PluginInspectArguments {
    /// Plugin: a path, or the name of one in $OCTO_PLUGIN_PATH or beside octo-host
    #[arg(value_name = "REF")]
    pub plugin: String,

    /// A config, as JSON or as @FILE, to check: refused with the reason if the plugin doesn't take it
    #[arg(long, value_name = "JSON|@FILE")]
    pub config: Option<String>,

    /// Limits other than the defaults, as JSON or as @FILE, to be shown and to hold for the plugin
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    pub limits: String,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `octo-host plugin replay FILE`.
#[derive(Args, Debug)]
#[command(after_help = "\
The item runs with the config and the limits that it was saved with. Standard output has the
result, the fuel, the log, and where the plugin failed: in which functions and, if it was built
with --debug-info, on which source lines.

Exit status: 0 it failed as it was saved; 1 it did not, or could not be run; 2 wrong usage.")]
pub struct PluginReplayArguments {
    /// File that --save-failures or a run's stage wrote
    #[arg(value_name = "FILE")]
    pub case: PathBuf,

    /// Run another plugin than the one that was saved: a mended one, or one with source lines
    #[arg(long, value_name = "REF")]
    pub plugin: Option<String>,

    /// Sample where the plugin spends its time, for https://profiler.firefox.com
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,
}

fn rows(text: &str) -> Result<std::ops::Range<usize>, String> {
    let range = text.split_once("..").and_then(|(from, to)| Some(from.trim().parse().ok()?..to.trim().parse().ok()?));
    range.filter(|range| range.start < range.end).ok_or_else(|| "expected FROM..TO, as in 0..3".to_owned())
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("not a whole number".to_owned()),
    }
}

fn field_and_column(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column)) if !field.is_empty() && !column.is_empty() => Ok((field.to_owned(), column.to_owned())),
        _ => Err("expected FIELD=COLUMN, as in response=solution".to_owned()),
    }
}
