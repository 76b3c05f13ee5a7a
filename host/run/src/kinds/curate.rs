//! `curate`: documents through filter plugins, one after the other.

use std::path::Path;

use anyhow::Result;
use octo_record::Statistics;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_document};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::Texts;

/// A stage of this kind.
pub struct Curate {
    skip_bad_lines: bool,
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
        Ok(Curate { skip_bad_lines: keys.skip_bad_lines })
    }

    fn content(&self) -> Value {
        json!({ "skip_bad_lines": self.skip_bad_lines })
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        run.check_documents(stage, "inputs.", &first_document, self.skip_bad_lines)
    }

    fn resumes(&self) -> bool {
        true
    }

    fn shards(&self) -> bool {
        true
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("inputs.")?;
        let mut filters = Vec::new();
        for slot in &context.stage.plugins {
            filters.push((slot.role.clone(), context.plugin(&slot.role)?.into_filter()?));
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
