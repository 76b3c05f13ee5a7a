//! A plugin can be inspected without a config, and nothing else about loading changes for it.

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
fn a_plugin_whose_config_has_required_keys_is_inspected_without_one() {
    let schema = r#"{"type": "object", "properties": {"stairs": {"type": "array"}}, "required": ["stairs"]}"#;
    let bytes = verifier(&Identity { schema, ..PLAIN }, &format!("{DESCRIBE}{CONFIGURE}"));
    assert!(matches!(host().load_bytes("guest", &bytes, &json!({}), &tight()), Err(LoadError::Config { .. })));
    let inspected = host().inspect("guest", &bytes, &tight()).expect("describes itself");
    assert_eq!((inspected.kind, inspected.description.name.as_str()), (Kind::Verifier, "guest"));
    assert_eq!(inspected.description.config_schema["required"], json!(["stairs"]));
    assert_eq!(inspected.bytes, bytes.len() as u64);
}

#[test]
fn inspecting_does_not_configure() {
    let trap = r#"(func (export "octo:plugin/plugin@0.1.0#configure") (param i32 i32) (result i32) unreachable)"#;
    let bytes = verifier(&PLAIN, &format!("{DESCRIBE}{trap}"));
    assert!(host().inspect("guest", &bytes, &tight()).is_ok());
    assert!(matches!(host().load_bytes("guest", &bytes, &json!({}), &tight()), Err(LoadError::Start { .. })));
}

#[test]
fn what_inspecting_shows_is_what_loading_shows() {
    let bytes = verifier(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}"));
    let loaded = host().load_bytes("guest", &bytes, &json!({}), &tight()).expect("loads");
    let inspected = host().inspect("guest", &bytes, &tight()).expect("describes itself");
    assert_eq!((inspected.kind, inspected.digest.as_str()), (loaded.kind(), loaded.digest()));
    assert_eq!((&inspected.description, &inspected.contract), (loaded.description(), &loaded.contract()));
    assert!(inspected.exports.iter().any(|export| export.starts_with("octo:plugin/verifier@")), "{inspected:?}");
    assert!(inspected.imports.iter().any(|import| import.starts_with("octo:plugin/log@")), "{inspected:?}");
}

#[test]
fn limits_hold_while_a_plugin_describes_itself() {
    let spin =
        r#"(func (export "octo:plugin/plugin@0.1.0#describe") (result i32) (loop $again (br $again)) unreachable)"#;
    let bytes = verifier(&PLAIN, &format!("{spin}{CONFIGURE}"));
    match host().inspect("guest", &bytes, &tight()) {
        Err(LoadError::Start { failure, .. }) => assert_eq!(failure.kind, FailureKind::Fuel),
        other => panic!("{other:?}"),
    }
    let none = Limits { fuel_per_item: 0, ..Limits::default() };
    assert!(matches!(host().inspect("guest", &bytes, &none), Err(LoadError::Limits { .. })));
    assert!(matches!(host().inspect("guest", b"text", &tight()), Err(LoadError::NotAPlugin { .. })));
}

#[test]
fn metadata_changes_the_digest_and_nothing_that_runs() {
    let body = r#"(func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32) (i32.const 0))"#;
    let plain = guest("verifier-plugin", body);
    let mut named = plain.clone();
    let metadata = Metadata { license: Some("MIT".to_owned()), authors: Some("Ada".to_owned()), ..Metadata::default() };
    metadata.append_to(&mut named);
    let inspected = |bytes: &[u8]| host().inspect("guest", bytes, &tight()).expect("describes itself");
    assert_eq!((inspected(&plain).metadata, inspected(&named).metadata), (Metadata::default(), metadata));
    assert_eq!(inspected(&plain).description, inspected(&named).description);
    assert_ne!(inspected(&plain).digest, inspected(&named).digest);
}
