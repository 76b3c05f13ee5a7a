//! Reinforcement learning and evaluation from end to end, with the reference plugins.

use std::path::PathBuf;

use crate::tiny::{World, copy_at, midtrain_config, plugin, problems, records, rl_config, steps, stop_at, weights};
use octo_plugin::Limits;
use octo_train::eval::{EvalConfig, EvalInputs, evaluate};
use octo_train::midtrain::midtrain;
use octo_train::rl::reinforce;
use octo_train::{Control, Finished, TrainError};
use serde_json::{Value, json};

/// A model that has seen boxed answers, all digits alike.
fn base(world: &World) -> PathBuf {
    let out = world.path("base");
    let config = midtrain_config(150, json!({ "checkpoint_every": 0, "sequences_per_forward": 0 }));
    midtrain(&config, world.midtrain_inputs(), &out, 7, &Control::silent()).expect("trains");
    out.join("model")
}

#[test]
fn a_stopped_or_killed_run_ends_with_the_same_bits() {
    let world = World::new();
    let base = base(&world);
    // Several updates a step and a reference model, so that everything that a checkpoint must bring back is in use.
    let config = rl_config(json!({ "updates_per_step": 2, "kl_coefficient": 0.01 }));
    let inputs = || world.rl_inputs(&base, Limits::default());
    let (straight, stopped, killed) = (world.path("straight"), world.path("stopped"), world.path("killed"));

    let watch = copy_at("step 5/6", straight.clone(), killed.clone());
    assert_eq!(reinforce(&config, inputs(), &straight, 7, &watch).expect("trains"), Finished::Done);
    let whole = records(&straight.join("metrics.jsonl"));
    assert_eq!(steps(&whole, false), [1, 2, 3, 4, 5, 6]);
    assert_eq!(steps(&whole, true), [0, 2, 4, 6]);
    assert!(weights(&straight) != std::fs::read(base.join("model.safetensors")).expect("reads"), "it must learn");
    let limits: Vec<u64> = whole.iter().filter_map(|record| record.get("length_limit")?.as_u64()).collect();
    assert_eq!(limits, [12, 12, 12, 14, 14, 14], "the schedule's stairs");

    let stop = stop_at("step 4/6  reward");
    assert_eq!(reinforce(&config, inputs(), &stopped, 7, &stop).expect("stops"), Finished::Stopped);
    // An evaluation is due after step 4, but a stop does not wait for it; the run that resumes makes up for it.
    assert!(stopped.join("checkpoints/step-000004/state.json").is_file());
    assert_eq!(steps(&records(&stopped.join("metrics.jsonl")), true), [0, 2]);
    let later = world.path("later");
    let watch = copy_at("step 5/6  reward", stopped.clone(), later.clone());
    reinforce(&config, inputs(), &stopped, 7, &watch).expect("resumes");
    assert!(weights(&straight) == weights(&stopped), "stopped and resumed");
    assert_eq!(records(&stopped.join("metrics.jsonl")), whole);

    // Killed after that evaluation and before the next checkpoint: it is made again, and stands there once.
    assert_eq!(steps(&records(&later.join("metrics.jsonl")), true), [0, 2, 4]);
    reinforce(&config, inputs(), &later, 7, &Control::silent()).expect("resumes");
    assert!(weights(&straight) == weights(&later), "stopped, resumed, killed and resumed");
    assert_eq!(records(&later.join("samples.jsonl")), records(&straight.join("samples.jsonl")));

    reinforce(&config, inputs(), &killed, 7, &Control::silent()).expect("resumes");
    assert!(weights(&straight) == weights(&killed), "killed and resumed");
    for name in ["metrics.jsonl", "samples.jsonl"] {
        assert_eq!(records(&killed.join(name)), records(&straight.join(name)), "{name}");
    }
}

#[test]
fn rewarded_answers_become_likely_and_the_eval_stage_agrees() {
    let world = World::new();
    let base = base(&world);
    let out = world.path("rl");
    let config = rl_config(json!({
        "steps": 30, "prompts_per_step": 8, "rollouts_per_prompt": 8, "evaluate_every": 0, "checkpoint_every": 0
    }));
    reinforce(&config, world.rl_inputs(&base, Limits::default()), &out, 7, &Control::silent()).expect("trains");
    let records = records(&out.join("metrics.jsonl"));
    let sampled: Vec<f64> = records.iter().filter_map(|record| record.get("accuracy")?.as_f64()).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (first, last) = (mean(&sampled[..3]), mean(&sampled[27..]));
    assert!(first < 0.6 && last > 0.9, "accuracy of rollouts went from {first} to {last}");
    let held_out = records.last().expect("an evaluation")["held_out"].clone();
    assert_eq!(held_out["problems"], 6);
    assert!(held_out["accuracy"].as_f64().expect("a share") > 0.8, "{held_out}");
    for record in records.iter().filter(|record| record.get("reward").is_some()) {
        assert_eq!(record["reward"], record["accuracy"], "the reward is 1 for a correct answer and 0 else");
    }

    let evaluated = |name: &str, extra: Value| {
        let mut config = json!({"prompt": "Q: {problem}\nA:", "max_response_tokens": 16, "stop": ["}"]});
        extra.as_object().expect("an object").iter().for_each(|(key, value)| config[key] = value.clone());
        let config: EvalConfig = serde_json::from_value(config).expect("a config");
        let verifier = plugin("verifier_math", json!({}), Limits::default()).into_verifier().expect("a verifier");
        let inputs = EvalInputs { model: out.join("model"), problems: problems()[..6].to_vec(), verifier };
        let finished = evaluate(&config, inputs, &world.path(name), 7, &Control::silent()).expect("evaluates");
        assert_eq!(finished, Finished::Done);
        let text = std::fs::read(world.path(name).join("results.json")).expect("results");
        serde_json::from_slice::<Value>(&text).expect("an object")
    };
    let greedy = evaluated("greedy", json!({}));
    assert_eq!((&greedy["accuracy"], &greedy["outcomes"]), (&held_out["accuracy"], &held_out["outcomes"]));
    assert_eq!(crate::tiny::records(&world.path("greedy").join("samples.jsonl")).len(), 6);
    let sampled = evaluated("sampled", json!({"attempts": 4, "temperature": 1.0}));
    let pass_at = |k: &str| sampled["pass_at"][k].as_f64().expect("pass@k");
    assert_eq!(sampled["accuracy"].as_f64().map(|a| (a * 1e9).round()), Some((pass_at("1") * 1e9).round()));
    assert!(pass_at("4") >= pass_at("2") && pass_at("2") >= pass_at("1"));
}

#[test]
fn failed_verifications_are_masked_not_scored_zero() {
    let world = World::new();
    let base = base(&world);
    let no_fuel = Limits { fuel_per_item: 1, ..Limits::default() };
    let out = world.path("masked");
    let config = rl_config(json!({ "steps": 2, "checkpoint_every": 0 }));
    reinforce(&config, world.rl_inputs(&base, no_fuel.clone()), &out, 7, &Control::silent()).expect("runs");
    let metrics = records(&out.join("metrics.jsonl"));
    let steps: Vec<&Value> = metrics.iter().filter(|record| record.get("updates").is_some()).collect();
    assert_eq!(steps.len(), 2);
    for record in steps {
        assert_eq!(record["failures"], json!({"fuel": 16}), "every verification ran out of fuel");
        assert_eq!((&record["masked"], &record["updates"]), (&json!(16), &json!(0)));
        assert_eq!(record["zero_variance_groups"], 4);
        for mean_of_nothing in ["reward", "loss", "gradient_norm", "clip_fraction", "clip_fraction_low"] {
            assert!(record.get(mean_of_nothing).is_none(), "{mean_of_nothing} is no 0: {record}");
        }
    }
    let results: Value =
        serde_json::from_slice(&std::fs::read(out.join("results.json")).expect("results")).expect("JSON");
    assert!(results["metrics"].get("reward").is_none() && results["metrics"]["accuracy"] == 0.0, "{results}");
    let before = std::fs::read(base.join("model.safetensors")).expect("reads");
    assert!(weights(&out) == before, "nothing was verified, so nothing may be learnt");
    let samples = records(&out.join("samples.jsonl"));
    assert!(samples.iter().all(|sample| sample["failure"] == "fuel" && sample["outcome"].is_null()));

    let out = world.path("zeroed");
    let config = rl_config(json!({ "steps": 1, "checkpoint_every": 0, "failed_rollouts": "zero" }));
    reinforce(&config, world.rl_inputs(&base, no_fuel), &out, 7, &Control::silent()).expect("runs");
    let first = records(&out.join("metrics.jsonl")).into_iter().find(|r| r.get("reward").is_some()).expect("a step");
    assert_eq!((&first["masked"], &first["reward"]), (&json!(0), &json!(0.0)));
}

#[test]
fn overlong_prompts_are_left_out_and_a_template_without_a_place_is_refused() {
    let world = World::new();
    let base = base(&world);
    let config = rl_config(json!({ "max_prompt_tokens": 2 }));
    let inputs = || world.rl_inputs(&base, Limits::default());
    let error = reinforce(&config, inputs(), &world.path("a"), 7, &Control::silent()).expect_err("all are longer");
    assert!(matches!(&error, TrainError::NothingToDo(message) if message.contains("16 of 16")), "{error}");
    let config = rl_config(json!({ "prompt": "Q: {question}" }));
    let error = reinforce(&config, inputs(), &world.path("b"), 7, &Control::silent()).expect_err("no place");
    assert!(error.to_string().contains("{problem}"), "{error}");
}
