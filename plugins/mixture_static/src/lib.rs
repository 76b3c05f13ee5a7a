//! Fixed weights per data source.

use std::collections::BTreeMap;

use octo_sdk::{DataSource, MixturePolicy, Plugin, PluginError, Progress};

/// The share of each source in every step.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A weight for each of the stage's sources, by name. Only their ratios count; 0 leaves a source out.
    #[schemars(extend("minProperties" = 1))]
    pub weights: BTreeMap<String, f64>,
}

/// A mixture that depends on nothing but the names of the sources.
pub struct StaticMixture {
    weights: BTreeMap<String, f64>,
    /// Whether weights without a source were mentioned already.
    warned: bool,
}

impl Plugin for StaticMixture {
    type Config = Config;

    fn new(Config { weights }: Config) -> Result<Self, PluginError> {
        for (source, weight) in &weights {
            // The upper bound keeps sums finite; ratios beyond it would leave a source out in effect.
            if !(0.0..=1e12).contains(weight) {
                return Err(PluginError::invalid_config(format!(
                    "weights.{source} is {weight}; a weight must lie between 0 and 1e12"
                )));
            }
        }
        if weights.values().all(|weight| *weight == 0.0) {
            return Err(PluginError::invalid_config(
                "weights: at least one source needs a weight above 0, such as weights = { web = 0.7, books = 0.3 }",
            ));
        }
        Ok(Self { weights, warned: false })
    }
}

impl MixturePolicy for StaticMixture {
    fn weights(&mut self, _: &Progress, sources: &[DataSource]) -> Result<Vec<f64>, PluginError> {
        let weights: Vec<f64> = sources.iter().map(|source| self.weight(&source.name)).collect::<Result<_, _>>()?;
        if weights.iter().all(|weight| *weight == 0.0) {
            return Err(PluginError::invalid_input(format!(
                "the weights of all sources of this stage ({}) are 0, so no step can be filled",
                listed(sources.iter().map(|source| source.name.as_str()))
            )));
        }
        self.warn_of_weights_without_a_source(sources);
        Ok(weights)
    }
}

impl StaticMixture {
    fn weight(&self, source: &str) -> Result<f64, PluginError> {
        self.weights.get(source).copied().ok_or_else(|| {
            PluginError::invalid_input(format!(
                "source `{source}` has no weight; weights names {}. Add it there, with 0 to leave it out",
                listed(self.weights.keys().map(String::as_str))
            ))
        })
    }

    /// Warns once. It is not an error: stages with different sources may share one table of weights.
    fn warn_of_weights_without_a_source(&mut self, sources: &[DataSource]) {
        if std::mem::replace(&mut self.warned, true) {
            return;
        }
        let without = |name: &&String| !sources.iter().any(|source| source.name == **name);
        let names: Vec<&str> = self.weights.keys().filter(without).map(String::as_str).collect();
        if !names.is_empty() {
            octo_sdk::log::warn(&format!(
                "weights names {}, which this stage does not have; its sources are {}",
                listed(names.into_iter()),
                listed(sources.iter().map(|source| source.name.as_str()))
            ));
        }
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

octo_sdk::export!(mixture: StaticMixture);

#[cfg(test)]
mod tests {
    use super::*;
    use octo_sdk::ErrorKind;

    fn mixture(weights: serde_json::Value) -> Result<StaticMixture, String> {
        let config = serde_json::from_value(serde_json::json!({ "weights": weights }));
        StaticMixture::new(config.map_err(|error| error.to_string())?).map_err(|error| error.message)
    }

    fn source(name: &str, tokens_seen: u64) -> DataSource {
        DataSource { name: name.into(), tokens_available: 1_000, tokens_seen, loss: Some(2.5) }
    }

    fn at(step: u64) -> Progress {
        Progress { stage: "mid".into(), step, total_steps: 9, tokens: 0, total_tokens: 0, metrics: vec![] }
    }

    #[test]
    fn weights_come_in_the_order_of_the_sources_at_every_step() {
        let mut plugin = mixture(serde_json::json!({ "web": 0.7, "books": 0.2, "code": 0.0 })).expect("valid");
        for step in 0..3 {
            let sources = [source("code", step), source("web", 10 * step), source("books", 0)];
            assert_eq!(plugin.weights(&at(step), &sources), Ok(vec![0.0, 0.7, 0.2]));
        }
        assert_eq!(plugin.weights(&at(4), &[source("books", 0)]), Ok(vec![0.2]));
    }

    #[test]
    fn a_source_without_a_weight_is_named_along_with_those_that_have_one() {
        let mut plugin = mixture(serde_json::json!({ "web": 0.7, "books": 0.3 })).expect("valid");
        let error = plugin.weights(&at(0), &[source("web", 0), source("bookz", 0)]).expect_err("no weight");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        for name in ["`bookz`", "`web`", "`books`"] {
            assert!(error.message.contains(name), "{}", error.message);
        }
    }

    #[test]
    fn a_stage_whose_sources_are_all_left_out_is_refused() {
        let mut plugin = mixture(serde_json::json!({ "web": 1.0, "books": 0.0 })).expect("valid");
        let error = plugin.weights(&at(0), &[source("books", 0)]).expect_err("nothing to sample from");
        assert!(error.message.contains("`books`"), "{}", error.message);
    }

    #[test]
    fn weights_out_of_range_are_refused() {
        for (weights, named) in [
            (serde_json::json!({}), "weights"),
            (serde_json::json!({ "web": 0.0 }), "weights"),
            (serde_json::json!({ "web": 0.5, "books": -0.1 }), "weights.books"),
            (serde_json::json!({ "web": 1e300 }), "weights.web"),
            (serde_json::json!({ "web": "much" }), "much"),
        ] {
            let error = mixture(weights.clone()).err().expect("no weights");
            assert!(error.contains(named), "{weights}: {error}");
        }
    }

    #[test]
    fn the_memory_is_empty() {
        let mut plugin = mixture(serde_json::json!({ "web": 1.0 })).expect("valid");
        assert!(plugin.save().is_empty());
        assert!(plugin.restore(&[]).is_ok());
    }
}
