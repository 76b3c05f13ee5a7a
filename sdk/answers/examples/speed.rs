//! Native time of one verdict on boxed answers to GSM8K and MATH, for finding out what to make faster.
//!
//! `OCTO_SHARED` names the folder with `data/`. A clock is fine here: nothing of this runs inside a plugin.

#[path = "../tests/shared_data/mod.rs"]
mod shared_data;

use octo_answers::{config::Preset, judge, work};
use shared_data::{rows, text};
use std::time::Instant;

fn main() {
    let rules = Preset::MathVerify.rules();
    for (name, path, key) in [
        ("gsm8k", "problems/gsm8k_test.jsonl", "answer"),
        ("math", "problems/math500.jsonl", "answer"),
        ("cases", "verifier/cases.jsonl", "gold"),
    ] {
        let golds: Vec<String> = rows(path)
            .iter()
            .map(|row| text(&row[key]).rsplit("####").next().unwrap_or_default().trim().to_string())
            .collect();
        if golds.is_empty() {
            continue;
        }
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
            judge(response, references, &rules);
            let start = Instant::now();
            for _ in 0..20 {
                std::hint::black_box(judge(response, references, &rules));
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
