//! A rule-based verifier of mathematical answers: the crate `octo-answers` as a plugin.

use octo_answers::config::{Config, Rules};
use octo_answers::judge;
use octo_sdk::{Attempt, ErrorKind, Plugin, PluginError, Verdict, Verifier};

/// The plugin: its config resolved to rules.
pub struct MathVerifier {
    rules: Rules,
}

impl Plugin for MathVerifier {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        match config.rules() {
            Ok(rules) => Ok(Self { rules }),
            Err(message) => Err(PluginError { kind: ErrorKind::InvalidConfig, message }),
        }
    }
}

impl Verifier for MathVerifier {
    fn verify(&self, attempt: &Attempt) -> Result<Verdict, PluginError> {
        Ok(judge(&attempt.response, &attempt.references, &self.rules))
    }
}

octo_sdk::export!(verifier: MathVerifier);
