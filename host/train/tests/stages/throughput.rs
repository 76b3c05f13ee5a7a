//! Speed at the size of the demo, on one thread. Prints and asserts nothing about time; run it with
//! `cargo test --release -p octo-train --test stages -- --ignored --nocapture throughput`.

use crate::tiny::{World, midtrain_config, rl_config};
use octo_model::ModelConfig;
use octo_plugin::Limits;
use octo_train::Control;
use octo_train::midtrain::{Initial, midtrain};
use octo_train::rl::reinforce;
use serde_json::{Value, json};

#[test]
#[ignore = "a measurement, not a check"]
fn throughput() {
    let world = World::new();
    let shape: ModelConfig = serde_json::from_value(json!({
        "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "tie_word_embeddings": true, "max_position_embeddings": 512
    }))
    .expect("a shape");
    let base = world.path("base");
    let config = midtrain_config(
        0,
        json!({
            "tokens": 60 * 16 * 256, "context": 256, "sequences_per_step": 16, "sequences_per_forward": 0,
            "learning_rate": 1e-3, "checkpoint_every": 0
        }),
    );
    midtrain(&config, world.midtrain_inputs_from(Initial::Random(shape)), &base, 7, &Control::silent())
        .expect("trains");
    print_figures("midtrain", &base.join("metrics.jsonl"), &["tokens_per_second", "loss"]);

    let config = rl_config(json!({
        "steps": 20, "prompts_per_step": 16, "rollouts_per_prompt": 8, "max_response_tokens": 48, "stop": [],
        "evaluate_every": 0, "checkpoint_every": 0, "learning_rate": 1e-4
    }));
    let out = world.path("rl");
    reinforce(&config, world.rl_inputs(&base.join("model"), Limits::default()), &out, 7, &Control::silent())
        .expect("trains");
    let keys = ["seconds", "generation_seconds", "response_length", "zero_variance_groups", "accuracy"];
    print_figures("rl", &out.join("metrics.jsonl"), &keys);
}

fn print_figures(stage: &str, path: &std::path::Path, keys: &[&str]) {
    let text = std::fs::read_to_string(path).expect("reads");
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    for key in keys {
        let mut values: Vec<f64> = records.iter().filter_map(|record| record.get(*key)?.as_f64()).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
        eprintln!("{stage}: {key} median {middle:.4} of {} steps", values.len());
    }
}
