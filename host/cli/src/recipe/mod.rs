//! Recipes: a TOML file that names plugins by role and stages as a graph.
//!
//! A recipe is read in four steps, one file each: [`text`] reads the TOML and applies `--set` and `--plugin`,
//! [`expand`] turns a stage with `each` into one stage a value, [`stage`] gives every stage its typed
//! configuration, and [`source`] says what an input refers to.

pub mod expand;
pub mod keys;
#[cfg(feature = "train")]
pub mod prompts;
pub mod replace;
#[cfg(feature = "train")]
pub mod rewards;
pub mod source;
pub mod stage;
pub mod text;
mod tokenizing;
#[cfg(feature = "train")]
pub mod training;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use octo_plugin::Limits;
use serde::Serialize;

use self::keys::Keys;
use self::stage::Stage;
use self::text::RecipeText;

/// One recipe, resolved: overrides applied, stages expanded, every key known.
pub struct Recipe {
    pub name: String,
    pub seed: u64,
    /// Plugins by role.
    pub plugins: BTreeMap<String, PluginEntry>,
    /// In the order of the file.
    pub stages: Vec<Stage>,
    /// The resolved recipe as TOML, for the run folder.
    pub resolved: String,
}

/// A plugin as the recipe names it.
#[derive(Clone, Debug, Serialize)]
pub struct PluginEntry {
    /// A path or a bare name.
    pub reference: String,
    /// Config object; the host checks it against the plugin's schema.
    pub config: serde_json::Value,
    pub limits: Limits,
}

/// Reads a recipe file, with the command line's overrides.
pub fn load(path: &Path, set: &[String], plugin: &[String]) -> Result<Recipe> {
    let text = RecipeText::read(path, set, plugin)?;
    let mut root = Keys::new(&text, "", text.root.clone());
    let name = match root.take_string("name")? {
        Some(name) => name,
        None => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    if name.is_empty() || name.starts_with('.') || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    {
        bail!("{}: name = {name:?} can't name a folder; use letters, digits, '-', '_' and '.'", path.display());
    }
    let seed = root.take_unsigned("seed")?.unwrap_or(0);
    let plugins = root.take_table("plugins")?.unwrap_or_default();
    let stages = root.take_table("stages")?.unwrap_or_default();
    root.finish()?;

    let folder = path.parent().map(Path::to_path_buf).unwrap_or_else(|| PathBuf::from("."));
    let plugins = plugins
        .into_iter()
        .map(|(role, value)| Ok((role.clone(), plugin_entry(&text, &folder, &role, value)?)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    let stages = stages
        .into_iter()
        .map(|(name, table)| Stage::read(&text, &folder, name, table, &plugins))
        .collect::<Result<Vec<_>>>()?;
    if stages.is_empty() {
        bail!("{}: the recipe has no stages; add at least one [stages.NAME] table with a `kind`", path.display());
    }
    let resolved = toml::to_string(&text.root).context("could not write the resolved recipe")?;
    Ok(Recipe { name, seed, plugins, stages, resolved })
}

fn plugin_entry(text: &RecipeText, folder: &Path, role: &str, value: toml::Value) -> Result<PluginEntry> {
    let mut entry = match value {
        toml::Value::String(reference) => {
            PluginEntry { reference, config: serde_json::json!({}), limits: Limits::default() }
        }
        toml::Value::Table(table) => {
            let mut keys = Keys::new(text, &format!("plugins.{role}"), table);
            let reference = keys.require_string("plugin")?;
            let config = keys.take_table("config")?.unwrap_or_default();
            let limits = keys.take_table("limits")?;
            let limits = match limits {
                None => Limits::default(),
                Some(table) => Keys::new(text, &format!("plugins.{role}.limits"), table).into_config()?,
            };
            keys.finish()?;
            PluginEntry { reference, config: serde_json::to_value(config)?, limits }
        }
        _ => bail!(
            "{}: a plugin is a name, or a table with `plugin`, `config` and `limits`",
            text.place("plugins", role)
        ),
    };
    // A path in a recipe is relative to the recipe, so that a recipe folder can be moved; a bare name is looked up.
    if entry.reference.contains('/') {
        let path = folder.join(&entry.reference);
        if path.exists() {
            entry.reference = path.to_string_lossy().into_owned();
        }
    }
    Ok(entry)
}
