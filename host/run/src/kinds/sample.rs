//! `sample`: a uniform sample of documents by year.

use std::path::Path;

use anyhow::{Result, bail};
use octo_curate::CurateError;
use octo_curate::sample::{Amount, Quota, Spread, sample};
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
pub struct Sample {
    quota: Quota,
    skip_bad_lines: bool,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of documents.
    inputs: Texts,
    /// Documents that are taken in all. Give it, `share`, `per_year`, `from_year` or `to_year`.
    #[schemars(range(min = 1))]
    documents: Option<u64>,
    /// Share of the documents that is taken, instead of a number.
    #[schemars(range(min = 0, max = 1))]
    share: Option<f64>,
    /// The most documents of a year.
    #[schemars(range(min = 1))]
    per_year: Option<u64>,
    /// The first year that gives any. With it or `to_year`, documents without a year give none.
    from_year: Option<u16>,
    /// The last year that gives any.
    to_year: Option<u16>,
    /// How they are spread over the years.
    #[serde(default)]
    spread: SpreadKey,
    /// Whether lines that cannot be read are counted and left out, instead of ending the stage.
    #[serde(default)]
    skip_bad_lines: bool,
}

/// Spread over the years.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SpreadKey {
    /// Every year gives as many as any other, or all it has; what it lacks the others give.
    #[default]
    Even,
    /// Every year gives in proportion to what it has.
    Proportional,
}

impl StageKind for Sample {
    fn name() -> &'static str {
        "sample"
    }

    fn about() -> &'static str {
        "Takes a uniform sample of documents by year: the same ones however the files are cut."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Sample> {
        let keys: Keys = table.rest()?;
        table.inputs("inputs", &keys.inputs)?;
        let amount = match (keys.documents, keys.share, keys.per_year) {
            (Some(0), ..) => bail!("{}: is 0; a sample has at least one document", table.place("documents")),
            (.., Some(0)) => bail!("{}: is 0; a sample has at least one document of a year", table.place("per_year")),
            (Some(_), Some(_), _) => bail!("{}: `documents` is given too; leave one of them out", table.place("share")),
            (Some(documents), None, _) => Amount::Documents(documents),
            (None, Some(share), _) if share > 0.0 && share <= 1.0 => Amount::Share(share),
            (None, Some(share), _) => {
                bail!("{}: {share} is not a share; give a number from 0 to 1", table.place("share"))
            }
            (None, None, Some(_)) => Amount::All,
            (None, None, None) if keys.from_year.is_some() || keys.to_year.is_some() => Amount::All,
            (None, None, None) => {
                bail!("{}: is missing; say with it, `share` or `per_year` how much is taken", table.place("documents"))
            }
        };
        let spread = match keys.spread {
            SpreadKey::Even => Spread::Even,
            SpreadKey::Proportional => Spread::Proportional,
        };
        let years = match (keys.from_year, keys.to_year) {
            (None, None) => None,
            (from, to) => Some((from.unwrap_or(0), to.unwrap_or(u16::MAX))),
        };
        if let Some((from, to)) = years.filter(|(from, to)| from > to) {
            bail!("{}: is {to}, before `from_year`, which is {from}", table.place("to_year"));
        }
        let quota = Quota { amount, spread, per_year: keys.per_year, years };
        Ok(Sample { quota, skip_bad_lines: keys.skip_bad_lines })
    }

    fn content(&self) -> Value {
        json!({ "quota": self.quota, "skip_bad_lines": self.skip_bad_lines })
    }

    fn resumes(&self) -> bool {
        true
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        run.check_documents(stage, "inputs.", &first_document, self.skip_bad_lines)
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("inputs.")?;
        let total: u64 =
            inputs.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len()).sum();
        // Every document is read twice.
        let report = |documents: u64, bytes: u64| {
            context.line.report(&format!("{documents} documents"), bytes as f64 / (2 * total).max(1) as f64);
        };
        let options = octo_curate::Options { skip_bad_lines: self.skip_bad_lines, units: context.units() };
        let seed = context.stage.seed;
        match sample(&inputs, &self.quota, seed, out, &options, context.run.stop, &report) {
            Ok(_) => Ok(Ended::Done),
            Err(CurateError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}
