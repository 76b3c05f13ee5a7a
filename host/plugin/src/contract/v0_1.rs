//! The adapter of octo:plugin 0.1.0, frozen in `wit/v0.1.0/`: its worlds, and what it says differently.
//!
//! In 0.1.0 a batch has answers for all of its items, or one refusal for the whole call. A refused item then makes the
//! host ask for each of its neighbours again, on an instance of its own.

use super::world::{BatchResult, CallResult};

/// The answers of a batch, none of them a refusal.
pub(crate) fn whole<T>(result: CallResult<Vec<T>>) -> BatchResult<T> {
    result.map(|answers| answers.map(|answers| answers.into_iter().map(Ok).collect()))
}

/// One world of this version.
macro_rules! bindings {
    ($world:literal) => {
        wasmtime::component::bindgen!({
            path: "../../wit/v0.1.0",
            world: $world,
            with: { "octo:plugin@0.1.0": crate::contract::records::generated::octo::plugin },
        });
    };
}
pub(crate) use bindings;
