//! Outcomes and failures of plugins in the words of records, and back.

use octo_plugin::types;
use octo_record::{FailureKind, Outcome};

/// A verdict's outcome as records have it.
pub fn recorded_outcome(outcome: types::Outcome) -> Outcome {
    match outcome {
        types::Outcome::Correct => Outcome::Correct,
        types::Outcome::Incorrect => Outcome::Incorrect,
        types::Outcome::NoAnswer => Outcome::NoAnswer,
        types::Outcome::Unparsable => Outcome::Unparsable,
    }
}

/// A record's outcome as verdicts have it.
pub fn plugin_outcome(outcome: Outcome) -> types::Outcome {
    match outcome {
        Outcome::Correct => types::Outcome::Correct,
        Outcome::Incorrect => types::Outcome::Incorrect,
        Outcome::NoAnswer => types::Outcome::NoAnswer,
        Outcome::Unparsable => types::Outcome::Unparsable,
    }
}

/// Why a plugin failed, as records have it.
pub fn recorded_failure(kind: octo_plugin::FailureKind) -> FailureKind {
    match kind {
        octo_plugin::FailureKind::PluginError => FailureKind::PluginError,
        octo_plugin::FailureKind::Trap => FailureKind::Trap,
        octo_plugin::FailureKind::Fuel => FailureKind::Fuel,
        octo_plugin::FailureKind::Deadline => FailureKind::Deadline,
        octo_plugin::FailureKind::Memory => FailureKind::Memory,
        octo_plugin::FailureKind::InvalidOutput => FailureKind::InvalidOutput,
        octo_plugin::FailureKind::NoReply => FailureKind::NoReply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_plugins_and_of_records_are_the_same() {
        for outcome in Outcome::ALL {
            assert_eq!(recorded_outcome(plugin_outcome(outcome)), outcome);
        }
        for kind in octo_plugin::FailureKind::ALL {
            assert_eq!(recorded_failure(kind).as_str(), kind.as_str());
        }
    }
}
