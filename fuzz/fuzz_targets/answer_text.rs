//! Whatever a model writes and a data set holds, a verdict is reached within its account of work, and is the same again.
//!
//! The first byte of an input names the preset; the rest is the reference and the response, parted by a zero byte or in
//! the middle.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use octo_answers::config::{Extraction, ExtractionRule, Preset, Rules, Tolerance};
use octo_answers::exact_text::TextRules;
use octo_answers::{Outcome, choices, exact_text, judge, work};

const PRESETS: [Preset; 5] =
    [Preset::MathVerify, Preset::Gsm8k, Preset::Hendrycks, Preset::Octothinker, Preset::Rounded];

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let [preset, texts @ ..] = bytes else { return Corpus::Reject };
    let part = texts.iter().position(|byte| *byte == 0).unwrap_or(texts.len() / 2);
    let (reference, response) = texts.split_at(part);
    let (reference, response) = (String::from_utf8_lossy(reference), String::from_utf8_lossy(response));
    let (reference, response) = (&*reference, response.trim_start_matches('\0'));
    let rules = PRESETS[usize::from(*preset) % PRESETS.len()].rules();
    let references = [reference.to_owned()];
    let verdict = judge(response, &references, &rules);
    assert!(work::left() <= work::BUDGET);
    assert_eq!(verdict, judge(response, &references, &rules), "the same twice");
    match verdict.outcome {
        Outcome::Correct | Outcome::Incorrect => assert!(verdict.extracted.is_some()),
        Outcome::NoAnswer | Outcome::Unparsable => assert!(verdict.extracted.is_none()),
    }
    // What is boxed as the reference is written is right, unless a brace or a box of its own ends that box early, or
    // the preset looks for phrases before it looks for boxes.
    let boxes_first = rules.extraction.rules.first() == Some(&ExtractionRule::Boxed);
    let plain = boxes_first && !reference.contains(['{', '}', '\\', '<', '\0']) && reference.trim() == reference;
    if plain && reference.chars().any(char::is_alphanumeric) && reference.len() < 2_000 {
        let itself = judge(&format!("\\boxed{{{reference}}}"), &references, &rules);
        let readable = itself.outcome != Outcome::Unparsable;
        assert!(!readable || itself.outcome == Outcome::Correct, "{reference:?} is {itself:?}");
    }
    choices::judge(response, &references, &choices::options(reference), &Rules::default());
    let exactly = TextRules {
        extraction: Some(Extraction::default()),
        ignores_case: true,
        ignores_punctuation: true,
        ignores_articles: true,
        numbers: Some(Tolerance::Exact),
    };
    exact_text::judge(response, &references, &exactly);
    Corpus::Keep
});
