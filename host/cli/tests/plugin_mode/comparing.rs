//! `octo-host compare`.

use octo_test_support::{Workdir, assert_shown, octo_host};
use serde_json::{Value, json};

use super::attempts::lines;

/// Verdicts on 50 problems: 36 correct in both files, 12 in the first alone, 2 in the second alone.
fn verdicts(second: bool) -> Vec<Value> {
    let correct = |number: usize| match number {
        0..36 => true,
        36..48 => !second,
        _ => second,
    };
    (0..50)
        .map(|number| {
            let outcome = if correct(number) { "correct" } else { "incorrect" };
            json!({"line": number + 1, "id": format!("p{number}"), "outcome": outcome, "extracted": "1", "reason": "r"})
        })
        .collect()
}

fn workdir() -> Workdir {
    let workdir = Workdir::new();
    workdir.write("a.jsonl", lines(&verdicts(false)));
    workdir.write("b.jsonl", lines(&verdicts(true)));
    workdir
}

#[test]
fn flips_are_counted_listed_and_tested() {
    let workdir = workdir();
    assert_shown!(workdir.run(&["compare", "a.jsonl", "b.jsonl"]), @"
    exit 0
    --- stdout
    A   96.0% of 50 problems  a.jsonl
    B   76.0% of 50 problems  b.jsonl

                   B correct       B not
    A correct             36          12
    A not                  2           0

    B - A  -20.0 points, 95% interval -34.5 to -6.1
    McNemar's exact test on the 14 problems that differ: p = 0.013
    gained: p48, p49
    lost: p36, p37, p38, p39, p40, p41, p42, p43, p44, p45, p46, p47
    ");
    let shown = workdir.run(&["compare", "b.jsonl", "a.jsonl", "--json"]).exits_with(0).stdout;
    let mut found: Value = serde_json::from_str(&shown).expect("JSON");
    // The exact test's value is statsmodels' mcnemar([[36, 12], [2, 0]], exact=True), the interval Tango's (1998).
    assert_eq!(found["p"].as_f64().map(|p| (p * 1e12).round()), Some(12_939_453_125.0));
    let limit = |name: &str| found["interval"][name].as_f64().map(|limit| (limit * 1e6).round());
    assert_eq!((limit("low"), limit("high")), (Some(61_112.0), Some(344_709.0)));
    found.as_object_mut().expect("an object").retain(|name, _| name != "p" && name != "interval");
    let lost: Vec<String> = (48..50).map(|number| format!("p{number}")).collect();
    let gained: Vec<String> = (36..48).map(|number| format!("p{number}")).collect();
    assert_eq!(
        found,
        json!({
            "a": "b.jsonl", "b": "a.jsonl", "key": "id", "problems": 50, "attempts": [50, 50], "accuracy": [0.76, 0.96],
            "both": 36, "neither": 0, "difference": 0.2, "gained": gained, "lost": lost, "only_a": [], "only_b": []
        })
    );
}

#[test]
fn rows_belong_together_by_id_else_by_line_and_what_one_file_lacks_is_left_out() {
    let workdir = workdir();
    let mut shuffled = verdicts(true);
    shuffled.reverse();
    shuffled.truncate(40);
    shuffled.push(json!({"line": 99, "id": "new\u{1b}[2J", "failure": "fuel", "message": "m"}));
    workdir.write("c.jsonl", lines(&shuffled));
    assert_shown!(workdir.run(&["compare", "a.jsonl", "c.jsonl"]), @"
    exit 0
    --- stdout
    A   95.0% of 40 problems  a.jsonl
    B   70.0% of 40 problems  c.jsonl

                   B correct       B not
    A correct             26          12
    A not                  2           0

    B - A  -25.0 points, 95% interval -41.9 to -7.6
    McNemar's exact test on the 14 problems that differ: p = 0.013
    gained: p48, p49
    lost: p36, p37, p38, p39, p40, p41, p42, p43, p44, p45, p46, p47
    --- stderr
    left out, since only a.jsonl has them: 10, by id: p0, p1, p2, p3, p4, p5, p6, p7, p8, p9
    left out, since only c.jsonl has them: 1, by id: new[2J
    ");
    shuffled[0]["id"] = Value::Null;
    workdir.write("d.jsonl", lines(&shuffled));
    assert_shown!(workdir.run(&["compare", "a.jsonl", "d.jsonl", "--on", "id"]), @"
    exit 1
    --- stderr
    error: --on id: d.jsonl, row 1 has nothing in that column
    ");
    let by_line = workdir.run(&["compare", "a.jsonl", "d.jsonl", "--json"]).exits_with(0);
    let found: Value = serde_json::from_str(&by_line.stdout).expect("JSON");
    assert_eq!((&found["key"], &found["problems"]), (&json!("line"), &json!(40)));
}

#[test]
fn problems_with_several_attempts_are_compared_by_their_shares() {
    let workdir = Workdir::new();
    let attempts = |correct: [usize; 4]| -> Vec<Value> {
        let one = |problem: usize, attempt: usize| {
            let outcome = if attempt < correct[problem] { "correct" } else { "no-answer" };
            json!({"id": problem, "attempt": attempt, "outcome": outcome})
        };
        (0..4).flat_map(|problem| (0..4).map(move |attempt| one(problem, attempt))).collect()
    };
    workdir.write("a.jsonl", lines(&attempts([1, 2, 4, 0])));
    workdir.write("b.jsonl", lines(&attempts([3, 2, 3, 2])));
    assert_shown!(workdir.run(&["compare", "a.jsonl", "b.jsonl"]), @"
    exit 0
    --- stdout
    A   43.8% of 16 attempts at 4 problems  a.jsonl
    B   62.5% of 16 attempts at 4 problems  b.jsonl

    B is better on 2 problems and worse on 1

    B - A  +18.8 points, 95% interval -18.0 to +55.5
    McNemar's exact test on the 3 problems that differ: p = 1.000
    gained: 0, 3
    lost: 2
    ");
}

#[test]
fn what_is_not_verdicts_is_refused() {
    let workdir = workdir();
    workdir.write("empty.jsonl", "");
    workdir.write("rows.jsonl", "{\"id\": 1, \"response\": \"x\"}\n");
    workdir.write("word.jsonl", "{\"id\": 1, \"outcome\": \"right\"}\n");
    workdir.write("other.jsonl", "{\"id\": 7, \"outcome\": \"correct\"}\n");
    let refused = |file: &str| workdir.run(&["compare", "a.jsonl", file]);
    assert_shown!(refused("empty.jsonl"), @"
    exit 1
    --- stderr
    error: empty.jsonl has no rows
    ");
    assert_shown!(refused("rows.jsonl"), @"
    exit 1
    --- stderr
    error: rows.jsonl, row 1: there is no verdict: neither `outcome` nor `failure`, alone or in `verdict`; --verdict names the column that --join made
    ");
    assert_shown!(refused("word.jsonl"), @r#"
    exit 1
    --- stderr
    error: word.jsonl, row 1: unknown outcome "right", expected one of `correct`, `incorrect`, `no-answer`, `unparsable`
    "#);
    assert_shown!(refused("other.jsonl"), @"
    exit 1
    --- stderr
    error: a.jsonl and other.jsonl have no id in common; --on names the column that says which rows belong together
    ");
    assert_shown!(refused("absent.jsonl"), @"
    exit 1
    --- stderr
    error: cannot open absent.jsonl: No such file or directory (os error 2)
    ");
    assert_shown!(octo_host(&["compare", "a.jsonl"]).run(), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      <B>

    Usage: octo-host compare <A> <B>

    For more information, try '--help'.
    ");
}
