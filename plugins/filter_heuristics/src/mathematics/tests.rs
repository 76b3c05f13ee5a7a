//! What the preset for mathematics keeps, and for which reason it drops the rest.

use crate::{Config, Heuristics};
use octo_sdk::{DataFilter, Decision, Document, Plugin};

/// A worked solution with blanks around its signs: three words in five have no letter.
const SOLUTION: &str = "\
A boat goes 18 km down a river in 2 hours and comes back in 3 hours. How fast is the water?
Down the river: 18 / 2 = 9 km in an hour. Up the river: 18 / 3 = 6 km in an hour.
Let b be the boat and w the water. Then b + w = 9 and b - w = 6 .
b + w + b - w = 9 + 6
2 * b = 15
b = 15 / 2 = 7.5
w = 9 - 7.5 = 1.5
Check: 7.5 + 1.5 = 9 and 7.5 - 1.5 = 6 . The water runs at 1.5 km in an hour.
";

const CHINESE: &str = "\
设函数 $f(x)=x^2-4x+3$，求它的最小值。
配方得 $f(x)=(x-2)^2-1$，因为平方不小于零，所以当 $x=2$ 时函数取得最小值。
由此可知最小值等于负一，并且图像的顶点在点 $(2,-1)$ 处。
再看方程 $f(x)=0$ 的根：由 $(x-2)^2=1$ 得到一和三这两个解，它们关于直线 $x=2$ 对称。
";

const TEX: &str = "\
# The sum of odd numbers

Let $n$ be a natural number. We prove that $$\\sum_{k=1}^{n} (2k-1) = n^2.$$

For $n = 1$ both sides are $1$. Suppose that it holds for $n$; then
\\begin{align}
\\sum_{k=1}^{n+1} (2k-1) &= n^2 + 2n + 1 \\\\ &= (n+1)^2.
\\end{align}
So it holds for $n + 1$ too, and by induction for every $n$. A picture shows the same: each odd number is an angle of
stones that makes a square larger by one.
";

fn reason_with(mut config: serde_json::Value, text: &str) -> Option<String> {
    config["preset"] = "mathematics".into();
    let config: Config = serde_json::from_value(config).expect("taken");
    let document =
        Document { id: String::new(), text: text.into(), url: None, source: String::new(), year: None, fields: vec![] };
    match Heuristics::new(config).expect("valid").filter(&document).expect("a decision") {
        Decision::Drop(reason) => Some(reason),
        _ => None,
    }
}

fn reason(text: &str) -> Option<String> {
    reason_with(serde_json::json!({}), text)
}

#[test]
fn formulas_and_other_scripts_are_content() {
    for text in [SOLUTION, CHINESE, TEX] {
        assert_eq!(reason(text), None, "{text}");
    }
}

#[test]
fn what_is_not_a_page_of_text_is_dropped_as_ever() {
    let navigation: String =
        ["Home", "About us", "Contact", "Our shops", "Site map", "Impressum", "Careers", "Press room"]
            .iter()
            .enumerate()
            .map(|(index, name)| format!("{name} and all of part {}\n", ["one", "two", "three", "four"][index % 4]))
            .collect();
    let cookies = "We use cookies\nLog in\nSubscribe now\nPrivacy policy\n".to_owned() + SOLUTION;
    let numbers: String = (100..160).map(|number| format!("{number} {} | ", number * 7)).collect();
    let repeated = SOLUTION.repeat(3);
    for (text, expected) in [
        ("", "too-short"),
        ("The sum is $5$.", "too-few-words"),
        (&*navigation, "link-list"),
        (&cookies, "boilerplate"),
        (&numbers, "low-content-share"),
        (&repeated, "repetitive"),
        (&"湖は水面から凍ります。".repeat(9), "repetitive"),
        (&SOLUTION.replace(" the ", " ##the## "), "symbols"),
    ] {
        assert_eq!(reason(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn a_problem_about_cookies_is_no_boilerplate() {
    let text = "Ann bakes 3 trays of 12 cookies.\nBob eats 6 cookies.\nHow many of the 36 cookies are left?\n\
                3 * 12 = 36 cookies are baked, and 36 - 6 = 30 are left for the others.\n";
    assert_eq!(reason(text), None);
}

#[test]
fn settings_beside_the_preset_win() {
    assert_eq!(reason_with(serde_json::json!({ "min_words": 500 }), TEX).as_deref(), Some("too-few-words"));
    assert_eq!(
        reason_with(serde_json::json!({ "min_function_words": 8 }), CHINESE).as_deref(),
        Some("few-function-words")
    );
}
