//! Multiple choice: letters, the text of options, several letters at once.

use octo_answers::Outcome;
use octo_answers::choices::{self, Options, letters, options};
use octo_answers::config::Rules;
use std::collections::BTreeSet;

const PROBLEM: &str = "Which of these is prime?\nA) 21\nB) 23\nC) \\frac{51}{3}\nD) none of these";

fn outcome(options: &Options, gold: &str, response: &str) -> Outcome {
    choices::judge(response, &[gold.to_string()], options, &Rules::default()).outcome
}

#[test]
fn options_are_read_from_a_problem() {
    let found = options(PROBLEM);
    assert_eq!(found.keys().collect::<String>(), "ABCD");
    assert_eq!((found[&'B'].as_str(), found[&'D'].as_str()), ("23", "none of these"));
    let bracketed = options("What is 1+1? (A) 1 (B) 2 (C) 3");
    assert_eq!((bracketed[&'A'].as_str(), bracketed[&'C'].as_str()), ("1", "3"));
    assert!(options("A. Smith met B. Jones").len() < 3, "names in a sentence");
    assert!(options("What is 1+1?").is_empty());
}

#[test]
fn a_choice_is_named_by_its_letter_or_by_the_text_of_its_option() {
    let offered = options(PROBLEM);
    for response in [
        "B",
        "(B)",
        "The answer is B.",
        "The answer is **(B)**.",
        "\\boxed{B}",
        "\\boxed{\\text{B) }23}",
        "\\boxed{23}",
        "Answer: B) 23",
        "It can't be A or C, therefore B",
        "<think>A? B?</think>The correct option is (B).",
    ] {
        assert_eq!(outcome(&offered, "B", response), Outcome::Correct, "{response}");
        assert_eq!(outcome(&offered, "23", response), Outcome::Correct, "by text: {response}");
        assert_eq!(outcome(&offered, "C", response), Outcome::Incorrect, "{response}");
    }
    assert_eq!(outcome(&offered, "C", "\\boxed{17}"), Outcome::Correct, "an option is compared by its value");
    assert_eq!(outcome(&offered, "B", "\\boxed{22}"), Outcome::Incorrect);
    assert_eq!(outcome(&offered, "B", "\\boxed{E}"), Outcome::Incorrect, "E is not offered");
    assert_eq!(outcome(&offered, "E", "B"), Outcome::Unparsable);
    assert_eq!(outcome(&offered, "B", ""), Outcome::NoAnswer);
}

#[test]
fn several_letters_are_one_answer() {
    let none = Options::new();
    for response in ["\\boxed{A, C}", "\\boxed{AC}", "The answer is A and C.", "\\boxed{C, A}", "Answer: (A), (C)"] {
        assert_eq!(outcome(&none, "A, C", response), Outcome::Correct, "{response}");
        assert_eq!(outcome(&none, "A", response), Outcome::Incorrect, "{response} for A alone");
        assert_eq!(outcome(&none, "ABC", response), Outcome::Incorrect, "{response} for more");
    }
    assert_eq!(outcome(&none, "A, C", "\\boxed{A}"), Outcome::Incorrect, "a part is not the whole");
    assert_eq!(letters("B, D"), Some(BTreeSet::from(['B', 'D'])));
    assert_eq!(letters("a dog"), None);
    assert_eq!(letters("DAB"), None, "only letters in order spell a selection");
}
