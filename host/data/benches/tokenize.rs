//! What shards cost beside tokenising alone: tokens per second from a compressed file to synced shards, against the
//! `tokenizers` crate that is handed the same texts in memory and whose ids are dropped.
//!
//! `cargo bench -p octo-data --bench tokenize`, or with the path of a `tokenizer.json` after `--`. Texts are the real
//! problems in `$OCTO_SHARED` (default `../shared`) where they are, made-up ones else.
//!
//! Both sides take turns, so that a busy machine troubles both alike, and what is printed is the ratio of their fastest
//! rounds. With two threads the peer is its own `encode_batch_fast`.

use octo_data::jsonl::{JsonLines, JsonlWriter};
use octo_data::shards::Settings;
use octo_data::shards::tokenize::{Outcome, Watch, tokenize};
use octo_data::synthetic::{SyntheticConfig, generate};
use octo_data::tokenizer::Tokenizer;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Bytes of text, and rounds of each side.
const BYTES: usize = 24 << 20;
const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` only checks that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let texts = texts(folder.path());
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let tokenizer_path = given.map_or_else(
        || {
            let trained = Tokenizer::train(texts.iter().take(20_000), 32_000, &[]).expect("trains");
            trained.save(folder.path()).expect("saves");
            folder.path().join("tokenizer.json")
        },
        PathBuf::from,
    );
    let own = Tokenizer::load(&tokenizer_path).expect("loads");
    let mut peer = tokenizers::Tokenizer::from_file(&tokenizer_path).expect("loads");
    peer.set_encode_special_tokens(true);
    peer.with_truncation(None).expect("no truncation");
    peer.with_padding(None);
    let corpus = folder.path().join("corpus.jsonl.zst");
    let mut writer = JsonlWriter::create(&corpus).expect("a file");
    texts.iter().for_each(|text| writer.write(&serde_json::json!({ "text": text })).expect("written"));
    writer.finish().expect("written");
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} documents, {:.1} MB of text, {}", texts.len(), bytes as f64 / 1e6, tokenizer_path.display());
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
        let (mut tokens, mut ids) = (0, 0);
        for round in 0..ROUNDS {
            let started = Instant::now();
            ids = pool.install(|| alone(&peer, &texts, threads));
            theirs = theirs.min(started.elapsed());
            let out = folder.path().join(format!("shards-{threads}-{round}"));
            let started = Instant::now();
            tokens = whole(&corpus, &own, &out, threads);
            ours = ours.min(started.elapsed());
            std::fs::remove_dir_all(&out).expect("removed");
        }
        // End-of-text tokens are Octo's.
        assert_eq!(ids + texts.len(), tokens, "both sides make the same tokens");
        let speed = |time: Duration| ids as f64 / time.as_secs_f64() / threads as f64;
        println!(
            "{threads} threads: octo {:.0} tokens/s per core, tokenizers alone {:.0}: ratio {:.2}",
            speed(ours),
            speed(theirs),
            speed(ours) / speed(theirs)
        );
    }
}

fn alone(peer: &tokenizers::Tokenizer, texts: &[String], threads: usize) -> usize {
    if threads == 1 {
        return texts.iter().map(|text| peer.encode_fast(text.as_str(), false).expect("encodes").len()).sum();
    }
    let batches = texts.chunks(1024).map(|batch| {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        peer.encode_batch_fast(batch, false).expect("encodes").iter().map(|encoding| encoding.len()).sum::<usize>()
    });
    batches.sum()
}

fn whole(corpus: &Path, tokenizer: &Tokenizer, out: &Path, threads: usize) -> usize {
    let settings =
        Settings { map: Default::default(), source: "bench".into(), shard_tokens: 4 << 20, skip_bad_rows: false };
    let watch = Watch { stop: &AtomicBool::new(false), progress: &|_| {}, skipped: &|_| {} };
    match tokenize(&[corpus.to_path_buf()], tokenizer, &settings, out, threads, &watch).expect("tokenises") {
        Outcome::Done(manifest) => manifest.total.tokens as usize,
        other => panic!("{other:?}"),
    }
}

/// Real problems with their answers, again and again until there are enough of them.
fn texts(folder: &Path) -> Vec<String> {
    let real = octo_test_support::shared::folder().join("data/problems/gsm8k_train.jsonl");
    let source = if real.is_file() {
        real
    } else {
        println!("{} is not here: made-up texts take their place", real.display());
        generate(&SyntheticConfig::default(), 7, folder).expect("made up");
        folder.join("long.jsonl.zst")
    };
    let mut texts = Vec::new();
    for line in JsonLines::open(&source).expect("opens") {
        let row = line.expect("a row").row;
        let text = |name: &str| row.get(name).expect("reads").and_then(|value| value.text()).unwrap_or_default();
        texts.push(format!("{}{}{}", text("text"), text("question"), text("answer")));
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    let rows = texts.len() * BYTES.div_ceil(bytes.max(1));
    texts.iter().cycle().take(rows).cloned().collect()
}
