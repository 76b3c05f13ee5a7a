//! Fixed weights for every stage by its name, and for phases of a stage by the tokens that they last.
//!
//! OctoThinker (arXiv 2506.20512, tables 2 to 5) trains a stable stage on one mixture and branches into decays on
//! others; one config of this plugin is the whole plan.

use std::collections::BTreeMap;

use octo_sdk::{DataSource, MixturePolicy, Plugin, PluginError, Progress};

/// The name that stands for every stage that is not named.
const ANY_STAGE: &str = "*";

/// The mixtures of all stages.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The phases of each stage, by the name that the stage reports to plugins (`stage_name` in a recipe); `*` is for
    /// every stage that is not named here.
    #[schemars(extend("minProperties" = 1))]
    pub stages: BTreeMap<String, Vec<Phase>>,
}

/// One mixture and how long it lasts.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Tokens that the phase lasts; a step that begins within them is its own. The last phase has none: it lasts to
    /// the end of the stage.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub tokens: Option<u64>,
    /// A weight for each of the stage's sources, by name. Only their ratios count; 0 leaves a source out.
    #[schemars(extend("minProperties" = 1))]
    pub weights: BTreeMap<String, f64>,
}

/// A mixture that depends on the stage's name and the tokens trained on.
pub struct StagesMixture {
    stages: BTreeMap<String, Vec<Phase>>,
    /// Whether what is odd about the stage was mentioned already.
    warned: bool,
}

impl Plugin for StagesMixture {
    type Config = Config;

    fn new(Config { stages }: Config) -> Result<Self, PluginError> {
        if stages.is_empty() {
            return Err(PluginError::invalid_config(
                "stages: name at least one, such as stages = { stable = [{ weights = { web = 1.0 } }] }",
            ));
        }
        for (stage, phases) in &stages {
            check(stage, phases).map_err(PluginError::invalid_config)?;
        }
        Ok(Self { stages, warned: false })
    }
}

fn check(stage: &str, phases: &[Phase]) -> Result<(), String> {
    if phases.is_empty() {
        return Err(format!("stages.{stage} has no phase; give one, such as [{{ weights = {{ web = 1.0 }} }}]"));
    }
    for (index, phase) in phases.iter().enumerate() {
        let place = format!("stages.{stage}[{index}]");
        match (phase.tokens, index + 1 == phases.len()) {
            (None, false) => {
                return Err(format!(
                    "{place} has no tokens, so the phases after it would never begin; say how long it lasts"
                ));
            }
            (Some(_), true) => {
                return Err(format!(
                    "{place} is the last phase and lasts to the end of the stage; leave its tokens out"
                ));
            }
            (Some(0), _) => return Err(format!("{place}.tokens is 0; a phase lasts at least 1 token")),
            _ => {}
        }
        for (source, weight) in &phase.weights {
            // The upper bound keeps sums finite; ratios beyond it would leave a source out in effect.
            if !(0.0..=1e12).contains(weight) {
                return Err(format!("{place}.weights.{source} is {weight}; a weight must lie between 0 and 1e12"));
            }
        }
        if phase.weights.values().all(|weight| *weight == 0.0) {
            return Err(format!("{place}.weights: at least one source needs a weight above 0"));
        }
    }
    Ok(())
}

impl MixturePolicy for StagesMixture {
    fn weights(&mut self, at: &Progress, sources: &[DataSource]) -> Result<Vec<f64>, PluginError> {
        let (name, phases) = self.phases(&at.stage)?;
        let mut end = 0u64;
        let index = phases.iter().position(|phase| {
            end = end.saturating_add(phase.tokens.unwrap_or(u64::MAX));
            at.tokens < end
        });
        // The last phase has no end but the largest number of tokens there is.
        let index = index.unwrap_or(phases.len() - 1);
        let phase = &phases[index];
        let weights: Vec<f64> = sources
            .iter()
            .map(|source| {
                phase.weights.get(&source.name).copied().ok_or_else(|| {
                    PluginError::invalid_input(format!(
                        "source `{}` has no weight; stages.{name}[{index}].weights names {}. Add it there, with 0 to leave it out",
                        source.name,
                        listed(phase.weights.keys())
                    ))
                })
            })
            .collect::<Result<_, _>>()?;
        if weights.iter().all(|weight| *weight == 0.0) {
            return Err(PluginError::invalid_input(format!(
                "stages.{name}[{index}] gives weight 0 to every source of this stage ({}), so no step can be filled",
                listed(sources.iter().map(|source| &source.name))
            )));
        }
        if !self.warned {
            for warning in oddities(name, phases, at, sources) {
                octo_sdk::log::warn(&warning);
            }
            self.warned = true;
        }
        Ok(weights)
    }
}

impl StagesMixture {
    fn phases(&self, stage: &str) -> Result<(&str, &[Phase]), PluginError> {
        let found = self.stages.get_key_value(stage).or_else(|| self.stages.get_key_value(ANY_STAGE));
        found.map(|(name, phases)| (name.as_str(), phases.as_slice())).ok_or_else(|| {
            PluginError::invalid_input(format!(
                "the stage is called `{stage}`, and stages names {}. Set stage_name in the recipe's stage, or add `{stage}` or `{ANY_STAGE}` here",
                listed(self.stages.keys())
            ))
        })
    }
}

/// What is not an error but hardly meant.
fn oddities(name: &str, phases: &[Phase], at: &Progress, sources: &[DataSource]) -> Vec<String> {
    let mut found = Vec::new();
    let mut begin = 0u64;
    for (index, phase) in phases.iter().enumerate() {
        if index > 0 && at.total_tokens > 0 && begin >= at.total_tokens {
            found.push(format!(
                "stages.{name}[{index}] begins at {begin} tokens, and the stage ends at {}; it never comes",
                at.total_tokens
            ));
        }
        begin = begin.saturating_add(phase.tokens.unwrap_or(0));
        let without = phase.weights.keys().filter(|name| !sources.iter().any(|source| source.name == **name));
        let without: Vec<&String> = without.collect();
        if !without.is_empty() {
            found.push(format!(
                "stages.{name}[{index}].weights names {}, which this stage does not have; its sources are {}",
                listed(without.into_iter()),
                listed(sources.iter().map(|source| &source.name))
            ));
        }
    }
    found
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

octo_sdk::export!(mixture: StagesMixture);

#[cfg(test)]
mod tests {
    use super::*;
    use octo_sdk::ErrorKind;

    fn mixture(stages: serde_json::Value) -> Result<StagesMixture, String> {
        let config = serde_json::from_value(serde_json::json!({ "stages": stages }));
        StagesMixture::new(config.map_err(|error| error.to_string())?).map_err(|error| error.message)
    }

    fn sources(names: &[&str]) -> Vec<DataSource> {
        let source =
            |name: &&str| DataSource { name: (*name).into(), tokens_available: 1_000, tokens_seen: 0, loss: None };
        names.iter().map(source).collect()
    }

    fn at(stage: &str, tokens: u64) -> Progress {
        Progress { stage: stage.into(), step: 0, total_steps: 9, tokens, total_tokens: 100, metrics: vec![] }
    }

    #[test]
    fn a_stage_goes_through_its_phases_by_tokens_and_stays_in_the_last() {
        let mut plugin = mixture(serde_json::json!({ "long": [
            { "tokens": 10, "weights": { "web": 1.0, "qa": 0.0 } },
            { "tokens": 5, "weights": { "web": 0.5, "qa": 0.5 } },
            { "weights": { "qa": 1.0, "web": 0.0 } },
        ]}))
        .expect("valid");
        for (tokens, expected) in [
            (0, [0.0, 1.0]),
            (9, [0.0, 1.0]),
            (10, [0.5, 0.5]),
            (14, [0.5, 0.5]),
            (15, [1.0, 0.0]),
            (u64::MAX, [1.0, 0.0]),
        ] {
            let weights = plugin.weights(&at("long", tokens), &sources(&["qa", "web"]));
            assert_eq!(weights, Ok(expected.to_vec()), "{tokens} tokens");
        }
        // Nothing is remembered: a run that resumes asks for the same.
        assert!(plugin.save().is_empty());
    }

    #[test]
    fn the_papers_mixtures_are_whole_and_found_by_the_name_of_the_branch() {
        let config: Config = serde_json::from_str(include_str!("../octothinker.json")).expect("a config");
        for (stage, phases) in &config.stages {
            let sum: f64 = phases.iter().flat_map(|phase| phase.weights.values()).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{stage} sums to {sum}");
        }
        let mut plugin = StagesMixture::new(config).expect("valid");
        let stable = ["web-pro-max", "dclm", "text-code", "qa", "code", "translated-code"];
        assert_eq!(
            plugin.weights(&at("stable", 0), &sources(&stable)),
            Ok(vec![0.725, 0.10, 0.10, 0.05, 0.0125, 0.0125])
        );
        let long = ["web-pro", "dclm", "instructions", "openr1", "am-distilled"];
        assert_eq!(plugin.weights(&at("long", 7), &sources(&long)), Ok(vec![0.55, 0.05, 0.10, 0.15, 0.15]));
    }

    #[test]
    fn a_stage_that_is_not_named_takes_the_star_or_is_refused_with_those_there_are() {
        let weights = serde_json::json!({ "web": 1.0 });
        let named = serde_json::json!({ "stable": [{ "weights": weights }], "short": [{ "weights": weights }] });
        let error =
            mixture(named).expect("valid").weights(&at("midtrain", 0), &sources(&["web"])).expect_err("unknown");
        assert_eq!(error.kind, ErrorKind::InvalidInput);
        for word in ["`midtrain`", "`stable`", "`short`", "stage_name"] {
            assert!(error.message.contains(word), "{}", error.message);
        }
        let mut any = mixture(serde_json::json!({ "*": [{ "weights": weights }] })).expect("valid");
        assert_eq!(any.weights(&at("midtrain", 0), &sources(&["web"])), Ok(vec![1.0]));
    }

    #[test]
    fn a_source_without_a_weight_is_named_along_with_the_phase() {
        let mut plugin = mixture(serde_json::json!({ "a": [
            { "tokens": 5, "weights": { "web": 1.0, "qa": 1.0 } }, { "weights": { "web": 1.0 } }
        ]}))
        .expect("valid");
        assert!(plugin.weights(&at("a", 0), &sources(&["web", "qa"])).is_ok());
        let error = plugin.weights(&at("a", 5), &sources(&["web", "qa"])).expect_err("no weight");
        assert!(error.message.contains("`qa`") && error.message.contains("stages.a[1]"), "{}", error.message);
        let none = plugin.weights(&at("a", 5), &[]).expect_err("no source");
        assert!(none.message.contains("stages.a[1]"), "{}", none.message);
    }

    #[test]
    fn phases_that_never_come_and_weights_without_a_source_are_mentioned() {
        let plugin = mixture(serde_json::json!({ "a": [
            { "tokens": 100, "weights": { "web": 1.0, "books": 1.0 } }, { "weights": { "web": 1.0 } }
        ]}))
        .expect("valid");
        let found = oddities("a", &plugin.stages["a"], &at("a", 0), &sources(&["web"]));
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("`books`") && found[1].contains("never comes"), "{found:?}");
        assert_eq!(oddities("a", &plugin.stages["a"][1..], &at("a", 0), &sources(&["web"])), Vec::<String>::new());
    }

    #[test]
    fn senseless_plans_are_refused_by_the_name_of_their_key() {
        let web = serde_json::json!({ "web": 1.0 });
        for (stages, named) in [
            (serde_json::json!({}), "stages"),
            (serde_json::json!({ "a": [] }), "stages.a"),
            (serde_json::json!({ "a": [{ "weights": {} }] }), "stages.a[0].weights"),
            (serde_json::json!({ "a": [{ "weights": { "web": 0.0 } }] }), "stages.a[0].weights"),
            (serde_json::json!({ "a": [{ "weights": { "web": -1.0 } }] }), "stages.a[0].weights.web"),
            (serde_json::json!({ "a": [{ "weights": { "web": 1e300 } }] }), "stages.a[0].weights.web"),
            (serde_json::json!({ "a": [{ "weights": web }, { "weights": web }] }), "stages.a[0]"),
            (serde_json::json!({ "a": [{ "tokens": 0, "weights": web }, { "weights": web }] }), "stages.a[0].tokens"),
            (serde_json::json!({ "a": [{ "tokens": 5, "weights": web }] }), "stages.a[0]"),
            (serde_json::json!({ "a": [{ "token": 5, "weights": web }] }), "token"),
        ] {
            let error = mixture(stages.clone()).err().expect("senseless");
            assert!(error.contains(named), "{stages}: {error}");
        }
    }
}
