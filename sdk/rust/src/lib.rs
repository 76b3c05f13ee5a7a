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

mod bindings;
mod classifier;
mod kinds;
mod records;
#[cfg(target_arch = "wasm32")]
mod runtime;

pub mod log;

pub use classifier::{Label, classify};
pub use kinds::{DataFilter, MixturePolicy, Plugin, RewardFunction, RolloutSchedule, Verifier};
pub use records::{
    Attempt, DataSource, Decision, Document, ErrorKind, Field, FinishReason, Metric, Outcome, PluginError, Progress,
    Reward, RewardPart, Rewritten, Rollout, StepPlan, Verdict,
};

mod export;

/// What the expansion of [`export!`] refers to. Not for use by hand; it may change in any release.
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod export_support {
    pub use crate::bindings::{filter, memory, mixture, plugin, reward, schedule, verifier};
    pub use crate::runtime::{Identity, MixtureMemory, ScheduleMemory, Slot};
}
