use super::*;
use crate::seed;
use proptest::prelude::*;
use serde_json::Value;

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

/// A folder with the golden tokenizer, its post-processor and keys of `tokenizer_config.json` changed.
fn changed(post_processor: &Value, config: &Value) -> tempfile::TempDir {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer");
    let folder = tempfile::tempdir().unwrap();
    let mut tokenizer: Value = serde_json::from_slice(&std::fs::read(golden.join("tokenizer.json")).unwrap()).unwrap();
    tokenizer["post_processor"] = post_processor.clone();
    std::fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let mut keys = json!({ "eos_token": END_OF_TEXT });
    keys.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    std::fs::write(folder.path().join("tokenizer_config.json"), keys.to_string()).unwrap();
    folder
}

fn golden_beginnings() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/beginnings.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn post_processor(name: &str) -> Value {
    golden_beginnings().into_iter().find(|case| case["name"] == name).unwrap()["post_processor"].clone()
}

/// The golden file has what `transformers` puts around a text; see its make.py. What it puts after one is not for a
/// prompt, which goes on, and a document has its own end.
#[test]
fn a_text_begins_as_the_post_processor_says() {
    let cases = golden_beginnings();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let folder = changed(&case["post_processor"], &json!({}));
        let tokenizer = Tokenizer::load(folder.path()).unwrap();
        let of = |key: &str| serde_json::from_value::<Vec<u32>>(case[key].clone()).unwrap();
        let text = [277, 289];
        let count = of("ids").windows(2).position(|ids| ids == text).unwrap();
        let beginning = &of("ids")[..count];
        assert_eq!(tokenizer.beginning(), beginning, "{}", case["name"]);
        assert_eq!(of("ids_of_nothing")[..count], *beginning);
        assert_eq!(tokenizer.encode_prompt("The cat").unwrap(), [beginning, &text[..]].concat());
        assert_eq!(tokenizer.encode_document("The cat").unwrap(), [beginning, &text[..]].concat());
        assert_eq!(tokenizer.encode_prompt("").unwrap(), beginning);
        assert_eq!(tokenizer.encode_document("").unwrap(), [0; 0], "a document without text is none");
        assert_eq!(tokenizer.encode("The cat").unwrap(), text);
        // A prompt that has it already does not get it twice; in a document its name is text.
        let names = "<|user|>".repeat(count);
        assert_eq!(tokenizer.encode_prompt(&format!("{names}The cat")).unwrap(), [beginning, &text[..]].concat());
        let quoted = tokenizer.encode_document("<|user|>The cat").unwrap();
        assert_eq!(quoted.iter().filter(|token| **token == 1).count(), count);
    }
}

#[test]
fn add_bos_token_decides_where_the_tokenizers_class_follows_it() {
    let user = "<|user|>";
    let with_flags = json!({ "content": user, "lstrip": false, "special": true });
    for (post_processor_name, config, beginning) in [
        // What `transformers` 4.57.3 gives as well, with LlamaTokenizerFast and PreTrainedTokenizerFast.
        ("none", json!({ "add_bos_token": true, "bos_token": user, "tokenizer_class": "LlamaTokenizer" }), &[1][..]),
        ("none", json!({ "add_bos_token": true, "bos_token": with_flags, "tokenizer_class": "LlamaTokenizer" }), &[1]),
        ("begin", json!({ "add_bos_token": true, "bos_token": user, "tokenizer_class": "LlamaTokenizer" }), &[1]),
        ("begin", json!({ "add_bos_token": false, "bos_token": user, "tokenizer_class": "LlamaTokenizer" }), &[]),
        (
            "none",
            json!({ "add_bos_token": true, "bos_token": user, "tokenizer_class": "PreTrainedTokenizerFast" }),
            &[],
        ),
        ("begin", json!({ "add_bos_token": false, "bos_token": user, "tokenizer_class": "Qwen2Tokenizer" }), &[1]),
        // Without a class, and where nothing is said.
        ("byte level", json!({ "add_bos_token": true, "bos_token": user }), &[1]),
        ("as Llama 3", json!({ "add_bos_token": null, "bos_token": user }), &[1]),
        ("none", json!({ "add_bos_token": true }), &[]),
        ("begin", json!({ "add_bos_token": true }), &[1]),
        ("none", json!({ "add_bos_token": true, "bos_token": "<s>" }), &[]),
    ] {
        let folder = changed(&post_processor(post_processor_name), &config);
        assert_eq!(Tokenizer::load(folder.path()).unwrap().beginning(), beginning, "{post_processor_name} {config}");
    }
    let folder = changed(&Value::Null, &json!({ "add_bos_token": true }));
    std::fs::write(folder.path().join("special_tokens_map.json"), r#"{"bos_token": "<|user|>"}"#).unwrap();
    assert_eq!(Tokenizer::load(folder.path()).unwrap().beginning(), [1]);
}

#[test]
fn a_post_processor_that_lies_is_refused() {
    let template = |ids: Vec<u32>| {
        json!({
            "type": "TemplateProcessing",
            "single": [{ "SpecialToken": { "id": "x", "type_id": 0 } }, { "Sequence": { "id": "A", "type_id": 0 } }],
            "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 0 } }],
            "special_tokens": { "x": { "id": "x", "ids": ids, "tokens": vec!["x"; ids.len()] } }
        })
    };
    for (ids, words) in [
        (vec![340], "its post-processor puts the id 340 before a text, which is not in its vocabulary"),
        (vec![1; 17], "its post-processor puts 17 tokens before a text; at most 16 can be"),
    ] {
        let folder = changed(&template(ids), &json!({}));
        let error = Tokenizer::load(folder.path()).unwrap_err().to_string();
        assert_eq!(error, format!("tokenizer: {}: {words}", folder.path().display()));
    }
}

#[test]
fn texts_that_are_too_long_or_become_so_are_refused() {
    let trained = Tokenizer::train(PROSE, 300, &[]).unwrap();
    let error = trained.encode(&"a".repeat(LONGEST_TEXT + 1)).unwrap_err().to_string();
    assert_eq!(error, "tokenizer: a text of 67108865 bytes is too long to be tokenised; the most is 67108864");
    let with = |part: &str, value: Value| {
        let folder = tempfile::tempdir().unwrap();
        trained.save(folder.path()).unwrap();
        let mut config: Value = serde_json::from_slice(file(&trained, "tokenizer.json")).unwrap();
        config[part] = value;
        std::fs::write(folder.path().join("tokenizer.json"), config.to_string()).unwrap();
        Tokenizer::load(folder.path())
    };
    let replace = |from: &str, to: String| json!({ "type": "Replace", "pattern": { "String": from }, "content": to });
    let grown = with("normalizer", replace("a", "b".repeat(1000))).unwrap();
    let error = grown.encode_plain(&"a".repeat(300_000)).unwrap_err().to_string();
    assert_eq!(
        error,
        "tokenizer: the tokenizer's normaliser makes more than 268435456 bytes of a text of 300000 bytes"
    );
    assert_eq!(
        grown.encode_plain(&"c".repeat(300_000)).unwrap().len(),
        trained.encode_plain(&"c".repeat(300_000)).unwrap().len()
    );
    // What is decoded cannot grow either: beyond the bound, tokens are shown as they are.
    let long = "x".repeat(1000);
    let decoded = with("decoder", replace("e", long.clone())).unwrap();
    let e = trained.token_id("e").unwrap();
    assert_eq!(decoded.decode(&[e, e], false), long.repeat(2));
    assert_eq!(decoded.decode(&vec![e; 400_000], false), "e".repeat(400_000));
    let error = with("decoder", replace("a", "a".repeat(1025))).unwrap_err().to_string();
    assert!(
        error.ends_with("tokenizer.json: `decoder` can make 1025 bytes or more of one; the most is 1024"),
        "{error}"
    );
    let mut vocabulary: Value = serde_json::from_slice(file(&trained, "tokenizer.json")).unwrap();
    vocabulary["model"]["vocab"]["z".repeat(70_000)] = json!(300);
    let error = with("model", vocabulary["model"].clone()).unwrap_err().to_string();
    assert_eq!(error, "tokenizer: token 300 has 70000 bytes; the most is 65536");
}

#[test]
fn end_tokens_come_from_the_first_config_that_has_them_and_from_the_tokenizers() {
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
    // The end of a turn may be named by the tokenizer alone; a document does not end with it.
    place("generation_config.json", r#"{"eos_token_id": 2}"#);
    assert_eq!((load().unwrap().end_tokens(), load().unwrap().end_of_text()), (&[2, 1][..], 2));
    place("generation_config.json", r#"{"eos_token_id": 0}"#);
    place("tokenizer_config.json", r#"{"eos_token": "<|endoftext|>"}"#);
    assert_eq!((load().unwrap().end_tokens(), load().unwrap().end_of_text()), (&[0, 2][..], 0));
    place("tokenizer_config.json", r#"{"eos_token": "not in the vocabulary"}"#);
    assert_eq!(load().unwrap().end_tokens(), [0]);
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
