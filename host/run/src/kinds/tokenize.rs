//! `tokenize`: documents to token shards.

mod forecast;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use octo_data::DataError;
use octo_data::field_map::FieldMap;
use octo_data::rows::TEXT_FIELDS;
use octo_data::rows::faults::Faults;
use octo_data::shards::Settings;
use octo_data::shards::tokenize::{Outcome, SHARD_TOKENS, Standing, Watch};
use octo_data::tokenizer::Tokenizer;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_row};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::nearest;
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::{Named, Texts};

/// A stage of this kind.
pub struct Tokenize {
    settings: Settings,
    threads: usize,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of documents: JSON Lines, one JSON array, CSV, TSV or Parquet, the text formats plain or compressed.
    documents: Texts,
    /// Folder of the tokenizer, or of a model with one.
    tokenizer: String,
    /// Columns by the field of a document that they hold: `text`, `source`, `year`.
    #[serde(default)]
    map: Named<String>,
    /// Source of documents that name none; the stage's name where it is not given.
    source: Option<String>,
    /// Tokens of a shard.
    #[serde(default = "shard_tokens")]
    #[schemars(range(min = 1))]
    shard_tokens: u64,
    /// Whether rows that cannot be read are counted and left out, instead of ending the stage.
    #[serde(default)]
    skip_bad_rows: bool,
    /// Threads, which decide nothing but the speed.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    threads: usize,
}

fn shard_tokens() -> u64 {
    SHARD_TOKENS
}

fn one() -> usize {
    1
}

impl StageKind for Tokenize {
    fn name() -> &'static str {
        "tokenize"
    }

    fn about() -> &'static str {
        "Turns documents into token shards, which a `midtrain` stage reads without holding them in memory."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Tokenize> {
        let keys: Keys = table.rest()?;
        table.inputs("documents", &keys.documents)?;
        table.input("tokenizer", &keys.tokenizer)?;
        for (field, _) in &keys.map.0 {
            if !TEXT_FIELDS.contains(&field.as_str()) {
                let known = TEXT_FIELDS.iter().map(|field| (*field).to_owned());
                let place = table.place(&format!("map.{field}"));
                bail!("{place}: no field {field:?} of a document is trained on{}", nearest(field, known));
            }
        }
        for (key, value) in [("shard_tokens", keys.shard_tokens), ("threads", keys.threads as u64)] {
            if value == 0 {
                bail!("{}: must be at least 1", table.place(key));
            }
        }
        let settings = Settings {
            map: keys.map.0.into_iter().collect(),
            source: keys.source.unwrap_or_else(|| table.name().to_owned()),
            shard_tokens: keys.shard_tokens,
            skip_bad_rows: keys.skip_bad_rows,
        };
        Ok(Tokenize { settings, threads: keys.threads })
    }

    fn content(&self) -> Value {
        json!(self.settings)
    }

    fn threads(&self) -> usize {
        self.threads
    }

    fn resumes(&self) -> bool {
        true
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let map = FieldMap::new(self.settings.map.clone());
        let mut faults =
            run.check_documents(stage, "documents.", &|path| first_row(path, &map), self.settings.skip_bad_rows);
        if let Some(path) = run.known_input(stage, "tokenizer")
            && let Err(error) = &*loaded(run, &path)
        {
            faults.push(Fault::new("tokenizer", error));
        }
        faults
    }

    fn forecast(run: &PlannedRun, stages: &[&Stage]) -> Option<String> {
        Some(forecast::text(run, stages))
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let tokenizer = Tokenizer::load(&context.path("tokenizer")?)?;
        let progress = |standing: &Standing| {
            let speed = standing.new_tokens as f64 / context.line.seconds().max(1e-9);
            context.line.report(&format!("{} tokens  {speed:.0} tokens/s", standing.total.tokens), standing.share);
        };
        let skipped = SkippedRows::default();
        let watch = Watch { stop: context.run.stop, progress: &progress, skipped: &|error| skipped.add(error) };
        let inputs = context.paths("documents.")?;
        match octo_data::shards::tokenize::tokenize(&inputs, &tokenizer, &self.settings, out, self.threads, &watch)? {
            Outcome::Done(_) | Outcome::Already(_) => Ok(Ended::Done),
            Outcome::Stopped => Ok(Ended::Stopped),
        }
    }
}

/// The tokenizer in `path`, read once for all stages of the run.
pub fn loaded(run: &PlannedRun, path: &Path) -> Arc<Result<Tokenizer, String>> {
    run.once(&format!("tokenizer {}", path.display()), || Tokenizer::load(path).map_err(|error| error.to_string()))
}

/// Warns of rows that are left out, the first few of each kind one by one; when it is dropped, of how many there were more.
#[derive(Default)]
pub struct SkippedRows {
    faults: RefCell<Faults>,
}

impl SkippedRows {
    /// Counts a row, and warns of it unless there were enough of its kind.
    pub fn add(&self, error: &DataError) {
        let (place, message) = error.place_and_message();
        if let Some(said) = self.faults.borrow_mut().add(&place, &message) {
            tracing::warn!("skipped {said}");
        }
    }
}

impl Drop for SkippedRows {
    fn drop(&mut self) {
        self.faults.borrow().rest().iter().for_each(|line| tracing::warn!("skipped {line}"));
    }
}
