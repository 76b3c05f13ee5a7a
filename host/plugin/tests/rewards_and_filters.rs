//! Reward functions and filters: groups stay whole, poisonous numbers are caught, filters can ask for classifiers.

mod guests;

use guests::{
    CLASSIFY, CONFIGURE, DESCRIBE, PLAIN, contract, document, encode, guest, importing, kinds, load, module, progress,
    rollout, tight,
};
use octo_plugin::types::Decision;
use octo_plugin::{DataFilter, FailureKind, Limits, RewardFunction};

/// Rewards each rollout with its tokens; `n` in a response makes it NaN, `u` crashes. The only part, `group`, is the
/// number of rollouts in the call, which shows what was handed over together.
fn reward_function(limits: &Limits) -> RewardFunction {
    let bytes = guest(
        "reward-plugin",
        r#"
  (data (i32.const 2048) "together")
  (func (export "octo:plugin/reward-function@0.1.0#score")
    (param i32 i32 i64 i64 i64 i64 i32 i32) (param $items i32) (param $count i32) (result i32)
    (local $index i32) (local $rewards i32) (local $rollout i32) (local $reward i32) (local $order i32) (local $part i32)
    (local.set $rewards (call $allocate (i32.const 0) (i32.const 0) (i32.const 8) (i32.mul (local.get $count) (i32.const 32))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
      (local.set $rollout (i32.add (local.get $items) (i32.mul (local.get $index) (i32.const 68))))
      (local.set $reward (i32.add (local.get $rewards) (i32.mul (local.get $index) (i32.const 16))))
      (local.set $part (call $allocate (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 16)))
      (local.set $order (i32.load8_u (i32.load offset=8 (local.get $rollout))))
      (if (i32.eq (local.get $order) (i32.const 0x75)) (then unreachable))
      (f64.store (local.get $reward) (f64.convert_i32_u (i32.load offset=60 (local.get $rollout))))
      (if (i32.eq (local.get $order) (i32.const 0x6e)) (then (f64.store (local.get $reward) (f64.const nan))))
      (i32.store (local.get $part) (i32.const 2048))
      (i32.store offset=4 (local.get $part) (i32.const 8))
      (f64.store offset=8 (local.get $part) (f64.convert_i32_u (local.get $count)))
      (i32.store offset=8 (local.get $reward) (local.get $part))
      (i32.store offset=12 (local.get $reward) (i32.const 1))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
    (i32.store (i32.const 260) (local.get $rewards))
    (i32.store (i32.const 264) (local.get $count))
    (i32.const 256))"#,
    );
    load(&guests::host(), &bytes, limits).expect("loads").into_reward().expect("a reward function")
}

#[test]
fn a_crash_fails_its_group_whole_and_a_bad_number_its_rollout_alone() {
    let (crash, number) = (Some(FailureKind::Trap), Some(FailureKind::InvalidOutput));
    for (bad, expected) in [("nan", [None, number, None]), ("u", [crash, crash, crash])] {
        let rollouts = [
            rollout(0, 5, "fine"),
            rollout(0, 6, "fine"),
            rollout(1, 7, "fine"),
            rollout(1, 8, bad),
            rollout(1, 9, "fine"),
            rollout(2, 10, "fine"),
        ];
        let answers = reward_function(&tight()).score(&progress("rl", 3), &rollouts);
        assert_eq!(kinds(&answers)[2..5], expected, "{answers:?}");
        assert_eq!(answers[1].as_ref().expect("fine").total, 6.0);
        assert_eq!(answers[5].as_ref().expect("fine").total, 10.0);
    }
}

#[test]
fn groups_are_handed_over_whole_even_where_they_exceed_a_batch() {
    let rollouts: Vec<_> = (0..4).flat_map(|group| (0..5).map(move |_| rollout(group, 1, "fine"))).collect();
    for (batch_items, together) in [(1, 5.0), (7, 5.0), (10, 10.0), (64, 20.0)] {
        let answers = reward_function(&Limits { batch_items, ..tight() }).score(&progress("rl", 0), &rollouts);
        for answer in answers {
            assert_eq!(answer.expect("fine").parts[0].value, together, "batches of {batch_items}");
        }
    }
}

/// Asks for the classifier that a document names as its source, and drops the document for the reason that comes back.
fn asking_filter() -> DataFilter {
    let body = r#"
  (func (export "octo:plugin/data-filter@0.1.0#filter") (param $items i32) (param $count i32) (result i32)
    (local $index i32) (local $decisions i32) (local $document i32) (local $decision i32) (local $answer i32)
    (local.set $decisions (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.mul (local.get $count) (i32.const 20))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
      (local.set $document (i32.add (local.get $items) (i32.mul (local.get $index) (i32.const 48))))
      (local.set $decision (i32.add (local.get $decisions) (i32.mul (local.get $index) (i32.const 20))))
      (local.set $answer (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 16)))
      (call $classify (i32.load offset=28 (local.get $document)) (i32.load offset=32 (local.get $document))
        (i32.add (local.get $document) (i32.const 8)) (i32.const 1) (i32.const 1) (local.get $answer))
      (i32.store8 (local.get $decision) (i32.const 3))
      (i32.store offset=4 (local.get $decision) (i32.load offset=8 (local.get $answer)))
      (i32.store offset=8 (local.get $decision) (i32.load offset=12 (local.get $answer)))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
    (i32.store (i32.const 260) (local.get $decisions))
    (i32.store (i32.const 264) (local.get $count))
    (i32.const 256))"#;
    let module = importing(&module(&PLAIN, &format!("{DESCRIBE}{CONFIGURE}{body}")), CLASSIFY);
    let bytes = encode(&contract("0.1.0"), "filter-plugin", &module).expect("a filter");
    load(&guests::host(), &bytes, &tight()).expect("loads").into_filter().expect("a filter")
}

#[test]
fn a_filter_that_asks_for_an_unknown_classifier_gets_an_error_that_names_it() {
    let answers = asking_filter().filter(&[document("a", "text"), document("b", "more text")]);
    assert_eq!(answers.len(), 2);
    for answer in answers {
        match answer.expect("a decision") {
            Decision::Drop(reason) => assert!(reason.contains("no classifier named `web`"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}
