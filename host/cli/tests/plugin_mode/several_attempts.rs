//! Several responses to one problem: a verdict each, pass@k and maj@k.

use octo_test_support::{Workdir, assert_shown, plugin};
use serde_json::json;

use super::attempts::lines;

/// Four responses of a row: the boxed answers, or the whole response where it is not a number.
fn row(id: &str, answers: &[&str]) -> serde_json::Value {
    let responses: Vec<String> = answers.iter().map(|answer| format!("So \\boxed{{{answer}}}.")).collect();
    json!({"id": id, "generations": responses, "reference": "4", "level": id.len()})
}

const GENERATIONS: [&str; 2] = ["--map", "response=generations.*"];

#[test]
fn each_response_of_a_row_has_its_verdict_and_problems_have_pass_and_maj() {
    let rows = lines(&[row("a", &["4", "5", "8/2", "5"]), row("bb", &["1", "2", "3", "4"]), row("c", &["4"; 4])]);
    let ended = plugin("verifier_math", &GENERATIONS).stdin(rows.clone()).run();
    let places: Vec<String> = ended
        .stdout
        .lines()
        .map(|line| {
            let verdict: serde_json::Value = serde_json::from_str(line).expect("JSON");
            format!("{} {} {} {}", verdict["line"], verdict["id"], verdict["attempt"], verdict["outcome"])
        })
        .collect();
    assert_eq!(places.len(), 12);
    assert_eq!(places[1], r#"1 "a" 1 "incorrect""#);
    assert_eq!(places[7], r#"2 "bb" 3 "correct""#);
    assert_shown!(ended.without_stdout(), @"
    exit 0
    --- stderr
    Verified 12 attempts of 3 problems in [time] ([rate]/s)
      correct              7   58.3%
      incorrect            5   41.7%
      no-answer            0    0.0%
      unparsable           0    0.0%
      pass@1                   58.3%  95% interval 15.1% to 100.0%
      pass@2                   77.8%  95% interval 49.0% to 100.0%
      pass@4                  100.0%  95% interval 100.0% to 100.0%
      maj@1                    58.3%  95% interval 15.1% to 100.0%
      maj@2                    58.3%  95% interval 15.1% to 100.0%
      maj@4                    58.3%  95% interval 15.1% to 100.0%
    ");
    let only =
        plugin("verifier_math", &[&GENERATIONS[..], &["--at", "3,2", "--by", "level"]].concat()).stdin(rows).run();
    assert_shown!(only.without_stdout(), @"
    exit 0
    --- stderr
    Verified 12 attempts of 3 problems in [time] ([rate]/s)
      correct              7   58.3%
      incorrect            5   41.7%
      no-answer            0    0.0%
      unparsable           0    0.0%
      pass@2                   77.8%  95% interval 49.0% to 100.0%
      pass@3                   91.7%  95% interval 75.3% to 100.0%
      maj@2                    58.3%  95% interval 15.1% to 100.0%
      maj@3                    58.3%  95% interval 15.1% to 100.0%
      level         attempts   correct  accuracy
      1                    8         6     75.0%
      2                    4         1     25.0%
    ");
}

#[test]
fn rows_of_one_group_are_one_problem_and_each_problem_is_written() {
    let attempts: Vec<_> = [("a", "4"), ("b", "4"), ("a", "5"), ("b", "4"), ("a", "5"), ("c", "7")]
        .map(|(problem, answer)| json!({"q": problem, "response": format!("\\boxed{{{answer}}}"), "reference": "4"}))
        .into();
    let workdir = Workdir::new();
    workdir.write("a.jsonl", lines(&attempts));
    let call = ["--plugin", "verifier_math", "a.jsonl", "--group", "q", "--problems"];
    assert_shown!(workdir.run(&[&call[..], &["p.jsonl"]].concat()).without_stdout(), @"
    exit 0
    --- stderr
    Verified 6 attempts of 3 problems in [time] ([rate]/s)
      correct              3   50.0%
      incorrect            3   50.0%
      no-answer            0    0.0%
      unparsable           0    0.0%
      pass@1                   44.4%  95% interval 0.0% to 100.0%
      pass@2                   83.3%  95% interval 50.7% to 100.0%  of 2 problems
      pass@3                  100.0%    of 1 problems
      maj@1                    44.4%  95% interval 0.0% to 100.0%
      maj@2                    66.7%  95% interval 1.3% to 100.0%  of 2 problems
      maj@3                     0.0%    of 1 problems
    ");
    assert_eq!(
        workdir.read("p.jsonl"),
        r#"{"q":"a","attempts":3,"correct":1,"failed":0,"majority":"5","pass@1":0.333333333333,"pass@2":0.666666666667,"pass@3":1.0,"maj@1":0.333333333333,"maj@2":0.333333333333,"maj@3":0.0}
{"q":"b","attempts":2,"correct":2,"failed":0,"majority":"4","pass@1":1.0,"pass@2":1.0,"pass@3":null,"maj@1":1.0,"maj@2":1.0,"maj@3":null}
{"q":"c","attempts":1,"correct":0,"failed":0,"majority":"7","pass@1":0.0,"pass@2":null,"pass@3":null,"maj@1":0.0,"maj@2":null,"maj@3":null}
"#
    );
    workdir.run(&[&call[..], &["p.csv", "--at", "1"]].concat()).exits_with(0);
    assert_eq!(
        workdir.read("p.csv"),
        "q,attempts,correct,failed,majority,pass@1,maj@1\na,3,1,0,5,0.333333333333,0.333333333333\n\
         b,2,2,0,4,1.0,1.0\nc,1,0,0,7,0.0,0.0\n"
    );
}

#[test]
fn a_response_that_is_null_is_an_attempt_without_an_answer() {
    let rows = lines(&[json!({"generations": ["\\boxed{4}", null], "reference": "4"})]);
    let ended = plugin("verifier_math", &[&GENERATIONS[..], &["--problems", "p.jsonl"]].concat()).stdin(rows).run();
    assert_shown!(ended, @r#"
    exit 0
    --- stdout
    {"line":1,"attempt":0,"outcome":"correct","extracted":"4","reason":"box: same text"}
    {"line":1,"attempt":1,"outcome":"no-answer","extracted":null,"reason":"item 1 of `response` (column `generations.*`) is null"}
    --- stderr
    Verified 2 attempts of 1 problems in [time] ([rate]/s)
      correct              1   50.0%
      incorrect            0    0.0%
      no-answer            1   50.0%
      unparsable           0    0.0%
      pass@1                   50.0%
      pass@2                  100.0%
      maj@1                    50.0%
      maj@2                   100.0%
    "#);
}

#[test]
fn a_number_of_attempts_that_no_problem_has_and_a_group_that_no_row_has_are_said() {
    let rows = lines(&[
        json!({"response": "\\boxed{4}", "reference": "4", "q": 1}),
        json!({"response": "4", "reference": "4"}),
    ]);
    let ended = plugin("verifier_math", &["--at", "1,8"]).stdin(rows.clone()).run().exits_with(0);
    ended.stderr_has(
        "  pass@1                  100.0%  95% interval 100.0% to 100.0%\n  pass@8       no problem has 8 attempts\n",
    );
    let ended = plugin("verifier_math", &["--group", "q"]).stdin(rows).run().exits_with(1);
    ended.stderr_has("stdin, line 2: --group: \"q\" is absent or null; the columns are reference, response\n");
}
