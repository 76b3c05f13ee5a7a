//! What octo-host does not run, and how it says so.

use std::path::Path;

use crate::assert_shown;
use crate::octo_host::{octo_host, plugin};

fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_file_that_is_no_plugin_is_refused_with_what_it_is() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, bytes, what) in [
        ("notes.wasm", &b"just some notes"[..], "not WebAssembly"),
        ("empty.wasm", b"", "an empty file"),
        ("core.wasm", b"\0asm\x01\0\0\0", "a core WebAssembly module, not a component"),
        ("other.wasm", b"\0asm\x0d\0\x01\0", "a component of another world"),
        ("cut.wasm", b"\0asm\x0d\0\x01\0\x07\xff", "damaged WebAssembly"),
    ] {
        let ended = octo_host(&["--plugin", &file(folder.path(), name, bytes)]).run();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains(what) && ended.stderr.lines().count() == 1, "{name}: {}", ended.stderr);
    }
}

#[test]
fn a_plugin_that_is_nowhere_is_reported_with_the_places() {
    let ended = octo_host(&["--plugin", "verifier_maths"]).run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("verifier_maths.wasm") && ended.stderr.contains("plugin build"), "{}", ended.stderr);
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        &[][..],
        &["responses.jsonl"],
        &["--plugin"],
        &["--plugin", "verifier_math", "--threads", "0"],
        &["--plugin", "verifier_math", "--map", "response"],
        &["--plugin", "verifier_math", "--verifier-config", "{}"],
        &["--plugin", "verifier_math", "--no-such-flag"],
        &["plugin"],
        &["plugin", "build"],
        &["run"],
    ] {
        let ended = octo_host(arguments).run();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("--help"), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn arguments_that_do_not_fit_the_plugin_are_explained() {
    for (arguments, what) in [
        (&["--config", "{not JSON"][..], "--config is not JSON"),
        (&["--config", "@/no/such/file"], "--config: could not read /no/such/file"),
        (&["--config", r#"{"no_such_key": 1}"#], "no_such_key"),
        (&["--limits", r#"{"fuel": 1}"#], "unknown field `fuel`"),
        (&["--limits", r#"{"fuel_per_item": 0}"#], "fuel_per_item"),
        (&["--map", "text=body"], "no use for `text`; it reads id, problem, response"),
        (&["--map", "response=a", "--map", "response=b"], "mapped twice"),
        (&["--verifier", "verifier_math"], "--verifier is for reward plugins; this is a verifier"),
    ] {
        let ended = plugin("verifier_math", arguments).run();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(what), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn the_short_help_names_every_flag() {
    assert_shown!(octo_host(&["-h"]).run());
}
