//! What a component imports and exports, and so its kind and its contract, before anything is compiled.

use std::collections::BTreeSet;

use wasmparser::{Encoding, Parser, Payload};

use super::{LARGEST_PLUGIN, LoadError};
use crate::Kind;
use crate::contract::{self, Contract};
use crate::sandbox::{Limits, wasi};
use crate::text::{for_people, short};

/// Checks that the bytes are a component of one of the contract's worlds that asks for nothing else, before anything is
/// compiled, and says which, and of which version.
pub(crate) fn kind_of(name: &str, bytes: &[u8], limits: &Limits) -> Result<(Kind, Contract), LoadError> {
    let not_a_plugin = |problem: String| LoadError::NotAPlugin { plugin: name.to_owned(), problem };
    if let Some(problem) = not_a_component(bytes) {
        return Err(not_a_plugin(problem));
    }
    let surface = Surface::read(bytes).map_err(|error| {
        not_a_plugin(format!("damaged WebAssembly ({}); build or copy it again", short(&error.to_string())))
    })?;

    // Versions come first: what a later contract adds would otherwise look like something foreign.
    let mut contracts = BTreeSet::new();
    for (_, version) in surface.imports.iter().chain(&surface.exports).filter_map(|full| contract::parse(full)) {
        match version.as_ref().and_then(Contract::of) {
            Some(contract) => contracts.insert(contract),
            None => return Err(wrong_version(name, version)),
        };
    }
    if contracts.len() > 1 {
        return Err(not_a_plugin(
            "its imports and exports are of several versions of the contract; build it again with one SDK".to_owned(),
        ));
    }
    let contract = contracts.pop_first().unwrap_or(Contract::CURRENT);
    let exported: Vec<&str> =
        surface.exports.iter().filter_map(|full| contract::parse(full)).map(|(interface, _)| interface).collect();
    let served = || Kind::ALL.into_iter().filter(|kind| kind.is_in(contract));
    let kinds: Vec<Kind> = served().filter(|kind| exported.contains(&kind.interface())).collect();
    let kind = match kinds.as_slice() {
        [kind] => *kind,
        [] => {
            return Err(not_a_plugin(format!(
                "a component of another world: it exports {}, and a plugin exports one of {}; add `octo_sdk::export!` to its crate",
                listed(&surface.exports),
                listed(&served().map(|kind| contract.interface(kind.interface())).collect::<Vec<_>>())
            )));
        }
        several => {
            let several: Vec<&str> = several.iter().map(|kind| kind.as_str()).collect();
            return Err(not_a_plugin(format!("it is {} at once; make it one plugin per kind", several.join(" and "))));
        }
    };

    let allowed: Vec<String> = kind.imports().into_iter().map(|interface| contract.interface(interface)).collect();
    let asked: Vec<&String> =
        surface.imports.iter().filter(|full| !(allowed.contains(full) || limits.wasi && wasi::is_wasi(full))).collect();
    if !asked.is_empty() {
        let advice = if asked.iter().all(|full| wasi::is_wasi(full)) {
            "a Python or JavaScript plugin needs `wasi = true` among its limits, which gives it stopped clocks, fixed \
             randomness, and no files, environment or sockets; build any other for wasm32-unknown-unknown"
        } else {
            "build it for wasm32-unknown-unknown, without dependencies that want a clock, randomness, files or the network"
        };
        let asked: Vec<String> = asked.into_iter().map(|full| for_people(full, 100)).collect();
        // `types` holds records and nothing to call; to a person it is not a permission.
        let allowed = allowed.into_iter().filter(|full| !full.contains("/types@")).collect();
        let asked = if asked.len() > 8 { [&asked[..8], &["...".to_owned()]].concat() } else { asked };
        return Err(LoadError::Imports { plugin: name.to_owned(), kind, asked, allowed, advice });
    }
    Ok((kind, contract))
}

/// What the bytes are, and what to do, where they are not a component.
fn not_a_component(bytes: &[u8]) -> Option<String> {
    const MAGIC: &[u8] = b"\0asm";
    const CORE_MODULE: &[u8] = b"\x01\0\0\0";
    const COMPONENT: &[u8] = b"\x0d\0\x01\0";
    if bytes.len() > LARGEST_PLUGIN {
        return Some(format!("more than {LARGEST_PLUGIN} bytes, which is too large to compile safely"));
    }
    match (bytes.get(..4), bytes.get(4..8)) {
        _ if bytes.is_empty() => Some("an empty file; build or copy it again".to_owned()),
        (Some(MAGIC), Some(COMPONENT)) => None,
        (Some(MAGIC), Some(CORE_MODULE)) => Some(
            "a core WebAssembly module, not a component; build it with `octo-host plugin build`, which makes it one"
                .to_owned(),
        ),
        (Some(MAGIC), _) => {
            Some("WebAssembly of a version that this host does not know; build or copy it again".to_owned())
        }
        (Some(b"\x7fELF"), _) => Some(
            "machine code, which is never loaded; name the .wasm file, and its compiled form is kept for you"
                .to_owned(),
        ),
        _ if looks_like_text(bytes) => {
            Some("WebAssembly text; turn it into a component, with `wasm-tools parse`".to_owned())
        }
        _ => Some("not WebAssembly; name the .wasm file that `octo-host plugin build` wrote".to_owned()),
    }
}

fn looks_like_text(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    text.starts_with(b"(module") || text.starts_with(b"(component")
}

/// What a component imports and exports at its outermost level.
pub(crate) struct Surface {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

impl Surface {
    pub(crate) fn read(bytes: &[u8]) -> Result<Surface, wasmparser::BinaryReaderError> {
        let mut surface = Surface { imports: Vec::new(), exports: Vec::new() };
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section {
                        surface.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section {
                        surface.exports.push(export?.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(surface)
    }
}

fn wrong_version(name: &str, version: Option<semver::Version>) -> LoadError {
    let advice = match &version {
        Some(version) if *version > Contract::CURRENT.version() => {
            "update octo-host, or build the plugin with octo-sdk"
        }
        _ => "build the plugin again with octo-sdk",
    };
    LoadError::Contract {
        plugin: name.to_owned(),
        plugin_version: version
            .map_or_else(|| "(no version)".to_owned(), |version| for_people(&version.to_string(), 64)),
        host_versions: Contract::all_served(),
        advice: format!("{advice} {}", Contract::CURRENT.version()),
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => {
            let shown: Vec<String> = names.iter().take(8).map(|name| for_people(name, 100)).collect();
            format!("{}{}", shown.join(", "), if names.len() > 8 { ", ..." } else { "" })
        }
    }
}
