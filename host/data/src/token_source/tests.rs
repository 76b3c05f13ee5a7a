use super::*;
use crate::jsonl::JsonlWriter;
use crate::shards::tokenize::tests::tokenize_plainly;
use serde_json::json;

fn whole(source: &TokenSource) -> Vec<u32> {
    let mut tokens = Vec::new();
    source.read(0..source.tokens(), &mut tokens).unwrap();
    tokens
}

fn corpus(folder: &Path, name: &str, texts: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let mut writer = JsonlWriter::create(&path).unwrap();
    for text in texts {
        writer.write(&json!({"text": text})).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[test]
fn every_document_ends_with_the_end_token_and_cannot_forge_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = corpus(folder.path(), "a.jsonl", &["one", "", "two <|end_of_text|> three"]);
    let tokenizer = Tokenizer::train(["one two three"], 260, &[]).unwrap();
    let source = TokenSource::from_files("a", &[path], &tokenizer).unwrap();
    assert_eq!(source.documents(), 2);
    let tokens = whole(&source);
    assert_eq!(tokens.iter().filter(|token| **token == 0).count(), 2);
    let documents: Vec<&[u32]> = tokens.split(|token| *token == 0).collect();
    assert_eq!(tokenizer.decode(documents[1], true), "two <|end_of_text|> three");
    assert_eq!(documents[2], &[] as &[u32], "the last document ends with the token as well");
}

/// A tokenizer that puts `<|user|>`, token 1, before a text, or none.
fn beginning(begins: bool) -> Tokenizer {
    let folder = tempfile::tempdir().unwrap();
    let trained = Tokenizer::train(["one two three"], 260, &["<|user|>"]).unwrap();
    trained.save(folder.path()).unwrap();
    let config = json!({ "eos_token": "<|end_of_text|>", "bos_token": "<|user|>", "add_bos_token": begins });
    std::fs::write(folder.path().join("tokenizer_config.json"), config.to_string()).unwrap();
    Tokenizer::load(folder.path()).unwrap()
}

#[test]
fn every_document_begins_as_the_tokenizer_says_in_memory_and_in_shards() {
    let folder = tempfile::tempdir().unwrap();
    let path = corpus(folder.path(), "a.jsonl", &["one", "", "two <|user|>"]);
    let tokenizer = beginning(true);
    let memory = TokenSource::from_files("a", std::slice::from_ref(&path), &tokenizer).unwrap();
    let [one, two] = ["one", "two <|user|>"].map(|text| tokenizer.encode_plain(text).unwrap());
    let expected = [&[1][..], &one, &[0, 1], &two, &[0]].concat();
    assert_eq!((memory.documents(), whole(&memory)), (2, expected.clone()));
    let out = folder.path().join("shards");
    let manifest = tokenize_plainly(&[path], &tokenizer, &out, 1000);
    assert_eq!((manifest.beginning.as_slice(), manifest.total.empty), (&[1][..], 1));
    let folders = [out.clone()];
    let shards = TokenSource::from_shards("a", &folders, &tokenizer).unwrap();
    assert_eq!(whole(&shards), expected);
    // The same tokenizer.json, told otherwise: its documents begin otherwise.
    let error = TokenSource::from_shards("a", &folders, &beginning(false)).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "{}: has the tokens [1] before each document, and the model's tokenizer puts [] there; tokenise the corpus again \
             with the model's",
            out.join(MANIFEST).display()
        )
    );
}

#[test]
fn a_source_without_text_is_refused_by_name() {
    for documents in [vec![], vec![vec![], vec![]]] {
        let error = TokenSource::from_tokens("web", documents, 0).unwrap_err().to_string();
        assert!(error.contains("\"web\""), "{error}");
    }
}

#[test]
fn the_digest_tells_tokens_and_document_borders_apart() {
    let digest = |documents: Vec<Vec<u32>>| TokenSource::from_tokens("a", documents, 0).unwrap().digest().to_string();
    assert_eq!(digest(vec![vec![1, 2]]), digest(vec![vec![1, 2], vec![]]));
    assert_ne!(digest(vec![vec![1, 2]]), digest(vec![vec![1, 3]]));
    assert_ne!(digest(vec![vec![1, 0, 2]]), digest(vec![vec![1], vec![2]]));
}

#[test]
fn segments_begin_where_documents_do_even_over_the_end_of_an_epoch() {
    // Tokens 1 2 0 3 0 4 5 6 0: documents begin at 0, 3 and 5.
    let source = TokenSource::from_tokens("a", vec![vec![1, 2], vec![3], vec![4, 5, 6]], 0).unwrap();
    for (context, sequences) in [(4, 9), (5, 9), (9, 3), (20, 4)] {
        for sequence in 0..sequences {
            let mut tokens = Vec::new();
            let segments = source.sequence(sequence, context, 3, &mut tokens).unwrap();
            assert_eq!(tokens.len(), context + 1);
            // After an end-of-text token, a document begins; the target at the end is not an input.
            let expected: Vec<u32> =
                (0..context as u32).filter(|place| *place == 0 || tokens[*place as usize - 1] == 0).collect();
            assert_eq!(segments, expected, "{tokens:?}");
        }
    }
}

#[test]
fn shards_and_memory_give_the_same_sequences() {
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..700).map(|n| format!("document {n} {}", "word ".repeat(n % 7))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let files = [corpus(folder.path(), "a.jsonl", &texts[..400]), corpus(folder.path(), "b.jsonl.zst", &texts[400..])];
    let tokenizer = Tokenizer::train(texts.iter(), 300, &[]).unwrap();
    let in_memory = TokenSource::from_documents("a", &files, &tokenizer).unwrap();
    let folders = [folder.path().join("a"), folder.path().join("b")];
    for (file, out) in files.iter().zip(&folders) {
        crate::shards::tokenize::tests::tokenize_plainly(std::slice::from_ref(file), &tokenizer, out, 500);
    }
    let on_disk = TokenSource::from_documents("a", &folders, &tokenizer).unwrap();
    assert_eq!((in_memory.tokens(), in_memory.documents()), (on_disk.tokens(), on_disk.documents()));
    assert_eq!(in_memory.origin().files, on_disk.origin().files);
    for context in [1, 16, 333, 2000] {
        for sequence in 0..200 {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            let segments = in_memory.sequence(sequence, context, 11, &mut left).unwrap();
            assert_eq!(segments, on_disk.sequence(sequence, context, 11, &mut right).unwrap());
            assert_eq!(left, right);
        }
    }
    let mixed =
        TokenSource::from_documents("a", &[files[0].clone(), folders[1].clone()], &tokenizer).unwrap_err().to_string();
    assert!(mixed.contains("mixes data files"), "{mixed}");
    let other = Tokenizer::train(["else"], 260, &[]).unwrap();
    let refused = TokenSource::from_documents("a", &folders, &other).unwrap_err().to_string();
    assert!(refused.contains("another tokenizer") && refused.contains(&other.digest()), "{refused}");
}
