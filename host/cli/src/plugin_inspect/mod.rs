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

/// Widest column of the table of config keys.
const WIDEST: usize = 36;

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

/// Keys in columns; a cell that would push the others off the screen ends its line.
fn table(text: &mut String, rows: &[Row]) -> std::fmt::Result {
    if rows.is_empty() {
        return writeln!(text, "config    takes no keys");
    }
    let width = |cell: fn(&Row) -> &str, title: &str| {
        rows.iter().map(|row| cell(row).chars().count()).chain([title.len()]).max().unwrap_or(0).min(WIDEST)
    };
    let (keys, takes) = (width(|row| &row.key, "config key"), width(|row| &row.takes, "takes"));
    let defaults = width(|row| &row.default, "default");
    writeln!(text, "{:<keys$}  {:<takes$}  {:<defaults$}  meaning", "config key", "takes", "default")?;
    for row in rows {
        let line = format!("{:<keys$}  {:<takes$}  {:<defaults$}  {}", row.key, row.takes, row.default, row.meaning);
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(())
}
