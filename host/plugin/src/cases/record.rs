//! The item of a case, and what a plugin answers to it: one variant per kind each.

use serde::{Deserialize, Serialize};

use super::contract_records::{AttemptJson, DocumentJson, ProgressJson, optional_reply};
use super::{contract_records, exact_values};
use crate::contract::records::types::{
    Attempt, DataSource, Decision, Document, Progress, Reply, Request, Reward, Rollout, StepPlan, Verdict,
};

/// An item for a plugin of one of the kinds, with what its call needs besides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// For a verifier.
    Verifier(#[serde(with = "AttemptJson")] Attempt),
    /// For a reward function: a whole group, since it is rewarded in one call.
    Reward {
        /// Where the run stood.
        #[serde(with = "ProgressJson")]
        at: Progress,
        /// The group.
        #[serde(with = "contract_records::rollouts")]
        rollouts: Vec<Rollout>,
        /// The rollout that failed, from 0.
        failed: usize,
    },
    /// For a data filter.
    Filter(#[serde(with = "DocumentJson")] Document),
    /// For an annotator. Without a reply it is asked what to ask about the document; with one, it reads that.
    Annotator {
        /// The document.
        #[serde(with = "DocumentJson")]
        document: Document,
        /// The model's reply.
        #[serde(default, with = "optional_reply")]
        reply: Option<Reply>,
    },
    /// For a mixture policy.
    Mixture {
        /// The plugin's memory before the call.
        memory: Memory,
        /// Where the run stood.
        #[serde(with = "ProgressJson")]
        at: Progress,
        /// The sources to weigh.
        #[serde(with = "contract_records::sources")]
        sources: Vec<DataSource>,
    },
    /// For a rollout schedule.
    Schedule {
        /// The plugin's memory before the call.
        memory: Memory,
        /// Where the run stood.
        #[serde(with = "ProgressJson")]
        at: Progress,
    },
}

/// What a stateful plugin remembered before a call; none for its first call. In a file: hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory(#[serde(with = "exact_values::hexadecimal")] pub Option<Vec<u8>>);

/// What a plugin answered to a case's item.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A verifier's verdict.
    Verdict(Verdict),
    /// A reward function's reward, for the rollout that had failed.
    Reward(Reward),
    /// A data filter's decision, or that of an annotator on a reply.
    Decision(Decision),
    /// What an annotator asks about a document, if anything.
    Request(Option<Request>),
    /// A mixture policy's shares, one per source, in order.
    Shares(Vec<f64>),
    /// A rollout schedule's plan.
    Plan(StepPlan),
}

impl Record {
    /// The memory that a stateful plugin takes over before the call.
    pub(crate) fn memory(&self) -> Option<&Memory> {
        match self {
            Record::Mixture { memory, .. } | Record::Schedule { memory, .. } => Some(memory),
            Record::Verifier(_) | Record::Reward { .. } | Record::Filter(_) | Record::Annotator { .. } => None,
        }
    }
}
