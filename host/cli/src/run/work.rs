//! Does one stage: finds its inputs, loads its plugins, calls the crate that does the work, and seals its folder.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use octo_data::tokenizer::Tokenizer;
use octo_plugin::{Host, LoadedPlugin};

use super::lanes::Ended;
use super::plan::Plan;
use super::show::Line;
use super::store::{State, Store};
use crate::recipe::Recipe;
use crate::recipe::source::Source;
use crate::recipe::stage::{Stage, Work};

/// A stage at work and all it may look at.
pub struct Bench<'a> {
    pub recipe: &'a Recipe,
    pub plan: &'a Plan,
    pub stage: &'a Stage,
    pub store: &'a Store,
    pub host: &'a Host,
    pub stop: &'a Arc<AtomicBool>,
    pub line: &'a Line,
    /// The processes that train together.
    #[cfg(feature = "train")]
    pub ranks: Arc<octo_train::ranks::Ranks>,
}

/// Runs the stage at `index` of the plan.
#[cfg_attr(feature = "train", expect(clippy::too_many_arguments, reason = "all of a bench, and the ranks"))]
pub fn run(
    recipe: &Recipe,
    plan: &Plan,
    index: usize,
    store: &Store,
    host: &Host,
    stop: &Arc<AtomicBool>,
    line: &Line,
    #[cfg(feature = "train")] ranks: Arc<octo_train::ranks::Ranks>,
) -> Result<Ended> {
    let planned = &plan.stages[index];
    let stage = &recipe.stages[planned.index];
    let working = store.begin(stage.kind, &planned.key)?;
    // Another process may have finished it while this one waited for its turn.
    if store.state(stage.kind, &planned.key) == State::Done {
        return Ok(Ended::Done);
    }
    let bench = Bench {
        recipe,
        plan,
        stage,
        store,
        host,
        stop,
        line,
        #[cfg(feature = "train")]
        ranks,
    };
    let out = &working.folder;
    let seed = stage.seed.unwrap_or(recipe.seed);
    let ended = match &stage.work {
        Work::Generate(config) => {
            octo_data::synthetic::generate(config, seed, out)?;
            Ended::Done
        }
        Work::Curate { skip_bad_lines } => curate(&bench, *skip_bad_lines, out)?,
        Work::Tokenizer { vocabulary } => {
            let tokenizer = Tokenizer::train_from_files(&bench.paths("documents.")?, *vocabulary, &[])?;
            tokenizer.save(out)?;
            Ended::Done
        }
        #[cfg(feature = "train")]
        Work::Midtrain(config) => super::train::midtrain(&bench, config, &planned.key, out, seed)?,
        #[cfg(feature = "train")]
        Work::Rl(config) => super::train::rl(&bench, config, out, seed)?,
        #[cfg(feature = "train")]
        Work::Eval(config) => super::train::eval(&bench, config, out, seed)?,
    };
    if matches!(ended, Ended::Done) {
        working.finish(stage.kind, &planned.key, line.seconds())?;
    }
    Ok(ended)
}

impl Bench<'_> {
    /// Where the input in `slot` lies.
    pub fn path(&self, slot: &str) -> Result<PathBuf> {
        let source = self.stage.inputs.iter().find(|(name, _)| name == slot).map(|(_, source)| source);
        match source {
            None => bail!("the stage has no input {slot}"),
            Some(Source::File(path)) => Ok(path.clone()),
            Some(Source::Stage { stage, path }) => {
                let found = self.plan.stages.iter().find_map(|planned| {
                    let other = &self.recipe.stages[planned.index];
                    (other.name == *stage).then(|| self.store.folder(other.kind, &planned.key))
                });
                let folder = found.with_context(|| format!("there is no stage {stage:?}"))?;
                let full = folder.join(path);
                if !full.exists() {
                    let mut names: Vec<String> = std::fs::read_dir(&folder)?
                        .filter_map(|entry| entry.ok())
                        .map(|entry| entry.file_name().to_string_lossy().into_owned())
                        .filter(|name| name != "done.json")
                        .collect();
                    names.sort();
                    bail!(
                        "{slot} = \"@{stage}/{path}\": stage {stage:?} wrote no such file; it wrote {}",
                        names.join(", ")
                    );
                }
                Ok(full)
            }
        }
    }

    /// All inputs whose slot begins with `prefix`, in the recipe's order.
    pub fn paths(&self, prefix: &str) -> Result<Vec<PathBuf>> {
        self.stage.inputs.iter().filter(|(slot, _)| slot.starts_with(prefix)).map(|(slot, _)| self.path(slot)).collect()
    }

    /// A fresh instance of the plugin in `role`.
    pub fn plugin(&self, role: &str) -> Result<LoadedPlugin> {
        let plugin = self.plan.plugins.get(role).with_context(|| format!("no plugin has the role {role:?}"))?;
        let loaded = self.host.load(&plugin.path, &plugin.entry.config, &plugin.entry.limits)?;
        if loaded.digest() != plugin.digest {
            bail!("{} changed while the run was going on; run again", plugin.path.display());
        }
        Ok(loaded)
    }

    /// The plugin in `slot` (`verifier`, `reward`, ...).
    #[cfg(feature = "train")]
    pub fn plugin_in(&self, slot: &str) -> Result<LoadedPlugin> {
        let role = self.stage.roles.iter().find(|(name, _)| *name == slot).map(|(_, role)| role.as_str());
        self.plugin(role.with_context(|| format!("the stage names no {slot}"))?)
    }
}

fn curate(bench: &Bench<'_>, skip_bad_lines: bool, out: &std::path::Path) -> Result<Ended> {
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
    match octo_curate::curate_with(&inputs, &filters, out, &options, bench.stop, &report) {
        Ok(_) => Ok(Ended::Done),
        Err(octo_curate::CurateError::Stopped) => Ok(Ended::Stopped),
        Err(error) => Err(error.into()),
    }
}
