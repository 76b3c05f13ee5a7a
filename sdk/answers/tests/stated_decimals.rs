//! A decimal states an exact value to its last digit, or it does not: where the line runs.

use octo_answers::config::{Config, Preset};
use octo_answers::{Outcome, judge};

fn under(config: &Config, gold: &str, answer: &str) -> Outcome {
    let rules = config.rules().expect("a config of this file");
    judge(&format!("\\boxed{{{answer}}}"), &[gold.to_string()], &rules).outcome
}

fn default(gold: &str, answer: &str) -> Outcome {
    under(&Config::default(), gold, answer)
}

#[test]
fn an_exact_answer_fits_the_decimal_that_the_reference_states() {
    for (gold, answer) in [
        ("0.458", "\\frac{27}{59}"),
        ("41.4\\%", "\\sqrt{2}-1"),
        ("180.67", "\\frac{542}{3} \\text{ seconds}"),
        ("-1.732", "-\\sqrt{3}"),
        // Cut off after its fifth digit.
        ("41.494", "17 + 10\\sqrt{6}"),
        ("(0.577, 2.828)", "(\\frac{1}{\\sqrt{3}}, 2\\sqrt{2})"),
        ("63.4^\\circ", "\\arctan 2"),
    ] {
        assert_eq!(default(gold, answer), Outcome::Correct, "{gold} and {answer}");
    }
}

#[test]
fn a_decimal_answer_to_an_exact_reference_keeps_four_digits() {
    for (gold, answer, outcome) in [
        ("\\frac{600}{7}", "85.71", Outcome::Correct),
        ("\\frac{600}{7}", "85.72", Outcome::Incorrect),
        ("\\frac{600}{7}", "85.7", Outcome::Incorrect),
        ("\\frac{1}{3}", "0.3333", Outcome::Correct),
        ("\\frac{1}{3}", "0.333", Outcome::Incorrect),
        ("\\frac{2}{3}", "0.6666", Outcome::Incorrect),
        ("\\arctan 2", "63.43^\\circ", Outcome::Correct),
        ("\\arctan 2", "63.44^\\circ", Outcome::Incorrect),
    ] {
        assert_eq!(default(gold, answer), outcome, "{gold} and {answer}");
    }
}

#[test]
fn no_other_number_passes_for_a_rounded_one() {
    for (gold, answer) in [
        // Two decimals are both as written.
        ("2.23", "2.232"),
        ("2.232", "2.23"),
        ("0.458", "0.4576"),
        // Whole numbers are exact, with a zero after the point too.
        ("5", "4.9999"),
        ("784", "783.9996"),
        ("130.0", "\\frac{2599}{20}"),
        ("6.0", "6\\frac{1}{64}"),
        // Too few digits that count, or the wrong ones.
        ("0.05", "\\frac{1}{19}"),
        ("0.33", "\\frac{1}{3}"),
        ("0.459", "\\frac{27}{59}"),
        ("6.018", "6\\frac{1}{64}"),
        ("-0.458", "\\frac{27}{59}"),
        // 3.14 is what a problem says to use for π.
        ("3.14", "\\pi"),
        ("2.718", "e"),
    ] {
        assert_eq!(default(gold, answer), Outcome::Incorrect, "{gold} and {answer}");
    }
}

#[test]
fn places_that_a_recipe_asks_for_are_the_only_ones() {
    let places = |places| Config { rounded_decimal_places: Some(places), ..Config::default() };
    assert_eq!(under(&places(4), "\\frac{1}{3}", "0.3333"), Outcome::Correct);
    assert_eq!(under(&places(4), "0.333", "\\frac{1}{3}"), Outcome::Incorrect);
    let both = Config { stated_digits: Some(2), ..places(4) };
    assert_eq!(under(&both, "0.33", "\\frac{1}{3}"), Outcome::Correct);
    let hendrycks = Config { preset: Preset::Hendrycks, ..Config::default() };
    assert_eq!(under(&hendrycks, "0.458", "\\frac{27}{59}"), Outcome::Incorrect);
}
