//! Pairs that other graders are known to judge wrongly, and what they must be here.

use octo_answers::config::{
    Config, ExtractionRule, FractionRule, LetterCase, ListOrder, PercentRule, Preset, ThinkingRule, Tolerance,
    ToleranceFor, UnitRule,
};
use octo_answers::{Outcome, judge};

fn with(config: &Config, gold: &str, response: &str) -> Outcome {
    let rules = config.rules().expect("the config is valid");
    judge(response, &[gold.to_string()], &rules).outcome
}

fn boxed(gold: &str, answer: &str) -> Outcome {
    with(&Config::default(), gold, &format!("Hence \\boxed{{{answer}}}."))
}

fn all_correct(pairs: &[(&str, &str)]) {
    for (gold, answer) in pairs {
        assert_eq!(boxed(gold, answer), Outcome::Correct, "{gold:?} and {answer:?}");
    }
}

fn all_incorrect(pairs: &[(&str, &str)]) {
    for (gold, answer) in pairs {
        assert_eq!(boxed(gold, answer), Outcome::Incorrect, "{gold:?} and {answer:?}");
        assert_eq!(boxed(answer, gold), Outcome::Incorrect, "{answer:?} and {gold:?}");
    }
}

#[test]
fn tiny_numbers_are_distinguished() {
    all_incorrect(&[
        ("\\frac{1}{2004!}", "\\frac{1}{2006!}"),
        ("2^{-99}", "2^{-98}"),
        ("\\frac{1}{2^{99}}", "\\frac{1}{2^{98}}"),
        ("10^{-7}", "0"),
        ("10^{-7}", "0.0"),
        ("0.000001", "0.0000012"),
        ("\\pi \\cdot 2^{-99}", "\\pi \\cdot 2^{-98}"),
        ("\\pi \\cdot 10^{-30}", "0"),
        ("\\sin x + 10^{-30}", "\\sin x"),
        ("\\arctan 2 + 10^{-20}", "\\arctan 2"),
        ("(a+b+c+d)^{60}", "(a+b+c+d)^{60} - ((a-b)(c-d))^{50}"),
        ("\\frac{2^{2005}+1}{3 \\cdot 2^{2006}}", "\\frac{1}{3 \\cdot 2^{2006}}"),
    ]);
}

#[test]
fn a_wrong_last_digit_is_no_rounding() {
    all_incorrect(&[("\\frac{1}{3}", "0.33333349"), ("\\frac{1}{3}", "0.33"), ("2.23", "2.232"), ("5", "5.001")]);
    all_correct(&[("\\frac{1}{3}", "0.333333"), ("\\frac{8}{3}", "2.6666667"), ("\\sqrt{2}", "1.414214")]);
}

#[test]
fn bases_are_kept() {
    all_incorrect(&[("5_8", "5_7"), ("204_5", "204"), ("11_2", "11")]);
    all_correct(&[("204_5", "204_{5}"), ("4210_{5}", "4210_5")]);
}

#[test]
fn scientific_notation_is_one_number() {
    all_incorrect(&[("6.02e23", "6.02"), ("6.02 \\times 10^{23}", "6.02")]);
    all_correct(&[
        ("6.02e23", "6.02 \\times 10^{23}"),
        ("1e-7", "10^{-7}"),
        ("1e-7", "0.0000001"),
        ("2.5E2", "250"),
        ("1000", "1 \\times 10^3"),
    ]);
}

#[test]
fn mixed_and_repeating_numbers_have_their_value() {
    all_correct(&[
        ("7/2", "3 1/2"),
        ("7/2", "3\\frac{1}{2}"),
        ("-7/2", "-3\\frac12"),
        ("1\\frac{4}{5}", "1.8"),
        ("\\frac{1}{3}", "0.\\overline{3}"),
        ("\\frac{1}{6}", "0.1\\overline{6}"),
        ("\\frac{41}{333}", "0.\\overline{123}"),
        ("1", "0.\\overline{9}"),
    ]);
    all_incorrect(&[("2", "3 1/2"), ("3/2", "3 1/2"), ("\\frac{3}{10}", "0.\\overline{3}")]);
}

#[test]
fn angles_radicals_and_complex_numbers_are_understood() {
    all_correct(&[
        ("\\frac{\\pi}{6}", "30^\\circ"),
        ("C = \\frac{2\\pi}{3}", "120^\\circ"),
        ("\\frac{1}{2}", "\\sin 30^\\circ"),
        ("i", "\\sqrt{-1}"),
        ("-1", "e^{i\\pi}"),
        ("\\frac{1}{\\sqrt{n}}", "\\sqrt{\\frac{1}{n}}"),
        ("\\frac{\\sqrt{3}}{3}", "\\frac{1}{\\sqrt{3}}"),
        ("\\sqrt{5+2\\sqrt{6}}", "\\sqrt{2}+\\sqrt{3}"),
        ("2\\sqrt{3}", "\\sqrt{12}"),
        ("-2", "\\sqrt[3]{-8}"),
        ("\\frac{\\pi}{2}", "pi/2"),
        ("e^{16}", "exp(16)"),
        ("14-i", "14.0 + -1.0i"),
        ("10", "C_5^2"),
        ("10", "\\binom{5}{2}"),
        ("3", "\\log_2 8"),
    ]);
    all_incorrect(&[
        ("|x|", "x"),
        ("\\sqrt{x^2}", "x"),
        ("1 - \\frac{1}{\\mathrm{e}}", "1 + \\frac{1}{\\mathrm{e}}"),
        ("4", "4\\sqrt(2)"),
        ("\\cos x + i \\sin x", "\\cos x - i \\sin x"),
    ]);
}

#[test]
fn formulas_are_compared_by_value() {
    all_correct(&[
        ("(x+1)^2", "x^2+2x+1"),
        ("\\frac{x^2-1}{x+1}", "x-1"),
        ("2\\sin b\\cos a", "2 \\cos a \\sin b"),
        ("\\sin^2 x + \\cos^2 x", "1"),
        ("2 \\cdot 3^{n-1} - n", "\\frac{2}{3} \\cdot 3^n - n"),
        ("\\tan^{-1} x", "\\arctan x"),
        ("\\log x^2 - \\log x", "\\ln x"),
    ]);
    all_incorrect(&[
        ("x^2+2x+1", "y^2+2y+1"),
        ("x^2+2x+1", "x^3+2x+1"),
        ("\\sin x", "\\cos x"),
        ("x+2n+1", "x+1"),
        ("N", "n+1"),
    ]);
}

#[test]
fn words_and_lists_do_not_collapse_to_their_first_number() {
    all_incorrect(&[
        ("40 \\text{ red}, 60 \\text{ blue}", "40 \\text{ red}, 50 \\text{ blue}"),
        ("1,2,\\ldots,n", "1,3,5,\\ldots,2n-1"),
        ("x^2+y^2=0", "x+y=0"),
        ("\\text{odd}", "\\text{oddd}"),
        ("7, 4", "7, 3"),
    ]);
}

#[test]
fn a_restated_problem_is_not_its_answer() {
    assert_eq!(boxed("\\frac{1}{2}", "\\int_0^1 x\\,dx"), Outcome::Incorrect);
    assert_eq!(boxed("2", "\\lim_{x \\to 1} 2x"), Outcome::Incorrect);
    assert_eq!(boxed("10", "\\sum_{k=1}^{4} k"), Outcome::Incorrect);
    assert_eq!(boxed("0", "a^2 + b = 0"), Outcome::Incorrect);
    assert_eq!(boxed("101", "a+2z = 2z + a = 101"), Outcome::Incorrect);
}

#[test]
fn intervals_tuples_and_sets_keep_their_brackets() {
    all_correct(&[
        ("(1, \\infty)", "x > 1"),
        ("[-2, 7]", "-2 \\le x \\le 7"),
        ("x \\in [-2,7]", "[-2,7]"),
        ("(-\\infty, 2) \\cup (3, \\infty)", "x < 2 \\text{ or } x > 3"),
        ("\\{x \\mid x \\ne 3\\}", "(-\\infty,3)\\cup(3,\\infty)"),
        ("\\{1,2\\} \\cup \\{3\\}", "\\{3,2,1\\}"),
        ("[0,2] \\cap (1,3)", "(1,2]"),
        ("\\langle 1,2 \\rangle", "(1,2)"),
        ("\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "(1,2)"),
        ("\\emptyset", "\\text{no solution}"),
        ("3 \\pm 2\\sqrt{2}", "3+2\\sqrt{2}, 3-2\\sqrt{2}"),
        ("p=5,q=2;p=7,q=2", "(5,2),(7,2)"),
        ("(x,y)=(1,2)", "x=1, y=2"),
    ]);
    all_incorrect(&[
        ("(0,9)", "[0,9)"),
        ("(1,2)", "(2,1)"),
        ("(1,2)", "[1,2]"),
        ("a \\leq 0", "(-\\infty, 1]"),
        ("(0, \\frac{3}{5}) \\cup (1, \\infty)", "(0, \\frac{3}{5}) \\cup (5, \\infty)"),
        ("x > 1", "x \\ge 1"),
        ("1, 1, 2", "1, 2, 2"),
        ("\\begin{pmatrix}1 & 2\\\\3 & 4\\end{pmatrix}", "\\begin{pmatrix}1 & 2\\\\3 & 5\\end{pmatrix}"),
    ]);
}

#[test]
fn equations_are_the_same_up_to_a_factor() {
    all_correct(&[
        ("34x+45y-20z+100=0", "-34x-45y+20z-100=0"),
        ("y = 2x + 3", "2x - y + 3 = 0"),
        ("x = 5", "5"),
        ("f(n) = 2n+1007", "f(m) = 2m + 1007"),
        ("x = k\\pi", "n\\pi"),
    ]);
    all_incorrect(&[("y = 2x + 3", "y = 2x + 4"), ("2x + z = 1", "1"), ("7 = 11a+c", "11a+c")]);
}

#[test]
fn money_units_groups_and_percent_are_read() {
    all_correct(&[
        ("1234.5", "\\$1,234.50"),
        ("15", "15\\text{ cm}^2"),
        ("864 \\mbox{ inches}^2", "864"),
        ("10,\\!080", "10080"),
        ("10080", "10{,}080"),
        ("1000000", "1 million"),
        ("0.28", "28\\%"),
        ("28\\%", "28 percent"),
        ("42", "forty-two"),
        ("3:1", "3"),
    ]);
    all_incorrect(&[("32349", "32, 349"), ("28\\%", "2.8"), ("1.5 \\text{ million}", "1.5")]);
}

#[test]
fn thinking_hides_what_is_said_inside() {
    let judge = |response: &str| with(&Config::default(), "42", response);
    assert_eq!(judge("<think>\\boxed{41}</think> It is \\boxed{42}."), Outcome::Correct);
    assert_eq!(judge("<think>\\boxed{42}</think> It is \\boxed{43}."), Outcome::Incorrect);
    assert_eq!(judge("<think>so \\boxed{42}"), Outcome::NoAnswer);
    let required = Config { thinking: Some(ThinkingRule::Required), ..Config::default() };
    assert_eq!(with(&required, "42", "\\boxed{42}"), Outcome::NoAnswer);
}

#[test]
fn the_last_box_decides_and_an_empty_one_is_no_answer() {
    let judge = |response: &str| with(&Config::default(), "5", response);
    assert_eq!(judge("\\boxed{5}. Wait, \\boxed{4}."), Outcome::Incorrect);
    assert_eq!(judge("\\boxed{4}. Wait, no. Then \\boxed{5}."), Outcome::Correct);
    assert_eq!(judge("\\boxed{5}, \\boxed{6}, \\boxed{7}"), Outcome::Incorrect);
    assert_eq!(judge("The final answer is 4, but \\boxed{5}"), Outcome::Correct);
    assert_eq!(judge("\\boxed{} and 5"), Outcome::NoAnswer);
    assert_eq!(judge("so \\boxed 5 it is"), Outcome::Correct);
    assert_eq!(judge("so \\boxed{5"), Outcome::Correct);
    assert_eq!(judge("so \\fbox{\\boxed{5}}"), Outcome::Correct);
    assert_eq!(judge(""), Outcome::NoAnswer);
}

#[test]
fn answer_lines_are_found_with_money_and_units() {
    for response in
        ["Work.\nA: $1,234.50.", "#### 1,234.5", "So the answer is $1,234.50.", "**Answer:** 1234.5 dollars"]
    {
        assert_eq!(with(&Config::default(), "1234.5", response), Outcome::Correct, "{response}");
    }
    assert_eq!(with(&Config::default(), "12", "…\nA: 12 dollars"), Outcome::Correct);
    assert_eq!(with(&Config::default(), "Sum is 18.\n#### 18", "…\nA: 18"), Outcome::Correct);
    assert_eq!(with(&Config::default(), "Sum is 18.\nA: 18", "…\nA: 19"), Outcome::Incorrect);
}

#[test]
fn an_unreadable_reference_says_nothing_about_the_response() {
    for gold in ["", "   ", "$$", "{", "\\boxed{}", "..."] {
        assert_eq!(with(&Config::default(), gold, "\\boxed{5}"), Outcome::Unparsable, "{gold:?}");
    }
    let rules = Config::default().rules().expect("the defaults are valid");
    let verdict = judge("\\boxed{5}", &[String::new(), "5".into()], &rules);
    assert_eq!(verdict.outcome, Outcome::Correct, "one readable reference is enough");
}

#[test]
fn choices_and_names_are_compared_as_words() {
    all_correct(&[("C", "\\text{(C)}"), ("\\text{(B)}", "B"), ("\\text{Evelyn}", "Evelyn"), ("yes", "\\text{Yes}")]);
    let judge = |gold: &str, response: &str| with(&Config::default(), gold, response);
    assert_eq!(judge("D", "The answer is for sure D, it can't be A or B"), Outcome::Correct);
    assert_eq!(judge("B", "It's not A because it doesn't fit, therefore I think it's B"), Outcome::Correct);
    assert_eq!(judge("C", "The answer is B."), Outcome::Incorrect);
    assert_eq!(judge("E", "\\boxed{\\mathrm{E}*2}"), Outcome::Incorrect);
}

#[test]
fn rules_change_what_they_name() {
    let judge = |config: Config, gold: &str, answer: &str| with(&config, gold, &format!("\\boxed{{{answer}}}"));
    let default = Config::default;
    let relative = Config { tolerance: Some(Tolerance::Relative { value: 0.05 }), ..default() };
    assert_eq!(judge(relative, "41.494", "17 + 10\\sqrt{6}"), Outcome::Correct);
    let order = || Config { list_order: Some(ListOrder::Same), ..default() };
    assert_eq!(judge(order(), "1,2", "2,1"), Outcome::Incorrect);
    assert_eq!(judge(default(), "1,2", "2,1"), Outcome::Correct);
    let percent = Config { percent: Some(PercentRule::Fraction), ..default() };
    assert_eq!(judge(percent, "9", "9\\%"), Outcome::Incorrect);
    let units = || Config { units: Some(UnitRule::Match), ..default() };
    assert_eq!(judge(units(), "10 \\text{ cm}", "10 \\text{ m}"), Outcome::Incorrect);
    assert_eq!(judge(units(), "10 \\text{ cm}", "10"), Outcome::Correct);
    let strict = Config { inequality_as_interval: Some(false), ..default() };
    assert_eq!(judge(strict, "(1,\\infty)", "x > 1"), Outcome::Incorrect);
    let hendrycks = Config { preset: Preset::Hendrycks, ..default() };
    assert_eq!(with(&hendrycks, "5", "The answer is 5."), Outcome::NoAnswer);
    let hash = Config { extraction: Some(vec![ExtractionRule::HashMarks]), ..default() };
    assert_eq!(with(&hash, "5", "\\boxed{4}\n#### 5"), Outcome::Correct);
    assert!(Config { extraction: Some(Vec::new()), ..default() }.rules().is_err());
    assert!(Config { tolerance: Some(Tolerance::Absolute { value: f64::NAN }), ..default() }.rules().is_err());
}

#[test]
fn a_spray_of_answers_is_not_correct() {
    all_incorrect(&[("42", "41, 42, 43"), ("42", "42 \\text{ or } 43"), ("C", "C \\text{ and } D"), ("3", "\\pm 3")]);
    let judge = |response: &str| with(&Config::default(), "A", response);
    assert_eq!(judge("A, B, C and D"), Outcome::Incorrect);
    assert_eq!(judge("\\boxed{A}, \\boxed{B}"), Outcome::Incorrect);
}

#[test]
fn an_interval_is_no_list_of_its_ends() {
    assert_eq!(boxed("[0,1]", "0, 1"), Outcome::Incorrect);
    assert_eq!(boxed("(1,3)", "\\{1,3\\}"), Outcome::Incorrect);
    assert_eq!(boxed("\\{0,1\\}", "[0,1]"), Outcome::Incorrect);
}

#[test]
fn numbers_in_words_and_numerals_have_their_value() {
    all_correct(&[
        ("three-fifths", "3/5"),
        ("\\text{one half}", "0.5"),
        ("first", "1"),
        ("XIV", "14"),
        ("14", "XIV"),
        ("-5", "\\text{negative five}"),
        ("3,14", "3.14"),
        ("0.1666\\ldots", "\\frac{1}{6}"),
        ("0.333...", "1/3"),
        ("⑦", "7"),
    ]);
    all_incorrect(&[("three-fifths", "5/3"), ("XIV", "16"), ("0.1666\\ldots", "0.1666")]);
}

#[test]
fn units_that_are_known_convert_and_never_cross_dimensions() {
    all_correct(&[
        ("1.5 \\text{ m}", "150 \\text{ cm}"),
        ("1 hour 30 minutes", "90 \\text{ minutes}"),
        ("1 hour 30 minutes", "1.5 \\text{ hours}"),
        ("20 \\text{ km/h}", "20000 \\text{ m per hour}"),
        ("5 ft 6 in", "66 \\text{ inches}"),
        ("7 \\text{ apples}", "7"),
    ]);
    all_incorrect(&[
        ("15 \\text{ cm}", "15 \\text{ m}"),
        ("15 \\text{ cm}^2", "15 \\text{ cm}^3"),
        ("10 \\text{ kg}", "10 \\text{ cm}"),
        ("20 \\text{ km/h}", "20 \\text{ km}"),
        ("1 \\pmod 4", "1 \\pmod 3"),
    ]);
    let units = |rule| Config { units: Some(rule), ..Config::default() };
    let judge = |rule, gold: &str, answer: &str| with(&units(rule), gold, &format!("\\boxed{{{answer}}}"));
    assert_eq!(judge(UnitRule::Require, "5 \\text{ cm}", "5"), Outcome::Incorrect);
    assert_eq!(judge(UnitRule::Require, "5 \\text{ cm}", "50 \\text{ mm}"), Outcome::Correct);
    assert_eq!(judge(UnitRule::Ignore, "5 \\text{ cm}", "5 \\text{ m}"), Outcome::Correct);
    assert_eq!(judge(UnitRule::Convert, "5 \\text{ apples}", "5 \\text{ pears}"), Outcome::Incorrect);
}

#[test]
fn bound_names_do_not_matter_and_others_do() {
    all_correct(&[
        ("\\frac{\\pi}{4}+k\\pi", "\\frac{\\pi}{4}+n\\pi, n \\in \\mathbb{Z}"),
        ("f(x)=cx+d", "f(x)=ax+b"),
        ("x^2+C", "x^2+K"),
        ("\\sum_{k=1}^{n} k^2", "\\sum_{i=1}^{n} i^2"),
        ("f(x)=2x+1", "y=2x+1"),
    ]);
    all_incorrect(&[
        ("k\\pi", "2n\\pi"),
        ("f(x)=ax+b", "f(x)=ax+a"),
        ("f(x)=ax+b", "f(x)=bx+a"),
        ("x^2+C", "x^2"),
        ("\\sum_{k=1}^{n} k", "\\sum_{k=1}^{n} n"),
        ("a", "b"),
    ]);
}

#[test]
fn inequalities_keep_their_direction() {
    all_correct(&[
        ("2x+y \\le 4", "y \\le 4-2x"),
        ("x > 3", "2x > 6"),
        ("|x| < 2", "(-2,2)"),
        ("|x-1| \\ge 2", "x \\le -1 \\text{ or } x \\ge 3"),
        ("x < -1 \\cup x > 1", "(-\\infty,-1)\\cup(1,\\infty)"),
    ]);
    all_incorrect(&[("2x > 6", "x < 3"), ("-x > 3", "x > -3"), ("|x| < 2", "[-2,2]"), ("2x+y \\le 4", "y < 4-2x")]);
}

#[test]
fn more_rules_change_what_they_name() {
    let judge = |config: Config, gold: &str, answer: &str| with(&config, gold, &format!("\\boxed{{{answer}}}"));
    let default = Config::default;
    let reduced = || Config { fractions: Some(FractionRule::Reduced), ..default() };
    assert_eq!(judge(reduced(), "\\frac{1}{2}", "\\frac{2}{4}"), Outcome::Incorrect);
    assert_eq!(judge(reduced(), "\\frac{1}{2}", "\\frac{1}{2}"), Outcome::Correct);
    assert_eq!(judge(default(), "\\frac{1}{2}", "\\frac{2}{4}"), Outcome::Correct);
    let cased = Config { letter_case: Some(LetterCase::Significant), ..default() };
    assert_eq!(judge(cased, "\\text{East}", "\\text{east}"), Outcome::Incorrect);
    assert_eq!(judge(default(), "\\text{East}", "\\text{east}"), Outcome::Correct);
    let listed = Config { list_as_set: Some(false), ..default() };
    assert_eq!(judge(listed, "\\{1,2\\}", "1,2"), Outcome::Incorrect);
    let rounded = |tolerance_for| Config { preset: Preset::Rounded, tolerance_for, ..default() };
    assert_eq!(judge(rounded(None), "299.94", "300"), Outcome::Correct);
    assert_eq!(judge(rounded(None), "300", "301"), Outcome::Incorrect, "two whole numbers are exact");
    assert_eq!(judge(rounded(Some(ToleranceFor::All)), "300", "301"), Outcome::Correct);
    let only = Config { boxed_only: true, ..default() };
    assert_eq!(with(&only, "5", "The answer is 5."), Outcome::NoAnswer);
    let ends = Config { thinking_ends: Some("</reason>".into()), ..default() };
    assert_eq!(with(&ends, "5", "\\boxed{4}</reason>\\boxed{5}"), Outcome::Correct);
    assert!(Config { boxed_only: true, extraction: Some(vec![ExtractionRule::Bold]), ..default() }.rules().is_err());
}
