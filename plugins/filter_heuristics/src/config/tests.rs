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

#[test]
fn a_preset_sets_what_is_not_given() {
    let config: Config =
        serde_json::from_value(serde_json::json!({ "preset": "fineweb", "max_short_line_share": 0.5 }))
            .expect("both are known");
    assert_eq!(config.0.preset, Some(Preset::FineWeb));
    assert_eq!(config.0.max_duplicate_line_character_share, 0.01);
    assert_eq!(config.0.max_short_line_share, 0.5);
    let none: Config = serde_json::from_value(serde_json::json!({ "preset": null })).expect("no preset");
    assert_eq!(none.0.max_duplicate_line_character_share, 0.2);
}

#[test]
fn a_key_that_a_preset_has_no_use_for_is_refused() {
    for (config, message) in [
        (
            serde_json::json!({ "preset": "c4", "min_words": 9 }),
            "preset \"c4\" has no use for min_words; it takes drop_curly_brackets, drop_lorem_ipsum, line_end_punctuation, \
             max_word_characters, min_line_words, min_sentences, remove_citations, remove_javascript_lines, \
             remove_policy_lines",
        ),
        (
            serde_json::json!({ "preset": "fineweb", "max_words": 9 }),
            "preset \"fineweb\" has no use for max_words; it takes max_duplicate_line_character_share, \
             max_line_break_share, max_short_line_share, min_end_punctuation_share, short_line_characters",
        ),
        (
            serde_json::json!({ "preset": "gophers" }),
            "unknown variant `gophers`, expected one of `gopher`, `c4`, `fineweb`, `mathematics`",
        ),
    ] {
        let error = serde_json::from_value::<Config>(config).expect_err("senseless").to_string();
        assert_eq!(error, message);
    }
    let error =
        serde_json::from_value::<Config>(serde_json::json!({ "min_sentences": 3 })).expect_err("no preset").to_string();
    assert!(error.starts_with("min_sentences is of use to a preset only; give `preset`, or one of "), "{error}");
}
