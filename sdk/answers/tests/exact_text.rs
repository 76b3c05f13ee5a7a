//! Answers that must match as written, and numbers within a tolerance.

use octo_answers::Outcome;
use octo_answers::config::Extraction;
use octo_answers::config::Tolerance;
use octo_answers::exact_text::{TextRules, judge};

fn rules() -> TextRules {
    TextRules {
        extraction: Some(Extraction::default()),
        ignores_case: true,
        ignores_punctuation: true,
        ignores_articles: true,
        numbers: Some(Tolerance::Exact),
    }
}

fn outcome(rules: &TextRules, gold: &str, response: &str) -> Outcome {
    judge(response, &[gold.to_string()], rules).outcome
}

#[test]
fn texts_are_the_same_up_to_what_is_ignored() {
    let loose = rules();
    for (gold, response) in [
        ("The Eiffel Tower", "The answer is the Eiffel tower."),
        ("1,234", "\\boxed{1234}"),
        ("0.5", "Answer: 1/2"),
        ("25%", "Answer: 0.25"),
        ("seven", "Answer: 7"),
    ] {
        assert_eq!(outcome(&loose, gold, response), Outcome::Correct, "{gold} and {response}");
    }
    for (gold, response) in
        [("Paris", "Answer: London"), ("7", "Answer: 7.1"), ("x+1", "\\boxed{1+x}"), ("-5", "\\boxed{5}")]
    {
        assert_eq!(outcome(&loose, gold, response), Outcome::Incorrect, "{gold} and {response}");
    }
    let strict = TextRules { extraction: None, ignores_case: false, ..rules() };
    assert_eq!(outcome(&strict, "Paris", " Paris "), Outcome::Correct);
    assert_eq!(outcome(&strict, "Paris", "paris"), Outcome::Incorrect);
    assert_eq!(outcome(&strict, "Paris", ""), Outcome::NoAnswer);
    assert_eq!(outcome(&strict, "  ", "Paris"), Outcome::Unparsable);
}

#[test]
fn numbers_may_lie_apart_as_far_as_the_tolerance_says() {
    let within = |tolerance| TextRules { numbers: tolerance, ..rules() };
    let relative = within(Some(Tolerance::Relative { value: 0.01 }));
    assert_eq!(outcome(&relative, "100", "\\boxed{100.9}"), Outcome::Correct);
    assert_eq!(outcome(&relative, "100", "\\boxed{101.1}"), Outcome::Incorrect);
    let absolute = within(Some(Tolerance::Absolute { value: 0.5 }));
    assert_eq!(outcome(&absolute, "3", "\\boxed{3.4}"), Outcome::Correct);
    assert_eq!(outcome(&within(None), "0.5", "\\boxed{.50}"), Outcome::Incorrect, "numbers are text");
}
