//! Files, pipes and what can be wrong with them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use crate::assert_shown;
use crate::octo_host::plugin;

const ATTEMPT: &str = r#"{"response": "\\boxed{1}", "reference": "1"}"#;

/// Attempts that compress badly, so that a cut file holds some whole lines.
fn attempts(count: u32) -> String {
    let noise = |number: u32| number.wrapping_mul(2_654_435_761);
    (0..count)
        .map(|number| {
            let (one, other) = (noise(number), noise(number ^ 0x5555_5555));
            format!("{{\"response\": \"{one:08x}{other:08x} \\\\boxed{{1}}\", \"reference\": \"1\"}}\n")
        })
        .collect()
}

#[test]
fn a_compressed_file_reads_like_a_plain_one() {
    let folder = tempfile::tempdir().expect("folder");
    let (plain, packed) = (folder.path().join("a.jsonl"), folder.path().join("a.jsonl.zst"));
    let text = attempts(300);
    std::fs::write(&plain, &text).expect("written");
    std::fs::write(&packed, zstd::encode_all(text.as_bytes(), 3).expect("packed")).expect("written");
    let of_plain = plugin("verifier_math", &[plain.to_str().expect("UTF-8")]).run();
    let of_packed = plugin("verifier_math", &[packed.to_str().expect("UTF-8")]).run();
    let of_stdin = plugin("verifier_math", &["-"]).stdin(text).run();
    assert_eq!(of_plain.stdout.lines().count(), 300);
    assert_eq!(of_plain.stdout, of_packed.stdout);
    assert_eq!(of_plain.stdout, of_stdin.stdout);
}

#[test]
fn a_compressed_file_that_is_cut_short_is_a_failure_behind_its_whole_lines() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("cut.jsonl.zst");
    // More than one block of zstd (128 KiB), cut in the middle.
    let packed = zstd::encode_all(attempts(12_000).as_bytes(), 1).expect("packed");
    std::fs::write(&path, &packed[..packed.len() / 2]).expect("written");
    let ended = plugin("verifier_math", &[path.to_str().expect("UTF-8")]).run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let answered = ended.stdout.lines().count();
    assert!((1..12_000).contains(&answered), "{answered} answers");
    assert!(ended.stderr.contains("cut.jsonl.zst: is cut short"), "{}", ended.stderr);
}

#[test]
fn an_input_that_is_not_there_or_not_a_file_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let absent = folder.path().join("absent.jsonl");
    let ended = plugin("verifier_math", &[absent.to_str().expect("UTF-8")]).run();
    assert_shown!(ended);
    let ended = plugin("verifier_math", &[folder.path().to_str().expect("UTF-8")]).run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("is a folder"), "{}", ended.stderr);
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_octo-host"))
        .args(["--plugin", "verifier_math"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("octo-host starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // Never closed, and fed until nobody reads: as `yes | octo-host … | head -n 1`.
    let feeder = std::thread::spawn(move || while writeln!(stdin, "{ATTEMPT}").is_ok() {});
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut first = String::new();
    stdout.read_line(&mut first).expect("a line");
    drop(stdout);
    let code = child.wait().expect("ends").code();
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("UTF-8");
    feeder.join().expect("stopped");
    assert!(first.contains(r#""outcome":"correct""#), "{first}");
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}
