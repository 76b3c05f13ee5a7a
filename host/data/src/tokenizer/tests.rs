use super::*;
use crate::seed;
use proptest::prelude::*;

fn file<'a>(tokenizer: &'a Tokenizer, name: &str) -> &'a [u8] {
    let found = tokenizer.files.iter().find(|(other, _)| other == name);
    &found.unwrap().1
}

/// Text with words, runs, digits, code, several scripts and odd spaces; the golden folder was trained on it.
const PROSE: [&str; 6] = [
    "The cat sat on the mat, and the other cat sat on the other mat. They're both cats; that's that.",
    "Compute 12345 + 678 = 13023 and 3.14 * 2 = 6.28; then 100% of $1,000 is $1,000.",
    "fn main() {\n    let total: u32 = (0..10).sum();\n\tprintln!(\"{total}\");\n}\n\n\n",
    "Ein Weg — viele Wege: naïve café, 東京の天気, привет мир, 😀😀 🏳️‍🌈.",
    "-------- ======== aaaaaaaaaaaa hahahahaha    spaces   \u{a0}\u{2003}end",
    "Let $x^2 + y^2 = \\frac{1}{2}$. Then $x = \\sqrt{\\frac{1}{2} - y^2}$, and the answer is \\boxed{\\frac{1}{2}}.",
];

/// Corpora of short motifs repeated: where pairs overlap themselves, tie, and come back after being merged.
fn corpus_of_runs(trial: u64) -> Vec<String> {
    let mut stream = seed::rng(trial, &["runs"], 0);
    let letters = 2 + trial % 3;
    (0..10 + trial % 60)
        .map(|_| {
            let mut word = |length| -> String {
                (0..length).map(|_| (b'a' + seed::below(&mut stream, letters) as u8) as char).collect()
            };
            let (head, motif) = (word(trial % 4), word(1 + trial % 6));
            head + &motif.repeat(1 + seed::below(&mut stream, 9) as usize)
        })
        .collect()
}

#[test]
fn training_gives_the_same_bytes_again_and_in_any_order_of_documents() {
    for trial in 0..150 {
        let mut documents = corpus_of_runs(trial);
        let vocabulary = 277 + (trial as usize * 7) % 300;
        let first = Tokenizer::train(&documents, vocabulary, &["<|pad|>"]).unwrap();
        for again in 0..3 {
            seed::shuffle(&mut seed::rng(again, &["order"], trial), &mut documents);
            let other = Tokenizer::train(&documents, vocabulary, &["<|pad|>"]).unwrap();
            assert!(
                file(&first, "tokenizer.json") == file(&other, "tokenizer.json"),
                "corpus {trial} trained twice gave two tokenizers"
            );
        }
    }
}

/// The golden folder holds a tokenizer trained here and the ids that `transformers` gave with it; see its make.py.
/// With OCTO_WRITE_GOLDEN set, the tokenizer is written instead of compared.
#[test]
fn the_tokenizer_and_its_ids_are_those_that_transformers_saw() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let trained = Tokenizer::train(PROSE, 340, &["<|user|>"]).unwrap();
    if std::env::var_os("OCTO_WRITE_GOLDEN").is_some() {
        trained.save(&golden.join("tokenizer")).unwrap();
        return;
    }
    let saved = std::fs::read(golden.join("tokenizer/tokenizer.json")).unwrap();
    assert!(file(&trained, "tokenizer.json") == saved, "training gives another tokenizer.json than it did");
    for tokenizer in [trained, Tokenizer::load(&golden.join("tokenizer")).unwrap()] {
        assert_same_ids(&tokenizer, &golden.join("ids.json"));
    }
}

fn assert_same_ids(tokenizer: &Tokenizer, golden: &Path) {
    let cases: Value = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() >= 10);
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
        assert_eq!(tokenizer.encode(text).unwrap(), ids, "{text:?}");
        assert_eq!(tokenizer.decode(&ids, false), case["decoded"].as_str().unwrap());
        assert_eq!(tokenizer.decode(&ids, true), case["decoded_without_special"].as_str().unwrap());
    }
}

#[test]
fn a_real_models_tokenizer_gives_the_ids_that_transformers_gives() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = crate_folder.join("../../.octo/smollm2");
    if !folder.join("tokenizer.json").exists() {
        eprintln!("SKIPPED: no SmolLM2 at {}", folder.display());
        return;
    }
    let tokenizer = Tokenizer::load(&folder).unwrap();
    assert_eq!(tokenizer.vocabulary_size(), 49_152);
    assert_eq!(tokenizer.end_of_text(), tokenizer.token_id("<|im_end|>").unwrap());
    assert_same_ids(&tokenizer, &crate_folder.join("tests/golden/smollm2_ids.json"));
}

#[test]
fn digits_are_single_tokens_however_often_a_number_is_seen() {
    let tokenizer = Tokenizer::train(vec!["2024 2024 2024"; 50], 400, &[]).unwrap();
    let tokens = tokenizer.encode_plain("2024").unwrap();
    let pieces: Vec<String> = tokens.iter().map(|token| tokenizer.decode(&[*token], false)).collect();
    assert_eq!(pieces, ["2", "0", "2", "4"]);
}

#[test]
fn only_trusted_text_can_name_special_tokens() {
    let tokenizer = Tokenizer::train(PROSE, 300, &["<|user|>", END_OF_TEXT]).unwrap();
    assert_eq!(tokenizer.end_of_text(), 0);
    assert_eq!(tokenizer.token_id("<|user|>"), Some(1));
    assert_eq!(tokenizer.encode("<|user|><|end_of_text|>").unwrap(), [1, 0]);
    let plain = tokenizer.encode_plain("<|user|><|end_of_text|>").unwrap();
    assert!(plain.iter().all(|token| *token > 1), "{plain:?}");
    assert_eq!(tokenizer.decode(&plain, true), "<|user|><|end_of_text|>");
    assert_eq!(tokenizer.decode(&[1, 0], true), "");
}

#[test]
fn the_vocabulary_is_no_larger_than_asked_and_too_small_a_one_is_refused() {
    assert_eq!(Tokenizer::train(PROSE, 300, &[]).unwrap().vocabulary_size(), 300);
    assert_eq!(Tokenizer::train(PROSE, 258, &["<|user|>"]).unwrap().vocabulary_size(), 258);
    // "ab" has one pair to merge.
    assert_eq!(Tokenizer::train(["ab"], 9000, &[]).unwrap().vocabulary_size(), 258);
    let error = Tokenizer::train(PROSE, 257, &["<|user|>"]).unwrap_err().to_string();
    assert!(error.contains("258"), "{error}");
}

#[test]
fn endless_spaces_and_runs_are_encoded_whole() {
    let tokenizer = Tokenizer::train(PROSE, 300, &[]).unwrap();
    for text in [" ".repeat(3_000_000), "\n".repeat(50_000) + "x", "a".repeat(100_000), "=".repeat(100_000)] {
        let tokens = tokenizer.encode_plain(&text).unwrap();
        assert!(tokenizer.decode(&tokens, false) == text, "lost some of {:?}…", &text[..4]);
    }
}

proptest! {
    #[test]
    fn any_text_comes_back_from_its_tokens(text in "\\PC{0,40}[\\s\\x00-\\x1f]{0,6}\\PC{0,20}") {
        let tokenizer = Tokenizer::train(["some words for pairs"], 270, &[]).unwrap();
        let tokens = tokenizer.encode_plain(&text).unwrap();
        prop_assert_eq!(tokenizer.decode(&tokens, true), text);
    }
}

#[test]
fn a_folder_is_saved_as_it_was_loaded_and_encodes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let first = Tokenizer::train(PROSE, 320, &[]).unwrap();
    first.save(&folder.path().join("a")).unwrap();
    let files = ["chat_template.jinja", "vocab.json", "merges.txt", "added_tokens.json", "tokenizer.model"];
    for name in files {
        atomic::write(&folder.path().join("a").join(name), format!("the {name}").as_bytes()).unwrap();
    }
    let second = Tokenizer::load(&folder.path().join("a")).unwrap();
    second.save(&folder.path().join("b")).unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"].into_iter().chain(files) {
        let read = |folder_name: &str| std::fs::read(folder.path().join(folder_name).join(name)).unwrap();
        assert!(read("a") == read("b"), "{name}");
    }
    let third = Tokenizer::load(&folder.path().join("b/tokenizer.json")).unwrap();
    assert_eq!(third.encode(PROSE[3]).unwrap(), first.encode(PROSE[3]).unwrap());
    assert_eq!(third.end_tokens(), [0]);
}

#[test]
fn end_tokens_come_from_the_first_config_that_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, text: &str| {
        atomic::write(&folder.path().join(name), text.as_bytes()).unwrap();
    };
    let load = || Tokenizer::load(folder.path());
    let specials = ["<|im_end|>", "<|endoftext|>"];
    Tokenizer::train(PROSE, 300, &specials).unwrap().save(folder.path()).unwrap();
    assert_eq!(load().unwrap().end_tokens(), [0]);
    place("tokenizer_config.json", r#"{"eos_token": {"content": "<|im_end|>", "lstrip": false}}"#);
    assert_eq!(load().unwrap().end_tokens(), [1]);
    place("config.json", r#"{"eos_token_id": 1}"#);
    place("generation_config.json", r#"{"eos_token_id": null}"#);
    assert_eq!(load().unwrap().end_tokens(), [1]);
    place("generation_config.json", r#"{"eos_token_id": [1, 2]}"#);
    assert_eq!(load().unwrap().end_tokens(), [1, 2]);
    assert_eq!(load().unwrap().end_of_text(), 2, "the end of a text is not the end of a turn");
    for (text, part) in [
        (r#"{"eos_token_id": [1, 999]}"#, "999"),
        (r#"{"eos_token_id": true}"#, "eos_token_id"),
        (r#"{"eos_token_id": []}"#, "eos_token_id"),
        ("{", "generation_config.json"),
    ] {
        place("generation_config.json", text);
        let error = load().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_tokenizer_that_cuts_or_pads_texts_does_so_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let trained = Tokenizer::train(PROSE, 300, &[]).unwrap();
    let mut config: Value = serde_json::from_slice(file(&trained, "tokenizer.json")).unwrap();
    config["truncation"] = json!({"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0});
    config["padding"] = json!({
        "strategy": {"Fixed": 500}, "direction": "Right", "pad_to_multiple_of": null,
        "pad_id": 0, "pad_type_id": 0, "pad_token": END_OF_TEXT
    });
    atomic::write(&folder.path().join("tokenizer.json"), config.to_string().as_bytes()).unwrap();
    let loaded = Tokenizer::load(folder.path()).unwrap();
    assert_eq!(loaded.encode(PROSE[0]).unwrap(), trained.encode(PROSE[0]).unwrap());
}

#[test]
fn files_that_are_no_tokenizer_are_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Tokenizer::load(folder.path()).unwrap_err().to_string().contains("tokenizer.json"));
    atomic::write(&folder.path().join("tokenizer.json"), b"{\"model\": {}}").unwrap();
    let error = Tokenizer::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("tokenizer.json"), "{error}");
    let error = Tokenizer::train_from_files(&[folder.path().join("none.jsonl")], 300, &[]).unwrap_err();
    assert!(error.to_string().contains("none.jsonl"));
}

#[test]
fn training_from_files_is_training_on_their_texts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl.zst");
    let mut writer = crate::jsonl::JsonlWriter::create(&path).unwrap();
    for text in PROSE {
        writer.write(&json!({"text": text})).unwrap();
    }
    writer.finish().unwrap();
    let from_files = Tokenizer::train_from_files(&[path], 320, &[]).unwrap();
    let from_texts = Tokenizer::train(PROSE, 320, &[]).unwrap();
    assert!(file(&from_files, "tokenizer.json") == file(&from_texts, "tokenizer.json"));
}
