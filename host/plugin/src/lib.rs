//! Octo's plugin runtime: runs WebAssembly components that implement the worlds of `octo:plugin`, within limits.
//!
//! [`Host::load`] checks a component, compiles it once per machine, has it describe itself, configures it, and gives back
//! a value of its kind: [`Verifier`], [`RewardFunction`], [`DataFilter`], [`Annotator`], [`MixturePolicy`] or
//! [`RolloutSchedule`]. Every item handed to one ends as a result or as a [`Failure`]; nothing a guest does stops the
//! host, and nothing it returns is passed on unchecked.
//!
//! Results depend on the items, the plugin, its config and its limits alone: never on threads, batch boundaries or
//! other items. The one exception is [`FailureKind::Deadline`], which ends what the fuel limit does not see.
//!
//! # How data flow
//!
//! ```text
//! file ──load──▶ Blueprint ──fresh()──▶ Sandbox ──call()──▶ check ──▶ result
//!                                          │                   │
//!                                          └─────── Failure ◀──┘ ──▶ FailedItems ──▶ Case ──▶ replay
//! ```
//!
//! 1. `load/` turns bytes into a blueprint: a component that was checked, compiled, described and configured once.
//! 2. A kind in `kinds/` takes items, makes batches of them (or keeps one instance, where the plugin remembers), and
//!    checks every answer.
//! 3. `sandbox/` runs each batch on a fresh instance within the limits. `contract/` translates for older plugins.
//! 4. What has no result is a failure (`failure/`); a failed item can be kept as a case and run again (`cases/`).
//!
//! # Which file is which idea
//!
//! | module | what it has |
//! |---|---|
//! | `host` | [`Host`]: what loads plugins, and how it is set up |
//! | `load` | from bytes to a plugin, in the order of its steps: [`find_plugin`], compilation, [`Description`], config |
//! | `component` | from a core module to a component, and its [`Metadata`] |
//! | `contract` | [`Contract`]: the served versions of `octo:plugin`, and the adapter of each old one |
//! | `kinds` | [`Kind`], [`LoadedPlugin`] and a file per kind. "Adding a kind" stands at its top |
//! | `sandbox` | the isolation boundary. `sandbox/limits.rs` has [`Limits`] and says where each is enforced |
//! | `classifiers` | [`TextClassifier`] and [`Classifiers`]: what filters may ask by name |
//! | `failure` | [`Failure`]: why an item has no result; [`FailedItems`]: who is notified |
//! | `cases` | [`Case`]: a failed item as a file, and [`replay()`] |
//! | `watch` | [`Transcript`] and [`Profiler`]: what guests did, for a person |
//! | `text` | [`for_people()`], [`for_terminal()`], [`canonical_json()`], [`nearest()`] |
//! | `fuzzing` | with the feature `fuzzing` alone: checks of guests' texts, opened to the fuzz targets |
//! | `bin/octo_compile.rs` | the program `octo-compile`: compiles for programs that embed this crate ([`Host::compiling_with`]) |
//!
//! `README.md` of this crate explains why it is built so.

mod cases;
mod classifiers;
pub mod component;
mod contract;
mod failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod kinds;
mod load;
mod sandbox;
mod text;
mod watch;

pub use cases::{Answer, Case, CaseError, CaseSetup, Memory, Origin, Record, Replayed, replay};
pub use classifiers::{Classifiers, TextClassifier};
pub use component::Metadata;
pub use contract::Contract;
pub use contract::records::types;
pub use failure::{FailedItems, Failure, FailureKind};
pub use host::Host;
pub use kinds::{
    Annotator, DataFilter, Kind, LoadedPlugin, MixturePolicy, RewardFunction, RewardSum, RewardTerm, RolloutSchedule,
    Verifier,
};
pub use load::{Description, Inspection, LoadError, compile_if_asked, find_plugin, read_plugin};
pub use sandbox::{ENGINE_VERSION, Limits};
pub use text::{canonical_json, for_people, for_terminal, nearest};
pub use watch::{Frame, FuelUse, InstanceRecord, LogLine, ProfileError, Profiler, Transcript};
