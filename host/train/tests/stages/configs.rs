//! What the reference of all keys is made of: the schema of each stage's settings.

use octo_train::eval::EvalConfig;
use octo_train::midtrain::MidtrainConfig;
use octo_train::rl::RlConfig;
use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

/// The properties of a config and of the tables in it, by their keys.
fn properties<C: JsonSchema>() -> Vec<(String, Value)> {
    let schema = schema_for!(C).to_value();
    let tables = std::iter::once(&schema).chain(schema["$defs"].as_object().into_iter().flat_map(|defs| defs.values()));
    let all = tables.filter_map(|table| table["properties"].as_object()).flatten();
    all.map(|(key, property)| (key.clone(), property.clone())).collect()
}

#[test]
fn every_key_is_described_in_sentences_that_stand_alone() {
    let all = [properties::<RlConfig>(), properties::<MidtrainConfig>(), properties::<EvalConfig>()];
    assert_eq!(all.each_ref().map(Vec::len), [48 + 10, 39, 16], "{all:?}");
    for (key, property) in all.iter().flatten() {
        let description = property["description"].as_str().unwrap_or_else(|| panic!("`{key}` has no description"));
        let hangs = ["Of ", "The same", "As ", "Likewise"].iter().any(|start| description.starts_with(start));
        let whole = description.starts_with(char::is_uppercase) && description.ends_with('.');
        assert!(whole && !hangs, "`{key}`: {description}");
    }
}

#[test]
fn defaults_are_in_the_schema() {
    let find = |all: Vec<(String, Value)>, key: &str| {
        all.into_iter().find(|(own, _)| own == key).map(|(_, property)| property["default"].clone())
    };
    assert_eq!(find(properties::<RlConfig>(), "prompts_per_step"), Some(json!(128)));
    assert_eq!(find(properties::<MidtrainConfig>(), "beta2"), Some(json!(0.95)));
    assert_eq!(find(properties::<EvalConfig>(), "device"), Some(json!("cpu")));
}
