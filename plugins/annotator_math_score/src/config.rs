//! What a recipe may set.

use octo_sdk::PluginError;

/// What to ask, and what to do with the score.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Most characters of the page that the model is shown: those of its middle, cut where lines or sentences end.
    #[schemars(range(min = 1))]
    pub max_characters: u32,
    /// Most words of the reason that the model is asked for.
    #[schemars(range(min = 1))]
    pub max_words: u32,
    /// Most tokens of the reply.
    #[schemars(range(min = 1))]
    pub max_tokens: u32,
    /// Temperature of the reply. 0 takes the most probable token each time.
    #[schemars(range(min = 0.0))]
    pub temperature: f64,
    /// Top-p of the reply.
    pub top_p: f64,
    /// A system message before the question. By default there is none, since not every model takes one.
    pub system: Option<String>,
    /// A question of your own in place of the plugin's. `{text}` stands for the page and must occur; `{url}` for its
    /// address, or nothing; `{words}` for `max_words`. It has to ask for a last line of the form `Score: N`.
    pub prompt: Option<String>,
    /// What becomes of a score between two points, such as 3.5.
    pub fractions: Fractions,
    /// Drops documents of fewer points, for the reasons `math-score-0` to `math-score-4`. By default none is dropped.
    #[schemars(range(max = 5))]
    pub min_score: Option<u8>,
    /// Field for the score.
    pub field: String,
    /// Field for the model's reason; null for none.
    pub reason_field: Option<String>,
    /// Most characters of the reason that are kept.
    pub reason_characters: u32,
}

/// What becomes of a score between two points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fractions {
    /// The reply is refused: points are whole, so the model did not do what it was asked.
    #[default]
    Refuse,
    /// The points that were reached count: 3.5 is 3.
    Down,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_characters: 8_000,
            max_words: 100,
            max_tokens: 400,
            temperature: 0.0,
            top_p: 1.0,
            system: None,
            prompt: None,
            fractions: Fractions::Refuse,
            min_score: None,
            field: "math_score".to_owned(),
            reason_field: Some("math_score_reason".to_owned()),
            reason_characters: 1_000,
        }
    }
}

impl Config {
    /// Refuses what could not be asked, or would be asked without the page.
    pub(crate) fn check(&self) -> Result<(), PluginError> {
        let refuse = |message: String| Err(PluginError::invalid_config(message));
        for (key, value) in
            [("max_characters", self.max_characters), ("max_words", self.max_words), ("max_tokens", self.max_tokens)]
        {
            if value == 0 {
                return refuse(format!("{key} is 0; it must be at least 1"));
            }
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
        if let Some(least) = self.min_score.filter(|least| *least > 5) {
            return refuse(format!("min_score is {least}; the most points are 5"));
        }
        if self.field.trim().is_empty() || self.reason_field.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return refuse("field and reason_field cannot be empty; reason_field = null keeps no reason".to_owned());
        }
        if self.reason_field.as_ref() == Some(&self.field) {
            return refuse(format!("field and reason_field are both {:?}; give each a name of its own", self.field));
        }
        Ok(())
    }
}
