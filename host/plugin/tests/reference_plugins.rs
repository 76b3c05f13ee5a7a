//! The reference plugins load with their defaults, describe themselves, and give the same answers however they are run.

#[path = "guests/built.rs"]
mod built;
mod guests;

use guests::{attempt, document};
use octo_plugin::types::Outcome;
use octo_plugin::{Kind, Limits};
use serde_json::json;

const REFERENCE: [(&str, Kind); 5] = [
    ("verifier_math", Kind::Verifier),
    ("reward_math", Kind::Reward),
    ("filter_heuristics", Kind::Filter),
    ("mixture_static", Kind::Mixture),
    ("schedule_stairs", Kind::Schedule),
];

/// A config that each takes, where it does not take `{}`.
fn config(name: &str) -> serde_json::Value {
    match name {
        "mixture_static" => json!({"weights": {"prose": 1.0}}),
        "schedule_stairs" => json!({"stairs": [{"step": 0, "tokens": 32}]}),
        _ => json!({}),
    }
}

#[test]
fn each_loads_as_its_kind_and_describes_itself() {
    let host = built::host();
    for (name, kind) in REFERENCE {
        let plugin = built::load(&host, name, &config(name), &Limits::default()).expect(name);
        assert_eq!(plugin.kind(), kind);
        assert_eq!(plugin.description().name, name);
        assert!(!plugin.description().summary.is_empty());
        assert!(plugin.description().config_schema.get("properties").is_some(), "{name} has a schema");
        assert!(plugin.digest().starts_with("sha256:") && plugin.digest().len() == 7 + 64, "{}", plugin.digest());
    }
}

#[test]
fn each_refuses_a_misspelt_config_key() {
    let host = built::host();
    for (name, _) in REFERENCE {
        let mut config = config(name);
        config["no_such_key"] = json!(1);
        let message = match built::load(&host, name, &config, &Limits::default()) {
            Ok(_) => panic!("{name} took it"),
            Err(error) => error.to_string(),
        };
        assert!(message.contains("no_such_key"), "{message}");
    }
}

#[test]
fn verdicts_are_the_same_on_one_two_and_eight_threads_and_in_batches_of_any_size() {
    let host = built::host();
    let attempts: Vec<_> = (0..200).map(|index| attempt(&format!("So it is \\boxed{{{}}}.", index % 5))).collect();
    let run = |threads, batch_items| {
        let limits = Limits { batch_items, ..Limits::default() };
        let plugin =
            built::load(&host, "verifier_math", &json!({}), &limits).expect("loads").into_verifier().expect("kind");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| plugin.verify(&attempts))
    };
    let expected = run(1, 64);
    let correct = |answer: &Result<octo_plugin::types::Verdict, _>| matches!(answer, Ok(verdict) if verdict.outcome == Outcome::Correct);
    assert_eq!(expected.iter().filter(|answer| correct(answer)).count(), 40);
    for (threads, batch_items) in [(2, 64), (8, 64), (1, 1), (8, 7), (2, 1000)] {
        assert_eq!(run(threads, batch_items), expected, "{threads} threads, batches of {batch_items}");
    }
}

#[test]
fn decisions_are_the_same_however_they_are_run() {
    let host = built::host();
    let documents: Vec<_> =
        (0..100).map(|index| document(&format!("d{index}"), &"A sentence of some words. ".repeat(index))).collect();
    let run = |threads, batch_items| {
        let limits = Limits { batch_items, ..Limits::default() };
        let plugin =
            built::load(&host, "filter_heuristics", &json!({}), &limits).expect("loads").into_filter().expect("kind");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| plugin.filter(&documents))
    };
    let expected = run(1, 64);
    assert!(expected.iter().all(Result::is_ok), "{expected:?}");
    for (threads, batch_items) in [(2, 64), (8, 64), (2, 1), (8, 9)] {
        assert_eq!(run(threads, batch_items), expected);
    }
}
