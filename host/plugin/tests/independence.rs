//! Results depend on the items alone, also where some are bad: not on threads, batch sizes, neighbours or instances
//! before. `repeatability.rs` has the reference plugins.

mod guests;

use guests::{attempt, guest, load, tight, verifier};
use octo_plugin::types::{Attempt, Verdict};
use octo_plugin::{Failure, Limits};

/// Some hundred items, one in ten of them bad in one way or another.
fn mixed() -> Vec<Attempt> {
    let bad = ["u", "l", "e no", "f", "m", "s", "b"];
    (0..300)
        .map(|index| match index % 10 {
            7 => attempt(bad[(index / 10) % bad.len()]),
            _ => attempt(&format!("c {index} {}", "text ".repeat(index % 17))),
        })
        .collect()
}

fn on_threads(threads: usize, limits: &Limits) -> Vec<Result<Verdict, Failure>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let verifier = verifier(&guests::host(), limits);
    pool.install(|| verifier.verify(&mixed()))
}

#[test]
fn results_are_the_same_for_any_number_of_threads() {
    let one = on_threads(1, &tight());
    assert_eq!(one.iter().filter(|answer| answer.is_err()).count(), 30);
    assert_eq!(one, on_threads(2, &tight()));
    assert_eq!(one, on_threads(8, &tight()));
}

#[test]
fn results_are_the_same_for_any_batch_size() {
    let alone = on_threads(2, &Limits { batch_items: 1, ..tight() });
    for batch_items in [2, 7, 64, 1000] {
        assert_eq!(alone, on_threads(2, &Limits { batch_items, ..tight() }), "batches of {batch_items}");
    }
}

/// At a fuel limit that a fair share of items is just over, where batch boundaries would show first.
#[test]
fn where_fuel_cuts_does_not_depend_on_the_batch() {
    let cut_by_fuel = |batch_items| {
        let limits = Limits { fuel_per_item: 800, batch_items, ..tight() };
        on_threads(2, &limits)
            .iter()
            .map(|answer| answer.as_ref().err().map(|failure| failure.kind))
            .collect::<Vec<_>>()
    };
    let alone = cut_by_fuel(1);
    let failed = alone.iter().filter(|kind| kind.is_some()).count();
    assert!((1..300).contains(&failed), "{failed} of 300 failed; the limit should cut some and not all");
    for batch_items in [3, 64] {
        assert_eq!(alone, cut_by_fuel(batch_items), "batches of {batch_items}");
    }
}

/// Slots of the pool are used again; nothing may pass from one instance to the next in memory, table or size.
#[test]
fn an_instance_finds_nothing_of_the_one_before() {
    let body = r#"
  (table $table 10 funcref)
  (elem declare func $left_behind)
  (func $left_behind)
  (func (export "octo:plugin/verifier@0.1.0#verify") (param i32 i32) (result i32)
    (if (i32.ne (memory.size) (i32.const 4)) (then unreachable))
    (if (i32.load (i32.const 200000)) (then unreachable))
    (if (i32.eqz (ref.is_null (table.get $table (i32.const 5)))) (then unreachable))
    (drop (memory.grow (i32.const 20)))
    (if (i32.load (i32.const 1500000)) (then unreachable))
    (i32.store (i32.const 200000) (i32.const 1))
    (i32.store (i32.const 1500000) (i32.const 1))
    (table.set $table (i32.const 5) (ref.func $left_behind))
    (i32.store (i32.const 260) (i32.const 1024))
    (i32.store (i32.const 264) (i32.const 1))
    (i32.const 256))"#;
    let limits = Limits { batch_items: 1, ..tight() };
    let verifier = load(&guests::host(), &guest("verifier-plugin", body), &limits).expect("loads").into_verifier();
    let answers = verifier.expect("a verifier").verify(&vec![attempt("c"); 200]);
    assert!(answers.iter().all(Result::is_ok), "{:?}", answers.iter().find(|answer| answer.is_err()));
}
