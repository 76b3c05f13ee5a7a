//! Verifiers: one verdict an attempt.

use crate::batch;
use crate::bindings::VerifierWorld;
use crate::bindings::types::{Attempt, Verdict};
use crate::blueprint::Blueprint;
use crate::case::Record;
use crate::contract::Contract;
use crate::describe::Description;
use crate::failure::Failure;
use crate::guest_text::for_people;
use crate::limits::{Limits, size};
use crate::returned;

/// A loaded verifier. Stateless: each batch starts from a fresh instance.
pub struct Verifier {
    pub(crate) plugin: Blueprint<VerifierWorld>,
}

impl Verifier {
    pub(crate) fn new(plugin: Blueprint<VerifierWorld>) -> Verifier {
        Verifier { plugin }
    }

    /// What the plugin says about itself.
    pub fn description(&self) -> &Description {
        &self.plugin.description
    }

    /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.plugin.digest
    }

    /// The version of the contract that it was built for.
    pub fn contract(&self) -> Contract {
        self.plugin.contract
    }

    /// Judges attempts on rayon's current pool: one verdict or failure each, in their order. The same for any number of
    /// threads, any `batch_items`, and any neighbours.
    pub fn verify(&self, attempts: &[Attempt]) -> Vec<Result<Verdict, Failure>> {
        let limits = &self.plugin.limits;
        let _log = self.plugin.log.for_a_call();
        let units = batch::single(attempts.len());
        let verdicts = batch::run(attempts, &units, size(limits.batch_items), |attempts, fuel_items| {
            self.plugin.answers(
                fuel_items,
                |world, store| world.verify(store, attempts),
                |verdict| check(limits, verdict),
            )
        });
        self.plugin.told.of_items(&verdicts, |index| Record::Verifier(attempts[index].clone()));
        verdicts
    }
}

/// Bounds the strings, and makes one line of the reason.
fn check(limits: &Limits, mut verdict: Verdict) -> Result<Verdict, Failure> {
    returned::string(limits, "a verdict's extracted answer", verdict.extracted.as_deref().unwrap_or_default())?;
    returned::string(limits, "a verdict's reason", &verdict.reason)?;
    verdict.reason = for_people(&verdict.reason, size(limits.returned_string_bytes));
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::types::Outcome;

    #[test]
    fn a_reason_is_one_clean_line_and_the_answer_is_kept_as_written() {
        let verdict = Verdict {
            outcome: Outcome::Correct,
            extracted: Some("1\n2".to_owned()),
            reason: "equal\nas \u{1b}[1mnumbers".to_owned(),
        };
        let verdict = check(&Limits::default(), verdict).expect("within limits");
        assert_eq!((verdict.reason.as_str(), verdict.extracted.as_deref()), ("equal as [1mnumbers", Some("1\n2")));
    }
}
