//! `-v`, `-q`, and what is said without either.

use octo_test_support::{Ended, assert_shown, octo_host, plugin};
use serde_json::json;

const TWO_LINES: &str = "{\"response\": \"#### 7\", \"reference\": \"7\"}\n{\"response\": 5, \"reference\"\n";

fn verified(flags: &[&str]) -> Ended {
    plugin("verifier_math", flags).stdin(TWO_LINES).run()
}

/// The verifier of the hostile suite, over `items` good items.
fn misbehaving(mode: &str, items: usize, flags: &[&str]) -> Ended {
    let config = json!({"mode": mode, "at": "call"}).to_string();
    let items: String =
        (0..items).map(|item| format!("{{\"response\": \"{item}\", \"reference\": \"{item}\"}}\n")).collect();
    plugin("hostile_plugin", &[&["--config", &config, "--threads", "1"], flags].concat()).stdin(items).run()
}

#[test]
fn quiet_says_nothing_but_errors_and_gives_the_same_results() {
    let usual = verified(&[]).exits_with(1).stderr_has("stdin, line 2: ").stderr_has("Verified 1 attempts");
    for flag in ["-q", "--quiet"] {
        let quiet = verified(&[flag]).exits_with(1);
        let error = "error: 1 of 2 rows could not be read\n";
        assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), (usual.stdout.as_str(), error));
    }
    let before = octo_host(&["-q", "--plugin", "verifier_math"]).stdin(TWO_LINES).run();
    assert_eq!((before.stdout, before.stderr.as_str()), (usual.stdout, "error: 1 of 2 rows could not be read\n"));
    assert_shown!(verified(&["-q", "--strict"]).without_stdout(), @"
    exit 1
    --- stderr
    error: stopped at line 2 of stdin, because of --strict
    ");
}

#[test]
fn what_a_plugin_logs_is_shown_by_verbose() {
    let lines = |flags: &[&str]| {
        let ended = misbehaving("log-flood", 1, flags).exits_with(0);
        ended.stderr.lines().filter(|line| line.contains(" of a flood")).count()
    };
    assert_eq!((lines(&[]), lines(&["-v"]), lines(&["-vv"]), lines(&["--verbose"])), (0, 256, 256, 256));
    let before = octo_host(&["-v", "plugin", "inspect", "verifier_math"]).run().exits_with(0);
    assert_eq!(before.stdout, octo_host(&["plugin", "inspect", "verifier_math", "-q"]).run().exits_with(0).stdout);
}

#[test]
fn a_flag_is_stronger_than_the_variable() {
    let count = |flags: &[&str]| {
        let config = json!({"mode": "log-flood", "at": "call"}).to_string();
        let call = plugin("hostile_plugin", &[&["--config", &config], flags].concat());
        let ended = call.env("OCTO_LOG", "info").stdin("{\"response\": \"1\", \"reference\": \"1\"}\n").run();
        ended.stderr.lines().filter(|line| line.contains(" of a flood")).count()
    };
    assert_eq!((count(&[]), count(&["-q"])), (256, 0));
}

#[test]
fn verbose_and_quiet_together_are_refused() {
    assert_shown!(verified(&["-v", "-q"]), @"
    exit 2
    --- stderr
    error: the argument '--verbose...' cannot be used with '--quiet'

    Usage: octo-host --plugin <REF> [OPTIONS] [FILE]...
           octo-host <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn a_plugin_that_panics_on_every_item_says_so_three_times_and_is_then_counted() {
    let panics = |flags: &[&str]| {
        let ended = misbehaving("panic", 1000, flags);
        let lines: Vec<String> =
            ended.stderr.lines().filter(|line| line.contains("panicked")).map(str::to_owned).collect();
        (lines.len(), lines.last().cloned().unwrap_or_default())
    };
    let (lines, last) = panics(&[]);
    // Each of the 16 batches, and each of its items alone.
    assert_eq!(lines, 4, "three, and the count: {last}");
    assert!(last.starts_with("ERROR 1013 more lines like \"panicked at "), "{last}");
    assert!(last.ends_with("asked to panic\"; -v shows all plugin=hostile_plugin"), "{last}");
    assert_eq!(panics(&["-v"]).0, 1016);
}
