//! What a step learns from where rewards hardly differ, or differ by KL alone; and limits that the model has no room
//! for.

use std::path::{Path, PathBuf};

use crate::tiny::{World, midtrain_config, plugin, records, rl_config, weights};
use octo_plugin::Limits;
use octo_train::Control;
use octo_train::midtrain::midtrain;
use octo_train::rl::{RlInputs, reinforce};
use serde_json::{Value, json};

fn base(world: &World) -> PathBuf {
    let out = world.path("base");
    let config = midtrain_config(150, json!({ "checkpoint_every": 0, "sequences_per_forward": 0 }));
    midtrain(&config, world.midtrain_inputs(), &out, 7, &Control::silent()).expect("trains");
    out.join("model")
}

/// Inputs with an answer that the model never gives to every problem, or to every second one.
fn hopeless(world: &World, base: &Path, every: usize) -> RlInputs {
    let mut inputs = world.rl_inputs(base, Limits::default());
    inputs.held_out.clear();
    for problem in inputs.problems.iter_mut().step_by(every) {
        problem.references = vec!["123456".to_owned()];
    }
    inputs
}

/// The records of the steps of a run, and its folder.
fn run(world: &World, name: &str, inputs: RlInputs, extra: Value) -> (Vec<Value>, PathBuf) {
    let mut config = json!({ "evaluate_every": 0, "checkpoint_every": 0 });
    extra.as_object().expect("an object").iter().for_each(|(key, value)| config[key] = value.clone());
    let out = world.path(name);
    reinforce(&rl_config(config), inputs, &out, 7, &Control::silent()).expect("trains");
    let steps = records(&out.join("metrics.jsonl")).into_iter().filter(|record| record.get("updates").is_some());
    (steps.collect(), out)
}

#[test]
fn rounding_between_engine_and_trainer_is_not_learnt_from() {
    let world = World::new();
    let base = base(&world);
    let before = std::fs::read(base.join("model.safetensors")).expect("reads");
    for (algorithm, estimator, compute) in [
        ("grpo", "k1", "float32"),
        ("grpo", "k3", "float32"),
        ("dr-grpo", "k2", "float32"),
        ("rloo", "k1", "float32"),
        ("reinforce-plus-plus", "k1", "float32"),
        ("reinforce-plus-plus", "k3", "bfloat16"),
        ("grpo", "k1", "bfloat16"),
    ] {
        let name = format!("{algorithm}-{estimator}-{compute}");
        let extra = json!({ "algorithm": algorithm, "kl_estimator": estimator, "kl_coefficient": 0.1, "steps": 2,
            "kl_place": "reward", "old_log_probabilities": "sampled", "compute": compute });
        let (steps, out) = run(&world, &name, hopeless(&world, &base, 1), extra);
        for step in &steps {
            assert!(step["engine_gap"]["max"].as_f64().is_some_and(|gap| gap > 0.0), "nothing is rounded: {step}");
            assert_eq!((&step["reward"], &step["zero_variance_groups"]), (&json!(0.0), &json!(4)), "{name}: {step}");
            assert_eq!((&step["updates"], step.get("gradient_norm")), (&json!(0), None), "{name}: {step}");
        }
        assert!(weights(&out) == before, "{name}: all rewards are 0 and the policy is its reference");
    }
    // Inside the loss the distance is the gradient of k2 and k3.
    for (estimator, updates) in [("k2", 1), ("k3", 1), ("k3", 2)] {
        let name = format!("{estimator}-{updates}-loss");
        let extra = json!({ "kl_estimator": estimator, "kl_coefficient": 0.1, "steps": 2, "updates_per_step": updates,
            "tokens_per_forward": 64 });
        let (steps, out) = run(&world, &name, hopeless(&world, &base, 1), extra);
        for step in &steps {
            assert!(step["reference_kl"].as_f64().is_some_and(|kl| kl < 1e-9), "{name}: it is measured all the same");
            assert_eq!(step["updates"], 0, "{name}: {step}");
        }
        assert!(weights(&out) == before, "{name}");
    }
}

#[test]
fn a_divergence_in_the_reward_is_learnt_from_once_the_policy_has_moved() {
    let world = World::new();
    let base = base(&world);
    let extra = json!({ "kl_estimator": "k1", "kl_coefficient": 0.1, "kl_place": "reward", "steps": 8 });
    for place in ["sampled", "recomputed"] {
        let mut extra = extra.clone();
        extra["old_log_probabilities"] = json!(place);
        let (steps, _) = run(&world, place, hopeless(&world, &base, 2), extra);
        let without: Vec<u64> = steps.iter().filter_map(|step| step["zero_variance_groups"].as_u64()).collect();
        assert!(without[0] > 0, "{place}: before the first update the policy is its reference: {without:?}");
        assert_eq!(without[4..], [0; 4], "{place}: after it every group differs by KL, whatever its answers are paid");
        let hopeless = steps.iter().filter(|step| step["accuracy"].as_f64().is_some_and(|share| share <= 0.75)).count();
        assert!(hopeless >= 4, "{place}: the problems must leave groups of equal answers");
    }
}

#[test]
fn dynamic_sampling_and_alarms_look_at_what_advantages_are_computed_from() {
    let world = World::new();
    let base = base(&world);
    let extra = |place: &str| {
        json!({ "algorithm": "dapo", "sampling_rounds": 2, "kl_estimator": "k1", "kl_coefficient": 0.1,
            "kl_place": place, "steps": 6, "alarms": { "constant_reward_steps": 2 } })
    };
    let replaced =
        |steps: &[Value]| -> Vec<u64> { steps.iter().filter_map(|step| step["replaced_groups"].as_u64()).collect() };
    // In the loss, the reward alone decides: what is never solved is replaced for ever.
    let (in_loss, _) = run(&world, "in-loss", hopeless(&world, &base, 1), extra("loss"));
    assert_eq!(replaced(&in_loss), [8; 6]);
    assert!(in_loss.iter().all(|step| step["zero_variance_groups"] == 8), "{in_loss:?}");
    assert_eq!(in_loss[5]["alarms"][0]["alarm"], "constant-reward");
    // In the reward it is a part of it. Nothing differs before the first update, so there is none.
    let (still, _) = run(&world, "still", hopeless(&world, &base, 1), extra("reward"));
    assert_eq!(replaced(&still), [8; 6]);
    // Once problems that are solved have moved the policy, no group is equal any more.
    let (moved, _) = run(&world, "moved", hopeless(&world, &base, 2), extra("reward"));
    assert!(replaced(&moved)[0] > 0, "{moved:?}");
    assert_eq!(replaced(&moved)[3..], [0; 3]);
    assert!(moved[5]["alarms"].as_array().is_some_and(Vec::is_empty), "{:?}", moved[5]["alarms"]);
}

#[test]
fn a_stair_beyond_the_models_positions_is_refused_before_the_first_step() {
    let world = World::new();
    let base = base(&world);
    let with = |name: &str, stairs: Value, extra: Value| {
        let mut inputs = world.rl_inputs(&base, Limits::default());
        let stairs = json!({ "stairs": stairs });
        inputs.schedule = plugin("schedule_staircase", stairs, Limits::default()).into_schedule().expect("a schedule");
        let out = world.path(name);
        let ended = reinforce(&rl_config(extra), inputs, &out, 7, &Control::silent());
        let lines = std::fs::read_to_string(out.join("metrics.jsonl")).expect("reads").lines().count();
        (ended.map_err(|error| error.to_string()), lines)
    };
    let grows = json!([{ "step": 0, "tokens": 12 }, { "step": 4, "tokens": 200 }]);
    let limits = json!({ "max_response_tokens": 300, "held_out_response_tokens": 16 });
    let (ended, lines) = with("grows", grows.clone(), limits);
    assert_eq!(
        ended.expect_err("200 tokens do not fit"),
        "config key `max_response_tokens`: the schedule plans responses of 200 tokens at step 5, and with the longest \
         prompt, of 9 tokens, the model's 128 positions leave 119; set 119 or less here, or lower the schedule's limit"
    );
    assert_eq!(lines, 0, "nothing was evaluated nor generated");
    // The limit that the message gives works, and so does a stair that the run never comes to.
    let (ended, _) = with("held", grows.clone(), json!({ "max_response_tokens": 119, "held_out_response_tokens": 16 }));
    ended.expect("119 tokens fit");
    let short = json!({ "max_response_tokens": 300, "held_out_response_tokens": 16, "steps": 4 });
    with("short", grows, short).0.expect("the run has no fifth step");
    let (ended, lines) = with("held-out", json!([{ "step": 0, "tokens": 12 }]), json!({ "max_response_tokens": 300 }));
    assert_eq!(
        ended.expect_err("300 tokens do not fit"),
        "config key `max_response_tokens`: 300 tokens do not fit for the held-out problems: with their longest prompt, \
         of 9 tokens, the model's 128 positions leave 119"
    );
    assert_eq!(lines, 0);
}
