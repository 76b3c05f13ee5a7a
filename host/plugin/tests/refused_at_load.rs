//! What is not a plugin is refused in one line that says what it is and what to do, and the host keeps serving.

mod guests;

use guests::{
    CLASSIFY, CONFIGURE, DESCRIBE, Identity, PLAIN, attempts, guest_of, importing, load, obedient_verifier, tight,
};
use octo_plugin::{FailureKind, Limits, LoadError};
use proptest::prelude::*;

const VERIFY: &str =
    r#"(func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32) (i32.const 0))"#;

/// The message of a refusal, which has all of `words`; and the host still serves.
fn refused(bytes: &[u8], words: &[&str]) -> LoadError {
    let host = guests::host();
    let error = match load(&host, bytes, &tight()) {
        Ok(_) => panic!("loaded; expected {words:?}"),
        Err(error) => error,
    };
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message:?}");
    }
    assert!(!message.contains(char::is_control), "more than a line: {message:?}");
    assert!(message.len() < 1500, "{} bytes of message", message.len());
    assert!(guests::verifier(&host, &tight()).verify(&attempts(&["c"]))[0].is_ok(), "the host still serves");
    error
}

#[test]
fn files_that_are_not_components_are_distinguished() {
    refused(b"", &["guest", "empty", "build or copy"]);
    refused(b"{\"not\": \"wasm\"}", &["not WebAssembly", "plugin build"]);
    refused(b"\0asm", &["version"]);
    refused(b"\0asm\x01\0\0\0", &["core WebAssembly module", "plugin build"]);
    refused(b"\0asm\x02\0\0\0", &["version"]);
    refused(b"\x7fELF\x02\x01\x01\0\0\0", &["machine code", ".wasm"]);
    refused(b"  (module)", &["text", "wasm-tools"]);
}

#[test]
fn a_component_of_another_world_is_refused_with_what_a_plugin_exports() {
    refused(b"\0asm\x0d\0\x01\0", &["another world", "exports nothing", "octo:plugin/verifier@0.3.0"]);
    let wit = "package other:thing@1.0.0; interface greet { hello: func() -> u32; } world greeter { export greet; }";
    let module = r#"(module (func (export "other:thing/greet@1.0.0#hello") (result i32) (i32.const 1)))"#;
    let bytes = guests::encode(wit, "greeter", module).expect("a component");
    refused(&bytes, &["another world", "other:thing/greet@1.0.0", "octo_sdk::export!"]);
}

#[test]
fn a_contract_from_the_future_is_refused_with_both_versions_and_the_fix() {
    let module = guests::module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}")).replace("0.1.0", "9.2.0");
    let bytes = guests::encode(&guests::contract("9.2.0"), "verifier-plugin", &module).expect("a component");
    let error = refused(
        &bytes,
        &[
            "octo:plugin@9.2.0",
            "versions 0.1.0, 0.2.0 and 0.3.0",
            "update octo-host, or build the plugin with octo-sdk 0.3.0",
        ],
    );
    assert!(matches!(error, LoadError::Contract { .. }));
}

#[test]
fn a_contract_of_the_past_is_refused_with_another_fix() {
    let module = guests::module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}")).replace("0.1.0", "0.0.9");
    let bytes = guests::encode(&guests::contract("0.0.9"), "verifier-plugin", &module).expect("a component");
    refused(
        &bytes,
        &["octo:plugin@0.0.9", "versions 0.1.0, 0.2.0 and 0.3.0", "build the plugin again with octo-sdk 0.3.0"],
    );
}

#[test]
fn imports_that_no_plugin_may_have_are_listed() {
    let wit = format!(
        "{} interface clock {{ now: func() -> u64; }} world timed {{ import log; import clock; export plugin; export verifier; }}",
        guests::contract("0.1.0")
    );
    let clock = r#"(import "octo:plugin/clock@0.1.0" "now" (func $now (result i64)))"#;
    let module = importing(&guests::module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}")), clock);
    let bytes = guests::encode(&wit, "timed", &module).expect("a component");
    let error = refused(&bytes, &["octo:plugin/clock@0.1.0", "verifier plugin may not have", "octo:plugin/log@0.1.0"]);
    assert!(matches!(error, LoadError::Imports { .. }));
}

#[test]
fn only_filters_may_ask_for_classifiers() {
    let wit = format!(
        "{} world nosy {{ import log; import classifier; export plugin; export verifier; }}",
        guests::contract("0.1.0")
    );
    let module = importing(&guests::module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}")), CLASSIFY);
    let bytes = guests::encode(&wit, "nosy", &module).expect("a component");
    refused(&bytes, &["octo:plugin/classifier@0.1.0", "verifier"]);
}

#[test]
fn a_verifier_whose_types_are_not_the_contracts_is_refused() {
    let wit = guests::contract("0.1.0").replace(
        "verify: func(attempts: list<attempt>) -> result<list<verdict>, plugin-error>",
        "verify: func(attempts: list<attempt>) -> u32",
    );
    let bytes =
        guests::encode(&wit, "verifier-plugin", &guests::module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}")))
            .expect("a component");
    let error = refused(&bytes, &["SDK"]);
    assert!(matches!(error, LoadError::Invalid { .. }), "{error}");
}

#[test]
fn two_kinds_in_one_component_are_refused() {
    let wit = format!(
        "{} world both {{ import log; export plugin; export verifier; export data-filter; }}",
        guests::contract("0.1.0")
    );
    let filter = r#"(func (export "octo:plugin/data-filter@0.1.0#filter") (param i32 i32) (result i32) (i32.const 0))"#;
    let module = guests::module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}{filter}"));
    refused(&guests::encode(&wit, "both", &module).expect("a component"), &["verifier and filter"]);
}

#[test]
fn descriptions_that_forge_or_lie_are_refused() {
    let described =
        |identity: Identity| guest_of("verifier-plugin", &identity, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}"));
    refused(&described(Identity { name: "a\n\u{1b}[2Jb", ..PLAIN }), &["name", "a [2Jb"]);
    refused(&described(Identity { version: "newest", ..PLAIN }), &["version", "newest"]);
    refused(&described(Identity { schema: "{", ..PLAIN }), &["schema", "JSON"]);
    refused(&described(Identity { schema: r#"{"type": "nonsense"}"#, ..PLAIN }), &["schema"]);
    refused(&described(Identity { schema: r#"{"$ref": "file:///etc/passwd"}"#, ..PLAIN }), &["schema"]);
}

#[test]
fn guests_that_misbehave_before_the_first_item_are_refused() {
    let spin = "(loop $again (br $again)) unreachable)";
    let describe = format!(r#"(func $d (export "octo:plugin/plugin@0.1.0#describe") (result i32) {spin}"#);
    let error = refused(
        &guest_of("verifier-plugin", &PLAIN, &format!("{describe}{CONFIGURE}{VERIFY}")),
        &["describing itself"],
    );
    assert!(matches!(&error, LoadError::Start { failure, .. } if failure.kind == FailureKind::Fuel), "{error}");

    let configure =
        format!(r#"(func (export "octo:plugin/plugin@0.1.0#configure") (param i32 i32) (result i32) {spin}"#);
    refused(
        &guest_of("verifier-plugin", &PLAIN, &format!("{DESCRIBE}{configure}{VERIFY}")),
        &["being configured", "fuel"],
    );

    let start = format!("(func $s {spin} (start $s)");
    refused(
        &guest_of("verifier-plugin", &PLAIN, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}{start}")),
        &["starting", "fuel"],
    );

    let oversized =
        DESCRIBE.replace("(i32.const 64)", "(i32.store (i32.const 68) (i32.const 0x7fffffff)) (i32.const 64)");
    refused(
        &guest_of("verifier-plugin", &PLAIN, &format!("{oversized}{CONFIGURE}{VERIFY}")),
        &["describing itself", "bounds"],
    );
}

#[test]
fn a_component_that_starts_over_its_limits_is_refused_as_such() {
    let functions = format!("{DESCRIBE}{CONFIGURE}{VERIFY}");
    let large = guests::module(&PLAIN, &functions)
        .replace("(memory (export \"memory\") 4)", "(memory (export \"memory\") 1000)");
    let bytes = guests::encode(&guests::contract("0.1.0"), "verifier-plugin", &large).expect("a component");
    let error = refused(&bytes, &["starting", "memory_bytes"]);
    assert!(matches!(&error, LoadError::Start { failure, .. } if failure.kind == FailureKind::Memory), "{error}");

    let table = guest_of("verifier-plugin", &PLAIN, &format!("{functions} (table 50000 funcref)"));
    refused(&table, &["starting", "table_elements"]);

    let limits = Limits { instances: 1, ..tight() };
    let message =
        load(&guests::host(), &obedient_verifier(), &limits).map(|_| ()).expect_err("three instances").to_string();
    assert!(message.contains("starting") && message.contains("the limit `instances` is 1"), "{message}");
}

#[test]
fn a_config_is_checked_against_the_schema_in_the_schemas_words() {
    let schema = r#"{"type": "object", "additionalProperties": false,
        "properties": {"tolerance": {"type": "number", "description": "Largest relative difference."}}}"#;
    let bytes = guest_of("verifier-plugin", &Identity { schema, ..PLAIN }, &format!("{DESCRIBE}{CONFIGURE}{VERIFY}"));
    let host = guests::host();
    let load =
        |config| host.load_bytes("guest", &bytes, &config, &tight()).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(load(serde_json::json!({"tolerance": 0.1})), Ok(()));
    let message = load(serde_json::json!({"tolerance": "small"})).expect_err("not a number");
    assert!(
        message.contains("config of plugin guest: key `tolerance`") && message.contains("Largest relative"),
        "{message}"
    );
    let message = load(serde_json::json!({"tolerence": 0.1})).expect_err("misspelt");
    assert!(message.contains("did you mean `tolerance`?"), "{message}");
}

#[test]
fn limits_out_of_range_are_refused_before_anything_runs() {
    let host = guests::host();
    let limits = Limits { stack_bytes: 1 << 30, ..tight() };
    let message = load(&host, &obedient_verifier(), &limits).map(|_| ()).expect_err("refused").to_string();
    assert!(message.contains("stack_bytes"), "{message}");
}

#[test]
fn a_plugin_of_another_kind_is_named_with_both_kinds() {
    let message = match load(&guests::host(), &obedient_verifier(), &tight()).expect("loads").into_reward() {
        Ok(_) => panic!("a verifier is not a reward function"),
        Err(error) => error.to_string(),
    };
    assert!(message.contains("is a verifier plugin, and a reward plugin is needed"), "{message}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let path = std::path::Path::new("no/such/plugin.wasm");
    let message =
        guests::host().load(path, &serde_json::json!({}), &tight()).map(|_| ()).expect_err("absent").to_string();
    assert!(message.contains("no/such/plugin.wasm"), "{message}");
    let folder = guests::host().load(std::path::Path::new("tests"), &serde_json::json!({}), &tight());
    let message = folder.map(|_| ()).expect_err("a folder").to_string();
    assert!(message.contains("tests: not a file"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damaged components are refused, or load and are still bounded; they never take the host down.
    #[test]
    fn damaged_components_never_panic(cut in 0usize..4000, flips in prop::collection::vec((0usize..4000, any::<u8>()), 1..4)) {
        let whole = obedient_verifier();
        let host = guests::host();
        prop_assert!(load(&host, &whole[..cut % whole.len()], &tight()).is_err());
        let mut damaged = whole.clone();
        for (at, value) in flips {
            let at = at % damaged.len();
            damaged[at] ^= value;
        }
        if let Ok(plugin) = load(&host, &damaged, &tight()) {
            let answers = plugin.into_verifier().expect("its kind is in its exports").verify(&attempts(&["c", "u"]));
            prop_assert_eq!(answers.len(), 2);
        }
    }
}
