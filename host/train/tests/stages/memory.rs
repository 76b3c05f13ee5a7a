//! A stage takes the memory that its estimate gives: a process of its own for each, since a process has one peak.

use std::process::{Command, Stdio};

use crate::tiny::{World, midtrain_config};
use octo_model::ModelConfig;
use octo_train::hardware::peak_memory_bytes;
use octo_train::memory_estimate::MemoryEstimate;
use octo_train::midtrain::{Initial, MidtrainConfig, midtrain};
use octo_train::{Control, Finished};
use serde_json::{Value, json};

const SETTINGS: &str = "OCTO_TEST_MEMORY_SETTINGS";
/// The measured peak over the estimated one. Around the estimate there are what libtorch keeps of memory for later, the
/// tensors in flight between two operations, and how large libtorch itself is on this machine.
const FROM: f64 = 0.65;
const TO: f64 = 1.5;

fn shape() -> ModelConfig {
    serde_json::from_value(json!({
        "vocab_size": 8192, "hidden_size": 512, "intermediate_size": 1536, "num_hidden_layers": 6,
        "num_attention_heads": 8, "num_key_value_heads": 4, "tie_word_embeddings": true
    }))
    .expect("a shape")
}

fn config(extra: Value) -> MidtrainConfig {
    midtrain_config(2, extra)
}

/// Not a test of its own: one stage of `the_estimate_is_the_measured_peak_on_the_host`.
#[test]
#[ignore = "started by another test as its child"]
fn one_stage() {
    let Ok(settings) = std::env::var(SETTINGS) else { return };
    let world = World::new();
    let config = config(serde_json::from_str(&settings).expect("settings"));
    let inputs = world.midtrain_inputs_from(Initial::Random(shape()));
    assert_eq!(midtrain(&config, inputs, &world.path("out"), 7, &Control::silent()).expect("trains"), Finished::Done);
    println!("PEAK {}", peak_memory_bytes(tch::Device::Cpu).expect("Linux has it"));
}

#[test]
fn the_estimate_is_the_measured_peak_on_the_host() {
    if peak_memory_bytes(tch::Device::Cpu).is_none() {
        octo_test_support::skip("this system does not give a process's peak of memory");
        return;
    }
    let base = json!({
        "context": 256, "sequences_per_step": 8, "sequences_per_forward": 0, "tokens": 2 * 8 * 256,
        "checkpoint_every": 0, "checkpoint_in_background": false
    });
    // Not in bf16: a processor without instructions for it takes minutes for these two steps.
    for (name, extra) in [
        ("all activations", json!({})),
        ("one block's activations", json!({ "recompute": true })),
        ("a sequence at a time", json!({ "sequences_per_forward": 1 })),
    ] {
        let mut settings = base.clone();
        settings.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        let output = Command::new(std::env::current_exe().expect("a test has a path"))
            .args(["--exact", "memory::one_stage", "--ignored", "--nocapture"])
            .env(SETTINGS, settings.to_string())
            .stdout(Stdio::piped())
            .output()
            .expect("the test's own binary starts");
        let output_text = String::from_utf8_lossy(&output.stdout);
        let peak = output_text.lines().find_map(|line| line.split("PEAK ").nth(1)?.trim().parse::<f64>().ok());
        let peak = peak.unwrap_or_else(|| panic!("{output_text}{}", String::from_utf8_lossy(&output.stderr)));
        let estimate = MemoryEstimate::of(&shape(), &config(settings));
        let ratio = peak / estimate.total();
        let mebibytes = peak / f64::from(1 << 20);
        println!("{name}: {mebibytes:.0} MiB measured, {ratio:.2} of the estimate {estimate:?}");
        assert!((FROM..TO).contains(&ratio), "{name}: {mebibytes:.0} MiB, {ratio:.2} of the estimate");
    }
}
