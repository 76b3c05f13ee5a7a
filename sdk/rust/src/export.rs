//! The macro that makes a plugin crate a plugin.

/// Makes a crate a plugin of one kind: `octo_sdk::export!(verifier: MyVerifier);`, and likewise `reward:`, `filter:`,
/// `annotator:`, `mixture:` and `schedule:`. Once per crate.
///
/// Name, version and summary are the crate's own, from its `Cargo.toml`; the schema of the config comes from
/// [`Plugin::Config`](crate::Plugin::Config). In a native build it only checks that the type implements its kind.
#[macro_export]
macro_rules! export {
    (verifier: $plugin:ty) => {
        $crate::__octo_export!(Verifier, $plugin, verifier export_verifier);
    };
    (reward: $plugin:ty) => {
        $crate::__octo_export!(RewardFunction, $plugin, reward export_reward);
    };
    (filter: $plugin:ty) => {
        $crate::__octo_export!(DataFilter, $plugin, filter export_filter);
    };
    (annotator: $plugin:ty) => {
        $crate::__octo_export!(Annotator, $plugin, annotator export_annotator);
    };
    (mixture: $plugin:ty) => {
        $crate::__octo_export!(MixturePolicy, $plugin, mixture export_mixture, MixtureMemory);
    };
    (schedule: $plugin:ty) => {
        $crate::__octo_export!(RolloutSchedule, $plugin, schedule export_schedule, ScheduleMemory);
    };
    ($kind:ident: $plugin:ty) => {
        compile_error!(concat!(
            "`",
            stringify!($kind),
            "` is not a kind of plugin: use verifier, reward, filter, annotator, mixture or schedule"
        ));
    };
}

/// The expansion of `export!`: the kind's trait, the plugin's type, the kind's module of `bindings` and the macro there
/// that exports it, and what exports the memory of a stateful kind.
#[doc(hidden)]
#[macro_export]
macro_rules! __octo_export {
    ($trait:ident, $plugin:ty, $module:ident $export:ident $(, $memory:ident)?) => {
        const _: fn() = || {
            fn implements_its_kind<T: $crate::$trait>() {}
            implements_its_kind::<$plugin>();
        };

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            ::std::thread_local! {
                static PLUGIN: ::std::cell::RefCell<::std::option::Option<$plugin>> =
                    const { ::std::cell::RefCell::new(::std::option::Option::None) };
            }

            struct Exported;

            impl $crate::export_support::Slot for Exported {
                type Plugin = $plugin;

                const IDENTITY: $crate::export_support::Identity = $crate::export_support::Identity {
                    name: env!("CARGO_PKG_NAME"),
                    version: env!("CARGO_PKG_VERSION"),
                    summary: env!("CARGO_PKG_DESCRIPTION"),
                };

                fn lend<R>(
                    use_it: impl ::std::ops::FnOnce(&mut ::std::option::Option<Self::Plugin>) -> R,
                ) -> R {
                    PLUGIN.with_borrow_mut(use_it)
                }
            }

            $crate::__octo_export_interface!(plugin, export_plugin, Exported);
            $crate::__octo_export_interface!($module, $export, Exported);
            $(
                type Memory = $crate::export_support::$memory<Exported>;
                $crate::__octo_export_interface!(memory, export_memory, Memory);
            )?
        };
    };
}

/// Exports one interface of one type.
#[doc(hidden)]
#[macro_export]
macro_rules! __octo_export_interface {
    ($module:ident, $export:ident, $type:ident) => {
        $crate::export_support::$module::$export!($type with_types_in $crate::export_support::$module);
    };
}
