//! Verifiers: one verdict per attempt.

use wasmtime::Store;

use super::{PluginKind, returned};
use crate::cases::{Answer, Record};
use crate::contract::records::types::{Attempt, Verdict};
use crate::contract::v0_1::whole;
use crate::contract::world::{BatchResult, world};
use crate::failure::Failure;
use crate::sandbox::{Blueprint, Guest, Limits, size};
use crate::text::for_people;

world!(
    /// A verifier of any version of the contract.
    VerifierWorld { VerifierReady, "octo:plugin/verifier-plugin", VerifierPlugin, VerifierPluginPre }
    in V0_1 = v0_1, V0_2 = v0_2, V0_3 = v0_3
);

impl VerifierWorld {
    fn verify(&self, store: &mut Store<Guest>, attempts: &[Attempt]) -> BatchResult<Verdict> {
        match self {
            Self::V0_1(world) => whole(world.octo_plugin_verifier().call_verify(store, attempts)),
            Self::V0_2(world) => world.octo_plugin_verifier().call_verify(store, attempts).map(Ok),
            Self::V0_3(world) => world.octo_plugin_verifier().call_verify(store, attempts).map(Ok),
        }
    }
}

/// A loaded verifier. Stateless: each batch starts from a fresh instance.
pub struct Verifier {
    plugin: Blueprint<VerifierWorld>,
}

impl Verifier {
    /// Judges attempts on rayon's current pool: one verdict or failure each, in their order. The same for any number of
    /// threads, any `batch_items`, and any neighbours.
    pub fn verify(&self, attempts: &[Attempt]) -> Vec<Result<Verdict, Failure>> {
        self.plugin.run_items(
            attempts,
            VerifierWorld::verify,
            |verdict| check(&self.plugin.limits, verdict),
            |attempt| Record::Verifier(attempt.clone()),
        )
    }
}

impl PluginKind for Verifier {
    type World = VerifierWorld;
    const INTERFACE: &'static str = "verifier";

    fn new(plugin: Blueprint<VerifierWorld>) -> Verifier {
        Verifier { plugin }
    }

    fn blueprint(&self) -> &Blueprint<VerifierWorld> {
        &self.plugin
    }

    fn blueprint_mut(&mut self) -> &mut Blueprint<VerifierWorld> {
        &mut self.plugin
    }

    fn answer(self, record: &Record) -> Option<Result<Answer, Failure>> {
        let Record::Verifier(attempt) = record else { return None };
        self.verify(std::slice::from_ref(attempt)).pop().map(|verdict| verdict.map(Answer::Verdict))
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
    use crate::contract::records::types::Outcome;

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
