//! Mid-training from end to end, with the reference mixture plugin.

use crate::tiny::{World, copy_at, midtrain_config, records, steps, stop_at, weights};
use octo_data::sampler::{Batch, Sampler};
use octo_data::token_source::TokenSource;
use octo_data::tokenizer::Tokenizer;
use octo_model::Model;
use octo_train::midtrain::{Initial, midtrain};
use octo_train::{Control, Finished, TrainError};
use serde_json::{Value, json};
use tch::{Device, Tensor};

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
    let done = midtrain(&config, world.midtrain_inputs(), &stopped, 7, &Control::silent()).expect("resumes");
    assert_eq!(done, Finished::Done);
    assert!(weights(&straight) == weights(&stopped), "stopped and resumed");
    assert_eq!(records(&stopped.join("metrics.jsonl")), whole);

    // Killed at step 7: the newest checkpoint is of step 4 or, where its writing was slow, none; metrics run on to 7,
    // and a checkpoint was being written.
    std::fs::create_dir_all(killed.join("checkpoints/.partial-step-000008")).expect("a half-written checkpoint");
    midtrain(&config, world.midtrain_inputs(), &killed, 7, &Control::silent()).expect("resumes");
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

    let model = Model::load(&out.join("model"), tch::Device::Cpu).expect("loads");
    let tokenizer = octo_data::tokenizer::Tokenizer::load(&out.join("model")).expect("its tokenizer too");
    assert_eq!(model.config().vocab_size, tokenizer.vocabulary_size());
    assert_eq!(model.config().eos_token_id, tokenizer.end_tokens());
    assert!(out.join("optimizer.safetensors").is_file() && out.join("results.json").is_file());
}

#[test]
fn recomputed_blocks_change_nothing_and_documents_kept_apart_do() {
    let world = World::new();
    let trained = |name: &str, extra: serde_json::Value| {
        let out = world.path(name);
        midtrain(&midtrain_config(6, extra), world.midtrain_inputs(), &out, 7, &Control::silent()).expect("trains");
        let lines = records(&out.join("metrics.jsonl"));
        let losses: Vec<f64> = lines.iter().map(|line| line["loss"].as_f64().expect("a loss")).collect();
        let sources: Vec<f64> =
            ["sums", "prose"].map(|name| lines[0]["source_loss"][name].as_f64().expect(name)).to_vec();
        (losses, sources)
    };
    let far = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let (plain, _) = trained("plain", json!({}));
    let (recomputed, _) = trained("recomputed", json!({ "recompute": true }));
    assert!(far(&plain, &recomputed) < 1e-5, "{plain:?} {recomputed:?}");
    let (half, _) = trained("half", json!({ "compute": "bfloat16" }));
    assert!(far(&plain, &half) > 0.0 && far(&plain, &half) < 0.05, "{plain:?} {half:?}");
    // Toy documents are shorter than the context, so every sequence holds several.
    let (apart, sources) = trained("apart", json!({ "separate_documents": true }));
    assert!(far(&plain, &apart) > 1e-4, "{plain:?} {apart:?}");
    assert!(sources[0].min(sources[1]) < apart[0] && apart[0] < sources[0].max(sources[1]), "a mean of both");
    let (both, _) =
        trained("both", json!({ "separate_documents": true, "recompute": true, "sequences_per_forward": 1 }));
    assert!(far(&apart, &both) < 1e-5, "{apart:?} {both:?}");
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
    assert!(matches!(error, TrainError::Diverged { in_a_row: 3, .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("not finite") && message.contains("checkpoint"), "{message}");
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
    // Saving more often changes nothing about the weights, so it is the same run.
    let config = midtrain_config(12, json!({ "checkpoint_every": 1 }));
    midtrain(&config, world.midtrain_inputs(), &out, 7, &Control::silent()).expect("resumes");
}

#[test]
fn accumulated_gradients_are_those_of_the_whole_batch() {
    let world = World::new();
    let figures = |name: &str, sequences_per_forward: usize| {
        let extra = json!({
            "sequences_per_step": 6, "tokens": 4 * 6 * 24, "sequences_per_forward": sequences_per_forward,
            "learning_rate": 1e-3
        });
        midtrain(&midtrain_config(4, extra), world.midtrain_inputs(), &world.path(name), 7, &Control::silent())
            .expect("trains");
        let number = |record: &serde_json::Value, key: &str| record[key].as_f64().expect("a number");
        let records = records(&world.path(name).join("metrics.jsonl"));
        records.iter().map(|record| (number(record, "loss"), number(record, "gradient_norm"))).collect::<Vec<_>>()
    };
    let whole = figures("whole", 0);
    assert_eq!(whole.len(), 4);
    for (name, sequences) in [("one", 1), ("four", 4)] {
        for (step, (left, right)) in whole.iter().zip(figures(name, sequences)).enumerate() {
            assert!((left.0 - right.0).abs() < 1e-6, "{name}, step {step}: loss {} and {}", left.0, right.0);
            assert!((left.1 - right.1).abs() < 1e-6 * left.1.max(1.0), "{name}, step {step}: {left:?} {right:?}");
        }
    }
}

#[test]
fn a_branch_starts_from_any_checkpoint_with_the_optimiser_kept_or_reset() {
    let world = World::new();
    let stable = world.path("stable");
    let config = midtrain_config(12, json!({ "schedule": "stable", "keep_every": 3, "keep_last": 1 }));
    midtrain(&config, world.midtrain_inputs(), &stable, 7, &Control::silent()).expect("trains");
    let steps = |name: &str| std::fs::metadata(stable.join("checkpoints").join(name)).is_ok();
    for kept in ["step-000003", "step-000006", "step-000009"] {
        assert!(steps(kept), "{kept} was to stay");
    }
    let branch = |name: &str, folder: &str, optimizer: &str| {
        let inputs = world.midtrain_inputs_from(Initial::Folder(stable.join(folder)));
        let config = midtrain_config(2, json!({ "optimizer": optimizer, "final_learning_rate": 1e-3 }));
        midtrain(&config, inputs, &world.path(name), 7, &Control::silent()).expect("trains");
        (records(&world.path(name).join("metrics.jsonl"))[0]["loss"].as_f64(), weights(&world.path(name)))
    };
    let early = branch("early", "checkpoints/step-000003", "keep");
    let reset = branch("reset", "checkpoints/step-000003", "reset");
    let late = branch("late", "model", "keep");
    assert_eq!(early.0, reset.0, "the same weights, so the same first loss");
    assert!(early.1 != reset.1, "the moments of the checkpoint must show");
    assert!(early.0 > late.0, "step 3 knows less than step 12: {:?}, {:?}", early.0, late.0);
}

#[test]
fn the_best_checkpoint_by_held_out_loss_stays_and_evaluations_survive_a_stop() {
    let world = World::new();
    let extra = json!({ "evaluate_every": 2, "held_out_sequences": 5, "checkpoint_every": 2, "keep_last": 1 });
    let run = |name: &str, control: &Control| {
        let mut inputs = world.midtrain_inputs();
        inputs.held_out = vec![world.path("prose.jsonl")];
        midtrain(&midtrain_config(8, extra.clone()), inputs, &world.path(name), 7, control).expect("trains")
    };
    run("whole", &Control::silent());
    let whole = records(&world.path("whole/metrics.jsonl"));
    let losses: Vec<(u64, f64)> =
        whole.iter().filter_map(|record| Some((record["step"].as_u64()?, record["held_out_loss"].as_f64()?))).collect();
    assert_eq!(losses.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [0, 2, 4, 6, 8]);
    assert!((losses[0].1 - 270f64.ln()).abs() < 0.7, "fresh weights know nothing: {losses:?}");
    assert!(losses[4].1 < losses[0].1, "{losses:?}");
    let best = losses[1..4].iter().min_by(|left, right| left.1.total_cmp(&right.1)).expect("some").0;
    assert!(world.path(&format!("whole/checkpoints/step-{best:06}")).is_dir(), "the best, {best}, was to stay");
    let results = std::fs::read_to_string(world.path("whole/results.json")).expect("results");
    assert!(results.contains("held_out_loss_before"), "{results}");

    assert_eq!(run("stopped", &stop_at("step 5/8")), Finished::Stopped);
    run("stopped", &Control::silent());
    assert_eq!(records(&world.path("stopped/metrics.jsonl")), whole);
    assert!(weights(&world.path("stopped")) == weights(&world.path("whole")));
}

#[test]
fn held_out_documents_are_apart_where_those_that_are_trained_on_are() {
    let world = World::new();
    let windows = 5;
    let run = |name: &str, apart: bool| {
        let mut inputs = world.midtrain_inputs();
        inputs.held_out = vec![world.path("prose.jsonl")];
        let extra = json!({ "held_out_sequences": windows, "separate_documents": apart });
        midtrain(&midtrain_config(4, extra), inputs, &world.path(name), 7, &Control::silent()).expect("trains");
        let results = std::fs::read(world.path(name).join("results.json")).expect("results");
        let results: Value = serde_json::from_slice(&results).expect("reads");
        results["held_out_loss"].as_f64().expect("a loss")
    };
    let batch = batch(&world, &[("held_out", "prose")], &[1.0], windows);
    assert!(batch.segments.iter().any(|starts| starts.len() > 1), "a window holds parts of two documents");
    for (name, apart) in [("apart", true), ("together", false)] {
        let found = run(name, apart);
        let model = Model::load(&world.path(name).join("model"), Device::Cpu).expect("loads");
        let (sums, counts): (Vec<f64>, Vec<f64>) = document_by_document(&model, &batch, apart).into_iter().unzip();
        let expected = sums.iter().sum::<f64>() / counts.iter().sum::<f64>();
        assert!((found - expected).abs() < 1e-5, "{name}: {found}, and document by document {expected}");
    }
}

/// The first batch that is drawn from sources, each a name and a file of the world, in windows of 24 tokens.
fn batch(world: &World, sources: &[(&str, &str)], weights: &[f64], sequences: usize) -> Batch {
    let tokenizer = Tokenizer::load(&world.path("tokenizer")).expect("loads");
    let source = |(name, file): &(&str, &str)| {
        TokenSource::from_documents(name, &[world.path(&format!("{file}.jsonl"))], &tokenizer).expect("reads")
    };
    let sources = sources.iter().map(source).collect();
    Sampler::new(sources, 24, 7).expect("sources").next_batch(weights, sequences).expect("draws")
}

/// Of every window, the loss of each document alone in front of the model, as if it were its whole text, summed over
/// the tokens that are predicted, and their number.
fn document_by_document(model: &Model, batch: &Batch, apart: bool) -> Vec<(f64, f64)> {
    let width = batch.tokens.len() / batch.segments.len();
    let windows = batch.tokens.chunks(width).zip(&batch.segments);
    let of_window = |(window, starts): (&[u32], &Vec<u32>)| {
        let (mut sum, mut count) = (0.0, 0);
        let starts = if apart { &starts[..] } else { &[0] };
        let ends = starts[1..].iter().map(|start| *start as usize).chain([width]);
        for (start, end) in starts.iter().zip(ends) {
            let text: Vec<i64> = window[*start as usize..end].iter().map(|token| i64::from(*token)).collect();
            let _no_grad = tch::no_grad_guard();
            let logits = model.forward(&Tensor::from_slice(&text).unsqueeze(0)).squeeze_dim(0);
            let chances = logits.log_softmax(-1, tch::Kind::Double);
            for (at, token) in text.iter().enumerate().skip(1) {
                sum -= chances.double_value(&[at as i64 - 1, *token]);
                count += 1;
            }
        }
        (sum, f64::from(count))
    };
    windows.map(of_window).collect()
}

#[test]
fn the_loss_of_a_step_is_the_mean_over_the_tokens_that_it_predicts() {
    let world = World::new();
    let base = world.path("base");
    midtrain(&midtrain_config(40, json!({})), world.midtrain_inputs(), &base, 7, &Control::silent()).expect("trains");
    // At a rate of 0 the model that is written is the one that the batch met.
    for (name, apart) in [("apart", true), ("together", false)] {
        let extra = json!({ "learning_rate": 0.0, "separate_documents": apart, "sequences_per_step": 16 });
        let out = world.path(name);
        let inputs = world.midtrain_inputs_from(Initial::Folder(base.join("model")));
        midtrain(&midtrain_config(1, extra), inputs, &out, 7, &Control::silent()).expect("trains");
        let step = records(&out.join("metrics.jsonl")).remove(0);
        let model = Model::load(&out.join("model"), Device::Cpu).expect("loads");
        let batch = batch(&world, &[("sums", "sums"), ("prose", "prose")], &[0.75, 0.25], 16);
        let of_windows = document_by_document(&model, &batch, apart);
        let mean = |wanted: &dyn Fn(usize) -> bool| {
            let own = of_windows.iter().zip(&batch.source).filter(|(_, source)| wanted(**source));
            let (sum, count) = own.fold((0.0, 0.0), |(sum, count), (of, _)| (sum + of.0, count + of.1));
            sum / count
        };
        let close = |found: &Value, expected: f64| {
            let found = found.as_f64().expect("a loss");
            assert!((found - expected).abs() < 1e-5, "{name}: {found}, and document by document {expected}");
        };
        close(&step["loss"], mean(&|_| true));
        close(&step["source_loss"]["sums"], mean(&|source| source == 0));
        close(&step["source_loss"]["prose"], mean(&|source| source == 1));
        let of_sequences = of_windows.iter().map(|(sum, count)| sum / count).sum::<f64>() / 16.0;
        let differs = (of_sequences - mean(&|_| true)).abs() > 1e-4;
        assert_eq!(differs, apart, "{name}: the mean of the sequences' means would be {of_sequences}");
    }
}

#[test]
fn checkpoints_written_in_the_background_are_those_written_at_once() {
    let world = World::new();
    let run = |name: &str, background: bool| {
        let config = midtrain_config(6, json!({ "checkpoint_in_background": background, "checkpoint_every": 5 }));
        midtrain(&config, world.midtrain_inputs(), &world.path(name), 7, &Control::silent()).expect("trains");
        let read = |file: &str| std::fs::read(world.path(name).join("checkpoints/step-000005").join(file)).expect(file);
        (read("model.safetensors"), read("optimizer.safetensors"))
    };
    assert!(run("background", true) == run("at-once", false));
}

#[test]
fn spikes_are_skipped_and_counted_and_a_stop_forgets_none_of_the_window() {
    let world = World::new();
    // A sigma near 0 makes a spike of every loss above the mean, once 64 steps are known. At this rate losses hardly
    // fall, so that there are some.
    let extra = json!({ "spike_sigma": 1e-6, "skipped_steps_limit": 100, "checkpoint_every": 0, "schedule": "stable",
        "learning_rate": 1e-6 });
    let config = midtrain_config(90, extra);
    let run = |name: &str, control: &Control| {
        midtrain(&config, world.midtrain_inputs(), &world.path(name), 7, control).expect("trains")
    };
    run("whole", &Control::silent());
    let whole = records(&world.path("whole/metrics.jsonl"));
    let skipped: Vec<u64> = whole
        .iter()
        .filter(|record| record.get("skipped").is_some())
        .map(|record| record["step"].as_u64().expect("a step"))
        .collect();
    assert!(!skipped.is_empty() && skipped[0] > 64, "{skipped:?}");
    assert!(whole[skipped[0] as usize - 1]["loss"].is_number(), "a spike shows in the curve");
    let results = std::fs::read_to_string(world.path("whole/results.json")).expect("results");
    assert!(results.contains(&format!("\"skipped_steps\": {}", skipped.len())), "{results}");
    run("stopped", &stop_at("step 70/90"));
    run("stopped", &Control::silent());
    assert_eq!(records(&world.path("stopped/metrics.jsonl")), whole);
    assert!(weights(&world.path("stopped")) == weights(&world.path("whole")));
}
