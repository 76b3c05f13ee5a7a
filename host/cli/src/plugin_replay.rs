//! `octo-host plugin replay FILE`: a failed item again, alone, with all that can be said about it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use octo_plugin::types::{Decision, FinishReason, Outcome};
use octo_plugin::{
    Answer, Case, ENGINE_VERSION, Failure, Host, Limits, Record, Replayed, find_plugin, for_people, read_plugin, replay,
};

use crate::arguments::PluginReplayArguments;
use crate::guest_profile::GuestProfile;
use crate::terminal::{self, Terminal};
use crate::threads;
use octo_run::figures::human_count;

/// Longest text of a case or a plugin that is shown, in bytes.
const LONGEST: usize = 400;
/// Places in the plugin that are shown.
const MOST_FRAMES: usize = 20;

/// Runs a case, and says whether it came out as it was saved.
pub fn run(arguments: PluginReplayArguments) -> Result<ExitCode> {
    let case = Case::read(&arguments.case)?;
    let path = plugin_of(&case, arguments.plugin.as_deref())?;
    let bytes = read_plugin(&path)?;
    let profile = arguments.profile.as_deref().map(GuestProfile::start).transpose()?;
    if profile.is_none() {
        threads::start(None)?;
    }
    let mut host = Host::new()?.with_source_lines()?;
    if let Some(profile) = &profile {
        host = profile.watch(host)?;
    }
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let replayed = replay(&host, &name, &bytes, &case)?;
    terminal::print(&text(&case, &replayed)?)?;
    if let Some(profile) = profile {
        profile.finish(&Terminal::stderr())?;
    }
    Ok(if replayed.is_as_saved(&case) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The plugin that is named, or the one of the case.
fn plugin_of(case: &Case, named: Option<&str>) -> Result<PathBuf> {
    match named {
        Some(reference) => Ok(find_plugin(reference)?),
        None if case.plugin.is_file() => Ok(case.plugin.clone()),
        None => bail!(
            "the plugin of the case, {}, is not there any more; name it with --plugin",
            clean(&case.plugin.to_string_lossy())
        ),
    }
}

fn text(case: &Case, replayed: &Replayed) -> Result<String> {
    let Replayed { description, digest, answer, fuel, log, log_cut, .. } = replayed;
    let mut text = String::new();
    writeln!(text, "plugin    {} {}, a {}", description.name, description.version, case.record.kind())?;
    if *digest == case.digest {
        writeln!(text, "digest    {digest}, the one that was saved")?;
    } else {
        writeln!(text, "digest    {digest}")?;
        writeln!(text, "          ANOTHER PLUGIN than the one that was saved: {}", clean(&case.digest))?;
    }
    let contract = replayed.contract.version().to_string();
    if contract != case.contract {
        writeln!(text, "contract  octo:plugin@{contract}; saved with {}", clean(&case.contract))?;
    }
    if case.engine != ENGINE_VERSION {
        let saved = clean(&case.engine);
        writeln!(text, "engine    {ENGINE_VERSION}; saved with {saved}, where fuel may be counted differently")?;
    }
    writeln!(text, "item      {}", item(case))?;
    if let Some(limits) = unusual(&case.limits)? {
        writeln!(text, "limits    {limits}; the others are the defaults")?;
    }
    match answer {
        Err(failure) => writeln!(text, "result    {}", clean(&failure.to_string()))?,
        Ok(answer) => writeln!(text, "result    {}", in_words(answer))?,
    }
    writeln!(text, "          {}", comparison(case, replayed))?;
    if !replayed.is_as_saved(case) {
        writeln!(text, "saved     {}", clean(&case.failure.to_string()))?;
    }
    match fuel {
        Some(fuel) => writeln!(text, "fuel      {} of {}", human_count(fuel.used), human_count(fuel.given))?,
        None => writeln!(text, "fuel      none: it failed before the item was handed over")?,
    }
    let mut label = "log";
    for line in log {
        writeln!(text, "{label:<8}  {:<5}  {}", line.level, line.text)?;
        label = "";
    }
    if *log_cut {
        let limit = human_count(case.limits.log_bytes);
        writeln!(text, "{label:<8}  (more was written than is kept; `log_bytes` is {limit})")?;
    } else if log.is_empty() {
        writeln!(text, "log       nothing")?;
    }
    places(&mut text, replayed)?;
    Ok(text)
}

/// The limits of the case that are not the defaults.
fn unusual(limits: &Limits) -> Result<Option<String>> {
    let (limits, defaults) = (serde_json::to_value(limits)?, serde_json::to_value(Limits::default())?);
    let limits = limits.as_object().into_iter().flatten().filter(|(name, value)| defaults[*name] != **value);
    let limits: Vec<String> = limits.map(|(name, value)| format!("{name} {value}")).collect();
    Ok(Some(limits.join(", ")).filter(|limits| !limits.is_empty()))
}

fn comparison(case: &Case, replayed: &Replayed) -> String {
    match &replayed.answer {
        _ if replayed.is_as_saved(case) => "the same as saved".to_owned(),
        Ok(_) => "different: it does not fail any more".to_owned(),
        Err(Failure { kind, .. }) if *kind == case.failure.kind => {
            "different: the same kind of failure in other words".to_owned()
        }
        Err(_) => "different: it fails in another way".to_owned(),
    }
}

/// Where the plugin was when it failed, innermost first.
fn places(text: &mut String, replayed: &Replayed) -> Result<()> {
    let own: Vec<_> = replayed.frames.iter().filter(|frame| !frame.is_runtime).collect();
    let frames = if own.is_empty() { replayed.frames.iter().collect() } else { own };
    let widest = frames.iter().filter_map(|frame| Some(frame.source.as_ref()?.chars().count())).max();
    let mut label = "where";
    for frame in frames.iter().take(MOST_FRAMES) {
        let source = frame.source.as_deref().unwrap_or_default();
        // Paths are short and of like length; names are neither.
        let source = widest.map(|widest| format!("{source:<widest$}  ")).unwrap_or_default();
        writeln!(text, "{label:<8}  {source}{}", frame.function)?;
        label = "";
    }
    if !frames.is_empty() && widest.is_none() {
        writeln!(
            text,
            "          (no source lines: `octo-host plugin build --debug-info` builds a plugin that has them, for --plugin)"
        )?;
    }
    Ok(())
}

/// Which item it is, and where it came from.
fn item(case: &Case) -> String {
    let what = match &case.record {
        Record::Verifier(attempt) => format!("attempt, response {:?}", start(&attempt.response)),
        Record::Reward { rollouts, failed, .. } => {
            let cut = rollouts.get(*failed).is_some_and(|rollout| rollout.finish == FinishReason::Length);
            let cut = if cut { ", cut at its length" } else { "" };
            format!("rollout {} of a group of {}{cut}", failed + 1, rollouts.len())
        }
        Record::Filter(document) => format!("document {:?}, text {:?}", start(&document.id), start(&document.text)),
        Record::Annotator { document, reply: None } => {
            format!("asking about document {:?}, text {:?}", start(&document.id), start(&document.text))
        }
        Record::Annotator { document, reply: Some(reply) } => {
            let cut = if reply.finish == FinishReason::Length { ", cut at its length" } else { "" };
            format!("document {:?}, reply {:?}{cut}", start(&document.id), start(&reply.text))
        }
        Record::Mixture { memory, at, sources } => {
            format!("step {} with {} sources, {}", at.step, sources.len(), remembered(memory.0.as_deref()))
        }
        Record::Schedule { memory, at } => format!("step {}, {}", at.step, remembered(memory.0.as_deref())),
    };
    match &case.origin {
        Some(origin) => {
            let id = origin.id.as_ref().map(|id| format!(" (id {})", start(&id.to_string()))).unwrap_or_default();
            let input = clean(&origin.input);
            match origin.line {
                Some(line) => format!("{what}; line {line}{id} of {input}"),
                None => format!("{what}; {input}{id}"),
            }
        }
        None => what,
    }
}

fn remembered(memory: Option<&[u8]>) -> String {
    memory.map_or_else(
        || "the first call".to_owned(),
        |memory| format!("{} bytes of memory", human_count(memory.len() as u64)),
    )
}

fn in_words(answer: &Answer) -> String {
    match answer {
        Answer::Verdict(verdict) => {
            let outcome = match verdict.outcome {
                Outcome::Correct => "correct",
                Outcome::Incorrect => "incorrect",
                Outcome::NoAnswer => "no answer",
                Outcome::Unparsable => "unparsable",
            };
            let extracted = verdict.extracted.as_deref().map(|text| format!(" {:?}", start(text))).unwrap_or_default();
            format!("{outcome}{extracted}: {}", clean(&verdict.reason))
        }
        Answer::Reward(reward) => {
            let parts: Vec<String> =
                reward.parts.iter().map(|part| format!("{} {}", clean(&part.name), part.value)).collect();
            clean(&format!("reward {} ({})", reward.total, parts.join(", ")))
        }
        Answer::Decision(decision) => match decision {
            Decision::Keep => "keep".to_owned(),
            Decision::Annotate(fields) => format!("annotate with {} fields", fields.len()),
            Decision::Rewrite(to) => format!("rewrite to {} bytes", human_count(to.text.len() as u64)),
            Decision::Drop(reason) => format!("drop: {}", clean(reason)),
        },
        Answer::Request(None) => "nothing to ask".to_owned(),
        Answer::Request(Some(request)) => {
            let bytes: usize = request.messages.iter().map(|message| message.content.len()).sum();
            format!(
                "asks with {} messages of {} bytes for up to {} tokens, temperature {}, top-p {}",
                request.messages.len(),
                human_count(bytes as u64),
                human_count(request.max_tokens.into()),
                request.temperature,
                request.top_p
            )
        }
        Answer::Shares(shares) => clean(&format!("shares {shares:?}")),
        Answer::Plan(plan) => format!(
            "up to {} tokens, temperature {}, top-p {}",
            human_count(plan.max_response_tokens.into()),
            plan.temperature,
            plan.top_p
        ),
    }
}

/// The start of a text, to know it by.
fn start(text: &str) -> String {
    for_people(text, 60)
}

fn clean(text: &str) -> String {
    for_people(text, LONGEST)
}
