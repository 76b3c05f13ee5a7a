//! What remains of trouble: nothing. Batches start from fresh instances, and stateful plugins resume as if it had not been.

#[path = "../../../host/plugin/tests/guests/built.rs"]
mod built;
#[path = "../../../host/plugin/tests/guests/mod.rs"]
mod guests;

use guests::{attempt, progress, source};
use octo_plugin::Limits;
use serde_json::json;

#[test]
fn every_batch_starts_from_a_fresh_instance() {
    let limits = Limits { batch_items: 2, ..Limits::default() };
    let plugin = built::load(&built::host(), "hostile_plugin", &json!({"mode": "count"}), &limits).expect("loads");
    let attempts: Vec<_> = (0..6).map(|_| attempt("2")).collect();
    let reasons: Vec<_> = plugin
        .into_verifier()
        .expect("kind")
        .verify(&attempts)
        .into_iter()
        .map(|v| v.expect("judged").reason)
        .collect();
    let (first, second) = ("call 1, attempt 0", "call 1, attempt 1");
    assert_eq!(reasons, [first, second, first, second, first, second]);
}

#[test]
fn stateful_plugins_survive_a_failed_step_and_a_restart() {
    let host = built::host();
    let load = || {
        let plugin = built::load(&host, "hostile_mixture", &json!({}), &Limits::default()).expect("loads");
        plugin.into_mixture().expect("kind")
    };
    let sources = [source("prose"), source("math")];
    let mut straight = load();
    let expected: Vec<_> = (0..6).map(|step| straight.weights(&progress("base", step), &sources)).collect();

    let mut troubled = load();
    let mut found = Vec::new();
    for step in 0..6 {
        for trouble in ["BOOM", "SPIN", "EAT", "REFUSE"] {
            assert!(troubled.weights(&progress(trouble, step), &sources).is_err());
        }
        found.push(troubled.weights(&progress("base", step), &sources));
        let memory = troubled.save().expect("saves");
        troubled = load();
        troubled.restore(&memory).expect("restores");
    }
    assert_eq!(found, expected);
}
