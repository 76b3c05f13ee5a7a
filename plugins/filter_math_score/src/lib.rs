//! Scores pages from 0 to 5 for learning mathematics, by rules and without a model.
//!
//! The criteria are those of FineMath's additive scale as OctoThinker uses it (arXiv 2506.20512): mathematical content,
//! mathematical topics, problem solving, explained steps, and the level of school. Each has a share between 0 and 1, and a
//! share of a half or more is a point. `evidence.rs` counts what a page shows, `criteria.rs` turns counts into shares,
//! `terms.rs` has the words.
//!
//! It is what a recipe uses where no language model can be asked. It reads words and signs, not sense.

mod criteria;
mod evidence;
/// Where formulas stand: one file with the filter that counts them as content.
#[path = "../../filter_heuristics/src/mathematics/formulas.rs"]
mod formulas;
mod terms;

pub use criteria::Shares;

use octo_sdk::{DataFilter, Decision, Document, Field, Plugin, PluginError};

/// What a page gets, and whether it may be dropped for it.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the field that gets the score, from 0 to 5. The shares of the criteria get this name with `_content`,
    /// `_topics`, `_solving`, `_steps` and `_level` after it.
    pub field: String,
    /// Whether the shares of the criteria are set too.
    pub shares: bool,
    /// Pages with a lower score are dropped as "low-math-score". 0 drops none.
    #[schemars(range(max = 5))]
    pub min_score: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config { field: "math_score".to_owned(), shares: true, min_score: 0 }
    }
}

/// Scores each page by itself.
pub struct MathScore {
    config: Config,
}

impl Plugin for MathScore {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        if config.field.trim().is_empty() {
            return Err(PluginError::invalid_config("field is empty; name the field that gets the score"));
        }
        if config.min_score > 5 {
            return Err(PluginError::invalid_config(format!(
                "min_score is {}; a score is at most 5",
                config.min_score
            )));
        }
        Ok(MathScore { config })
    }
}

impl DataFilter for MathScore {
    fn filter(&self, document: &Document) -> Result<Decision, PluginError> {
        let shares = Shares::of(&document.text);
        if shares.score() < self.config.min_score {
            return Ok(Decision::Drop("low-math-score".to_owned()));
        }
        let name = &self.config.field;
        let mut fields = vec![Field::new(name, shares.score().to_string())];
        if self.config.shares {
            let share = |(criterion, share)| Field::new(format!("{name}_{criterion}"), format!("{share:.2}"));
            fields.extend(shares.named().map(share));
        }
        Ok(Decision::Annotate(fields))
    }
}

octo_sdk::export!(filter: MathScore);

#[cfg(test)]
mod tests;
