//! `octo-host plugin inspect REF`: what a plugin is, what it asks for, and what its config takes.

mod schema;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use octo_plugin::{Described, Host, Limits, find_plugin, for_people, read_plugin};
use serde_json::{Value, json};

use self::schema::Row;
use crate::arguments::PluginInspectArguments;
use crate::json_argument::json_or_file;
use crate::terminal::{grouped, stdout_error};

/// Widest columns of the table of config keys.
const WIDEST: [usize; 4] = [28, 30, 12, 50];
/// Longest cell of that table, in bytes.
const LONGEST_CELL: usize = 2000;

/// Shows a plugin.
pub fn run(arguments: PluginInspectArguments) -> Result<ExitCode> {
    let path = find_plugin(&arguments.plugin)?;
    let bytes = read_plugin(&path)?;
    let limits: Limits = serde_json::from_value(json_or_file(&arguments.limits, "--limits")?)
        .context("--limits doesn't describe limits")?;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let host = Host::new()?;
    let plugin = host.describe(&name, &bytes, &limits)?;
    if let Some(config) = &arguments.config {
        host.load_bytes(&name, &bytes, &json_or_file(config, "--config")?, &limits)?;
    }
    let text = if arguments.json { as_json(&plugin, &limits)? } else { as_text(&plugin, &limits)? };
    std::io::stdout().write_all(text.as_bytes()).map_err(stdout_error)?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(plugin: &Described, limits: &Limits) -> Result<String> {
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

fn as_text(plugin: &Described, limits: &Limits) -> Result<String> {
    let Described { description, metadata, .. } = plugin;
    let mut text = String::new();
    writeln!(text, "{} {}  {}", description.name, description.version, description.summary)?;
    writeln!(text)?;
    writeln!(text, "kind      {}", plugin.kind)?;
    writeln!(text, "contract  octo:plugin@{}", plugin.contract.version())?;
    writeln!(text, "digest    {}", plugin.digest)?;
    writeln!(text, "size      {} bytes", grouped(plugin.bytes))?;
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
    table(&mut text, &schema::rows(&description.config_schema))?;
    writeln!(text)?;
    let whose = if *limits == Limits::default() { "default limits" } else { "limits" };
    writeln!(text, "{whose} (`limits` of the plugin's entry in a recipe, or --limits)")?;
    let (limits, defaults) = (serde_json::to_value(limits)?, serde_json::to_value(Limits::default())?);
    let shown = |value: &Value| value.as_u64().map_or_else(|| value.to_string(), grouped);
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

/// Keys in columns, with long cells on several lines.
fn table(text: &mut String, rows: &[Row]) -> std::fmt::Result {
    if rows.is_empty() {
        return writeln!(text, "config    takes no keys");
    }
    let heads = ["config key", "takes", "default", "meaning"];
    // All of it is the plugin's text.
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|row| [&row.key, &row.takes, &row.default, &row.meaning].map(|cell| for_people(cell, LONGEST_CELL)))
        .collect();
    let heads = heads.map(str::to_owned);
    let mut widths = [0; 4];
    for row in std::iter::once(&heads).chain(&cells) {
        for ((cell, width), widest) in row.iter().zip(&mut widths).zip(WIDEST) {
            *width = (*width).max(cell.chars().count().min(widest));
        }
    }
    for row in std::iter::once(&heads).chain(&cells) {
        let columns: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrapped(cell, width)).collect();
        for line in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
            let mut written = String::new();
            for (column, width) in columns.iter().zip(widths) {
                write!(written, "{:<width$}  ", column.get(line).map_or("", String::as_str))?;
            }
            writeln!(text, "{}", written.trim_end())?;
        }
    }
    Ok(())
}

/// The words of `cell` in lines of at most `width` characters; a longer word has a line of its own.
fn wrapped(cell: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in cell.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
