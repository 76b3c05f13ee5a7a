//! `octo-host plugin inspect REF`: what a plugin is, what it asks for, and what its config takes.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use octo_plugin::{Host, Inspection, Limits, find_plugin, read_plugin};
use serde_json::{Value, json};

use crate::arguments::PluginInspectArguments;
use crate::json_argument::json_or_file;
use crate::key_rows;
use crate::key_table;
use crate::terminal;
use octo_run::figures::human_count;

/// Shows a plugin.
pub fn run(arguments: PluginInspectArguments) -> Result<ExitCode> {
    let path = find_plugin(&arguments.plugin)?;
    let bytes = read_plugin(&path)?;
    let limits: Limits = serde_json::from_value(json_or_file(&arguments.limits, "--limits")?)
        .context("--limits doesn't describe limits")?;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let host = Host::new()?;
    let plugin = host.inspect(&name, &bytes, &limits)?;
    if let Some(config) = &arguments.config {
        host.load_bytes(&name, &bytes, &json_or_file(config, "--config")?, &limits)?;
    }
    if arguments.json {
        terminal::print_data(&as_json(&plugin, &limits)?)?;
    } else {
        terminal::print(&as_text(&plugin, &limits)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(plugin: &Inspection, limits: &Limits) -> Result<String> {
    let object = json!({
        "name": plugin.description.name,
        "version": plugin.description.version,
        "summary": plugin.description.summary,
        "kind": plugin.kind.as_str(),
        "contract": plugin.contract.version().to_string(),
        "digest": plugin.digest,
        "bytes": plugin.bytes,
        "license": plugin.metadata.license,
        "authors": plugin.metadata.authors,
        "description": plugin.metadata.description,
        "repository": plugin.metadata.repository,
        "imports": plugin.imports,
        "exports": plugin.exports,
        "config_schema": plugin.description.config_schema,
        "limits": limits,
        "default_limits": Limits::default(),
    });
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}

fn as_text(plugin: &Inspection, limits: &Limits) -> Result<String> {
    let Inspection { description, metadata, .. } = plugin;
    let mut text = String::new();
    writeln!(text, "{} {}  {}", description.name, description.version, description.summary)?;
    writeln!(text)?;
    writeln!(text, "kind      {}", plugin.kind)?;
    writeln!(text, "contract  octo:plugin@{}", plugin.contract.version())?;
    writeln!(text, "digest    {}", plugin.digest)?;
    writeln!(text, "size      {} bytes", human_count(plugin.bytes))?;
    writeln!(text, "licence   {}", metadata.license.as_deref().unwrap_or("not stated"))?;
    writeln!(text, "authors   {}", metadata.authors.as_deref().unwrap_or("not stated"))?;
    if let Some(repository) = &metadata.repository {
        writeln!(text, "source    {repository}")?;
    }
    // Nearly always the summary over again.
    if let Some(about) = metadata.description.as_ref().filter(|about| **about != description.summary) {
        writeln!(text, "about     {about}")?;
    }
    list(&mut text, "imports", &plugin.imports)?;
    list(&mut text, "exports", &plugin.exports)?;
    writeln!(text)?;
    match key_rows::rows(&description.config_schema) {
        none if none.is_empty() => writeln!(text, "config    takes no keys")?,
        rows => key_table::write(&mut text, "config key", &rows)?,
    }
    writeln!(text)?;
    let whose = if *limits == Limits::default() { "default limits" } else { "limits" };
    writeln!(text, "{whose} (`limits` of the plugin's entry in a recipe, or --limits)")?;
    let (limits, defaults) = (serde_json::to_value(limits)?, serde_json::to_value(Limits::default())?);
    let shown = |value: &Value| value.as_u64().map_or_else(|| value.to_string(), human_count);
    for (name, value) in limits.as_object().into_iter().flatten() {
        write!(text, "  {name:<22} {:>13}", shown(value))?;
        match &defaults[name] {
            default if default == value => writeln!(text)?,
            default => writeln!(text, "  (default {})", shown(default))?,
        }
    }
    Ok(text)
}

fn list(text: &mut String, label: &str, names: &[String]) -> std::fmt::Result {
    let mut label = label;
    if names.is_empty() {
        writeln!(text, "{label:<8}  nothing")?;
    }
    for name in names {
        writeln!(text, "{label:<8}  {name}")?;
        label = "";
    }
    Ok(())
}
