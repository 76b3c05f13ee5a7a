//! `generate`: the demo's corpora and problems, made from a seed.

use std::path::Path;

use anyhow::{Result, anyhow};
use octo_data::synthetic::SyntheticConfig;
use schemars::Schema;
use serde_json::{Value, json};

use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::StageTable;

/// A stage of this kind.
pub struct Generate {
    config: SyntheticConfig,
}

impl StageKind for Generate {
    fn name() -> &'static str {
        "generate"
    }

    fn about() -> &'static str {
        "Makes the corpora and problems of the demo from a seed."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<SyntheticConfig>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Generate> {
        let config: SyntheticConfig = table.rest()?;
        config.validate().map_err(|error| anyhow!("{}: {error}", table.place("")))?;
        Ok(Generate { config })
    }

    fn content(&self) -> Value {
        json!(self.config)
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        octo_data::synthetic::generate(&self.config, context.stage.seed, out)?;
        Ok(Ended::Done)
    }
}
