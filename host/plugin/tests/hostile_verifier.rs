//! Guests that misbehave while they judge: each item ends as one failure of the right kind, its neighbours are not
//! touched, and the same host goes on serving.

mod guests;

use std::time::Instant;

use guests::{attempts, kinds, tight, verifier};
use octo_plugin::{FailureKind, Limits};

/// One bad item among good ones: it alone fails, as `kind` and with a message that has all of `words`; and the host
/// serves a good plugin after.
fn costs_itself_alone(order: &str, kind: FailureKind, words: &[&str], limits: &Limits) {
    let host = guests::host();
    let verifier = verifier(&host, limits);
    let answers = verifier.verify(&attempts(&["c one", "c two", order, "c three"]));
    assert_eq!(kinds(&answers), [None, None, Some(kind), None], "{order}: {answers:?}");
    let failure = answers[2].as_ref().expect_err("checked above");
    for word in words {
        assert!(failure.message.contains(word), "{order}: no {word:?} in {:?}", failure.message);
    }
    assert!(!failure.message.contains(char::is_control), "{:?}", failure.message);

    let good = guests::verifier(&host, &Limits::default());
    assert_eq!(good.verify(&attempts(&["c after"]))[0].as_ref().expect("still serving").reason, "c after");
    assert!(verifier.verify(&attempts(&["c again"]))[0].is_ok(), "the plugin itself is still usable");
}

#[test]
fn a_loop_without_end_runs_out_of_fuel() {
    costs_itself_alone("loop", FailureKind::Fuel, &["fuel_per_item", "1000000", "spin_on_purpose"], &tight());
}

#[test]
fn a_loop_that_fuel_would_let_run_ends_at_the_deadline() {
    let limits = Limits { fuel_per_item: u64::MAX, deadline_ms: 100, ..tight() };
    costs_itself_alone("loop", FailureKind::Deadline, &["deadline_ms", "100 ms"], &limits);
}

#[test]
fn memory_without_end_is_denied() {
    costs_itself_alone("memory", FailureKind::Memory, &["memory_bytes", "4194304", "hoard_memory"], &tight());
}

#[test]
fn a_table_without_end_is_denied() {
    costs_itself_alone("queue", FailureKind::Memory, &["table_elements", "20000"], &tight());
}

#[test]
fn a_crash_is_a_trap_that_names_the_function() {
    costs_itself_alone("u", FailureKind::Trap, &["unreachable", "crash_on_purpose"], &tight());
}

#[test]
fn the_last_words_of_a_crash_are_kept_on_one_clean_line() {
    costs_itself_alone("v", FailureKind::Trap, &["last words[2J"], &tight());
}

#[test]
fn an_endless_recursion_is_a_trap_and_spares_the_process() {
    costs_itself_alone("stack", FailureKind::Trap, &["stack", "recurse"], &Limits { stack_bytes: 64 << 10, ..tight() });
    // The deepest stack that limits allow, on rayon's threads as they come.
    let deepest = Limits { stack_bytes: 1 << 20, fuel_per_item: 1_000_000_000, ..tight() };
    costs_itself_alone("stack", FailureKind::Trap, &["stack"], &deepest);
}

#[test]
fn bad_arithmetic_and_bad_pointers_are_traps() {
    costs_itself_alone("w", FailureKind::Trap, &["divide by zero"], &tight());
    costs_itself_alone("x", FailureKind::Trap, &["out of bounds"], &tight());
}

#[test]
fn logging_without_end_runs_out_of_fuel_rather_than_of_time() {
    costs_itself_alone("talk", FailureKind::Fuel, &["log_for_ever"], &tight());
}

#[test]
fn a_refusal_is_the_items_own_and_its_text_is_cleaned() {
    costs_itself_alone("e\u{1b}[31m\nred", FailureKind::PluginError, &["unsupported: e[31m red"], &tight());
    let long = format!("e{}", "x".repeat(50_000));
    let host = guests::host();
    let answers = verifier(&host, &tight()).verify(&attempts(&[&long]));
    let message = &answers[0].as_ref().expect_err("refused").message;
    assert!(message.len() < 500 && message.ends_with('…'), "{} bytes", message.len());
}

#[test]
fn too_few_and_too_many_verdicts_are_invalid_output() {
    costs_itself_alone("few", FailureKind::InvalidOutput, &["0 answers for 1 items"], &tight());
    costs_itself_alone("above", FailureKind::InvalidOutput, &["2 answers for 1 items"], &tight());
}

#[test]
fn verdicts_that_cannot_be_read_are_invalid_output() {
    costs_itself_alone("b", FailureKind::InvalidOutput, &["utf-8"], &tight());
    costs_itself_alone("o", FailureKind::InvalidOutput, &["out of bounds"], &tight());
    costs_itself_alone("d", FailureKind::InvalidOutput, &["discriminant"], &tight());
    costs_itself_alone("r", FailureKind::InvalidOutput, &["returned_string_bytes", "100000"], &tight());
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
fn a_bad_item_costs_its_batch_one_items_fuel_at_most() {
    // 64 items of 1e9 units would take minutes if a batch had the sum; this only says that it ends in this test's life.
    let limits = Limits { fuel_per_item: 100_000_000, ..tight() };
    let mut responses = vec!["c fine"; 64];
    responses[40] = "loop";
    let host = guests::host();
    let started = Instant::now();
    let answers = verifier(&host, &limits).verify(&attempts(&responses));
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    eprintln!("one endless item of 64, at 1e8 fuel each: {:?}", started.elapsed());
}

#[test]
fn no_attempts_are_no_verdicts() {
    assert!(verifier(&guests::host(), &tight()).verify(&[]).is_empty());
}
