//! A plugin can be described without a config, and nothing else about loading changes for it.

mod guests;

use guests::{CONFIGURE, DESCRIBE, Identity, PLAIN, guest, guest_of, host, tight};
use octo_plugin::{FailureKind, Kind, Limits, LoadError, Metadata};
use serde_json::json;

/// A verifier that gives no verdicts, with its `plugin` interface as the test says.
fn verifier(identity: &Identity, functions: &str) -> Vec<u8> {
    let body = r#"(func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32) (i32.const 0))"#;
    guest_of("verifier-plugin", identity, &format!("{functions}{body}"))
}

#[test]
fn a_plugin_whose_config_has_required_keys_is_described_without_one() {
    let schema = r#"{"type": "object", "properties": {"stairs": {"type": "array"}}, "required": ["stairs"]}"#;
    let bytes = verifier(&Identity { schema, ..PLAIN }, &format!("{DESCRIBE}{CONFIGURE}"));
    assert!(matches!(host().load_bytes("guest", &bytes, &json!({}), &tight()), Err(LoadError::Config { .. })));
    let described = host().describe("guest", &bytes, &tight()).expect("describes itself");
    assert_eq!((described.kind, described.description.name.as_str()), (Kind::Verifier, "guest"));
    assert_eq!(described.description.config_schema["required"], json!(["stairs"]));
    assert_eq!(described.bytes, bytes.len() as u64);
}

#[test]
fn describing_does_not_configure() {
    let trap = r#"(func (export "octo:plugin/plugin@0.1.0#configure") (param i32 i32) (result i32) unreachable)"#;
    let bytes = verifier(&PLAIN, &format!("{DESCRIBE}{trap}"));
    assert!(host().describe("guest", &bytes, &tight()).is_ok());
    assert!(matches!(host().load_bytes("guest", &bytes, &json!({}), &tight()), Err(LoadError::Start { .. })));
}

#[test]
fn what_is_told_is_what_loading_tells() {
    let bytes = verifier(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}"));
    let loaded = host().load_bytes("guest", &bytes, &json!({}), &tight()).expect("loads");
    let described = host().describe("guest", &bytes, &tight()).expect("describes itself");
    assert_eq!((described.kind, described.digest.as_str()), (loaded.kind(), loaded.digest()));
    assert_eq!((&described.description, &described.contract), (loaded.description(), &loaded.contract()));
    assert!(described.exports.iter().any(|export| export.starts_with("octo:plugin/verifier@")), "{described:?}");
    assert!(described.imports.iter().any(|import| import.starts_with("octo:plugin/log@")), "{described:?}");
}

#[test]
fn limits_hold_while_a_plugin_describes_itself() {
    let spin =
        r#"(func (export "octo:plugin/plugin@0.1.0#describe") (result i32) (loop $again (br $again)) unreachable)"#;
    let bytes = verifier(&PLAIN, &format!("{spin}{CONFIGURE}"));
    match host().describe("guest", &bytes, &tight()) {
        Err(LoadError::Start { failure, .. }) => assert_eq!(failure.kind, FailureKind::Fuel),
        other => panic!("{other:?}"),
    }
    let none = Limits { fuel_per_item: 0, ..Limits::default() };
    assert!(matches!(host().describe("guest", &bytes, &none), Err(LoadError::Limits { .. })));
    assert!(matches!(host().describe("guest", b"text", &tight()), Err(LoadError::NotAPlugin { .. })));
}

#[test]
fn metadata_changes_the_digest_and_nothing_that_runs() {
    let body = r#"(func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32) (i32.const 0))"#;
    let plain = guest("verifier-plugin", body);
    let mut named = plain.clone();
    let metadata = Metadata { license: Some("MIT".to_owned()), authors: Some("Ada".to_owned()), ..Metadata::default() };
    metadata.append_to(&mut named);
    let tell = |bytes: &[u8]| host().describe("guest", bytes, &tight()).expect("describes itself");
    assert_eq!((tell(&plain).metadata, tell(&named).metadata), (Metadata::default(), metadata));
    assert_eq!(tell(&plain).description, tell(&named).description);
    assert_ne!(tell(&plain).digest, tell(&named).digest);
}
