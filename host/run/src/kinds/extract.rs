//! `extract`: documents out of crawled pages, with their mathematics.

use std::path::Path;

use anyhow::Result;
use octo_curate::extract::{ExtractError, ExtractOptions, PageLimits, extract};
use octo_record::ExtractionStatistics;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::StageTable;
use crate::recipe::values::Texts;

/// A stage of this kind.
pub struct Extract {
    largest_page: usize,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of pages: WARC or WET archives, plain, with gzip or with zstd, and HTML files.
    inputs: Texts,
    /// The longest page that is read, in bytes, without its encodings. A longer one is counted and left out.
    #[serde(default = "largest_page")]
    #[schemars(range(min = 1))]
    largest_page: usize,
}

fn largest_page() -> usize {
    PageLimits::default().bytes
}

impl StageKind for Extract {
    fn name() -> &'static str {
        ExtractionStatistics::KIND
    }

    fn about() -> &'static str {
        "Makes documents of crawled pages: their main text, with formulas between dollars."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Extract> {
        let keys: Keys = table.rest()?;
        table.inputs("inputs", &keys.inputs)?;
        Ok(Extract { largest_page: keys.largest_page })
    }

    fn content(&self) -> Value {
        json!({ "largest_page": self.largest_page })
    }

    fn resumes(&self) -> bool {
        true
    }

    fn shards(&self) -> bool {
        true
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("inputs.")?;
        let total: u64 =
            inputs.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|details| details.len()).sum();
        let report = |pages: u64, bytes: u64| {
            context.line.report(&format!("{pages} pages"), bytes as f64 / total.max(1) as f64);
        };
        let limits = PageLimits { bytes: self.largest_page };
        let options = ExtractOptions { limits, units: context.units() };
        match extract(&inputs, out, &options, context.run.stop, &report) {
            Ok(_) | Err(ExtractError::Left { .. }) => Ok(Ended::Done),
            Err(ExtractError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}
