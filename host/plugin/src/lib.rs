//! Octo's plugin runtime: runs WebAssembly components behind the octo:plugin worlds, within limits.
//!
//! [`Host::load`] checks a component, compiles it once a machine, describes and configures it, and gives back a value
//! of its kind: [`Verifier`], [`RewardFunction`], [`DataFilter`], [`MixturePolicy`] or [`RolloutSchedule`]. Every item
//! handed to one ends as a result or as a [`Failure`]; nothing a guest does stops the host, and nothing it returns is
//! passed on unchecked.
//!
//! Results depend on the items, the plugin, its config and its limits alone: never on threads, batch boundaries or
//! other items. The one exception is [`FailureKind::Deadline`], which stands behind the fuel limit for what fuel does
//! not see.

mod batch;
mod bindings;
mod blueprint;
mod cache;
mod case;
mod compile;
pub mod component;
mod config_check;
mod contract;
mod describe;
mod described;
mod engine;
mod failure;
mod filter;
mod find;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guest_log;
mod guest_text;
mod kind;
mod limits;
mod load;
mod load_error;
mod metadata;
mod mixture;
mod policy;
mod profile;
mod replay;
mod returned;
mod reward;
mod reward_sum;
mod schedule;
mod schema_cost;
mod services;
mod store;
mod transcript;
mod verifier;
mod wasi;
mod watch;

pub use bindings::types;
pub use case::told::FailedItems;
pub use case::{Case, CaseError, CaseSetup, Memory, Origin, Record};
pub use compile::compile_if_asked;
pub use contract::Contract;
pub use describe::Description;
pub use described::Described;
pub use engine::{ENGINE_VERSION, Host};
pub use failure::{Failure, FailureKind};
pub use filter::DataFilter;
pub use find::find_plugin;
pub use guest_text::for_people;
pub use kind::Kind;
pub use limits::Limits;
pub use load::{LoadedPlugin, read_plugin};
pub use load_error::LoadError;
pub use metadata::Metadata;
pub use mixture::MixturePolicy;
pub use profile::{ProfileError, Profiler};
pub use replay::{Answer, Replayed, replay};
pub use reward::RewardFunction;
pub use reward_sum::{RewardSum, RewardTerm};
pub use schedule::RolloutSchedule;
pub use transcript::{Frame, FuelUse, InstanceRecord, LogLine, Transcript};
pub use verifier::Verifier;
