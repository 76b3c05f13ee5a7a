//! A verifier of answers that must match as written, up to the differences that the config allows.

use octo_answers::config::{Extraction, ExtractionConfig, Tolerance};
use octo_answers::exact_text::{self, TextRules};
use octo_sdk::{Attempt, ErrorKind, Plugin, PluginError, Verdict, Verifier};

/// The config. `{}` finds the answer as `verifier_math` does and ignores case, punctuation and articles.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the answer is looked for.
    pub extraction: ExtractionConfig,
    /// Whether the whole response is the answer.
    pub whole_response: bool,
    /// Whether capital and small letters are the same.
    pub ignore_case: bool,
    /// Whether everything but letters, digits and the signs of numbers is left out.
    pub ignore_punctuation: bool,
    /// Whether "a", "an" and "the" are left out.
    pub ignore_articles: bool,
    /// How far two numbers may differ, whatever their notation. Absent: numbers are text.
    pub numbers: Option<Tolerance>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            extraction: ExtractionConfig::default(),
            whole_response: false,
            ignore_case: true,
            ignore_punctuation: true,
            ignore_articles: true,
            numbers: Some(Tolerance::Exact),
        }
    }
}

/// The plugin: its config resolved.
pub struct ExactVerifier {
    rules: TextRules,
}

impl Plugin for ExactVerifier {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        let invalid = |message| PluginError { kind: ErrorKind::InvalidConfig, message };
        config.numbers.map_or(Ok(()), Tolerance::check).map_err(invalid)?;
        let extraction = config.extraction.over(Extraction::default()).map_err(invalid)?;
        let rules = TextRules {
            extraction: (!config.whole_response).then_some(extraction),
            ignores_case: config.ignore_case,
            ignores_punctuation: config.ignore_punctuation,
            ignores_articles: config.ignore_articles,
            numbers: config.numbers,
        };
        Ok(Self { rules })
    }
}

impl Verifier for ExactVerifier {
    fn verify(&self, attempt: &Attempt) -> Result<Verdict, PluginError> {
        Ok(exact_text::judge(&attempt.response, &attempt.references, &self.rules))
    }
}

octo_sdk::export!(verifier: ExactVerifier);
