//! The hostile plugins, written with the SDK: every kind in every mode that can go wrong ends as the failure it should,
//! and the host goes on.

#[path = "guests/built.rs"]
mod built;
mod guests;

use std::sync::OnceLock;

use guests::{attempt, document, progress, rollout, source};
use octo_plugin::types::Decision;
use octo_plugin::{Failure, FailureKind, Host, Limits, LoadError};
use serde_json::{Value, json};

/// One host for the whole file: what one plugin does must not matter to the next.
fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(built::host)
}

fn limits() -> Limits {
    Limits { hostcall_bytes: 1 << 20, ..Limits::default() }
}

/// The answers to three items, in words.
type Answers = Vec<Result<String, Failure>>;

fn verdicts(config: &Value) -> Answers {
    let plugin =
        built::load(host(), "hostile_plugin", config, &limits()).expect("loads").into_verifier().expect("kind");
    let answers = plugin.verify(&[attempt("2"), attempt("3"), attempt("4")]);
    answers
        .into_iter()
        .map(|answer| answer.map(|verdict| format!("{:?} {}", verdict.outcome, verdict.reason)))
        .collect()
}

fn rewards(config: &Value) -> Answers {
    let plugin = built::load(host(), "hostile_reward", config, &limits()).expect("loads").into_reward().expect("kind");
    let answers = plugin.score(&progress("rl", 1), &[rollout(0, 1, "2"), rollout(1, 1, "2"), rollout(2, 1, "2")]);
    answers.into_iter().map(|answer| answer.map(|reward| reward.total.to_string())).collect()
}

fn decisions(config: &Value) -> Answers {
    let plugin = built::load(host(), "hostile_filter", config, &limits()).expect("loads").into_filter().expect("kind");
    let answers = plugin.filter(&[document("a", "DROP"), document("b", "REWRITE"), document("c", "NOTE")]);
    answers.into_iter().map(|answer| answer.map(|decision| format!("{decision:?}"))).collect()
}

fn weights(config: &Value) -> Answers {
    let plugin = built::load(host(), "hostile_mixture", config, &limits()).expect("loads");
    let mut plugin = plugin.into_mixture().expect("kind");
    let sources = [source("prose"), source("math")];
    (0..3).map(|step| plugin.weights(&progress("base", step), &sources).map(|weights| format!("{weights:?}"))).collect()
}

fn plans(config: &Value) -> Answers {
    let plugin = built::load(host(), "hostile_schedule", config, &limits()).expect("loads");
    let mut plugin = plugin.into_schedule().expect("kind");
    (0..3).map(|step| plugin.plan(&progress("rl", step)).map(|plan| plan.max_response_tokens.to_string())).collect()
}

/// Three items through a kind of plugin with a config.
type Run = fn(&Value) -> Answers;

const KINDS: [(&str, Run); 5] =
    [("verifier", verdicts), ("reward", rewards), ("filter", decisions), ("mixture", weights), ("schedule", plans)];

/// All items fail as `kind`, with clean messages of moderate length that have `words`.
fn all_fail(config: Value, kinds: &[&str], failure: FailureKind, words: &str) {
    for (kind, run) in KINDS.iter().filter(|(kind, _)| kinds.is_empty() || kinds.contains(kind)) {
        let answers = run(&config);
        assert_eq!(answers.len(), 3);
        for answer in answers {
            match answer {
                Ok(answer) => panic!("{kind} {config}: answered {answer}"),
                Err(found) => {
                    assert_eq!(found.kind, failure, "{kind} {config}: {found}");
                    assert!(found.message.contains(words), "{kind} {config}: no {words:?} in {found}");
                    assert!(!found.message.contains(char::is_control), "{kind} {config}: {found:?}");
                    assert!(found.message.len() < 2000, "{kind} {config}: {} bytes", found.message.len());
                }
            }
        }
        assert!(run(&json!({})).iter().all(Result::is_ok), "{kind}: the host still serves");
    }
}

fn all_succeed(config: Value, kinds: &[&str]) {
    for (kind, run) in KINDS.iter().filter(|(kind, _)| kinds.is_empty() || kinds.contains(kind)) {
        for answer in run(&config) {
            assert!(answer.is_ok(), "{kind} {config}: {answer:?}");
        }
    }
}

#[test]
fn crashes_loops_and_hoards_are_told_apart() {
    all_fail(json!({"mode": "spin"}), &[], FailureKind::Fuel, "fuel_per_item");
    all_fail(json!({"mode": "allocate"}), &[], FailureKind::Memory, "memory_bytes");
    all_fail(json!({"mode": "panic"}), &[], FailureKind::Trap, "asked to panic");
    all_fail(json!({"mode": "unreachable"}), &[], FailureKind::Trap, "unreachable");
    all_fail(json!({"mode": "stack-overflow"}), &[], FailureKind::Trap, "");
}

#[test]
fn refusals_keep_their_words_and_lose_their_control_characters() {
    all_fail(json!({"mode": "refuse"}), &[], FailureKind::PluginError, "unsupported: asked to refuse");
    all_fail(json!({"mode": "refuse-control-characters"}), &[], FailureKind::PluginError, "invalid input: [2J[31mred");
    all_fail(json!({"mode": "refuse-huge", "bytes": 4 << 20}), &[], FailureKind::InvalidOutput, "hostcall_bytes");
    all_fail(json!({"mode": "refuse-huge"}), &[], FailureKind::Memory, "memory_bytes");
}

#[test]
fn lists_of_a_wrong_length_are_invalid_output() {
    let lists = ["verifier", "filter", "mixture"];
    for mode in ["too-few", "too-many", "no-answers"] {
        all_fail(json!({"mode": mode}), &lists, FailureKind::InvalidOutput, "");
        // The SDK counts a group's rewards, since in a batch one group's surplus could hide another's lack.
        all_fail(json!({"mode": mode}), &["reward"], FailureKind::PluginError, "rewards for the 1 rollouts of a group");
    }
    all_fail(json!({"mode": "huge-list", "bytes": 16 << 20}), &lists, FailureKind::InvalidOutput, "");
    let lists = ["verifier", "reward", "filter", "mixture"];
    all_fail(json!({"mode": "huge-list"}), &lists, FailureKind::Memory, "memory_bytes");
}

#[test]
fn huge_and_dangerous_text_is_invalid_where_it_would_be_counted_and_cleaned_where_it_is_read() {
    all_fail(json!({"mode": "huge-text"}), &["verifier", "reward", "filter"], FailureKind::Memory, "memory_bytes");
    all_fail(
        json!({"mode": "huge-text", "bytes": 4 << 20}),
        &["verifier", "reward"],
        FailureKind::InvalidOutput,
        "hostcall_bytes",
    );
    all_fail(
        json!({"mode": "huge-text", "bytes": 100_000}),
        &["verifier", "reward", "filter"],
        FailureKind::InvalidOutput,
        "",
    );
    for mode in ["control-characters", "empty-text"] {
        all_fail(json!({"mode": mode}), &["reward", "filter"], FailureKind::InvalidOutput, "name");
    }
    for verdict in verdicts(&json!({"mode": "control-characters"})) {
        assert!(!verdict.expect("a verdict").contains(char::is_control));
    }
}

#[test]
fn numbers_that_are_none_are_invalid_output() {
    let numbers = ["reward", "mixture", "schedule"];
    all_fail(json!({"mode": "not-a-number"}), &numbers, FailureKind::InvalidOutput, "NaN");
    all_fail(json!({"mode": "infinite"}), &numbers, FailureKind::InvalidOutput, "inf");
    for mode in ["negative", "zero"] {
        all_fail(json!({"mode": mode}), &["mixture", "schedule"], FailureKind::InvalidOutput, "");
        all_succeed(json!({"mode": mode}), &["reward"]);
    }
    all_succeed(json!({"mode": "enormous"}), &numbers);
}

#[test]
fn a_flooded_log_is_no_failure_and_a_huge_line_is() {
    all_succeed(json!({"mode": "log-control-characters"}), &[]);
    all_succeed(json!({"mode": "log-flood"}), &[]);
    all_succeed(json!({"mode": "configure-log-flood"}), &[]);
    all_fail(json!({"mode": "log-huge", "bytes": 4 << 20}), &[], FailureKind::InvalidOutput, "hostcall_bytes");
}

#[test]
fn every_batch_starts_from_a_fresh_instance() {
    let limits = Limits { batch_items: 2, ..limits() };
    let plugin = built::load(host(), "hostile_plugin", &json!({"mode": "count"}), &limits).expect("loads");
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
fn one_bad_document_in_a_batch_costs_only_itself() {
    for (text, kind) in [
        ("BOOM", FailureKind::Trap),
        ("SPIN", FailureKind::Fuel),
        ("EAT", FailureKind::Memory),
        ("REFUSE", FailureKind::PluginError),
    ] {
        let plugin = built::load(host(), "hostile_filter", &json!({}), &limits()).expect("loads");
        let answers = plugin.into_filter().expect("kind").filter(&[
            document("a", "fine"),
            document("b", text),
            document("c", "DROP"),
        ]);
        assert_eq!(answers[0], Ok(Decision::Keep));
        assert_eq!(answers[1].as_ref().map_err(|failure| failure.kind), Err(kind));
        assert_eq!(answers[2], Ok(Decision::Drop("asked-for".to_owned())));
    }
}

#[test]
fn a_policys_memory_of_any_size_is_bounded() {
    all_fail(
        json!({"mode": "huge-text", "bytes": 4 << 20}),
        &["mixture", "schedule"],
        FailureKind::InvalidOutput,
        "hostcall_bytes",
    );
    all_fail(json!({"mode": "huge-text"}), &["mixture", "schedule"], FailureKind::Memory, "memory_bytes");
}

#[test]
fn policies_survive_a_failed_step_and_a_restart() {
    let load =
        || built::load(host(), "hostile_mixture", &json!({}), &limits()).expect("loads").into_mixture().expect("kind");
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

#[test]
fn plugins_that_go_wrong_while_configured_are_refused() {
    let refused = |name: &str, config: Value| match built::load(host(), name, &config, &limits()) {
        Ok(_) => panic!("{name} {config}: loaded"),
        Err(error) => error,
    };
    let kind = |error: &LoadError| match error {
        LoadError::Start { failure, .. } => Some(failure.kind),
        _ => None,
    };
    for name in ["hostile_plugin", "hostile_reward", "hostile_filter", "hostile_mixture", "hostile_schedule"] {
        assert_eq!(kind(&refused(name, json!({"mode": "configure-spin"}))), Some(FailureKind::Fuel));
        assert_eq!(kind(&refused(name, json!({"mode": "configure-allocate"}))), Some(FailureKind::Memory));
        assert_eq!(kind(&refused(name, json!({"mode": "configure-panic"}))), Some(FailureKind::Trap));
        let error = refused(name, json!({"mode": "configure-refuse"}));
        assert!(matches!(error, LoadError::Config { .. }) && error.to_string().contains("asked to refuse"), "{error}");
        let error = refused(name, json!({"mode": "no-such-mode"}));
        assert!(error.to_string().contains("key `mode`"), "{error}");
        let error = refused(name, json!({"mod": "good"}));
        assert!(error.to_string().contains("did you mean `mode`?"), "{error}");
    }
}
