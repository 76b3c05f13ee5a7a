//! The reference verifiers judge whatever a model writes, up to 100 kB of it, within the fuel and the memory that every
//! item has: in the sandbox, with the limits of a recipe that names none.

#[path = "guests/built.rs"]
mod built;

use std::cell::RefCell;

use octo_plugin::types::{Attempt, Outcome, Verdict};
use octo_plugin::{Limits, LoadedPlugin, Verifier};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

/// The longest response.
const LONGEST: usize = 100_000;

const VERIFIERS: [&str; 3] = ["verifier_math", "verifier_choice", "verifier_exact"];

/// What one piece of a response may be, from the parts that cost a reader something.
const PIECES: [&str; 68] = [
    "\\boxed{",
    "}",
    "{",
    "(",
    ")",
    "[",
    "]",
    "|",
    "\\{",
    "\\}",
    "\\left(",
    "\\right)",
    "\\frac",
    "\\frac{1}{",
    "\\sqrt{",
    "\\sqrt[3]{",
    "^",
    "^{",
    "_",
    "_{",
    "\\sum_{k=1}^{",
    "\\prod_{i=1}^{n}",
    "\\int_0^1",
    "\\lim_{x\\to 0}",
    "\\binom{9}{4}",
    "1",
    "23",
    "0.5",
    "999999999999",
    "1,234",
    "x",
    "y_1",
    "a_{n-1}",
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
    "\\ne",
    "\\cup",
    "\\cap",
    "\\in",
    ",",
    ";",
    ":",
    "\\text{ and }",
    "$",
    "$$",
    "\\[",
    "\\]",
    "\\pm",
    "!",
    "%",
    "^\\circ",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "&",
    "\\\\",
    "\\cdots",
    " ",
    "\n",
    "the answer is ",
    "<think>",
];

fn load(name: &str) -> Verifier {
    match built::load(&built::host(), name, &json!({}), &Limits::default()).expect(name) {
        LoadedPlugin::Verifier(verifier) => verifier,
        _ => panic!("{name} is a verifier"),
    }
}

fn attempt(response: &str, reference: &str) -> Attempt {
    Attempt {
        problem: "What is it?\nA. 1\nB. 2".into(),
        response: response.into(),
        references: vec![reference.into()],
        fields: Vec::new(),
    }
}

/// A text cut to the longest that a response may be, at a character.
fn cut(mut text: String) -> String {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// One verdict for every attempt, and none of them a failure.
fn judged(verifier: &mut Verifier, attempts: &[Attempt]) -> Vec<Verdict> {
    let verdicts = verifier.verify(attempts);
    assert_eq!(verdicts.len(), attempts.len());
    verdicts
        .into_iter()
        .zip(attempts)
        .map(|(verdict, attempt)| {
            verdict.unwrap_or_else(|failure| {
                let start: String = attempt.response.chars().take(80).collect();
                let gold: String = attempt.references[0].chars().take(80).collect();
                panic!("{failure:?} for {start:?} against {gold:?}")
            })
        })
        .collect()
}

/// Responses that are known to hang one grader or another, and the worst of every kind of growth.
fn pathological() -> Vec<String> {
    let filled = |piece: &str| cut(piece.repeat(LONGEST / piece.len()));
    let nested =
        |open: &str, close: &str, depth: usize| format!("\\boxed{{{}1{}}}", open.repeat(depth), close.repeat(depth));
    let mut out = Vec::new();
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("[", "]"),
        ("\\{", "\\}"),
        ("|", "|"),
        ("\\left(", "\\right)"),
        ("\\sqrt{", "}"),
        ("\\frac{1}{", "}"),
        ("\\frac{", "}{2}"),
        ("x^{", "}"),
        ("x_{", "}"),
        ("\\text{", "}"),
        ("\\sin(", ")"),
        ("f(", ")"),
        ("\\boxed{", "}"),
        ("\\begin{pmatrix}", "\\end{pmatrix}"),
        ("\\sum_{k=1}^{", "}k"),
    ] {
        for depth in [40, 300, LONGEST / (open.len() + close.len() + 1)] {
            out.push(nested(open, close, depth));
            out.push(format!("\\boxed{{{}", open.repeat(depth.min(LONGEST / open.len() - 10))));
        }
    }
    for piece in [
        "7",
        "1 ",
        "1,",
        "1, ",
        "x+",
        "(a-b)(c-d)",
        "1/",
        "9^",
        "2!",
        "-",
        "--",
        "=",
        "x=",
        "a:",
        "\\frac12",
        "\\frac",
        "\\[",
        "$",
        "$$",
        "$x$ ",
        "$1$ ",
        "\\boxed",
        "\\boxed{1} ",
        "\\boxed{1}, ",
        "\\boxed{x+1} and ",
        "**1** ",
        "#### 1\n",
        "A: 1\n",
        "A: ",
        "answer is ",
        "The final answer is 1. ",
        "<answer>1</answer>",
        "<think>",
        "</think>",
        "1 000 ",
        "0.",
        "1.5.",
        "\\pm 1,",
        "1\\pm",
        "\\cup(1,2)",
        "x<",
        "\\text{ or }",
        "and ",
        "one hundred ",
        "wait ",
        "\n",
        " ",
        "\\",
        "\\\\",
        "\\ ",
        "\0",
        "é",
        "∞",
        "½",
        "²",
        "🙂",
        "real ",
        "a_1+",
        "\\cdots+",
        "\\sqrt2",
        "e^{i",
        "C(6,3)",
        "\\gcd(6,",
        "\\sum_{k=1}^{9}",
        "1&2\\\\",
        "{x|",
        "km/h ",
        "%",
        "^\\circ",
        "'",
    ] {
        out.push(filled(piece));
        out.push(format!("\\boxed{{{}}}", cut(piece.repeat(3_900 / piece.len()))));
        out.push(cut(format!("\\boxed{{{}}}", filled(piece))));
    }
    for short in [
        "9^9^9^9",
        "9^{9^{9^{9^9}}}",
        "2^{65536}-3^{40000}",
        "10000000!",
        "((10!)!)!",
        "3000!+2999!",
        "\\binom{1000000}{500000}",
        "\\binom{10000}{5000}",
        "\\sum_{k=1}^{10^9}\\frac{1}{k}",
        "\\sum_{k=1}^{200}k^{900}",
        "\\sum_{k=1}^{200}\\frac{1}{k!}",
        "\\sum_{k=0}^{\\infty}(1/2)^{10^9k}",
        "\\prod_{k=1}^{200}k!",
        "\\int_0^{10^{4000}}x^{32}dx",
        "\\lim_{x\\to 0}\\frac{(x^2+x)^{16}}{x^{16}}",
        "a_1+a_2+\\cdots+a_n",
        "(a_1+a_2+\\cdots+a_n)(b_1+b_2+\\cdots+b_m)(c_1+c_2+\\cdots+c_k)",
        "\\dfrac{5^{\\left(5^{\\left(5^{\\left(5^5\\right)}\\right)} - 4\\right)} - 5}{16}",
        "1e999999999",
        "(x+y+z+w+1)^{9999}",
        "(x+y+z+w+1)^{64}",
        "(1+x)^{64}(1+y)^{64}(1+z)^{64}",
        "\\sqrt[1000000]{2}",
        "\\sqrt{\\sqrt{\\sqrt{2}+\\sqrt{3}}+\\sqrt{5}}",
        "\\gcd(10^{9999}, 3^{9999})",
        "0.\\overline{123456789123456789}",
    ] {
        out.push(format!("\\boxed{{{short}}}"));
    }
    // Lists long enough to be matched without order, of entries that are dear to compare.
    let list = |entry: &dyn Fn(usize) -> String, many: usize| (0..many).map(entry).collect::<Vec<_>>().join(", ");
    out.push(format!("\\boxed{{{}}}", list(&|n| format!("\\sqrt{{{n}}}+\\sqrt{{{}}}", n + 1), 40)));
    out.push(format!("\\boxed{{{}}}", list(&|n| format!("(x+{n})^{{12}}"), 40)));
    out.push(format!("\\boxed{{\\{{{}\\}}}}", list(&|n| format!("\\sin {n}x"), 200)));
    out.push(format!("\\boxed{{{}}}", list(&|n| format!("({n}, {})", n + 1), 400)));
    out.push(format!("\\boxed{{{}}}", list(&|n| format!("{n} < x < {}", n + 1), 200)));
    out.into_iter().map(cut).collect()
}

/// References that make a comparison go as deep as it can.
const REFERENCES: [&str; 7] = [
    "7",
    "(a+b+c+d)^{60}",
    "\\sin x + \\sqrt{x}",
    "x^2-5x+6=0",
    "1, 2, 3, \\sqrt{5}, \\pi",
    "(-\\infty, 1) \\cup (2, \\infty)",
    "\\sum_{k=1}^{n} k^2",
];

#[test]
fn no_pathological_response_or_reference_runs_out_of_fuel() {
    let inputs = pathological();
    for name in VERIFIERS {
        let mut verifier = load(name);
        for (at, input) in inputs.iter().enumerate() {
            // The last two hand the input over as a reference, alone and against itself.
            let gold = REFERENCES[at % REFERENCES.len()];
            let inner = input.trim_start_matches("\\boxed{");
            let attempts = [attempt(input, gold), attempt(&format!("\\boxed{{{gold}}}"), inner), attempt(input, inner)];
            judged(&mut verifier, &attempts);
        }
    }
}

#[test]
fn a_long_answer_is_equal_to_itself_in_the_sandbox() {
    let mut verifier = load("verifier_math");
    let digits = "123456789".repeat(1_500);
    let list = (0..200).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    for gold in [digits.as_str(), &list, "a_1+a_2+\\cdots+a_n", "(x+y+z+w+1)^{64}"] {
        let verdicts = judged(&mut verifier, &[attempt(&format!("So \\boxed{{{gold}}}."), gold)]);
        assert_eq!(verdicts[0].outcome, Outcome::Correct, "{}", verdicts[0].reason);
    }
}

/// A few pieces over and over, bare and in a box, up to the longest response; and against themselves.
#[test]
fn no_random_response_runs_out_of_fuel() {
    let pieces = |range| prop::collection::vec(prop::sample::select(&PIECES), range);
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    let verifiers = RefCell::new(VERIFIERS.map(load));
    TestRunner::new(config)
        .run(&(pieces(1..400), 1..LONGEST, pieces(1..60)), |(one, bytes, gold)| {
            let (one, gold) = (one.concat(), gold.concat());
            let mut long = one.repeat(bytes / one.len() + 1);
            // Every piece is ASCII.
            long.truncate(bytes);
            let boxed = format!("\\boxed{{{one}}}");
            let attempts = [
                attempt(&long, "17"),
                attempt(&cut(format!("\\boxed{{{long}}}")), &gold),
                attempt(&boxed, &one),
                attempt(&boxed, &gold),
                attempt(&format!("\\boxed{{{gold}}}"), &gold),
                attempt(&gold, &long),
            ];
            for verifier in verifiers.borrow_mut().iter_mut() {
                judged(verifier, &attempts);
            }
            Ok(())
        })
        .expect("a verdict for every response");
}
