//! What becomes of an item that has no result.
//!
//! | file | what it has |
//! |---|---|
//! | `failure.rs` | [`Failure`] and its seven kinds |
//! | `failure/of_call.rs` | which failure it is when a guest call does not return |
//! | `failure/failed_items.rs` | [`FailedItems`]: who is notified of the items that a plugin fails on |

mod failed_items;
pub(crate) mod of_call;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use failed_items::FailedItems;
pub(crate) use failed_items::FailureListener;

use crate::contract::records::types::{ErrorKind, PluginError};
use crate::text::short;

/// Why an item has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The plugin refused, with a reason.
    PluginError,
    /// The plugin crashed: a panic, a bad memory access, an exhausted stack.
    Trap,
    /// Over `fuel_per_item`.
    Fuel,
    /// Over `deadline_ms`.
    Deadline,
    /// Over `memory_bytes`, `table_elements` or `handles`.
    Memory,
    /// The answer breaks the contract: a wrong number of answers, a number that is not finite, too large a result.
    InvalidOutput,
    /// A language model that was asked about the item gave no reply, whatever was tried.
    NoReply,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [FailureKind; 7] = [
        FailureKind::PluginError,
        FailureKind::Trap,
        FailureKind::Fuel,
        FailureKind::Deadline,
        FailureKind::Memory,
        FailureKind::InvalidOutput,
        FailureKind::NoReply,
    ];

    /// The name that reports, metrics and dead letters count by.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureKind::PluginError => "plugin-error",
            FailureKind::Trap => "trap",
            FailureKind::Fuel => "fuel",
            FailureKind::Deadline => "deadline",
            FailureKind::Memory => "memory",
            FailureKind::InvalidOutput => "invalid-output",
            FailureKind::NoReply => "no-reply",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// An item's failure. The message is one line, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{kind}: {message}")]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened, for a person.
    pub message: String,
}

impl Failure {
    /// An answer that breaks the contract.
    pub(crate) fn invalid_output(message: impl Into<String>) -> Failure {
        Failure { kind: FailureKind::InvalidOutput, message: message.into() }
    }

    /// A refusal of the plugin.
    pub(crate) fn refused(error: &PluginError) -> Failure {
        let kind = match error.kind {
            ErrorKind::InvalidConfig => "invalid config",
            ErrorKind::InvalidInput => "invalid input",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Internal => "internal error",
        };
        Failure { kind: FailureKind::PluginError, message: format!("{kind}: {}", short(&error.message)) }
    }
}
