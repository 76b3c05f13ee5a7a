//! One stage of a recipe: what every kind has, and the table that a kind reads its own keys from.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::PluginEntry;
use super::source::Source;
use super::table::TableReader;
use super::text::RecipeText;
use super::values::Texts;
use crate::kind::{Kinds, StageKind};
use crate::nearest;

/// One stage of a recipe.
pub struct Stage {
    /// Its name, which is that of its folder too.
    pub name: String,
    /// The name of its kind.
    pub kind: &'static str,
    /// What its kind has read of it.
    pub work: Box<dyn StageKind>,
    /// Every input with the slot that it fills, in a fixed order.
    pub inputs: Vec<(String, Source)>,
    /// Every plugin role with the slot that it fills, in a fixed order.
    pub plugins: Vec<PluginSlot>,
    /// What the stage computes with besides inputs and plugins: part of its key.
    pub config: Value,
    /// The recipe's seed, or the stage's own.
    pub seed: u64,
}

/// A place for a plugin in a stage.
pub struct PluginSlot {
    /// The key that names the plugin's role: `verifier`, `filters`, ...
    pub slot: &'static str,
    /// The kind of plugin that it takes.
    pub kind: &'static str,
    /// The role in `[plugins]`.
    pub role: String,
    /// Whether it is one of a list under that key.
    pub in_list: bool,
}

/// The keys of every stage, whatever its kind.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommonKeys {
    /// Kind of the stage.
    pub kind: String,
    /// Seed of all random choices of the stage; the recipe's `seed` where it is not given.
    pub seed: Option<u64>,
}

/// A stage's table while its kind reads it: typed keys, and the inputs and plugin roles that they name.
pub struct StageTable<'a> {
    name: &'a str,
    keys: TableReader<'a>,
    text: &'a RecipeText,
    folder: &'a Path,
    plugins: &'a BTreeMap<String, PluginEntry>,
    inputs: Vec<(String, Source)>,
    slots: Vec<PluginSlot>,
}

impl StageTable<'_> {
    /// The stage's name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The recipe's folder, which paths are relative to.
    pub fn folder(&self) -> &Path {
        self.folder
    }

    /// `recipe.toml:12: stages.base.tokens`: where a key stands or should stand.
    pub fn place(&self, key: &str) -> String {
        self.keys.place(key)
    }

    /// Reads the keys that `T` has, and leaves the others.
    ///
    /// # Errors
    /// A key of `T` that is missing or wrong, with its place.
    pub fn part<T: DeserializeOwned + JsonSchema>(&mut self) -> Result<T> {
        self.keys.part()
    }

    /// Reads all keys that are left.
    ///
    /// # Errors
    /// A key that `T` does not have, or one that is missing or wrong, with its place.
    pub fn rest<T: DeserializeOwned + JsonSchema>(&mut self) -> Result<T> {
        self.keys.rest()
    }

    /// Reads a value that was taken from under `key`.
    ///
    /// # Errors
    /// What is wrong with it, with its place.
    pub fn value<T: DeserializeOwned + JsonSchema>(&self, key: &str, value: toml::Value) -> Result<T> {
        self.keys.value(key, value)
    }

    /// Puts what was made of keys that were taken in their place, for [`StageTable::rest`].
    pub fn put(&mut self, key: &str, value: toml::Value) {
        self.keys.put(key, value);
    }

    /// Takes an input under `slot`: `@STAGE/path`, `@STAGE:STEPS`, or a path.
    ///
    /// # Errors
    /// A text that is not an input, with its place.
    pub fn input(&mut self, slot: &str, text: &str) -> Result<()> {
        let source = Source::parse(text, self.folder).map_err(|error| anyhow!("{}: {error}", self.place(slot)))?;
        self.inputs.push((slot.to_owned(), source));
        Ok(())
    }

    /// Takes a list of inputs, which fill the slots `key.0`, `key.1`, ..., and returns these. A path with `*`, `?` or `[`
    /// stands for every file that it matches, by name, as the files are when the recipe is read.
    ///
    /// # Errors
    /// An empty list, a pattern that matches nothing, or a text that is not an input, with its place.
    pub fn inputs(&mut self, key: &str, texts: &Texts) -> Result<Vec<String>> {
        if texts.0.is_empty() {
            bail!("{}: is an empty list; name at least one file", self.place(key));
        }
        let mut slots = Vec::new();
        for (index, text) in texts.0.iter().enumerate() {
            for source in self.files(&format!("{key}.{index}"), text)? {
                let slot = format!("{key}.{}", slots.len());
                self.inputs.push((slot.clone(), source));
                slots.push(slot);
            }
        }
        Ok(slots)
    }

    /// Takes one input under `slot`, or, where the list has several or a pattern stands for several, these under `slot.0`,
    /// `slot.1`, ...; returns the slots.
    ///
    /// # Errors
    /// As [`StageTable::inputs`].
    pub fn one_or_more(&mut self, slot: &str, texts: &Texts) -> Result<Vec<String>> {
        if let [only] = &texts.0[..]
            && let [source] = &self.files(slot, only)?[..]
        {
            self.inputs.push((slot.to_owned(), source.clone()));
            return Ok(vec![slot.to_owned()]);
        }
        self.inputs(slot, texts)
    }

    fn files(&self, place: &str, text: &str) -> Result<Vec<Source>> {
        let wrong = |error: &dyn std::fmt::Display| anyhow!("{}: {error}", self.place(place));
        Ok(match Source::parse(text, self.folder).map_err(|error| wrong(&error))? {
            Source::File(path) => {
                let files = octo_data::rows::files::expand(&path).map_err(|error| wrong(&error))?;
                files.into_iter().map(Source::File).collect()
            }
            stage => vec![stage],
        })
    }

    /// Takes the plugin role under `slot`, which must be in `[plugins]` and name a plugin of the kind that is called so too.
    ///
    /// # Errors
    /// A role that is not there, with its place and the nearest that is.
    pub fn role(&mut self, slot: &'static str, role: &str) -> Result<()> {
        self.plugin_slot(PluginSlot { slot, kind: slot, role: role.to_owned(), in_list: false })
    }

    /// Takes a list of plugin roles of a `kind` under `slot`.
    ///
    /// # Errors
    /// A role that is not there, with its place and the nearest that is.
    pub fn roles(&mut self, slot: &'static str, kind: &'static str, roles: &Texts) -> Result<()> {
        let slots = roles.0.iter().map(|role| PluginSlot { slot, kind, role: role.clone(), in_list: true });
        slots.into_iter().try_for_each(|slot| self.plugin_slot(slot))
    }

    fn plugin_slot(&mut self, new: PluginSlot) -> Result<()> {
        let PluginSlot { slot, kind, role, .. } = &new;
        if *kind != "reward" && self.text.summed_roles.contains(role) {
            let name = self.name;
            bail!("--plugin {role}: only rewards add up and have weights; stage {name:?} has {role:?} as {slot}");
        }
        if !self.plugins.contains_key(role) {
            let known = self.plugins.keys().cloned();
            bail!("{}: [plugins] has no role {role:?}{}", self.place(slot), nearest(role, known));
        }
        self.slots.push(new);
        Ok(())
    }
}

impl Stage {
    /// Reads one `[stages.NAME]` table by the kind that it names.
    pub(super) fn read(
        text: &RecipeText,
        kinds: &Kinds,
        seed: u64,
        name: &str,
        table: toml::Value,
        plugins: &BTreeMap<String, PluginEntry>,
    ) -> Result<Stage> {
        let toml::Value::Table(table) = table else {
            bail!("{}: a stage is a table with a `kind`", text.place(&["stages", name]));
        };
        let keys = TableReader::new(text, &["stages", name], table);
        let folder = text.folder();
        let mut table = StageTable { name, keys, text, folder, plugins, inputs: Vec::new(), slots: Vec::new() };
        let common: CommonKeys = table.part()?;
        let kind = kinds.find(&common.kind).map_err(|error| anyhow!("{}: {error}", table.place("kind")))?;
        let work = kind.read(&mut table)?;
        table.keys.finish()?;
        let config = work.content();
        let StageTable { inputs, slots, .. } = table;
        let seed = common.seed.unwrap_or(seed);
        Ok(Stage { name: name.to_owned(), kind: kind.name(), work, inputs, plugins: slots, config, seed })
    }

    /// What its kind has read of it, if the kind is `K`.
    pub fn work_of<K: StageKind>(&self) -> Option<&K> {
        let work: &dyn Any = &*self.work;
        work.downcast_ref()
    }

    /// The input in `slot`.
    pub fn input(&self, slot: &str) -> Option<&Source> {
        self.inputs.iter().find(|(name, _)| name == slot).map(|(_, source)| source)
    }
}
