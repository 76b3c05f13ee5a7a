//! Mid-training from end to end, with the reference mixture plugin.

use crate::tiny::{World, copy_at, midtrain_config, records, steps, stop_at, weights};
use octo_model::Llama;
use octo_train::midtrain::{Initial, midtrain};
use octo_train::{Control, Finished, TrainError};
use serde_json::json;

#[test]
fn a_stopped_or_killed_run_ends_with_the_same_bits() {
    let world = World::new();
    let config = midtrain_config(12, json!({}));
    let (straight, stopped, killed) = (world.path("straight"), world.path("stopped"), world.path("killed"));

    let watch = copy_at("step 7/12", straight.clone(), killed.clone());
    assert_eq!(midtrain(&config, world.midtrain_inputs(), &straight, 7, &watch).expect("trains"), Finished::Done);
    let whole = records(&straight.join("metrics.jsonl"));
    assert_eq!(steps(&whole, false), (1..=12).collect::<Vec<u64>>());

    let stop = stop_at("step 6/12");
    assert_eq!(midtrain(&config, world.midtrain_inputs(), &stopped, 7, &stop).expect("stops"), Finished::Stopped);
    assert!(stopped.join("checkpoints/step-000006/state.json").is_file());
    let done = midtrain(&config, world.midtrain_inputs(), &stopped, 7, &Control::silent()).expect("continues");
    assert_eq!(done, Finished::Done);
    assert!(weights(&straight) == weights(&stopped), "stopped and resumed");
    assert_eq!(records(&stopped.join("metrics.jsonl")), whole);

    // Killed at step 7: the newest checkpoint is of step 4, metrics run on to 7, and a checkpoint was being written.
    std::fs::create_dir_all(killed.join("checkpoints/.partial-step-000008")).expect("a half-written checkpoint");
    midtrain(&config, world.midtrain_inputs(), &killed, 7, &Control::silent()).expect("continues");
    assert!(weights(&straight) == weights(&killed), "killed and resumed");
    assert_eq!(records(&killed.join("metrics.jsonl")), whole);
    assert!(!killed.join("checkpoints/.partial-step-000008").exists());

    // A finished folder is left as it is.
    let again = midtrain(&config, world.midtrain_inputs(), &killed, 7, &stop_at("step")).expect("returns");
    assert_eq!(again, Finished::Done);
}

#[test]
fn the_loss_falls_and_the_folder_is_a_model_of_its_own() {
    let world = World::new();
    let out = world.path("out");
    midtrain(&midtrain_config(40, json!({})), world.midtrain_inputs(), &out, 7, &Control::silent()).expect("trains");
    let records = records(&out.join("metrics.jsonl"));
    let loss = |index: usize| records[index]["loss"].as_f64().expect("a loss");
    assert!((loss(0) - 270f64.ln()).abs() < 0.7, "fresh weights know nothing: {}", loss(0));
    assert!(loss(39) < 0.6 * loss(0), "{} to {}", loss(0), loss(39));
    let first = &records[0];
    assert_eq!(first["mixture"], json!({"sums": 0.75, "prose": 0.25}));
    let parts =
        [("sums", 0.75), ("prose", 0.25)].map(|(name, share)| first["source_loss"][name].as_f64().expect(name) * share);
    assert!((parts.iter().sum::<f64>() - loss(0)).abs() < 1e-6, "source losses make up the loss");
    assert_eq!(records[39]["tokens"], 40 * 4 * 24);

    let model = Llama::load(&out.join("model"), tch::Device::Cpu).expect("loads");
    let tokenizer = octo_data::tokenizer::Tokenizer::load(&out.join("model")).expect("its tokenizer too");
    assert_eq!(model.config().vocab_size, tokenizer.vocabulary_size());
    assert_eq!(model.config().eos_token_id, tokenizer.end_tokens());
    assert!(out.join("optimizer.safetensors").is_file() && out.join("results.json").is_file());
}

#[test]
fn kept_optimiser_state_takes_part_and_missing_state_is_an_error() {
    let world = World::new();
    let base = world.path("base");
    midtrain(&midtrain_config(4, json!({})), world.midtrain_inputs(), &base, 7, &Control::silent()).expect("trains");
    let branch = |name: &str, optimizer: &str| {
        let inputs = world.midtrain_inputs_from(Initial::Folder(base.join("model")));
        let config = midtrain_config(2, json!({ "optimizer": optimizer }));
        midtrain(&config, inputs, &world.path(name), 7, &Control::silent()).map(|_| weights(&world.path(name)))
    };
    let (kept, reset) = (branch("kept", "keep").expect("trains"), branch("reset", "reset").expect("trains"));
    assert!(kept != reset, "moments of the stage before must show");
    std::fs::remove_file(base.join("optimizer.safetensors")).expect("removed");
    let message = branch("without", "keep").expect_err("no state to keep").to_string();
    assert!(message.contains("optimizer.safetensors"), "{message}");
}

#[test]
fn a_diverged_run_ends_with_a_reason_and_every_skipped_step_is_recorded() {
    let world = World::new();
    let out = world.path("out");
    let config = midtrain_config(12, json!({ "learning_rate": 1e30, "skipped_steps_limit": 3 }));
    let error = midtrain(&config, world.midtrain_inputs(), &out, 7, &Control::silent()).expect_err("diverges");
    assert!(matches!(error, TrainError::NotFinite { in_a_row: 3, .. }), "{error}");
    let records = records(&out.join("metrics.jsonl"));
    let skipped: Vec<&serde_json::Value> = records.iter().filter(|record| record.get("loss").is_none()).collect();
    assert_eq!(skipped.len(), 3);
    assert_eq!(skipped[2]["skipped_steps"], 3);
    assert!(!out.join("model").exists());
}

#[test]
fn another_config_on_the_same_folder_is_refused() {
    let world = World::new();
    let out = world.path("out");
    let stop = stop_at("step 5/12");
    midtrain(&midtrain_config(12, json!({})), world.midtrain_inputs(), &out, 7, &stop).expect("stops");
    let other = midtrain_config(12, json!({ "weight_decay": 0.0 }));
    let error = midtrain(&other, world.midtrain_inputs(), &out, 7, &Control::silent()).expect_err("another run");
    assert!(error.to_string().contains("weight_decay"), "{error}");
    // Saving more often changes nothing about the weights, so it is no other run.
    let config = midtrain_config(12, json!({ "checkpoint_every": 1 }));
    midtrain(&config, world.midtrain_inputs(), &out, 7, &Control::silent()).expect("continues");
}
