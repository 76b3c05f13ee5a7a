//! Host bindings, generated from the repository's `wit/` folder: five worlds over one set of records, in every version
//! of the contract that this host serves.
//!
//! A version is a module of generated code beside this one, named for it, and a line in [`worlds!`]. The rest of the
//! host sees one type a kind, which speaks the current contract: what an older version says differently is adapted in
//! that version's module.
#![allow(missing_docs, reason = "generated; wit/ holds the documentation")]

use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::contract::Contract;
use crate::store::Guest;

mod v0_1;
mod v0_2;

/// The records and host services that all worlds share. Versions whose records are the same share these types too,
/// since the component model compares records by structure.
mod shared {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package octo:host;
            world shared {
                import octo:plugin/types@0.2.0;
                import octo:plugin/log@0.2.0;
                import octo:plugin/classifier@0.2.0;
            }",
        additional_derives: [PartialEq],
    });
}

pub use shared::octo::plugin::types;
pub(crate) use shared::octo::plugin::{classifier, log};

use types::{Attempt, DataSource, Decision, Document, PluginError, Progress, Reward, Rollout, StepPlan, Verdict};

/// What `describe` returns, before anything about it is checked.
pub(crate) struct RawDescription {
    pub name: String,
    pub version: String,
    pub summary: String,
    pub config_schema: String,
}

/// A guest call's end: the engine's error, the plugin's refusal of the whole call, or a value.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, PluginError>>;

/// A batch call's end: as [`Answer`], with a refusal or a value for each item.
pub(crate) type Answers<T> = Answer<Vec<Result<T, PluginError>>>;

/// What every world has: the `plugin` interface.
pub(crate) trait World: Sized + Send + 'static {
    /// The component with its imports resolved and its exports looked up, ready to make instances.
    type Ready: Send + Sync + 'static;

    /// Looks up the exports and checks their types. Fails where they are not those of the world.
    fn look_up(contract: Contract, linked: InstancePre<Guest>) -> wasmtime::Result<Self::Ready>;
    fn instantiate(ready: &Self::Ready, store: &mut Store<Guest>) -> wasmtime::Result<Self>;
    fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<RawDescription>;
    fn configure(&self, store: &mut Store<Guest>, config: &str) -> Answer<()>;
}

/// The `memory` interface of policies.
pub(crate) trait Remembering: World {
    fn save(&self, store: &mut Store<Guest>) -> wasmtime::Result<Vec<u8>>;
    fn restore(&self, store: &mut Store<Guest>, bytes: &[u8]) -> Answer<()>;
}

/// One kind's world in every version: a variant each, and the same calls on all.
macro_rules! worlds {
    ($(#[$documentation:meta])* $world:ident, $ready:ident, $($version:ident = $module:ident::$generated:ident, $pre:ident;)+) => {
        $(#[$documentation])*
        pub(crate) enum $world {
            $($version($module::$generated),)+
        }

        /// The world's exports, looked up in a component.
        pub(crate) enum $ready {
            $($version($module::$pre<Guest>),)+
        }

        impl World for $world {
            type Ready = $ready;

            fn look_up(contract: Contract, linked: InstancePre<Guest>) -> wasmtime::Result<$ready> {
                Ok(match contract {
                    $(Contract::$version => $ready::$version($module::$pre::new(linked)?),)+
                })
            }

            fn instantiate(ready: &$ready, store: &mut Store<Guest>) -> wasmtime::Result<$world> {
                Ok(match ready {
                    $($ready::$version(ready) => $world::$version(ready.instantiate(store)?),)+
                })
            }

            fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<RawDescription> {
                match self {
                    $($world::$version(world) => {
                        let raw = world.octo_plugin_plugin().call_describe(store)?;
                        Ok(RawDescription {
                            name: raw.name,
                            version: raw.version,
                            summary: raw.summary,
                            config_schema: raw.config_schema,
                        })
                    })+
                }
            }

            fn configure(&self, store: &mut Store<Guest>, config: &str) -> Answer<()> {
                match self {
                    $($world::$version(world) => world.octo_plugin_plugin().call_configure(store, config),)+
                }
            }
        }
    };
}

worlds!(
    /// A verifier.
    VerifierWorld, VerifierReady,
    V0_1 = v0_1::VerifierPlugin, VerifierPluginPre;
    V0_2 = v0_2::VerifierPlugin, VerifierPluginPre;
);
worlds!(
    /// A reward function.
    RewardWorld, RewardReady,
    V0_1 = v0_1::RewardPlugin, RewardPluginPre;
    V0_2 = v0_2::RewardPlugin, RewardPluginPre;
);
worlds!(
    /// A data filter.
    FilterWorld, FilterReady,
    V0_1 = v0_1::FilterPlugin, FilterPluginPre;
    V0_2 = v0_2::FilterPlugin, FilterPluginPre;
);
worlds!(
    /// A mixture policy.
    MixtureWorld, MixtureReady,
    V0_1 = v0_1::MixturePlugin, MixturePluginPre;
    V0_2 = v0_2::MixturePlugin, MixturePluginPre;
);
worlds!(
    /// A rollout schedule.
    ScheduleWorld, ScheduleReady,
    V0_1 = v0_1::SchedulePlugin, SchedulePluginPre;
    V0_2 = v0_2::SchedulePlugin, SchedulePluginPre;
);

impl VerifierWorld {
    pub(crate) fn verify(&self, store: &mut Store<Guest>, attempts: &[Attempt]) -> Answers<Verdict> {
        match self {
            Self::V0_1(world) => v0_1::whole(world.octo_plugin_verifier().call_verify(store, attempts)),
            Self::V0_2(world) => world.octo_plugin_verifier().call_verify(store, attempts).map(Ok),
        }
    }
}

impl RewardWorld {
    pub(crate) fn score(&self, store: &mut Store<Guest>, at: &Progress, rollouts: &[Rollout]) -> Answers<Reward> {
        match self {
            Self::V0_1(world) => v0_1::whole(world.octo_plugin_reward_function().call_score(store, at, rollouts)),
            Self::V0_2(world) => world.octo_plugin_reward_function().call_score(store, at, rollouts).map(Ok),
        }
    }
}

impl FilterWorld {
    pub(crate) fn filter(&self, store: &mut Store<Guest>, documents: &[Document]) -> Answers<Decision> {
        match self {
            Self::V0_1(world) => v0_1::whole(world.octo_plugin_data_filter().call_filter(store, documents)),
            Self::V0_2(world) => world.octo_plugin_data_filter().call_filter(store, documents).map(Ok),
        }
    }
}

impl MixtureWorld {
    pub(crate) fn weights(&self, store: &mut Store<Guest>, at: &Progress, sources: &[DataSource]) -> Answer<Vec<f64>> {
        match self {
            Self::V0_1(world) => world.octo_plugin_mixture_policy().call_weights(store, at, sources),
            Self::V0_2(world) => world.octo_plugin_mixture_policy().call_weights(store, at, sources),
        }
    }
}

impl ScheduleWorld {
    pub(crate) fn plan(&self, store: &mut Store<Guest>, at: &Progress) -> Answer<StepPlan> {
        match self {
            Self::V0_1(world) => world.octo_plugin_rollout_schedule().call_plan(store, at),
            Self::V0_2(world) => world.octo_plugin_rollout_schedule().call_plan(store, at),
        }
    }
}

macro_rules! remembering {
    ($world:ident, $($version:ident),+) => {
        impl Remembering for $world {
            fn save(&self, store: &mut Store<Guest>) -> wasmtime::Result<Vec<u8>> {
                match self {
                    $(Self::$version(world) => world.octo_plugin_memory().call_save(store),)+
                }
            }

            fn restore(&self, store: &mut Store<Guest>, bytes: &[u8]) -> Answer<()> {
                match self {
                    $(Self::$version(world) => world.octo_plugin_memory().call_restore(store, bytes),)+
                }
            }
        }
    };
}

remembering!(MixtureWorld, V0_1, V0_2);
remembering!(ScheduleWorld, V0_1, V0_2);
