//! The run folder: links to the stages' outputs, the gathered metrics, and `run.lock.json`, which pins every digest.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use octo_record::layout::{self, finished_stage, link_to_stage, stage_at_work};
use octo_record::{Device, PluginLock, Processor, RunLine, RunLock, StageLock};

use crate::PlannedRun;
use crate::plan::Plan;
use crate::plan::path_digest::digest_path;
use crate::plan::plugins::CheckedPlugin;
use crate::recipe::Recipe;
use crate::recipe::stage::{PluginSlot, Stage};
use crate::store::{Standing, Store};

/// Points `stages/NAME` at each stage's folder in the store, finished or at work, and drops links of other recipes.
///
/// # Errors
/// A link that cannot be made.
pub fn link_stages(recipe: &Recipe, plan: &Plan, store: &Store, folder: &Path) -> Result<()> {
    let stages = folder.join(layout::STAGES);
    let known: Vec<&str> = recipe.stages.iter().map(|stage| stage.name.as_str()).collect();
    for entry in std::fs::read_dir(&stages)? {
        let entry = entry?;
        if entry.path().is_symlink() && !known.contains(&entry.file_name().to_string_lossy().as_ref()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    plan.stages.iter().try_for_each(|planned| link_stage(&recipe.stages[planned.index], &planned.key, store, folder))
}

/// Points `stages/NAME` of the run in `folder` at a stage's folder in the store, finished or at work. The caller holds the
/// store, so that no other process links at the same time.
///
/// # Errors
/// A link that cannot be made.
pub fn link_stage(stage: &Stage, key: &str, store: &Store, folder: &Path) -> Result<()> {
    let target = link_to_stage(&match store.standing(stage.kind, key) {
        Standing::Done => finished_stage(stage.kind, key),
        Standing::Begun | Standing::ToDo => stage_at_work(stage.kind, key),
    });
    let link = layout::stage_of_run(folder, &stage.name);
    if std::fs::read_link(&link).is_ok_and(|now| now == Path::new(&target)) {
        return Ok(());
    }
    let fresh = folder.join(layout::STAGES).join(format!(".{}.tmp", stage.name));
    let _ = std::fs::remove_file(&fresh);
    let linked = std::os::unix::fs::symlink(&target, &fresh).and_then(|()| std::fs::rename(&fresh, &link));
    linked.with_context(|| format!("could not link {}", link.display()))
}

/// Writes `metrics.jsonl` (every stage's lines, in the plan's order) and `run.lock.json`.
///
/// # Errors
/// What cannot be read or written.
pub fn write(run: &PlannedRun, folder: &Path) -> Result<()> {
    let PlannedRun { recipe, plan, store, .. } = run;
    let mut metrics = Vec::new();
    let mut stages = BTreeMap::new();
    let mut devices = Vec::new();
    for planned in &plan.stages {
        let stage = &recipe.stages[planned.index];
        let done = match store.standing(stage.kind, &planned.key) {
            Standing::Done => Some(store.done(stage.kind, &planned.key)?),
            _ => None,
        };
        gather(&layout::stage_of_run(folder, &stage.name).join(layout::METRICS), stage, &mut metrics)?;
        devices.extend(done.as_ref().and_then(|done| done.device.clone()));
        let lock = StageLock {
            config: stage.config.clone(),
            device: done.as_ref().and_then(|done| done.device.clone()),
            done: done.is_some(),
            inputs: planned.identities.clone(),
            key: planned.key.clone(),
            kind: stage.kind.to_owned(),
            seconds: done.as_ref().map(|done| done.seconds),
            outputs: done.map(|done| done.outputs),
            plugins: slots(&stage.plugins).collect(),
            seed: stage.seed,
        };
        stages.insert(stage.name.clone(), lock);
    }
    octo_data::atomic::write(&folder.join(layout::METRICS), &metrics)?;
    let plugin = |(role, plugin): (&String, &CheckedPlugin)| {
        let lock = PluginLock {
            config: plugin.entry.config.clone(),
            digest: plugin.digest.clone(),
            kind: plugin.kind.to_owned(),
            limits: serde_json::to_value(&plugin.entry.limits)?,
            name: plugin.name.clone(),
            reference: plugin.entry.reference.clone(),
            version: plugin.version.clone(),
        };
        Ok((role.clone(), lock))
    };
    let lock = RunLock {
        device: all_devices(&devices),
        engine: octo_plugin::ENGINE_VERSION.to_owned(),
        inputs: plan.files.clone(),
        libtorch: run.libtorch.clone(),
        name: recipe.name.clone(),
        octo: env!("CARGO_PKG_VERSION").to_owned(),
        plugins: plan.plugins.iter().map(plugin).collect::<Result<_>>()?,
        processor: processor(),
        recipe: digest_path(&folder.join(layout::RECIPE))?,
        seed: recipe.seed,
        stages,
    };
    octo_data::atomic::write(&folder.join(layout::LOCK), &lock.to_json()?)?;
    Ok(())
}

/// Slots by name; those of a list, and those that several plugins share, are numbered.
fn slots(plugins: &[PluginSlot]) -> impl Iterator<Item = (String, String)> {
    plugins.iter().enumerate().map(|(index, PluginSlot { slot, role, in_list, .. })| {
        let same = |range: &[PluginSlot]| range.iter().filter(|other| other.slot == *slot).count();
        let shared = *in_list || same(plugins) > 1;
        let name = if shared { format!("{slot}.{}", same(&plugins[..index])) } else { (*slot).to_owned() };
        (name, role.clone())
    })
}

/// All that a run's stages have run on, in their order, for people. Stages without tensors run on the CPU.
fn all_devices(devices: &[Device]) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in devices.iter().map(Device::to_string) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() { "cpu".to_owned() } else { names.join(", ") }
}

/// What libtorch chooses its kernels by. Two machines that differ here round differently, and train different models
/// from one recipe: the tiny recipe of the end-to-end tests has other weights under `ATEN_CPU_CAPABILITY=default`.
fn processor() -> Processor {
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    Processor {
        architecture: std::env::consts::ARCH.to_owned(),
        model: model.map(|(_, name)| name.trim().to_owned()),
        vectors: std::env::var("ATEN_CPU_CAPABILITY").ok().or_else(|| vectors().map(str::to_owned)),
    }
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

/// The last line of a stage that was killed may be cut; the stage itself drops it when it resumes.
fn gather(path: &Path, stage: &Stage, out: &mut Vec<u8>) -> Result<()> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Ok(());
    };
    for line in text.lines().filter_map(|line| RunLine::new(&stage.name, stage.kind, line)) {
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_device_is_named_once_with_its_count() {
        let device = |kind: &str, name: Option<&str>, count| Device {
            kind: kind.to_owned(),
            name: name.map(str::to_owned),
            count,
        };
        let (cpu, cards) = (device("cpu", None, 1), device("cuda", Some("NVIDIA H100 80GB HBM3"), 8));
        assert_eq!(all_devices(&[cpu.clone(), cards, cpu]), "cpu, 8 x NVIDIA H100 80GB HBM3");
        assert_eq!(all_devices(&[device("cuda", None, 2)]), "2 x cuda");
        assert_eq!(all_devices(&[]), "cpu");
    }

    #[test]
    fn slots_that_are_shared_are_numbered() {
        let plugin = |slot, role: &str, in_list| PluginSlot { slot, kind: slot, role: role.to_owned(), in_list };
        let plugins = [
            plugin("verifier", "v", false),
            plugin("reward", "a", false),
            plugin("reward", "b", false),
            plugin("filters", "f", true),
        ];
        let named: Vec<(String, String)> = slots(&plugins).collect();
        let names: Vec<&str> = named.iter().map(|(slot, _)| slot.as_str()).collect();
        assert_eq!(names, ["verifier", "reward.0", "reward.1", "filters.0"]);
    }
}
