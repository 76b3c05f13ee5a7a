//! The worlds of octo:plugin 0.3.0, the current contract: `wit/`.

/// One world of this version.
macro_rules! bindings {
    ($world:literal) => {
        wasmtime::component::bindgen!({
            path: "../../wit",
            world: $world,
            with: { "octo:plugin@0.3.0": crate::contract::records::generated::octo::plugin },
        });
    };
}
pub(crate) use bindings;
