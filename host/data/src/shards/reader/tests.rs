use super::*;
use crate::shards::tokenize::tests::tokenize_plainly;
use crate::shards::{MANIFEST, VERSION};
use crate::tokenizer::Tokenizer;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// Documents of the lengths 1, 2, 3, ... in bytes, several shards of them.
fn written(folder: &Path) -> PathBuf {
    let text = |n: usize| format!("{{\"text\": \"{}\"}}\n", "x".repeat(n));
    let input = folder.join("a.jsonl");
    std::fs::write(&input, (1..60).map(text).collect::<String>()).unwrap();
    let out = folder.join("shards");
    let tokenizer = Tokenizer::train(["y"], 257, &[]).unwrap();
    let manifest = tokenize_plainly(&[input], &tokenizer, &out, 300);
    assert!(manifest.shards.len() > 4);
    out
}

#[test]
fn any_range_has_the_tokens_and_document_starts_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let shards = ShardFolder::open(&written(folder.path())).unwrap();
    assert_eq!(shards.tokens(), (2..=60).sum::<u64>());
    let mut whole = Vec::new();
    shards.read(0..shards.tokens(), &mut whole).unwrap();
    let ranges = (0..shards.tokens(), 0u64..900);
    let outcome = TestRunner::default().run(&ranges, |(from, length)| {
        let to = (from + length).min(shards.tokens());
        let mut part = Vec::new();
        shards.read(from..to, &mut part).unwrap();
        prop_assert_eq!(&part[..], &whole[from as usize..to as usize]);
        let begins = |at: u64| at == 0 || whole[at as usize - 1] == 0;
        let expected: Vec<u64> = (from..to).filter(|at| begins(*at)).collect();
        prop_assert_eq!(shards.document_starts(from..to).unwrap(), expected);
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn damage_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(folder.path());
    let damaged = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = out.join(name);
        let before = std::fs::read(&path).unwrap();
        let mut bytes = before.clone();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let mut tokens = Vec::new();
        let result = ShardFolder::open(&out).and_then(|shards| shards.read(0..shards.tokens(), &mut tokens));
        std::fs::write(&path, before).unwrap();
        let error = result.expect_err(name).to_string();
        assert!(error.contains(name), "{error}");
        error
    };
    damaged("00001.ds", &|bytes| bytes.truncate(bytes.len() - 1));
    damaged("00001.ds", &|bytes| bytes.push(0));
    damaged("00002.ds.index", &|bytes| bytes.truncate(8));
    let error = damaged("00002.ds", &|bytes| bytes[5] = 0xFF);
    assert!(error.contains("token 2 is"), "{error}");
    // An index that does not rise, and one that ends elsewhere.
    let error = damaged("00000.ds.index", &|bytes| bytes.copy_within(0..8, 8));
    assert!(error.contains("document 1 ends at token"), "{error}");
    damaged("00000.ds.index", &|bytes| {
        let end = bytes.len() - 8;
        bytes[end] -= 1;
    });
    damaged(MANIFEST, &|bytes| bytes.truncate(40));
    let error = damaged(MANIFEST, &|bytes| {
        let text = String::from_utf8(std::mem::take(bytes)).unwrap();
        *bytes = text.replace(&format!("\"version\": {VERSION}"), "\"version\": 9").into_bytes();
    });
    assert!(error.contains("version 9"), "{error}");
    ShardFolder::open(&out).unwrap().verify().unwrap();
}

#[test]
fn a_file_cut_short_while_it_is_in_use_is_an_error_and_not_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let out = written(folder.path());
    let shards = ShardFolder::open(&out).unwrap();
    let file = File::options().write(true).open(out.join("00000.ds")).unwrap();
    file.set_len(10).unwrap();
    let error = shards.read(0..100, &mut Vec::new()).unwrap_err().to_string();
    assert!(error.contains("00000.ds") && error.contains("cut short"), "{error}");
}

#[test]
fn more_files_than_may_be_open_are_read_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("a.jsonl");
    std::fs::write(&input, "{\"text\": \"xx\"}\n".repeat(OPEN * 3)).unwrap();
    let out = folder.path().join("shards");
    let tokenizer = Tokenizer::train(["y"], 257, &[]).unwrap();
    let manifest = tokenize_plainly(&[input], &tokenizer, &out, 1);
    assert_eq!(manifest.shards.len(), OPEN * 3);
    let shards = ShardFolder::open(&out).unwrap();
    for _ in 0..2 {
        let mut tokens = Vec::new();
        shards.read(0..shards.tokens(), &mut tokens).unwrap();
        assert_eq!(tokens.len() as u64, shards.tokens());
    }
    assert!(shards.open.lock().unwrap().len() <= OPEN);
}
