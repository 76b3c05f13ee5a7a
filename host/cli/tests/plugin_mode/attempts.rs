//! Verifiers: from attempts to verdicts.

use octo_test_support::{assert_shown, plugin};
use serde_json::{Value, json};

/// `records` as JSON Lines.
pub fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// Verdicts without the verifier's wording.
fn outcomes(stdout: &str) -> Vec<(u64, String, Option<String>)> {
    stdout
        .lines()
        .map(|line| {
            let verdict: Value = serde_json::from_str(line).expect("JSON");
            let text = |key: &str| verdict[key].as_str().map(str::to_owned);
            let outcome = text("outcome").or_else(|| text("failure")).expect("an outcome");
            (verdict["line"].as_u64().expect("a number"), outcome, text("extracted"))
        })
        .collect()
}

#[test]
fn each_attempt_gets_one_verdict_in_order_under_its_line_and_id() {
    let attempts = lines(&[
        json!({"id": "a", "problem": "6*7?", "response": "So the answer is \\boxed{42}.", "reference": "42"}),
        json!({"id": 17, "response": "\\boxed{41}", "reference": "42"}),
        json!({"response": "I do not know.", "reference": "42"}),
        json!({"response": "\\boxed{\\frac{1}{2}}", "references": ["0.5", "50\\%"]}),
    ]);
    let ended = plugin("verifier_math", &[]).stdin(attempts).run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let keys = |line: &str| {
        let Value::Object(verdict) = serde_json::from_str(line).expect("JSON") else { panic!("{line}") };
        verdict.get("id").cloned()
    };
    let ids: Vec<Option<Value>> = ended.stdout.lines().map(keys).collect();
    assert_eq!(ids, [Some(json!("a")), Some(json!(17)), None, None]);
    let first = ended.stdout.lines().next().expect("a verdict");
    assert!(
        first.starts_with(r#"{"line":1,"id":"a","outcome":"correct","extracted":"42","reason":""#),
        "the keys have another order: {first}"
    );
    let found: Vec<String> =
        outcomes(&ended.stdout).into_iter().map(|(line, outcome, _)| format!("{line} {outcome}")).collect();
    assert_eq!(found, ["1 correct", "2 incorrect", "3 no-answer", "4 correct"]);
}

#[test]
fn the_summary_counts_every_outcome_and_bad_line() {
    let ended = plugin("verifier_math", &[])
        .stdin(
            "{\"response\": \"\\\\boxed{42}\", \"reference\": 42}\n\n{\"response\": \"\\\\boxed{4\nnot JSON\n[1]\n\
             {\"response\": \"\\\\boxed{43}\", \"reference\": \"42\"}\n{\"reference\": \"42\"}\n\
             {\"response\": [\"x\"], \"reference\": \"42\"}\n{\"response\": \"x\", \"references\": []}\n{}",
        )
        .run();
    let mut shown = ended;
    // The verifier's wording is its own.
    shown.stdout = outcomes(&shown.stdout).iter().map(|verdict| format!("{verdict:?}\n")).collect();
    assert_shown!(shown, @r#"
    exit 1
    --- stdout
    (1, "correct", Some("42"))
    (6, "incorrect", Some("43"))
    (8, "no-answer", None)
    --- stderr
    stdin, line 3: is not JSON: ends inside a text (byte 24)
    stdin, line 4: is not JSON: a value is expected (byte 1)
    stdin, line 5: a record is a JSON object; this is a list
    stdin, line 7: `response` is missing; the columns are reference; --map names another column
    stdin, line 9: `reference` is an empty list; an attempt needs an accepted answer
    stdin, line 10: `response` is missing: the object is empty
    Verified 3 attempts in [time] ([rate]/s)
      correct              1   11.1%  95% interval 2.0% to 43.5%
      incorrect            1   11.1%
      no-answer            1   11.1%
      unparsable           0    0.0%
      bad rows             6   66.7%
    error: 6 of 9 rows could not be read
    "#);
}

#[test]
fn numbers_as_references_read_as_a_person_would_write_them() {
    let attempts = lines(&[
        json!({"response": "\\boxed{43}", "reference": 43.0}),
        json!({"response": "\\boxed{43}", "reference": 43}),
        json!({"response": "\\boxed{43}", "reference": [42, 43.0]}),
    ]);
    let ended = plugin("verifier_math", &[]).stdin(attempts).run();
    assert!(outcomes(&ended.stdout).iter().all(|(_, outcome, _)| outcome == "correct"), "{}", ended.stdout);
}

#[test]
fn nested_columns_are_reached_by_map() {
    let attempts = lines(&[
        json!({"question": "?", "175b.v": {"solution": "\\boxed{18}"}, "answers": {"final": [18.0]}}),
        json!({"question": "?", "175b.v": {"solution": "\\boxed{19}"}, "answers": {"final": [18.0]}}),
        json!({"question": "?", "175b.v": {}, "answers": {"final": [18.0]}}),
    ]);
    let map = ["--map", "problem=question", "--map", "response=175b.v.solution", "--map", "reference=answers.final"];
    let ended = plugin("verifier_math", &map).stdin(attempts).run();
    let found: Vec<String> =
        outcomes(&ended.stdout).into_iter().map(|(line, outcome, _)| format!("{line} {outcome}")).collect();
    assert_eq!(found, ["1 correct", "2 incorrect"]);
    assert_shown!(ended.without_stdout(), @"
    exit 1
    --- stderr
    stdin, line 3: `response` (column `175b.v.solution`) is missing; the columns are 175b.v, answers, question
    Verified 2 attempts in [time] ([rate]/s)
      correct              1   33.3%  95% interval 6.1% to 79.2%
      incorrect            1   33.3%
      no-answer            0    0.0%
      unparsable           0    0.0%
      bad rows             1   33.3%
    error: 1 of 3 rows could not be read
    ");
}

#[test]
fn strict_stops_at_the_first_bad_line_and_answers_nothing_after_it() {
    let good = r#"{"response": "\\boxed{1}", "reference": "1"}"#;
    let ended = plugin("verifier_math", &["--strict"]).stdin(format!("{good}\n{good}\nbad\n{good}\n")).run();
    assert_eq!(outcomes(&ended.stdout).iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [1, 2]);
    assert_shown!(ended.without_stdout(), @"
    exit 1
    --- stderr
    stdin, line 3: is not JSON: a value is expected (byte 1)
    error: stopped at line 3 of stdin, because of --strict
    ");
}

#[test]
fn an_input_without_one_good_line_is_a_failure_and_so_is_an_empty_one() {
    let ended = plugin("verifier_math", &[]).stdin("{}\n[]\n").run();
    assert_shown!(ended, @"
    exit 1
    --- stderr
    stdin, line 1: `response` is missing: the object is empty
    stdin, line 2: a record is a JSON object; this is a list
    Verified 0 attempts in [time] ([rate]/s)
      correct              0    0.0%
      incorrect            0    0.0%
      no-answer            0    0.0%
      unparsable           0    0.0%
      bad rows             2  100.0%
    error: none of 2 rows could be read
    ");
    let ended = plugin("verifier_math", &[]).run();
    assert_shown!(ended, @"
    exit 1
    --- stderr
    error: stdin: has no rows; an empty file is not an input
    ");
}

#[test]
fn an_item_that_runs_out_of_fuel_fails_alone() {
    let attempts = lines(&[
        json!({"response": "\\boxed{1}", "reference": "1"}),
        json!({"id": "long", "response": format!("\\boxed{{{}1}}", "1+".repeat(40_000)), "reference": "1"}),
        json!({"response": "\\boxed{2}", "reference": "2"}),
    ]);
    let ended = plugin("verifier_math", &["--limits", r#"{"fuel_per_item": 400000}"#]).stdin(attempts).run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let found: Vec<String> =
        outcomes(&ended.stdout).into_iter().map(|(line, outcome, _)| format!("{line} {outcome}")).collect();
    assert_eq!(found, ["1 correct", "2 fuel", "3 correct"]);
    let failed = ended.stdout.lines().nth(1).expect("a failure");
    assert!(failed.starts_with(r#"{"line":2,"id":"long","failure":"fuel","message":""#), "{failed}");
    assert_shown!(ended.without_stdout(), @"
    exit 0
    --- stderr
    Verified 3 attempts in [time] ([rate]/s)
      correct              2   66.7%  95% interval 20.8% to 93.9%
      incorrect            0    0.0%
      no-answer            0    0.0%
      unparsable           0    0.0%
      failed               1   33.3%  fuel 1
    ");
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let attempts: Vec<Value> = (0..9000)
        .map(|number| json!({"id": number, "response": format!("\\boxed{{{}}}", number % 7), "reference": number % 5}))
        .collect();
    let attempts = lines(&attempts);
    let one = plugin("verifier_math", &["--threads", "1"]).stdin(attempts.clone()).run();
    let five = plugin("verifier_math", &["--threads", "5"]).stdin(attempts).run();
    assert_eq!(one.stdout.lines().count(), 9000, "more than one chunk, and every line answered");
    assert!(one.stdout == five.stdout, "the answers differ");
}
