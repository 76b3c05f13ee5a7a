//! Bindings generated from the repository's `wit/` folder.
//!
//! A component exports one world, and this crate serves plugins of six. So each interface is generated from a world of
//! its own that imports or exports that interface alone, and all share the records of [`records`]. Only the expansion
//! of `export!` in a plugin emits the description of what it exports (wit-bindgen's `pub_export_macro`); `wit-component`
//! joins the descriptions that a plugin did link into the one world it implements, and drops imports that it never calls.
//! Were each whole world generated here, every plugin would have to export all six.
#![allow(missing_docs, reason = "generated; wit/ holds the documentation")]
#![allow(unsafe_code, reason = "wit-bindgen's code for the canonical ABI; the only unsafe code in a guest")]

/// The records, native as well, so that plugins are tested without WebAssembly.
pub mod records {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package octo:sdk; world records { import octo:plugin/types@0.3.0; }",
        generate_unused_types: true,
        generate_all,
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_records",
    });
    pub use octo::plugin::types;
}

/// What the host offers to plugins.
#[cfg(target_arch = "wasm32")]
pub mod services {
    wit_bindgen::generate!({
        path: "wit",
        inline: "package octo:sdk; world services { import octo:plugin/log@0.3.0; import octo:plugin/classifier@0.3.0; }",
        with: { "octo:plugin/types@0.3.0": crate::bindings::records::types },
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_services",
    });
    pub use octo::plugin::{classifier, log};
}

/// A module that exports one interface of the contract, for [`crate::export!`] to use.
#[cfg(target_arch = "wasm32")]
macro_rules! exported_interface {
    ($(#[$documentation:meta])* $module:ident, $inline:literal, $export:literal, $guest:ident) => {
        $(#[$documentation])*
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                inline: $inline,
                with: { "octo:plugin/types@0.3.0": crate::bindings::records::types },
                generate_all,
                pub_export_macro: true,
                export_macro_name: $export,
                default_bindings_module: "octo_sdk::export_support",
            });
            pub use exports::octo::plugin::$guest as interface;
        }
    };
}

#[cfg(target_arch = "wasm32")]
exported_interface!(
    /// Description and configuration, exported by every plugin.
    plugin, "package octo:sdk; world every-plugin { export octo:plugin/plugin@0.3.0; }", "export_plugin", plugin
);
#[cfg(target_arch = "wasm32")]
exported_interface!(
    /// What stateful plugins remember between runs.
    memory, "package octo:sdk; world remembering { export octo:plugin/memory@0.3.0; }", "export_memory", memory
);
#[cfg(target_arch = "wasm32")]
exported_interface!(
    /// The verifier kind.
    verifier, "package octo:sdk; world verifying { export octo:plugin/verifier@0.3.0; }", "export_verifier", verifier
);
#[cfg(target_arch = "wasm32")]
exported_interface!(
    /// The reward kind.
    reward, "package octo:sdk; world rewarding { export octo:plugin/reward-function@0.3.0; }", "export_reward",
    reward_function
);
#[cfg(target_arch = "wasm32")]
exported_interface!(
    /// The filter kind.
    filter, "package octo:sdk; world filtering { export octo:plugin/data-filter@0.3.0; }", "export_filter", data_filter
);
#[cfg(target_arch = "wasm32")]
exported_interface!(
    /// The annotator kind.
    annotator, "package octo:sdk; world annotating { export octo:plugin/annotator@0.3.0; }", "export_annotator", annotator
);
#[cfg(target_arch = "wasm32")]
exported_interface!(
    /// The mixture kind.
    mixture, "package octo:sdk; world mixing { export octo:plugin/mixture-policy@0.3.0; }", "export_mixture",
    mixture_policy
);
#[cfg(target_arch = "wasm32")]
exported_interface!(
    /// The schedule kind.
    schedule, "package octo:sdk; world scheduling { export octo:plugin/rollout-schedule@0.3.0; }", "export_schedule",
    rollout_schedule
);
