//! A rule-based verifier of mathematical answers.
//!
//! It finds the answer in a response ([`extract`]), reads it and the references from LaTeX or plain text into one
//! expression tree ([`parse`]), and applies the cheapest sound rule that can tell whether they are equal
//! ([`equivalence`]). Nothing is evaluated as code, there is no clock, and every step is bounded in depth, size and
//! magnitude, so hostile input ends as quickly as any other.

mod algebra;
mod complex;
pub mod config;
mod equivalence;
mod exact;
mod expression;
mod extract;
mod judge;
mod lexer;
mod numerals;
mod numeric;
mod parse;
mod parse_atoms;
mod parse_postfix;
mod parse_products;
mod reading;
mod real_sets;
mod relations;
mod spans;
mod structures;
mod text;
mod tokens;
mod units;
mod words;
mod work;

pub use judge::judge;
pub use octo_sdk::{Outcome, Verdict};

/// Whether a text is mathematics in the grammar of the verifier, and no sentence.
pub fn reads_as_mathematics(text: &str) -> bool {
    reading::is_mathematics(&extract::strip_delimiters(text), lexer::Comma::Thousands)
}

use config::{Config, Policy};
use octo_sdk::{Attempt, ErrorKind, Plugin, PluginError, Verifier};

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
