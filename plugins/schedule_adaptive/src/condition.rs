//! A bound on a metric of the step before.

use octo_sdk::{PluginError, Progress};

/// Holds where a metric is below or above a bound.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The name by which the host reports it: `clipped` (share of responses cut off), `response_length` (mean tokens), `accuracy`,
    /// `reward`, `entropy`, `held_out_accuracy`.
    pub metric: String,
    /// The metric must be below this.
    #[serde(default)]
    pub below: Option<f64>,
    /// The metric must be above this.
    #[serde(default)]
    pub above: Option<f64>,
}

impl Condition {
    /// Refuses a condition without exactly one finite bound. `key` is its own in the config.
    pub(crate) fn check(&self, key: &str) -> Result<(), PluginError> {
        let bounds = [self.below, self.above];
        if bounds.iter().flatten().count() != 1 || bounds.iter().flatten().any(|bound| !bound.is_finite()) {
            return Err(PluginError::invalid_config(format!(
                "{key} needs one bound, `below` or `above`, such as {{ metric = \"clipped\", below = 0.05 }}"
            )));
        }
        Ok(())
    }

    /// Whether it holds for the figures of the step before. A figure that is not a number holds for nothing.
    ///
    /// # Errors
    /// Where the host reports no such metric: a misspelt name would otherwise never move anything.
    pub(crate) fn holds(&self, at: &Progress) -> Result<bool, PluginError> {
        let found = at.metrics.iter().find(|metric| metric.name == self.metric).ok_or_else(|| {
            let names: Vec<&str> = at.metrics.iter().map(|metric| metric.name.as_str()).collect();
            PluginError::invalid_input(format!(
                "step {} has no metric `{}`; there are {}",
                at.step,
                self.metric,
                if names.is_empty() { "none".to_owned() } else { names.join(", ") }
            ))
        })?;
        Ok(self.below.is_some_and(|bound| found.value < bound) || self.above.is_some_and(|bound| found.value > bound))
    }
}
