//! `perplexity`: how well a model predicts texts.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use octo_record::{Device, PerplexityResults};
use octo_run::PlannedRun;
use octo_run::check::{Fault, first_document};
use octo_run::context::StageContext;
use octo_run::kind::{Ended, StageKind, keys_of};
use octo_run::recipe::stage::{Stage, StageTable};
use octo_run::recipe::values::Texts;
use octo_train::perplexity::{PerplexityConfig, PerplexityInputs};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::controlled;

/// A stage of this kind.
pub struct Perplexity {
    /// Slots of the files, by the text's name.
    texts: BTreeMap<String, Vec<String>>,
    config: PerplexityConfig,
}

/// The inputs of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wiring {
    /// Folder of the model: `@STAGE/model`, or a path.
    model: String,
    /// Files of documents by name: `{ mathematics = ["held-out.jsonl"], prose = "prose.jsonl.zst" }`.
    texts: BTreeMap<String, Texts>,
}

impl StageKind for Perplexity {
    fn name() -> &'static str {
        PerplexityResults::KIND
    }

    fn about() -> &'static str {
        "Measures how well a model predicts named texts, in bits per byte: for models too small to answer, and for what a \
         model may forget."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Wiring>(), keys_of::<PerplexityConfig>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Perplexity> {
        let wiring: Wiring = table.part()?;
        table.input("model", &wiring.model)?;
        if wiring.texts.is_empty() {
            bail!("{}: names no text", table.place("texts"));
        }
        let mut texts = BTreeMap::new();
        for (name, files) in &wiring.texts {
            texts.insert(name.clone(), table.inputs(&format!("texts.{name}"), files)?);
        }
        let config: PerplexityConfig = table.rest()?;
        config.check().map_err(|error| anyhow!("{}: {error}", table.place("")))?;
        Ok(Perplexity { texts, config })
    }

    fn content(&self) -> Value {
        json!({ "texts": self.texts, "loop": self.config })
    }

    fn threads(&self) -> usize {
        self.config.threads
    }

    fn device(&self, _: usize) -> Option<Device> {
        Some(super::device(&self.config.device, 1))
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let mut faults = super::device_faults(&self.config.device);
        for name in self.texts.keys() {
            faults.extend(run.check_documents(stage, &format!("texts.{name}."), &first_document, false));
        }
        faults
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let mut texts = BTreeMap::new();
        for (name, slots) in &self.texts {
            texts.insert(name.clone(), slots.iter().map(|slot| context.path(slot)).collect::<Result<_>>()?);
        }
        let inputs = PerplexityInputs { model: context.path("model")?, texts };
        controlled(context, |control| Ok(octo_train::perplexity::perplexity(&self.config, inputs, out, control)?))
    }
}
