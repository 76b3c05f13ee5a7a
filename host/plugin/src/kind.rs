//! The five kinds of plugin.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a plugin decides. One kind a world of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Judges model responses against reference answers.
    Verifier,
    /// Turns judged rollouts into rewards.
    Reward,
    /// Keeps, changes or drops documents of a corpus.
    Filter,
    /// Weighs the data sources of mid-training.
    Mixture,
    /// Sets response length and sampling of each RL step.
    Schedule,
}

impl Kind {
    /// All kinds, in the order of the contract.
    pub const ALL: [Kind; 5] = [Kind::Verifier, Kind::Reward, Kind::Filter, Kind::Mixture, Kind::Schedule];

    /// The kind's name in recipes and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Verifier => "verifier",
            Kind::Reward => "reward",
            Kind::Filter => "filter",
            Kind::Mixture => "mixture",
            Kind::Schedule => "schedule",
        }
    }

    /// The interface of package `octo:plugin` that only a plugin of this kind exports.
    pub(crate) fn interface(self) -> &'static str {
        match self {
            Kind::Verifier => "verifier",
            Kind::Reward => "reward-function",
            Kind::Filter => "data-filter",
            Kind::Mixture => "mixture-policy",
            Kind::Schedule => "rollout-schedule",
        }
    }

    /// The interfaces of package `octo:plugin` that a plugin of this kind may import.
    pub(crate) fn imports(self) -> &'static [&'static str] {
        match self {
            Kind::Filter => &["types", "log", "classifier"],
            _ => &["types", "log"],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
