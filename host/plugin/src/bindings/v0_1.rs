//! The worlds of octo:plugin 0.1.0, frozen in `wit/v0.1.0/`, and what it says differently.
//!
//! In 0.1.0 a batch has answers for all of its items, or one refusal for the whole call. A refused item then makes the
//! host ask for each of its neighbours again, on an instance of its own.

use super::{Answer, Answers};

/// The answers of a batch, none of them a refusal.
pub(crate) fn whole<T>(answer: Answer<Vec<T>>) -> Answers<T> {
    answer.map(|answers| answers.map(|answers| answers.into_iter().map(Ok).collect()))
}

macro_rules! generated {
    ($module:ident, $world:literal, $type:ident, $ready:ident) => {
        mod $module {
            wasmtime::component::bindgen!({
                path: "../../wit/v0.1.0",
                world: $world,
                with: { "octo:plugin@0.1.0": crate::bindings::shared::octo::plugin },
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
