//! Does one stage: finds its inputs, loads its plugins, calls the crate that does the work, and seals its folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use octo_data::shards::Settings;
use octo_data::shards::tokenize::{Outcome, Standing, Watch};
use octo_data::tokenizer::Tokenizer;
use octo_plugin::{CaseSetup, Host, LoadedPlugin};

use super::device::Used;
use super::failures::Failures;
use super::lanes::Ended;
use super::plan::Plan;
use super::show::Line;
use super::store::{State, Store};
use crate::recipe::Recipe;
use crate::recipe::source::Source;
use crate::recipe::stage::{Stage, Work};

/// What the stages of a run share.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub recipe: &'a Recipe,
    pub plan: &'a Plan,
    pub store: &'a Store,
    pub host: &'a Host,
    pub stop: &'a Arc<AtomicBool>,
    /// The processes that train together.
    #[cfg(feature = "train")]
    pub ranks: &'a Arc<octo_train::ranks::Ranks>,
}

/// A stage at work and all it may look at.
pub struct Bench<'a> {
    pub run: Run<'a>,
    pub stage: &'a Stage,
    pub line: &'a Line,
    /// Keeps what its plugins fail on.
    pub failures: Arc<Failures>,
}

/// Runs the stage at `index` of the plan. `told` hears of the items on which its plugins failed.
pub fn run(run: Run<'_>, index: usize, line: &Line, told: impl FnOnce(&Failures)) -> Result<Ended> {
    let Run { recipe, plan, store, .. } = run;
    let planned = &plan.stages[index];
    let stage = &recipe.stages[planned.index];
    let working = store.begin(stage.kind, &planned.key)?;
    // Another process may have finished it while this one waited for its turn.
    if store.state(stage.kind, &planned.key) == State::Done {
        return Ok(Ended::Done);
    }
    let out = &working.folder;
    let failures = Failures::of_stage(out, &format!("stage {} of run {}", stage.name, recipe.name));
    let bench = Bench { run, stage, line, failures };
    let ended = work(&bench, &planned.key, out);
    told(&bench.failures);
    let ended = ended?;
    if matches!(ended, Ended::Done) {
        working.finish(stage.kind, &planned.key, line.seconds(), device(run, &stage.work))?;
    }
    Ok(ended)
}

/// What libtorch runs a stage on: a GPU of each rank where several train it, else one device of this process.
#[cfg_attr(not(feature = "train"), expect(unused_variables, reason = "no stage has a device"))]
fn device(run: Run<'_>, work: &Work) -> Option<Used> {
    match work {
        Work::Generate(_) | Work::Curate { .. } | Work::Tokenizer { .. } | Work::Tokenize { .. } => None,
        #[cfg(feature = "train")]
        Work::Midtrain(stage) => Some(Used::by(&stage.config.device, run.ranks.world())),
        #[cfg(feature = "train")]
        Work::Rl(stage) => Some(Used::by(&stage.config.device, 1)),
        #[cfg(feature = "train")]
        Work::Eval(stage) => Some(Used::by(&stage.config.device, 1)),
    }
}

/// Does the stage's work in the folder `out`. Other processes that train with this one know the stage by its `key`.
#[cfg_attr(not(feature = "train"), expect(unused_variables, reason = "one process is all there is"))]
fn work(bench: &Bench<'_>, key: &str, out: &Path) -> Result<Ended> {
    let seed = bench.stage.seed.unwrap_or(bench.run.recipe.seed);
    Ok(match &bench.stage.work {
        Work::Generate(config) => {
            octo_data::synthetic::generate(config, seed, out)?;
            Ended::Done
        }
        Work::Curate { skip_bad_lines } => curate(bench, *skip_bad_lines, out)?,
        Work::Tokenizer { vocabulary } => {
            let tokenizer = Tokenizer::train_from_files(&bench.paths("documents.")?, *vocabulary, &[])?;
            tokenizer.save(out)?;
            Ended::Done
        }
        Work::Tokenize { settings, threads } => tokenize(bench, settings, *threads, out)?,
        #[cfg(feature = "train")]
        Work::Midtrain(config) => super::train::midtrain(bench, config, key, out, seed)?,
        #[cfg(feature = "train")]
        Work::Rl(config) => super::train::rl(bench, config, out, seed)?,
        #[cfg(feature = "train")]
        Work::Eval(config) => super::train::eval(bench, config, out, seed)?,
    })
}

impl Bench<'_> {
    /// Where the input in `slot` lies.
    pub fn path(&self, slot: &str) -> Result<PathBuf> {
        input_path(self.run.recipe, self.run.plan, self.run.store, self.stage, slot)
    }

    /// All inputs whose slot begins with `prefix`, in the recipe's order.
    pub fn paths(&self, prefix: &str) -> Result<Vec<PathBuf>> {
        self.stage.inputs.iter().filter(|(slot, _)| slot.starts_with(prefix)).map(|(slot, _)| self.path(slot)).collect()
    }

    /// A fresh instance of the plugin in `role`, whose failed items are kept.
    pub fn plugin(&self, role: &str) -> Result<LoadedPlugin> {
        let plugin = self.run.plan.plugins.get(role).with_context(|| format!("no plugin has the role {role:?}"))?;
        let loaded = self.run.host.load(&plugin.path, &plugin.entry.config, &plugin.entry.limits)?;
        if loaded.digest() != plugin.digest {
            bail!("{} changed while the run was going on; run again", plugin.path.display());
        }
        // A case may be run again from another folder.
        let path =
            std::path::absolute(&plugin.path).with_context(|| format!("could not find {}", plugin.path.display()))?;
        let setup = CaseSetup::of(&path, &loaded, &plugin.entry.config, &plugin.entry.limits);
        Ok(loaded.telling(self.failures.keeper(setup)))
    }

    /// The plugin in `slot` (`verifier`, `reward`, ...).
    #[cfg(feature = "train")]
    pub fn plugin_in(&self, slot: &str) -> Result<LoadedPlugin> {
        let role = self.stage.roles.iter().find(|(name, _)| *name == slot).map(|(_, role)| role.as_str());
        self.plugin(role.with_context(|| format!("the stage names no {slot}"))?)
    }
}

/// Where the input in `slot` lies.
pub fn input_path(recipe: &Recipe, plan: &Plan, store: &Store, stage: &Stage, slot: &str) -> Result<PathBuf> {
    let source = stage.inputs.iter().find(|(name, _)| name == slot).map(|(_, source)| source);
    match source {
        None => bail!("the stage has no input {slot}"),
        Some(Source::File(path)) => Ok(path.clone()),
        Some(Source::Stage { stage: name, path }) => {
            let found = plan.stages.iter().find_map(|planned| {
                let other = &recipe.stages[planned.index];
                (other.name == *name).then(|| store.folder(other.kind, &planned.key))
            });
            let folder = found.with_context(|| format!("there is no stage {name:?}"))?;
            if !folder.exists() {
                bail!("{slot} = \"@{name}/{path}\": stage {name:?} is not done; run the recipe first");
            }
            let full = folder.join(path);
            if !full.exists() {
                let mut names: Vec<String> = std::fs::read_dir(&folder)?
                    .filter_map(|entry| entry.ok())
                    .map(|entry| entry.file_name().to_string_lossy().into_owned())
                    .filter(|name| name != "done.json")
                    .collect();
                names.sort();
                bail!("{slot} = \"@{name}/{path}\": stage {name:?} wrote no such file; it wrote {}", names.join(", "));
            }
            Ok(full)
        }
    }
}

fn tokenize(bench: &Bench<'_>, settings: &Settings, threads: usize, out: &Path) -> Result<Ended> {
    let tokenizer = Tokenizer::load(&bench.path("tokenizer")?)?;
    let progress = |standing: &Standing| {
        let speed = standing.new_tokens as f64 / bench.line.seconds().max(1e-9);
        bench.line.report(&format!("{} tokens  {speed:.0} tokens/s", standing.total.tokens), standing.share);
    };
    let skipped = crate::tokenize::Skipped::default();
    let watch = Watch { stop: bench.run.stop, progress: &progress, skipped: &|error| skipped.tell(error) };
    let inputs = bench.paths("documents.")?;
    match octo_data::shards::tokenize::tokenize(&inputs, &tokenizer, settings, out, threads, &watch)? {
        Outcome::Done(_) | Outcome::Already(_) => Ok(Ended::Done),
        Outcome::Stopped => Ok(Ended::Stopped),
    }
}

fn curate(bench: &Bench<'_>, skip_bad_lines: bool, out: &Path) -> Result<Ended> {
    let inputs = bench.paths("inputs.")?;
    let mut filters = Vec::new();
    for (_, role) in &bench.stage.roles {
        filters.push((role.clone(), bench.plugin(role)?.into_filter()?));
    }
    let filters: Vec<_> = filters.iter().map(|(role, filter)| (role.clone(), filter)).collect();
    let total: u64 = inputs.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len()).sum();
    let report = |documents: u64, bytes: u64| {
        bench.line.report(&format!("{documents} documents"), bytes as f64 / total.max(1) as f64);
    };
    let options = octo_curate::Options { skip_bad_lines };
    match octo_curate::curate_with(&inputs, &filters, out, &options, bench.run.stop, &report) {
        Ok(_) => Ok(Ended::Done),
        Err(octo_curate::CurateError::Stopped) => Ok(Ended::Stopped),
        Err(error) => Err(error.into()),
    }
}
