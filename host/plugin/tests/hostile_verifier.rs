//! What a verdict of the hostile suite (`tests/hostile`) cannot show of guests that misbehave while they judge: where they
//! were, what the host held meanwhile, and what they cost their batch.

mod guests;

use guests::{attempts, kinds, tight, verifier};
use octo_plugin::{FailureKind, Limits, Transcript};

/// One bad item among good ones: it alone fails, as `kind` and with a message that has all of `words`.
fn costs_itself_alone(order: &str, kind: FailureKind, words: &[&str], limits: &Limits) {
    let host = guests::host();
    let answers = verifier(&host, limits).verify(&attempts(&["c one", "c two", order, "c three"]));
    assert_eq!(kinds(&answers), [None, None, Some(kind), None], "{order}: {answers:?}");
    let failure = answers[2].as_ref().expect_err("checked above");
    for word in words {
        assert!(failure.message.contains(word), "{order}: no {word:?} in {:?}", failure.message);
    }
}

#[test]
fn a_failure_names_the_function_that_the_guest_was_in() {
    costs_itself_alone("loop", FailureKind::Fuel, &["spin_on_purpose"], &tight());
    costs_itself_alone("memory", FailureKind::Memory, &["hoard_memory"], &tight());
    costs_itself_alone("u", FailureKind::Trap, &["unreachable", "crash_on_purpose"], &tight());
    costs_itself_alone("talk", FailureKind::Fuel, &["log_for_ever"], &tight());
    costs_itself_alone("stack", FailureKind::Trap, &["recurse"], &Limits { stack_bytes: 64 << 10, ..tight() });
}

/// `Store::set_hostcall_fuel` speaks of host calls only; that it bounds the results of exports too is pinned here.
#[test]
fn a_result_of_a_gigabyte_is_refused_before_it_is_copied() {
    let roomy = Limits { memory_bytes: 2 << 30, fuel_per_item: 1_000_000_000, ..Limits::default() };
    for order in ["gigabyte", "huge list"] {
        let before = resident_bytes();
        costs_itself_alone(order, FailureKind::InvalidOutput, &["hostcall_bytes", "8388608"], &roomy);
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < 512 << 20, "{order}: the host grew by {grown} bytes");
    }
}

#[test]
fn the_limit_on_what_is_handed_over_is_the_recipes() {
    let judged = |hostcall_bytes| {
        let limits = Limits { hostcall_bytes, returned_string_bytes: 1 << 20, ..tight() };
        verifier(&guests::host(), &limits).verify(&attempts(&["r"])).remove(0)
    };
    let failure = judged(99_000).expect_err("100 kB and more are handed over");
    assert_eq!(failure.kind, FailureKind::InvalidOutput);
    assert!(failure.message.contains("more than 99000 bytes"), "{}", failure.message);
    assert!(judged(110_000).is_ok());
}

/// Memory that this process holds, from the kernel's own account (see proc(5), `statm`, in pages).
fn resident_bytes() -> u64 {
    let account = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    account.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

#[test]
fn a_batch_of_nothing_but_bad_items_has_one_failure_each() {
    let orders = ["l", "u", "m", "s", "e", "f", "a", "b", "o", "d", "q", "w", "x", "v", "t", "r"];
    let host = guests::host();
    let answers = verifier(&host, &tight()).verify(&attempts(&orders));
    assert_eq!(answers.len(), orders.len());
    for (order, answer) in orders.iter().zip(&answers) {
        assert!(answer.is_err(), "{order} passed");
    }
}

#[test]
fn a_bad_item_costs_its_batch_one_items_fuel() {
    let transcript = Transcript::default();
    let host = guests::host().with_transcript(&transcript);
    let limits = Limits { fuel_per_item: 10_000_000, batch_items: 16, ..tight() };
    let verifier = verifier(&host, &limits);
    transcript.take();
    let mut responses = ["c fine"; 16];
    responses[9] = "loop";
    let answers = verifier.verify(&attempts(&responses));
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    let used: u64 = transcript.take().iter().flat_map(|instance| &instance.calls).map(|call| call.used).sum();
    // In its batch once and alone once; what the others and 17 times `configure` take is little.
    assert!((2 * limits.fuel_per_item..3 * limits.fuel_per_item).contains(&used), "{used}");
}

#[test]
fn no_attempts_are_no_verdicts() {
    assert!(verifier(&guests::host(), &tight()).verify(&[]).is_empty());
}
