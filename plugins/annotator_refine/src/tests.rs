use super::*;

const PAGE: &str = "Menu | Log in\nA square of side $a = 3$ has the area 9.\nSubscribe!";

fn refine(config: serde_json::Value) -> Refine {
    Refine::new(serde_json::from_value(config).expect("fits the types")).expect("valid")
}

fn document(text: &str) -> Document {
    Document { id: "1".into(), text: text.into(), url: None, source: "web".into(), year: None, fields: vec![] }
}

fn read(config: serde_json::Value, page: &str, text: &str) -> Result<Decision, String> {
    let reply = Reply { text: text.into(), finish: FinishReason::Stop };
    refine(config).read(&document(page), &reply).map_err(|refusal| refusal.message)
}

fn rewritten(text: &str, fields: &[(&str, &str)]) -> Result<Decision, String> {
    let fields = fields.iter().map(|(name, value)| Field::new(*name, *value)).collect();
    Ok(Decision::Rewrite(Rewritten { text: text.to_owned(), fields }))
}

#[test]
fn the_question_has_the_whole_page_up_to_the_limit() {
    let request = refine(serde_json::json!({})).ask(&document(PAGE)).expect("asks").expect("a request");
    let [message] = request.messages.as_slice() else { panic!("{:?}", request.messages) };
    assert!(message.content.ends_with(&format!("<page>\n{PAGE}\n</page>")), "{}", message.content);
    assert_eq!((request.max_tokens, request.temperature, request.top_p), (6_000, 0.0, 1.0));
    let cut = refine(serde_json::json!({ "max_characters": 60, "system": "Edit." }));
    let request = cut.ask(&document(PAGE)).expect("asks").expect("a request");
    let said: Vec<&str> = request.messages.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(said[0], "Edit.");
    assert!(
        said[1].ends_with("<page>\nMenu | Log in\nA square of side $a = 3$ has the area 9.\n\n</page>"),
        "{}",
        said[1]
    );
}

#[test]
fn short_pages_are_kept_and_empty_ones_refused() {
    let refine = refine(serde_json::json!({ "min_characters": 20 }));
    assert_eq!(refine.ask(&document("A short page.")), Ok(None));
    let refusal = refine.ask(&document("  ")).expect_err("no text");
    assert_eq!(refusal.message, "the document has no text to rewrite");
}

#[test]
fn the_reply_becomes_the_text_and_the_facts_of_the_page_go_along() {
    let facts = "{\"characters\":65,\"numbers\":[\"3\",\"9\"],\"formulas\":[\"a=3\"],\"left_out\":0}";
    let text = "The area of a square of side $a = 3$ is 9.";
    assert_eq!(read(serde_json::json!({}), PAGE, text), rewritten(text, &[("original_facts", facts)]));
    assert_eq!(
        read(serde_json::json!({ "original": "text" }), PAGE, &format!("```\n{text}\n```")),
        rewritten(text, &[("original_text", PAGE)])
    );
    assert_eq!(
        read(serde_json::json!({ "original": "none" }), PAGE, &format!("<think>{PAGE}</think> {text}")),
        rewritten(text, &[])
    );
}

#[test]
fn a_page_that_was_cut_says_so_and_its_facts_are_those_of_the_part() {
    let config = serde_json::json!({ "max_characters": 20 });
    let facts = "{\"characters\":19,\"numbers\":[],\"formulas\":[],\"left_out\":0}";
    assert_eq!(
        read(config, &format!("Menu | Log in\n{PAGE}"), "A menu."),
        rewritten("A menu.", &[("original_facts", facts), ("original_cut", "19 of 79")])
    );
}

#[test]
fn cut_and_empty_replies_are_refused() {
    for (text, why) in [(" \n", "the reply is empty"), ("<think>so", "the reply is thoughts without an answer")] {
        assert_eq!(read(serde_json::json!({}), PAGE, text), Err(why.to_owned()));
    }
    let cut = Reply { text: "The area of a".into(), finish: FinishReason::Length };
    let refusal = refine(serde_json::json!({})).read(&document(PAGE), &cut).expect_err("cut");
    assert_eq!(refusal.message, "the rewriting was cut at its length; raise max_tokens, or lower max_characters");
}

#[test]
fn senseless_configs_are_refused_by_the_name_of_their_key() {
    for (config, key) in [
        (serde_json::json!({ "max_characters": 0 }), "max_characters"),
        (serde_json::json!({ "max_tokens": 0 }), "max_tokens"),
        (serde_json::json!({ "min_characters": 20_000 }), "min_characters"),
        (serde_json::json!({ "temperature": -0.5 }), "temperature"),
        (serde_json::json!({ "top_p": 1.5 }), "top_p"),
        (serde_json::json!({ "prompt": "Rewrite it." }), "prompt"),
        (serde_json::json!({ "facts_field": "" }), "facts_field"),
        (serde_json::json!({ "text_field": "original_facts" }), "text_field"),
    ] {
        let parsed: Config = serde_json::from_value(config.clone()).expect("fits the types");
        let error = parsed.check().expect_err("senseless").message;
        assert!(error.starts_with(key), "{config}: {error}");
    }
    assert_eq!(Config::default().check(), Ok(()));
}
