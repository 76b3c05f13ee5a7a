//! `--save-failures`, `plugin replay`, `--profile` and `plugin build --debug-info`.

use std::path::{Path, PathBuf};

use octo_test_support::{Ended, Workdir, assert_shown, octo_host, plugin, plugins_folder, repository};
use serde_json::{Value, json};

use crate::attempts::lines;

/// One item in a hundred that crashes, among good ones of the kind.
fn saved(name: &str, records: &[Value], folder: &Path) -> Vec<PathBuf> {
    let ended = plugin(name, &["--save-failures", path_text(folder)]).stdin(lines(records)).run();
    // 1 where the plugin fails on all of them.
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.stderr);
    let entries = std::fs::read_dir(folder).expect("the folder is made where something failed");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    cases
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

fn replay(case: &Path, arguments: &[&str]) -> Ended {
    octo_host(&[&["plugin", "replay", path_text(case)], arguments].concat()).run()
}

fn attempt(response: &str) -> Value {
    json!({"id": response, "response": response, "reference": "2"})
}

fn names(cases: &[PathBuf]) -> Vec<&str> {
    cases.iter().map(|case| case.file_name().and_then(|name| name.to_str()).expect("a name")).collect()
}

#[test]
fn a_failed_item_of_every_kind_is_saved_and_fails_alone_as_it_did() {
    let rollout = |group: u32, response: &str| json!({"response": response, "reference": "2", "verdict": "correct", "group": group});
    let step = |stage: &str| json!({"stage": stage, "sources": [{"name": "web"}, {"name": "books"}]});
    for (name, records, expected) in [
        (
            "hostile_plugin",
            vec![attempt("2"), attempt("BOOM"), attempt("REFUSE")],
            &["000002-verifier-trap.json", "000003-verifier-plugin-error.json"][..],
        ),
        // The group is one item: it is saved once.
        (
            "hostile_reward",
            vec![rollout(0, "2"), rollout(1, "2"), rollout(1, "BOOM"), rollout(2, "2")],
            &["000002-reward-trap.json"],
        ),
        ("hostile_filter", vec![json!({"text": "fine"}), json!({"text": "BOOM"})], &["000002-filter-trap.json"]),
        (
            "hostile_annotator",
            vec![json!({"text": "fine"}), json!({"text": "BOOM"}), json!({"text": "fine", "reply": "BOOM"})],
            &["000002-annotator-trap.json", "000003-annotator-trap.json"],
        ),
        ("hostile_mixture", vec![step("base"), step("BOOM"), step("base")], &["000002-mixture-trap.json"]),
        (
            "hostile_schedule",
            vec![step("BOOM"), step("rl"), step("BOOM")],
            &["000001-schedule-trap.json", "000003-schedule-trap.json"],
        ),
    ] {
        let workdir = Workdir::new();
        let cases = saved(name, &records, &workdir.path("cases"));
        assert_eq!(names(&cases), expected, "{name}");
        for case in &cases {
            let ended = replay(case, &[]);
            assert_eq!(ended.code, Some(0), "{name}: {}{}", ended.stdout, ended.stderr);
            assert!(ended.stdout.contains("the same as saved"), "{}", ended.stdout);
        }
    }
}

#[test]
fn two_rewards_that_fail_alike_on_a_line_are_two_cases() {
    let workdir = Workdir::new();
    let rollout = json!({"response": "BOOM", "reference": "2", "verdict": "correct", "group": 0});
    // The same plugin under another name.
    let other = workdir.path("other_reward.wasm");
    std::fs::copy(plugins_folder().join("hostile_reward.wasm"), &other).expect("copied");
    let weighted = format!("{}:0.5", path_text(&other));
    let twice = ["--plugin", &weighted, "--save-failures", path_text(workdir.folder())];
    let ended = plugin("hostile_reward", &twice).stdin(lines(&[rollout])).run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for name in ["000001-reward-trap.json", "000001-reward-trap-2.json"] {
        let ended = replay(&workdir.path(name), &[]);
        assert!(ended.stdout.contains("the same as saved"), "{name}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn a_replay_shows_verdict_log_fuel_and_place() {
    let workdir = Workdir::new();
    let cases = saved("hostile_plugin", &[attempt("2"), attempt("BOOM")], workdir.folder());
    assert_shown!(replay(&cases[0], &[]), @r#"
    exit 0
    --- stdout
    plugin    hostile_plugin 0.1.0, a verifier
    digest    sha256:[digest], the one that was saved
    item      attempt, response "BOOM"; line 2 (id "BOOM") of stdin
    result    trap: wasm `unreachable` instruction executed in [functions]: panicked at tests/hostile_behaviour/src/deeds.rs:[place]: an item asked to panic
              the same as saved
    fuel      [some] of [its limit]
    log       error  panicked at tests/hostile_behaviour/src/deeds.rs:[place]: an item asked to panic
    where     [functions]
              (no source lines: `octo-host plugin build --debug-info` builds a plugin that has them, for --plugin)
    "#);
}

#[test]
fn a_verifier_that_fails_on_a_rollout_is_a_case_of_the_verifier() {
    let workdir = Workdir::new();
    let ended =
        plugin("reward_outcome", &["--verifier", "hostile_plugin", "--save-failures", path_text(workdir.folder())])
            .stdin(lines(&[attempt("2"), attempt("BOOM")]))
            .run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let case = workdir.path("000002-verifier-trap.json");
    let ended = replay(&case, &[]);
    assert!(ended.code == Some(0) && ended.stdout.contains("hostile_plugin 0.1.0, a verifier"), "{}", ended.stdout);
}

#[test]
fn another_plugin_is_said_to_be_another_and_a_mended_one_exits_with_1() {
    let workdir = Workdir::new();
    let cases = saved("hostile_plugin", &[attempt("BOOM")], workdir.folder());
    assert_shown!(replay(&cases[0], &["--plugin", "verifier_math"]), @r#"
    exit 1
    --- stdout
    plugin    verifier_math 0.1.0, a verifier
    digest    sha256:[digest]
              ANOTHER PLUGIN than the one that was saved: sha256:[digest]
    item      attempt, response "BOOM"; line 1 (id "BOOM") of stdin
    result    incorrect "BOOM": whole response: no rule makes it equal to the reference
              different: it does not fail any more
    saved     trap: wasm `unreachable` instruction executed in [functions]: panicked at tests/hostile_behaviour/src/deeds.rs:[place]: an item asked to panic
    fuel      [some] of [its limit]
    log       nothing
    "#);
    assert_shown!(replay(&cases[0], &["--plugin", "hostile_filter"]), @"
    exit 1
    --- stderr
    error: plugin hostile_filter is a filter plugin, and a verifier plugin is needed here; name one in [plugins]
    ");
}

#[test]
fn failures_over_the_most_are_counted_and_not_saved() {
    let workdir = Workdir::new();
    let records: Vec<Value> = (0..120).map(|_| attempt("REFUSE")).collect();
    let ended =
        plugin("hostile_plugin", &["--save-failures", path_text(workdir.folder())]).stdin(lines(&records)).run();
    assert_eq!(std::fs::read_dir(workdir.folder()).expect("folder").count(), 100);
    assert_shown!(ended.without_stdout(), @"
    exit 1
    --- stderr
    100 failed items are saved in [folder]; the rest is not
    100 failed items are in [folder] (20 more are not); run one again with `octo-host plugin replay FILE`
    Verified 120 attempts in [time] ([rate]/s)
      correct              0    0.0%  95% interval 0.0% to 3.1%
      incorrect            0    0.0%
      no-answer            0    0.0%
      unparsable           0    0.0%
      failed             120  100.0%  plugin-error 120
    error: the plugin failed on all of 120 attempts; --save-failures keeps them
    ");
}

#[test]
fn nothing_is_written_where_nothing_fails() {
    let workdir = Workdir::new();
    let cases = workdir.path("cases");
    let ended = plugin("hostile_plugin", &["--save-failures", path_text(&cases)]).stdin(lines(&[attempt("2")])).run();
    assert!(ended.code == Some(0) && !cases.exists(), "{}", ended.stderr);
}

#[test]
fn a_file_that_is_not_a_case_is_refused_with_what_is_wrong() {
    let workdir = Workdir::new();
    let cases = saved("hostile_plugin", &[attempt("BOOM")], workdir.folder());
    let good: Value = serde_json::from_slice(&std::fs::read(&cases[0]).expect("a file")).expect("JSON");
    let with = |key: &str, value: Value| {
        let mut case = good.clone();
        case[key] = value;
        case
    };
    let refused = |case: Value| {
        let ended = replay(&workdir.write("bad.json", case.to_string()), &[]);
        assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
        ended
    };
    assert_shown!(refused(json!({"line": 1})), @"
    exit 1
    --- stderr
    error: [folder]/bad.json is not a case that this octo-host can read: it has no `format`; name a file that a run or --save-failures wrote
    ");
    assert_shown!(refused(with("surprise", json!("\u{1b}[31m"))), @"
    exit 1
    --- stderr
    error: [folder]/bad.json is not a case that this octo-host can read: unknown field `surprise`, expected one of `format`, `plugin`, `digest`, `contract`, `engine`, `config`, `limits`, `record`, `failure`, `origin` at line 1 column [some]
    ");
    assert_shown!(refused(with("format", json!(99))), @"
    exit 1
    --- stderr
    error: [folder]/bad.json is not a case that this octo-host can read: it has format 99, and this octo-host reads format 1; use the octo-host that saved it
    ");
    assert_shown!(refused(with("plugin", json!("/nowhere/\u{1b}[31mred\n.wasm"))), @"
    exit 1
    --- stderr
    error: the plugin of the case, /nowhere/[31mred .wasm, is not there any more; name it with --plugin
    ");
    assert_shown!(refused(with("limits", json!({"stack_bytes": 1u64 << 40}))), @"
    exit 1
    --- stderr
    error: plugin hostile_plugin: limit `stack_bytes` is 1099511627776; give a number from 65536 to 1048576
    ");
    assert_shown!(refused(with("config", json!({"mode": "shout"}))), @r#"
    exit 1
    --- stderr
    error: config of plugin hostile_plugin: key `mode`: "shout" is not possible; it takes "good", "count", "accept-all", "spin", "allocate", "panic", "unreachable", "stack-overflow", "refuse", "refuse-control-characters", "refuse-huge", "too-few", "too-many", "no-answers", "huge-list", "huge-text", "control-characters", "empty-text", "endless-texts", "not-a-number" (The kind of misbehaviour.)
    "#);
    assert_shown!(replay(Path::new("/no/such/case.json"), &[]), @"
    exit 1
    --- stderr
    error: could not read the case /no/such/case.json: No such file or directory (os error 2)
    ");
    assert_shown!(octo_host(&["plugin", "replay"]).run(), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <FILE>

    Usage: octo-host plugin replay <FILE>

    For more information, try '--help'.
    ");
    assert_shown!(octo_host(&["plugin", "replay", "a", "b"]).run(), @"
    exit 2
    --- stderr
    error: unexpected argument 'b' found

    Usage: octo-host plugin replay [OPTIONS] <FILE>

    For more information, try '--help'.
    ");
}

#[test]
fn a_profile_is_written_whole_and_its_samples_are_counted() {
    let workdir = Workdir::new();
    let cases = saved("hostile_plugin", &[attempt("SPIN")], &workdir.path("cases"));
    let (from_mode, from_replay) = (workdir.path("mode.json"), workdir.path("replay.json"));
    let spins = [attempt("2"), attempt("SPIN"), attempt("SPIN"), attempt("SPIN")];
    let mode = plugin("hostile_plugin", &["--profile", path_text(&from_mode)]).stdin(lines(&spins)).run();
    let replayed = replay(&cases[0], &["--profile", path_text(&from_replay)]);
    for (ended, path) in [(mode, from_mode), (replayed, from_replay)] {
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains(" samples in "), "{}", ended.stderr);
        let text = std::fs::read_to_string(path).expect("a profile");
        let profile: Value = serde_json::from_str(&text).expect("JSON");
        assert!(profile["threads"][0]["samples"]["length"].as_u64().is_some_and(|samples| samples > 0), "{profile}");
        assert!(text.contains("hostile_behaviour::deeds::read"), "the guest's names");
    }
    assert_eq!(std::fs::read_dir(workdir.folder()).expect("folder").count(), 3, "no temporary file is left");
    assert_shown!(plugin("hostile_plugin", &["--profile", "/proc/no/such/profile.json"]).run(), @"
    exit 1
    --- stderr
    error: cannot create the folder of /proc/no/such/profile.json: No such file or directory (os error 2)
    ");
    assert_shown!(plugin("hostile_plugin", &["--profile", "p.json", "--threads", "2"]).run(), @"
    exit 2
    --- stderr
    error: the argument '--profile <FILE>' cannot be used with '--threads <N>'

    Usage: octo-host --plugin <REF> [OPTIONS] [FILE]...
           octo-host <COMMAND>

    For more information, try '--help'.
    ");
}

/// Builds a plugin, which takes half a minute the first time.
#[test]
fn a_plugin_built_with_debug_info_has_source_lines_and_none_of_the_builders_paths() {
    let workdir = Workdir::new();
    let root = repository();
    let crate_folder = root.join("tests/hostile_plugin");
    let built =
        octo_host(&["plugin", "build", "--debug-info", path_text(&crate_folder), "--out", path_text(workdir.folder())])
            .guest_toolchain()
            .run();
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    let component = workdir.path("hostile_plugin.debug.wasm");
    let bytes = std::fs::read(&component).expect("beside the plugin, and not instead of it");
    let root = path_text(&root).as_bytes();
    assert!(!bytes.windows(root.len()).any(|window| window == root), "the bytes depend on where they were built");

    let cases = saved("hostile_plugin", &[attempt("BOOM")], &workdir.path("cases"));
    let ended = replay(&cases[0], &["--plugin", path_text(&component)]);
    assert!(ended.stdout.contains("where     tests/hostile_behaviour/src/deeds.rs:"), "{}", ended.stdout);
    assert!(ended.stdout.contains("tests/hostile_plugin/src/lib.rs:"), "{}", ended.stdout);
    assert!(ended.stdout.contains("ANOTHER PLUGIN"), "{}", ended.stdout);

    // Damage costs source lines, and neither the process nor the result.
    let damaged = workdir.path("damaged.wasm");
    for seed in 0..8 {
        std::fs::write(&damaged, with_damaged_debug_info(&bytes, seed)).expect("written");
        let ended = replay(&cases[0], &["--plugin", path_text(&damaged)]);
        assert_eq!(ended.code, Some(0), "seed {seed}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("the same as saved"), "seed {seed}: {}", ended.stdout);
    }

    // Nothing but a replay reads them.
    let judged = octo_host(&["--plugin", path_text(&component)]).stdin(lines(&[attempt("BOOM")])).run();
    let plain = octo_host(&["--plugin", path_text(&plugins_folder().join("hostile_plugin.wasm"))])
        .stdin(lines(&[attempt("BOOM")]))
        .run();
    assert_eq!(judged.stdout, plain.stdout);
}

/// The component with some thousandth of the bytes of its debug information changed.
fn with_damaged_debug_info(component: &[u8], seed: u32) -> Vec<u8> {
    let mut damaged = component.to_vec();
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut changed = 0;
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        let wasmparser::Payload::CustomSection(section) = payload.expect("a component") else { continue };
        if !section.name().starts_with(".debug_") {
            continue;
        }
        for _ in 0..section.data().len() / 1000 + 2 {
            let at = section.data_offset() + next() as usize % section.data().len();
            damaged[at] = next() as u8;
            changed += 1;
        }
    }
    assert!(changed > 100, "{changed} bytes");
    damaged
}
