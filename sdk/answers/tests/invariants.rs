//! What must hold for every gold answer of real data: a changed one is wrong, and order of comparison does not matter.

mod shared_data;

use octo_answers::config::Preset;
use octo_answers::{Outcome, judge};
use shared_data::{rows, text};

const SETS: [(&str, &str); 5] = [
    ("problems/gsm8k_test.jsonl", "answer"),
    ("problems/asdiv.jsonl", "answer"),
    ("problems/mawps.jsonl", "target"),
    ("problems/svamp.jsonl", "Answer"),
    ("problems/math500.jsonl", "answer"),
];

fn golds(path: &str, key: &str) -> Vec<String> {
    rows(path)
        .iter()
        .map(|row| text(&row[key]).rsplit("####").next().unwrap_or_default().trim().to_string())
        .filter(|gold| !gold.is_empty())
        .collect()
}

fn boxed(gold: &str, answer: &str) -> (Outcome, String) {
    let verdict = judge(&format!("So \\boxed{{{answer}}}."), &[gold.to_string()], &Preset::MathVerify.rules());
    (verdict.outcome, verdict.reason)
}

/// The same text with one digit, sign, operator or bracket changed, at every place where there is one.
fn perturbed(gold: &str) -> Vec<String> {
    let mut out = Vec::new();
    // What stands in brackets after a value is its unit.
    let end = gold.find(" (").unwrap_or(gold.len());
    for (at, character) in gold.char_indices().take_while(|(at, _)| *at < end) {
        let replaced = |with: &str| format!("{}{with}{}", &gold[..at], &gold[at + character.len_utf8()..]);
        match character {
            '0'..='9' => {
                let next = (character as u8 - b'0' + 1) % 10;
                out.push(replaced(&next.to_string()));
            }
            '+' => out.push(replaced("-")),
            '-' => out.push(replaced(if at == 0 { "" } else { "+" })),
            // Which bracket stands at infinity is a matter of taste.
            '(' | '[' if gold.starts_with("(-\\infty") => {}
            '(' if gold.matches(',').count() == 1 && at == 0 => out.push(replaced("[")),
            '[' if gold.matches(',').count() == 1 && at == 0 => out.push(replaced("(")),
            '<' => out.push(replaced(">")),
            '>' => out.push(replaced("<")),
            _ => {}
        }
    }
    if gold.starts_with(|c: char| c.is_ascii_digit()) && !gold.starts_with("0") {
        out.push(format!("-{gold}"));
    }
    out
}

#[test]
fn a_perturbed_gold_is_never_correct() {
    let mut judged = 0;
    let mut passed = Vec::new();
    for (path, key) in SETS {
        for gold in golds(path, key) {
            for changed in perturbed(&gold) {
                judged += 1;
                let (outcome, reason) = boxed(&gold, &changed);
                if outcome == Outcome::Correct {
                    passed.push(format!("{path}: {changed:?} passes for {gold:?}: {reason}"));
                }
            }
        }
    }
    assert!(passed.is_empty(), "{} of {judged}:\n{}", passed.len(), passed.join("\n"));
}

/// Equal values are not an error, so pairs of equal numbers are left out; formulas are compared as they are.
#[test]
fn no_gold_of_math_passes_for_another() {
    let golds = golds("problems/math500.jsonl", "answer");
    let mut passed = Vec::new();
    for (index, gold) in golds.iter().enumerate() {
        for step in [1, 17, 101, 211] {
            let other = &golds[(index + step) % golds.len()];
            if boxed(gold, other).0 == Outcome::Correct && squeezed(gold) != squeezed(other) {
                passed.push(format!("{other:?} passes for {gold:?}"));
            }
        }
    }
    assert!(passed.is_empty(), "{}", passed.join("\n"));
}

/// A text without what only looks different: `\dfrac`, spacing, delimiters, assignment, groups of thousands.
fn squeezed(text: &str) -> String {
    text.trim_start_matches("x=")
        .replace("\\dfrac", "\\frac")
        .replace("\\!", "")
        .replace(['$', ' ', ','], "")
        .replace("^\\circ", "")
}

#[test]
fn comparing_two_golds_either_way_says_the_same() {
    let golds = golds("problems/math500.jsonl", "answer");
    for (index, gold) in golds.iter().enumerate() {
        for step in [3, 29] {
            let other = &golds[(index + step) % golds.len()];
            assert_eq!(boxed(gold, other).0, boxed(other, gold).0, "{gold:?} and {other:?}");
        }
    }
}
