//! Whose rollouts a step learns from, and what becomes of them: algorithms, choice, interruption, evaluation, alarms.

use std::path::PathBuf;

use crate::tiny::{World, copy_at, midtrain_config, problems, records, rl_config, steps, weights};
use octo_plugin::Limits;
use octo_train::midtrain::midtrain;
use octo_train::rl::{HeldOutSet, RlInputs, reinforce};
use octo_train::{Control, Finished, TrainError};
use serde_json::{Value, json};

fn base(world: &World) -> PathBuf {
    let out = world.path("base");
    let config = midtrain_config(150, json!({ "checkpoint_every": 0, "sequences_per_forward": 0 }));
    midtrain(&config, world.midtrain_inputs(), &out, 7, &Control::silent()).expect("trains");
    out.join("model")
}

/// The records of training steps.
fn trained(records: &[Value]) -> Vec<Value> {
    records.iter().filter(|record| record.get("updates").is_some()).cloned().collect()
}

/// Problems of which every second one has an answer that this model never gives.
fn half_hopeless(mut inputs: RlInputs) -> RlInputs {
    for problem in inputs.problems.iter_mut().step_by(2) {
        problem.references = vec!["123456".to_owned()];
    }
    inputs
}

#[test]
fn every_algorithm_learns() {
    let world = World::new();
    let base = base(&world);
    for algorithm in ["grpo", "dr-grpo", "dapo", "gspo", "rloo", "reinforce-plus-plus", "cispo"] {
        let config = rl_config(json!({
            "algorithm": algorithm, "steps": 24, "prompts_per_step": 8, "rollouts_per_prompt": 8, "updates_per_step": 2,
            "evaluate_every": 0, "checkpoint_every": 0
        }));
        let out = world.path(algorithm);
        reinforce(&config, world.rl_inputs(&base, Limits::default()), &out, 7, &Control::silent()).expect("trains");
        let steps = trained(&records(&out.join("metrics.jsonl")));
        let accuracy: Vec<f64> = steps.iter().filter_map(|record| record["accuracy"].as_f64()).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (first, last) = (mean(&accuracy[..3]), mean(&accuracy[21..]));
        assert!(last > first + 0.2, "{algorithm}: accuracy of rollouts went from {first} to {last}");
        for record in &steps {
            // The same weights on the same machine: engine and trainer differ by rounding alone.
            let mismatch = &record["engine_gap"];
            assert!(mismatch["max"].as_f64().is_some_and(|largest| largest < 1e-3), "{algorithm}: {mismatch}");
            assert!(record["policy_kl"].is_null() || record["updates"] == 2, "{record}");
        }
    }
}

#[test]
fn weighing_by_importance_changes_nothing_where_engine_and_trainer_agree() {
    let world = World::new();
    let base = base(&world);
    let run = |name: &str, extra: Value| {
        let mut config = json!({ "steps": 3, "evaluate_every": 0, "checkpoint_every": 0, "updates_per_step": 2 });
        extra.as_object().expect("an object").iter().for_each(|(key, value)| config[key] = value.clone());
        let inputs = world.rl_inputs(&base, Limits::default());
        reinforce(&rl_config(config), inputs, &world.path(name), 7, &Control::silent()).expect("trains");
        let losses = trained(&records(&world.path(name).join("metrics.jsonl")));
        losses.iter().map(|record| record["loss"].as_f64().expect("a loss")).collect::<Vec<f64>>()
    };
    let plain = run("plain", json!({}));
    let weighed = run("weighed", json!({ "importance_cap": 2.0 }));
    assert!(plain.iter().zip(&weighed).all(|(one, two)| (one - two).abs() < 1e-3), "{plain:?} {weighed:?}");
    let capped = run("capped", json!({ "importance_cap": 0.5 }));
    assert!((capped[0] - plain[0] / 2.0).abs() < 1e-3 && plain[0] != 0.0, "{plain:?} {capped:?}");
}

#[test]
fn in_bfloat16_the_train_inference_mismatch_is_measured_and_blocks_can_be_recomputed() {
    let world = World::new();
    let base = base(&world);
    let mismatches = |name: &str, extra: Value| {
        let mut config = json!({ "steps": 3, "evaluate_every": 0, "checkpoint_every": 0 });
        extra.as_object().expect("an object").iter().for_each(|(key, value)| config[key] = value.clone());
        let inputs = world.rl_inputs(&base, Limits::default());
        reinforce(&rl_config(config), inputs, &world.path(name), 7, &Control::silent()).expect("trains");
        let steps = trained(&records(&world.path(name).join("metrics.jsonl")));
        assert!(steps.iter().all(|step| step["loss"].as_f64().is_some_and(f64::is_finite)), "{name}: {steps:?}");
        steps.iter().map(|step| step["engine_gap"]["max"].as_f64().expect("a mismatch")).collect::<Vec<f64>>()
    };
    let whole = mismatches("float32", json!({}));
    assert!(whole.iter().all(|largest| *largest < 1e-4), "{whole:?}");
    let half = mismatches("bfloat16", json!({ "compute": "bfloat16", "importance_cap": 2.0, "recompute": true }));
    assert!(half[0] > 1e-4 && half.iter().all(|largest| *largest < 0.5), "{half:?}");
}

#[test]
fn a_kl_term_pulls_from_the_loss_or_from_the_reward() {
    let world = World::new();
    let base = base(&world);
    for (name, extra) in [
        ("k1-reward", json!({ "kl_estimator": "k1", "kl_place": "reward", "algorithm": "reinforce-plus-plus" })),
        ("k3-reward", json!({ "kl_estimator": "k3", "kl_place": "reward", "old_log_probabilities": "sampled" })),
        ("k2-loss", json!({ "kl_estimator": "k2" })),
    ] {
        // One step of one run is noise, and another processor rounds otherwise: the second halves of three runs.
        let divergence = |coefficient: f64| {
            let mut found: Vec<f64> = Vec::new();
            for seed in 7..10 {
                let mut config = json!({ "steps": 12, "evaluate_every": 0, "checkpoint_every": 0, "updates_per_step": 2,
                    "kl_coefficient": coefficient });
                extra.as_object().expect("an object").iter().for_each(|(key, value)| config[key] = value.clone());
                let out = world.path(&format!("{name}-{coefficient}-{seed}"));
                let inputs = world.rl_inputs(&base, Limits::default());
                reinforce(&rl_config(config), inputs, &out, seed, &Control::silent()).expect("trains");
                let steps = trained(&records(&out.join("metrics.jsonl")));
                let of_run: Vec<f64> = steps.iter().filter_map(|record| record["reference_kl"].as_f64()).collect();
                assert!(of_run.len() >= 6, "{name}: a reference is measured against: {of_run:?}");
                found.extend(&of_run[of_run.len() / 2..]);
            }
            (found.iter().sum::<f64>() / found.len() as f64).abs()
        };
        let (free, held) = (divergence(1e-6), divergence(2.0));
        assert!(held < free / 2.0, "{name}: {held} with a strong pull, {free} without");
    }
}

#[test]
fn groups_without_a_gradient_are_replaced_up_to_a_bound_and_counted() {
    let world = World::new();
    let base = base(&world);
    let extra = json!({ "algorithm": "dapo", "sampling_rounds": 3, "generation_batch": 3, "generation_chunk": 4, "drop_solved": 1 });
    let (out, killed) = (world.path("whole"), world.path("killed"));
    let watch = copy_at("step 5/6", out.clone(), killed.clone());
    let inputs = || half_hopeless(world.rl_inputs(&base, Limits::default()));
    reinforce(&rl_config(extra.clone()), inputs(), &out, 7, &watch).expect("trains");
    let whole = records(&out.join("metrics.jsonl"));
    let counts = |record: &Value| ["rollouts", "replaced_groups", "sampling_rounds"].map(|key| record[key].as_u64());
    let mut replaced = 0;
    for record in trained(&whole) {
        let [Some(rollouts), Some(gone), Some(rounds)] = counts(&record) else { panic!("{record}") };
        assert!((1..=3).contains(&rounds) && (gone == 0) == (rounds == 1), "{record}");
        assert_eq!(record["zero_variance_groups"], gone, "what is left out is what has equal rewards");
        let kept = rollouts / 4 - gone;
        assert!(kept <= 4 && (kept == 4 || rounds == 3), "{record}");
        replaced += gone;
    }
    assert!(replaced > 6, "of these problems, half have no gradient: {replaced}");
    let results: Value =
        serde_json::from_slice(&std::fs::read(out.join("results.json")).expect("results")).expect("JSON");
    assert_eq!(results["replaced_groups"], replaced);
    let history = records(&out.join("problem_history.jsonl"));
    let groups: u64 = history.iter().filter_map(|own| own["groups"].as_u64()).sum();
    let rollouts: u64 = trained(&whole).iter().filter_map(|record| record["rollouts"].as_u64()).sum();
    assert_eq!(groups * 4, rollouts, "every group is in its problem's history");

    // The choice of problems resumes from a checkpoint to the same bits.
    reinforce(&rl_config(extra), inputs(), &killed, 7, &Control::silent()).expect("resumes");
    assert!(weights(&out) == weights(&killed));
    for name in ["metrics.jsonl", "problem_history.jsonl"] {
        assert_eq!(records(&killed.join(name)), records(&out.join(name)), "{name}");
    }
}

#[test]
fn a_step_that_was_interrupted_generates_only_what_was_not_finished() {
    let world = World::new();
    let base = base(&world);
    // Chunks of one group; the last checkpoint before the copy is that of step 2.
    let config = rl_config(json!({ "generation_batch": 3, "generation_chunk": 4, "updates_per_step": 2 }));
    let (out, killed, refused) = (world.path("whole"), world.path("killed"), world.path("refused"));
    let watch = copy_at("step 4/6  reward", out.clone(), killed.clone());
    let inputs = |limits| world.rl_inputs(&base, limits);
    reinforce(&config, inputs(Limits::default()), &out, 7, &watch).expect("trains");
    assert!(!out.join("rollouts").exists(), "a stage that is done needs them no more");
    // As a kill in step 4 would have left it: two of its four groups are not there.
    for name in ["step-000003-0002.safetensors", "step-000003-0003.safetensors"] {
        std::fs::remove_file(killed.join("rollouts").join(name)).expect("all four were kept");
    }
    assert_eq!(std::fs::read_dir(killed.join("rollouts")).expect("lists").count(), 6, "steps 3 and 4");
    let mut pending = vec![(killed.clone(), refused.clone())];
    while let Some((from, to)) = pending.pop() {
        std::fs::create_dir_all(&to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("lists").flatten() {
            let target = to.join(entry.file_name());
            match entry.path().is_dir() {
                true => pending.push((entry.path(), target)),
                false => drop(std::fs::copy(entry.path(), target).expect("copies")),
            }
        }
    }

    reinforce(&config, inputs(Limits::default()), &killed, 7, &Control::silent()).expect("resumes");
    assert!(weights(&out) == weights(&killed), "interrupted and resumed");
    for name in ["metrics.jsonl", "samples.jsonl"] {
        assert_eq!(records(&killed.join(name)), records(&out.join(name)), "{name}");
    }

    // A verifier without fuel shows what is judged again: nothing of step 3, half of step 4, all of step 5.
    let no_fuel = Limits { fuel_per_item: 1, ..Limits::default() };
    reinforce(&config, inputs(no_fuel), &refused, 7, &Control::silent()).expect("resumes");
    let failures: Vec<u64> = trained(&records(&refused.join("metrics.jsonl")))
        .iter()
        .map(|record| record["failures"]["fuel"].as_u64().unwrap_or(0))
        .collect();
    assert_eq!(failures, [0, 0, 0, 8, 16, 16]);
}

#[test]
fn a_stop_between_the_rollouts_of_a_step_is_heeded_and_ends_with_the_same_bits() {
    let world = World::new();
    let base = base(&world);
    let config = rl_config(json!({ "generation_batch": 3, "generation_chunk": 4, "evaluate_every": 0 }));
    let (out, stopped) = (world.path("whole"), world.path("stopped"));
    let inputs = || world.rl_inputs(&base, Limits::default());
    reinforce(&config, inputs(), &out, 7, &Control::silent()).expect("trains");

    // Asked to stop as soon as the first group of step 4 is there.
    let control = Control::silent();
    let first = stopped.join("rollouts/step-000003-0000.safetensors");
    let finished = std::thread::scope(|scope| {
        let flag = control.stop.clone();
        scope.spawn(move || {
            let begun = std::time::Instant::now();
            while !first.exists() && begun.elapsed().as_secs() < 300 {
                std::thread::yield_now();
            }
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        reinforce(&config, inputs(), &stopped, 7, &control)
    });
    assert_eq!(finished.expect("stops"), Finished::Stopped);
    let done = trained(&records(&stopped.join("metrics.jsonl"))).len();
    assert!((3..=4).contains(&done), "{done} steps were done");
    assert!(stopped.join(format!("checkpoints/step-{done:06}")).is_dir(), "what is done is kept");
    reinforce(&config, inputs(), &stopped, 7, &Control::silent()).expect("resumes");
    assert!(weights(&out) == weights(&stopped));
    assert_eq!(records(&stopped.join("metrics.jsonl")), records(&out.join("metrics.jsonl")));
}

#[test]
fn kept_rollouts_of_another_policy_are_not_learnt_from() {
    let world = World::new();
    let base = base(&world);
    let config = rl_config(json!({ "generation_batch": 3, "generation_chunk": 4 }));
    let (out, killed) = (world.path("whole"), world.path("killed"));
    let watch = copy_at("step 4/6  reward", out.clone(), killed.clone());
    let inputs = || world.rl_inputs(&base, Limits::default());
    reinforce(&config, inputs(), &out, 7, &watch).expect("trains");
    // The first group of step 3 in the place of step 4's: sampled by the policy of a step before.
    let kept = |name: &str| killed.join("rollouts").join(name);
    std::fs::copy(kept("step-000002-0000.safetensors"), kept("step-000003-0000.safetensors")).expect("copies");
    reinforce(&config, inputs(), &killed, 7, &Control::silent()).expect("resumes");
    assert!(weights(&out) == weights(&killed));
}

#[test]
fn named_sets_are_measured_each_with_the_same_limit_at_every_step() {
    let world = World::new();
    let base = base(&world);
    let mut inputs = world.rl_inputs(&base, Limits::default());
    let set = |name: &str, range: std::ops::Range<usize>| HeldOutSet {
        name: Some(name.to_owned()),
        problems: problems()[range].to_vec(),
    };
    inputs.held_out = vec![set("easy", 0..3), set("hard", 3..8)];
    inputs.held_out[1].problems.iter_mut().for_each(|problem| problem.references = vec!["123456".to_owned()]);
    let out = world.path("rl");
    // Nothing ends a response, so its length is the limit: the schedule's in training, the recipe's here.
    let config = rl_config(json!({ "held_out_response_tokens": 9, "stop": ["never"] }));
    assert_eq!(reinforce(&config, inputs, &out, 7, &Control::silent()).expect("trains"), Finished::Done);
    let all = records(&out.join("metrics.jsonl"));
    assert_eq!(steps(&all, true), [0, 0, 2, 2, 4, 4, 6, 6]);
    for line in all.iter().filter(|line| line.get("held_out").is_some()) {
        let problems = if line["set"] == "easy" { 3 } else { 5 };
        assert_eq!(line["held_out"]["problems"], problems, "{line}");
        assert!(line["held_out"]["response_length"].as_f64().is_some_and(|length| length <= 9.0), "{line}");
    }
    let results: Value =
        serde_json::from_slice(&std::fs::read(out.join("results.json")).expect("results")).expect("JSON");
    let accuracy = |set: &str| results["held_out_sets"][set]["accuracy"].as_f64().expect("an accuracy");
    assert_eq!(accuracy("hard"), 0.0);
    assert_eq!(results["held_out"]["accuracy"].as_f64(), Some(accuracy("easy") / 2.0));
    let samples = records(&out.join("samples.jsonl"));
    assert!(samples.iter().any(|sample| sample["set"] == "hard" && sample["split"] == "held-out"));
}

#[test]
fn each_step_shows_its_best_worst_and_some_other_rollouts_in_full() {
    let world = World::new();
    let base = base(&world);
    let out = world.path("rl");
    let config = rl_config(json!({ "samples_per_step": 1, "steps": 3, "evaluate_every": 0 }));
    reinforce(&config, world.rl_inputs(&base, Limits::default()), &out, 7, &Control::silent()).expect("trains");
    let metrics = std::fs::read_to_string(out.join("metrics.jsonl")).expect("metrics");
    for record in metrics.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record")) {
        for key in ["generation_seconds", "verification_seconds", "waited_seconds"] {
            let timed = record.get("held_out").is_some() || record[key].as_f64().is_some_and(|seconds| seconds >= 0.0);
            assert!(timed, "{key} is missing: {record}");
        }
    }
    let samples = records(&out.join("samples.jsonl"));
    for step in 1..=3 {
        let own: Vec<&Value> =
            samples.iter().filter(|sample| sample["step"] == step && sample["split"] == "train").collect();
        let of = |why: &str| own.iter().find(|sample| sample["pick"] == why).unwrap_or_else(|| panic!("no {why}"));
        assert_eq!(own.len(), 3);
        assert!(of("best")["reward"].as_f64() >= of("random")["reward"].as_f64());
        assert!(of("worst")["reward"].as_f64() <= of("random")["reward"].as_f64());
        for sample in own {
            assert_eq!(sample["token_ids"].as_array().map(Vec::len), sample["tokens"].as_u64().map(|n| n as usize));
            assert!(sample["reason"].is_string() && sample["reward_parts"].is_object(), "{sample}");
            assert!(sample["id"].as_str().is_some_and(|id| id.starts_with("sum-")), "{sample}");
        }
    }
}

#[test]
fn an_alarm_can_end_the_run_after_a_checkpoint_and_the_run_can_resume() {
    let world = World::new();
    let base = base(&world);
    let no_fuel = || Limits { fuel_per_item: 1, ..Limits::default() };
    let out = world.path("rl");
    let stopping = rl_config(json!({ "alarms": { "stop": ["failures"], "patience": 2 } }));
    let error = reinforce(&stopping, world.rl_inputs(&base, no_fuel()), &out, 7, &Control::silent());
    let error = error.expect_err("every verification fails");
    assert!(matches!(&error, TrainError::Alarm { step: 2, message } if message.contains("failures")), "{error}");
    let last = trained(&records(&out.join("metrics.jsonl"))).pop().expect("a step");
    assert_eq!((&last["alarms"][0]["alarm"], &last["alarms"][0]["value"]), (&json!("failures"), &json!(1.0)));

    let config = rl_config(json!({ "alarms": { "constant_reward_steps": 4, "patience": 2 } }));
    reinforce(&config, world.rl_inputs(&base, no_fuel()), &out, 7, &Control::silent()).expect("resumes");
    let results: Value =
        serde_json::from_slice(&std::fs::read(out.join("results.json")).expect("results")).expect("JSON");
    assert_eq!(results["alarms"]["failures"], json!({ "first": 2, "last": 6, "steps": 5 }));
    assert_eq!(results["alarms"]["constant-reward"], json!({ "first": 4, "last": 6, "steps": 3 }));
}
