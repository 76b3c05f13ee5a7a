use super::*;
use std::path::Path;

fn filter(languages: &[&str], drop: bool) -> LanguageFilter {
    let languages = languages.iter().map(|code| (*code).to_owned()).collect();
    LanguageFilter { identifier: Identifier::Embedded, languages, threshold: 0.65, mask: true, drop }
}

fn document(text: &str) -> Document {
    Document { id: "d".into(), text: text.into(), url: None, source: String::new(), year: None, fields: Vec::new() }
}

const ENGLISH: &str =
    "The area of a circle grows with the square of its radius, and this is why a pizza of twice the width feeds four.";
const GERMAN: &str = "Die Fläche eines Kreises wächst mit dem Quadrat seines Radius, und deshalb macht eine doppelt so breite Pizza vier satt.";

/// The language of a decision with its score, or the reason of a drop.
fn outcome(decision: &Result<Decision, Failure>) -> String {
    match decision {
        Ok(Decision::Annotate(fields)) => {
            assert_eq!((fields[0].name.as_str(), fields[1].name.as_str()), ("language", "language_score"));
            format!("{} {}", fields[0].value, fields[1].value)
        }
        Ok(Decision::Drop(reason)) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn documents_in_other_languages_are_dropped_or_only_named() {
    let documents = [ENGLISH, GERMAN, "$x^2$ 12 + `17`", ""].map(document);
    let outcomes = |filter: &LanguageFilter| filter.filter(&documents).iter().map(outcome).collect::<Vec<_>>();
    assert_eq!(outcomes(&filter(&["en"], true)), ["en 1.0000", "language", "language", "language"]);
    assert_eq!(outcomes(&filter(&["de", "fr"], true)), ["language", "de 1.0000", "language", "language"]);
    assert_eq!(outcomes(&filter(&["en"], false)), ["en 1.0000", "de 1.0000", "und 0.0000", "und 0.0000"]);
    let preformatted = document(&format!("```\n{ENGLISH}\n```\n"));
    assert_eq!(outcome(&filter(&["en"], true).filter(&[preformatted])[0]), "en 1.0000");
    // Any language will do, but there has to be one.
    assert_eq!(outcomes(&filter(&[], true)), ["en 1.0000", "de 1.0000", "language", "language"]);
}

#[test]
fn a_model_names_its_labels_and_mathematics_is_masked_first() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/fasttext/no_ngrams.bin");
    let model = FastTextModel::load(Path::new(golden)).expect("a golden model");
    let mut with_model = filter(&["kitchen"], true);
    with_model.identifier = Identifier::Model(Box::new(model));
    with_model.threshold = 0.3;
    // Four words of algebra are a formula, and what means something to fastText means nothing here.
    let text = "butter </s> __label__algebra oven\n$kernel ideal matrix vector field ring$";
    assert_eq!(outcome(&with_model.filter(&[document(text)])[0]).split(' ').next(), Some("kitchen"));
    with_model.mask = false;
    assert_eq!(outcome(&with_model.filter(&[document(text)])[0]), "language");
}

#[test]
fn every_language_of_the_embedded_identifier_has_a_code_of_two_letters() {
    let codes = embedded::codes();
    assert_eq!(codes.len(), 70);
    assert!(codes.iter().all(|code| code.len() == 2) && codes.windows(2).all(|pair| pair[0] != pair[1]), "{codes:?}");
}
