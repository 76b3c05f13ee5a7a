//! From stages to a plan: the graph in an order that can run, and a content key for every stage.
//!
//! A key is the SHA-256 of the stage's resolved configuration, its inputs' keys (or a file's digest) and its
//! plugins' digests with their configuration and limits. Names do not count, but for those of files of documents, so two recipes that ask for the same
//! work share it, and an ablation re-runs only what it changes.
//!
//! In its folder: `order.rs` puts the stages in order, every one after its inputs; [`plugins`] finds, loads and checks
//! the plugins; [`input_digests`] digests the input files and remembers it from call to call; [`path_digest`] is the
//! digest of one file or folder.

pub(crate) mod check_inputs;
pub mod input_digests;
mod order;
pub mod path_digest;
pub mod plugins;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use octo_plugin::{Host, canonical_json};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use self::input_digests::InputDigests;
use self::plugins::CheckedPlugin;
use crate::recipe::Recipe;
use crate::recipe::source::{Source, file_or_folder};
use crate::recipe::stage::{PluginSlot, Stage};

/// One stage with its key.
pub struct PlannedStage {
    /// Index into the recipe's stages.
    pub index: usize,
    /// 24 hexadecimal digits that stand for all that decides what the stage makes.
    pub key: String,
    /// Indexes into the plan of the stages that must be done first.
    pub after: Vec<usize>,
    /// Slot → `key/path` or `sha256:..`.
    pub identities: BTreeMap<String, String>,
}

/// The whole plan, in an order in which every stage comes after its inputs.
pub struct Plan {
    /// In that order.
    pub stages: Vec<PlannedStage>,
    /// By role.
    pub plugins: BTreeMap<String, CheckedPlugin>,
    /// Digest of every file or folder from outside the run.
    pub files: BTreeMap<String, String>,
    /// Inputs from outside the run that are not there: stage, slot and path. Keys that depend on them are not those
    /// that the stages will have.
    pub missing: Vec<(String, String, PathBuf)>,
}

/// Loads the plugins, checks the graph and the files, and computes the keys. Files that are not there are listed; what
/// is there and can't be read is an error. `digests` knows the files that have not changed since they were last read.
///
/// # Errors
/// A cycle, a reference to a stage or file that will not be there, a plugin that cannot be loaded or is of the wrong kind.
pub fn plan(recipe: &Recipe, host: &Host, digests: &mut InputDigests) -> Result<Plan> {
    let order = order::sort(recipe)?;
    check_references(recipe)?;
    let mut missing = Vec::new();
    let plugins = plugins::check(recipe, host)?;
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut stages: Vec<PlannedStage> = Vec::new();
    let mut position = BTreeMap::new();
    for index in order {
        let stage = &recipe.stages[index];
        let mut identities = BTreeMap::new();
        let mut after = Vec::new();
        for (slot, source) in &stage.inputs {
            let identity = match source {
                Source::Stage { stage: name, path } => {
                    let before: usize = position[name.as_str()];
                    after.push(before);
                    format!("{}/{path}", stages[before].key)
                }
                Source::File(path) if !path.exists() => {
                    missing.push((stage.name.clone(), slot.clone(), path.clone()));
                    "missing".to_owned()
                }
                Source::File(path) => {
                    file_or_folder(path).map_err(|error| anyhow!("{}: {error}", recipe.place(&stage.name, slot)))?;
                    let shown = path.to_string_lossy().into_owned();
                    match files.get(&shown) {
                        Some(digest) => digest.clone(),
                        None => {
                            let digest = digests
                                .of(path)
                                .with_context(|| format!("stage {:?} needs {slot} = {shown}", stage.name))?;
                            files.insert(shown, digest.clone());
                            digest
                        }
                    }
                }
            };
            identities.insert(slot.clone(), identity);
        }
        let roles: Vec<Value> = stage
            .plugins
            .iter()
            .map(|PluginSlot { slot, role, .. }| {
                let plugin = &plugins[role];
                json!({ "slot": slot, "digest": plugin.digest, "config": plugin.entry.config, "limits": plugin.entry.limits })
            })
            .collect();
        let content = json!({
            "octo": env!("CARGO_PKG_VERSION"),
            "kind": stage.kind,
            "config": stage.config,
            "seed": stage.seed,
            "inputs": identities,
            "names": names_of_documents(stage),
            "plugins": roles,
        });
        after.sort_unstable();
        after.dedup();
        let key = hex::encode(Sha256::digest(canonical_json(&content).as_bytes()))[..24].to_owned();
        position.insert(stage.name.as_str(), stages.len());
        stages.push(PlannedStage { index, key, after, identities });
    }
    Ok(Plan { stages, plugins, files, missing })
}

impl Plan {
    /// What is missing, and the stages and slots that want it.
    pub fn missing(&self) -> BTreeMap<&Path, Vec<String>> {
        let mut missing: BTreeMap<&Path, Vec<String>> = BTreeMap::new();
        for (stage, slot, path) in &self.missing {
            missing.entry(path).or_default().push(format!("{stage}: {slot}"));
        }
        missing
    }

    /// Checks that no input is missing: of all stages, or of the one that is called `only` and those that it comes after.
    ///
    /// # Errors
    /// All that are.
    pub fn complete(&self, recipe: &Recipe, only: Option<&str>) -> Result<()> {
        let name = |position: usize| recipe.stages[self.stages[position].index].name.as_str();
        let mut wanted = vec![only.is_none(); self.stages.len()];
        // Stages stand after those that they come after.
        for position in (0..self.stages.len()).rev() {
            if wanted[position] || Some(name(position)) == only {
                wanted[position] = true;
                self.stages[position].after.iter().for_each(|before| wanted[*before] = true);
            }
        }
        let wanted: Vec<&str> = (0..self.stages.len()).filter(|position| wanted[*position]).map(name).collect();
        let lines: Vec<String> = self
            .missing
            .iter()
            .filter(|(stage, _, _)| wanted.contains(&stage.as_str()))
            .map(|(stage, slot, path)| format!("stage {stage:?} needs {slot} = {}", path.display()))
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        bail!("no such file or folder:\n  {}", lines.join("\n  "))
    }
}

/// A stage that takes what another will not have is refused before anything runs.
/// The names of the files and folders that a stage takes documents or pages from, by slot. Ids of documents begin with
/// them, and the ending says how a file is read.
fn names_of_documents(stage: &Stage) -> BTreeMap<&str, Cow<'_, str>> {
    let lists = stage.inputs.iter().filter(|(slot, _)| slot.starts_with("inputs.") || slot.starts_with("documents."));
    lists
        .filter_map(|(slot, source)| match source {
            Source::File(path) => Some((slot.as_str(), path.file_name()?.to_string_lossy())),
            Source::Stage { .. } => None,
        })
        .collect()
}

fn check_references(recipe: &Recipe) -> Result<()> {
    for stage in &recipe.stages {
        for (slot, source) in &stage.inputs {
            let Source::Stage { stage: name, path } = source else { continue };
            let Some(from) = recipe.stages.iter().find(|other| other.name == *name) else { continue };
            if let Err(reason) = from.work.will_have(name, path) {
                bail!("stage {:?}: {slot} is stage {name:?}'s {reason}", stage.name);
            }
        }
    }
    Ok(())
}
