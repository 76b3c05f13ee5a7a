//! Native time of one verdict on boxed answers to GSM8K and MATH, for finding out what to make faster.
//!
//! `OCTO_SHARED` names the folder with `data/`. A clock is fine here: nothing of this runs inside a plugin.

use octo_answers::{config::Preset, judge, work};
use serde_json::Value;
use std::time::Instant;

fn main() {
    let shared =
        std::env::var("OCTO_SHARED").unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into());
    let policy = Preset::MathVerify.policy();
    for (name, path, key) in [
        ("gsm8k", "data/problems/gsm8k_test.jsonl", "answer"),
        ("math", "data/problems/math500.jsonl", "answer"),
        ("cases", "data/verifier/cases.jsonl", "gold"),
    ] {
        let Ok(text) = std::fs::read_to_string(format!("{shared}/{path}")) else {
            println!("skipped {path}: it is not in {shared}");
            continue;
        };
        let rows: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let golds: Vec<String> = rows
            .iter()
            .map(|row| {
                row[key].as_str().unwrap_or_default().rsplit("####").next().unwrap_or_default().trim().to_string()
            })
            .collect();
        let pairs: Vec<(String, [String; 1])> = golds
            .iter()
            .enumerate()
            .flat_map(|(index, gold)| {
                let other = &golds[(index * 7 + 13) % golds.len()];
                [gold, other].map(|said| (format!("The answer is \\boxed{{{said}}}."), [gold.clone()]))
            })
            .collect();
        let mut times: Vec<f64> = Vec::new();
        for (response, references) in &pairs {
            judge(response, references, &policy);
            let start = Instant::now();
            for _ in 0..20 {
                std::hint::black_box(judge(response, references, &policy));
            }
            let taken = start.elapsed().as_secs_f64() / 20.0 * 1e6;
            if taken > 1_000.0 {
                let units = work::BUDGET - work::left();
                println!("{taken:.0} us, {units} units: {} | {response}", references[0]);
            }
            times.push(taken);
        }
        times.sort_by(f64::total_cmp);
        let mean = times.iter().sum::<f64>() / times.len() as f64;
        println!(
            "{name}: {} pairs, mean {mean:.1} us, median {:.1}, p99 {:.1}, max {:.1}",
            times.len(),
            times[times.len() / 2],
            times[times.len() * 99 / 100],
            times[times.len() - 1]
        );
    }
}
