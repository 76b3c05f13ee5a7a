//! Input made to hang or crash a grader ends with a verdict, by bounds and not by a clock.

use octo_answers::config::Preset;
use octo_answers::{Outcome, judge};

fn outcome(gold: &str, response: &str) -> Outcome {
    judge(response, &[gold.to_string()], &Preset::MathVerify.rules()).outcome
}

#[test]
fn deep_nesting_ends() {
    for (open, close) in
        [("(", ")"), ("{", "}"), ("[", "]"), ("\\{", "\\}"), ("|", "|"), ("\\sqrt{", "}"), ("\\frac{1}{", "}")]
    {
        for depth in [40, 200, 3_000, 30_000] {
            let answer = format!("\\boxed{{{}1{}}}", open.repeat(depth), close.repeat(depth));
            assert_ne!(outcome("2", &answer), Outcome::Correct, "{open} × {depth}");
            let unclosed = format!("\\boxed{{{}", open.repeat(depth));
            assert_ne!(outcome("2", &unclosed), Outcome::Correct, "unclosed {open} × {depth}");
        }
    }
    for open in [
        "\\[",
        "$",
        "$$",
        "\\boxed{",
        "\\boxed",
        "**",
        "<think>",
        "x\\in(",
        "1\\frac{",
        "-",
        "x^",
        "x_",
        "\\text{",
        "\\begin{pmatrix}",
        "{x|",
        "\\sin ",
        "f(",
        "a:",
    ] {
        let text = open.repeat(20_000);
        assert_ne!(outcome("2", &text), Outcome::Correct, "{open}");
        assert_ne!(outcome("2", &format!("\\boxed{{{}}}", open.repeat(1_000))), Outcome::Correct, "boxed {open}");
    }
}

#[test]
fn towers_and_factorials_are_not_computed() {
    for answer in [
        "9^9^9^9",
        "9^{9^{9^{9^9}}}",
        "10000000!",
        "((10!)!)!",
        "\\binom{1000000}{500000}",
        "\\sum_{k=1}^{10^9} \\frac{1}{k}",
        "\\dfrac{5^{\\left(5^{\\left(5^{\\left(5^5\\right)}\\right)} - 4\\right)} - 5}{16}",
        "1e999999999",
        "(x+y+z+w+1)^{9999}",
        "(1+x)^{64}(1+y)^{64}(1+z)^{64}",
        "\\sqrt[1000000]{2}",
        "\\gcd(10^{9999}, 3^{9999})",
    ] {
        assert_ne!(outcome("7", &format!("\\boxed{{{answer}}}")), Outcome::Correct, "{answer}");
        assert_ne!(outcome(answer, "\\boxed{7}"), Outcome::Correct, "{answer}");
    }
    assert_eq!(outcome("2^{1000}", "\\boxed{4^{500}}"), Outcome::Correct);
}

#[test]
fn long_numbers_are_compared() {
    let long = "7".repeat(100_000);
    assert_ne!(outcome("7", &format!("\\boxed{{{long}}}")), Outcome::Correct);
    let digits = "123456789".repeat(300);
    assert_eq!(outcome(&digits, &format!("\\boxed{{{digits}}}")), Outcome::Correct);
    assert_eq!(outcome(&digits, &format!("\\boxed{{{digits}1}}")), Outcome::Incorrect);
}

#[test]
fn a_hundred_kilobytes_of_anything_ends() {
    for piece in [
        "a",
        "1",
        " ",
        "\n",
        "\\",
        "1,",
        "x+",
        "1/",
        "=",
        "$1$ ",
        "\\boxed{1} ",
        "A: 1\n",
        "answer is ",
        "éß∞",
        "\0",
        "1 000 ",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        assert_ne!(outcome("17", &text), Outcome::Correct, "{piece:?}");
        // As a reference too, and inside a box.
        outcome(&text, "17");
        assert_ne!(outcome("17", &format!("\\boxed{{{text}}}")), Outcome::Correct, "{piece:?}");
    }
    let many: Vec<String> = (0..700).map(|n| (n % 10).to_string()).collect();
    let list = many.join(", ");
    assert_eq!(outcome(&list, &format!("\\boxed{{{list}}}")), Outcome::Correct);
}

#[test]
fn any_cut_of_a_real_looking_answer_is_judged() {
    let text = "Wir haben $x=\\frac{-1\\pm\\sqrt{5}}{2}$, also \\boxed{\\left\\{\\frac{-1\\pm\\sqrt{5}}{2}, 3\\tfrac12, 0.\\overline{3}\\right\\}} €.";
    let cuts: Vec<usize> = (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)).collect();
    for start in &cuts {
        for end in cuts.iter().filter(|end| *end >= start) {
            outcome("3", &text[*start..*end]);
            outcome(&text[*start..*end], "\\boxed{3}");
        }
    }
}
