//! Recipes: a TOML file that names plugins by role and stages as a graph.
//!
//! A recipe is read in steps, one file each: [`text`] reads the TOML and applies `--set` and `--plugin` ([`replace`]),
//! [`expand`] turns a stage with `each` into one stage per value, [`origins`] remembers where every value came from,
//! [`table`] turns tables into typed values, [`stage`] has what all kinds of stage share, [`source`] says what an
//! input refers to, and [`problems`] and [`values`] read what several kinds have in common. What a stage's own keys mean is its kind's ([`crate::kind`]).

mod expand;
mod origins;
pub mod problems;
pub mod replace;
pub mod source;
pub mod stage;
mod table;
mod text;
pub mod values;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use octo_plugin::Limits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::stage::Stage;
use self::table::TableReader;
use self::text::RecipeText;
use crate::kind::Kinds;

/// One recipe, resolved: overrides applied, stages expanded, every key known.
pub struct Recipe {
    /// Its name, which is that of its run folder.
    pub name: String,
    /// Seed of every stage that has none of its own.
    pub seed: u64,
    /// Plugins by role.
    pub plugins: BTreeMap<String, PluginEntry>,
    /// In the order of the file.
    pub stages: Vec<Stage>,
    /// The resolved recipe as TOML, for the run folder.
    pub resolved: String,
    text: RecipeText,
}

impl Recipe {
    /// `recipes/demo.toml:31: stages.base.tokens`: where a stage's key stands or should stand; an empty `key` is the stage.
    pub fn place(&self, stage: &str, key: &str) -> String {
        self.text.place(&self.text.path_of(&["stages".to_owned(), stage.to_owned()], key))
    }
}

/// A plugin as the recipe names it.
#[derive(Clone, Debug, Serialize)]
pub struct PluginEntry {
    /// A path or a bare name.
    pub reference: String,
    /// Config object; the host checks it against the plugin's schema.
    pub config: serde_json::Value,
    /// What the plugin may use.
    pub limits: Limits,
}

/// The keys of a recipe.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipeKeys {
    /// Name of the run's folder: letters, digits, '-', '_' and '.'. The file's name without `.toml` where it is not given.
    name: Option<String>,
    /// Seed of all random choices.
    #[serde(default)]
    seed: u64,
    /// Plugins by role: a name or path, or a table with `plugin`, `config` and `limits`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    plugins: toml::Table,
    /// Stages by name: a table with `kind` and the keys of that kind.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    stages: toml::Table,
}

/// The keys of a plugin's entry, where it is a table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PluginKeys {
    /// Path of a component, relative to the recipe, or the name of an installed plugin.
    plugin: String,
    /// The plugin's config, checked against its own schema; `octo-host plugin inspect` shows its keys.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    config: toml::Table,
    /// What the plugin may use.
    #[serde(default)]
    limits: Limits,
}

/// Reads a recipe file, with the command line's overrides, whose stages are of `kinds`.
///
/// # Errors
/// What is wrong, with the file and line, or the flag, that it stands in.
pub fn load(path: &Path, set: &[String], plugin: &[String], kinds: &Kinds) -> Result<Recipe> {
    let text = RecipeText::read(path, set, plugin)?;
    let keys: RecipeKeys = TableReader::new(&text, &[], text.root.clone()).rest()?;
    let name = match keys.name {
        Some(name) => name,
        None => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    if !expand::names_a_folder(&name) {
        bail!("{}: name = {name:?} can't name a folder; use letters, digits, '-', '_' and '.'", path.display());
    }
    let plugins = keys
        .plugins
        .into_iter()
        .map(|(role, value)| Ok((role.clone(), plugin_entry(&text, &role, value)?)))
        .collect::<Result<BTreeMap<_, _>>>()?;
    let stages = keys
        .stages
        .into_iter()
        .map(|(name, table)| Stage::read(&text, kinds, keys.seed, &name, table, &plugins))
        .collect::<Result<Vec<_>>>()?;
    if stages.is_empty() {
        bail!("{}: the recipe has no stages; add at least one [stages.NAME] table with a `kind`", path.display());
    }
    let resolved = toml::to_string(&text.root).context("could not write the resolved recipe")?;
    Ok(Recipe { name, seed: keys.seed, plugins, stages, resolved, text })
}

fn plugin_entry(text: &RecipeText, role: &str, value: toml::Value) -> Result<PluginEntry> {
    let mut entry = match value {
        toml::Value::String(reference) => {
            PluginEntry { reference, config: serde_json::json!({}), limits: Limits::default() }
        }
        toml::Value::Table(table) => {
            let keys: PluginKeys = TableReader::new(text, &["plugins", role], table).rest()?;
            PluginEntry { reference: keys.plugin, config: serde_json::to_value(keys.config)?, limits: keys.limits }
        }
        _ => bail!(
            "{}: a plugin is a name, or a table with `plugin`, `config` and `limits`",
            text.place(&["plugins", role])
        ),
    };
    // A path in a recipe is relative to the recipe, so that a recipe folder can be moved; a bare name is looked up.
    if entry.reference.contains('/') {
        let path = text.folder().join(&entry.reference);
        if path.exists() {
            entry.reference = path.to_string_lossy().into_owned();
        }
    }
    Ok(entry)
}
