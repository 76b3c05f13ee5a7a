//! Runs a case again, alone, with all that can be said about it.

use super::{Answer, Case};
use crate::watch::{Frame, FuelUse, LogLine, Transcript};
use crate::{Contract, Description, Failure, FailureKind, Host, LoadError};

/// What came of a case.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What the plugin that ran says about itself.
    pub description: Description,
    /// Digest of the plugin that ran.
    pub digest: String,
    /// Version of the contract that it was built for.
    pub contract: Contract,
    /// The plugin's answer or failure.
    pub answer: Result<Answer, Failure>,
    /// Fuel of the item's call; none where it did not get that far.
    pub fuel: Option<FuelUse>,
    /// The log of the instance, from its configuration to its end.
    pub log: Vec<LogLine>,
    /// Whether the guest wrote more than `log_bytes`.
    pub log_cut: bool,
    /// Where the guest was when it failed, innermost first.
    pub frames: Vec<Frame>,
}

impl Replayed {
    /// Whether the plugin failed as the case says: in the same way, with the same words. Where a deadline struck, the
    /// words are chance and do not count.
    pub fn is_as_saved(&self, case: &Case) -> bool {
        match &self.answer {
            Ok(_) => false,
            Err(failure) if failure.kind == FailureKind::Deadline => case.failure.kind == FailureKind::Deadline,
            Err(failure) => *failure == case.failure,
        }
    }
}

/// Runs the item of a case through the plugin in `bytes`, as a batch of its own. `name` is for error messages.
///
/// A `host` with source lines finds those of a plugin that kept them.
///
/// # Errors
/// [`LoadError`], where the plugin cannot be loaded with the case's config and limits, or is of another kind.
pub fn replay(host: &Host, name: &str, bytes: &[u8], case: &Case) -> Result<Replayed, LoadError> {
    let transcript = Transcript::default();
    let host = host.clone().with_transcript(&transcript);
    let plugin = host.load_bytes(name, bytes, &case.config, &case.limits)?;
    if plugin.kind() != case.record.kind() {
        let plugin_name = plugin.description().name.clone();
        return Err(LoadError::Kind { plugin: plugin_name, actual: plugin.kind(), wanted: case.record.kind() });
    }
    let (description, digest, contract) = (plugin.description().clone(), plugin.digest().to_owned(), plugin.contract());
    // What loading wrote down is about another instance than the item's.
    transcript.take();
    // The runtime gives an answer or failure per item, so this is seen only for a rollout that is not there.
    let none = || Err(Failure::invalid_output("gave no answer"));
    let answer = plugin.answer(&case.record).unwrap_or_else(none);
    // The item's instance is the first. A stateful plugin makes another after a failure, to return to its memory.
    let instance = transcript.take().into_iter().next().unwrap_or_default();
    // The item's call comes after `configure`, and after `restore` where there is a memory.
    let restored = case.record.memory().is_some_and(|memory| memory.0.is_some());
    let before = if restored { 2 } else { 1 };
    Ok(Replayed {
        description,
        digest,
        contract,
        answer,
        fuel: instance.calls.get(before).copied(),
        log: instance.log,
        log_cut: instance.log_cut,
        frames: instance.frames,
    })
}
