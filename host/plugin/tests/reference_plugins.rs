//! The reference plugins load with their defaults, describe themselves, and refuse what they do not know.
//! That they repeat themselves is `repeatability.rs`.

#[path = "guests/built.rs"]
mod built;

use octo_plugin::{Kind, Limits};
use serde_json::json;

const REFERENCE: [(&str, Kind); 7] = [
    ("verifier_math", Kind::Verifier),
    ("verifier_choice", Kind::Verifier),
    ("verifier_exact", Kind::Verifier),
    ("reward_math", Kind::Reward),
    ("filter_heuristics", Kind::Filter),
    ("mixture_static", Kind::Mixture),
    ("mixture_stages", Kind::Mixture),
    ("mixture_adaptive", Kind::Mixture),
    ("schedule_stairs", Kind::Schedule),
];

/// A config that each takes, where it does not take `{}`.
fn config(name: &str) -> serde_json::Value {
    match name {
        "mixture_static" | "mixture_adaptive" => json!({"weights": {"prose": 1.0}}),
        "mixture_stages" => json!({"stages": {"*": [{"weights": {"prose": 1.0}}]}}),
        "schedule_stairs" => json!({"stairs": [{"step": 0, "tokens": 32}]}),
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
