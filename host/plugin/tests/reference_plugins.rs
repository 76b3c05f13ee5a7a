//! The reference plugins load with their defaults, describe themselves, and refuse what they do not know.
//! That they repeat themselves is `repeatability.rs`.

#[path = "guests/built.rs"]
mod built;

use octo_plugin::types::{DataSource, Progress};
use octo_plugin::{FailureKind, Kind, Limits, MixturePolicy};
use serde_json::json;

const REFERENCE: [(&str, Kind); 19] = [
    ("verifier_math", Kind::Verifier),
    ("verifier_choice", Kind::Verifier),
    ("verifier_exact", Kind::Verifier),
    ("reward_outcome", Kind::Reward),
    ("reward_format", Kind::Reward),
    ("reward_overlong", Kind::Reward),
    ("reward_repetition", Kind::Reward),
    ("reward_cosine_length", Kind::Reward),
    ("filter_heuristics", Kind::Filter),
    ("filter_classifier", Kind::Filter),
    ("filter_refined", Kind::Filter),
    ("annotator_math_score", Kind::Annotator),
    ("annotator_refine", Kind::Annotator),
    ("filter_math_score", Kind::Filter),
    ("mixture_static", Kind::Mixture),
    ("mixture_stages", Kind::Mixture),
    ("mixture_adaptive", Kind::Mixture),
    ("schedule_staircase", Kind::Schedule),
    ("schedule_adaptive", Kind::Schedule),
];

/// A config that each takes, where it does not take `{}`.
fn config(name: &str) -> serde_json::Value {
    match name {
        "mixture_static" | "mixture_adaptive" => json!({"weights": {"prose": 1.0}}),
        "mixture_stages" => json!({"stages": {"*": [{"weights": {"prose": 1.0}}]}}),
        "schedule_staircase" => json!({"stairs": [{"step": 0, "tokens": 32}]}),
        "schedule_adaptive" => json!({"start": 32, "most": 64}),
        "reward_overlong" => json!({"buffer": 32}),
        _ => json!({}),
    }
}

#[test]
fn none_is_forgotten_here() {
    assert_eq!(built::reference_plugins(), REFERENCE.map(|(name, _)| name.to_owned()).into());
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

/// The rewards, schedules and annotators: a page says what each config key does, and what the plugin does not catch.
#[test]
fn each_reward_schedule_and_annotator_has_a_page_that_names_every_config_key() {
    let host = built::host();
    for (name, _) in
        REFERENCE.iter().filter(|(_, kind)| matches!(kind, Kind::Reward | Kind::Schedule | Kind::Annotator))
    {
        let page = format!("{}/../../plugins/{name}/README.md", env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(page.contains("## What it does not catch") && page.contains("Source: "), "{name}");
        let plugin = built::load(&host, name, &config(name), &Limits::default()).expect(name);
        let schema = plugin.description().config_schema.clone();
        for key in schema["properties"].as_object().expect("properties").keys() {
            assert!(page.contains(&format!("`{key}`")), "{name}: the page does not name {key}");
        }
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
fn the_adaptive_mixture_resumes_from_the_memory_of_a_checkpoint_to_the_bit() {
    let host = built::host();
    let config = json!({"weights": {"web": 0.7, "qa": 0.3}, "reference": {"web": 1.5, "qa": 1.0}, "every": 3});
    let fresh = || {
        let plugin = built::load(&host, "mixture_adaptive", &config, &Limits::default()).expect("loads");
        plugin.into_mixture().expect("a mixture")
    };
    let ask = |mixture: &mut MixturePolicy, step: u64| {
        let at = Progress { stage: "mid".into(), step, total_steps: 20, tokens: 0, total_tokens: 0, metrics: vec![] };
        let source = |name: &str, loss| DataSource { name: name.into(), tokens_available: 9, tokens_seen: 0, loss };
        let losses =
            [2.0 + (step % 4) as f64 / 7.0, 1.0 + (step % 5) as f64 / 3.0].map(|loss| (step > 0).then_some(loss));
        mixture.weights(&at, &[source("web", losses[0]), source("qa", losses[1])]).expect("weights")
    };
    let mut whole = fresh();
    let expected: Vec<Vec<f64>> = (0..20).map(|step| ask(&mut whole, step)).collect();
    assert!(expected[19][1] != 0.3, "the shares moved");
    for cut in [0, 1, 7, 12] {
        let mut before = fresh();
        (0..cut).for_each(|step| {
            ask(&mut before, step);
        });
        let memory = before.save().expect("saves");
        let mut resumed = fresh();
        resumed.restore(&memory).expect("its own memory");
        for step in cut..20 {
            assert_eq!(ask(&mut resumed, step), expected[step as usize], "step {step} from {cut}");
        }
    }
    let refused = fresh().restore(b"not a memory").expect_err("not its own");
    assert_eq!(refused.kind, FailureKind::PluginError);
}
