//! What a recipe may set.

use octo_sdk::PluginError;

/// What to ask, and what to keep of the page that is rewritten.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Most characters of the page that the model is shown: those of its beginning, cut where a paragraph, line or
    /// sentence ends. The rest of a longer page is lost, and `cut_field` says so.
    #[schemars(range(min = 1))]
    pub max_characters: u32,
    /// Fewest characters of a page that is rewritten; a shorter one is kept as it is.
    pub min_characters: u32,
    /// Most tokens of the reply. A rewriting is about as long as its page, at 3 to 4 characters per token.
    #[schemars(range(min = 1))]
    pub max_tokens: u32,
    /// Temperature of the reply. 0 takes the most probable token each time.
    #[schemars(range(min = 0.0))]
    pub temperature: f64,
    /// Top-p of the reply.
    pub top_p: f64,
    /// A system message before the question. By default there is none, since not every model takes one.
    pub system: Option<String>,
    /// A question of your own in place of the plugin's. `{text}` stands for the page and must occur.
    pub prompt: Option<String>,
    /// What is kept of the page, for `filter_refined` to compare with.
    pub original: Original,
    /// Field for the page's facts, where `original` is `facts`.
    pub facts_field: String,
    /// Field for the page's text, where `original` is `text`.
    pub text_field: String,
    /// Field that says how many characters of how many the model was shown, on documents that were cut.
    pub cut_field: String,
}

/// What is kept of the page that was rewritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Original {
    /// Its numbers, its formulas and its length, within 48 KiB. They are enough for `filter_refined`.
    #[default]
    Facts,
    /// Its text as the model was shown it. Over 64 KiB of it need a higher limit `returned_string_bytes`.
    Text,
    /// Nothing.
    None,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_characters: 12_000,
            min_characters: 1,
            max_tokens: 6_000,
            temperature: 0.0,
            top_p: 1.0,
            system: None,
            prompt: None,
            original: Original::Facts,
            facts_field: "original_facts".to_owned(),
            text_field: "original_text".to_owned(),
            cut_field: "original_cut".to_owned(),
        }
    }
}

impl Config {
    /// Refuses what could not be asked, or would be asked without the page.
    pub(crate) fn check(&self) -> Result<(), PluginError> {
        let refuse = |message: String| Err(PluginError::invalid_config(message));
        for (key, value) in [("max_characters", self.max_characters), ("max_tokens", self.max_tokens)] {
            if value == 0 {
                return refuse(format!("{key} is 0; it must be at least 1"));
            }
        }
        if self.min_characters > self.max_characters {
            return refuse(format!(
                "min_characters is {} and max_characters is {}; no page would be shown whole",
                self.min_characters, self.max_characters
            ));
        }
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return refuse(format!("temperature is {}; it must be 0 or more", self.temperature));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return refuse(format!("top_p is {}; it must be over 0 and up to 1", self.top_p));
        }
        if self.prompt.as_ref().is_some_and(|prompt| !prompt.contains("{text}")) {
            return refuse("prompt does not contain {text}, the place of the page".to_owned());
        }
        let fields =
            [("facts_field", &self.facts_field), ("text_field", &self.text_field), ("cut_field", &self.cut_field)];
        for (index, (key, name)) in fields.iter().enumerate() {
            if name.trim().is_empty() {
                return refuse(format!("{key} is empty; give the field a name"));
            }
            if let Some((other, _)) = fields[..index].iter().find(|(_, other)| other == name) {
                return refuse(format!("{key} and {other} are both {name:?}; give each a name of its own"));
            }
        }
        Ok(())
    }
}
