//! The plugins of a plan: found, loaded and checked before anything runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use octo_plugin::{Host, LoadedPlugin};

use crate::recipe::stage::PluginSlot;
use crate::recipe::{PluginEntry, Recipe};

/// A plugin of the recipe, loaded once to learn its digest and to check its configuration.
pub struct CheckedPlugin {
    /// The component's file.
    pub path: PathBuf,
    /// `sha256:..` of it.
    pub digest: String,
    /// The name that it gives itself.
    pub name: String,
    /// The version that it gives itself.
    pub version: String,
    /// `verifier`, `reward`, ...
    pub kind: &'static str,
    /// What the recipe says of it.
    pub entry: PluginEntry,
}

pub(super) fn check(recipe: &Recipe, host: &Host) -> Result<BTreeMap<String, CheckedPlugin>> {
    let mut used: BTreeMap<&str, Vec<(&str, &PluginSlot)>> = BTreeMap::new();
    for stage in &recipe.stages {
        for slot in &stage.plugins {
            used.entry(&slot.role).or_default().push((&stage.name, slot));
        }
    }
    let mut checked = BTreeMap::new();
    for (role, uses) in used {
        let entry = &recipe.plugins[role];
        let path = octo_plugin::find_plugin(&entry.reference).with_context(|| format!("plugin role {role:?}"))?;
        let loaded = host
            .load(&path, &entry.config, &entry.limits)
            .with_context(|| format!("plugin role {role:?} ({})", path.display()))?;
        let kind = loaded.kind().as_str();
        for (stage, slot) in uses {
            let PluginSlot { slot, kind: wanted, .. } = slot;
            if kind != *wanted {
                bail!(
                    "plugin role {role:?}: stage {stage:?} wants a {wanted} plugin for `{slot}`, but {} is a {kind} plugin",
                    path.display()
                );
            }
        }
        checked.insert(role.to_owned(), describe(path, kind, &loaded, entry));
    }
    Ok(checked)
}

fn describe(path: PathBuf, kind: &'static str, loaded: &LoadedPlugin, entry: &PluginEntry) -> CheckedPlugin {
    let description = loaded.description();
    CheckedPlugin {
        path,
        digest: loaded.digest().to_owned(),
        name: description.name.clone(),
        version: description.version.clone(),
        kind,
        entry: entry.clone(),
    }
}
