//! Results depend on the items alone: not on threads, batch sizes, neighbours or earlier calls.

mod guests;

use guests::{attempt, tight, verifier};
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

#[test]
fn asking_twice_gives_the_same_answer() {
    let verifier = verifier(&guests::host(), &tight());
    assert_eq!(verifier.verify(&mixed()), verifier.verify(&mixed()));
}
