//! Plugins built for an older contract keep working, with the same answers; what a newer one adds is there for those
//! built for it.

#[path = "guests/built.rs"]
mod built;
mod guests;

use guests::{attempt, document, kinds, progress, rollout, source};
use octo_plugin::types::{Decision, Field, FinishReason, Reply, Rewritten, Role};
use octo_plugin::{Contract, FailureKind, Limits, LoadedPlugin};
use serde_json::{Value, json};

/// A component of this repository as the SDK of an older contract built it.
fn built_for(contract: Contract, name: &str, config: &Value) -> LoadedPlugin {
    let folder = format!("contract_{}", contract.version().to_string().replace('.', "_"));
    let path = format!("{}/tests/golden/{folder}/{name}.wasm.zst", env!("CARGO_MANIFEST_DIR"));
    let compressed = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let bytes = zstd::decode_all(compressed.as_slice()).expect("a golden file");
    let plugin = built::host().load_bytes(name, &bytes, config, &Limits::default()).expect(name);
    assert_eq!(plugin.contract(), contract);
    plugin
}

fn golden(name: &str, config: &Value) -> LoadedPlugin {
    built_for(Contract::V0_1, name, config)
}

/// The same plugin as it is built now.
fn current(name: &str, config: &Value) -> LoadedPlugin {
    let plugin = built::load(&built::host(), name, config, &Limits::default()).expect(name);
    assert_eq!(plugin.contract(), Contract::CURRENT);
    plugin
}

#[test]
fn an_old_verifier_judges_as_it_did() {
    let attempts = [attempt("2"), attempt("3"), attempt("2")];
    let judged = |plugin: LoadedPlugin| plugin.into_verifier().expect("a verifier").verify(&attempts);
    let config = json!({});
    assert_eq!(judged(golden("hostile_plugin", &config)), judged(current("hostile_plugin", &config)));
}

/// What was `reward_math` then pays by default as `reward_outcome` does now.
#[test]
fn an_old_reward_function_pays_as_it_did() {
    let rollouts: Vec<_> = (0..8).map(|index| rollout(index / 4, 10 * index, "so it is \\boxed{2}")).collect();
    let paid =
        |plugin: LoadedPlugin| plugin.into_reward().expect("a reward function").score(&progress("rl", 3), &rollouts);
    let old = paid(golden("reward_math", &json!({})));
    assert!(old.iter().all(Result::is_ok), "{old:?}");
    assert_eq!(old, paid(current("reward_outcome", &json!({}))));
}

#[test]
fn an_old_filter_decides_as_it_did() {
    let documents: Vec<_> =
        (0..40).map(|index| document(&format!("d{index}"), &"Some words of a page. ".repeat(index))).collect();
    let decided = |plugin: LoadedPlugin| plugin.into_filter().expect("a filter").filter(&documents);
    let old = decided(golden("filter_heuristics", &json!({})));
    assert!(old.iter().all(Result::is_ok), "{old:?}");
    assert_eq!(old, decided(current("filter_heuristics", &json!({}))));
}

#[test]
fn old_stateful_plugins_plan_and_remember_as_they_did() {
    let config = json!({"weights": {"prose": 3.0, "math": 1.0}});
    let sources = [source("prose"), source("math")];
    let weighed = |plugin: LoadedPlugin| {
        let mut mixture = plugin.into_mixture().expect("a mixture");
        (mixture.weights(&progress("base", 1), &sources), mixture.save())
    };
    assert_eq!(weighed(golden("mixture_static", &config)), weighed(current("mixture_static", &config)));

    let config = json!({"stairs": [{"step": 0, "tokens": 32}, {"step": 5, "tokens": 64}]});
    let planned = |plugin: LoadedPlugin| {
        let mut schedule = plugin.into_schedule().expect("a schedule");
        let plans: Vec<_> = (0..8).map(|step| schedule.plan(&progress("rl", step))).collect();
        (plans, schedule.save())
    };
    assert_eq!(planned(golden("schedule_stairs", &config)), planned(current("schedule_staircase", &config)));
}

/// 0.1.0 refuses a batch as a whole, so the host asks for each item again, alone: call 1, attempt 0 each time. Since
/// 0.2.0 a refusal is its item's, and the neighbours' answers are those of the batch.
#[test]
fn a_refused_item_costs_itself_alone_in_both_and_its_neighbours_nothing_in_the_newer() {
    let attempts = [attempt("2"), attempt("please REFUSE"), attempt("2")];
    let judged = |plugin: LoadedPlugin| plugin.into_verifier().expect("a verifier").verify(&attempts);
    let config = json!({"mode": "count"});
    let (old, new) = (judged(golden("hostile_plugin", &config)), judged(current("hostile_plugin", &config)));
    let refused = Some(FailureKind::PluginError);
    assert_eq!((kinds(&old), kinds(&new)), (vec![None, refused, None], vec![None, refused, None]));
    assert_eq!(old[1], new[1]);
    let reasons = |answers: &[Result<octo_plugin::types::Verdict, _>]| {
        [0, 2].map(|index: usize| answers[index].as_ref().expect("judged").reason.clone())
    };
    assert_eq!(reasons(&old), ["call 1, attempt 0", "call 1, attempt 0"]);
    assert_eq!(reasons(&new), ["call 1, attempt 0", "call 1, attempt 2"]);
}

/// 0.3.0 changes nothing for the kinds that 0.2.0 has, refusals included.
#[test]
fn plugins_of_0_2_0_answer_as_those_built_now() {
    let old = |name: &str, config: &Value| built_for(Contract::V0_2, name, config);
    let count = json!({"mode": "count"});
    let attempts = [attempt("2"), attempt("please REFUSE"), attempt("3"), attempt("BOOM")];
    let judged = |plugin: LoadedPlugin| in_kinds(plugin.into_verifier().expect("a verifier").verify(&attempts));
    assert_eq!(judged(old("hostile_plugin", &json!({}))), judged(current("hostile_plugin", &json!({}))));
    assert_eq!(judged(old("hostile_plugin", &count)), judged(current("hostile_plugin", &count)));

    let rollouts: Vec<_> = (0..8).map(|index| rollout(index / 4, 10 * index, "so it is \\boxed{2}")).collect();
    let paid =
        |plugin: LoadedPlugin| plugin.into_reward().expect("a reward function").score(&progress("rl", 3), &rollouts);
    let config = json!({"incorrect": -1.0});
    assert_eq!(paid(old("reward_outcome", &config)), paid(current("reward_outcome", &config)));

    let documents =
        ["DROP", "REWRITE", "NOTE", "kept", "REFUSE", "BOOM"].map(|text| document(&text.to_lowercase(), text));
    let decided = |plugin: LoadedPlugin| in_kinds(plugin.into_filter().expect("a filter").filter(&documents));
    let (before, now) = (decided(old("hostile_filter", &json!({}))), decided(current("hostile_filter", &json!({}))));
    assert_eq!((before[0].as_deref(), &before), (Ok("Decision::Drop(\"asked-for\")"), &now));

    let config = json!({"weights": {"prose": 3.0, "math": 1.0}});
    let sources = [source("prose"), source("math")];
    let weighed = |plugin: LoadedPlugin| {
        let mut mixture = plugin.into_mixture().expect("a mixture");
        (mixture.weights(&progress("base", 1), &sources), mixture.save())
    };
    assert_eq!(weighed(old("mixture_static", &config)), weighed(current("mixture_static", &config)));

    let config = json!({"stairs": [{"step": 0, "tokens": 32}, {"step": 5, "tokens": 64}]});
    let planned = |plugin: LoadedPlugin| {
        let mut schedule = plugin.into_schedule().expect("a schedule");
        let plans: Vec<_> = (0..8).map(|step| schedule.plan(&progress("rl", step))).collect();
        (plans, schedule.save())
    };
    assert_eq!(planned(old("schedule_staircase", &config)), planned(current("schedule_staircase", &config)));
}

/// Answers in words; of failures the kind, since the places in their messages are those of the build.
fn in_kinds<T: std::fmt::Debug>(answers: Vec<Result<T, octo_plugin::Failure>>) -> Vec<Result<String, FailureKind>> {
    answers
        .into_iter()
        .map(|answer| answer.map(|answer| format!("{answer:?}")).map_err(|failure| failure.kind))
        .collect()
}

/// An annotator is new in 0.3.0: the older ones have no world for it.
#[test]
fn an_annotator_asks_and_reads() {
    let plugin = current("hostile_annotator", &json!({}));
    assert_eq!(plugin.kind(), octo_plugin::Kind::Annotator);
    let annotator = plugin.into_annotator().expect("an annotator");
    let asked = annotator.ask(&[document("a", "one"), document("b", "SKIP"), document("c", "REFUSE")]);
    let request = asked[0].as_ref().expect("asks").as_ref().expect("a request");
    let messages: Vec<_> = request.messages.iter().map(|message| (message.role, message.content.as_str())).collect();
    assert_eq!(messages, [(Role::System, "Be brief."), (Role::User, "one")]);
    assert_eq!((request.max_tokens, request.temperature, request.top_p, request.stop.len()), (16, 0.5, 1.0, 0));
    assert_eq!(asked[1], Ok(None));
    assert_eq!(
        asked[2].as_ref().expect_err("refused").to_string(),
        "plugin-error: invalid input: an item asked to be refused"
    );

    let answered = |text: &str| (document("a", "one"), Reply { text: text.to_owned(), finish: FinishReason::Stop });
    let read = annotator.read(&["DROP", "REWRITE", "NOTE", "fine", "BOOM"].map(answered));
    assert_eq!(read[0], Ok(Decision::Drop("asked-for".to_owned())));
    let field = |name: &str, value: &str| vec![Field { name: name.to_owned(), value: value.to_owned() }];
    let rewritten = Rewritten { text: "REWRITE".to_owned(), fields: field("rewritten", "yes") };
    assert_eq!(read[1], Ok(Decision::Rewrite(rewritten)));
    assert_eq!(read[2], Ok(Decision::Annotate(field("note", "seen"))));
    assert_eq!(read[3], Ok(Decision::Keep));
    assert_eq!(read[4].as_ref().expect_err("it panics").kind, FailureKind::Trap);
}
