//! The run folder: links to the stages' outputs, the gathered metrics, and `run.lock.json`, which pins every digest.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::device;
use super::plan::{Plan, digest_path, object};
use super::store::{State, Store};
use crate::recipe::Recipe;

/// Points `stages/NAME` at each stage's folder in the store, finished or at work, and drops links of other recipes.
pub fn link_stages(recipe: &Recipe, plan: &Plan, store: &Store, folder: &Path) -> Result<()> {
    let stages = folder.join("stages");
    let known: Vec<&str> = recipe.stages.iter().map(|stage| stage.name.as_str()).collect();
    for entry in std::fs::read_dir(&stages)? {
        let entry = entry?;
        if entry.path().is_symlink() && !known.contains(&entry.file_name().to_string_lossy().as_ref()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    for planned in &plan.stages {
        let stage = &recipe.stages[planned.index];
        let suffix = match store.state(stage.kind, &planned.key) {
            State::Done => "",
            State::Begun | State::ToDo => ".partial",
        };
        // Relative, so that the folder `runs` can be moved as a whole.
        let target = format!("../../.store/{}-{}{suffix}", stage.kind, planned.key);
        let link = stages.join(&stage.name);
        if std::fs::read_link(&link).is_ok_and(|now| now == Path::new(&target)) {
            continue;
        }
        let fresh = stages.join(format!(".{}.tmp", stage.name));
        let _ = std::fs::remove_file(&fresh);
        std::os::unix::fs::symlink(&target, &fresh)
            .and_then(|()| std::fs::rename(&fresh, &link))
            .with_context(|| format!("could not link {}", link.display()))?;
    }
    Ok(())
}

/// Writes `metrics.jsonl` (every stage's lines, in the plan's order) and `run.lock.json`.
pub fn write(recipe: &Recipe, plan: &Plan, store: &Store, folder: &Path) -> Result<()> {
    let mut metrics = Vec::new();
    let mut stages = BTreeMap::new();
    let mut devices = Vec::new();
    for planned in &plan.stages {
        let stage = &recipe.stages[planned.index];
        let done = match store.state(stage.kind, &planned.key) {
            State::Done => Some(store.done(stage.kind, &planned.key)?),
            _ => None,
        };
        gather(&folder.join("stages").join(&stage.name).join("metrics.jsonl"), &stage.name, stage.kind, &mut metrics)?;
        devices.extend(done.as_ref().and_then(|done| done.device.clone()));
        stages.insert(
            stage.name.clone(),
            json!({
                "kind": stage.kind,
                "key": planned.key,
                "seed": stage.seed.unwrap_or(recipe.seed),
                "inputs": planned.identities,
                "plugins": object(slots(&stage.roles)),
                "config": stage.config,
                "done": done.is_some(),
                "seconds": done.as_ref().map(|done| done.seconds),
                "device": done.as_ref().and_then(|done| done.device.clone()),
                "outputs": done.map(|done| done.outputs),
            }),
        );
    }
    octo_data::atomic::write(&folder.join("metrics.jsonl"), &metrics)?;
    let plugins = plan.plugins.iter().map(|(role, plugin)| {
        let about = json!({
            "reference": plugin.entry.reference,
            "digest": plugin.digest,
            "name": plugin.name,
            "version": plugin.version,
            "kind": plugin.kind,
            "config": plugin.entry.config,
            "limits": plugin.entry.limits,
        });
        (role.clone(), about)
    });
    let lock = json!({
        "octo": env!("CARGO_PKG_VERSION"),
        "engine": octo_plugin::ENGINE_VERSION,
        "libtorch": libtorch(),
        "device": device::told(devices.iter()),
        "processor": processor(),
        "recipe": digest_path(&folder.join("recipe.toml"))?,
        "name": recipe.name,
        "seed": recipe.seed,
        "plugins": object(plugins),
        "stages": stages,
        "inputs": plan.files,
    });
    let mut text = serde_json::to_vec_pretty(&lock)?;
    text.push(b'\n');
    octo_data::atomic::write(&folder.join("run.lock.json"), &text)?;
    Ok(())
}

/// Slots by name; those that several plugins share, `filters` and a sum of rewards, are numbered.
fn slots(roles: &[(&'static str, String)]) -> impl Iterator<Item = (String, Value)> {
    roles.iter().enumerate().map(|(index, (slot, role))| {
        let same = |range: &[(&'static str, String)]| range.iter().filter(|(other, _)| other == slot).count();
        let shared = *slot == "filters" || same(roles) > 1;
        let name = if shared { format!("{slot}.{}", same(&roles[..index])) } else { (*slot).to_owned() };
        (name, Value::from(role.clone()))
    })
}

/// The version that setup/libtorch.sh installs and tch is built for.
fn libtorch() -> Option<&'static str> {
    cfg!(feature = "train").then_some("2.11.0")
}

/// What libtorch chooses its kernels by. Two machines that differ here round differently, and train different models
/// from one recipe: the tiny recipe of the end-to-end tests has other weights under `ATEN_CPU_CAPABILITY=default`.
fn processor() -> Value {
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    json!({
        "architecture": std::env::consts::ARCH,
        "model": model.map(|(_, name)| name.trim()),
        "vectors": std::env::var("ATEN_CPU_CAPABILITY").ok().or_else(|| vectors().map(str::to_owned)),
    })
}

#[cfg(target_arch = "x86_64")]
fn vectors() -> Option<&'static str> {
    let known = [
        ("avx512", std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512vl")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")),
        ("default", true),
    ];
    known.into_iter().find_map(|(name, has)| has.then_some(name))
}

#[cfg(not(target_arch = "x86_64"))]
fn vectors() -> Option<&'static str> {
    None
}

fn gather(path: &Path, stage: &str, kind: &str, out: &mut Vec<u8>) -> Result<()> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Ok(());
    };
    for line in text.lines() {
        // The last line of a stage that was killed may be cut; the stage itself drops it when it goes on.
        if let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(line) {
            let mut record = serde_json::Map::new();
            record.insert("stage".into(), stage.into());
            record.insert("kind".into(), kind.into());
            record.extend(fields);
            serde_json::to_writer(&mut *out, &record)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}
