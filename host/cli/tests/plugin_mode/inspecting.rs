//! `octo-host plugin inspect`.

use octo_test_support::{Ended, assert_shown, octo_host};
use serde_json::{Value, json};

fn inspect(arguments: &[&str]) -> Ended {
    octo_host(&[&["plugin", "inspect"], arguments].concat()).run()
}

/// Its config has required keys, and none is given.
#[test]
fn a_plugin_is_shown_whole_without_a_config() {
    assert_shown!(inspect(&["schedule_staircase"]));
}

#[test]
fn json_has_all_that_the_text_has() {
    let ended = inspect(&["verifier_math", "--json", "--limits", r#"{"fuel_per_item": 5}"#]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let shown: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let keys: Vec<&str> = shown.as_object().expect("an object").keys().map(String::as_str).collect();
    for key in [
        "name",
        "version",
        "summary",
        "kind",
        "contract",
        "digest",
        "bytes",
        "license",
        "authors",
        "description",
        "repository",
        "imports",
        "exports",
        "config_schema",
        "limits",
        "default_limits",
    ] {
        assert!(keys.contains(&key), "no {key} in {keys:?}");
    }
    assert_eq!((&shown["kind"], &shown["name"]), (&json!("verifier"), &json!("verifier_math")));
    assert_eq!((&shown["license"], &shown["authors"]), (&json!("Apache-2.0"), &json!("The Octo authors")));
    assert_eq!((&shown["limits"]["fuel_per_item"], &shown["limits"]["batch_items"]), (&json!(5), &json!(64)));
    assert!(shown["default_limits"]["fuel_per_item"].as_u64() > Some(5), "{}", ended.stdout);
    let names = |key: &str| shown[key].to_string();
    assert!(names("exports").contains("octo:plugin/verifier@0.3.0"), "{}", ended.stdout);
    assert!(!names("imports").contains("wasi"), "{}", ended.stdout);

    let text = inspect(&["verifier_math"]).stdout;
    for key in shown["config_schema"]["properties"].as_object().expect("a schema").keys() {
        assert!(text.lines().any(|line| line.starts_with(key.as_str())), "no row for {key}: {text}");
    }
}

#[test]
fn limits_that_are_given_are_shown_beside_the_defaults() {
    let ended = inspect(&["mixture_static", "--limits", r#"{"fuel_per_item": 5000000000}"#]);
    let row = ended.stdout.lines().find(|line| line.contains("fuel_per_item")).expect("a row");
    let row = row.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(row.starts_with("fuel_per_item 5,000,000,000 (default "), "{row}");
    assert_shown!(inspect(&["mixture_static", "--limits", r#"{"fuel": 1}"#]), @"
    exit 1
    --- stderr
    error: --limits doesn't describe limits
      because: unknown field `fuel`, expected one of `fuel_per_item`, `deadline_ms`, `memory_bytes`, `table_elements`, `instances`, `stack_bytes`, `handles`, `hostcall_bytes`, `log_bytes`, `log_lines`, `returned_string_bytes`, `returned_list_items`, `compile_seconds`, `compile_memory_bytes`, `wasi`, `batch_items`
    ");
}

#[test]
fn a_config_is_checked_where_one_is_given() {
    let given = |config: &str| inspect(&["schedule_staircase", "--config", config]);
    assert_eq!(given(r#"{"stairs": [{"step": 0, "tokens": 32}]}"#).code, Some(0));
    assert_shown!(given(r#"{"stars": []}"#), @"
    exit 1
    --- stderr
    error: config of plugin schedule_staircase: unknown key `stars`; did you mean `stairs`?; key `stairs` is missing (The stairs, by rising step. The first starts at step 0.)
    ");
}
