//! The presets `gopher`, `c4` and `fineweb` decide as datatrove 0.10.1's filters, for the same first reason, and split words
//! as spaCy 3.8: golden files of `tests/datatrove/make.py`, on texts of our own.

use filter_heuristics::english::Splitter;
use filter_heuristics::{Config, Heuristics};
use octo_sdk::{DataFilter, Decision, Document, Plugin};

/// What datatrove made of one text.
#[derive(serde::Deserialize)]
struct Golden {
    text: String,
    words: Vec<String>,
    gopher: Decided,
    c4: Decided,
    fineweb: Decided,
}

/// Kept, where it has no reason; with another text, where it has one.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Decided {
    reason: Option<String>,
    text: Option<String>,
}

fn golden() -> Vec<Golden> {
    serde_json::from_str(include_str!("datatrove/golden.json")).expect("what the script wrote")
}

fn decide(filter: &Heuristics, text: &str) -> Decided {
    let document = Document {
        id: String::new(),
        text: text.to_owned(),
        url: None,
        source: String::new(),
        year: None,
        fields: vec![],
    };
    match filter.filter(&document).expect("a decision") {
        Decision::Keep => Decided { reason: None, text: None },
        Decision::Rewrite(new) => Decided { reason: None, text: Some(new.text) },
        Decision::Drop(reason) => Decided { reason: Some(reason), text: None },
        Decision::Annotate(_) => panic!("no field was asked for"),
    }
}

#[test]
fn words_are_split_as_spacy_splits_them() {
    let splitter = Splitter::new();
    for Golden { text, words, .. } in golden() {
        let mut split = Vec::new();
        splitter.words(&text, |word| split.push(word.text.to_owned()));
        assert_eq!(split, words, "{text:?}");
    }
}

#[test]
fn every_preset_decides_as_datatrove_for_the_same_first_reason() {
    for (preset, expected) in [
        ("gopher", (|golden| golden.gopher) as fn(Golden) -> Decided),
        ("c4", |golden| golden.c4),
        ("fineweb", |golden| golden.fineweb),
    ] {
        let config: Config = serde_json::from_value(serde_json::json!({ "preset": preset })).expect("a preset");
        let filter = Heuristics::new(config).expect("valid");
        let mut reasons = std::collections::BTreeSet::new();
        for golden in golden() {
            let text = golden.text.clone();
            let expected = expected(golden);
            assert_eq!(decide(&filter, &text), expected, "{preset}: {text:?}");
            reasons.insert(expected.reason);
        }
        // The texts go through every rule, or nearly.
        assert!(reasons.len() >= if preset == "gopher" { 14 } else { 4 }, "{preset}: {reasons:?}");
    }
}

/// What a setting beside a preset decides of a text.
fn with(config: serde_json::Value, text: &str) -> Option<String> {
    let config: Config = serde_json::from_value(config).expect("taken");
    decide(&Heuristics::new(config).expect("valid"), text).reason
}

#[test]
fn single_settings_win_over_the_preset() {
    let prose = &golden()[0].text;
    for (preset, kept, dropped, reason) in [
        ("gopher", serde_json::json!({}), serde_json::json!({ "min_words": 200 }), "gopher_short_doc"),
        (
            "gopher",
            serde_json::json!({}),
            serde_json::json!({ "max_top_phrase_shares": [0.001, 1.0, 1.0] }),
            "top_2_gram",
        ),
        ("c4", serde_json::json!({}), serde_json::json!({ "min_sentences": 7 }), "too_few_sentences"),
        ("fineweb", serde_json::json!({}), serde_json::json!({ "short_line_characters": 500 }), "short_line_ratio"),
    ] {
        let config = |mut keys: serde_json::Value| {
            keys["preset"] = preset.into();
            keys
        };
        assert_eq!(with(config(kept), prose), None, "{preset}");
        assert_eq!(with(config(dropped), prose).as_deref(), Some(reason), "{preset}");
    }
}

#[test]
fn c4_without_ends_of_sentences_keeps_headings() {
    let text = "A heading of some words\nIt is one. Two. Three. Four. Five. Six.";
    for (keep_headings, expected) in [(true, None), (false, Some("It is one. Two. Three. Four. Five. Six.".to_owned()))]
    {
        let config = serde_json::json!({ "preset": "c4", "line_end_punctuation": !keep_headings });
        let config: Config = serde_json::from_value(config).expect("taken");
        let decided = decide(&Heuristics::new(config).expect("valid"), text);
        assert_eq!(decided, Decided { reason: None, text: expected });
    }
}
