//! What a reference leaves to be worked out is worked out, exactly or not at all; what an answer leaves is not.

use octo_answers::config::Config;
use octo_answers::{Outcome, judge};

fn under(config: &Config, gold: &str, answer: &str) -> (Outcome, String) {
    let rules = config.rules().expect("a config of this file");
    let verdict = judge(&format!("\\boxed{{{answer}}}"), &[gold.to_string()], &rules);
    (verdict.outcome, verdict.reason)
}

fn each(cases: &[(&str, &str)], outcome: Outcome) {
    for (gold, answer) in cases {
        let (found, reason) = under(&Config::default(), gold, answer);
        assert_eq!(found, outcome, "{gold} and {answer}: {reason}");
    }
}

const LEFT_OPEN: [(&str, &str); 14] = [
    ("\\sum_{k=1}^{10} k", "55"),
    ("\\sum_{i=0}^{3} i x", "6x"),
    ("\\prod_{k=1}^{5} k", "120"),
    ("\\sum_{k=1}^{3} k(k+1)", "20"),
    ("\\sum_{k=0}^{\\infty} \\frac{1}{2^k}", "2"),
    ("\\sum_{k=1}^{\\infty} 3 \\left(\\frac{2}{3}\\right)^k", "6"),
    ("\\sum_{n=1}^{\\infty} \\frac{1}{n!}", "e - 1"),
    ("\\sum_{n=0}^{\\infty} \\frac{2^n}{n!}", "e^2"),
    ("\\int_0^1 x\\,dx", "\\frac{1}{2}"),
    ("\\int_{-1}^{2} (x^2+1)\\,dx", "6"),
    ("\\lim_{x \\to 1} \\frac{x^2-1}{x-1}", "2"),
    ("\\lim_{n \\to \\infty} \\frac{2n^2+1}{3n^2-n}", "\\frac{2}{3}"),
    ("\\lim_{x \\to -\\infty} x^3", "-\\infty"),
    ("3 + \\lim_{x \\to \\infty} \\frac{1}{x}", "3"),
];

#[test]
fn a_reference_is_worked_out() {
    each(&LEFT_OPEN, Outcome::Correct);
}

/// The rewarded answer would be the problem itself.
#[test]
fn an_answer_is_not_worked_out_unless_the_recipe_says_so() {
    let lenient = Config { unevaluated_answers: Some(true), ..Config::default() };
    for (open, value) in LEFT_OPEN {
        let (outcome, reason) = under(&Config::default(), value, open);
        assert_eq!(outcome, Outcome::Incorrect, "{value} and {open}: {reason}");
        let (outcome, reason) = under(&lenient, value, open);
        assert_eq!(outcome, Outcome::Correct, "{value} and {open}: {reason}");
    }
}

#[test]
fn what_is_worked_out_wrong_is_incorrect() {
    each(
        &[
            ("\\sum_{k=1}^{10} k", "54"),
            ("\\sum_{k=1}^{3} k(k+1)", "14"),
            // Without a limit, or without one that is worked out.
            ("\\sum_{k=1}^{\\infty} 2^k", "-2"),
            ("\\sum_{k=1}^{\\infty} (-1)^k", "-\\frac{1}{2}"),
            ("\\sum_{k=1}^{\\infty} \\frac{1}{k}", "1"),
            ("\\lim_{x \\to 0} \\frac{1}{x}", "0"),
            ("\\lim_{x \\to 0} \\frac{x}{x^2}", "1"),
            ("\\int_0^1 x\\,dx", "1"),
            ("\\prod_{k=1}^{5} k", "15"),
        ],
        Outcome::Incorrect,
    );
}

#[test]
fn an_ellipsis_is_filled_where_its_terms_lead_to_the_last() {
    each(
        &[
            ("a_1+a_2+\\cdots+a_n", "a_n+a_{n-1}+\\cdots+a_1"),
            ("a_0+a_1+a_2+\\ldots+a_k", "a_k+a_{k-1}+\\cdots+a_0"),
            ("x = a_1 + \\cdots + a_n", "a_1+a_2+\\cdots+a_n"),
            ("1+2+\\cdots+n", "n+(n-1)+\\cdots+1"),
            ("1+2+...+n", "\\frac{n(n+1)}{2}"),
            ("1+3+5+\\cdots+(2n-1)", "n^2"),
            ("2+4+\\cdots+2n", "n(n+1)"),
            ("1\\cdot2+2\\cdot3+\\cdots+n(n+1)", "\\frac{n(n+1)(n+2)}{3}"),
            ("1 \\cdot 2 \\cdot 3 \\cdots n", "n!"),
            ("1+x+x^2+\\cdots+x^n", "\\frac{x^{n+1}-1}{x-1}"),
            ("1+\\frac12+\\cdots+\\frac1n", "\\sum_{k=1}^n \\frac1k"),
            ("\\sum_{k=1}^{n} k^2", "\\frac{n(n+1)(2n+1)}{6}"),
            (
                "b_n = \\frac{(v-a_1)(v-a_2)\\cdots(v-a_n)}{v^{n-1}}",
                "v\\left(1-\\frac{a_1}{v}\\right)\\left(1-\\frac{a_2}{v}\\right)\\cdots\\left(1-\\frac{a_n}{v}\\right)",
            ),
        ],
        Outcome::Correct,
    );
}

#[test]
fn an_ellipsis_of_other_terms_is_another_sum() {
    each(
        &[
            ("a_1+a_2+\\cdots+a_n", "a_n+a_{n-1}+\\cdots+a_0"),
            ("a_1+a_2+\\cdots+a_n", "a_1+a_2+\\cdots+a_{n+1}"),
            ("a_1+a_2+\\cdots+a_n", "a_1 a_2 \\cdots a_n"),
            ("1+2+\\cdots+n", "\\frac{n(n-1)}{2}"),
            // 1, 2, 4, … and 1, 2, 3, … begin alike.
            ("1+2+4+\\cdots+2^n", "\\frac{2^n(2^n+1)}{2}"),
            ("1+x+x^2+\\cdots+x^n", "\\frac{x^{n}-1}{x-1}"),
            // The answer is the problem.
            ("\\frac{n(n+1)}{2}", "1+2+\\cdots+n"),
            ("n!", "1 \\cdot 2 \\cdots n"),
        ],
        Outcome::Incorrect,
    );
}

#[test]
fn common_divisors_of_formulas_are_those_of_whole_numbers() {
    each(
        &[("\\gcd(12, 18)", "6"), ("\\gcd(\\sqrt{5}, \\sqrt{2})", "1"), ("\\text{lcm}(\\pi, 3)", "3\\pi")],
        Outcome::Correct,
    );
    let open = [
        ("\\gcd(a, b)", "1"),
        ("m + n - \\gcd(m, n)", "m + n - 1"),
        ("\\gcd(125, 50x)", "25"),
        ("\\gcd(x + 76, 4\\sqrt{x})", "1"),
    ];
    each(&open, Outcome::Incorrect);
    let polynomials = Config { polynomial_divisors: Some(true), ..Config::default() };
    for (gold, answer) in open {
        let (outcome, reason) = under(&polynomials, gold, answer);
        assert_eq!(outcome, Outcome::Correct, "{gold} and {answer}: {reason}");
    }
    assert_eq!(under(&polynomials, "\\gcd(6x^2y, 4xy^3)", "2xy").0, Outcome::Correct);
    assert_eq!(under(&polynomials, "\\gcd(6x^2y, 4xy^3)", "1").0, Outcome::Incorrect);
}
