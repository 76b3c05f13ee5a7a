//! `octo-host plugin inspect REF`: what a plugin is, what it asks for, and what its config takes.

mod schema;
mod surface;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use octo_plugin::{Description, Host, Kind, Limits, LoadError, find_plugin};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::schema::Row;
use self::surface::Surface;
use crate::arguments::PluginInspectArguments;
use crate::json_argument::json_or_file;
use crate::terminal::{grouped, stdout_error};

/// Widest columns of the table of config keys.
const WIDEST: [usize; 4] = [28, 30, 12, 50];

/// Shows a plugin.
pub fn run(arguments: PluginInspectArguments) -> Result<ExitCode> {
    let path = find_plugin(&arguments.plugin)?;
    let bytes = std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?;
    let config = json_or_file(&arguments.config, "--config")?;
    let plugin = inspect(&Host::new()?, &path.display().to_string(), &bytes, &config)?;
    let text = if arguments.json { plugin.json()? } else { plugin.text(&path)? };
    std::io::stdout().write_all(text.as_bytes()).map_err(stdout_error)?;
    Ok(ExitCode::SUCCESS)
}

/// A component that the host takes, and all that can be said of it.
pub struct Inspected {
    pub kind: Kind,
    pub contract: String,
    pub digest: String,
    pub bytes: usize,
    surface: Surface,
    /// What the plugin says about itself, or why it could not be asked: the runtime describes a plugin only together
    /// with a config that the plugin accepts.
    pub description: Result<Description, String>,
}

/// Loads a component and collects what there is to say about it. `name` is for error messages.
pub fn inspect(host: &Host, name: &str, bytes: &[u8], config: &Value) -> Result<Inspected> {
    let description = match host.load_bytes(name, bytes, config, &Limits::default()) {
        Ok(plugin) => Ok(plugin.description().clone()),
        // Everything but the config was checked before it, so it is a plugin.
        Err(LoadError::Config { problem, .. }) => Err(problem),
        Err(error) => return Err(error.into()),
    };
    let surface = Surface::read(bytes)?;
    let (kind, contract) = surface.kind().ok_or_else(|| anyhow!("{name} exports no interface of octo:plugin"))?;
    let digest = Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |digits, byte| format!("{digits}{byte:02x}"));
    Ok(Inspected { kind, contract, digest, bytes: bytes.len(), surface, description })
}

impl Inspected {
    fn json(&self) -> Result<String> {
        let (name, version, summary, schema) = match &self.description {
            Ok(it) => (Some(&it.name), Some(&it.version), Some(&it.summary), Some(&it.config_schema)),
            Err(_) => (None, None, None, None),
        };
        let object = json!({
            "name": name,
            "version": version,
            "summary": summary,
            "kind": self.kind.as_str(),
            "contract": self.contract,
            "digest": self.digest,
            "bytes": self.bytes,
            "imports": self.surface.imports,
            "exports": self.surface.exports,
            "config_schema": schema,
            "config_problem": self.description.as_ref().err(),
            "default_limits": serde_json::to_value(Limits::default())?,
        });
        Ok(serde_json::to_string_pretty(&object)? + "\n")
    }

    fn text(&self, path: &Path) -> Result<String> {
        let mut text = String::new();
        match &self.description {
            Ok(it) => writeln!(text, "{} {}  {}", it.name, it.version, it.summary)?,
            Err(_) => writeln!(text, "{}", path.display())?,
        }
        writeln!(text)?;
        writeln!(text, "kind      {}", self.kind)?;
        writeln!(text, "contract  octo:plugin@{}", self.contract)?;
        writeln!(text, "digest    {}", self.digest)?;
        writeln!(text, "size      {} bytes", grouped(self.bytes as u64))?;
        list(&mut text, "imports", &self.surface.imports)?;
        list(&mut text, "exports", &self.surface.exports)?;
        writeln!(text)?;
        match &self.description {
            Ok(description) => table(&mut text, &schema::rows(&description.config_schema))?,
            Err(problem) => {
                writeln!(text, "It takes no config like the one given: {problem}")?;
                writeln!(text, "Give one with --config to see its name, its version and every key.")?;
            }
        }
        writeln!(text)?;
        writeln!(text, "default limits (`limits` of the plugin's entry in a recipe, or --limits)")?;
        if let Value::Object(limits) = serde_json::to_value(Limits::default())? {
            for (name, value) in limits {
                writeln!(text, "  {name:<22} {:>13}", value.as_u64().map_or_else(|| value.to_string(), grouped))?;
            }
        }
        Ok(text)
    }
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
    let cells: Vec<[&str; 4]> = rows
        .iter()
        .map(|row| [row.key.as_str(), row.takes.as_str(), row.default.as_str(), row.meaning.as_str()])
        .collect();
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
