//! Write Octo plugins in Rust: one trait per kind and one macro.
//!
//! A plugin is a small library crate (`crate-type = ["cdylib", "rlib"]`) with a config struct, a value built from it,
//! and one [`export!`] line:
//!
//! ```
//! use octo_sdk::{Attempt, Outcome, Plugin, PluginError, Verdict, Verifier};
//!
//! /// How strict the comparison is.
//! #[derive(Default, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(default, deny_unknown_fields)]
//! pub struct Config {
//!     /// Compare without regard to letter case.
//!     ignore_case: bool,
//! }
//!
//! pub struct SameText(Config);
//!
//! impl Plugin for SameText {
//!     type Config = Config;
//!     fn new(config: Config) -> Result<Self, PluginError> {
//!         Ok(SameText(config))
//!     }
//! }
//!
//! impl Verifier for SameText {
//!     fn verify(&self, attempt: &Attempt) -> Result<Verdict, PluginError> {
//!         let response = attempt.response.trim();
//!         let same = |reference: &String| match self.0.ignore_case {
//!             true => reference.eq_ignore_ascii_case(response),
//!             false => reference == response,
//!         };
//!         let correct = attempt.references.iter().any(same);
//!         Ok(Verdict {
//!             outcome: if correct { Outcome::Correct } else { Outcome::Incorrect },
//!             extracted: Some(response.to_owned()),
//!             reason: "whole response compared as text".to_owned(),
//!         })
//!     }
//! }
//!
//! octo_sdk::export!(verifier: SameText);
//! # fn main() {}
//! ```
//!
//! Only a `wasm32-unknown-unknown` build exports anything; natively the crate is an ordinary library, so `cargo test`
//! runs its unit tests without a WebAssembly runtime. `octo-host plugin build` makes the component.
//!
//! A plugin has no clock, no randomness, no files and no network. It may [`log`], and filters may [`classify`].
//! The types are generated from the `wit/` folder, the contract between host and plugins.
//!
//! # How a call flows
//!
//! The host calls an export of the component, which `bindings` (generated from `wit/`) decodes into the contract's
//! records. `runtime` looks up the one plugin value, which `configure` built from the recipe's config, and calls the
//! method of its trait. What the method returns goes back the same way; a panic is logged and then traps.
//!
//! # Which file is which idea
//!
//! | file | what it has |
//! |---|---|
//! | `kinds.rs` | the traits: [`Plugin`] and one per kind of plugin |
//! | `records.rs` | the contract's records, with what makes them pleasant to use |
//! | `log.rs`, `classifier.rs` | what a plugin may ask of the host |
//! | `export.rs` | [`export!`], which makes a crate a plugin |
//! | `runtime.rs` | what runs inside a component: the plugin value, its config, and the calls of the host |
//! | `bindings.rs` | the code that is generated from `wit/`, one interface at a time |
//!
//! A kind of plugin is added to all of these but `log.rs` and `classifier.rs`; the module `kinds` of the crate
//! `octo-plugin` lists the files in order.

mod bindings;
mod classifier;
mod kinds;
mod records;
#[cfg(target_arch = "wasm32")]
mod runtime;

pub mod log;

pub use classifier::{Label, classify};
pub use kinds::{Annotator, DataFilter, MixturePolicy, Plugin, RewardFunction, RolloutSchedule, Verifier};
pub use records::{
    Attempt, DataSource, Decision, Document, ErrorKind, Field, FinishReason, Message, Metric, Outcome, PluginError,
    Progress, Reply, Request, Reward, RewardPart, Rewritten, Role, Rollout, StepPlan, Verdict,
};

mod export;

/// What the expansion of [`export!`] refers to. Not for use by hand; it may change in any release.
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod export_support {
    pub use crate::bindings::{annotator, filter, memory, mixture, plugin, reward, schedule, verifier};
    pub use crate::runtime::{Identity, MixtureMemory, ScheduleMemory, Slot};
}
