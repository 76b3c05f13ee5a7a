//! Kinds of answers that users of graders reported as judged wrongly: right answers that were refused, wrong ones that
//! passed. A row is a reference and a whole response.

mod fresh_rows;
mod further_rows;
mod rows_of_hard_inputs;
mod unforeseen;
mod what_is_equal;
mod what_is_the_answer;

use octo_answers::config::Preset;
use octo_answers::{Outcome, choices, judge};

/// Judges each response and names every row that is not as it should be.
fn all(correct: bool, rows: &[(&str, &str)]) {
    let rules = Preset::MathVerify.rules();
    let wrong: Vec<String> = rows
        .iter()
        .map(|(reference, response)| (reference, response, judge(response, &[(*reference).to_string()], &rules)))
        .filter(|(.., verdict)| (verdict.outcome == Outcome::Correct) != correct)
        .map(|(reference, response, verdict)| format!("{reference:?} and {response:?}: {}", verdict.reason))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same for choices: a reference, a response and the problem.
fn all_choices(correct: bool, rows: &[(&str, &str, &str)]) {
    let rules = Preset::MathVerify.rules();
    let judged = |reference: &str, response: &str, problem: &str| {
        choices::judge(response, &[reference.to_string()], &choices::options(problem), &rules)
    };
    let wrong: Vec<String> = rows
        .iter()
        .map(|(reference, response, problem)| (reference, response, judged(reference, response, problem)))
        .filter(|(.., verdict)| (verdict.outcome == Outcome::Correct) != correct)
        .map(|(reference, response, verdict)| format!("{reference:?} and {response:?}: {}", verdict.reason))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn lists_of_any_length_match_in_any_order() {
    let written = |numbers: &mut dyn Iterator<Item = u32>, entry: &dyn Fn(u32) -> String| -> String {
        numbers.map(entry).collect::<Vec<_>>().join(",")
    };
    let forms: [&dyn Fn(u32) -> String; 3] =
        [&|n| n.to_string(), &|n| format!("({n},{})", n + 1), &|n| format!("\\frac{{{n}}}{{7}}")];
    for form in forms {
        let gold = written(&mut (0..100), form);
        let answer = written(&mut (0..100).rev(), form);
        all(true, &[(&gold, &format!("\\boxed{{{answer}}}"))]);
        let other = written(&mut (1..101).rev(), form);
        all(false, &[(&gold, &format!("\\boxed{{{other}}}"))]);
    }
}

#[test]
fn backslashes_that_were_put_back_are_named_in_the_reason() {
    let verdict = judge("\\boxed{\u{c}rac{1}{2}}", &["0.5".to_string()], &Preset::MathVerify.rules());
    assert_eq!(verdict.outcome, Outcome::Correct);
    assert!(verdict.reason.ends_with("after lost backslashes were put back"), "{}", verdict.reason);
}

#[test]
fn options_are_read_from_every_shape_that_data_sets_use() {
    let fields = [
        r#"{"label": ["A", "B", "C"], "text": ["15", "20", "25 km"]}"#,
        r#"{"A": "15", "B": "20", "C": "25 km"}"#,
        r#"["15", "20", "25 km"]"#,
        r#"["a ) 15", "b ) 20", "c ) 25 km"]"#,
        "a ) 15 , b ) 20 , c ) 25 km",
        "A) 15\nB) 20\nC) 25 km",
    ];
    for field in fields {
        let options = choices::options_of_field(field);
        let texts: Vec<(char, &str)> = options.iter().map(|(letter, text)| (*letter, text.as_str())).collect();
        assert_eq!(texts, [('A', "15"), ('B', "20"), ('C', "25 km")], "{field}");
    }
}
