//! The worlds of octo:plugin 0.2.0, the current contract: `wit/`.

macro_rules! generated {
    ($module:ident, $world:literal, $type:ident, $ready:ident) => {
        mod $module {
            wasmtime::component::bindgen!({
                path: "../../wit",
                world: $world,
                with: { "octo:plugin@0.2.0": crate::bindings::shared::octo::plugin },
            });
        }
        pub(crate) use $module::{$type, $ready};
    };
}

generated!(verifier_plugin, "octo:plugin/verifier-plugin", VerifierPlugin, VerifierPluginPre);
generated!(reward_plugin, "octo:plugin/reward-plugin", RewardPlugin, RewardPluginPre);
generated!(filter_plugin, "octo:plugin/filter-plugin", FilterPlugin, FilterPluginPre);
generated!(mixture_plugin, "octo:plugin/mixture-plugin", MixturePlugin, MixturePluginPre);
generated!(schedule_plugin, "octo:plugin/schedule-plugin", SchedulePlugin, SchedulePluginPre);
