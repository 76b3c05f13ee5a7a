//! What a plugin may use, and where each limit is enforced.
//!
//! | limit | enforced in | by |
//! |---|---|---|
//! | `fuel_per_item` | `sandbox/instance.rs`, `sandbox/blueprint.rs` | `refuel` before each call; `Blueprint::fuel` says how much |
//! | | `sandbox/engine.rs` | `fuel_costs`: what each instruction costs |
//! | | `sandbox/services.rs` | `charge`: what a call of a host service costs, and the text that a classifier reads |
//! | `deadline_ms` | `sandbox/instance.rs` | `refuel`, by the clock of `sandbox/engine.rs`; while profiling, `watch/profile.rs` |
//! | `memory_bytes`, `table_elements`, `instances` | `sandbox/instance.rs` | `Resources`, which wasmtime asks before it grows anything |
//! | `stack_bytes` | `sandbox/engine.rs` | `settings`: one engine per stack size |
//! | `handles`, `hostcall_bytes` | `sandbox/instance.rs` | `Sandbox::start`, which hands them to wasmtime's store |
//! | | `sandbox/services.rs` | `labels`: what a classifier answers |
//! | `log_bytes`, `log_lines` | `sandbox/guest_log.rs` | `GuestLog::write`; printed text of WASI in `sandbox/wasi.rs` |
//! | `returned_string_bytes`, `returned_list_items` | `kinds/returned.rs` | the check of each kind |
//! | `compile_seconds`, `compile_memory_bytes` | `load/compile.rs` | the compiler's process caps itself; its parent ends it |
//! | `wasi` | `load/surface.rs`, `load.rs` | the imports are refused, and not linked |
//! | `batch_items` | `kinds/stateless.rs` | it only cuts batches |
//!
//! Every limit's range is in [`Limits::out_of_range`], which `load.rs` asks before anything else.
//!
//! # Adding a limit
//!
//! 1. This file: a field of [`Limits`] with its default and its range, and its row above.
//! 2. Its enforcement, in the file of the table that is nearest to what it bounds, and how a message names it: in
//!    `failure/of_call.rs` where the engine ends the call.
//! 3. A case of the hostile suite that meets it (`tests/hostile` of the repository), and the page of limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The largest stack that is safe on a 2 MiB thread: guests run on the caller's stack, and overrunning that ends the
/// process rather than the plugin.
const LARGEST_STACK: u64 = MIB;

/// What a plugin may use. In a recipe: `limits = { fuel_per_item = 100000000 }`; what is left out keeps its default.
///
/// Limits bound one guest call or one instance, as each says. A batch that goes over any of them is run again item by
/// item, so an item is only ever judged by the limits alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Fuel for one item, about one unit per WebAssembly instruction. The limit that decides results, since it cuts the
    /// same input at the same place on every machine. A batch call gets what one of its items may use; for rewards an
    /// item is a group, and its fuel is this times its rollouts. A call of a stateful plugin is one item. Default 1 billion.
    pub fuel_per_item: u64,
    /// Milliseconds of wall time for one guest call. It is there for what fuel does not see, so it should never be what
    /// ends a call. Default 10,000.
    pub deadline_ms: u64,
    /// Bytes of linear memory of one instance, all memories together. Default 64 MiB, at most 4 GiB. (What
    /// default fuel can touch is little more, so a guest that hoards memory ends as one that does.)
    pub memory_bytes: u64,
    /// Elements of all tables of one instance together. Default 20,000, at most 100,000.
    pub table_elements: u64,
    /// Core instances inside one component; what `wit-component` writes has 3. Default 16, at most 64.
    pub instances: u64,
    /// Bytes of guest stack. Default 512 KiB, at most 1 MiB.
    pub stack_bytes: u64,
    /// Live component-model handles of one instance. The contract has no resources, so this bounds misuse alone.
    /// Default 1000.
    pub handles: u64,
    /// Bytes that the guest may hand the host at once: what one call returns, or what it passes to a host service.
    /// Default 8 MiB.
    pub hostcall_bytes: u64,
    /// Bytes of log of one instance (of a stateful plugin's in one call); what is over is dropped. Default 16 KiB.
    pub log_bytes: u64,
    /// Lines of log, likewise, since empty ones cost too. All instances of one call of the host together may log
    /// 16 times as many. Default 256.
    pub log_lines: u64,
    /// Bytes of one returned string (reason, extracted answer, name, field value). A rewritten document's text is
    /// bounded by `hostcall_bytes` instead. Default 64 KiB.
    pub returned_string_bytes: u64,
    /// Entries of one list inside an answer (reward parts, fields). Default 256.
    pub returned_list_items: u64,
    /// Seconds of processor time for compiling the plugin, once per machine. Default 120.
    pub compile_seconds: u64,
    /// Bytes of address space for compiling the plugin. Default 4 GiB, at least 256 MiB.
    pub compile_memory_bytes: u64,
    /// Whether the plugin may have WASI, as those in Python and JavaScript need: one with stopped clocks, fixed
    /// randomness, no files, no environment and no sockets. Default false.
    pub wasi: bool,
    /// Items handed to the guest in one call. Results do not depend on it, only speed does. Default 64.
    pub batch_items: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fuel_per_item: 1_000_000_000,
            deadline_ms: 10_000,
            memory_bytes: 64 * MIB,
            table_elements: 20_000,
            instances: 16,
            stack_bytes: 512 * KIB,
            handles: 1000,
            hostcall_bytes: 8 * MIB,
            log_bytes: 16 * KIB,
            log_lines: 256,
            returned_string_bytes: 64 * KIB,
            returned_list_items: 256,
            compile_seconds: 120,
            compile_memory_bytes: 4096 * MIB,
            wasi: false,
            batch_items: 64,
        }
    }
}

impl Limits {
    /// The first limit outside its range, in words.
    pub(crate) fn out_of_range(&self) -> Option<String> {
        let ranges = [
            ("fuel_per_item", self.fuel_per_item, 1, u64::MAX),
            ("deadline_ms", self.deadline_ms, 1, 24 * 3600 * 1000),
            ("memory_bytes", self.memory_bytes, 64 * KIB, 4096 * MIB),
            ("table_elements", self.table_elements, 1, 100_000),
            ("instances", self.instances, 1, 64),
            ("stack_bytes", self.stack_bytes, 64 * KIB, LARGEST_STACK),
            ("handles", self.handles, 0, 100_000),
            ("hostcall_bytes", self.hostcall_bytes, KIB, 4096 * MIB),
            ("log_bytes", self.log_bytes, 0, 1024 * MIB),
            ("log_lines", self.log_lines, 0, 1_000_000),
            ("returned_string_bytes", self.returned_string_bytes, 1, 4096 * MIB),
            ("returned_list_items", self.returned_list_items, 1, 1_000_000),
            ("compile_seconds", self.compile_seconds, 1, 24 * 3600),
            ("compile_memory_bytes", self.compile_memory_bytes, 256 * MIB, 1024 * 1024 * MIB),
            ("batch_items", self.batch_items, 1, 65_536),
        ];
        ranges
            .into_iter()
            .find(|(_, value, low, high)| !(low..=high).contains(&value))
            .map(|(name, value, low, high)| format!("limit `{name}` is {value}; give a number from {low} to {high}"))
    }
}

/// A limit as the size type of this machine.
pub(crate) fn size(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range() {
        assert_eq!(Limits::default().out_of_range(), None);
    }

    #[test]
    fn a_limit_out_of_range_is_named_with_its_range() {
        let limits = Limits { stack_bytes: 64 * MIB, ..Limits::default() };
        let complaint = limits.out_of_range().expect("out of range");
        assert!(complaint.contains("stack_bytes") && complaint.contains("1048576"), "{complaint}");
    }

    #[test]
    fn a_misspelt_limit_is_refused() {
        let error = serde_json::from_str::<Limits>(r#"{"fuel_per_itm": 5}"#).expect_err("misspelt");
        assert!(error.to_string().contains("fuel_per_item"), "{error}");
    }

    #[test]
    fn limits_left_out_keep_their_defaults() {
        let limits: Limits = serde_json::from_str(r#"{"fuel_per_item": 5}"#).expect("valid");
        assert_eq!(limits, Limits { fuel_per_item: 5, ..Limits::default() });
    }
}
