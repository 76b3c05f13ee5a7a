//! Which failure it is when a guest call does not return: out of fuel, over a limit, a crash, or what the host could not
//! take.

use wasmtime::{Trap, WasmBacktrace};

use super::{Failure, FailureKind};
use crate::sandbox::{Fuel, Limits, Refused};
use crate::text::{for_people, short};

/// A request for memory or table elements that the limits deny. Ends the call at once: a guest that is merely refused
/// reacts in its own way (Rust's allocator aborts), and the reason would be lost.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("asked for {wanted} {unit}; the limit `{limit}` is {allowed}")]
pub(crate) struct Denied {
    pub wanted: u64,
    pub unit: &'static str,
    pub limit: &'static str,
    pub allowed: u64,
}

/// Names the failure of a guest call that did not return.
///
/// A call ends without a trap only where the host could not take what the guest handed it (too many bytes, text that is
/// not UTF-8, a pointer out of bounds), which is the guest's output to get right.
pub(crate) fn failure(error: &wasmtime::Error, fuel: Fuel, limits: &Limits, last_words: Option<&str>) -> Failure {
    if let Some(denied) = error.downcast_ref::<Denied>() {
        return Failure { kind: FailureKind::Memory, message: format!("{denied}{}", place(error)) };
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Failure { kind: FailureKind::Trap, message: format!("exited with status {}{}", exit.0, place(error)) };
    }
    if let Some(refused) = error.downcast_ref::<Refused>() {
        return Failure { kind: FailureKind::Trap, message: format!("{refused}{}", place(error)) };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Failure {
            kind: FailureKind::Fuel,
            message: format!("used up its fuel ({}){}", budget(fuel, limits), place(error)),
        },
        Some(Trap::Interrupt) => Failure {
            kind: FailureKind::Deadline,
            message: format!("still running after {} ms (`deadline_ms`){}", limits.deadline_ms, place(error)),
        },
        Some(trap) => {
            let words = last_words.map(|words| format!(": {words}")).unwrap_or_default();
            let what = trap.to_string();
            let what = what.strip_prefix("wasm trap: ").unwrap_or(&what);
            Failure { kind: FailureKind::Trap, message: format!("{what}{}{words}", place(error)) }
        }
        None => refused_by_engine(&error.root_cause().to_string(), limits),
    }
}

/// Where the fuel of a call came from, and so what would give it more.
fn budget(fuel: Fuel, limits: &Limits) -> String {
    match fuel {
        Fuel::Items(_) => format!("`fuel_per_item` is {}", limits.fuel_per_item),
        Fuel::Setup(units) => {
            format!("{units}, as for any call without items; a `fuel_per_item` above that gives it more")
        }
    }
}

/// wasmtime has no types for these errors; the hostile suite holds it to its words.
fn refused_by_engine(words: &str, limits: &Limits) -> Failure {
    if words.contains("handle limit exceeded") {
        let message = format!("made more than {} component handles (`handles`)", limits.handles);
        return Failure { kind: FailureKind::Memory, message };
    }
    Failure::invalid_output(if words.contains("too much data is being copied") {
        format!("handed the host more than {} bytes at once (`hostcall_bytes`)", limits.hostcall_bytes)
    } else {
        format!("the host could not take what the plugin handed it: {}", short(words))
    })
}

/// Where the guest was, as ` in inner ← outer ← ...`; empty where the component has no function names.
fn place(error: &wasmtime::Error) -> String {
    const FRAMES: usize = 4;
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let names: Vec<String> = backtrace
        .frames()
        .iter()
        .filter_map(|frame| frame.func_name())
        .map(|name| for_people(&demangled(name), 120))
        .collect();
    let own: Vec<&str> = names.iter().map(String::as_str).filter(|name| !is_runtime(name)).take(FRAMES).collect();
    let shown = if own.is_empty() { names.iter().map(String::as_str).take(FRAMES).collect() } else { own };
    if shown.is_empty() { String::new() } else { format!(" in {}", shown.join(" ← ")) }
}

/// A function's name as its author wrote it. The guest's own text, of any length, and longer than it was.
pub(crate) fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// Whether a function belongs to Rust's panic and allocation machinery, which lies on top of every panic.
pub(crate) fn is_runtime(name: &str) -> bool {
    let name = name.trim_start_matches(['<', '&']);
    [
        "std::",
        "core::",
        "alloc::",
        "dlmalloc::",
        "rust_",
        "__rust",
        "__rdl",
        "__rg_",
        "__rustc",
        "abort",
        "cabi_realloc",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}
