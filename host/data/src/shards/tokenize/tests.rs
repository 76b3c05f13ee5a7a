use super::*;
use crate::jsonl::JsonlWriter;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};

pub(crate) fn settings(shard_tokens: u64) -> Settings {
    Settings { map: BTreeMap::new(), source: "corpus".into(), shard_tokens, skip_bad_rows: false }
}

fn unwatched(work: impl FnOnce(&Watch<'_>) -> Result<Outcome, DataError>) -> Result<Outcome, DataError> {
    work(&Watch { stop: &AtomicBool::new(false), progress: &|_| {}, skipped: &|_| {} })
}

pub(crate) fn tokenize_plainly(inputs: &[PathBuf], tokenizer: &Tokenizer, out: &Path, shard_tokens: u64) -> Manifest {
    match unwatched(|watch| tokenize(inputs, tokenizer, &settings(shard_tokens), out, 2, watch)).unwrap() {
        Outcome::Done(manifest) => manifest,
        other => panic!("{other:?}"),
    }
}

fn tokenizer() -> Tokenizer {
    Tokenizer::train(["the cat sat on the mat and on the cat"; 3], 280, &[]).unwrap()
}

/// Texts of many lengths from three sources and two years, empty ones and blank lines among them.
fn row(n: usize) -> Value {
    let text = "the cat sat ".repeat(n * n % 37);
    match n % 3 {
        0 => json!({"text": text, "source": "web", "year": 2019 + n % 2}),
        1 => json!({"text": text, "year": format!("{}-05-01", 2019 + n % 2)}),
        _ => json!({"text": text}),
    }
}

fn corpus(folder: &Path, name: &str, rows: std::ops::Range<usize>) -> PathBuf {
    let path = folder.join(name);
    let mut writer = JsonlWriter::create(&path).unwrap();
    rows.for_each(|n| writer.write(&row(n)).unwrap());
    writer.finish().unwrap();
    path
}

fn bytes_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn any_number_of_threads_writes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = [corpus(folder.path(), "a.jsonl.zst", 0..1500), corpus(folder.path(), "b.jsonl", 1500..1700)];
    let tokenizer = tokenizer();
    let mut first = None;
    for threads in [1, 2, 3, 8] {
        let out = folder.path().join(format!("out-{threads}"));
        unwatched(|watch| tokenize(&inputs, &tokenizer, &settings(20_000), &out, threads, watch)).unwrap();
        let bytes = bytes_of(&out);
        assert!(bytes.len() > 5, "{:?}", bytes.keys());
        assert_eq!(first.get_or_insert_with(|| bytes.clone()), &bytes, "{threads} threads");
    }
}

#[test]
fn the_tokens_and_counts_are_those_of_the_texts() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = [corpus(folder.path(), "a.jsonl", 0..300)];
    let tokenizer = tokenizer();
    let out = folder.path().join("out");
    let manifest = tokenize_plainly(&inputs, &tokenizer, &out, 5_000);
    let mut expected = Vec::new();
    let mut origins: BTreeMap<(String, Option<u16>), (u64, u64)> = BTreeMap::new();
    for n in 0..300 {
        let tokens = tokenizer.encode_plain(row(n)["text"].as_str().unwrap()).unwrap();
        if tokens.is_empty() {
            continue;
        }
        let year = (n % 3 < 2).then_some(2019 + (n % 2) as u16);
        let source = if n % 3 == 0 { "web" } else { "corpus" };
        let counts = origins.entry((source.into(), year)).or_default();
        counts.0 += 1;
        counts.1 += tokens.len() as u64 + 1;
        expected.extend(tokens);
        expected.push(0);
    }
    let shards = ShardFolder::open(&out).unwrap();
    shards.verify().unwrap();
    let mut tokens = Vec::new();
    shards.read(0..shards.tokens(), &mut tokens).unwrap();
    assert_eq!(tokens, expected);
    assert_eq!(manifest.bytes_per_token, 2);
    assert!(manifest.total.empty > 0);
    assert_eq!(manifest.total.documents + manifest.total.empty, 300);
    let counted = manifest.sources.iter();
    let counted: BTreeMap<_, _> =
        counted.map(|origin| ((origin.source.clone(), origin.year), (origin.documents, origin.tokens))).collect();
    assert_eq!(counted, origins);
    assert_eq!(manifest.inputs[0].digest, digest::of_file(&inputs[0]).unwrap());
}

#[test]
fn stopped_or_killed_at_any_shard_it_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = [corpus(folder.path(), "a.jsonl.zst", 0..900), corpus(folder.path(), "b.jsonl", 900..1700)];
    let tokenizer = tokenizer();
    let whole = folder.path().join("whole");
    let manifest = tokenize_plainly(&inputs, &tokenizer, &whole, 8_000);
    assert!(manifest.shards.len() > 5);
    let out = folder.path().join("out");
    let mut calls = 0;
    loop {
        calls += 1;
        let stop = AtomicBool::new(false);
        let seen = Cell::new(0);
        let progress = |standing: &Standing| {
            assert!((0.0..=1.0).contains(&standing.share));
            seen.set(seen.get() + 1);
            stop.store(seen.get() == 2, Ordering::Relaxed);
        };
        let watch = Watch { stop: &stop, progress: &progress, skipped: &|_| {} };
        let outcome = tokenize(&inputs, &tokenizer, &settings(8_000), &out, 2, &watch).unwrap();
        if matches!(outcome, Outcome::Done(_)) {
            break;
        }
        assert_eq!(outcome, Outcome::Stopped);
        assert!(!out.join(MANIFEST).exists());
        // What a kill in the middle of a shard leaves.
        std::fs::write(out.join(".00077.ds.4242-1.tmp"), "half a shard").unwrap();
        assert!(ShardFolder::open(&out).unwrap_err().to_string().contains("not"), "not whole yet");
        assert!(calls < 20);
    }
    assert!(calls > 2);
    assert_eq!(bytes_of(&out), bytes_of(&whole));
    let again = unwatched(|watch| tokenize(&inputs, &tokenizer, &settings(8_000), &out, 1, watch)).unwrap();
    assert_eq!(again, Outcome::Already(manifest));
}

#[test]
fn a_folder_that_another_corpus_began_is_refused_with_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path(), "a.jsonl", 0..50);
    let tokenizer = tokenizer();
    let out = folder.path().join("out");
    tokenize_plainly(std::slice::from_ref(&input), &tokenizer, &out, 1_000);
    let refused = |input: &Path, tokenizer: &Tokenizer, settings: &Settings| {
        unwatched(|watch| tokenize(&[input.to_path_buf()], tokenizer, settings, &out, 1, watch))
            .unwrap_err()
            .to_string()
    };
    let other = Tokenizer::train(["else"], 260, &[]).unwrap();
    let error = refused(&input, &other, &settings(1_000));
    assert!(error.contains(&tokenizer.digest()) && error.contains(&other.digest()), "{error}");
    let error = refused(&input, &tokenizer, &settings(2_000));
    assert!(error.contains("shard_tokens was 1000, is 2000"), "{error}");
    let error = refused(&corpus(folder.path(), "b.jsonl", 0..51), &tokenizer, &settings(1_000));
    assert!(error.contains("input b.jsonl was sha256:"), "{error}");
    // The same file by another name is the same file.
    let renamed = folder.path().join("c.jsonl");
    std::fs::rename(&input, &renamed).unwrap();
    unwatched(|watch| tokenize(&[renamed], &tokenizer, &settings(1_000), &out, 1, watch)).unwrap();
    // A shard that was changed since is found out.
    let shard = crate::shards::tokens_path(&out, 0);
    let mut bytes = std::fs::read(&shard).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let error = refused(&folder.path().join("c.jsonl"), &tokenizer, &settings(1_000));
    assert!(error.contains("00000.ds") && error.contains("not what was written"), "{error}");
}

#[test]
fn bad_rows_are_named_by_file_and_line_and_skipped_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let rows = [
        "{\"text\": \"the cat\"}",
        "{\"text\": 7.5, \"year\": 1e9}",
        "no json",
        "{\"body\": \"b\"}",
        "[1]",
        "{\"text\": \"sat\"}",
    ];
    std::fs::write(&path, rows.join("\n")).unwrap();
    let tokenizer = tokenizer();
    let inputs = [path];
    let out = folder.path().join("out");
    let strict = unwatched(|watch| tokenize(&inputs, &tokenizer, &settings(100), &out, 2, watch));
    let error = strict.unwrap_err().to_string();
    assert!(error.contains("a.jsonl, line 2") && error.contains("year"), "{error}");
    assert!(!out.join(MANIFEST).exists());
    let tolerant = Settings { skip_bad_rows: true, ..settings(100) };
    let named = RefCell::new(Vec::new());
    let skipped = |error: &DataError| named.borrow_mut().push(error.to_string());
    let watch = Watch { stop: &AtomicBool::new(false), progress: &|_| {}, skipped: &skipped };
    let Outcome::Done(manifest) = tokenize(&inputs, &tokenizer, &tolerant, &out, 2, &watch).unwrap() else {
        panic!("not done");
    };
    assert_eq!((manifest.total.documents, manifest.total.skipped), (2, 4));
    for (error, line) in named.borrow().iter().zip([2, 3, 4, 5]) {
        assert!(error.contains(&format!("a.jsonl, line {line}")), "{error}");
    }
}

#[test]
fn a_file_that_is_cut_short_ends_the_work_even_when_bad_rows_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = corpus(folder.path(), "a.jsonl.zst", 0..3000);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    let tolerant = Settings { skip_bad_rows: true, ..settings(1_000) };
    let out = folder.path().join("out");
    let result = unwatched(|watch| tokenize(&[path], &tokenizer(), &tolerant, &out, 2, watch));
    let error = result.unwrap_err().to_string();
    assert!(error.contains("a.jsonl.zst"), "{error}");
    assert!(!out.join(MANIFEST).exists());
}

#[test]
fn a_corpus_without_tokens_and_senseless_settings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    std::fs::write(&path, "{\"text\": \"\"}\n\n").unwrap();
    let tokenizer = tokenizer();
    let out = folder.path().join("out");
    let fails = |inputs: &[PathBuf], settings: &Settings| {
        unwatched(|watch| tokenize(inputs, &tokenizer, settings, &out, 1, watch)).unwrap_err().to_string()
    };
    assert!(fails(std::slice::from_ref(&path), &settings(10)).contains("1 rows without text"));
    assert!(fails(&[], &settings(10)).contains("is empty"));
    assert!(fails(std::slice::from_ref(&path), &settings(0)).contains("shard_tokens"));
    assert!(fails(&[folder.path().to_path_buf()], &settings(10)).contains("not a regular file"));
    assert!(fails(&[folder.path().join("absent")], &settings(10)).contains("absent"));
    let unknown = Settings { map: BTreeMap::from([("txet".into(), "body".into())]), ..settings(10) };
    assert!(fails(std::slice::from_ref(&path), &unknown).contains("\"txet\""));
}

#[test]
fn a_corpus_of_endless_or_endlessly_many_sources_is_counted_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let mut writer = JsonlWriter::create(&path).unwrap();
    writer.write(&json!({"text": "the cat", "source": "x".repeat(LONGEST_NAME + 1)})).unwrap();
    (0..ORIGINS + 50).for_each(|n| writer.write(&json!({"text": "the cat", "source": format!("page-{n}")})).unwrap());
    writer.finish().unwrap();
    let manifest = tokenize_plainly(&[path], &tokenizer(), &folder.path().join("out"), 1 << 20);
    assert!(manifest.sources.len() <= ORIGINS + 1, "{}", manifest.sources.len());
    let further = manifest.sources.iter().find(|origin| origin.source == FURTHER).unwrap();
    assert!((51..60).contains(&further.documents), "{}", further.documents);
    assert_eq!(manifest.sources.iter().map(|origin| origin.documents).sum::<u64>(), ORIGINS as u64 + 51);
}

#[test]
fn one_process_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let input = corpus(folder.path(), "a.jsonl", 0..5);
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let held = lock(&out).unwrap();
    let error = unwatched(|watch| tokenize(std::slice::from_ref(&input), &tokenizer(), &settings(10), &out, 1, watch));
    assert!(error.unwrap_err().to_string().contains("another octo-host"));
    drop(held);
    tokenize_plainly(&[input], &tokenizer(), &out, 10);
}
