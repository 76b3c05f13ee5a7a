//! A rule-based verifier of mathematical answers: the crate `octo-answers` as a plugin.

use octo_answers::config::{Config, Policy};
use octo_answers::judge;
use octo_sdk::{Attempt, ErrorKind, Plugin, PluginError, Verdict, Verifier};

/// The plugin: its config resolved to policies.
pub struct MathVerifier {
    policy: Policy,
}

impl Plugin for MathVerifier {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        match config.policy() {
            Ok(policy) => Ok(Self { policy }),
            Err(message) => Err(PluginError { kind: ErrorKind::InvalidConfig, message }),
        }
    }
}

impl Verifier for MathVerifier {
    fn verify(&self, attempt: &Attempt) -> Result<Verdict, PluginError> {
        Ok(judge(&attempt.response, &attempt.references, &self.policy))
    }
}

octo_sdk::export!(verifier: MathVerifier);
