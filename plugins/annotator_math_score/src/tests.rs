use super::*;

fn scorer(config: serde_json::Value) -> MathScore {
    MathScore::new(serde_json::from_value(config).expect("fits the types")).expect("valid")
}

fn document(text: &str) -> Document {
    Document {
        id: "1".into(),
        text: text.into(),
        url: Some("https://example.org/{text}".into()),
        source: "web".into(),
        year: Some(2024),
        fields: vec![],
    }
}

fn reply(text: &str) -> Reply {
    Reply { text: text.into(), finish: FinishReason::Stop }
}

fn read(config: serde_json::Value, text: &str) -> Result<Decision, String> {
    scorer(config).read(&document("a page"), &reply(text)).map_err(|refusal| refusal.message)
}

/// The points read by the default rules, or why there are none.
fn points(text: &str) -> Result<u8, String> {
    read_score(text, Fractions::Refuse).map(|score| score.points)
}

#[test]
fn the_question_has_the_middle_of_the_page_and_the_form_of_the_answer() {
    let scorer = scorer(serde_json::json!({ "max_characters": 40, "max_words": 50, "max_tokens": 99 }));
    let page = format!("{}Two and two is four. {{words}}{}", "head ".repeat(40), " tail".repeat(40));
    let request = scorer.ask(&document(&page)).expect("asks").expect("a request");
    let [message] = request.messages.as_slice() else { panic!("{:?}", request.messages) };
    let question = message.content.as_str();
    assert_eq!(message.role, octo_sdk::Role::User);
    let shown = question.split("<page>\n").nth(1).and_then(|rest| rest.split("\n</page>").next()).expect("a page");
    assert!(shown.contains("two is four") && shown.chars().count() <= 40 && shown.chars().count() >= 28, "{shown:?}");
    assert!(question.contains("in at most 50 words.") && question.ends_with("\nScore: N"), "{question}");
    assert_eq!((request.max_tokens, request.temperature, request.top_p), (99, 0.0, 1.0));
}

#[test]
fn a_prompt_of_ones_own_replaces_only_its_own_places() {
    let config = serde_json::json!({ "system": "Judge.", "prompt": "{url} {words} {more} {text}" });
    let request = scorer(config).ask(&document("1 {url} 2")).expect("asks").expect("a request");
    let said: Vec<&str> = request.messages.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(said, ["Judge.", "https://example.org/{text} 100 {more} 1 {url} 2"]);
}

#[test]
fn a_document_without_text_is_refused() {
    let refusal = scorer(serde_json::json!({})).ask(&document(" \n")).expect_err("no text");
    assert_eq!(refusal.message, "the document has no text to score");
}

#[test]
fn a_score_is_read_in_every_form_that_models_write() {
    for (text, expected) in [
        ("Clear reasoning, step by step.\nScore: 4", 4),
        ("Score: 0", 0),
        ("**Score: 5**", 5),
        ("Good.\n\n**Score:** 3", 3),
        ("## Score\n\n4", 4),
        ("Score:\n**4**", 4),
        ("score = 2", 2),
        ("Score: 4/5", 4),
        ("Score: 4 / 5.0", 4),
        ("Score: 4 out of 5", 4),
        ("Total score: 3 points.", 3),
        ("Total points: 3", 3),
        ("Score: 3.0", 3),
        ("Score: three", 3),
        ("My final score is four.", 4),
        ("- Educational score: 2", 2),
        ("Score (0-5): 4", 4),
        ("Score: $\\boxed{3}$", 3),
        ("Score — 1", 1),
        ("I give it an overall rating of 4 because it is clear.", 4),
        ("{\"reason\": \"thin\", \"score\": 1}", 1),
        ("It teaches little.\n2", 2),
        ("It teaches little.\n**4/5**", 4),
        ("It earns a score of 2.", 2),
    ] {
        assert_eq!(points(text), Ok(expected), "{text:?}");
    }
}

#[test]
fn the_closing_line_counts_and_what_was_added_up_before_does_not() {
    let adding = "1. Score: 1, there is mathematics.\nAfter the third point that makes a score of 3.\nThe fourth holds \
                  as well.\n\nScore: 4";
    assert_eq!(points(adding), Ok(4));
    assert_eq!(points("From 0 to 5 points, a score of 0 to 5.\nScore: 2"), Ok(2));
    assert_eq!(points("A total of three problems, with a total of 5 pictures.\nScore: 2"), Ok(2));
}

#[test]
fn a_score_that_is_repeated_is_one_and_one_that_is_contradicted_is_none() {
    assert_eq!(points("Score: 4\nIt is clear.\nFinal score: 4/5"), Ok(4));
    assert_eq!(points("a score of 3, yes, a score of 3"), Ok(3));
    let contradicts = |scores: &str| Err(format!("the reply contradicts itself: it states the scores {scores}"));
    assert_eq!(points("Score: 2\nNo, better:\nScore: 4"), contradicts("2 and 4"));
    assert_eq!(points("My overall score is 3 here.\nScore: 5"), contradicts("3 and 5"));
    assert_eq!(points("a score of 1 or rather a score of 2"), contradicts("1 and 2"));
}

#[test]
fn missing_impossible_and_undecided_scores_are_refused_with_their_reason() {
    for (text, why) in [
        ("It is a fine page.", "the reply states no score"),
        ("Score: N/A", "the reply states no score"),
        ("It has a total of 4 examples.", "the reply states no score"),
        ("Score: 6", "the reply states a score of 6, which is not from 0 to 5"),
        ("Score: -1", "the reply states a score of -1, which is not from 0 to 5"),
        ("Score: ten", "the reply states a score of 10, which is not from 0 to 5"),
        ("Score: 8/10", "the reply states a score of 8 on a scale to 10, not to 5"),
        ("Score: 80%", "the reply states a score of 80 on a scale to 100 %, not to 5"),
        ("Score: 3.5", "the reply states a score of 3.5; points are whole"),
        ("Score: 3,5", "the reply states a score of 3.5; points are whole"),
        ("Score: 3-4", "the reply does not decide: it states a score of 3 to 4"),
        ("Score: 3 or 4", "the reply does not decide: it states a score of 3 to 4"),
        ("Score: 5\nScore: 9", "the reply states a score of 9, which is not from 0 to 5"),
    ] {
        assert_eq!(points(text), Err(why.to_owned()), "{text:?}");
    }
    assert_eq!(read_score("Score: 3.5/5", Fractions::Down).map(|score| score.points), Ok(3));
}

#[test]
fn an_unusable_reply_is_refused_and_never_a_0() {
    for (text, why) in [("", "the reply is empty"), ("<think>Score: 3", "the reply is thoughts without an answer")] {
        assert_eq!(read(serde_json::json!({}), text), Err(why.to_owned()));
    }
    let cut = Reply { text: "Score: 4".into(), finish: FinishReason::Length };
    let refusal = scorer(serde_json::json!({})).read(&document("a page"), &cut).expect_err("cut");
    assert_eq!(refusal.message, "the reply was cut at its length before its end, where the score is; raise max_tokens");
}

#[test]
fn the_score_and_the_reason_are_annotated() {
    let text = "<think>maybe Score: 1</think>Clear steps,\nbut few of them.\n\n**Score: 3**";
    let fields = |reason: Option<&str>| {
        let reason = reason.map(|reason| Field::new("math_score_reason", reason));
        Ok(Decision::Annotate([Field::new("math_score", "3")].into_iter().chain(reason).collect()))
    };
    assert_eq!(read(serde_json::json!({}), text), fields(Some("Clear steps, but few of them.")));
    assert_eq!(read(serde_json::json!({ "reason_field": null }), text), fields(None));
    assert_eq!(read(serde_json::json!({ "reason_characters": 5 }), text), fields(Some("Clear")));
}

#[test]
fn documents_below_the_least_score_are_dropped_under_their_score() {
    let config = || serde_json::json!({ "min_score": 3 });
    assert_eq!(read(config(), "Score: 2"), Ok(Decision::Drop("math-score-2".into())));
    assert!(matches!(read(config(), "Score: 3"), Ok(Decision::Annotate(_))));
    assert_eq!(read(config(), "no score"), Err("the reply states no score".into()));
}

#[test]
fn senseless_configs_are_refused_by_the_name_of_their_key() {
    for (config, key) in [
        (serde_json::json!({ "max_characters": 0 }), "max_characters"),
        (serde_json::json!({ "max_tokens": 0 }), "max_tokens"),
        (serde_json::json!({ "temperature": -1.0 }), "temperature"),
        (serde_json::json!({ "top_p": 0.0 }), "top_p"),
        (serde_json::json!({ "prompt": "Score it." }), "prompt"),
        (serde_json::json!({ "min_score": 6 }), "min_score"),
        (serde_json::json!({ "field": " " }), "field"),
        (serde_json::json!({ "field": "math_score_reason" }), "field"),
    ] {
        let parsed: Config = serde_json::from_value(config.clone()).expect("fits the types");
        let error = parsed.check().expect_err("senseless").message;
        assert!(error.starts_with(key), "{config}: {error}");
    }
    assert_eq!(Config::default().check(), Ok(()));
}
