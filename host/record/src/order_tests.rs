//! Keys of metrics, results and the lock are in alphabetical order, whatever a record has: fields stand so in the types.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::*;

/// The record is written with sorted keys, and read as it was.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(record: T) {
    let text = serde_json::to_string(&record).expect("writes");
    let sorted = serde_json::to_value(&record).expect("writes").to_string();
    assert_eq!(text, sorted);
    assert_eq!(serde_json::from_str::<T>(&text).expect("reads"), record);
}

fn named<V>(value: V) -> BTreeMap<String, V> {
    BTreeMap::from([("web".to_owned(), value)])
}

fn evaluation() -> Evaluation {
    Evaluation {
        accuracy: 0.25,
        correct_length: Some(3.0),
        failures: BTreeMap::from([(FailureKind::Trap, 1), (FailureKind::PluginError, 2)]),
        outcomes: BTreeMap::from([(Outcome::Unparsable, 1), (Outcome::Correct, 2), (Outcome::NoAnswer, 3)]),
        problems: 4,
        ..Evaluation::default()
    }
}

#[test]
fn records_of_midtrain_with_all_keys_and_with_the_fewest() {
    check(MidtrainRecord::Start(MidtrainStart { held_out_loss: 7.5, step: 0, time: 1.5, tokens: 0 }));
    check(MidtrainRecord::Step(MidtrainStep { step: 1, ..MidtrainStep::default() }));
    check(MidtrainRecord::Step(MidtrainStep {
        capped_sources: vec!["web".to_owned()],
        gradient_norm: Some(1.0),
        held_out_loss: Some(2.5),
        learning_rate: 1e-5,
        loss: Some(2.0),
        mixture: named(1.0),
        model_flops_utilisation: Some(0.5),
        peak_memory_bytes: Some(1 << 40),
        realised_share: named(1.0),
        skipped: Some("loss NaN".to_owned()),
        skipped_steps: Some(2),
        source_loss: Some(named(2.0)),
        step: 3,
        time: 1e9,
        tokens: 64,
        tokens_per_second: 1e5,
    }));
    check(MidtrainResults { held_out_loss: Some(2.0), ..MidtrainResults::default() });
}

#[test]
fn records_of_rl_with_all_keys_and_with_the_fewest() {
    check(RlRecord::Step(Box::default()));
    check(RlRecord::Step(Box::new(RlStep {
        alarms: vec![RaisedAlarm {
            alarm: AlarmName::KlJump,
            message: "look".to_owned(),
            steps: 3,
            threshold: 0.5,
            value: 1.0,
        }],
        correct_length: Some(4.0),
        train_inference_mismatch: Some(TrainInferenceMismatch { kl: 0.0, max: 0.5, mean: 0.25 }),
        failures: evaluation().failures,
        outcomes: evaluation().outcomes,
        policy_kl: Some(0.5),
        reference_kl: Some(0.25),
        reward_parts: named(0.5),
        step: 2,
        ..RlStep::default()
    })));
    check(RlRecord::HeldOut(HeldOutRecord { held_out: evaluation(), set: None, step: 2 }));
    check(RlRecord::HeldOut(HeldOutRecord { held_out: evaluation(), set: Some("hard".to_owned()), step: 2 }));
    check(RlResults::default());
    let mean = EvaluationMean { accuracy: 0.5, problems: 8, response_length: 3.0 };
    for held_out in [HeldOutSummary::Mean(mean), HeldOutSummary::One(evaluation())] {
        check(RlResults {
            alarms: BTreeMap::from([(AlarmName::Truncated, AlarmSpan { first: 1, last: 3, steps: 2 })]),
            held_out: Some(held_out),
            held_out_sets: named(evaluation()),
            metrics: named(0.5),
            ..RlResults::default()
        });
    }
    check(ProblemHistory { id: "7".to_owned(), ..ProblemHistory::default() });
}

#[test]
fn results_of_eval() {
    let results = EvalResults::new(evaluation(), 1);
    check(EvalResults { attempts: Some(4), pass_at: Some(named(0.5)), ..results.clone() });
    check(results);
}

#[test]
fn the_lock() {
    let device = Device { kind: "cuda".to_owned(), name: Some("NVIDIA H200".to_owned()), count: 8 };
    let stage = StageLock {
        config: serde_json::json!({ "steps": 2, "loop": { "threads": 1 } }),
        device: Some(device.clone()),
        outputs: Some(named("sha256:00".to_owned())),
        seconds: Some(1.5),
        ..StageLock::default()
    };
    check(RunLock { plugins: named(PluginLock::default()), stages: named(stage), ..RunLock::default() });
    // The same device in `done.json`, whose order is the type's.
    let done = StageDone { device: Some(device), ..StageDone::default() };
    let text = String::from_utf8(done.to_json().expect("writes")).expect("UTF-8");
    let order = ["\"kind\"", "\"key\"", "\"seconds\"", "\"device\"", "\"name\"", "\"count\"", "\"outputs\""];
    assert!(order.map(|key| text.find(key).expect(key)).is_sorted(), "{text}");
}

#[test]
fn numbers_that_are_not_finite_are_null_and_read_as_nan() {
    let step = RlStep {
        entropy: f64::NAN,
        reward_parts: named(f64::NAN),
        train_inference_mismatch: Some(TrainInferenceMismatch { kl: f64::NAN, max: f64::NAN, mean: 0.0 }),
        ..RlStep::default()
    };
    let text = serde_json::to_string(&step).expect("writes");
    assert!(text.contains("\"entropy\":null") && !text.contains("\"loss\""), "{text}");
    let read: RlStep = serde_json::from_str(&text).expect("reads");
    assert!(read.entropy.is_nan() && read.loss.is_none() && read.reward_parts["web"].is_nan());
    assert_eq!(serde_json::to_string(&read).expect("writes"), text);
}

#[test]
fn a_record_without_a_key_is_an_error_that_names_it() {
    let error =
        serde_json::from_str::<RlRecord>("{\"step\":1,\"accuracy\":0.5}").expect_err("too few keys").to_string();
    assert!(error.starts_with("missing field `alarms`"), "{error}");
    let error = serde_json::from_str::<MidtrainRecord>("{\"step\":1}").expect_err("too few keys").to_string();
    assert!(error.starts_with("missing field `learning_rate`"), "{error}");
}
