//! Host bindings, generated from the repository's `wit/` folder: five worlds over one set of records.
#![allow(missing_docs, reason = "generated; wit/ holds the documentation")]

use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::store::Guest;

/// The records and host services that all worlds share.
mod shared {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package octo:host;
            world shared {
                import octo:plugin/types@0.1.0;
                import octo:plugin/log@0.1.0;
                import octo:plugin/classifier@0.1.0;
            }",
        additional_derives: [PartialEq],
    });
}

pub use shared::octo::plugin::types;
pub(crate) use shared::octo::plugin::{classifier, log};

/// What `describe` returns, before anything about it is checked.
pub(crate) struct RawDescription {
    pub name: String,
    pub version: String,
    pub summary: String,
    pub config_schema: String,
}

/// What every world has: the `plugin` interface.
pub(crate) trait World: Sized + Send + 'static {
    /// The component with its imports resolved and its exports looked up, ready to make instances.
    type Ready: Send + Sync + 'static;

    /// Looks up the exports and checks their types. Fails where they are not those of the world.
    fn look_up(linked: InstancePre<Guest>) -> wasmtime::Result<Self::Ready>;
    fn instantiate(ready: &Self::Ready, store: &mut Store<Guest>) -> wasmtime::Result<Self>;
    fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<RawDescription>;
    fn configure(&self, store: &mut Store<Guest>, config: &str) -> Answer<()>;
}

/// A guest call's end: the engine's error, the plugin's refusal, or a value.
pub(crate) type Answer<T> = wasmtime::Result<Result<T, types::PluginError>>;

/// The `memory` interface of policies.
pub(crate) trait Remembering: World {
    fn save(&self, store: &mut Store<Guest>) -> wasmtime::Result<Vec<u8>>;
    fn restore(&self, store: &mut Store<Guest>, bytes: &[u8]) -> Answer<()>;
}

macro_rules! world {
    ($module:ident, $world:literal, $type:ident, $ready:ident) => {
        mod $module {
            wasmtime::component::bindgen!({
                path: "../../wit",
                world: $world,
                with: { "octo:plugin@0.1.0": crate::bindings::shared::octo::plugin },
            });
        }

        pub(crate) use $module::$type;

        impl World for $type {
            type Ready = $module::$ready<Guest>;

            fn look_up(linked: InstancePre<Guest>) -> wasmtime::Result<Self::Ready> {
                $module::$ready::new(linked)
            }

            fn instantiate(ready: &Self::Ready, store: &mut Store<Guest>) -> wasmtime::Result<Self> {
                ready.instantiate(store)
            }

            fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<RawDescription> {
                let raw = self.octo_plugin_plugin().call_describe(store)?;
                Ok(RawDescription {
                    name: raw.name,
                    version: raw.version,
                    summary: raw.summary,
                    config_schema: raw.config_schema,
                })
            }

            fn configure(&self, store: &mut Store<Guest>, config: &str) -> Answer<()> {
                self.octo_plugin_plugin().call_configure(store, config)
            }
        }
    };
}

world!(verifier_plugin, "octo:plugin/verifier-plugin", VerifierPlugin, VerifierPluginPre);
world!(reward_plugin, "octo:plugin/reward-plugin", RewardPlugin, RewardPluginPre);
world!(filter_plugin, "octo:plugin/filter-plugin", FilterPlugin, FilterPluginPre);
world!(mixture_plugin, "octo:plugin/mixture-plugin", MixturePlugin, MixturePluginPre);
world!(schedule_plugin, "octo:plugin/schedule-plugin", SchedulePlugin, SchedulePluginPre);

macro_rules! remembering {
    ($type:ident) => {
        impl Remembering for $type {
            fn save(&self, store: &mut Store<Guest>) -> wasmtime::Result<Vec<u8>> {
                self.octo_plugin_memory().call_save(store)
            }

            fn restore(&self, store: &mut Store<Guest>, bytes: &[u8]) -> Answer<()> {
                self.octo_plugin_memory().call_restore(store, bytes)
            }
        }
    };
}

remembering!(MixturePlugin);
remembering!(SchedulePlugin);
