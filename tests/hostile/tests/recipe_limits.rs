//! A recipe sets every limit of a plugin: `limits = { ... }` of its role reaches the sandbox, and `octo-host run` says so
//! where a plugin meets it.

#[path = "../../../host/plugin/tests/guests/mod.rs"]
mod guests;

use std::collections::BTreeSet;

use guests::{DESCRIBE, PLAIN, bomb, contract, encode, importing, module};
use octo_plugin::Limits;
use octo_test_support::{Ended, Workdir};
use serde_json::{Value, json};

/// A filter stage with one plugin, over one document.
struct Filtered {
    workdir: Workdir,
    ended: Ended,
}

/// Runs it. `plugin` is a role's entry as TOML, less its limits.
fn filtered(plugin: &str, limits: &str, document: &str) -> Filtered {
    let workdir = Workdir::new();
    let line = json!({"id": "it", "text": document}).to_string();
    workdir.write("documents.jsonl", (line + "\n").repeat(3));
    workdir.write(
        "r.toml",
        format!(
            "name = \"limited\"\n[plugins]\nit = {{ {plugin}, limits = {{ {limits} }} }}\n\
             [stages.web]\nkind = \"curate\"\ninputs = [\"documents.jsonl\"]\nfilters = [\"it\"]\n"
        ),
    );
    let ended = workdir.call(&["run", "r.toml"]).env("OCTO_LOG", "octo_plugin::guest=debug").run();
    Filtered { workdir, ended }
}

impl Filtered {
    /// The failures of the documents, from the cases of the run.
    fn failures(self) -> (Workdir, Vec<String>) {
        let Filtered { workdir, ended } = self;
        ended.exits_with(0);
        let folder = workdir.path("runs/limited/stages/web/failures");
        let cases = std::fs::read_dir(folder).expect("failed items").map(|entry| entry.expect("a case").path());
        let failures = cases.map(|path| {
            let case: Value = serde_json::from_slice(&std::fs::read(path).expect("a case")).expect("JSON");
            format!("{}: {}", case["failure"]["kind"].as_str().expect("a kind"), case["failure"]["message"])
        });
        let failures = failures.collect();
        (workdir, failures)
    }
}

/// Where the plugin meets a limit.
enum Meets {
    /// On every document; the failure has these words.
    AtWork(&'static str),
    /// Before the first; the run ends with these words.
    AtLoad(&'static str),
    /// In its log, which has the first text and not the second.
    InItsLog(&'static str, &'static str),
    /// By a test of its own.
    Elsewhere,
}

use Meets::{AtLoad, AtWork, Elsewhere, InItsLog};

/// Limit, a recipe's limits, the hostile filter's config, the document, and how it shows.
const TABLE: [(&str, &str, &str, &str, Meets); 16] = [
    ("fuel_per_item", "fuel_per_item = 1234567", "", "SPIN", AtWork("`fuel_per_item` is 1234567")),
    (
        "deadline_ms",
        "deadline_ms = 123, fuel_per_item = 9000000000000000000",
        "",
        "SPIN",
        AtWork("still running after 123 ms (`deadline_ms`)"),
    ),
    ("memory_bytes", "memory_bytes = 7654321", "", "EAT", AtWork("the limit `memory_bytes` is 7654321")),
    ("table_elements", "table_elements = 1", "", "", AtLoad("the limit `table_elements` is 1")),
    ("instances", "instances = 2", "", "", AtLoad("(the limit `instances` is 2)")),
    ("stack_bytes", "", "", "", Elsewhere),
    ("handles", "", "", "", Elsewhere),
    (
        "hostcall_bytes",
        "hostcall_bytes = 54321",
        "mode = \"huge-text\", bytes = 100000",
        "DROP",
        AtWork("more than 54321 bytes at once (`hostcall_bytes`)"),
    ),
    ("log_bytes", "log_bytes = 40", "mode = \"log-flood\"", "", InItsLog("line 1 of a flood", "line 3 of a flood")),
    ("log_lines", "log_lines = 2", "mode = \"log-flood\"", "", InItsLog("line 1 of a flood", "line 3 of a flood")),
    ("returned_string_bytes", "returned_string_bytes = 3", "", "NOTE", AtWork("`returned_string_bytes` is 3")),
    (
        "returned_list_items",
        "returned_list_items = 1",
        "mode = \"repeated-names\"",
        "NOTE",
        AtWork("`returned_list_items` is 1"),
    ),
    ("compile_seconds", "", "", "", Elsewhere),
    ("compile_memory_bytes", "", "", "", Elsewhere),
    ("wasi", "", "", "", Elsewhere),
    ("batch_items", "", "", "", Elsewhere),
];

#[test]
fn every_limit_of_a_recipe_reaches_the_sandbox() {
    let Value::Object(all) = serde_json::to_value(Limits::default()).expect("limits") else { panic!("no object") };
    let here: BTreeSet<&str> = TABLE.iter().map(|row| row.0).collect();
    assert_eq!(here, all.keys().map(String::as_str).collect(), "a limit that no recipe is tried with");
    for (limit, limits, config, document, meets) in TABLE {
        let plugin = format!("plugin = \"hostile_filter\", config = {{ {config} }}");
        match meets {
            Elsewhere => {}
            AtWork(words) => {
                let (_bench, failures) = filtered(&plugin, limits, document).failures();
                assert!(failures.iter().all(|failure| failure.contains(words)), "{limit}: {failures:?}");
                assert!(!failures.is_empty(), "{limit}");
            }
            AtLoad(words) => {
                let ended = filtered(&plugin, limits, document).ended.exits_with(1).stderr_has("plugin role \"it\"");
                drop(ended.stderr_has(words));
            }
            InItsLog(there, not_there) => {
                let ended = filtered(&plugin, limits, document)
                    .ended
                    .exits_with(0)
                    .stderr_has("log limit reached")
                    .stderr_has(there);
                assert!(!ended.stderr.contains(not_there), "{limit}: {}", ended.stderr);
            }
        }
    }
}

/// A stack's end has no figure in its message; where it comes, the fuel shows it.
#[test]
fn the_stack_is_as_deep_as_the_recipe_says() {
    let plugin = "plugin = \"hostile_filter\", config = { mode = \"stack-overflow\" }";
    let used = |bytes: u64| {
        let (workdir, failures) = filtered(plugin, &format!("stack_bytes = {bytes}"), "").failures();
        assert!(failures[0].starts_with("trap: \"call stack exhausted"), "{failures:?}");
        let folder = workdir.path("runs/limited/stages/web/failures");
        let case = std::fs::read_dir(folder).expect("cases").next().expect("a case").expect("a case").path();
        let ended = workdir.run(&["plugin", "replay", &case.display().to_string()]).exits_with(0);
        let fuel = ended.stdout.lines().find_map(|line| line.strip_prefix("fuel ")).expect("a line of fuel");
        let (used, _) = fuel.trim().split_once(" of ").expect("used of given");
        used.replace(',', "").parse::<u64>().expect("a number")
    };
    let (shallow, deep) = (used(65_536), used(1_048_576));
    assert!(deep > 8 * shallow, "a stack of 16 times the size took {deep} units of fuel, and {shallow}");
}

#[test]
fn the_handles_of_a_recipe_are_counted() {
    let wit = format!(
        "{} interface hoard {{ resource thing; make: func() -> thing; }}
         world hoarder {{ import log; export plugin; export data-filter; export hoard; }}",
        contract("0.1.0")
    );
    let functions = r#"
  (func (export "octo:plugin/plugin@0.1.0#configure") (param i32 i32) (result i32)
    (loop $again (drop (call $new (i32.const 1))) (br $again)) (i32.const 0))
  (func (export "octo:plugin/data-filter@0.1.0#filter") (param i32 i32) (result i32) (i32.const 0))
  (func (export "octo:plugin/hoard@0.1.0#make") (result i32) (call $new (i32.const 1)))"#;
    let new =
        r#"(import "[export]octo:plugin/hoard@0.1.0" "[resource-new]thing" (func $new (param i32) (result i32)))"#;
    let text = importing(&module(&PLAIN, &format!("{DESCRIBE}{functions}")), new);
    let component = encode(&wit, "hoarder", &text).expect("a component");
    let folder = Workdir::new();
    let path = folder.write("hoarder.wasm", component);
    let ended = filtered(&format!("plugin = {:?}", path.display().to_string()), "handles = 77", "").ended.exits_with(1);
    drop(ended.stderr_has("made more than 77 component handles (`handles`)"));
}

#[test]
fn the_limits_on_compiling_and_the_permission_for_wasi_are_the_recipes() {
    let folder = Workdir::new();
    // A verifier where a filter belongs is refused too, but only once it has loaded.
    let refused = |component: &[u8], limits: &str, words: &str| {
        let path = folder.write("guest.wasm", component);
        let ended = filtered(&format!("plugin = {:?}", path.display().to_string()), limits, "").ended.exits_with(1);
        ended.stderr_has(words).stderr
    };
    refused(&bomb(40, 1500), "compile_seconds = 1", "takes more than 1 s to compile (`compile_seconds`)");
    refused(&bomb(8, 20_000), "compile_memory_bytes = 268435456", "`compile_memory_bytes`");
    let clock = wat::parse_str(
        r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)) (instance $none)
             (export "octo:plugin/data-filter@0.3.0" (instance $none)))"#,
    )
    .expect("a component");
    refused(&clock, "wasi = false", "needs `wasi = true` among its limits");
    // It is still not a plugin, but the clock is not what is wrong with it.
    let ended = refused(&clock, "wasi = true", "plugin role \"it\"");
    assert!(!ended.contains("asks for wasi"), "{ended}");
}

#[test]
fn the_batch_of_a_recipe_is_what_a_plugin_is_handed_at_once() {
    let annotated = |batch: u64| {
        let plugin = "plugin = \"hostile_filter\", config = { mode = \"count\" }";
        let Filtered { workdir, ended } = filtered(plugin, &format!("batch_items = {batch}"), "fine");
        ended.exits_with(0);
        let kept = std::fs::File::open(workdir.path("runs/limited/stages/web/kept.jsonl.zst")).expect("kept documents");
        let kept = std::io::read_to_string(zstd::Decoder::new(kept).expect("zstd")).expect("text");
        let of_line = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["fields"]["index"].clone();
        kept.lines().map(of_line).collect::<Vec<_>>()
    };
    assert_eq!(annotated(64), ["0", "1", "2"]);
    assert_eq!(annotated(2), ["0", "1", "0"]);
}
