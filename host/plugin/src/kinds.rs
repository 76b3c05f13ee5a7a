//! The kinds of plugin: what each is asked, and how what it answers is checked. A kind is one file here.
//!
//! | file | what it has |
//! |---|---|
//! | `verifier.rs`, `reward.rs`, `filter.rs`, `annotator.rs`, `mixture.rs`, `schedule.rs` | one kind each: its world, its public type, its check |
//! | `stateless.rs` | what kinds without memory share: items in batches, each batch on a fresh instance |
//! | `batch.rs` | which items make a batch, and what becomes of one that fails |
//! | `stateful.rs` | what kinds with memory share: one instance that lives on, and comes back from a failure as it was |
//! | `returned.rs` | checks of what guests return, by the limits on it |
//! | `reward_sum.rs` | several reward functions added up |
//! | `table.rs` | what the list below makes of a kind: [`Kind`], [`LoadedPlugin`] and every match over kinds |
//!
//! # Adding a kind
//!
//! In this order; the compiler names what is missing.
//!
//! 1. `wit/worlds.wit`: the interface and the world, and in `wit/types.wit` the records that are new. Where the current
//!    version of the contract is released, freeze that first (`src/contract.rs`, "Adding a version").
//! 2. `sdk/rust/src/`: the trait in `kinds.rs`, the interface in `bindings.rs`, its calls in `runtime.rs`, its line in
//!    `export.rs`, the names in `lib.rs` (and in `records.rs`, where records are new).
//! 3. `src/kinds/KIND.rs`: `world!` with the versions that have it, the calls of its interface, its public type, its
//!    check of what comes back, and [`PluginKind`]. `filter.rs` is a short one to begin from, `schedule.rs` one with
//!    memory. A service of the host that only this kind may call goes into `src/sandbox/services.rs`.
//! 4. `src/kinds.rs`: the module below, its public names, and its row in the list.
//! 5. `src/cases/record.rs`: its item as a [`Record`] and its [`Answer`]. Records that are new get their JSON in
//!    `src/cases/contract_records.rs`.
//! 6. `src/lib.rs`: its public name.
//! 7. Tests: an item in `one_of_each` of `src/cases/case.rs` and in `tests/replay.rs`, a guest that breaks its contract
//!    (`tests/guests/mod.rs`), and its row of the hostile suite (`tests/hostile` of the repository).

mod annotator;
mod batch;
mod filter;
mod mixture;
mod returned;
mod reward;
mod reward_sum;
mod schedule;
mod stateful;
mod stateless;
mod table;
mod verifier;

pub use annotator::Annotator;
pub use filter::DataFilter;
pub use mixture::MixturePolicy;
pub use reward::RewardFunction;
pub use reward_sum::{RewardSum, RewardTerm};
pub use schedule::RolloutSchedule;
pub use verifier::Verifier;

use crate::cases::{Answer, Record};
use crate::contract::world::World;
use crate::failure::Failure;
use crate::sandbox::Blueprint;

/// What the host has to know of a kind, in the kind's own file.
pub(crate) trait PluginKind: Sized {
    /// The kind's exports, in every version of the contract that has them.
    type World: World;

    /// The interface of package `octo:plugin` that only a plugin of this kind exports.
    const INTERFACE: &'static str;

    /// The services of the host that a plugin of this kind may call, beside the log that all may.
    const SERVICES: &'static [&'static str] = &[];

    /// The plugin of a blueprint, ready to use.
    fn new(blueprint: Blueprint<Self::World>) -> Self;

    /// The blueprint that its instances are made from.
    fn blueprint(&self) -> &Blueprint<Self::World>;

    /// The blueprint, to change it.
    fn blueprint_mut(&mut self) -> &mut Blueprint<Self::World>;

    /// What it answers to the item of a case, run alone; `None` where it has no answer to it, as to an item of another
    /// kind.
    fn answer(self, record: &Record) -> Option<Result<Answer, Failure>>;
}

table::kinds! {
    /// Judges model responses against reference answers.
    Verifier = "verifier", Verifier, into_verifier;
    /// Turns judged rollouts into rewards.
    Reward = "reward", RewardFunction, into_reward;
    /// Keeps, changes or drops documents of a corpus.
    Filter = "filter", DataFilter, into_filter;
    /// Asks a language model about documents, and decides by its replies.
    Annotator = "annotator", Annotator, into_annotator;
    /// Weighs the data sources of mid-training.
    Mixture = "mixture", MixturePolicy, into_mixture;
    /// Sets response length and sampling of each RL step.
    Schedule = "schedule", RolloutSchedule, into_schedule;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Contract;

    #[test]
    fn a_kind_has_one_name_in_recipes_on_the_command_line_and_in_files() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
        }
    }

    #[test]
    fn every_kind_is_in_the_current_contract_and_has_an_interface_of_its_own() {
        let interfaces: std::collections::BTreeSet<&str> = Kind::ALL.map(Kind::interface).into();
        assert_eq!(interfaces.len(), Kind::ALL.len());
        assert!(Kind::ALL.into_iter().all(|kind| kind.is_in(Contract::CURRENT)));
    }
}
