//! The summary: what it counts, what it never hides, and what a script reads of it.

use octo_test_support::{Ended, Workdir, assert_shown, plugin};
use serde_json::{Value, json};

use super::attempts::lines;

/// `count` attempts, of which every `every`-th is correct.
fn attempts(count: u64, every: u64) -> Vec<Value> {
    (0..count).map(|number| json!({"response": format!("\\boxed{{{}}}", number % every), "reference": "0"})).collect()
}

/// The summary of `--summary json` without how long it took.
fn summary(ended: &Ended) -> Value {
    let last = ended.stderr.lines().last().expect("a summary");
    let mut summary: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"));
    let seconds = summary.as_object_mut().expect("an object").remove("seconds").and_then(|seconds| seconds.as_f64());
    assert!(seconds.is_some_and(|seconds| seconds > 0.0));
    summary
}

#[test]
fn rows_that_cannot_be_read_count_among_all_and_fail_the_call() {
    // 14 of 17 attempts are correct, and 11 of 28 rows are none: without them it would look like 82.4 %.
    let mut text = lines(&attempts(17, 1)).replacen("\\boxed{0}", "\\boxed{1}", 3);
    text += &"{\"reference\": \"0\"}\n".repeat(11);
    let ended = plugin("verifier_math", &[]).stdin(text.clone()).run();
    assert_eq!(ended.stdout.lines().count(), 17);
    assert_shown!(ended.without_stdout(), @"
    exit 1
    --- stderr
    stdin, line 18: `response` is missing; the columns are reference; --map names another column
    stdin, line 19: `response` is missing; the columns are reference; --map names another column
    stdin, line 20: `response` is missing; the columns are reference; --map names another column
    8 more rows like stdin, line 18: `response` is missing; the columns are reference; --map names another column
    Verified 17 attempts in [time] ([rate]/s)
      correct             14   50.0%  95% interval 32.6% to 67.4%
      incorrect            3   10.7%
      no-answer            0    0.0%
      unparsable           0    0.0%
      bad rows            11   39.3%
    error: 11 of 28 rows could not be read
    ");
    let ended = plugin("verifier_math", &["--summary", "json"]).stdin(text).run().exits_with(1);
    assert_eq!(
        summary(&ended),
        json!({
            "kind": "verifier", "input": "stdin", "rows": 28, "bad_rows": 11, "items": 17,
            "outcomes": {"correct": 14, "incorrect": 3, "no-answer": 0, "unparsable": 0}, "failures": {},
            "accuracy": 0.5, "accuracy_interval": {"low": 0.32633127457293465, "high": 0.6736687254270654},
            "error": "11 of 28 rows could not be read", "exit_status": 1
        })
    );
}

#[test]
fn an_input_without_rows_is_a_failure_wherever_it_comes_from() {
    let workdir = Workdir::new();
    workdir.write("empty.jsonl", "");
    workdir.write("blank.jsonl", "\n\n");
    assert_shown!(workdir.run(&["--plugin", "verifier_math", "empty.jsonl"]), @"
    exit 1
    --- stderr
    error: empty.jsonl: has no rows; an empty file is not an input
    ");
    assert_shown!(workdir.run(&["--plugin", "verifier_math", "blank.jsonl"]), @"
    exit 1
    --- stderr
    error: blank.jsonl: has no rows; an empty file is not an input
    ");
    workdir.run(&["--plugin", "verifier_math", "empty.jsonl", "--summary", "json", "--out", "o.jsonl"]).exits_with(1);
    assert!(!workdir.path("o.jsonl").exists() && !workdir.path("o.jsonl.part").exists());
    assert_shown!(plugin("filter_heuristics", &[]).run(), @"
    exit 1
    --- stderr
    error: stdin: has no rows; an empty file is not an input
    ");
}

#[test]
fn a_plugin_that_fails_on_everything_is_a_failure_and_on_something_is_not() {
    let fuel = ["--limits", r#"{"fuel_per_item": 400000}"#];
    let long = json!({"response": format!("\\boxed{{{}1}}", "1+".repeat(40_000)), "reference": "1"});
    let short = json!({"response": "\\boxed{1}", "reference": "1"});
    assert_shown!(plugin("verifier_math", &fuel).stdin(lines(&[long.clone(), long.clone()])).run().without_stdout(), @"
    exit 1
    --- stderr
    Verified 2 attempts in [time] ([rate]/s)
      correct              0    0.0%  95% interval 0.0% to 65.8%
      incorrect            0    0.0%
      no-answer            0    0.0%
      unparsable           0    0.0%
      failed               2  100.0%  fuel 2
    error: the plugin failed on all of 2 attempts; --save-failures keeps them
    ");
    assert_shown!(plugin("verifier_math", &fuel).stdin(lines(&[short, long])).run().without_stdout(), @"
    exit 0
    --- stderr
    Verified 2 attempts in [time] ([rate]/s)
      correct              1   50.0%  95% interval 9.5% to 90.5%
      incorrect            0    0.0%
      no-answer            0    0.0%
      unparsable           0    0.0%
      failed               1   50.0%  fuel 1
    ");
}

#[test]
fn accuracy_is_shown_by_columns_and_their_combinations() {
    let levels = [json!(10), json!("9"), json!(9), Value::Null, json!("hard\u{1b}[31m"), json!(10)];
    let rows: Vec<Value> = (0..)
        .zip(levels)
        .map(|(number, level)| {
            let kind = ["a", "b"][number % 2];
            let response = format!("\\boxed{{{}}}", number % 3);
            json!({"response": response, "reference": "0", "level": level, "meta": {"type": kind}})
        })
        .collect();
    let by = ["--by", "level", "--by", "meta.type,level"];
    assert_shown!(plugin("verifier_math", &by).stdin(lines(&rows)).run().without_stdout(), @"
    exit 0
    --- stderr
    Verified 6 attempts in [time] ([rate]/s)
      correct              2   33.3%  95% interval 9.7% to 70.0%
      incorrect            4   66.7%
      no-answer            0    0.0%
      unparsable           0    0.0%
      level         attempts   correct  accuracy
      9                    2         0      0.0%  95% interval 0.0% to 65.8%
      10                   2         1     50.0%  95% interval 9.5% to 90.5%
      hard[31m             1         0      0.0%  95% interval 0.0% to 79.3%
      (none)               1         1    100.0%  95% interval 20.7% to 100.0%
      meta.type, level  attempts   correct  accuracy
      a, 9                     1         0      0.0%  95% interval 0.0% to 79.3%
      a, 10                    1         1    100.0%  95% interval 20.7% to 100.0%
      a, hard[31m              1         0      0.0%  95% interval 0.0% to 79.3%
      b, 9                     1         0      0.0%  95% interval 0.0% to 79.3%
      b, 10                    1         0      0.0%  95% interval 0.0% to 79.3%
      b, (none)                1         1    100.0%  95% interval 20.7% to 100.0%
    ");
    let json = plugin("verifier_math", &[&by[..2], &["--summary", "json"]].concat()).stdin(lines(&rows)).run();
    let wilson = |correct, attempts| match (correct, attempts) {
        (1, 2) => json!({"low": 0.09453120573423074, "high": 0.9054687942657693}),
        (0, 2) => json!({"low": 0.0, "high": 0.6576197724933469}),
        (1, 1) => json!({"low": 0.20654931437723745, "high": 1.0}),
        _ => json!({"low": 0.0, "high": 0.7934506856227626}),
    };
    let group = |value: Value, attempts: u64, correct: u64| {
        json!({
            "values": [value], "attempts": attempts, "correct": correct,
            "accuracy": correct as f64 / attempts as f64, "interval": wilson(correct, attempts)
        })
    };
    assert_eq!(
        summary(&json)["by"],
        json!([{
            "columns": ["level"],
            "groups": [
                group(json!("9"), 2, 0),
                group(json!("10"), 2, 1),
                group(json!("hard\u{1b}[31m"), 1, 0),
                group(Value::Null, 1, 1),
            ],
            "other": null
        }])
    );
}

#[test]
fn a_breakdown_of_many_values_is_cut_in_the_text_alone() {
    let rows: Vec<Value> =
        (0..60).map(|number| json!({"id": number, "response": "\\boxed{1}", "reference": "1"})).collect();
    let text = plugin("verifier_math", &["--by", "id"]).stdin(lines(&rows)).run();
    text.stderr_has("  49                   1         1    100.0%  95% interval 20.7% to 100.0%\n")
        .stderr_has("  and 10 more; --summary json has all\n");
    let json = plugin("verifier_math", &["--by", "id", "--summary", "json"]).stdin(lines(&rows)).run();
    assert_eq!(summary(&json)["by"][0]["groups"].as_array().map(Vec::len), Some(60));
}

#[test]
fn the_summary_of_the_other_kinds_is_json_as_well() {
    let documents = lines(&[json!({"text": "x"}), json!({"text": "y"})]) + "not JSON\n";
    let ended = plugin("filter_heuristics", &["--summary", "json"]).stdin(documents).run().exits_with(1);
    let summary = summary(&ended);
    assert_eq!((&summary["kind"], &summary["rows"], &summary["items"]), (&json!("filter"), &json!(3), &json!(2)));
    assert_eq!(summary.get("accuracy"), None);
}
