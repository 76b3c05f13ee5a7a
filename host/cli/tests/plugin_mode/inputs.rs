//! Files, pipes and what can be wrong with them.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use octo_test_support::{Workdir, assert_shown, plugin};

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
    let workdir = Workdir::new();
    let text = attempts(300);
    workdir.write("a.jsonl", &text);
    workdir.write("a.jsonl.zst", zstd::encode_all(text.as_bytes(), 3).expect("packed"));
    let of_plain = workdir.run(&["--plugin", "verifier_math", "a.jsonl"]);
    let of_packed = workdir.run(&["--plugin", "verifier_math", "a.jsonl.zst"]);
    let of_stdin = plugin("verifier_math", &["-"]).stdin(text).run();
    assert_eq!(of_plain.stdout.lines().count(), 300);
    assert_eq!(of_plain.stdout, of_packed.stdout);
    assert_eq!(of_plain.stdout, of_stdin.stdout);
}

#[test]
fn a_compressed_file_that_is_cut_short_is_a_failure_after_its_whole_lines() {
    let workdir = Workdir::new();
    // More than one block of zstd (128 KiB), cut in the middle.
    let packed = zstd::encode_all(attempts(12_000).as_bytes(), 1).expect("packed");
    workdir.write("cut.jsonl.zst", &packed[..packed.len() / 2]);
    let ended = workdir.run(&["--plugin", "verifier_math", "cut.jsonl.zst"]);
    let answered = ended.stdout.lines().count();
    assert!((1..12_000).contains(&answered), "{answered} answers");
    assert_shown!(ended.without_stdout(), @"
    exit 1
    --- stderr
    error: cut.jsonl.zst: is cut short after line 4228: its compressed data has no end. Write or copy it again
    ");
}

#[test]
fn an_input_that_is_not_there_or_not_a_file_is_named() {
    assert_shown!(plugin("verifier_math", &["absent.jsonl"]).run(), @"
    exit 1
    --- stderr
    error: cannot open absent.jsonl: No such file or directory (os error 2)
    ");
    assert_shown!(plugin("verifier_math", &["."]).run(), @"
    exit 1
    --- stderr
    error: .: is a folder; name the files in it
    ");
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    let workdir = Workdir::new();
    let mut child = workdir
        .command(&["--plugin", "verifier_math"])
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
