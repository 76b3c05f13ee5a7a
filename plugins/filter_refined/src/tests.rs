use super::*;

const PAGE: &str = "\
Home | Log in | 1,024 views
In 1656 Huygens built a clock with a pendulum. A pendulum of length $l = 0.994$ m swings with the period
$$T = 2\\pi\\sqrt{\\frac{l}{g}},$$
where $g = 9.81$ is the acceleration of free fall, so that $T \\approx 2.0$ s. Twice the length gives $T \\approx 2.83$ s.
Subscribe to our letter.
";

const GOOD: &str = "\
The period of a pendulum of length $l$ is $$T = 2 \\pi \\sqrt{\\dfrac{l}{g}}$$ with $g = 9.81$. For $l = 0.994$ m it is \
$T \\approx 2.0$ s, and for twice the length $T \\approx 2.83$ s. Huygens built the first clock with one in 1656.";

fn filter(config: serde_json::Value) -> Refined {
    Refined::new(serde_json::from_value(config).expect("fits the types")).expect("valid")
}

fn document(text: &str, fields: Vec<Field>) -> Document {
    Document { id: "1".into(), text: text.into(), url: None, source: "web".into(), year: None, fields }
}

/// The decision on a rewriting of the page, which must be the same from its facts and from its text.
fn decide(config: serde_json::Value, text: &str) -> Decision {
    let filter = filter(config);
    let facts = Field::new("original_facts", Facts::of(PAGE).to_json());
    let by_facts = filter.filter(&document(text, vec![facts])).expect("a decision");
    let by_text = filter.filter(&document(text, vec![Field::new("original_text", PAGE)])).expect("a decision");
    assert_eq!(by_facts, by_text);
    by_facts
}

fn reason(config: serde_json::Value, text: &str) -> Option<String> {
    match decide(config, text) {
        Decision::Drop(reason) => Some(reason),
        _ => None,
    }
}

#[test]
fn a_faithful_rewriting_is_kept_with_what_it_kept() {
    let Decision::Annotate(fields) = decide(serde_json::json!({}), GOOD) else { panic!("not kept") };
    let fields: Vec<(&str, &str)> = fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
    // The views of the page are one of its six numbers.
    assert_eq!(fields[..2], [("kept_numbers", "0.833"), ("kept_formulas", "1.000")]);
    assert_eq!(decide(serde_json::json!({ "annotate": false }), GOOD), Decision::Keep);
}

#[test]
fn each_fault_is_dropped_for_its_own_reason() {
    let without_formulas = GOOD.replace('$', "").replace("\\approx", "is about").replace("sqrt", "root");
    let other_numbers = GOOD.replace("9.81", "9.8").replace("0.994", "1").replace("2.83", "3").replace("1656", "1700");
    for (text, expected) in [
        (" \n", "empty"),
        ("I'm sorry, but I can't help with this page.", "refusal"),
        ("As an AI language model, I have no access to pages.", "refusal"),
        (&format!("Here is the rewritten text:\n\n{GOOD}"), "chatter"),
        (&format!("**Sure!** Here’s a refined version of the page:\n{GOOD}"), "chatter"),
        (&format!("Certainly!\n\n{GOOD}"), "chatter"),
        (&format!("{GOOD}\n\nLet me know if you need more!"), "chatter"),
        ("Pendulums swing.", "much-shorter"),
        (&GOOD.repeat(4), "much-longer"),
        (&other_numbers, "lost-numbers"),
        (&without_formulas, "lost-formulas"),
    ] {
        assert_eq!(reason(serde_json::json!({}), text).as_deref(), Some(expected), "{text:?}");
    }
}

#[test]
fn every_reason_but_the_empty_text_goes_away_when_its_check_is_left_out() {
    let config = serde_json::json!({
        "max_lost_numbers": 1.0, "max_lost_formulas": 1.0, "min_length_share": 0.0, "max_length_share": 1e9,
        "phrases": false
    });
    for text in ["I'm sorry, I can't.", "Here is the rewritten text:", "x", &GOOD.repeat(4)] {
        assert_eq!(reason(config.clone(), text), None, "{text:?}");
    }
    assert_eq!(reason(config, "").as_deref(), Some("empty"));
}

#[test]
fn prose_that_begins_like_chatter_is_none() {
    for text in [
        "Here is a proof by induction.",
        "Certainly the best known theorem about right triangles is that of Pythagoras.",
        "This is the rule of three.",
        "Sorry numbers are those that nobody counts.",
        "I hope this helps was the last line of the letter.\nIt was dated 1905.",
    ] {
        assert!(!phrases::is_chatter(text) && !phrases::is_refusal(text), "{text:?}");
    }
}

#[test]
fn the_loss_of_few_facts_is_not_judged() {
    let of_two = Field::new("original_text", "In 1656 it had 2 hands and much else to tell about the time of day.");
    let text = "It had hands, and much else to tell about the time of day.";
    let decide = |config| filter(config).filter(&document(text, vec![of_two.clone()])).expect("a decision");
    assert!(matches!(decide(serde_json::json!({})), Decision::Annotate(_)));
    assert_eq!(decide(serde_json::json!({ "fewest_facts": 2 })), Decision::Drop("lost-numbers".into()));
}

#[test]
fn documents_without_a_page_are_refused_unless_the_config_says_otherwise() {
    let decide = |config, fields| filter(config).filter(&document(GOOD, fields));
    let refusal = decide(serde_json::json!({}), vec![]).expect_err("no page").message;
    assert!(
        refusal.starts_with("the document has neither a field \"original_facts\" nor \"original_text\""),
        "{refusal}"
    );
    assert_eq!(decide(serde_json::json!({ "unrefined": "keep" }), vec![]), Ok(Decision::Keep));
    assert_eq!(decide(serde_json::json!({ "unrefined": "drop" }), vec![]), Ok(Decision::Drop("not-rewritten".into())));
    let damaged = vec![Field::new("original_facts", "{")];
    let refusal = decide(serde_json::json!({ "unrefined": "keep" }), damaged).expect_err("damaged").message;
    assert!(refusal.starts_with("the field \"original_facts\" does not hold the facts of a page: EOF"), "{refusal}");
}

#[test]
fn senseless_configs_are_refused_by_the_name_of_their_key() {
    for (config, key) in [
        (serde_json::json!({ "max_lost_numbers": 1.5 }), "max_lost_numbers"),
        (serde_json::json!({ "max_lost_formulas": -0.1 }), "max_lost_formulas"),
        (serde_json::json!({ "min_length_share": 2.0 }), "min_length_share"),
        (serde_json::json!({ "facts_field": " " }), "facts_field"),
    ] {
        let parsed: Config = serde_json::from_value(config.clone()).expect("fits the types");
        let error = parsed.check().expect_err("senseless").message;
        assert!(error.starts_with(key), "{config}: {error}");
    }
    assert_eq!(Config::default().check(), Ok(()));
}
