//! The same answer in another notation: money, combinations, sets in words, solutions by name; and what only looks alike.

use octo_answers::config::Preset;
use octo_answers::{Outcome, judge};

fn each(cases: &[(&str, &str)], outcome: Outcome) {
    for (gold, answer) in cases {
        let response = format!("So it is \\boxed{{{answer}}}.");
        let verdict = judge(&response, &[gold.to_string()], &Preset::MathVerify.rules());
        assert_eq!(verdict.outcome, outcome, "{gold} and {answer}: {}", verdict.reason);
    }
}

#[test]
fn an_answer_that_begins_like_a_marker_is_itself() {
    for text in ["A:1", "A: 18", "#### 18", "####abc", "answer is 5", "Answer: 7"] {
        each(&[(text, text)], Outcome::Correct);
    }
    each(&[("A: 18", "18"), ("#### 18", "18")], Outcome::Correct);
    each(&[("A: 18", "A: 19"), ("A:1", "B:1")], Outcome::Incorrect);
}

#[test]
fn a_dollar_sign_is_a_unit() {
    each(
        &[
            ("$20", "20 dollars"),
            ("20 dollars", "\\$20"),
            ("\\$20", "20"),
            ("20", "\\$20"),
            ("\\$0.20", "20 cents"),
            ("20 cents", "\\$0.20"),
            ("20 cents", "20¢"),
            ("-\\$5", "-5"),
            ("\\$1,200", "1200 \\text{ dollars}"),
            // A formula in dollars is not money.
            ("$20$", "20 cents"),
        ],
        Outcome::Correct,
    );
    each(
        &[("$20", "20 cents"), ("20 cents", "\\$20"), ("\\$20", "\\$21"), ("\\$20", "20 \\text{ kg}")],
        Outcome::Incorrect,
    );
}

#[test]
fn numbers_of_combinations_are_read_in_every_notation() {
    each(
        &[
            ("20", "C(6,3)"),
            ("C(6, 3)", "20"),
            ("C(6,3)", "\\binom{6}{3}"),
            ("\\binom{6}{3}", "{}_6C_3"),
            ("20", "6C3"),
            ("120", "P(6,3)"),
            ("{}_6P_3", "120"),
            ("\\frac{20}{64}", "\\frac{C(6,3)}{2^6}"),
            ("\\binom{n}{k}", "C(n,k)"),
            ("C(3,1)", "(3,1)"),
            ("C(6,2)", "C(6,2)"),
        ],
        Outcome::Correct,
    );
    // The last may be points.
    each(&[("20", "C(6,2)"), ("20", "P(6,3)"), ("(3,1)", "C(1,3)"), ("C(6,2)", "C(6,4)")], Outcome::Incorrect);
}

#[test]
fn sets_in_words_are_sets() {
    each(
        &[
            ("all real numbers except 0", "(-\\infty,0)\\cup(0,\\infty)"),
            ("(-\\infty,0)\\cup(0,\\infty)", "\\text{all real numbers except } 0"),
            ("\\text{All real numbers except } x = 2", "x \\neq 2"),
            ("\\mathbb{R} \\setminus \\{0\\}", "all reals except zero"),
            ("all real numbers except $-1$ and $2$", "(-\\infty,-1)\\cup(-1,2)\\cup(2,\\infty)"),
            ("all nonzero real numbers", "x \\ne 0"),
            ("all real x \\neq 0", "\\mathbb{R}\\setminus\\{0\\}"),
            ("(2,\\infty)", "all real numbers greater than 2"),
            ("[2,\\infty)", "all real numbers greater than or equal to 2"),
            ("(-\\infty, 3]", "all real numbers at most 3"),
            ("x > 0", "all positive real numbers"),
            ("\\mathbb{R}", "all real numbers"),
        ],
        Outcome::Correct,
    );
    each(
        &[
            ("all real numbers except 0", "all real numbers except 1"),
            ("all real numbers except 0", "all real numbers"),
            ("all real numbers", "all real numbers except 0"),
            ("[2,\\infty)", "all real numbers greater than 2"),
            ("(0,\\infty)", "all nonnegative real numbers"),
            ("all real numbers except -1 and 2", "(-\\infty,-1)\\cup(-1,3)\\cup(3,\\infty)"),
            ("(2,\\infty)", "all real numbers greater than 2 that are even"),
        ],
        Outcome::Incorrect,
    );
}

#[test]
fn solutions_are_matched_by_their_names() {
    each(
        &[
            ("p = 2, q = 3 \\text{ or } p = 3, q = 2", "(2,3), (3,2)"),
            ("(2,3),(3,2)", "p = 3, q = 2 \\text{ or } p = 2, q = 3"),
            ("(2k+1, 2k^2+2k, 2k^2+2k+1)", "(2n+1, 2n^2+2n, 2n^2+2n+1)"),
            ("Ⅳ", "4"),
            ("①②④", "①, ②, ④"),
            ("①③", "1, 3"),
            ("10:30 a.m.", "10:30 AM"),
        ],
        Outcome::Correct,
    );
    each(
        &[
            ("p = 2, q = 3 \\text{ or } p = 3, q = 2", "(2,3), (2,3)"),
            ("(2k+1, 2k^2+2k)", "(2n+1, 2n^2+3n)"),
            ("①②④", "①, ②"),
            ("10:30 a.m.", "10:30 p.m."),
        ],
        Outcome::Incorrect,
    );
}
