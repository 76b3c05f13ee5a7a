//! What a recipe may set. All thresholds are our own.

use octo_sdk::PluginError;

/// How much of its page a rewriting may lose.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Most of the page's numbers that may be missing, as a share of them; 1 leaves the check out. Dates and counts of
    /// views are numbers too, and a good rewriting leaves them out.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_lost_numbers: f64,
    /// Most of the page's formulas that may be missing, as a share of them; 1 leaves the check out. One may be part of a
    /// larger formula.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_lost_formulas: f64,
    /// Fewest numbers, and fewest formulas, of a page whose loss is judged: a share of one or two says nothing.
    pub fewest_facts: u64,
    /// Fewest characters of the rewriting, as a share of those of the page; 0 leaves the check out.
    #[schemars(range(min = 0.0))]
    pub min_length_share: f64,
    /// Most characters of the rewriting, as a share of those of the page.
    #[schemars(range(min = 0.0))]
    pub max_length_share: f64,
    /// Whether refusals and chatter, in English, are looked for at the beginning and the end of the text.
    pub phrases: bool,
    /// What becomes of documents that have no trace of a page.
    pub unrefined: Unrefined,
    /// Whether kept documents get the fields `kept_numbers`, `kept_formulas` and `kept_length`, as shares.
    pub annotate: bool,
    /// Field with the page's facts, as `annotator_refine` leaves them.
    pub facts_field: String,
    /// Field with the page's text, where there are no facts.
    pub text_field: String,
}

/// What becomes of documents that have neither the facts nor the text of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unrefined {
    /// They go to the dead letters.
    #[default]
    Refuse,
    /// They are kept as they are: the corpus is mixed.
    Keep,
    /// They are dropped, for the reason `not-rewritten`.
    Drop,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_lost_numbers: 0.5,
            max_lost_formulas: 0.3,
            fewest_facts: 3,
            min_length_share: 0.2,
            max_length_share: 1.5,
            phrases: true,
            unrefined: Unrefined::Refuse,
            annotate: true,
            facts_field: "original_facts".to_owned(),
            text_field: "original_text".to_owned(),
        }
    }
}

impl Config {
    /// Refuses thresholds that no rewriting, or every one, could meet by mistake.
    pub(crate) fn check(&self) -> Result<(), PluginError> {
        let refuse = |message: String| Err(PluginError::invalid_config(message));
        for (key, share) in [("max_lost_numbers", self.max_lost_numbers), ("max_lost_formulas", self.max_lost_formulas)]
        {
            if !(0.0..=1.0).contains(&share) {
                return refuse(format!("{key} is {share}; a share must lie between 0 and 1"));
            }
        }
        let (least, most) = (self.min_length_share, self.max_length_share);
        if !(least >= 0.0 && least <= most) {
            return refuse(format!(
                "min_length_share is {least} and max_length_share is {most}; nothing fits between them"
            ));
        }
        for (key, name) in [("facts_field", &self.facts_field), ("text_field", &self.text_field)] {
            if name.trim().is_empty() {
                return refuse(format!("{key} is empty; name the field that the rewriting left"));
            }
        }
        Ok(())
    }
}
