//! `octo-host --plugin REF [FILE]`: one record per line in, one result per line out.
//!
//! This file loads the plugins and hands the session to the kind of the first one. A record goes through these:
//!
//! | file | what it does |
//! |---|---|
//! | `chunks.rs` | reads rows ahead, in chunks that end at the same places on every machine, and writes results in order |
//! | `columns.rs` | maps a record's columns to what the plugin needs (`--map`, `--fields`) |
//! | `verdicts.rs` | verifiers: attempts to verdicts |
//! | `out_file.rs` | the file of `--out`, which resumes |
//! | `problems.rs` | several attempts at a problem: pass@k and maj@k |
//! | `breakdown.rs` | accuracy by column (`--by`) |
//! | `rollouts.rs` | rewards: rollouts to rewards, judged first where `--verifier` asks for it |
//! | `documents.rs` | filters: documents to decisions |
//! | `annotations.rs` | annotators: documents to requests, and with replies to decisions |
//! | `policies.rs` | mixtures and schedules: the progress of a run to weights or a step's plan |
//! | `failures.rs` | keeps failed items as cases (`--save-failures`) |
//! | `summary.rs` | counts what came out, on standard error at the end |

mod annotations;
mod breakdown;
mod chunks;
mod columns;
mod documents;
mod failures;
mod out_file;
mod policies;
mod problems;
mod rollouts;
mod summary;
mod verdicts;

use std::io::{BufWriter, Stdout, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, anyhow, bail};
use octo_data::digest;
use octo_data::row::Row;
use octo_data::rows::Wanted;
use octo_data::table::Format;
use octo_plugin::types::{Metric, Progress};
use octo_plugin::{
    CaseSetup, Failure, Host, Limits, LoadedPlugin, RewardFunction, RewardSum, RewardTerm, Verifier, find_plugin,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::chunks::Input;
use self::columns::{Columns, kind};
use self::failures::Failures;
use self::out_file::OutFile;
use self::verdicts::Judging;
use crate::arguments::PluginModeArguments;
use crate::guest_profile::GuestProfile;
use crate::json_argument::json_or_file;
use crate::terminal::{self, Terminal, stdout_error};
use crate::threads;
use octo_run::figures::human_count;
use octo_run::recipe::replace::Weighed;

/// Runs the plugin over the records.
pub fn run(arguments: PluginModeArguments) -> Result<ExitCode> {
    // A profile wants one thread, and starts it itself.
    if arguments.threads.is_some() || arguments.profile.is_none() {
        threads::start(arguments.threads)?;
    }
    let mut host = Host::new()?;
    let profile = arguments.profile.as_deref().map(GuestProfile::start).transpose()?;
    if let Some(profile) = &profile {
        host = profile.watch(host)?;
    }
    let limits: Limits = serde_json::from_value(json_or_file(&arguments.limits, "--limits")?)
        .context("--limits doesn't describe limits")?;
    let mut named = named_plugins(&arguments)?.into_iter();
    let first = named.next().context("--plugin names no plugin")?;
    let path = find_plugin(&first.of.reference)?;
    let plugin = host.load(&path, &first.config, &limits)?;
    for_verifiers_only(&arguments, &plugin)?;
    let session = Session::open(&arguments, &plugin, setup(&path, &plugin, &first.config, &limits)?)?;
    let out = open_out(&arguments, &plugin, &first.config, &limits, &session.input)?;
    let mut added = Vec::new();
    for next in named {
        let path = find_plugin(&next.of.reference)?;
        let plugin = host.load(&path, &next.config, &limits)?;
        let failures = session.failures.of(setup(&path, &plugin, &next.config, &limits)?);
        added.push((next.of, plugin, failures));
    }
    let sums = !added.is_empty() || first.of.weight.is_some();
    if sums && let Some(other) = added.iter().map(|(_, plugin, _)| plugin).chain([&plugin]).find(|p| !is_reward(p)) {
        let (name, kind) = (&other.description().name, other.kind().as_str());
        return Err(anyhow!("only rewards add up and have weights; {name} is a {kind}"));
    }
    let verifier = match &arguments.verifier {
        None => None,
        Some(_) if !matches!(plugin, LoadedPlugin::Reward(_)) => {
            return Err(anyhow!("--verifier is for reward plugins; this is a {}", plugin.kind().as_str()));
        }
        Some(reference) => {
            let config = json_or_file(&arguments.verifier_config, "--verifier-config")?;
            let path = find_plugin(reference)?;
            let verifier = host.load(&path, &config, &limits)?;
            let failures = session.failures.of(setup(&path, &verifier, &config, &limits)?);
            Some(Judge { verifier: verifier.into_verifier()?, failures })
        }
    };

    let terminal = session.terminal.clone();
    let passed = match plugin {
        LoadedPlugin::Verifier(plugin) => verdicts::run(plugin, session, Judging::new(&arguments, out)),
        LoadedPlugin::Reward(plugin) if !sums => rollouts::run(plugin.into(), Vec::new(), verifier, session),
        LoadedPlugin::Reward(plugin) => {
            let mut terms = vec![term(first.of, plugin)];
            let mut failures = Vec::new();
            for (of, plugin, own) in added {
                terms.push(term(of, plugin.into_reward()?));
                failures.push(own);
            }
            let sum = RewardSum::new(terms).map_err(|message| anyhow!("--plugin: {message}"))?;
            rollouts::run(sum, failures, verifier, session)
        }
        LoadedPlugin::Filter(plugin) => documents::run(plugin, session),
        LoadedPlugin::Annotator(plugin) => annotations::run(plugin, session),
        LoadedPlugin::Mixture(plugin) => policies::run_mixture(plugin, session),
        LoadedPlugin::Schedule(plugin) => policies::run_schedule(plugin, session),
    };
    if let Some(Stopped { rows }) = passed.as_ref().err().and_then(|error| error.downcast_ref::<Stopped>()) {
        let resumes = if arguments.out.is_some() { "; the same command resumes" } else { "" };
        terminal.say(format_args!("stopped after {} rows{resumes}", human_count(*rows)));
        return Ok(terminal::stopped());
    }
    let summary = passed?;
    let code = summary.report(arguments.summary);
    if let Some(profile) = profile {
        profile.finish(&terminal)?;
    }
    Ok(code)
}

/// Refuses the flags that only mean something for verdicts.
fn for_verifiers_only(arguments: &PluginModeArguments, plugin: &LoadedPlugin) -> Result<()> {
    let given = [
        ("--out", arguments.out.is_some()),
        ("--join", arguments.join.is_some()),
        ("--by", !arguments.by.is_empty()),
        ("--group", arguments.group.is_some()),
        ("--at", !arguments.at.is_empty()),
        ("--problems", arguments.problems.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) if !matches!(plugin, LoadedPlugin::Verifier(_)) => {
            Err(anyhow!("{flag} is for verifiers; this is a {}", plugin.kind().as_str()))
        }
        _ => Ok(()),
    }
}

/// The file of `--out`, begun or resumed; the other files that are written at the end have names that can be written to.
fn open_out(
    arguments: &PluginModeArguments,
    plugin: &LoadedPlugin,
    config: &Value,
    limits: &Limits,
    input: &Input,
) -> Result<Option<OutFile>> {
    if let Some(problems) = &arguments.problems {
        Format::of(problems).map_err(|error| anyhow!("--problems: {error}"))?;
        if Some(problems) == arguments.out.as_ref() {
            bail!("--out and --problems both name {}; give each a file of its own", problems.display());
        }
    }
    let Some(out) = &arguments.out else { return Ok(None) };
    let mut settings = Map::new();
    settings.insert("the version of octo-host".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    settings.insert("the plugin".to_owned(), json!(plugin.digest()));
    settings.insert("--config".to_owned(), config.clone());
    settings.insert("--limits".to_owned(), serde_json::to_value(limits)?);
    settings.insert("--map".to_owned(), json!(arguments.map));
    settings.insert("--fields".to_owned(), json!(arguments.fields));
    settings.insert("--join".to_owned(), json!(arguments.join));
    // So that a file that was changed is known before anything is judged; what comes through a pipe is known by its rows.
    settings.insert("the input".to_owned(), json!(digest::of_files(&input.files)?));
    OutFile::open(out, &settings, arguments.join.as_deref()).map(Some)
}

/// A signal has ended the pass.
#[derive(Debug, thiserror::Error)]
#[error("stopped after {rows} rows")]
struct Stopped {
    /// Rows that were worked on.
    rows: u64,
}

/// A plugin of the command line and its config.
struct Named {
    of: Weighed,
    config: Value,
}

/// The plugins in order, each with the `--config` of its place.
fn named_plugins(arguments: &PluginModeArguments) -> Result<Vec<Named>> {
    let (plugins, configs) = (&arguments.plugin, &arguments.config);
    if configs.len() > plugins.len() {
        return Err(anyhow!("there are {} --config for {} --plugin", configs.len(), plugins.len()));
    }
    let configs = configs.iter().map(String::as_str).chain(std::iter::repeat("{}"));
    plugins
        .iter()
        .zip(configs)
        .map(|(plugin, config)| Ok(Named { of: Weighed::parse(plugin)?, config: json_or_file(config, "--config")? }))
        .collect()
}

fn is_reward(plugin: &LoadedPlugin) -> bool {
    matches!(plugin, LoadedPlugin::Reward(_))
}

fn term(of: Weighed, function: RewardFunction) -> RewardTerm {
    RewardTerm { name: of.name(), weight: of.weight.unwrap_or(1.0), function }
}

/// What the cases of a plugin have in common. A case may be run again from another folder, so its path is a whole one.
fn setup(path: &Path, plugin: &LoadedPlugin, config: &Value, limits: &Limits) -> Result<CaseSetup> {
    let path = std::path::absolute(path).with_context(|| format!("could not find {}", path.display()))?;
    Ok(CaseSetup::of(&path, plugin, config, limits))
}

/// The verifier that fills in verdicts, and what it fails on.
struct Judge {
    verifier: Verifier,
    failures: Failures,
}

/// What every kind of plugin needs to go through the input.
struct Session {
    input: Input,
    columns: Columns,
    strict: bool,
    answers: Answers,
    failures: Failures,
    terminal: Terminal,
    /// Raised by Ctrl-C and SIGTERM.
    stop: Arc<AtomicBool>,
}

impl Session {
    fn open(arguments: &PluginModeArguments, plugin: &LoadedPlugin, setup: CaseSetup) -> Result<Session> {
        let known: &[&str] = match plugin {
            LoadedPlugin::Verifier(_) => &verdicts::COLUMNS,
            LoadedPlugin::Reward(_) => &rollouts::COLUMNS,
            LoadedPlugin::Filter(_) => &documents::COLUMNS,
            LoadedPlugin::Annotator(_) => &annotations::COLUMNS,
            LoadedPlugin::Mixture(_) | LoadedPlugin::Schedule(_) => &policies::COLUMNS,
        };
        let columns = Columns::new(&arguments.map, &arguments.fields, known)?;
        // Filters and annotators are given every column of a document.
        let wanted = match plugin {
            LoadedPlugin::Filter(_) | LoadedPlugin::Annotator(_) => Wanted::All,
            LoadedPlugin::Mixture(_) | LoadedPlugin::Schedule(_) => Wanted::All,
            LoadedPlugin::Reward(_) => columns.wanted(known),
            LoadedPlugin::Verifier(_) => match Judging::columns(arguments) {
                Some(more) => {
                    let more: Vec<&str> = more.iter().map(String::as_str).collect();
                    columns.wanted(&[known, more.as_slice()].concat())
                }
                None => Wanted::All,
            },
        };
        let input = Input::open(&arguments.files, &wanted)?;
        let terminal = Terminal::stderr();
        Ok(Session {
            columns,
            failures: Failures::new(arguments.save_failures.as_deref(), setup, &input.name, &terminal),
            input,
            strict: arguments.strict,
            answers: Answers { out: BufWriter::with_capacity(1 << 16, std::io::stdout()) },
            terminal,
            stop: terminal::stop_on_signals()?,
        })
    }
}

/// The answers on stdout.
struct Answers {
    out: BufWriter<Stdout>,
}

impl Answers {
    /// Writes an answer, with the file that its record is from where there are several.
    fn write(&mut self, file: Option<&str>, answer: &impl Serialize) -> Result<()> {
        let line = match file {
            Some(_) => serde_json::to_vec(&InFile { file, answer }),
            None => serde_json::to_vec(answer),
        };
        let mut line = line.context("an answer can't be written as JSON")?;
        line.push(b'\n');
        self.out.write_all(&line).map_err(stdout_error)
    }

    /// Writes whole lines, and hands them on.
    fn write_lines(&mut self, lines: &[u8]) -> Result<()> {
        self.out.write_all(lines).map_err(stdout_error)?;
        self.flush()
    }

    /// Hands on what was written, so that a reader at a pipe sees each chunk as it is done.
    fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(stdout_error)
    }
}

/// An answer under its file.
#[derive(Serialize)]
struct InFile<'a, A> {
    file: Option<&'a str>,
    #[serde(flatten)]
    answer: &'a A,
}

/// The answer for an item on which the plugin failed.
#[derive(Serialize)]
struct Failed<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    failure: &'a str,
    message: &'a str,
}

impl<'a> Failed<'a> {
    fn new(line: u64, id: Option<&'a Value>, failure: &'a Failure) -> Failed<'a> {
        Failed { line, id, failure: failure.kind.as_str(), message: &failure.message }
    }
}

/// The progress that a record states.
fn progress(columns: &Columns, record: &Row) -> Result<Progress, String> {
    let found = record.value_of("metrics")?;
    let metrics = match &found {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(metrics)) => metrics
            .iter()
            .map(|(name, value)| match value.as_f64() {
                Some(value) => Ok(Metric { name: name.clone(), value }),
                None => Err(format!("metric `{name}` is {}, not a number", kind(value))),
            })
            .collect::<Result<_, _>>()?,
        Some(other) => return Err(format!("`metrics` is {}, not an object of numbers", kind(other))),
    };
    Ok(Progress {
        stage: columns.text(record, "stage")?.unwrap_or_else(|| "plugin".to_owned()),
        step: columns.number(record, "step", 0)?,
        total_steps: columns.number(record, "total_steps", 0)?,
        tokens: columns.number(record, "tokens", 0)?,
        total_tokens: columns.number(record, "total_tokens", 0)?,
        metrics,
    })
}
