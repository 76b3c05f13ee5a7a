//! What a component imports and exports, read from its bytes without running any of it.

use anyhow::{Context, Result};
use octo_plugin::{Kind, for_people};
use wasmparser::{Encoding, Parser, Payload};

/// The package of the contract's interfaces.
const PACKAGE: &str = "octo:plugin/";

/// The interface of the contract that only a plugin of the kind exports.
const INTERFACES: [(&str, Kind); 5] = [
    ("verifier", Kind::Verifier),
    ("reward-function", Kind::Reward),
    ("data-filter", Kind::Filter),
    ("mixture-policy", Kind::Mixture),
    ("rollout-schedule", Kind::Schedule),
];

/// Longest name that is shown.
const LONGEST_NAME: usize = 200;

/// The outermost imports and exports of a component, fit to be shown.
#[derive(Debug, Default)]
pub struct Surface {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

impl Surface {
    pub fn read(component: &[u8]) -> Result<Surface> {
        let mut surface = Surface::default();
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(component) {
            match payload.context("damaged WebAssembly; build or copy it again")? {
                Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 1 => {
                    for import in imports {
                        surface.imports.push(for_people(import?.name.name, LONGEST_NAME));
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 1 => {
                    for export in exports {
                        surface.exports.push(for_people(export?.name.name, LONGEST_NAME));
                    }
                }
                _ => {}
            }
        }
        Ok(surface)
    }

    /// The kind and the version of the contract that the exports tell.
    pub fn kind(&self) -> Option<(Kind, String)> {
        self.exports.iter().find_map(|export| {
            let (interface, version) = export.strip_prefix(PACKAGE)?.split_once('@')?;
            let (_, kind) = INTERFACES.iter().find(|(name, _)| *name == interface)?;
            Some((*kind, version.to_owned()))
        })
    }
}
