//! Keeps documents to which a text classifier gives a label with enough probability.
//!
//! The classifier is the host's: a stage names it, with the model that it is. Under the same name the filter asks it, once
//! per batch.

use octo_sdk::{DataFilter, Decision, Document, Field, Label, Plugin, PluginError};

/// Whom to ask, and what to keep.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the classifier, as the stage names it.
    pub model: String,
    /// The label that is wanted. Letter case and fastText's prefix `__label__` do not count: `math` is `__label__MATH`.
    pub label: String,
    /// Least probability of the label. OctoThinker keeps pages from 0.4 on, MegaMath's first stage from 0.8.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub threshold: f64,
    /// Which documents are kept.
    pub keep: Keep,
    /// Field for the probability, with four decimals, on documents that are kept; null for none.
    pub field: Option<String>,
}

/// Which documents are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Those whose label has the threshold's probability or more. Others are dropped for the reason `not-LABEL`.
    #[default]
    AtLeast,
    /// Those whose label has less than that, where the label is what is not wanted. Others are dropped for the reason
    /// `is-LABEL`.
    Below,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "math".to_owned(),
            label: "math".to_owned(),
            threshold: 0.4,
            keep: Keep::AtLeast,
            field: Some("math_probability".to_owned()),
        }
    }
}

/// Decides by a classifier's probabilities.
pub struct Classifier {
    config: Config,
    /// The wanted label, in one way.
    label: String,
}

impl Plugin for Classifier {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        let refuse = |message: String| Err(PluginError::invalid_config(message));
        if config.model.trim().is_empty() {
            return refuse("model is empty; name a classifier of the stage".to_owned());
        }
        let label = plain(&config.label);
        if label.trim().is_empty() || label.len() > 100 || label.contains(char::is_control) {
            return refuse(format!("label is {:?}; give a name of 1 to 100 bytes", config.label));
        }
        if !(0.0..=1.0).contains(&config.threshold) {
            return refuse(format!("threshold is {}; a probability lies between 0 and 1", config.threshold));
        }
        if config.field.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return refuse("field is empty; field = null sets none".to_owned());
        }
        Ok(Classifier { config, label })
    }
}

impl DataFilter for Classifier {
    fn filter(&self, document: &Document) -> Result<Decision, PluginError> {
        self.decide(&self.ask(std::slice::from_ref(document))?.pop().unwrap_or_default())
    }

    fn filter_batch(&self, documents: &[Document]) -> Vec<Result<Decision, PluginError>> {
        match self.ask(documents) {
            Ok(answers) => answers.iter().map(|labels| self.decide(labels)).collect(),
            Err(refusal) => documents.iter().map(|_| Err(refusal.clone())).collect(),
        }
    }
}

impl Classifier {
    /// All labels of each document.
    fn ask(&self, documents: &[Document]) -> Result<Vec<Vec<Label>>, PluginError> {
        let texts: Vec<String> = documents.iter().map(|document| document.text.clone()).collect();
        octo_sdk::classify(&self.config.model, &texts, u32::MAX)
    }

    /// The decision by the labels of a document.
    fn decide(&self, labels: &[Label]) -> Result<Decision, PluginError> {
        let Config { model, threshold, keep, field, .. } = &self.config;
        let Some(found) = labels.iter().find(|label| plain(&label.name) == self.label) else {
            let names: Vec<&str> = labels.iter().take(10).map(|label| label.name.as_str()).collect();
            let more = if labels.len() > names.len() { ", ..." } else { "" };
            return Err(PluginError::invalid_input(match names.as_slice() {
                [] => format!("classifier `{model}` gave the document no label at all"),
                names => {
                    format!("classifier `{model}` has no label `{}`; it has {}{more}", self.label, names.join(", "))
                }
            }));
        };
        // Compared as it is written: the threshold as the nearest number of the classifier's precision.
        let reached = found.probability >= *threshold as f32;
        Ok(match (keep, reached) {
            (Keep::AtLeast, false) => Decision::Drop(format!("not-{}", self.label)),
            (Keep::Below, true) => Decision::Drop(format!("is-{}", self.label)),
            _ => match field {
                Some(name) => Decision::Annotate(vec![Field::new(name, format!("{:.4}", found.probability))]),
                None => Decision::Keep,
            },
        })
    }
}

/// A label in lower case, without fastText's prefix.
fn plain(label: &str) -> String {
    let label = label.to_lowercase();
    label.strip_prefix("__label__").map(str::to_owned).unwrap_or(label)
}

octo_sdk::export!(filter: Classifier);

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(config: serde_json::Value) -> Classifier {
        Classifier::new(serde_json::from_value(config).expect("fits the types")).expect("valid")
    }

    fn decide(config: serde_json::Value, labels: &[(&str, f32)]) -> Result<Decision, String> {
        let label = |(name, probability): &(&str, f32)| Label { name: (*name).to_owned(), probability: *probability };
        let labels: Vec<Label> = labels.iter().map(label).collect();
        filter(config).decide(&labels).map_err(|refusal| refusal.message)
    }

    #[test]
    fn the_probability_of_the_label_decides_from_the_threshold_on() {
        let labels = |math: f32| [("__label__OTHER", 1.0 - math), ("__label__MATH", math)];
        let kept = |value: &str| Ok(Decision::Annotate(vec![Field::new("math_probability", value)]));
        assert_eq!(decide(serde_json::json!({}), &labels(0.4)), kept("0.4000"));
        assert_eq!(decide(serde_json::json!({}), &labels(0.399_99)), Ok(Decision::Drop("not-math".into())));
        assert_eq!(
            decide(serde_json::json!({ "threshold": 0.8 }), &labels(0.7)),
            Ok(Decision::Drop("not-math".into()))
        );
        assert_eq!(decide(serde_json::json!({ "label": "__label__Other" }), &labels(0.4)), kept("0.6000"));
        assert_eq!(decide(serde_json::json!({ "field": null }), &labels(0.9)), Ok(Decision::Keep));
        let below = || serde_json::json!({ "keep": "below", "threshold": 0.5 });
        assert_eq!(decide(below(), &labels(0.5)), Ok(Decision::Drop("is-math".into())));
        assert_eq!(decide(below(), &labels(0.25)), kept("0.2500"));
    }

    #[test]
    fn a_label_that_the_classifier_does_not_have_is_refused_with_those_that_it_has() {
        assert_eq!(
            decide(serde_json::json!({}), &[("__label__a", 0.5), ("__label__b", 0.5)]),
            Err("classifier `math` has no label `math`; it has __label__a, __label__b".into())
        );
        assert_eq!(
            decide(serde_json::json!({}), &[]),
            Err("classifier `math` gave the document no label at all".into())
        );
    }

    #[test]
    fn without_a_host_each_document_of_a_batch_is_refused() {
        let document = |text: &str| Document {
            id: "1".into(),
            text: text.into(),
            url: None,
            source: "web".into(),
            year: None,
            fields: vec![],
        };
        let decisions = filter(serde_json::json!({})).filter_batch(&[document("a"), document("b")]);
        assert_eq!(decisions.len(), 2);
        for decision in decisions {
            assert_eq!(
                decision.expect_err("no host").message,
                format!(
                    "classifier `math` (top {} of 2 texts) was asked for in a native build; only a host has classifiers",
                    u32::MAX
                )
            );
        }
    }

    #[test]
    fn senseless_configs_are_refused_by_the_name_of_their_key() {
        for (config, key) in [
            (serde_json::json!({ "model": " " }), "model"),
            (serde_json::json!({ "label": "__label__" }), "label"),
            (serde_json::json!({ "threshold": 1.5 }), "threshold"),
            (serde_json::json!({ "field": "" }), "field"),
        ] {
            let parsed: Config = serde_json::from_value(config.clone()).expect("fits the types");
            let error = Classifier::new(parsed).err().expect("senseless").message;
            assert!(error.starts_with(key), "{config}: {error}");
        }
    }
}
