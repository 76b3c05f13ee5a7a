//! A plugin whose description never ends, for the host's tests.

use std::borrow::Cow;

use octo_sdk::{Attempt, Plugin, PluginError, Verdict, Verifier};

/// Any config; what is wrong is its schema.
#[derive(serde::Deserialize)]
pub struct Config {}

impl schemars::JsonSchema for Config {
    fn schema_name() -> Cow<'static, str> {
        "Config".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        loop {
            std::hint::black_box(());
        }
    }
}

/// Never gets to judge.
pub struct Hostile;

impl Plugin for Hostile {
    type Config = Config;

    fn new(_: Config) -> Result<Self, PluginError> {
        Ok(Hostile)
    }
}

impl Verifier for Hostile {
    fn verify(&self, _: &Attempt) -> Result<Verdict, PluginError> {
        Err(PluginError::unsupported("this plugin should not have been loaded"))
    }
}

octo_sdk::export!(verifier: Hostile);
