//! Which configs are taken, and what refuses the others.

use super::*;

#[test]
fn senseless_configs_are_refused_by_the_name_of_their_key() {
    for (config, key) in [
        (serde_json::json!({ "min_letter_word_share": 1.5 }), "min_letter_word_share"),
        (serde_json::json!({ "max_symbol_share": -0.1 }), "max_symbol_share"),
        (serde_json::json!({ "max_top_phrase_shares": [0.2, 7, 0.1] }), "max_top_phrase_shares[1]"),
        (serde_json::json!({ "min_words": 200_000 }), "min_words"),
        (serde_json::json!({ "min_mean_word_length": 11.0 }), "min_mean_word_length"),
        (serde_json::json!({ "max_characters": 0 }), "min_characters"),
        (serde_json::json!({ "min_function_words": 9 }), "min_function_words"),
        (serde_json::json!({ "boilerplate_markers": ["subscribe", ""] }), "boilerplate_markers"),
        (serde_json::json!({ "quality_field": " " }), "quality_field"),
    ] {
        let parsed: Config = serde_json::from_value(config.clone()).expect("fits the types");
        let error = parsed.check().expect_err("senseless").message;
        assert!(error.starts_with(key), "{config}: {error}");
    }
    assert_eq!(Config::default().check(), Ok(()));
}

#[test]
fn the_schema_describes_every_key() {
    let schema = schemars::schema_for!(Config);
    let properties = schema.get("properties").and_then(serde_json::Value::as_object).expect("an object");
    assert!(properties.len() > 20);
    for (key, property) in properties {
        assert!(property.get("description").is_some_and(|text| text.is_string()), "{key}");
    }
}
