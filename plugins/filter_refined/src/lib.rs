//! Drops rewritings that a language model got wrong: those that lost the numbers or formulas of their page, are far
//! shorter or longer, or are no rewriting at all.
//!
//! The page is known by a field that `annotator_refine` leaves: its facts (numbers, formulas, length), or its text. The
//! first check that fails drops the document, for one of a few stable reasons that the host counts:
//!
//! | reason | what failed |
//! |---|---|
//! | `empty` | there is no text |
//! | `refusal` | the model says that it cannot or will not |
//! | `chatter` | the model speaks to whoever asked: "Here is the rewritten text", "Let me know if …" |
//! | `much-shorter`, `much-longer` | characters of the rewriting by those of the page |
//! | `lost-numbers` | share of the page's numbers that the rewriting has |
//! | `lost-formulas` | share of the page's formulas that the rewriting has |

mod config;
mod phrases;

pub use config::{Config, Unrefined};

use octo_documents::{Facts, Kept};
use octo_sdk::{DataFilter, Decision, Document, Field, Plugin, PluginError};

/// Decides on each document by itself.
pub struct Refined {
    config: Config,
}

impl Plugin for Refined {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        config.check()?;
        Ok(Refined { config })
    }
}

impl DataFilter for Refined {
    fn filter(&self, document: &Document) -> Result<Decision, PluginError> {
        let config = &self.config;
        let Some(facts) = self.facts(document)? else {
            return match config.unrefined {
                Unrefined::Keep => Ok(Decision::Keep),
                Unrefined::Drop => Ok(Decision::Drop("not-rewritten".to_owned())),
                Unrefined::Refuse => Err(PluginError::invalid_input(format!(
                    "the document has neither a field {:?} nor {:?}, so there is no page to compare it with; \
                     `unrefined` says what becomes of such documents",
                    config.facts_field, config.text_field
                ))),
            };
        };
        Ok(match self.judge(&document.text, &facts) {
            Err(reason) => Decision::Drop(reason.to_owned()),
            Ok(_) if !config.annotate => Decision::Keep,
            Ok(kept) => Decision::Annotate(vec![
                Field::new("kept_numbers", format!("{:.3}", kept.numbers)),
                Field::new("kept_formulas", format!("{:.3}", kept.formulas)),
                Field::new("kept_length", format!("{:.3}", kept.length)),
            ]),
        })
    }
}

impl Refined {
    /// The facts of the page, if the document has any trace of one.
    fn facts(&self, document: &Document) -> Result<Option<Facts>, PluginError> {
        if let Some(json) = document.field(&self.config.facts_field) {
            return Facts::from_json(json).map(Some).map_err(|error| {
                PluginError::invalid_input(format!(
                    "the field {:?} does not hold the facts of a page: {error}",
                    self.config.facts_field
                ))
            });
        }
        Ok(document.field(&self.config.text_field).map(Facts::of))
    }

    /// How much of the page was kept, or why to drop the rewriting. Cheap checks come first.
    fn judge(&self, text: &str, facts: &Facts) -> Result<Kept, &'static str> {
        let config = &self.config;
        let text = text.trim();
        if text.is_empty() {
            return Err("empty");
        }
        if config.phrases {
            if phrases::is_refusal(text) {
                return Err("refusal");
            }
            if phrases::is_chatter(text) {
                return Err("chatter");
            }
        }
        let kept = facts.kept_by(text);
        if facts.characters > 0 {
            if kept.length < config.min_length_share {
                return Err("much-shorter");
            }
            if kept.length > config.max_length_share {
                return Err("much-longer");
            }
        }
        if facts.numbers.len() as u64 >= config.fewest_facts && 1.0 - kept.numbers > config.max_lost_numbers {
            return Err("lost-numbers");
        }
        if facts.formulas.len() as u64 >= config.fewest_facts && 1.0 - kept.formulas > config.max_lost_formulas {
            return Err("lost-formulas");
        }
        Ok(kept)
    }
}

octo_sdk::export!(filter: Refined);

#[cfg(test)]
mod tests;
