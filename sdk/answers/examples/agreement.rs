//! Measures the verifier against labelled data and prints every disagreement.
//!
//! `OCTO_SHARED` names the folder with `data/`; what is not there is skipped.
//! Arguments: any of `gsm8k`, `cases`, `latex`, `golds`, `reports`; all without. A path is a file of lines
//! `reference TAB answer TAB true|false`: `.tsv` files hold answers that are judged inside a box, others whole responses
//! with `⏎` for the ends of their lines; `.jsonl` files hold rows as `reports/verifier.jsonl` has them. `OCTO_PRESET` names the preset for `cases`, or is `matching` for the rules
//! that each case's source states; for `latex` it may be `polynomials`, for common divisors of polynomials.

#[path = "../tests/shared_data/mod.rs"]
mod shared_data;

use octo_answers::config::{Config, Preset, ThinkingRule};
use octo_answers::{Outcome, choices, judge};
use serde_json::Value;
use shared_data::{rows, text};
use std::collections::BTreeMap;

fn gsm8k() {
    let rules = Preset::Gsm8k.rules();
    let (mut agreed, mut total) = (0, 0);
    for row in rows("responses/gsm8k_model_solutions.jsonl") {
        let gold = text(&row["ground_truth"]);
        for model in ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"] {
            let response = text(&row[model]["solution"]);
            let label = row[model]["is_correct"].as_bool().unwrap_or(false);
            let verdict = judge(&response, std::slice::from_ref(&gold), &rules);
            total += 1;
            if (verdict.outcome == Outcome::Correct) == label {
                agreed += 1;
            } else {
                let tail = |text: &str| -> String {
                    let skip = text.chars().count().saturating_sub(160);
                    text.chars().skip(skip).collect()
                };
                println!(
                    "- {model}: labelled {label}, judged {:?} ({}; extracted {:?})\n  gold ends {:?}\n  response ends {:?}",
                    verdict.outcome,
                    verdict.reason,
                    verdict.extracted,
                    gold.lines().last().unwrap_or(""),
                    tail(&response)
                );
            }
        }
    }
    println!("gsm8k: {agreed}/{total} agree");
}

/// The config that the source of a case states for it.
fn matching(row: &Value) -> Config {
    let id = text(&row["id"]);
    match id.split('/').next().unwrap_or("") {
        "hendrycks_math" => Config { preset: Preset::Hendrycks, ..Config::default() },
        // Within 5%, by its own account.
        "hardverify_math" => Config { preset: Preset::Rounded, ..Config::default() },
        "mv" => {
            Config { inequality_as_interval: row["config"]["allow_set_relation_comp"].as_bool(), ..Config::default() }
        }
        "trl" if row["config"]["grader"] == "reasoning_accuracy_reward" => Config {
            thinking: Some(ThinkingRule::Required),
            thinking_ends: row["config"]["reasoning_delimiters"][0].as_str().map(Into::into),
            ..Config::default()
        },
        _ => Config::default(),
    }
}

fn cases() {
    let mut suites: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for row in rows("verifier/cases.jsonl") {
        let places = row["config"]["float_rounding"].as_u64();
        let rounded_decimal_places = places.map(|places| places as u32);
        let config = match std::env::var("OCTO_PRESET").as_deref() {
            Ok("matching") => Config { rounded_decimal_places, ..matching(&row) },
            Ok(name) => Config {
                preset: serde_json::from_value(Value::String(name.into())).unwrap_or_default(),
                rounded_decimal_places,
                ..Config::default()
            },
            Err(_) => Config { rounded_decimal_places, ..Config::default() },
        };
        let Ok(rules) = config.rules() else { continue };
        let verdict = judge(&text(&row["pred"]), &[text(&row["gold"])], &rules);
        let expected = row["expected"].as_bool();
        let right = match expected {
            Some(label) => (verdict.outcome == Outcome::Correct) == label,
            None => verdict.outcome == Outcome::Unparsable,
        };
        let id = text(&row["id"]);
        let suite = id.split('/').next().unwrap_or("").to_string();
        let noted = if row["note"].is_string() || row["disabled"].is_boolean() { " (noted)" } else { "" };
        let count = suites.entry(format!("{suite}{noted}")).or_default();
        count.1 += 1;
        if right {
            count.0 += 1;
        } else {
            let clip = |text: String| -> String {
                let skip = text.chars().count().saturating_sub(150);
                text.chars().skip(skip).collect()
            };
            println!(
                "{id}: expected {expected:?}, judged {:?} ({}; extracted {:?})\n    gold {:?}\n    pred {:?}",
                verdict.outcome,
                verdict.reason,
                verdict.extracted,
                clip(text(&row["gold"])),
                clip(text(&row["pred"]))
            );
        }
    }
    let (mut right, mut all) = (0, 0);
    for (suite, (passed, total)) in &suites {
        println!("{suite}: {passed}/{total}");
        right += passed;
        all += total;
    }
    println!("cases: {right}/{all}");
}

fn latex() {
    let rules = Config {
        rounded_decimal_places: Some(9),
        // The values are what a program printed that counts in doubles.
        tolerance: Some(octo_answers::config::Tolerance::Relative { value: 1e-8 }),
        polynomial_divisors: Some(std::env::var("OCTO_PRESET").as_deref() == Ok("polynomials")),
        ..Config::default()
    }
    .rules()
    .unwrap_or_default();
    let (mut right, mut all, mut parsed, mut total) = (0, 0, 0, 0);
    for row in rows("verifier/latex_values.jsonl") {
        let latex = text(&row["latex"]);
        total += 1;
        // A text that reads as mathematics is equal to itself in brackets.
        let reads = octo_answers::reads_as_mathematics(&latex);
        parsed += u32::from(reads);
        let Some(value) = row["value"].as_str() else {
            if !reads {
                println!("does not read: {latex:?}");
            }
            continue;
        };
        if value.contains(['(', '{', '[']) || value.chars().all(char::is_alphabetic) {
            continue;
        }
        all += 1;
        let verdict = judge(&format!("\\boxed{{{value}}}"), std::slice::from_ref(&latex), &rules);
        if verdict.outcome == Outcome::Correct {
            right += 1;
        } else {
            println!("{latex:?} is {value}: {:?} {}", verdict.outcome, verdict.reason);
        }
    }
    println!("latex: {right}/{all} have the stated value; {parsed}/{total} read as mathematics");
}

fn golds() {
    let sets = [
        ("problems/gsm8k_train.jsonl", "answer"),
        ("problems/gsm8k_test.jsonl", "answer"),
        ("problems/asdiv.jsonl", "answer"),
        ("problems/mawps.jsonl", "target"),
        ("problems/svamp.jsonl", "Answer"),
        ("problems/math500.jsonl", "answer"),
        ("problems/math500.jsonl", "solution"),
    ];
    let rules = Preset::MathVerify.rules();
    for (path, key) in sets {
        let golds: Vec<String> = rows(path).iter().map(|row| text(&row[key])).collect();
        let mut same = 0;
        for gold in &golds {
            let boxed = if key == "solution" || gold.contains("####") {
                gold.clone()
            } else {
                format!("The answer is \\boxed{{{gold}}}.")
            };
            let verdict = judge(&boxed, std::slice::from_ref(gold), &rules);
            if verdict.outcome == Outcome::Correct {
                same += 1;
            } else {
                println!("{path}: {gold:?} is not itself: {:?} {}", verdict.outcome, verdict.reason);
            }
        }
        let mut crossed = 0;
        let mut judged = 0;
        for (index, gold) in golds.iter().enumerate() {
            let other = &golds[(index * 7 + 13) % golds.len()];
            let number = |text: &str| -> Option<f64> {
                let last = text.rsplit("####").next()?.trim();
                last.split(' ').next()?.replace([',', '$'], "").parse().ok()
            };
            let differ = match (number(gold), number(other)) {
                (Some(a), Some(b)) => a != b,
                (None, None) => gold.trim() != other.trim(),
                _ => true,
            };
            if !differ || key == "solution" {
                continue;
            }
            judged += 1;
            let last = other.rsplit("####").next().unwrap_or(other).trim();
            let verdict = judge(&format!("\\boxed{{{last}}}"), std::slice::from_ref(gold), &rules);
            if verdict.outcome == Outcome::Correct {
                crossed += 1;
                println!("{path}: {other:?} passes for {gold:?}: {}", verdict.reason);
            }
        }
        println!("{path} {key}: {same}/{} are themselves; {crossed}/{judged} pass for another", golds.len());
    }
}

/// Rows `id`, `problem`, `response`, `reference`, `expected`, and `plugin` for another verifier than `verifier_math`.
fn report_rows(rows: Vec<Value>) {
    let rules = Preset::MathVerify.rules();
    let (mut right, mut all, mut passed, mut refused) = (0, 0, 0, 0);
    for row in rows {
        let (response, references) = (text(&row["response"]), [text(&row["reference"])]);
        let verdict = if row["plugin"] == "verifier_choice" {
            choices::judge(&response, &references, &choices::options(&text(&row["problem"])), &rules)
        } else {
            judge(&response, &references, &rules)
        };
        let correct = verdict.outcome == Outcome::Correct;
        let expected = text(&row["expected"]);
        all += 1;
        if expected == "any-but-hang" || (expected == "correct") == correct {
            right += 1;
            continue;
        }
        *(if correct { &mut passed } else { &mut refused }) += 1;
        let noted = if row["graders_differ"] == true { " (policy)" } else { "" };
        println!(
            "{}{noted}: expected {expected}, judged {:?} ({}; extracted {:?})\n    reference {:?}\n    response {response:?}",
            text(&row["id"]),
            verdict.outcome,
            verdict.reason,
            verdict.extracted,
            references[0]
        );
    }
    println!("reports: {right}/{all}; {passed} wrong answers pass, {refused} right ones are refused");
}

fn reports() {
    report_rows(rows("reports/verifier.jsonl"));
}

/// A file of rows as [`reports`] reads them.
fn own_reports(path: &str) {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    report_rows(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect());
}

fn pairs(path: &str) {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let rules = Preset::MathVerify.rules();
    let (mut right, mut all) = (0, 0);
    for line in text.lines() {
        let mut columns = line.split('\t');
        let (Some(gold), Some(answer), Some(label)) = (columns.next(), columns.next(), columns.next()) else {
            continue;
        };
        let response = if answer.contains("boxed") || !path.ends_with(".tsv") {
            answer.replace('⏎', "\n")
        } else {
            format!("\\boxed{{{answer}}}")
        };
        let verdict = judge(&response, &[gold.to_string()], &rules);
        all += 1;
        if (verdict.outcome == Outcome::Correct) == (label == "true") {
            right += 1;
        } else {
            println!("{label}: {gold}   |   {answer}   ({:?}: {})", verdict.outcome, verdict.reason);
        }
    }
    println!("{path}: {right}/{all}");
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let parts: [(&str, fn()); 5] =
        [("gsm8k", gsm8k), ("cases", cases), ("latex", latex), ("golds", golds), ("reports", reports)];
    for path in wanted.iter().filter(|word| word.contains('/')) {
        if path.ends_with(".jsonl") { own_reports(path) } else { pairs(path) }
    }
    for (name, run) in parts {
        if wanted.is_empty() || wanted.iter().any(|part| part == name) {
            run();
        }
    }
}
