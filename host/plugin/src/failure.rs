//! What became of an item that has no result.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::{Trap, WasmBacktrace};

use crate::bindings::types::{ErrorKind, PluginError};
use crate::guest_text::short;
use crate::limits::Limits;
use crate::store::Fuel;
use crate::wasi::Refused;

/// Why an item has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The plugin refused, with a reason.
    PluginError,
    /// The plugin crashed: a panic, a bad memory access, an exhausted stack.
    Trap,
    /// Over `fuel_per_item`.
    Fuel,
    /// Over `deadline_ms`.
    Deadline,
    /// Over `memory_bytes`, `table_elements` or `handles`.
    Memory,
    /// The answer breaks the contract: a wrong number of answers, a number that is not finite, too large a result.
    InvalidOutput,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [FailureKind; 6] = [
        FailureKind::PluginError,
        FailureKind::Trap,
        FailureKind::Fuel,
        FailureKind::Deadline,
        FailureKind::Memory,
        FailureKind::InvalidOutput,
    ];

    /// The name that reports, metrics and dead letters count by.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureKind::PluginError => "plugin-error",
            FailureKind::Trap => "trap",
            FailureKind::Fuel => "fuel",
            FailureKind::Deadline => "deadline",
            FailureKind::Memory => "memory",
            FailureKind::InvalidOutput => "invalid-output",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// An item's failure. The message is one line, without control characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{kind}: {message}")]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What happened, for a person.
    pub message: String,
}

impl Failure {
    /// An answer that breaks the contract.
    pub(crate) fn invalid_output(message: impl Into<String>) -> Failure {
        Failure { kind: FailureKind::InvalidOutput, message: message.into() }
    }

    /// A refusal of the plugin.
    pub(crate) fn refused(error: &PluginError) -> Failure {
        let kind = match error.kind {
            ErrorKind::InvalidConfig => "invalid config",
            ErrorKind::InvalidInput => "invalid input",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Internal => "internal error",
        };
        Failure { kind: FailureKind::PluginError, message: format!("{kind}: {}", short(&error.message)) }
    }
}

/// A request for memory or table elements that the limits deny. Ends the call at once: a guest that is merely told no
/// goes on in its own way (Rust's allocator aborts), and the reason would be lost.
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
pub(crate) fn of_call(error: &wasmtime::Error, fuel: Fuel, limits: &Limits, last_words: Option<&str>) -> Failure {
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
        .map(|name| crate::guest_text::for_people(&demangled(name), 120))
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
