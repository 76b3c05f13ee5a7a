//! `--out`: files that are whole or absent, and that resume to the same bytes.

use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};

use octo_data::digest;
use octo_test_support::{Ended, Workdir, assert_shown};
use serde_json::{Value, json};

use super::attempts::lines;
use super::stopping::send;

/// More than two chunks of attempts, some of them wrong.
fn attempts(count: usize) -> String {
    let row = |number: usize| {
        let response = format!("\\boxed{{{}}}", number % 7);
        json!({"id": format!("p{number}"), "response": response, "reference": "3", "level": number % 5})
    };
    lines(&(0..count).map(row).collect::<Vec<Value>>())
}

const CALL: [&str; 5] = ["--plugin", "verifier_math", "--join", "verdict", "--out"];

/// Starts judging a pipe of which only the first `rows` come, and waits until a chunk of them is kept. The pipe stays open
/// until its end is dropped.
fn under_way(workdir: &Workdir, out: &str, text: &str, rows: usize) -> (Child, ChildStdin) {
    let mut child = workdir
        .command(&[&CALL[..], &[out]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("octo-host starts");
    let given: String = text.lines().take(rows).flat_map(|line| [line, "\n"]).collect();
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(given.as_bytes()).expect("written");
    let part = workdir.path(&format!("{out}.part"));
    let sealed = || std::fs::read_to_string(&part).is_ok_and(|part| part.contains("\n#sealed "));
    while !sealed() {
        assert!(child.try_wait().expect("a status").is_none(), "it ended before a chunk was kept");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    (child, stdin)
}

/// Judges `text` from a pipe.
fn judged(workdir: &Workdir, out: &str, text: &str) -> Ended {
    workdir.call(&[&CALL[..], &[out]].concat()).stdin(text).run()
}

#[test]
fn the_file_has_what_standard_output_has() {
    let workdir = Workdir::new();
    workdir.write("a.jsonl", attempts(20));
    let printed = workdir.run(&["--plugin", "verifier_math", "a.jsonl"]).exits_with(0);
    let ended = workdir.run(&["--plugin", "verifier_math", "a.jsonl", "--out", "deep/o.jsonl"]);
    assert_shown!(ended, @"
    exit 0
    --- stderr
    verdicts: deep/o.jsonl
    Verified 20 attempts in [time] ([rate]/s)
      correct              3   15.0%  95% interval 5.2% to 36.0%
      incorrect           17   85.0%
      no-answer            0    0.0%
      unparsable           0    0.0%
    ");
    assert_eq!(workdir.read("deep/o.jsonl"), printed.stdout);
    assert_eq!(std::fs::read_dir(workdir.path("deep")).expect("a folder").count(), 1, "nothing else is left");
    let again = workdir.run(&["--plugin", "verifier_math", "a.jsonl", "--out", "deep/o.jsonl"]);
    assert_shown!(again, @"
    exit 1
    --- stderr
    error: deep/o.jsonl is there already; remove it, or write to another file
    ");
}

#[test]
fn rows_and_verdicts_are_joined_in_every_format() {
    let rows = [
        r#"{"z": 12345678901234567890123, "a": [1, {"b": null}], "response": "\\boxed{1/2}", "reference": "0.5"}"#,
        r#"{"z": "é, \"q\"", "response": null, "reference": "0.5"}"#,
        r#"{"verdict": 1, "response": "x", "reference": "0.5"}"#,
    ];
    let workdir = Workdir::new();
    workdir.write("a.jsonl", rows.join("\n"));
    let call = |out: &str| workdir.run(&["--plugin", "verifier_math", "a.jsonl", "--join", "verdict", "--out", out]);
    assert_shown!(call("o.jsonl"), @r#"
    exit 1
    --- stderr
    a.jsonl, line 3: has a column "verdict" already; give --join a name that no row has
    verdicts: o.jsonl
    Verified 2 attempts in [time] ([rate]/s)
      correct              1   33.3%  95% interval 6.1% to 79.2%
      incorrect            0    0.0%
      no-answer            1   33.3%
      unparsable           0    0.0%
      bad rows             1   33.3%
    error: 1 of 3 rows could not be read
    "#);
    assert_eq!(
        workdir.read("o.jsonl"),
        r#"{"z":12345678901234567890123,"a":[1,{"b":null}],"response":"\\boxed{1/2}","reference":"0.5","verdict":{"outcome":"correct","extracted":"1/2","reason":"box: same rational number"}}
{"z":"é, \"q\"","response":null,"reference":"0.5","verdict":{"outcome":"no-answer","extracted":null,"reason":"`response` is null"}}
"#
    );
    call("o.csv").exits_with(1);
    assert_eq!(
        workdir.read("o.csv"),
        "z,a,response,reference,verdict.outcome,verdict.extracted,verdict.reason\n\
         12345678901234567890123,\"[1,{\"\"b\"\":null}]\",\\boxed{1/2},0.5,correct,1/2,box: same rational number\n\
         \"é, \"\"q\"\"\",,,0.5,no-answer,,`response` is null\n"
    );
    call("o.parquet").exits_with(1);
    call("o.jsonl.zst").exits_with(1);
    for other in ["o.csv", "o.parquet", "o.jsonl.zst"] {
        let same = workdir.run(&["compare", "o.jsonl", other, "--json"]).exits_with(0);
        let found: Value = serde_json::from_str(&same.stdout).expect("JSON");
        assert_eq!(
            (&found["both"], &found["neither"], &found["problems"]),
            (&json!(1), &json!(1), &json!(2)),
            "{other}"
        );
    }
}

#[test]
fn a_killed_call_resumes_to_the_same_bytes_and_judges_nothing_twice() {
    let text = attempts(20_000);
    let workdir = Workdir::new();
    let whole = judged(&workdir, "whole.jsonl", &text).exits_with(0);
    for (signal, code) in [("-KILL", None), ("-INT", Some(130)), ("-TERM", Some(143))] {
        let (mut child, _pipe) = under_way(&workdir, "o.jsonl", &text, 9000);
        send(signal, &child);
        assert_eq!(child.wait().expect("ends").code(), code);
        assert!(!workdir.path("o.jsonl").exists());
        // A verdict that the plugin would never give shows that what was kept is taken.
        let part = workdir.read("o.jsonl.part");
        let (head, kept) = part.split_once('\n').expect("a first line");
        let (answers, seal) = kept.split_once("#sealed ").expect("a sealed chunk");
        let mut sealed: Value = serde_json::from_str(seal.lines().next().expect("a line")).expect("JSON");
        let forged = answers.replacen("no rule makes it equal", "forged", 1);
        sealed["answers"] = json!(digest::of_bytes(forged.as_bytes()));
        // What the kill has cut does not count.
        workdir.write("o.jsonl.part", format!("{head}\n{forged}#sealed {sealed}\n{{\"id\":\"p8192\",\"resp"));
        let resumed = judged(&workdir, "o.jsonl", &text).exits_with(0);
        let summary = |ended: &Ended| ended.stderr.lines().filter(|line| line.starts_with("  ")).collect::<String>();
        assert_eq!(summary(&resumed), summary(&whole));
        assert!(resumed.stderr.starts_with("resumes where it was stopped; what is judged is not judged again\n"));
        let forged = workdir.read("o.jsonl");
        assert_eq!(forged.matches("forged").count(), 1);
        assert!(forged.replace("forged", "no rule makes it equal") == workdir.read("whole.jsonl"), "other bytes");
        assert!(!workdir.path("o.jsonl.part").exists());
        std::fs::remove_file(workdir.path("o.jsonl")).expect("removed");
    }
}

#[test]
fn a_part_of_another_call_is_refused_and_a_damaged_one_is_judged_again() {
    let text = attempts(9000);
    let workdir = Workdir::new();
    let (mut child, _pipe) = under_way(&workdir, "o.csv", &text, 9000);
    assert_shown!(judged(&workdir, "o.csv", &text), @"
    exit 1
    --- stderr
    error: another octo-host is writing o.csv; wait for it, or write to another file
    ");
    send("-KILL", &child);
    child.wait().expect("ends");
    let part = workdir.read("o.csv.part");
    let other =
        |arguments: &[&str], text: &str| workdir.call(&[&CALL[..], &["o.csv"], arguments].concat()).stdin(text).run();
    assert_shown!(other(&["--config", r#"{"preset": "gsm8k"}"#, "--fields", "level"], &text), @"
    exit 1
    --- stderr
    error: o.csv can't be resumed: --config and --fields have changed since o.csv.part was begun. Run it as it was begun, or remove o.csv.part to begin again
    ");
    let exact =
        workdir.call(&["--plugin", "verifier_exact", "--join", "verdict", "--out", "o.csv"]).stdin(text.clone()).run();
    assert_shown!(exact, @"
    exit 1
    --- stderr
    error: o.csv can't be resumed: the plugin has changed since o.csv.part was begun. Run it as it was begun, or remove o.csv.part to begin again
    ");
    assert_shown!(other(&[], &text.replacen("\"level\":3", "\"level\":4", 1)), @"
    exit 1
    --- stderr
    resumes where it was stopped; what is judged is not judged again
    error: o.csv.part has answers to other rows: the input was changed since. Give it back what it was to resume, or remove o.csv.part to begin again
    ");
    assert_shown!(other(&[], &attempts(40)), @"
    exit 1
    --- stderr
    resumes where it was stopped; what is judged is not judged again
    error: o.csv.part has answers to other rows: the input was changed since. Give it back what it was to resume, or remove o.csv.part to begin again
    ");
    workdir.write("a.jsonl", &text);
    assert_shown!(other(&["a.jsonl"], ""), @"
    exit 1
    --- stderr
    error: o.csv can't be resumed: the input has changed since o.csv.part was begun. Run it as it was begun, or remove o.csv.part to begin again
    ");
    assert_eq!(workdir.read("o.csv.part"), part, "what was refused is left as it was");
    workdir.write("o.csv.part", part.replacen("\"outcome\":\"correct\"", "\"outcome\":\"incorrect\"", 1));
    let ended = judged(&workdir, "o.csv", &text).exits_with(0);
    assert!(ended.stderr.contains("Verified 9,000") && !ended.stderr.contains("resumes"), "{}", ended.stderr);
    judged(&workdir, "whole.csv", &text).exits_with(0);
    assert!(workdir.read("o.csv") == workdir.read("whole.csv"));
}

#[test]
fn an_input_file_that_was_changed_is_refused_before_anything_is_judged() {
    let workdir = Workdir::new();
    workdir.write("a.jsonl", attempts(40) + "broken");
    let call = ["--plugin", "verifier_math", "a.jsonl", "--strict", "--out", "o.jsonl"];
    workdir.run(&call).exits_with(1);
    workdir.write("a.jsonl", attempts(41));
    assert_shown!(workdir.run(&call), @"
    exit 1
    --- stderr
    error: o.jsonl can't be resumed: the input has changed since o.jsonl.part was begun. Run it as it was begun, or remove o.jsonl.part to begin again
    ");
}

#[test]
fn names_that_cannot_be_written_to_are_refused_before_anything_is_judged() {
    let workdir = Workdir::new();
    workdir.write("mine.jsonl.part", "my own file\n");
    let call = |arguments: &[&str]| workdir.run(&[&["--plugin", "verifier_math"], arguments].concat());
    assert_shown!(call(&["--out", "o.txt"]), @"
    exit 1
    --- stderr
    error: --out: o.txt has no ending that names a format; give it one of .jsonl, .ndjson, .jsonl.zst, .ndjson.zst, .csv, .parquet
    ");
    assert_shown!(call(&["--out", "mine.jsonl"]), @"
    exit 1
    --- stderr
    error: mine.jsonl.part is not what octo-host leaves beside a file of --out; move it away
    ");
    assert_shown!(call(&["--out", "o.jsonl", "--problems", "o.jsonl"]), @"
    exit 1
    --- stderr
    error: --out and --problems both name o.jsonl; give each a file of its own
    ");
    assert_shown!(call(&["--problems", "p"]), @"
    exit 1
    --- stderr
    error: --problems: p has no ending that names a format; give it one of .jsonl, .ndjson, .jsonl.zst, .ndjson.zst, .csv, .parquet
    ");
    assert_shown!(workdir.run(&["--plugin", "reward_outcome", "--out", "o.jsonl"]), @"
    exit 1
    --- stderr
    error: --out is for verifiers; this is a reward
    ");
    assert_eq!(workdir.read("mine.jsonl.part"), "my own file\n");
}
