//! Filters ask the host's classifiers: by name, charged per byte, within bounds, and told what is wrong.

#[path = "guests/built.rs"]
mod built;
#[path = "guests/classifying.rs"]
mod classifying;
mod guests;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use classifying::{Digits, named};
use guests::{document, kinds};
use octo_plugin::types::{Decision, Document, Field};
use octo_plugin::{Classifiers, DataFilter, FailureKind, Host, Limits, TextClassifier};
use serde_json::{Value, json};

fn filter(host: Host, config: &Value, limits: &Limits) -> DataFilter {
    built::load(&host, "filter_classifier", config, limits).expect("loads").into_filter().expect("a filter")
}

fn asking(classifiers: Classifiers, limits: &Limits) -> DataFilter {
    filter(built::host().with_classifiers(classifiers), &json!({}), limits)
}

fn kept(probability: &str) -> Decision {
    Decision::Annotate(vec![Field { name: "math_probability".to_owned(), value: probability.to_owned() }])
}

/// What a filter says to one document of two digits in four bytes.
fn said(classifiers: Classifiers, limits: &Limits) -> String {
    let answers = asking(classifiers, limits).filter(&[document("a", "1 2 ")]);
    answers[0].as_ref().expect_err("refused").to_string()
}

#[test]
fn documents_are_kept_by_the_probability_of_the_label() {
    let documents = ["12 a", "1 a b", "1234", ""].map(|text| document(text, text));
    let decisions = asking(named("math", Digits::default()), &Limits::default()).filter(&documents);
    let dropped = || Ok(Decision::Drop("not-math".to_owned()));
    assert_eq!(decisions, [Ok(kept("0.5000")), dropped(), Ok(kept("1.0000")), dropped()]);
}

#[test]
fn an_unknown_name_is_refused_with_the_names_that_there_are() {
    assert_eq!(
        said(named("maths", Digits::default()), &Limits::default()),
        "plugin-error: invalid input: no classifier named `math` is configured on this host; there is `maths`; did you \
         mean `maths`?"
    );
    assert_eq!(
        said(Classifiers::default(), &Limits::default()),
        "plugin-error: unsupported: no classifier named `math` is configured on this host, and no other; name it among \
         the classifiers of the stage"
    );
}

/// What a classifier answers.
type Labelled = Result<Vec<Vec<(String, f32)>>, String>;

/// Answers what it is told to, for a number of texts.
struct Told(fn(usize) -> Labelled);

impl TextClassifier for Told {
    fn classify(&self, texts: &[&str], _top: u32) -> Labelled {
        (self.0)(texts.len())
    }
}

#[test]
fn a_classifier_that_fails_or_answers_nonsense_is_named_and_the_document_has_no_decision() {
    let said = |told| said(named("math", Told(told)), &Limits::default());
    for (told, words) in [
        (Told(|_| Err("the model was cut\nshort".to_owned())), "failed: the model was cut short"),
        (Told(|_| Ok(Vec::new())), "gave 0 lists of labels for 1 texts"),
        (
            Told(|texts| Ok(vec![vec![("math".to_owned(), f32::INFINITY)]; texts])),
            "gave label `math` the probability inf",
        ),
    ] {
        assert_eq!(said(told.0), format!("plugin-error: internal error: classifier `math` {words}"));
    }
}

#[test]
fn labels_without_end_are_not_handed_to_a_guest() {
    let many = Told(|texts| Ok(vec![vec![("x".repeat(2_000), 0.001); 5_000]; texts]));
    let limits = Limits { hostcall_bytes: 1 << 20, ..Limits::default() };
    assert_eq!(
        said(named("math", many), &limits),
        "plugin-error: internal error: the labels of classifier `math` come to more than 1048576 bytes \
         (`hostcall_bytes`); ask about fewer texts, or for fewer labels"
    );
}

/// 64 units a byte: the long document is over its fuel, alone and among others.
#[test]
fn text_is_charged_by_its_bytes_before_it_is_classified() {
    let classifier = Arc::new(Digits::default());
    let shared: Classifiers =
        [("math".to_owned(), Arc::clone(&classifier) as Arc<dyn TextClassifier>)].into_iter().collect();
    let limits = Limits { fuel_per_item: 5_000_000, ..Limits::default() };
    let documents = [document("a", "12"), document("b", &"1".repeat(100_000)), document("c", "3 c")];
    let decisions = asking(shared, &limits).filter(&documents);
    assert_eq!(kinds(&decisions), [None, Some(FailureKind::Fuel), None]);
    assert!(classifier.most_bytes.load(Ordering::Relaxed) < 100_000, "the long text reached the classifier");
}

#[test]
fn the_way_documents_are_batched_changes_nothing_and_a_classifier_gets_small_portions() {
    let documents: Vec<Document> = (0..300)
        .map(|index| document(&index.to_string(), &format!("{index} {}", "words ".repeat(index % 7))))
        .collect();
    let alone = Limits { batch_items: 1, ..Limits::default() };
    let expected = asking(named("math", Digits::default()), &alone).filter(&documents);
    assert!(expected.iter().all(Result::is_ok), "{expected:?}");
    for batch_items in [7, 64, 300] {
        let classifier = Arc::new(Digits::default());
        let shared: Classifiers =
            [("math".to_owned(), Arc::clone(&classifier) as Arc<dyn TextClassifier>)].into_iter().collect();
        let limits = Limits { batch_items, ..Limits::default() };
        assert_eq!(asking(shared, &limits).filter(&documents), expected);
        assert_eq!(classifier.most_texts.load(Ordering::Relaxed) as u64, batch_items.min(64));
    }
}

#[test]
fn the_classifiers_of_a_host_are_those_of_the_filters_that_it_loads_from_then_on() {
    let host = built::host();
    let before = filter(host.clone(), &json!({}), &Limits::default());
    let after = filter(host.with_classifiers(named("math", Digits::default())), &json!({}), &Limits::default());
    let documents = [document("a", "12")];
    assert_eq!(kinds(&before.filter(&documents)), [Some(FailureKind::PluginError)]);
    assert_eq!(after.filter(&documents), [Ok(kept("1.0000"))]);
}
