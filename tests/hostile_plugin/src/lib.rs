//! A verifier that misbehaves on request, for the host's tests.
//!
//! `good`: correct where the response is one of the references.

use std::cell::Cell;

use hostile_behaviour::{Config, Export, Mode, misbehave, read, sized, text};
use octo_sdk::{Attempt, Outcome, Plugin, PluginError, Verdict, Verifier};

/// Counts its calls.
pub struct Hostile {
    config: Config,
    calls: Cell<u64>,
}

impl Plugin for Hostile {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        misbehave(&config, Export::Configure)?;
        Ok(Hostile { config, calls: Cell::new(0) })
    }
}

impl Verifier for Hostile {
    fn verify(&self, attempt: &Attempt) -> Result<Verdict, PluginError> {
        read(&attempt.response)?;
        let correct = self.config.mode == Mode::AcceptAll || attempt.references.contains(&attempt.response);
        Ok(Verdict {
            outcome: if correct { Outcome::Correct } else { Outcome::Incorrect },
            extracted: Some(attempt.response.clone()),
            reason: "the whole response was compared".to_owned(),
        })
    }

    fn verify_batch(&self, attempts: &[Attempt]) -> Vec<Result<Verdict, PluginError>> {
        if let Err(refusal) = misbehave(&self.config, Export::Call) {
            return attempts.iter().map(|_| Err(refusal.clone())).collect();
        }
        self.calls.set(self.calls.get() + 1);
        let judge = |(index, attempt): (usize, &Attempt)| {
            let mut verdict = self.verify(attempt)?;
            verdict.reason = text(&self.config, index, &verdict.reason);
            if self.config.mode == Mode::Count {
                verdict.reason = format!("call {}, attempt {index}", self.calls.get());
            }
            verdict.extracted = Some(text(&self.config, index, &attempt.response));
            Ok(verdict)
        };
        sized(&self.config, attempts.iter().enumerate().map(judge).collect(), || {
            Ok(Verdict { outcome: Outcome::NoAnswer, extracted: None, reason: String::new() })
        })
    }
}

octo_sdk::export!(verifier: Hostile);
