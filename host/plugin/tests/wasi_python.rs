//! A plugin in Python, built by `sdk/python/build.sh`, sees the same clock and random bytes in every run and nothing of
//! the machine, and misbehaves as harmlessly as any other. Runs where componentize-py is installed; the script says how.

#[path = "guests/built.rs"]
mod built;
mod guests;

use std::path::{Path, PathBuf};
use std::process::Command;

use guests::{attempts, kinds};
use octo_plugin::types::{Attempt, Outcome};
use octo_plugin::{FailureKind, Host, Limits, LoadError, Verifier};
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The exit code of the script where componentize-py is missing.
const MISSING: i32 = 3;

/// The component of a plugin in Python; none where it cannot be built here.
fn built_from(source: &str) -> Option<Vec<u8>> {
    let root = root();
    let name = Path::new(source).with_extension("wasm");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.file_name().expect("a name"));
    let built = Command::new(root.join("sdk/python/build.sh"))
        .arg(root.join(source))
        .arg(&out)
        .output()
        .expect("bash is there");
    let said = String::from_utf8_lossy(&built.stderr);
    if built.status.code() == Some(MISSING) {
        octo_test_support::skip(said.trim());
        return None;
    }
    assert!(built.status.success(), "{said}");
    Some(std::fs::read(&out).expect("the component"))
}

fn loaded(host: &Host, component: &[u8], wasi: bool, config: &Value) -> Result<Verifier, LoadError> {
    host.load_bytes("curious", component, config, &Limits { wasi, ..Limits::default() })?.into_verifier()
}

#[test]
fn a_python_plugin_is_locked_down_and_repeats_itself() {
    let Some(component) = built_from("tests/wasi_python/curious.py") else { return };
    let host = built::host();

    let refusal = loaded(&host, &component, false, &json!({})).err().expect("WASI was not allowed").to_string();
    assert!(refusal.contains("wasi:") && refusal.contains("`wasi = true`"), "{refusal}");
    let mistake = loaded(&host, &component, true, &json!({"strict": true})).err().expect("refused").to_string();
    assert!(mistake.contains("strict is not for this one"), "{mistake}");

    let verifier = || loaded(&host, &component, true, &json!({})).expect("loads");
    let seen = |response: &str| {
        let verdict = verifier().verify(&attempts(&[response])).remove(0).expect("judged");
        verdict.extracted.expect("what it saw")
    };
    let first = seen("look");
    let see: Value = serde_json::from_str(&first).expect("JSON");
    let nothing = json!("!FileNotFoundError");
    // 1 January 2025, however often it looks and however long it sleeps.
    let expected = json!({
        "wall": [1_735_689_600.0, 1_735_689_600.0],
        "monotonic": [0.0, 0.0],
        "slept": "0.0",
        "random": see["random"],
        "environment": {},
        "arguments": [],
        "input": "''",
        "folder": nothing,
        "here": nothing,
        "file": nothing,
        "written": nothing,
        "process": "!AttributeError",
    });
    assert_eq!(see, expected);
    assert_ne!(see["random"][0], json!("0".repeat(32)), "random bytes are not all zero");
    for _ in 0..2 {
        assert_eq!(seen("look"), first, "another instance sees something else");
    }
    let elsewhere = guests::host();
    let again = loaded(&elsewhere, &component, true, &json!({})).expect("loads").verify(&attempts(&["2", "look"]));
    assert_eq!(again[1].as_ref().expect("judged").extracted.as_deref(), Some(first.as_str()), "another host");

    let orders = ["2", "connect", "crash", "exit", "spin", "hoard", "refuse", "print", "3"];
    let answers = verifier().verify(&attempts(&orders));
    assert_eq!(
        kinds(&answers),
        [
            None,
            Some(FailureKind::Trap),
            Some(FailureKind::Trap),
            Some(FailureKind::Trap),
            Some(FailureKind::Fuel),
            Some(FailureKind::Memory),
            Some(FailureKind::PluginError),
            None,
            None
        ],
        "{answers:?}"
    );
    for (place, words) in [(1, "wasi:sockets"), (2, "ValueError: asked to crash"), (3, "exited with status")] {
        let failure = answers[place].as_ref().expect_err("checked above");
        assert!(failure.message.contains(words), "no {words:?} in {failure}");
    }
    let outcomes = [0, 8].map(|place| answers[place].as_ref().expect("checked above").outcome);
    assert_eq!(outcomes, [Outcome::Correct, Outcome::Incorrect]);
    assert_eq!(verifier().verify(&attempts(&orders)), answers, "failures repeat themselves too");
}

#[test]
fn the_plugin_that_the_guide_shows_is_the_one_that_is_built_and_judges() {
    let read = |name: &str| std::fs::read_to_string(root().join("sdk/python").join(name)).expect(name);
    let source = read("contains.py");
    assert!(
        read("README.md").contains(&format!("```python\n{source}```")),
        "sdk/python/README.md shows another plugin"
    );

    let Some(component) = built_from("sdk/python/contains.py") else { return };
    let host = built::host();
    let outcomes = |config: Value| {
        let verifier = loaded(&host, &component, true, &config).expect("loads");
        let answers = verifier.verify(&[attempt("so it is X2.", "x2"), attempt("3", "x2"), attempt("", "x2")]);
        answers
            .into_iter()
            .map(|answer| answer.map(|verdict| verdict.outcome).map_err(|failure| failure.kind))
            .collect::<Vec<_>>()
    };
    let (correct, wrong, refused) = (Ok(Outcome::Correct), Ok(Outcome::Incorrect), Err(FailureKind::PluginError));
    assert_eq!(outcomes(json!({})), [wrong, wrong, refused]);
    assert_eq!(outcomes(json!({"ignore_case": true})), [correct, wrong, refused]);
    assert!(loaded(&host, &component, true, &json!({"ignore_cases": true})).is_err(), "a key that is misspelt");
}

fn attempt(response: &str, reference: &str) -> Attempt {
    Attempt { references: vec![reference.to_owned()], ..guests::attempt(response) }
}
