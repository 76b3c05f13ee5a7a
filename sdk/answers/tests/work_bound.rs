//! No input makes a verdict expensive: random text of up to 100 kB, and the inputs that are known to hang other graders.

use octo_answers::config::Preset;
use octo_answers::{Outcome, judge, work};
use proptest::prelude::*;

/// Pieces of what models write, from which hostile responses are put together.
const PIECES: [&str; 40] = [
    "\\boxed{",
    "}",
    "{",
    "(",
    ")",
    "[",
    "]",
    "|",
    "\\frac",
    "\\sqrt",
    "^",
    "_",
    "\\sum_{k=1}^{",
    "\\int",
    "1",
    "23",
    "0.5",
    "x",
    "y_1",
    "\\pi",
    "e",
    "i",
    "+",
    "-",
    "*",
    "/",
    "=",
    "<",
    "\\le",
    "\\cup",
    ",",
    ";",
    "\\text{ and }",
    "$",
    "\\pm",
    "!",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "&",
    "\\\\",
];

fn outcome(gold: &str, response: &str) -> Outcome {
    judge(response, &[gold.to_string()], &Preset::MathVerify.rules()).outcome
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_characters_end(text in "\\PC{0,2000}", times in 1usize..50) {
        let long: String = text.repeat(times).chars().take(33_000).collect();
        outcome("17", &long);
        outcome(&long, "\\boxed{17}");
        prop_assert!(work::left() <= work::BUDGET);
    }

    #[test]
    fn random_mathematics_ends(pieces in prop::collection::vec(0usize..PIECES.len(), 0..600), times in 1usize..40) {
        let one: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let mut long = one.repeat(times);
        long.truncate(100_000);
        outcome("x^2+1", &format!("\\boxed{{{one}}}"));
        outcome(&one, &format!("\\boxed{{{one}}}"));
        outcome("17", &long);
        prop_assert!(work::left() <= work::BUDGET);
    }

    /// Whatever is read equals itself.
    #[test]
    fn an_answer_is_itself(pieces in prop::collection::vec(0usize..PIECES.len(), 1..12)) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        if octo_answers::reads_as_mathematics(&text) && !text.contains("boxed") {
            let verdict = judge(&format!("\\boxed{{{text}}}"), std::slice::from_ref(&text), &Preset::MathVerify.rules());
            prop_assert!(!matches!(verdict.outcome, Outcome::Incorrect), "{text:?}: {}", verdict.reason);
        }
    }
}

/// The inputs on which a public grader takes from 0.5 to 5 seconds. The bound is of work, so the time is only noted
/// here as a ceiling that a loaded machine keeps too.
#[test]
fn inputs_that_hang_other_graders_are_quick() {
    let inputs = [
        format!("\\boxed{{{}", "(".repeat(3_000)),
        format!("\\boxed{{{}", "{".repeat(2_000)),
        format!("\\boxed{{{}1{}}}", "\\frac{1}{".repeat(200), "}".repeat(200)),
        "\\[".repeat(3_000),
        format!("\\boxed{{{}}}", "7".repeat(100_000)),
        "\\boxed{9^9^9^9}".to_string(),
        "\\boxed{10000000!}".to_string(),
        "\\boxed{\\sum_{k=1}^{10^9} \\frac{1}{k}}".to_string(),
        format!("\\boxed{{{}}}", "x+".repeat(40_000)),
        format!("\\boxed{{(a+b+c+d)^{{60}} - {}}}", "(a-b)(c-d)".repeat(50)),
    ];
    for input in &inputs {
        let started = std::time::Instant::now();
        for gold in ["7", "(a+b+c+d)^{60}", "\\sin x + \\sqrt{x}"] {
            assert_ne!(outcome(gold, input), Outcome::Correct);
        }
        let spent = started.elapsed().as_millis() / 3;
        let start = input.chars().take(40).collect::<String>();
        println!("{spent:>4} ms  {start}");
        assert!(spent < 50 || cfg!(debug_assertions), "{spent} ms for {start}");
    }
}
