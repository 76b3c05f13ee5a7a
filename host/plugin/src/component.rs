//! Makes a component of the core module that a guest's compiler wrote; `component/metadata.rs` adds who made it.
//!
//! Guests are built for `wasm32-unknown-unknown`, whose output is a core module: it has no WASI imports to lock down,
//! and carries the description of its world in custom sections. `wit-component` turns the two into a component.

mod metadata;

use wasmparser::{Encoding, Parser, Payload};

pub use metadata::Metadata;

/// Why a module is not a plugin.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// Not WebAssembly at all, or damaged.
    #[error("this is not a WebAssembly module: {0}")]
    NotWasm(#[from] wasmparser::BinaryReaderError),
    /// The input is what this step would make of it.
    #[error("this is a component already; only the core module that the compiler wrote can be made into one")]
    AlreadyComponent,
    /// No `component-type` section, so nothing says which world the module implements.
    #[error(
        "the module describes no plugin: its crate needs `octo_sdk::export!(KIND: TYPE);` in its library, and \
         `crate-type = [\"cdylib\", \"rlib\"]`"
    )]
    NoContract,
    /// An import that the contract does not have, usually of WASI or of a JavaScript host.
    #[error(
        "the module imports `{name}` from `{module}`, which no plugin may: build for wasm32-unknown-unknown (not WASI), \
         and leave out dependencies that want a clock, randomness, files or JavaScript"
    )]
    ForeignImport {
        /// Module part of the import.
        module: String,
        /// Name part of the import.
        name: String,
    },
    /// The module does not do what its description says.
    #[error("the module does not fit the world it describes: {0}")]
    Mismatch(String),
}

/// Makes a validated component of a core module. The same bytes in give the same bytes out.
///
/// # Errors
/// [`ComponentError`], for bytes that are not a module, and for a module that describes no world, or does not fit its description.
pub fn encode(core_module: &[u8]) -> Result<Vec<u8>, ComponentError> {
    check(core_module)?;
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(core_module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| ComponentError::Mismatch(format!("{error:#}")))
}

/// Finds what `wit-component` would pass over (no description: an empty component) or explain in its own terms.
fn check(core_module: &[u8]) -> Result<(), ComponentError> {
    let mut described = false;
    for payload in Parser::new(0).parse_all(core_module) {
        match payload? {
            Payload::Version { encoding: Encoding::Component, .. } => return Err(ComponentError::AlreadyComponent),
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    // Every WIT interface has a namespace; a plain name is another host's.
                    if !import.module.contains(':') {
                        return Err(ComponentError::ForeignImport {
                            module: import.module.to_owned(),
                            name: import.name.to_owned(),
                        });
                    }
                }
            }
            Payload::CustomSection(section) => described |= section.name().starts_with("component-type"),
            _ => {}
        }
    }
    if described { Ok(()) } else { Err(ComponentError::NoContract) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest module: magic number and version.
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    /// A module of one import, of a function without parameters and results.
    fn importing(module: &str, name: &str) -> Vec<u8> {
        let mut section = vec![1, module.len() as u8];
        section.extend(module.as_bytes());
        section.push(name.len() as u8);
        section.extend(name.as_bytes());
        section.extend([0, 0]);
        let mut bytes = EMPTY.to_vec();
        bytes.extend([1, 4, 1, 0x60, 0, 0]);
        bytes.extend([2, section.len() as u8]);
        bytes.extend(section);
        bytes
    }

    #[test]
    fn what_is_not_webassembly_is_refused() {
        for bytes in [&b""[..], b"\x7fELF\x02\x01\x01\0", b"\0asm", b"(module)"] {
            let error = encode(bytes).expect_err("no module");
            assert!(matches!(error, ComponentError::NotWasm(_)), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn a_truncated_module_is_refused_rather_than_half_read() {
        let whole = importing("octo:plugin/log@0.1.0", "log");
        for length in EMPTY.len() + 1..whole.len() {
            let error = encode(&whole[..length]).expect_err("cut short");
            let boundary = length == EMPTY.len() + 6;
            assert!(
                matches!(error, ComponentError::NotWasm(_)) != boundary,
                "{length} of {} bytes: {error}",
                whole.len()
            );
        }
    }

    #[test]
    fn a_module_without_the_export_line_is_refused_with_the_remedy() {
        let error = encode(EMPTY).expect_err("describes nothing");
        assert!(matches!(error, ComponentError::NoContract));
        assert!(error.to_string().contains("octo_sdk::export!"), "{error}");
    }

    #[test]
    fn a_component_is_not_encoded_twice() {
        let error = encode(b"\0asm\x0d\0\x01\0").expect_err("a component");
        assert!(matches!(error, ComponentError::AlreadyComponent), "{error}");
    }

    #[test]
    fn an_import_of_another_host_is_named() {
        for module in ["wasi_snapshot_preview1", "__wbindgen_placeholder__", "env"] {
            let error = encode(&importing(module, "clock")).expect_err("foreign import");
            let text = error.to_string();
            assert!(matches!(error, ComponentError::ForeignImport { .. }), "{text}");
            assert!(text.contains(module) && text.contains("`clock`"), "{text}");
        }
    }
}
