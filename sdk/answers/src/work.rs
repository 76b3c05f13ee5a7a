//! The effort that one verdict may take.
//!
//! Ceilings on depth and size bound each operation; this bounds their sum, so that a list of two hundred expensive entries
//! costs no more than one. It counts operations, not time, so a verdict never depends on the machine. What runs out has
//! no value, which can make an answer incorrect but never correct.
//!
//! The account belongs to the thread, so that no operation can be forgotten by a caller that passes nothing on.

use std::cell::Cell;

/// Units for one verdict; a unit is about ten WebAssembly instructions.
pub const BUDGET: u64 = 3_000_000;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(BUDGET) };
}

/// Starts the account of a new verdict.
pub fn begin() {
    LEFT.with(|left| left.set(BUDGET));
}

/// What the account of the current verdict still holds.
pub fn left() -> u64 {
    LEFT.with(Cell::get)
}

/// Pays for an operation; `None` where the account does not cover it.
pub fn spend(units: u64) -> Option<()> {
    LEFT.with(|left| {
        let rest = left.get().checked_sub(units);
        left.set(rest.unwrap_or(0));
        rest.map(|_| ())
    })
}

/// Runs a rule on part of the account, so that an expensive rule leaves enough for the next one.
pub fn limited<T>(units: u64, rule: impl FnOnce() -> Option<T>) -> Option<T> {
    let whole = LEFT.with(Cell::get);
    let part = whole.min(units);
    LEFT.with(|left| left.set(part));
    let result = rule();
    LEFT.with(|left| left.set(whole - part + left.get()));
    result
}
