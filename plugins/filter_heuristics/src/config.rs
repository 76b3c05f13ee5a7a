//! What a recipe may set: every key is in `settings.rs`, every preset in `presets.rs`.

mod presets;
mod settings;

pub use presets::Preset;
pub use settings::Settings;

use octo_sdk::PluginError;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The settings of a recipe: those of its preset, with the keys beside it in their places.
#[derive(Clone, Debug, Default)]
pub struct Config(pub Settings);

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let given = serde_json::Map::deserialize(from)?;
        let preset =
            given.get("preset").map(Option::<Preset>::deserialize).transpose().map_err(D::Error::custom)?.flatten();
        let defaults = Preset::settings(preset);
        if let Some(key) = given.keys().find(|key| !Preset::takes(preset, key)) {
            return Err(D::Error::custom(Preset::refusal(preset, key)));
        }
        let mut all = match serde_json::to_value(defaults).map_err(D::Error::custom)? {
            serde_json::Value::Object(all) => all,
            _ => serde_json::Map::new(),
        };
        all.extend(given);
        Settings::deserialize(serde_json::Value::Object(all)).map(Config).map_err(D::Error::custom)
    }
}

impl JsonSchema for Config {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Config".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Settings::json_schema(generator)
    }
}

impl Config {
    /// Refuses thresholds that no page, or every page, could meet by mistake.
    pub(crate) fn check(&self) -> Result<(), PluginError> {
        self.0.check()
    }
}

#[cfg(test)]
mod tests;
