//! Stateful plugins remember: through checkpoints exactly, and through their own failures.

mod guests;

use guests::{guest, load, progress, source, tight};
use octo_plugin::{FailureKind, MixturePolicy, RolloutSchedule};

/// A function that saves a counter, and one that takes it back where it has 4 bytes.
const COUNTER: &str = r#"
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 2048) "four bytes, please")
  (func (export "octo:plugin/memory@0.1.0#save") (result i32)
    (i32.store (i32.const 512) (global.get $calls))
    (i32.store (i32.const 516) (i32.const 512))
    (i32.store (i32.const 520) (i32.const 4))
    (i32.const 516))
  (func (export "octo:plugin/memory@0.1.0#restore") (param $at i32) (param $length i32) (result i32)
    (if (i32.ne (local.get $length) (i32.const 4)) (then
      (i32.store8 (i32.const 528) (i32.const 1))
      (i32.store8 (i32.const 532) (i32.const 1))
      (i32.store (i32.const 536) (i32.const 2048))
      (i32.store (i32.const 540) (i32.const 18))
      (return (i32.const 528))))
    (global.set $calls (i32.load (local.get $at)))
    (i32.const 0))"#;

/// A schedule that allows as many tokens as it was called times. It counts first and then does as the stage's first
/// letter says: `u` crashes, `l` loops, `e` refuses, `z` plans for 0 tokens.
fn schedule() -> RolloutSchedule {
    let body = r#"
  (func (export "octo:plugin/rollout-schedule@0.1.0#plan")
    (param $stage i32) (param i32 i64 i64 i64 i64 i32 i32) (result i32)
    (local $order i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $order (i32.load8_u (local.get $stage)))
    (if (i32.eq (local.get $order) (i32.const 0x75)) (then unreachable))
    (if (i32.eq (local.get $order) (i32.const 0x6c)) (then (loop $again (br $again))))
    (i64.store (i32.const 256) (i64.const 0))
    (if (i32.eq (local.get $order) (i32.const 0x65)) (then
      (i32.store8 (i32.const 256) (i32.const 1))
      (i32.store8 (i32.const 264) (i32.const 3))
      (i32.store (i32.const 268) (i32.const 2048))
      (i32.store (i32.const 272) (i32.const 4))
      (return (i32.const 256))))
    (i32.store (i32.const 264) (global.get $calls))
    (if (i32.eq (local.get $order) (i32.const 0x7a)) (then (i32.store (i32.const 264) (i32.const 0))))
    (f64.store (i32.const 272) (f64.const 1))
    (f64.store (i32.const 280) (f64.const 0.95))
    (i32.const 256))"#;
    let bytes = guest("schedule-plugin", &format!("{COUNTER}{body}"));
    load(&guests::host(), &bytes, &tight()).expect("loads").into_schedule().expect("a schedule")
}

/// A mixture whose first weight is the number of calls and the second 1; on a stage that begins with `n`, the second is
/// not a number.
fn mixture() -> MixturePolicy {
    let body = r#"
  (func (export "octo:plugin/mixture-policy@0.1.0#weights")
    (param $stage i32) (param i32 i64 i64 i64 i64 i32 i32) (param i32 i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (f64.store (i32.const 600) (f64.convert_i32_u (global.get $calls)))
    (f64.store (i32.const 608) (f64.const 1))
    (if (i32.eq (i32.load8_u (local.get $stage)) (i32.const 0x6e)) (then (f64.store (i32.const 608) (f64.const nan))))
    (i32.store (i32.const 260) (i32.const 600))
    (i32.store (i32.const 264) (i32.const 2))
    (i32.const 256))"#;
    let bytes = guest("mixture-plugin", &format!("{COUNTER}{body}"));
    load(&guests::host(), &bytes, &tight()).expect("loads").into_mixture().expect("a mixture policy")
}

fn tokens(schedule: &mut RolloutSchedule, stage: &str) -> Result<u32, FailureKind> {
    schedule.plan(&progress(stage, 0)).map(|plan| plan.max_response_tokens).map_err(|failure| failure.kind)
}

#[test]
fn a_stateful_plugin_keeps_its_instance_from_call_to_call() {
    let mut schedule = schedule();
    assert_eq!([1, 2, 3].map(|_| tokens(&mut schedule, "rl").expect("plans")), [1, 2, 3]);
}

#[test]
fn a_restored_plugin_resumes_exactly_where_the_saved_one_was() {
    let mut first = schedule();
    for _ in 0..5 {
        tokens(&mut first, "rl").expect("plans");
    }
    let memory = first.save().expect("saves");
    let mut second = schedule();
    second.restore(&memory).expect("restores");
    for _ in 0..3 {
        assert_eq!(first.plan(&progress("rl", 9)), second.plan(&progress("rl", 9)));
    }
    assert_eq!(first.save(), second.save());
    assert_eq!(tokens(&mut second, "rl"), Ok(9));
}

#[test]
fn a_plugin_that_was_never_called_can_be_saved() {
    let memory = schedule().save().expect("saves");
    let mut restored = schedule();
    restored.restore(&memory).expect("restores");
    assert_eq!(tokens(&mut restored, "rl"), Ok(1));
}

#[test]
fn a_failed_call_leaves_the_memory_as_it_was() {
    for (order, kind) in [
        ("u", FailureKind::Trap),
        ("l", FailureKind::Fuel),
        ("e", FailureKind::PluginError),
        ("z", FailureKind::InvalidOutput),
    ] {
        let mut schedule = schedule();
        assert_eq!(tokens(&mut schedule, order), Err(kind), "as the first call");
        assert_eq!([1, 2].map(|_| tokens(&mut schedule, "rl").expect("plans")), [1, 2]);
        let before = schedule.save();
        assert_eq!(tokens(&mut schedule, order), Err(kind), "after others");
        assert_eq!(schedule.save(), before);
        assert_eq!(tokens(&mut schedule, "rl"), Ok(3), "as if the failed call had never been made");
    }
}

#[test]
fn memory_that_the_plugin_does_not_take_changes_nothing() {
    let mut schedule = schedule();
    assert_eq!(tokens(&mut schedule, "rl"), Ok(1));
    let failure = schedule.restore(b"damaged").expect_err("not 4 bytes");
    assert_eq!(failure.kind, FailureKind::PluginError);
    assert!(failure.message.contains("four bytes, please"), "{}", failure.message);
    assert_eq!(tokens(&mut schedule, "rl"), Ok(2));
}

#[test]
fn mixtures_come_normalised_and_their_failures_cost_no_memory() {
    let mut mixture = mixture();
    let sources = [source("prose"), source("math")];
    assert_eq!(mixture.weights(&progress("base", 0), &sources), Ok(vec![0.5, 0.5]));
    let failure = mixture.weights(&progress("nan", 1), &sources).expect_err("not a number");
    assert_eq!(failure.kind, FailureKind::InvalidOutput);
    assert!(failure.message.contains("\"math\""), "{}", failure.message);
    assert_eq!(mixture.weights(&progress("base", 1), &sources), Ok(vec![2.0 / 3.0, 1.0 / 3.0]));
    let failure = mixture.weights(&progress("base", 2), &[source("prose")]).expect_err("one source");
    assert!(failure.message.contains("2 weights for 1 sources"), "{}", failure.message);
}
