//! `extract`: documents out of crawled pages, with their mathematics.

use std::path::Path;

use anyhow::Result;
use octo_curate::extract::{Columns, ExtractError, ExtractOptions, Form, PageLimits, Source, extract, sources};
use octo_record::ExtractionStatistics;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::Fault;
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::Texts;

/// A stage of this kind.
pub struct Extract {
    largest_page: usize,
    columns: Option<Columns>,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of pages: WARC or WET archives, plain, with gzip or with zstd; HTML files; folders of both; JSON Lines, CSV
    /// and Parquet with a column of HTML.
    inputs: Texts,
    /// The longest page that is read, in bytes, without its encodings. A longer one is counted and left out.
    #[serde(default = "largest_page")]
    #[schemars(range(min = 1))]
    largest_page: usize,
    /// Column of tables that has the pages' HTML. Tables need it.
    html_column: Option<String>,
    /// Column of tables that has the pages' URLs.
    #[serde(default = "url_column")]
    url_column: String,
    /// Column of tables that has the times of the crawl, as texts that begin with the year.
    #[serde(default = "date_column")]
    date_column: String,
}

fn url_column() -> String {
    "url".to_owned()
}

fn date_column() -> String {
    "date".to_owned()
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
        let (url, date) = (keys.url_column, keys.date_column);
        let columns = keys.html_column.map(|html| Columns { html, url, date });
        Ok(Extract { largest_page: keys.largest_page, columns })
    }

    fn content(&self) -> Value {
        match &self.columns {
            // As it was before there were tables.
            None => json!({ "largest_page": self.largest_page }),
            Some(Columns { html, url, date }) => {
                json!({ "largest_page": self.largest_page, "html_column": html, "url_column": url, "date_column": date })
            }
        }
    }

    fn resumes(&self) -> bool {
        true
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let fault = |slot: &String| {
            let found = sources(&[run.known_input(stage, slot)?]);
            let needs_column = |source: &Source| source.form == Form::Table && self.columns.is_none();
            match found {
                Err(error) => Some(Fault::new(slot, error.to_string())),
                Ok(found) if found.iter().any(needs_column) => {
                    Some(Fault::new(slot, "is a table; say with `html_column` which of its columns has the pages"))
                }
                Ok(_) => None,
            }
        };
        stage.inputs.iter().filter_map(|(slot, _)| fault(slot)).collect()
    }

    fn shards(&self) -> bool {
        true
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("inputs.")?;
        let sizes = sources(&inputs)?;
        let sizes = sizes.iter().filter_map(|source| std::fs::metadata(&source.path).ok());
        let total: u64 = sizes.map(|details| details.len()).sum();
        let report = |pages: u64, bytes: u64| {
            context.line.report(&format!("{pages} pages"), bytes as f64 / total.max(1) as f64);
        };
        let limits = PageLimits { bytes: self.largest_page };
        let options = ExtractOptions { limits, columns: self.columns.clone(), units: context.units() };
        match extract(&inputs, out, &options, context.run.stop, &report) {
            Ok(_) | Err(ExtractError::Left { .. }) => Ok(Ended::Done),
            Err(ExtractError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}
