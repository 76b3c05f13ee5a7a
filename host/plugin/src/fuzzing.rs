//! Checks of guests' texts, opened to the fuzz targets: through a component they would cost a compilation per input.

use serde_json::Value;

use crate::contract::world::RawDescription;
use crate::load::config_check::{self, Mistake};
use crate::load::{description, schema_cost};
use crate::{Case, Description};

/// A config against a schema: the canonical JSON, or what is wrong in words.
///
/// # Errors
/// The plugin's mistake or the config's, as it would be shown.
pub fn check_config(schema: &Value, config: &Value) -> Result<String, String> {
    config_check::check(schema, config).map_err(|mistake| match mistake {
        Mistake::Schema(problem) | Mistake::Config(problem) => problem,
    })
}

/// Why a schema is not used, if it would take too long to check this config.
pub fn too_costly(schema: &Value, config: &Value) -> Option<String> {
    schema_cost::too_costly(schema, config)
}

/// What a guest says about itself, checked.
///
/// # Errors
/// What is wrong with which part.
pub fn describe(name: &str, version: &str, summary: &str, config_schema: &str) -> Result<Description, String> {
    description::check(RawDescription {
        name: name.to_owned(),
        version: version.to_owned(),
        summary: summary.to_owned(),
        config_schema: config_schema.to_owned(),
    })
}

/// A case's file, without the file.
///
/// # Errors
/// What is wrong with it, in one clean line.
pub fn case(json: &[u8]) -> Result<Case, String> {
    Case::parse(json)
}
