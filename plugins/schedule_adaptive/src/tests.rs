//! When the limit moves, and that a restored schedule resumes as if nothing had happened.

use super::*;
use octo_sdk::{ErrorKind, Metric};
use proptest::prelude::*;
use serde_json::json;

fn schedule(config: serde_json::Value) -> Result<Adaptive, String> {
    let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
    Adaptive::new(config).map_err(|error| error.message)
}

fn at(step: u64, clipped: f64) -> Progress {
    let metric = |name: &str, value| Metric { name: name.into(), value };
    let metrics = if step == 0 { vec![] } else { vec![metric("accuracy", 0.5), metric("clipped", clipped)] };
    Progress { stage: "rl".into(), step, total_steps: 400, tokens: 0, total_tokens: 0, metrics }
}

/// The limits of a run whose share of cut-off responses is `clipped[step - 1]` at each step.
fn limits(schedule: &mut Adaptive, clipped: &[f64]) -> Vec<u32> {
    let steps = std::iter::once(&1.0).chain(clipped).zip(0..);
    steps.map(|(clipped, step)| schedule.plan(&at(step, *clipped)).expect("a plan").max_response_tokens).collect()
}

#[test]
fn the_limit_grows_when_few_are_cut_off_for_some_steps_in_a_row() {
    let mut plugin = schedule(json!({ "start": 100, "most": 350, "steps_in_a_row": 2 })).expect("valid");
    let found = limits(&mut plugin, &[0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(found, [100, 100, 100, 100, 200, 200, 350, 350, 350, 350]);
}

#[test]
fn it_never_shrinks_unless_it_may_and_then_not_below_its_bound() {
    let many = [0.0, 0.9, 0.9, 0.9, 0.9];
    let config = |extra: serde_json::Value| {
        let mut config = json!({ "start": 100, "most": 400, "steps_in_a_row": 1 });
        extra.as_object().into_iter().flatten().for_each(|(key, value)| config[key] = value.clone());
        config
    };
    assert_eq!(limits(&mut schedule(config(json!({}))).expect("valid"), &many), [100, 200, 200, 200, 200, 200]);
    let shrink = json!({ "shrink": { "metric": "clipped", "above": 0.5 }, "least": 60 });
    assert_eq!(limits(&mut schedule(config(shrink)).expect("valid"), &many), [100, 200, 100, 60, 60, 60]);
}

#[test]
fn any_metric_of_the_host_may_be_watched_and_one_that_is_not_there_is_an_error() {
    let grow = |metric: &str| json!({ "start": 10, "most": 90, "steps_in_a_row": 1, "factor": 1.5, "grow": { "metric": metric, "above": 0.4 } });
    let mut plugin = schedule(grow("accuracy")).expect("valid");
    assert_eq!(limits(&mut plugin, &[1.0, 1.0]), [10, 15, 23]);
    let mut plugin = schedule(grow("acuracy")).expect("valid");
    plugin.plan(&at(0, 0.0)).expect("there are no metrics before the first step");
    let error = plugin.plan(&at(1, 0.0)).expect_err("misspelt");
    assert_eq!(error.kind, ErrorKind::InvalidInput);
    assert!(error.message.contains("`acuracy`") && error.message.contains("accuracy, clipped"), "{error}");
}

#[test]
fn a_figure_that_is_not_a_number_moves_nothing() {
    let mut plugin = schedule(json!({ "start": 10, "most": 90, "steps_in_a_row": 1 })).expect("valid");
    assert_eq!(limits(&mut plugin, &[f64::NAN, f64::NAN]), [10, 10, 10]);
}

#[test]
fn the_memory_of_another_plugin_or_config_is_refused() {
    let mut plugin = schedule(json!({ "start": 100, "most": 200 })).expect("valid");
    for bytes in [&b""[..], b"adaptiv1", b"something of another plugin"] {
        assert_eq!(plugin.restore(bytes).expect_err("no memory").kind, ErrorKind::InvalidInput);
    }
    let other = schedule(json!({ "start": 500, "most": 800 })).expect("valid");
    let error = plugin.restore(&RolloutSchedule::save(&other)).expect_err("500 is above 200");
    assert!(error.message.contains("500") && error.message.contains("100 to 200"), "{error}");
    assert_eq!(plugin.plan(&at(0, 0.0)).expect("a plan").max_response_tokens, 100, "as it was");
}

#[test]
fn senseless_configs_are_refused_by_the_name_of_their_key() {
    for (config, key) in [
        (json!({ "most": 5 }), "missing field `start`"),
        (json!({ "start": 0, "most": 5 }), "start"),
        (json!({ "start": 10, "most": 5 }), "most"),
        (json!({ "start": 10, "most": 50, "least": 11 }), "least"),
        (json!({ "start": 10, "most": 50, "least": 0 }), "least"),
        (json!({ "start": 10, "most": 50, "factor": 1.0 }), "factor"),
        (json!({ "start": 10, "most": 50, "grow": { "metric": "clipped" } }), "grow"),
        (json!({ "start": 10, "most": 50, "shrink": { "metric": "clipped", "below": 0.1, "above": 0.2 } }), "shrink"),
        (json!({ "start": 10, "most": 50, "steps_in_a_row": 0 }), "steps_in_a_row"),
        (json!({ "start": 10, "most": 50, "temperature": -1.0 }), "temperature"),
        (json!({ "start": 10, "most": 50, "top_p": 0.0 }), "top_p"),
        (json!({ "start": 10, "most": 50, "patience": 2 }), "unknown field `patience`"),
    ] {
        let error = schedule(config.clone()).err().expect("senseless");
        assert!(error.starts_with(key), "{config}: {error}");
    }
}

proptest! {
    #[test]
    fn a_schedule_restored_at_any_step_resumes_exactly_and_stays_within_its_bounds(
        clipped in prop::collection::vec(0.0f64..1.0, 1..60), stop in 0usize..60, rows in 1u32..4, factor in 1.01f64..4.0,
    ) {
        let config = json!({
            "start": 64, "most": 4096, "least": 32, "factor": factor, "steps_in_a_row": rows,
            "grow": { "metric": "clipped", "below": 0.4 }, "shrink": { "metric": "clipped", "above": 0.6 }
        });
        let mut whole = schedule(config.clone()).expect("valid");
        let expected = limits(&mut whole, &clipped);
        prop_assert!(expected.iter().all(|tokens| (32..=4096).contains(tokens)), "{:?}", expected);
        let stop = stop.min(clipped.len());
        let mut first = schedule(config.clone()).expect("valid");
        let mut found = limits(&mut first, &clipped[..stop]);
        let mut second = schedule(config).expect("valid");
        second.restore(&RolloutSchedule::save(&first)).expect("its own memory");
        for (step, clipped) in (stop as u64 + 1..).zip(&clipped[stop..]) {
            found.push(second.plan(&at(step, *clipped)).expect("a plan").max_response_tokens);
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(RolloutSchedule::save(&second), RolloutSchedule::save(&whole));
    }
}
