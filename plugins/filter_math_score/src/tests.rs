//! What pages get, and that nothing else decides it.

use super::*;

const LESSON: &str = "\
Solve the quadratic equation $x^2 - 5x + 6 = 0$.

Step 1. Find two numbers whose product is $6$ and whose sum is $5$. Since $2 \\cdot 3 = 6$ and $2 + 3 = 5$, we get the
factors $(x - 2)(x - 3) = 0$. Step 2. A product is zero if a factor is, therefore $x = 2$ or $x = 3$. Finally we check the
answer: $2^2 - 5 \\cdot 2 + 6 = 0$ and $3^2 - 5 \\cdot 3 + 6 = 0$, so both solutions of the equation hold. Its coefficients
are integers, and so are the roots.
";
const SUMS: &str = "\
A shop sells 4 boxes of 6 eggs and 3 boxes of 10 eggs. How many eggs does it sell in a week of 6 days?
The small boxes have 4 * 6 = 24 eggs. The large boxes have 3 * 10 = 30 eggs.
So on one day it sells 24 + 30 = 54 eggs. Then in a week it sells 6 * 54 = 324 eggs.
";
const RESEARCH: &str = "\
Theorem. Let $X$ be a smooth manifold and $\\mathcal{F}$ a sheaf on it. Then $H^i(X, \\mathcal{F}) = 0$ for $i > n$. Proof. We
use the functor of cohomology: since $\\mathcal{F}$ is soft, it follows that $H^i = 0$ by the lemma, hence the theorem. The
homotopy type gives $\\pi_1(X) = 0$, and the homology of a symplectic manifold is $H_2(X) \\neq 0$; thus we obtain the rest.
";
const TEA: &str = "\
The teacher came at four with a basket, and the old mill was full of light. They had bread and cheese on the wall, and
none of the seven pictures looked like another. So they went home, since it was late, and then nobody spoke.
";
const SHOP: &str =
    "New phone, only $199 today! Set of 3 cases, 20% off. Order number 12. Size = XL, colour = red. Call 555 1234.";
const CHINESE: &str = "例：求方程 $x^2-5x+6=0$ 的根。由于 $x^2-5x+6=(x-2)(x-3)$，所以 $x=2$ 或 $x=3$。因此方程有两个整数根，可得 $2+3=5$，即系数的相反数。";

fn score(text: &str) -> u32 {
    Shares::of(text).score()
}

#[test]
fn lessons_score_high_and_other_pages_low() {
    for (text, expected) in [(LESSON, 5), (SUMS, 5), (RESEARCH, 4), (TEA, 0), (SHOP, 0), ("", 0), ("$x$", 0)] {
        assert_eq!(score(text), expected, "{text}\n{:?}", Shares::of(text));
    }
    assert!(score(CHINESE) >= 4, "{:?}", Shares::of(CHINESE));
}

#[test]
fn a_formula_on_a_long_page_of_something_else_is_a_passing_mention() {
    assert_eq!(score(&(TEA.repeat(2) + LESSON)), 5);
    assert_eq!(score(&(TEA.repeat(300) + LESSON)), 0);
}

#[test]
fn code_is_no_mathematics() {
    assert_eq!(score("```\nx = 3\ny = 4\nz = x + y\nif x == 3: y = 5\n```\n"), 0);
    assert_eq!(score("Set the option with name = value and size = large in the file."), 0);
}

fn decide(config: serde_json::Value, text: &str) -> Decision {
    let filter = MathScore::new(serde_json::from_value(config).expect("known keys")).expect("valid");
    let document =
        Document { id: "1".into(), text: text.into(), url: None, source: "web".into(), year: None, fields: vec![] };
    filter.filter(&document).expect("a decision")
}

#[test]
fn the_score_and_the_shares_become_fields() {
    let field = |name: &str, value: &str| Field::new(name, value);
    assert_eq!(
        decide(serde_json::json!({}), TEA),
        Decision::Annotate(vec![
            field("math_score", "0"),
            field("math_score_content", "0.00"),
            field("math_score_topics", "0.00"),
            field("math_score_solving", "0.00"),
            field("math_score_steps", "0.00"),
            field("math_score_level", "0.00"),
        ])
    );
    let config = serde_json::json!({ "field": "points", "shares": false, "min_score": 5 });
    assert_eq!(decide(config.clone(), LESSON), Decision::Annotate(vec![field("points", "5")]));
    assert_eq!(decide(config, RESEARCH), Decision::Drop("low-math-score".to_owned()));
}

#[test]
fn senseless_configs_are_refused() {
    for (config, message) in [
        (Config { field: " ".into(), ..Config::default() }, "field is empty; name the field that gets the score"),
        (Config { min_score: 6, ..Config::default() }, "min_score is 6; a score is at most 5"),
    ] {
        assert_eq!(MathScore::new(config).err().map(|error| error.message).as_deref(), Some(message));
    }
}

#[test]
fn odd_texts_are_read_to_their_end() {
    for text in [
        "$".repeat(100_000),
        "\\(".repeat(50_000),
        "= ".repeat(50_000),
        "```\n$x$\n".repeat(20_000),
        "\u{0}=\u{0}".to_owned(),
    ] {
        assert!(score(&text) <= 1);
    }
}
