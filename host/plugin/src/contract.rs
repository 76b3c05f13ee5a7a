//! The versions of `octo:plugin` that this host serves, and how a component's names are read.
//!
//! | file | what it has |
//! |---|---|
//! | `contract.rs` | [`Contract`]: the versions, and the names of their interfaces |
//! | `contract/records.rs` | the records and services that all worlds share, generated from `wit/` |
//! | `contract/v0_1.rs` | the adapter of an old contract, 0.1.0: its worlds, and what it says differently |
//! | `contract/v0_2.rs` | the adapter of 0.2.0, whose worlds the current contract has as they were |
//! | `contract/v0_3.rs` | the worlds of the current contract |
//! | `contract/world.rs` | what every world has, and the macro that puts one kind's worlds of all versions behind one type |
//!
//! # Adding a version
//!
//! 1. `wit/vX.Y.Z/`: a copy of `wit/` as it was released; it stays as it is from then on. `wit/` takes the new number,
//!    and so do `sdk/rust/Cargo.toml` and the names in `sdk/rust/src/bindings.rs`.
//! 2. `src/contract.rs`: a variant of [`Contract`], its number, and its place in [`Contract::ALL`].
//! 3. `src/contract/vX_Y.rs`: the worlds of the new version. What the older one says differently goes into the older
//!    one's module, which is its adapter from then on. `src/contract/records.rs` names the new version.
//! 4. `src/kinds/*.rs`: the version in each kind's `world!`, and its call. The compiler asks for each.
//! 5. `tests/golden/contract_X_Y_Z/`: components that the older SDK built, and what they must still do in
//!    `tests/contract_versions.rs`.

pub(crate) mod records;
pub(crate) mod v0_1;
pub(crate) mod v0_2;
pub(crate) mod v0_3;
pub(crate) mod world;

use semver::Version;

/// The package of every interface of the contract.
pub(crate) const PACKAGE: &str = "octo:plugin/";

/// A version of the contract that this host serves. Adding one here makes the compiler ask for its adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    /// 0.1.0: a batch is answered or refused as a whole.
    V0_1,
    /// 0.2.0: each item of a batch is answered or refused for itself.
    V0_2,
    /// 0.3.0: a sixth kind, the annotator.
    V0_3,
}

impl Contract {
    /// All versions served, oldest first.
    pub const ALL: [Contract; 3] = [Contract::V0_1, Contract::V0_2, Contract::V0_3];

    /// The version of the package in `wit/`, which the SDK of this release builds for.
    pub const CURRENT: Contract = Contract::ALL[Contract::ALL.len() - 1];

    /// The version of the WIT package.
    pub fn version(self) -> Version {
        match self {
            Contract::V0_1 => Version::new(0, 1, 0),
            Contract::V0_2 => Version::new(0, 2, 0),
            Contract::V0_3 => Version::new(0, 3, 0),
        }
    }

    /// The served version of this number.
    pub(crate) fn of(version: &Version) -> Option<Contract> {
        Contract::ALL.into_iter().find(|contract| contract.version() == *version)
    }

    /// All versions served, for a person: `0.1.0, 0.2.0 and 0.3.0`.
    pub(crate) fn all_served() -> String {
        let versions: Vec<String> = Contract::ALL.iter().map(|contract| contract.version().to_string()).collect();
        match versions.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    }

    /// An interface's full name, `octo:plugin/NAME@VERSION`.
    pub(crate) fn interface(self, name: &str) -> String {
        format!("{PACKAGE}{name}@{}", self.version())
    }
}

/// Splits `octo:plugin/NAME@VERSION` into name and version; `None` for another package's names.
pub(crate) fn parse(full: &str) -> Option<(&str, Option<Version>)> {
    let rest = full.strip_prefix(PACKAGE)?;
    match rest.split_once('@') {
        Some((name, version)) => Some((name, Version::parse(version).ok())),
        None => Some((rest, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_its_folder_and_the_current_one_is_the_top() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
        let package = |file: &std::path::Path| {
            let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            text.lines().next().unwrap_or_default().to_owned()
        };
        for contract in Contract::ALL {
            let version = contract.version();
            let folder = match contract {
                Contract::CURRENT => folder.clone(),
                _ => folder.join(format!("v{version}")),
            };
            for file in ["types.wit", "worlds.wit"] {
                assert_eq!(package(&folder.join(file)), format!("package octo:plugin@{version};"));
            }
        }
        let frozen = std::fs::read_dir(&folder)
            .expect("wit/")
            .filter(|entry| entry.as_ref().expect("an entry").file_type().expect("a type").is_dir());
        assert_eq!(frozen.count(), Contract::ALL.len() - 1, "a folder of wit/ is served by no adapter");
    }

    #[test]
    fn the_sdk_has_the_version_of_the_contract_that_it_builds_for() {
        let manifest = include_str!("../../../sdk/rust/Cargo.toml");
        assert!(manifest.contains(&format!("\nversion = \"{}\"\n", Contract::CURRENT.version())), "{manifest}");
    }

    #[test]
    fn versions_are_listed_oldest_first_and_found_by_number() {
        assert!(Contract::ALL.is_sorted_by_key(|contract| contract.version()));
        for contract in Contract::ALL {
            assert_eq!(Contract::of(&contract.version()), Some(contract));
        }
        assert_eq!(Contract::of(&Version::new(99, 0, 0)), None);
    }

    #[test]
    fn names_split_into_interface_and_version() {
        assert_eq!(parse("octo:plugin/log@0.1.0"), Some(("log", Some(Version::new(0, 1, 0)))));
        assert_eq!(parse("octo:plugin/log"), Some(("log", None)));
        assert_eq!(parse("octo:plugin/log@later"), Some(("log", None)));
        assert_eq!(parse("wasi:clocks/wall-clock@0.2.0"), None);
    }
}
