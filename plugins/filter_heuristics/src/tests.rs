//! One page per reason, and what must not be dropped.

use super::*;

/// Ordinary prose, long enough for every default.
const PROSE: &str = "\
A lake freezes from its surface downwards, because water is densest at four degrees above freezing.
As autumn cools the top layer, that layer sinks and warmer water takes its place.
Once the whole lake has reached four degrees, further cooling makes the surface lighter, so it stays on top.
There it turns to ice, which shields the depths from the wind and from the cold of the night.
Fish spend the winter near the bottom, where the temperature hardly changes between December and March.
People who have walked on such ice know the deep sounds that run through it when the weather turns.
";

fn filter(config: serde_json::Value) -> Heuristics {
    Heuristics::new(serde_json::from_value(config).expect("fits the types")).expect("valid")
}

fn decide(filter: &Heuristics, text: &str) -> Decision {
    let document = Document {
        id: "1".into(),
        text: text.into(),
        url: None,
        source: "web".into(),
        year: Some(2024),
        fields: vec![],
    };
    filter.filter(&document).expect("a decision")
}

fn reason(config: serde_json::Value, text: &str) -> Option<String> {
    match decide(&filter(config), text) {
        Decision::Drop(reason) => Some(reason),
        _ => None,
    }
}

#[test]
fn ordinary_prose_is_kept_untouched() {
    assert_eq!(decide(&filter(serde_json::json!({})), PROSE), Decision::Keep);
}

#[test]
fn each_fault_is_dropped_for_its_own_reason() {
    let short = "A page that has hardly begun is over already.";
    let foreign: String = (0..60).map(|index| format!("wort{index} ")).collect();
    let bullets: String = (0..20)
        .map(|index| format!("- the thing that one would like to have along with the others, item {index}.\n"))
        .collect();
    let trailing: String = (0..20)
        .map(|index| format!("this line goes on and on with the story of that long winter by the lake {index}...\n"))
        .collect();
    let navigation = format!("Subscribe to our letter\nClick here\nWe use cookies\nLog in\n{PROSE}");
    let headings = PROSE.replace('.', "");
    let numbers: String = (100..180).map(|index| format!("{index} the of ")).collect();
    let long_words = "the of internationalisation ".repeat(5) + &"counterrevolutionaries ".repeat(60);
    for (text, expected) in [
        ("", "too-short"),
        (short, "too-few-words"),
        (&"a ".repeat(300_000), "too-long"),
        (&long_words, "odd-words"),
        (&numbers.replace("the of", "1234 the"), "low-letter-share"),
        (&PROSE.replace(" t", " ##t"), "symbols"),
        (&foreign, "few-function-words"),
        (&bullets, "bullets"),
        (&trailing, "ellipses"),
        (&navigation, "boilerplate"),
        (&headings, "no-end-punctuation"),
        (&PROSE.repeat(3), "repetitive"),
    ] {
        let start: String = text.chars().take(60).collect();
        assert_eq!(reason(serde_json::json!({}), text).as_deref(), Some(expected), "{start:?}");
    }
}

#[test]
fn every_reason_goes_away_when_its_check_is_left_out() {
    let all_off = serde_json::json!({
        "min_characters": 0, "max_characters": u64::MAX, "min_words": 0, "max_words": u64::MAX,
        "min_mean_word_length": 0.0, "max_mean_word_length": 1e9, "min_letter_word_share": 0.0,
        "max_symbol_share": 1.0, "min_function_words": 0, "max_bullet_line_share": 1.0,
        "max_ellipsis_line_share": 1.0, "max_boilerplate_line_share": 1.0, "min_end_punctuation_share": 0.0,
        "max_duplicate_line_share": 1.0, "max_duplicate_line_character_share": 1.0,
        "max_duplicate_paragraph_share": 1.0, "max_duplicate_paragraph_character_share": 1.0,
        "max_top_phrase_shares": [1.0, 1.0, 1.0], "max_duplicate_phrase_shares": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    });
    for text in ["", "- ...", "1 2 3", &"subscribe\n".repeat(90), "é", "\u{0}\u{1}\n\n\n \t"] {
        assert_eq!(reason(all_off.clone(), text), None, "{text:?}");
    }
}

#[test]
fn repetition_is_found_in_lines_paragraphs_and_phrases_each_on_its_own() {
    let only = |key: &str, most: serde_json::Value| {
        let mut config = serde_json::json!({
            "max_duplicate_line_share": 1.0, "max_duplicate_line_character_share": 1.0,
            "max_duplicate_paragraph_share": 1.0, "max_duplicate_paragraph_character_share": 1.0,
            "max_top_phrase_shares": [1.0, 1.0, 1.0], "max_duplicate_phrase_shares": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
        });
        config[key] = most;
        config
    };
    let twice = format!("{PROSE}\n\n{PROSE}");
    for (key, most) in [
        ("max_duplicate_line_share", serde_json::json!(0.3)),
        ("max_duplicate_line_character_share", serde_json::json!(0.2)),
        ("max_duplicate_paragraph_share", serde_json::json!(0.3)),
        ("max_duplicate_paragraph_character_share", serde_json::json!(0.2)),
        ("max_duplicate_phrase_shares", serde_json::json!([1.0, 1.0, 1.0, 1.0, 1.0, 0.1])),
        ("max_top_phrase_shares", serde_json::json!([0.01, 1.0, 1.0])),
    ] {
        assert_eq!(reason(only(key, most.clone()), &twice).as_deref(), Some("repetitive"), "{key}");
        if key != "max_top_phrase_shares" {
            assert_eq!(reason(only(key, most), PROSE), None, "{key}");
        }
    }
}

#[test]
fn prose_that_mentions_a_cookie_is_no_boilerplate() {
    let story = PROSE.replace("Fish", "A cookie in hand, and knowing that to subscribe to calm is to have it, fish");
    assert_eq!(reason(serde_json::json!({}), &story), None);
}

#[test]
fn markers_are_found_in_any_letter_case_and_can_be_replaced() {
    let page = format!("KEEP CALM NOW\nkeep calm later\nKeep Calm\n{PROSE}");
    assert_eq!(reason(serde_json::json!({}), &page), None);
    let config = serde_json::json!({ "boilerplate_markers": ["Keep calm"] });
    assert_eq!(reason(config, &page).as_deref(), Some("boilerplate"));
}

#[test]
fn kept_pages_carry_their_quality_where_asked_for() {
    let quality = |text: &str| match decide(&filter(serde_json::json!({ "quality_field": "quality" })), text) {
        Decision::Annotate(fields) => {
            assert_eq!(fields.len(), 1);
            assert_eq!(fields[0].name, "quality");
            fields[0].value.parse::<f64>().expect("a number")
        }
        other => panic!("not annotated: {other:?}"),
    };
    assert_eq!(quality(PROSE), 1.0);
    let worse = format!("Log in\nA heading of the page\n{PROSE}");
    let expected = (1.0 + 7.0 / 8.0 + 6.0 / 8.0) / 3.0;
    assert!((quality(&worse) - expected).abs() < 0.0006, "{} is not {expected}", quality(&worse));
}

#[test]
fn the_decision_depends_on_the_document_alone() {
    let filter = filter(serde_json::json!({}));
    let texts = [PROSE, "", &PROSE.repeat(3), PROSE];
    let alone: Vec<Decision> = texts.iter().map(|text| decide(&filter, text)).collect();
    let reversed: Vec<Decision> = texts.iter().rev().map(|text| decide(&filter, text)).collect();
    assert_eq!(alone, reversed.into_iter().rev().collect::<Vec<_>>());
}
