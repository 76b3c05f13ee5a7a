//! A failed item of any kind is saved as a case, read again, and fails alone as it failed among others.

#[path = "guests/built.rs"]
mod built;
mod guests;

use guests::{attempt, document, progress, rollout, source};
use octo_plugin::types::{Decision, FinishReason, Reply};
use octo_plugin::{
    Answer, Case, CaseSetup, Failure, FailureKind, Kind, Limits, LoadError, LoadedPlugin, Memory, Record, Replayed,
    replay,
};
use serde_json::{Value, json};

fn load(name: &str, config: &Value) -> LoadedPlugin {
    built::load(&built::host(), name, config, &Limits::default()).expect("loads")
}

/// The case of a failure, through its file.
fn saved(name: &str, config: &Value, record: Record, failure: &Failure) -> Case {
    let plugin = load(name, config);
    let setup = CaseSetup::of(std::path::Path::new(name), &plugin, config, &Limits::default());
    let case = setup.case(record, failure, None);
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("case.json");
    std::fs::write(&path, case.to_json().expect("JSON")).expect("written");
    assert_eq!(Case::read(&path).expect("a case"), case);
    case
}

fn replayed(name: &str, case: &Case) -> Replayed {
    replay(&built::host(), name, &built::bytes(name), case).expect("loads")
}

/// One case per kind: the failure of a bad item among good ones.
fn failures() -> Vec<(&'static str, Record, Failure)> {
    let none = json!({});
    let failed = |answer: Result<String, Failure>| answer.expect_err("it fails");
    let attempts = [attempt("2"), attempt("BOOM"), attempt("3")];
    let answers = load("hostile_plugin", &none).into_verifier().expect("kind").verify(&attempts);
    let verifier = failed(answers[1].as_ref().map(|_| String::new()).map_err(Failure::clone));

    let rollouts = [rollout(0, 1, "2"), rollout(1, 1, "2"), rollout(1, 1, "BOOM"), rollout(2, 1, "2")];
    let answers = load("hostile_reward", &none).into_reward().expect("kind").score(&progress("rl", 1), &rollouts);
    let reward = failed(answers[2].as_ref().map(|_| String::new()).map_err(Failure::clone));
    let group = Record::Reward { at: progress("rl", 1), rollouts: rollouts[1..3].to_vec(), failed: 1 };

    let documents = [document("a", "fine"), document("b", "BOOM")];
    let answers = load("hostile_filter", &none).into_filter().expect("kind").filter(&documents);
    let filter = failed(answers[1].as_ref().map(|_| String::new()).map_err(Failure::clone));

    let annotator = load("hostile_annotator", &none).into_annotator().expect("kind");
    let asked = annotator.ask(&documents);
    let asking = failed(asked[1].as_ref().map(|_| String::new()).map_err(Failure::clone));
    let reply = |text: &str| Reply { text: text.to_owned(), finish: FinishReason::Length };
    let read = annotator.read(&[("a", "fine"), ("b", "BOOM")].map(|(id, text)| (document(id, "page"), reply(text))));
    let reading = failed(read[1].as_ref().map(|_| String::new()).map_err(Failure::clone));

    let sources = [source("prose"), source("math")];
    let mut mixing = load("hostile_mixture", &none).into_mixture().expect("kind");
    assert_eq!(mixing.memory(), None);
    for step in 0..3 {
        mixing.weights(&progress("base", step), &sources).expect("weighs");
    }
    let mixture = mixing.weights(&progress("BOOM", 3), &sources).expect_err("it fails");
    let memory = Memory(mixing.memory().map(<[u8]>::to_vec));
    assert_eq!(memory.0.as_deref(), Some(&3u64.to_le_bytes()[..]), "three calls are remembered");
    let mixed = Record::Mixture { memory, at: progress("BOOM", 3), sources: sources.to_vec() };

    let mut planning = load("hostile_schedule", &none).into_schedule().expect("kind");
    let schedule = planning.plan(&progress("BOOM", 0)).expect_err("it fails");
    let planned = Record::Schedule { memory: Memory(None), at: progress("BOOM", 0) };
    vec![
        ("hostile_plugin", Record::Verifier(attempt("BOOM")), verifier),
        ("hostile_reward", group, reward),
        ("hostile_filter", Record::Filter(document("b", "BOOM")), filter),
        ("hostile_annotator", Record::Annotator { document: document("b", "BOOM"), reply: None }, asking),
        (
            "hostile_annotator",
            Record::Annotator { document: document("b", "page"), reply: Some(reply("BOOM")) },
            reading,
        ),
        ("hostile_mixture", mixed, mixture),
        ("hostile_schedule", planned, schedule),
    ]
}

#[test]
fn a_case_of_every_kind_fails_again_as_it_was_saved() {
    for (name, record, failure) in failures() {
        let case = saved(name, &json!({}), record, &failure);
        let again = replayed(name, &case);
        assert!(again.is_as_saved(&case), "{name}: {:?} was {failure}", again.answer);
        assert_eq!((failure.kind, again.digest.as_str()), (FailureKind::Trap, case.digest.as_str()), "{name}");
        assert!(again.log.iter().any(|line| line.text.contains("an item asked to panic")), "{name}: {:?}", again.log);
        assert!(again.fuel.is_some_and(|fuel| fuel.used > 0 && fuel.used < fuel.given), "{name}: {:?}", again.fuel);
        assert!(again.frames.iter().any(|frame| !frame.is_runtime), "{name}: {:?}", again.frames);
    }
}

#[test]
fn a_result_that_differs_is_not_as_saved() {
    let case = saved("hostile_plugin", &json!({}), Record::Verifier(attempt("BOOM")), &failure("another"));
    let again = replayed("hostile_plugin", &case);
    assert!(again.answer.is_err() && !again.is_as_saved(&case), "other words");
    let case = saved("hostile_plugin", &json!({}), Record::Verifier(attempt("2")), &failure("gone"));
    let again = replayed("hostile_plugin", &case);
    assert!(again.answer.is_ok() && !again.is_as_saved(&case), "no failure any more");
}

fn failure(message: &str) -> Failure {
    Failure { kind: FailureKind::Trap, message: message.to_owned() }
}

#[test]
fn a_stateful_plugin_resumes_from_the_memory_of_its_case() {
    let schedule = |memory: Memory| {
        let record = Record::Schedule { memory, at: progress("rl", 9) };
        let case = saved("hostile_schedule", &json!({}), record, &failure("it was fixed"));
        replayed("hostile_schedule", &case).answer.map(|answer| match answer {
            Answer::Plan(plan) => plan.max_response_tokens,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(schedule(Memory(None)), Ok(1), "it counts its calls");
    assert_eq!(schedule(Memory(Some(6u32.to_le_bytes().to_vec()))), Ok(7));
    let damaged = schedule(Memory(Some(vec![1, 2, 3]))).expect_err("not its memory");
    assert!(damaged.message.contains("a memory of 3 bytes is not this plugin's"), "{damaged}");
}

#[test]
fn config_and_limits_are_those_of_the_case() {
    let record = Record::Verifier(attempt("2"));
    let mut spinning = saved("hostile_plugin", &json!({"mode": "spin"}), record, &failure("spun"));
    spinning.limits.fuel_per_item = 1_000_000;
    let again = replayed("hostile_plugin", &spinning);
    assert_eq!(again.answer.as_ref().expect_err("no end").kind, FailureKind::Fuel);
    assert_eq!(again.fuel.map(|fuel| (fuel.given, fuel.used)), Some((1_000_000, 1_000_000)));
}

#[test]
fn a_plugin_of_another_kind_and_limits_out_of_range_are_refused() {
    let mut case = saved("hostile_plugin", &json!({}), Record::Verifier(attempt("BOOM")), &failure("any"));
    match replay(&built::host(), "hostile_filter", &built::bytes("hostile_filter"), &case) {
        Err(LoadError::Kind { actual, wanted, .. }) => assert_eq!((actual, wanted), (Kind::Filter, Kind::Verifier)),
        other => panic!("{other:?}"),
    }
    case.limits.stack_bytes = u64::MAX;
    let refused = replay(&built::host(), "hostile_plugin", &built::bytes("hostile_plugin"), &case);
    assert!(matches!(refused, Err(LoadError::Limits { .. })), "{refused:?}");
}

#[test]
fn the_case_of_an_annotator_says_which_of_its_calls_is_meant() {
    let answer = |text: &str, reply: Option<&str>| {
        let reply = reply.map(|text| Reply { text: text.to_owned(), finish: FinishReason::Stop });
        let record = Record::Annotator { document: document("a", text), reply };
        let case = saved("hostile_annotator", &json!({}), record, &failure("it was fixed"));
        replayed("hostile_annotator", &case).answer.expect("an answer")
    };
    match answer("a page", None) {
        Answer::Request(Some(request)) => assert_eq!(request.messages[1].content, "a page"),
        other => panic!("{other:?}"),
    }
    assert_eq!(answer("SKIP", None), Answer::Request(None));
    assert_eq!(answer("SKIP", Some("DROP")), Answer::Decision(Decision::Drop("asked-for".to_owned())));
}
