//! The adapter of octo:plugin 0.2.0, frozen in `wit/v0.2.0/`: its worlds.
//!
//! The current contract has them as they were, so there is nothing to translate. It has no annotators.

/// One world of this version.
macro_rules! bindings {
    ($world:literal) => {
        wasmtime::component::bindgen!({
            path: "../../wit/v0.2.0",
            world: $world,
            with: { "octo:plugin@0.2.0": crate::contract::records::generated::octo::plugin },
        });
    };
}
pub(crate) use bindings;
