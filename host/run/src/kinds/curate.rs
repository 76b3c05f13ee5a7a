//! `curate`: documents through filter plugins, one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use octo_curate::classifier::asking::PreparedClassifier;
use octo_curate::fasttext_model::FastTextModel;
use octo_plugin::{Classifiers, TextClassifier};
use octo_record::{ClassifierReport, Statistics, layout};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_document};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::kinds::classifier::Prepared;
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::{Named, Texts};

/// Bytes of a model that is looked into when the recipe is planned.
const SMALL_MODEL: u64 = 256 << 20;

/// A stage of this kind.
pub struct Curate {
    skip_bad_lines: bool,
    classifiers: Named<AskedClassifier>,
}

/// A classifier that filters may ask.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskedClassifier {
    /// The fastText model, `.bin` or `.ftz`: `@STAGE/model.bin` of a `classifier` stage, or a path.
    model: String,
    /// How texts are prepared, as they were when the model was trained. A model of a `classifier` stage that learnt from
    /// others is refused.
    #[serde(default)]
    preprocessing: Prepared,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of documents.
    inputs: Texts,
    /// Roles of filter plugins, in the order in which documents go through them.
    #[serde(default)]
    filters: Texts,
    /// Classifiers that the filters may ask, by the names under which they ask:
    /// `math = { model = "@classifier/model.bin", preprocessing = "mathematics" }`.
    #[serde(default)]
    classifiers: Named<AskedClassifier>,
    /// Whether lines that cannot be read are counted and left out, instead of ending the stage.
    #[serde(default)]
    skip_bad_lines: bool,
}

impl StageKind for Curate {
    fn name() -> &'static str {
        Statistics::KIND
    }

    fn about() -> &'static str {
        "Sends documents through filter plugins; keeps those that pass, and counts why others did not."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Curate> {
        let keys: Keys = table.rest()?;
        table.inputs("inputs", &keys.inputs)?;
        table.roles("filters", "filter", &keys.filters)?;
        for (name, classifier) in &keys.classifiers.0 {
            if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
                bail!("{}: {name:?} is not the name of a classifier, which is one word", table.place("classifiers"));
            }
            table.input(&slot(name), &classifier.model)?;
        }
        Ok(Curate { skip_bad_lines: keys.skip_bad_lines, classifiers: keys.classifiers })
    }

    fn content(&self) -> Value {
        let mut content = json!({ "skip_bad_lines": self.skip_bad_lines });
        // Which model it is, its input says.
        if !self.classifiers.0.is_empty() {
            let prepared = |(name, asked): &(String, AskedClassifier)| {
                (name.clone(), Value::from(asked.preprocessing.preprocessing().name()))
            };
            content["classifiers"] = self.classifiers.0.iter().map(prepared).collect::<serde_json::Map<_, _>>().into();
        }
        content
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let mut faults = run.check_documents(stage, "inputs.", &first_document, self.skip_bad_lines);
        for (name, _) in &self.classifiers.0 {
            let slot = slot(name);
            // A large model is not read twice: what is wrong with it ends the stage at its beginning.
            let small = |path: &PathBuf| path.metadata().is_ok_and(|details| details.len() <= SMALL_MODEL);
            if let Some(path) = run.known_input(stage, &slot).filter(small)
                && let Err(error) = FastTextModel::load(&path)
            {
                faults.push(Fault::new(slot, error.to_string()));
            }
        }
        faults
    }

    fn resumes(&self) -> bool {
        true
    }

    fn shards(&self) -> bool {
        true
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("inputs.")?;
        let classifiers = self.load_classifiers(context)?;
        if self.classifiers.0.is_empty() {
            // It may do without, or refuse every document.
            let roles = context.stage.plugins.iter().map(|slot| slot.role.as_str());
            for role in roles.filter(|role| asks_classifiers(context.run.planned, role)) {
                tracing::warn!("filter {role:?} may ask classifiers, and the stage names none in `classifiers`");
            }
        }
        let mut filters = Vec::new();
        for slot in &context.stage.plugins {
            let plugin = context.plugin_with_classifiers(&slot.role, &classifiers)?;
            filters.push((slot.role.clone(), plugin.into_filter()?));
        }
        let filters: Vec<_> = filters.iter().map(|(role, filter)| (role.clone(), filter)).collect();
        let total: u64 =
            inputs.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len()).sum();
        let report = |documents: u64, bytes: u64| {
            context.line.report(&format!("{documents} documents"), bytes as f64 / total.max(1) as f64);
        };
        let options = octo_curate::Options { skip_bad_lines: self.skip_bad_lines, units: context.units() };
        match octo_curate::curate_with(&inputs, &filters, out, &options, context.run.stop, &report) {
            Ok(_) | Err(octo_curate::CurateError::Left { .. }) => Ok(Ended::Done),
            Err(octo_curate::CurateError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}

impl Curate {
    fn load_classifiers(&self, context: &StageContext<'_>) -> Result<Classifiers> {
        let load = |(name, asked): &(String, AskedClassifier)| {
            let path = context.path(&slot(name))?;
            let model = FastTextModel::load(&path).with_context(|| format!("classifier {name:?}"))?;
            let preprocessing = asked.preprocessing.preprocessing();
            if let Some(trained) = trained_with(&path).filter(|trained| trained != preprocessing.name()) {
                let asked = preprocessing.name();
                bail!(
                    "classifier {name:?} learnt from texts with preprocessing = {trained:?}, and the stage asks it about \
                     texts with {asked:?}; set classifiers.{name}.preprocessing to {trained:?}"
                );
            }
            let classifier = PreparedClassifier { model, preprocessing };
            Ok((name.clone(), Arc::new(classifier) as Arc<dyn TextClassifier>))
        };
        self.classifiers.0.iter().map(load).collect()
    }
}

/// How the texts were prepared that a model learnt from, where the record of its training lies beside it.
fn trained_with(model: &Path) -> Option<String> {
    let report = std::fs::read(model.with_file_name(layout::CLASSIFIER)).ok()?;
    serde_json::from_slice(&report).ok().map(|report: ClassifierReport| report.preprocessing)
}

/// Whether the plugin of a role imports the host's classifiers.
fn asks_classifiers(run: &PlannedRun, role: &str) -> bool {
    let Some(plugin) = run.plan.plugins.get(role) else { return false };
    let asks = || {
        let bytes = std::fs::read(&plugin.path).ok()?;
        let inspected = run.host.inspect(&plugin.name, &bytes, &plugin.entry.limits).ok()?;
        Some(inspected.imports.iter().any(|import| import.starts_with("octo:plugin/classifier@")))
    };
    *run.once(&format!("whether {} asks classifiers", plugin.digest), || asks().unwrap_or(false))
}

/// The slot of a classifier's model.
fn slot(name: &str) -> String {
    format!("classifiers.{name}")
}
