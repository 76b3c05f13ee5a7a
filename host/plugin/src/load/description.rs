//! What a plugin says about itself, checked before it is shown or recorded.

use serde_json::Value;

use crate::contract::world::RawDescription;
use crate::text::{for_people, short};

const LONGEST_NAME: usize = 64;
const LONGEST_VERSION: usize = 128;
const LONGEST_SUMMARY: usize = 500;
const LONGEST_SCHEMA: usize = 256 * 1024;

/// What a plugin says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Letters, digits, `_`, `-` and `.`; at most 64.
    pub name: String,
    /// A semantic version; at most 128 bytes.
    pub version: String,
    /// One line for a person, without control characters.
    pub summary: String,
    /// JSON Schema (2020-12) of the config object.
    pub config_schema: Value,
}

/// Checks a description. The error says what is wrong with which part.
pub(crate) fn check(raw: RawDescription) -> Result<Description, String> {
    let RawDescription { name, version, summary, config_schema } = raw;
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) {
        return Err(format!(
            "its name is {:?}; a name has 1 to {LONGEST_NAME} letters, digits, `_`, `-` or `.`",
            for_people(&name, LONGEST_NAME)
        ));
    }
    semver::Version::parse(&version).map_err(|error| {
        format!("its version {:?} is not a semantic one: {error}", for_people(&version, LONGEST_NAME))
    })?;
    // What follows a `+` may be of any length, and a version stands in every run's lock and in every line about it.
    if version.len() > LONGEST_VERSION {
        return Err(format!("its version has {} bytes; at most {LONGEST_VERSION} are read", version.len()));
    }
    if config_schema.len() > LONGEST_SCHEMA {
        return Err(format!("its config schema has {} bytes; at most {LONGEST_SCHEMA} are read", config_schema.len()));
    }
    let config_schema: Value = serde_json::from_str(&config_schema)
        .map_err(|error| format!("its config schema is not JSON: {}", short(&error.to_string())))?;
    if !config_schema.is_object() {
        return Err("its config schema is not a JSON object".to_owned());
    }
    Ok(Description { name, version, summary: for_people(summary.trim(), LONGEST_SUMMARY), config_schema })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> RawDescription {
        RawDescription {
            name: "verifier_math".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Judges answers.".to_owned(),
            config_schema: "{}".to_owned(),
        }
    }

    #[test]
    fn a_name_that_could_be_a_path_or_a_forgery_is_refused() {
        for name in ["", "../escape", "two words", "line\nbreak", &"n".repeat(65), "é"] {
            let error = check(RawDescription { name: name.to_owned(), ..raw() }).expect_err(name);
            assert!(error.contains("name") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_version_must_be_semantic() {
        for version in ["", "1", "1.0", "v1.0.0", "1.0.0\n", &format!("1.0.0+{}", "b".repeat(1000))] {
            assert!(check(RawDescription { version: version.to_owned(), ..raw() }).is_err(), "{version:?}");
        }
    }

    #[test]
    fn a_schema_must_be_an_object_of_moderate_size() {
        for schema in ["", "[]", "{", "true", &format!("{{\"a\": \"{}\"}}", "b".repeat(LONGEST_SCHEMA))] {
            assert!(check(RawDescription { config_schema: schema.to_owned(), ..raw() }).is_err());
        }
    }

    #[test]
    fn a_summary_is_one_line_whatever_it_was() {
        let summary = format!("a\n\u{1b}[31mb{}", "c".repeat(1000));
        let summary = check(RawDescription { summary, ..raw() }).expect("valid").summary;
        assert!(summary.starts_with("a [31mbc") && summary.ends_with('…') && summary.len() < 510, "{summary}");
    }
}
