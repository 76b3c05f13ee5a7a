//! What people have: numbers, nulls, paths, compressed files, tables, and files that are made to do harm.

use std::path::Path;

use octo_test_support::{Ended, Workdir, assert_shown, plugin};
use serde_json::Value;

/// Line, place among the row's responses, and outcome of each verdict.
fn outcomes(ended: &Ended) -> Vec<String> {
    let shown = |line: &str| {
        let verdict: Value = serde_json::from_str(line).expect("JSON");
        let response = verdict.get("attempt").map_or(String::new(), |index| format!(".{index}"));
        format!("{}{response} {}", verdict["line"], verdict["outcome"].as_str().expect("an outcome"))
    };
    ended.stdout.lines().map(shown).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).expect("packs");
    packed.finish().expect("packs")
}

#[test]
fn a_json_number_is_judged_with_all_of_its_digits() {
    let mut text = String::new();
    for (number, other) in [
        ("12345678901234567890123", "12345678901234567890124"),
        ("18446744073709551617", "18446744073709551616"),
        ("0.1234567890123456789", "0.1234567890123456788"),
        ("9007199254740993.0", "9007199254740992"),
    ] {
        let whole = number.trim_end_matches(".0");
        text += &format!("{{\"response\": \"{whole}\", \"reference\": {number}}}\n");
        text += &format!("{{\"response\": \"{other}\", \"reference\": {number}}}\n");
        text += &format!("{{\"response\": {number}, \"reference\": \"{whole}\"}}\n");
    }
    // A text is a text to it, so not a digit may differ.
    let config = r#"{"whole_response": true, "numbers": null}"#;
    let ended = plugin("verifier_exact", &["--config", config]).stdin(text).run();
    let expected: Vec<String> =
        (1..=12).map(|line| format!("{line} {}", if line % 3 == 2 { "incorrect" } else { "correct" })).collect();
    assert_eq!(outcomes(&ended), expected, "{}", ended.shown());
}

#[test]
fn a_response_without_a_text_is_a_no_answer_with_its_reason() {
    let ended = plugin("verifier_math", &[])
        .stdin(concat!(
            "{\"response\": null, \"reference\": \"1\"}\n",
            "{\"response\": {\"text\": \"1\"}, \"reference\": \"1\"}\n",
            "{\"response\": [[\"1\"]], \"reference\": \"1\"}\n",
            "{\"response\": NaN, \"reference\": \"1\"}\n",
            "{\"response\": \"1\", \"reference\": null}\n",
            "{\"reference\": \"1\"}\n",
            "{\"response\": \"\\\\boxed{1}\", \"reference\": \"1\"}\n",
        ))
        .run();
    let reasons: Vec<String> = ended
        .stdout
        .lines()
        .take(4)
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["reason"].as_str().expect("a text").to_owned())
        .collect();
    assert_eq!(
        reasons,
        ["`response` is null", "`response` is an object", "`response` is a list", "`response` is null"]
    );
    assert_eq!(outcomes(&ended), ["1 no-answer", "2 no-answer", "3 no-answer", "4 no-answer", "7 correct"]);
    for said in [
        "stdin, line 5: `reference` is null\n",
        "stdin, line 6: `response` is missing; the columns are reference; --map names another column\n",
    ] {
        assert!(ended.stderr.contains(said), "{}", ended.shown());
    }
}

#[test]
fn what_nobody_reads_costs_nothing_and_what_is_read_is_replaced_or_named() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    let good = r#""response": "\\boxed{1}", "reference": "1""#;
    let text = format!(
        "{{\"a\": NaN, \"b\": -Infinity, {good}}}\n{{\"a\": \"\\ud800\", {good}}}\n{{\"a\": {deep}, {good}}}\n\
         {{\"a\": 1, \"a\": 2, {good}}}\n{{\"problem\": \"\\ud800\", {good}}}\n{{\"problem\": {deep}, {good}}}\n\
         {{\"response\": \"2\", {good}}}\n"
    );
    let ended = plugin("verifier_math", &[]).stdin(text).run();
    assert_eq!(outcomes(&ended), ["1 correct", "2 correct", "3 correct", "4 correct", "5 correct"]);
    let said: Vec<&str> = ended.stderr.lines().take(2).collect();
    assert_eq!(
        said,
        [
            "stdin, line 6: the column \"problem\" is nested deeper than 128 levels, the most that is read",
            "stdin, line 7: has two columns of the name \"response\"; give each a name of its own",
        ]
    );
}

#[test]
fn paths_reach_the_last_item_and_every_item() {
    let row = r#"{"choices": [{"message": {"content": "\\boxed{1}"}}, {"message": {"content": "2"}}],
        "messages": [{"content": "2"}, {"content": "\\boxed{1}"}], "generations": ["\\boxed{1}", null, "\\boxed{2}"],
        "answers": [{"text": "5"}, {"text": "1"}], "none": []}"#
        .replace('\n', " ");
    let judged = |response: &str| {
        let map = [format!("response={response}"), "references=answers.*.text".to_owned()];
        outcomes(&plugin("verifier_math", &["--map", &map[0], "--map", &map[1]]).stdin(row.clone()).run())
    };
    assert_eq!(judged("choices.0.message.content"), ["1 correct"]);
    assert_eq!(judged("messages.-1.content"), ["1 correct"]);
    assert_eq!(judged("generations.*"), ["1.0 correct", "1.1 no-answer", "1.2 incorrect"]);
    assert_eq!(judged("choices.*.message.content"), ["1.0 correct", "1.1 incorrect"]);
    let none =
        plugin("verifier_math", &["--map", "response=none.*", "--map", "reference=answers.1.text"]).stdin(row).run();
    assert!(
        none.stderr.starts_with("stdin, line 1: `response` (column `none.*`) is an empty list\n"),
        "{}",
        none.shown()
    );
}

#[test]
fn tables_arrays_and_compressed_files_are_judged_alike_alone_and_together() {
    let workdir = Workdir::new();
    let lines = "{\"response\": \"\\\\boxed{1}\", \"reference\": 1}\n{\"response\": \"2\", \"reference\": 1}\n";
    workdir.write("part-1.jsonl.gz", gzip(lines));
    workdir.write("part-2.json", format!("[{}]", lines.trim_end().replace('\n', ",")));
    workdir.write("part-3.csv", "response,reference\n\\boxed{1},1\n2,1\n");
    workdir.write("part-4.tsv", "response\treference\n\\boxed{1}\t1\n2\t1\n");
    for name in ["part-1.jsonl.gz", "part-2.json", "part-3.csv", "part-4.tsv"] {
        let ended = workdir.run(&["--plugin", "verifier_math", name]);
        assert_eq!(outcomes(&ended), ["1 correct", "2 incorrect"], "{name}: {}", ended.shown());
    }
    let ended = workdir.run(&["--plugin", "verifier_math", "part-*", "part-1.jsonl.gz"]);
    assert_eq!(outcomes(&ended).len(), 10, "{}", ended.shown());
    let begins: Vec<&str> =
        ended.stdout.lines().map(|line| line.split(",\"outcome").next().unwrap_or_default()).collect();
    assert_eq!(begins[0], r#"{"file":"part-1.jsonl.gz","line":1"#);
    assert_eq!(begins[5], r#"{"file":"part-3.csv","line":2"#);
    assert_eq!(begins[9], r#"{"file":"part-1.jsonl.gz","line":2"#);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/parquet/brotli.parquet");
    let golden = golden.to_str().expect("UTF-8");
    let map = ["--plugin", "verifier_math", "--map", "response=generations.*", "--map", "reference=text", golden];
    let ended = workdir.run(&map);
    assert_eq!(outcomes(&ended).len(), 150, "{}", ended.shown());
    assert_eq!(outcomes(&ended)[1], "1.1 no-answer");
    let ended = workdir.run(&["--plugin", "verifier_math", "--map", "reference=text", golden]);
    assert!(
        ended.stderr.starts_with(&format!(
            "{golden}, row 1: `response` is missing; the columns are text, generations; --map names another column\n"
        )),
        "{}",
        ended.shown()
    );
}

#[test]
fn two_hundred_thousand_rows_of_one_fault_are_a_few_lines() {
    let text = "{\"reference\": \"1\", \"other\": 1}\n".repeat(200_000)
        + "{\"response\": \"\\\\boxed{1}\", \"reference\": \"1\"}";
    let ended = plugin("verifier_math", &[]).stdin(text).run();
    assert_eq!(outcomes(&ended), ["200001 correct"]);
    let said: Vec<&str> = ended.stderr.lines().take_while(|line| !line.starts_with("Verified")).collect();
    let fault = "`response` is missing; the columns are reference, other; --map names another column";
    assert_eq!(
        said,
        [
            format!("stdin, line 1: {fault}"),
            format!("stdin, line 2: {fault}"),
            format!("stdin, line 3: {fault}"),
            format!("199997 more rows like stdin, line 1: {fault}"),
        ]
    );
}

#[test]
fn a_small_file_that_unpacks_to_a_huge_line_costs_that_line() {
    let workdir = Workdir::new();
    let good = "{\"response\": \"\\\\boxed{1}\", \"reference\": \"1\"}\n";
    let huge = format!("{{\"response\": \"{}\", \"reference\": \"1\"}}\n", "x".repeat(80 << 20));
    workdir.write("a.jsonl.zst", zstd::encode_all(format!("{huge}{good}").as_bytes(), 1).expect("packed"));
    let ended = workdir.run(&["--plugin", "verifier_math", "a.jsonl.zst"]);
    assert_eq!(outcomes(&ended), ["2 correct"]);
    assert!(
        ended.stderr.starts_with("a.jsonl.zst, line 1: is longer than 64 MiB, the most that is read\n"),
        "{}",
        ended.shown()
    );
}

#[test]
fn what_never_ends_is_refused_and_a_pattern_without_a_file_is_named() {
    assert_shown!(plugin("verifier_math", &["/dev/zero"]).run(), @"
    exit 1
    --- stderr
    error: /dev/zero: is a device; name a file or a pipe
    ");
    assert_shown!(plugin("verifier_math", &["nothing-*.jsonl"]).run(), @"
    exit 1
    --- stderr
    error: nothing-*.jsonl: matches no file
    ");
    assert_shown!(plugin("verifier_math", &["/dev/null"]).run(), @"
    exit 1
    --- stderr
    error: /dev/null: has no rows; an empty file is not an input
    ");
}
