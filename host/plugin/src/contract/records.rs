//! The records and host services that all worlds share, generated from the current contract in `wit/`.
//!
//! Versions whose records are the same share these types, since the component model compares records by structure.
#![allow(missing_docs, reason = "generated; wit/ holds the documentation")]

/// What wasmtime generates; the worlds of every version refer to it in place of generating records of their own.
pub(crate) mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package octo:host;
            world shared {
                import octo:plugin/types@0.3.0;
                import octo:plugin/log@0.3.0;
                import octo:plugin/classifier@0.3.0;
            }",
        additional_derives: [PartialEq],
    });
}

pub use generated::octo::plugin::types;
pub(crate) use generated::octo::plugin::{classifier, log};
