//! A verifier of multiple-choice answers: by letter, by the text of an option, or by several letters.

use octo_answers::choices;
use octo_answers::config::{ExtractionConfig, Rules};
use octo_sdk::{Attempt, ErrorKind, Plugin, PluginError, Verdict, Verifier};

/// The config: where the answer and the options are. `{}` reads the options from the problem.
#[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the answer is looked for.
    pub extraction: ExtractionConfig,
    /// The field of a row that holds the options: lines of `A) …`, a JSON list in the order of the letters,
    /// `{"A": "15", …}`, or `{"label": ["A", …], "text": ["15", …]}`.
    /// Absent: they are looked for in the problem. Without options, letters alone are compared.
    pub options_field: Option<String>,
}

/// The plugin: its config resolved.
pub struct ChoiceVerifier {
    rules: Rules,
    options_field: Option<String>,
}

impl Plugin for ChoiceVerifier {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        let mut rules = Rules::default();
        rules.extraction = config
            .extraction
            .over(rules.extraction)
            .map_err(|message| PluginError { kind: ErrorKind::InvalidConfig, message })?;
        Ok(Self { rules, options_field: config.options_field })
    }
}

impl Verifier for ChoiceVerifier {
    fn verify(&self, attempt: &Attempt) -> Result<Verdict, PluginError> {
        let offered = match &self.options_field {
            None => choices::options(&attempt.problem),
            Some(name) => {
                let written = attempt.field(name).ok_or_else(|| PluginError {
                    kind: ErrorKind::InvalidInput,
                    message: format!("the row has no field `{name}`, which `options_field` names"),
                })?;
                choices::options_of_field(written)
            }
        };
        Ok(choices::judge(&attempt.response, &attempt.references, &offered, &self.rules))
    }
}

octo_sdk::export!(verifier: ChoiceVerifier);
