//! What the sandbox costs: a fresh instance, a batch by the item, and a call of a warm stateful plugin.
//!
//! `cargo bench -p octo-plugin`; the plugins come from `make plugins`.

#[path = "../tests/guests/built.rs"]
mod built;
#[path = "../tests/guests/mod.rs"]
mod guests;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use octo_plugin::{Host, Limits};
use serde_json::json;

/// One thread, so that figures are of one core.
fn one_thread() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread")
}

/// A guest that does next to nothing, so that what is measured is the boundary: strings in, strings out.
fn batches(criterion: &mut Criterion) {
    let verifier = guests::verifier(&guests::host(), &Limits { batch_items: 256, ..Limits::default() });
    let pool = one_thread();
    let mut group = criterion.benchmark_group("verify");
    for (items, bytes) in [(1, 16), (256, 16), (256, 1024), (256, 16_384)] {
        let attempts: Vec<_> = (0..items).map(|_| guests::attempt(&".".repeat(bytes))).collect();
        group.throughput(Throughput::Elements(items));
        group.bench_function(BenchmarkId::new(format!("{items} items"), format!("{bytes} bytes")), |bencher| {
            bencher.iter(|| pool.install(|| verifier.verify(&attempts)));
        });
    }
    group.finish();
}

fn math_verifier(criterion: &mut Criterion) {
    let limits = Limits { batch_items: 256, ..Limits::default() };
    let plugin = built::load(&built::host(), "verifier_math", &json!({}), &limits).expect("loads");
    let verifier = plugin.into_verifier().expect("a verifier");
    let pool = one_thread();
    let attempts: Vec<_> =
        (0..256).map(|index| guests::attempt(&format!("{} \\boxed{{{index}}}", "so ".repeat(300)))).collect();
    let mut group = criterion.benchmark_group("verifier_math");
    group.throughput(Throughput::Elements(256));
    group.bench_function("256 items of 1 KiB", |bencher| bencher.iter(|| pool.install(|| verifier.verify(&attempts))));
    group.finish();
}

fn stateful(criterion: &mut Criterion) {
    let config = json!({"stairs": [{"step": 0, "tokens": 32}]});
    let plugin = built::load(&built::host(), "schedule_staircase", &config, &Limits::default()).expect("loads");
    let mut schedule = plugin.into_schedule().expect("a schedule");
    let at = guests::progress("rl", 3);
    criterion.bench_function("warm call of a schedule, with its memory saved", |bencher| {
        bencher.iter(|| schedule.plan(&at))
    });
}

fn loading(criterion: &mut Criterion) {
    let home = tempfile::tempdir().expect("folder");
    let host = Host::with_cache_folder(Some(home.path())).expect("a supported machine");
    let load = || built::load(&host, "verifier_math", &json!({}), &Limits::default()).expect("loads");
    load();
    criterion.bench_function("load verifier_math, compiled before", |bencher| bencher.iter(load));
}

criterion_group!(benches, batches, math_verifier, stateful, loading);
criterion_main!(benches);
