//! What every world of the contract has, and the macro that puts one kind's worlds of all versions behind one type.
//!
//! The rest of the host sees one type per kind, which speaks the current contract. What an older version says
//! differently is adapted in that version's module, where the kind's own calls are matched over the versions.

use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::Contract;
use super::records::types::PluginError;
use crate::sandbox::Guest;

/// What `describe` returns, before anything about it is checked.
pub(crate) struct RawDescription {
    pub name: String,
    pub version: String,
    pub summary: String,
    pub config_schema: String,
}

/// How a guest call ended: the engine's error, the plugin's refusal of the whole call, or a value.
pub(crate) type CallResult<T> = wasmtime::Result<Result<T, PluginError>>;

/// How a batch call ended: as [`CallResult`], with a refusal or a value for each item.
pub(crate) type BatchResult<T> = CallResult<Vec<Result<T, PluginError>>>;

/// What every world has: the `plugin` interface.
pub(crate) trait World: Sized + Send + 'static {
    /// The component with its imports resolved and its exports looked up, ready to make instances.
    type Ready: Send + Sync + 'static;

    /// Whether a version of the contract has this world.
    fn is_in(contract: Contract) -> bool;
    /// Looks up the exports and checks their types. Fails where they are not those of the world.
    fn look_up(contract: Contract, linked: InstancePre<Guest>) -> wasmtime::Result<Self::Ready>;
    fn instantiate(ready: &Self::Ready, store: &mut Store<Guest>) -> wasmtime::Result<Self>;
    fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<RawDescription>;
    fn configure(&self, store: &mut Store<Guest>, config: &str) -> CallResult<()>;
}

/// The `memory` interface of stateful plugins.
pub(crate) trait StatefulWorld: World {
    fn save(&self, store: &mut Store<Guest>) -> wasmtime::Result<Vec<u8>>;
    fn restore(&self, store: &mut Store<Guest>, bytes: &[u8]) -> CallResult<()>;
}

/// One kind's world in every version of the contract: a variant for each version, and the same calls on all.
///
/// It takes the type to declare and the type of its exports as looked up, the world's name in WIT and the two types that
/// wasmtime generates for that name, then every version: `VARIANT of Contract = module of src/contract/`. A version that
/// does not have the kind is listed after `absent in`. A kind with the `memory` interface begins with `stateful`.
macro_rules! world {
    (stateful $(#[$documentation:meta])* $world:ident $body:tt in $($version:ident = $module:ident),+
        $(; absent in $($missing:ident),+)?) => {
        $crate::contract::world::world!(
            $(#[$documentation])* $world $body in $($version = $module),+ $(; absent in $($missing),+)?
        );

        impl $crate::contract::world::StatefulWorld for $world {
            fn save(&self, store: &mut wasmtime::Store<$crate::sandbox::Guest>) -> wasmtime::Result<Vec<u8>> {
                match self {
                    $(Self::$version(world) => world.octo_plugin_memory().call_save(store),)+
                }
            }

            fn restore(
                &self,
                store: &mut wasmtime::Store<$crate::sandbox::Guest>,
                bytes: &[u8],
            ) -> $crate::contract::world::CallResult<()> {
                match self {
                    $(Self::$version(world) => world.octo_plugin_memory().call_restore(store, bytes),)+
                }
            }
        }
    };
    ($(#[$documentation:meta])* $world:ident { $ready:ident, $name:literal, $generated:ident, $pre:ident }
        in $($version:ident = $module:ident),+ $(; absent in $($missing:ident),+)?) => {
        mod generated {
            $(pub(crate) mod $module {
                $crate::contract::$module::bindings!($name);
            })+
        }

        $(#[$documentation])*
        pub(crate) enum $world {
            $($version(generated::$module::$generated),)+
        }

        /// The world's exports, looked up in a component.
        pub(crate) enum $ready {
            $($version(generated::$module::$pre<$crate::sandbox::Guest>),)+
        }

        impl $crate::contract::world::World for $world {
            type Ready = $ready;

            fn is_in(contract: $crate::Contract) -> bool {
                match contract {
                    $($crate::Contract::$version => true,)+
                    $($($crate::Contract::$missing => false,)+)?
                }
            }

            fn look_up(
                contract: $crate::Contract,
                linked: wasmtime::component::InstancePre<$crate::sandbox::Guest>,
            ) -> wasmtime::Result<$ready> {
                match contract {
                    $($crate::Contract::$version => {
                        Ok($ready::$version(generated::$module::$pre::new(linked)?))
                    })+
                    $($($crate::Contract::$missing => {
                        Err(wasmtime::Error::msg(concat!("this version of the contract has no ", $name)))
                    })+)?
                }
            }

            fn instantiate(
                ready: &$ready,
                store: &mut wasmtime::Store<$crate::sandbox::Guest>,
            ) -> wasmtime::Result<$world> {
                Ok(match ready {
                    $($ready::$version(ready) => $world::$version(ready.instantiate(store)?),)+
                })
            }

            fn describe(
                &self,
                store: &mut wasmtime::Store<$crate::sandbox::Guest>,
            ) -> wasmtime::Result<$crate::contract::world::RawDescription> {
                match self {
                    $($world::$version(world) => {
                        let raw = world.octo_plugin_plugin().call_describe(store)?;
                        Ok($crate::contract::world::RawDescription {
                            name: raw.name,
                            version: raw.version,
                            summary: raw.summary,
                            config_schema: raw.config_schema,
                        })
                    })+
                }
            }

            fn configure(
                &self,
                store: &mut wasmtime::Store<$crate::sandbox::Guest>,
                config: &str,
            ) -> $crate::contract::world::CallResult<()> {
                match self {
                    $($world::$version(world) => world.octo_plugin_plugin().call_configure(store, config),)+
                }
            }
        }
    };
}
pub(crate) use world;

#[cfg(test)]
mod tests {
    use super::*;

    world!(
        /// A kind that the oldest contract does not have yet.
        LaterWorld { LaterReady, "octo:plugin/verifier-plugin", VerifierPlugin, VerifierPluginPre }
        in V0_2 = v0_2, V0_3 = v0_3; absent in V0_1
    );

    #[test]
    fn a_kind_may_be_absent_in_an_older_contract() {
        assert_eq!(Contract::ALL.map(LaterWorld::is_in), [false, true, true]);
    }
}
