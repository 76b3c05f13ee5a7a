//! From stages to a plan: the graph in an order that can run, and a content key for every stage.
//!
//! A key is the SHA-256 of the stage's resolved configuration, its inputs' keys (or a file's digest) and its
//! plugins' digests with their configuration and limits. Names do not count, so two recipes that ask for the same
//! work share it, and an ablation re-runs only what it changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use octo_plugin::{Host, LoadedPlugin};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::input_digests::InputDigests;
use crate::recipe::keys::nearest;
use crate::recipe::source::Source;
use crate::recipe::{PluginEntry, Recipe};

/// A plugin of the recipe, loaded once to learn its digest and to check its configuration.
pub struct CheckedPlugin {
    pub path: PathBuf,
    pub digest: String,
    pub name: String,
    pub version: String,
    pub kind: &'static str,
    pub entry: PluginEntry,
}

/// One stage with its key.
pub struct PlannedStage {
    /// Index into the recipe's stages.
    pub index: usize,
    pub key: String,
    /// Indexes into the plan of the stages that must be done first.
    pub after: Vec<usize>,
    /// Slot → `key/path` or `sha256:..`.
    pub identities: BTreeMap<String, String>,
}

/// The whole plan, in an order in which every stage stands behind its inputs.
pub struct Plan {
    pub stages: Vec<PlannedStage>,
    pub plugins: BTreeMap<String, CheckedPlugin>,
    /// Digest of every file or folder from outside the run.
    pub files: BTreeMap<String, String>,
    /// Inputs from outside the run that are not there: stage, slot and path. Keys that depend on them are not those
    /// that the stages will have.
    pub missing: Vec<(String, String, PathBuf)>,
}

/// Loads the plugins, checks the graph and the files, and computes the keys. Files that are not there are listed; what
/// is there and can't be read is an error. `digests` knows the files that have not changed since they were last read.
pub fn plan(recipe: &Recipe, host: &Host, mut digests: InputDigests) -> Result<Plan> {
    let order = sort(recipe)?;
    check_checkpoints(recipe)?;
    let mut missing = Vec::new();
    let plugins = check_plugins(recipe, host)?;
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
            .roles
            .iter()
            .map(|(slot, role)| {
                let plugin = &plugins[role];
                json!({ "slot": slot, "digest": plugin.digest, "config": plugin.entry.config, "limits": plugin.entry.limits })
            })
            .collect();
        let content = json!({
            "octo": env!("CARGO_PKG_VERSION"),
            "kind": stage.kind,
            "config": stage.config,
            "seed": stage.seed.unwrap_or(recipe.seed),
            "inputs": identities,
            "plugins": roles,
        });
        after.sort_unstable();
        after.dedup();
        let key = hex(&Sha256::digest(canonical(&content).as_bytes()))[..24].to_owned();
        position.insert(stage.name.as_str(), stages.len());
        stages.push(PlannedStage { index, key, after, identities });
    }
    digests.keep();
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

    /// Fails where inputs are missing, naming all of them.
    pub fn complete(&self) -> Result<()> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = self
            .missing
            .iter()
            .map(|(stage, slot, path)| format!("stage {stage:?} needs {slot} = {}", path.display()))
            .collect();
        bail!("no such file or folder:\n  {}", lines.join("\n  "))
    }
}

/// A stage that starts from another's checkpoint needs one that is still there at the end.
#[cfg(feature = "train")]
fn check_checkpoints(recipe: &Recipe) -> Result<()> {
    use crate::recipe::source::checkpoint_step;
    use crate::recipe::stage::Work;

    for stage in &recipe.stages {
        for (slot, source) in &stage.inputs {
            let Source::Stage { stage: name, path } = source else { continue };
            let from = recipe.stages.iter().find(|other| other.name == *name).map(|other| &other.work);
            if let (Some(Work::Midtrain(from)), Some(step)) = (from, checkpoint_step(path))
                && !from.config.keeps(step)
            {
                let last = from.config.steps();
                let what = match step {
                    0 => "there is none before the first step".to_owned(),
                    step if step == last => format!("that is its last step: write @{name}/model"),
                    step if step > last => format!("it has {last} steps"),
                    step => format!(
                        "it keeps none of step {step} for good: set `keep_every` there to {step}, or a divisor of it"
                    ),
                };
                bail!("stage {:?}: {slot} is stage {name:?}'s checkpoint of step {step}, but {what}", stage.name);
            }
        }
    }
    Ok(())
}

#[cfg(not(feature = "train"))]
fn check_checkpoints(_: &Recipe) -> Result<()> {
    Ok(())
}

/// Depth first, in the file's order; a cycle is named stage by stage.
fn sort(recipe: &Recipe) -> Result<Vec<usize>> {
    let by_name: BTreeMap<&str, usize> =
        recipe.stages.iter().enumerate().map(|(index, stage)| (stage.name.as_str(), index)).collect();
    let mut order = Vec::new();
    let mut done = vec![false; recipe.stages.len()];
    let mut trail: Vec<usize> = Vec::new();
    // An explicit stack: (stage, next input to look at).
    for start in 0..recipe.stages.len() {
        let mut stack = vec![(start, 0)];
        while let Some((index, next)) = stack.pop() {
            if done[index] {
                continue;
            }
            let stage = &recipe.stages[index];
            if next == 0 {
                trail.push(index);
            }
            let Some((slot, source)) = stage.inputs.get(next) else {
                done[index] = true;
                trail.retain(|other| *other != index);
                order.push(index);
                continue;
            };
            stack.push((index, next + 1));
            if let Source::Stage { stage: name, .. } = source {
                let Some(before) = by_name.get(name.as_str()).copied() else {
                    let known = by_name.keys().map(|name| name.to_string());
                    bail!(
                        "stage {:?}: {slot} refers to @{name}, but there is no stage {name:?}{}",
                        stage.name,
                        nearest(name, known)
                    );
                };
                if let Some(from) = trail.iter().position(|other| *other == before) {
                    let names: Vec<&str> =
                        trail[from..].iter().map(|index| recipe.stages[*index].name.as_str()).collect();
                    bail!("the stages form a cycle: {} -> {name}; a stage can't be its own input", names.join(" -> "));
                }
                if !done[before] {
                    stack.push((before, 0));
                }
            }
        }
    }
    Ok(order)
}

fn check_plugins(recipe: &Recipe, host: &Host) -> Result<BTreeMap<String, CheckedPlugin>> {
    let mut used: BTreeMap<&str, Vec<(&str, &'static str)>> = BTreeMap::new();
    for stage in &recipe.stages {
        for (slot, role) in &stage.roles {
            used.entry(role).or_default().push((&stage.name, slot));
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
            let wanted = if slot == "filters" { "filter" } else { slot };
            if kind != wanted {
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

/// `sha256:..` of a file, or of a folder's files with their names, in order.
pub fn digest_path(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let metadata = std::fs::metadata(path).with_context(|| format!("could not read {}", path.display()))?;
    if metadata.is_dir() {
        let mut files = Vec::new();
        list(path, path, &mut files)?;
        if files.is_empty() {
            bail!("the folder {} is empty", path.display());
        }
        files.sort();
        for relative in files {
            hasher.update(relative.as_bytes());
            hasher.update([0]);
            digest_file(&path.join(&relative), &mut hasher)?;
        }
    } else {
        digest_file(path, &mut hasher)?;
    }
    Ok(format!("sha256:{}", hex(&hasher.finalize())))
}

/// Every file below `folder`, relative to `root`. Links are followed to files only, so a cycle of links ends.
pub fn list(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            list(root, &path, files)?;
        } else if path.is_file() {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            files.push(relative.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn digest_file(path: &Path, hasher: &mut Sha256) -> Result<()> {
    use std::io::Read;
    let mut file = std::fs::File::open(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).with_context(|| format!("could not read {}", path.display()))?;
        if read == 0 {
            return Ok(());
        }
        hasher.update(&buffer[..read]);
    }
}

/// JSON with sorted keys, whatever feature of the JSON library keeps or sorts them.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let parts: Vec<String> =
                keys.iter().map(|key| format!("{}:{}", Value::String((*key).clone()), canonical(&map[*key]))).collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sorted JSON object.
pub fn object(pairs: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(pairs.into_iter().collect::<Map<_, _>>())
}
