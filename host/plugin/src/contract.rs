//! The versions of `octo:plugin` that this host serves, and how a component's names are read.

use semver::Version;

/// The package of every interface of the contract.
pub(crate) const PACKAGE: &str = "octo:plugin/";

/// The contract of this host: the version of the package in `wit/`.
pub(crate) const VERSION: Version = Version::new(0, 1, 0);

/// An interface's full name, `octo:plugin/NAME@VERSION`.
pub(crate) fn interface(name: &str) -> String {
    format!("{PACKAGE}{name}@{VERSION}")
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
    fn the_version_is_that_of_the_wit_package() {
        for wit in [include_str!("../../../wit/types.wit"), include_str!("../../../wit/worlds.wit")] {
            assert!(wit.contains(&format!("package octo:plugin@{VERSION};")), "wit/ has another version");
        }
    }

    #[test]
    fn names_split_into_interface_and_version() {
        assert_eq!(parse("octo:plugin/log@0.1.0"), Some(("log", Some(VERSION))));
        assert_eq!(parse("octo:plugin/log"), Some(("log", None)));
        assert_eq!(parse("octo:plugin/log@later"), Some(("log", None)));
        assert_eq!(parse("wasi:clocks/wall-clock@0.2.0"), None);
    }
}
