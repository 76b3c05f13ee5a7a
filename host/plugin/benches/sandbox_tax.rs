//! What the sandbox costs, each figure beside a baseline that is measured in the same run.
//!
//! `cargo bench -p octo-plugin --bench sandbox_tax`; the plugins come from `make plugins`. Real responses and problems
//! are read from `$OCTO_SHARED` (default `../shared`) where it is; made-up ones take their place where it is not.
//!
//! Not criterion: it has no ratio of two functions. Both sides of a pair take turns, so that a busy machine troubles
//! both alike, and what is printed is the ratio of their fastest rounds.

#[path = "../tests/guests/built.rs"]
mod built;
#[path = "../tests/guests/mod.rs"]
mod guests;

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use octo_plugin::types::{Attempt, Document};
use octo_plugin::{Limits, types};
use octo_sdk::{DataFilter as _, Plugin as _, Verifier as _};
use serde_json::{Value, json};

/// Items of a batch.
const BATCH: usize = 256;

fn main() {
    // `cargo test --benches` only checks that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let limits = Limits { batch_items: BATCH as u64, ..Limits::default() };
    verifier_tax(&limits);
    filter_tax(&limits);
    boundary();
    two_threads(&limits);
    first_verdict();
}

/// The fastest of many rounds of each side, taken in turns for about `seconds`.
fn fastest(seconds: u64, mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    let until = Instant::now() + Duration::from_secs(seconds);
    let timed = |run: &mut dyn FnMut()| {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    while Instant::now() < until {
        best.0 = best.0.min(timed(&mut one));
        best.1 = best.1.min(timed(&mut other));
    }
    best
}

fn report(what: &str, baseline: &str, (measured, against): (Duration, Duration), items: usize) {
    let each = |time: Duration| time.as_secs_f64() * 1e9 / items as f64;
    let (measured, against) = (each(measured), each(against));
    println!("{what:<52} {measured:>12.0} ns   {:>6.2} x {baseline} ({against:.0} ns)", measured / against);
}

/// One thread, so that figures are of one core.
fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

fn shared(file: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(octo_test_support::shared::folder().join("data").join(file)).ok()?;
    let rows = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Some(rows)
}

/// Responses of a real model to problems of GSM8K.
fn attempts() -> Vec<Attempt> {
    let text = |row: &Value, pointer: &str| row.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    match shared("responses/gsm8k_model_solutions.jsonl") {
        Some(rows) => rows
            .iter()
            .map(|row| Attempt {
                problem: text(row, "/question"),
                response: text(row, "/175b_verification/solution"),
                references: vec![text(row, "/ground_truth")],
                fields: Vec::new(),
            })
            .collect(),
        None => {
            println!("(no real responses at hand: made-up ones)");
            let made = |index| format!("{} so the answer is \\boxed{{{index}}}", "first this, then that, ".repeat(20));
            (0..4 * BATCH).map(|index| guests::attempt(&made(index))).collect()
        }
    }
}

/// Pages of real prose with mathematics: problems and solutions, four a page.
fn documents() -> Vec<Document> {
    match shared("problems/gsm8k_train.jsonl") {
        Some(rows) => rows
            .chunks(4)
            .enumerate()
            .map(|(index, rows)| {
                let part = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
                let text: Vec<_> =
                    rows.iter().map(|row| format!("{}\n\n{}", part(row, "question"), part(row, "answer"))).collect();
                guests::document(&format!("d{index}"), &text.join("\n\n"))
            })
            .collect(),
        None => (0..4 * BATCH)
            .map(|index| {
                guests::document(&format!("d{index}"), &format!("This is sentence {index} of a page. ").repeat(40))
            })
            .collect(),
    }
}

fn verifier_tax(limits: &Limits) {
    let attempts: Vec<_> = attempts().into_iter().take(BATCH).collect();
    let plugin = built::load(&built::host(), "verifier_math", &json!({}), limits).expect("loads");
    let sandboxed = plugin.into_verifier().expect("a verifier");
    let native = verifier_math::MathVerifier::new(Default::default()).expect("a verifier");
    let native_attempts: Vec<_> = attempts
        .iter()
        .map(|attempt| octo_sdk::Attempt {
            problem: attempt.problem.clone(),
            response: attempt.response.clone(),
            references: attempt.references.clone(),
            fields: Vec::new(),
        })
        .collect();
    let one = pool(1);
    let times = one.install(|| {
        fastest(
            5,
            || drop(black_box(sandboxed.verify(&attempts))),
            || drop(black_box(native.verify_batch(&native_attempts))),
        )
    });
    report("verifier_math, a response of a batch of 256", "the same code natively", times, attempts.len());
}

fn filter_tax(limits: &Limits) {
    let documents: Vec<_> = documents().into_iter().take(BATCH).collect();
    let plugin = built::load(&built::host(), "filter_heuristics", &json!({}), limits).expect("loads");
    let sandboxed = plugin.into_filter().expect("a filter");
    let native = filter_heuristics::Heuristics::new(Default::default()).expect("a filter");
    let native_documents: Vec<_> = documents
        .iter()
        .map(|document| octo_sdk::Document {
            id: document.id.clone(),
            text: document.text.clone(),
            url: None,
            source: document.source.clone(),
            year: document.year,
            fields: Vec::new(),
        })
        .collect();
    let one = pool(1);
    let times = one.install(|| {
        fastest(
            5,
            || drop(black_box(sandboxed.filter(&documents))),
            || drop(black_box(native.filter_batch(&native_documents))),
        )
    });
    report("filter_heuristics, a document of a batch of 256", "the same code natively", times, documents.len());
}

/// A guest that does next to nothing, so that what is measured is the boundary. Its baseline is copying the same strings
/// once, which is the least that any boundary does.
fn boundary() {
    // A list of verdicts in memory that nobody wrote to yet: correct, and no more.
    let body = r#"(func (export "octo:plugin/verifier@0.1.0#verify") (param i32) (param $count i32) (result i32)
        (i32.store (i32.const 260) (call $allocate (i32.const 0) (i32.const 0) (i32.const 8)
          (i32.mul (local.get $count) (i32.const 24))))
        (i32.store (i32.const 264) (local.get $count))
        (i32.const 256))"#;
    let bytes = guests::guest("verifier-plugin", body);
    let one = pool(1);
    let copied = |attempts: &[Attempt]| drop(black_box(attempts.to_vec()));
    for (items, limits) in [(1, Limits::default()), (BATCH, Limits { batch_items: BATCH as u64, ..Limits::default() })]
    {
        let verifier =
            guests::load(&guests::host(), &bytes, &limits).expect("loads").into_verifier().expect("a verifier");
        let attempts: Vec<_> =
            (0..items).map(|_| Attempt { problem: ".".repeat(1024), ..guests::attempt(&".".repeat(1024)) }).collect();
        let times = one.install(|| fastest(2, || drop(black_box(verifier.verify(&attempts))), || copied(&attempts)));
        let what = match items {
            1 => "fresh instance, configured, and one call",
            _ => "an item with two strings of 1 KiB in a batch of 256",
        };
        report(what, "a copy of its strings", times, items);
    }

    let config = json!({"stairs": [{"step": 0, "tokens": 32}]});
    let mut schedule = built::load(&built::host(), "schedule_staircase", &config, &Limits::default())
        .expect("loads")
        .into_schedule()
        .expect("a schedule");
    let mut at = guests::progress(&"s".repeat(1024), 3);
    at.metrics = vec![types::Metric { name: "m".repeat(1024), value: 1.0 }];
    const CALLS: usize = 1000;
    let times = one.install(|| {
        fastest(
            2,
            || (0..CALLS).for_each(|_| drop(black_box(schedule.plan(&at)))),
            || (0..CALLS).for_each(|_| drop(black_box((at.stage.clone(), at.metrics.clone())))),
        )
    });
    report("warm instance: plan with two strings of 1 KiB, and save", "a copy of its strings", times, CALLS);
}

fn two_threads(limits: &Limits) {
    let attempts: Vec<_> = attempts().into_iter().cycle().take(16 * BATCH).collect();
    let plugin = built::load(&built::host(), "verifier_math", &json!({}), limits).expect("loads");
    let verifier = plugin.into_verifier().expect("a verifier");
    let (one, two) = (pool(1), pool(2));
    let run = |pool: &rayon::ThreadPool| drop(black_box(pool.install(|| verifier.verify(&attempts))));
    let times = fastest(6, || run(&one), || run(&two));
    report("verifier_math on one thread", "on two threads", times, attempts.len());
}

/// From the start of the process to the end of it, with one verdict between; the plugin was compiled before.
fn first_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release");
    let input = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(input.path(), "{\"response\": \"\\\\boxed{2}\", \"reference\": \"2\"}\n").expect("written");
    let run = |arguments: &[&str]| {
        let status = Command::new(folder.join("octo-host"))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("octo-host, which `make build` builds");
        assert!(status.success(), "octo-host {arguments:?}: {status}");
    };
    let judge = ["--plugin", "verifier_math", &input.path().to_string_lossy()];
    // Compiles it, where that was not done yet.
    run(&judge);
    let times = fastest(3, || run(&judge), || run(&["--version"]));
    report("octo-host, start to end, one verdict", "octo-host --version", times, 1);
}
