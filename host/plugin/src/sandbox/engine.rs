//! The WebAssembly engine, its settings with their reasons, and the clock that deadlines count in.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, OperatorCost, OptLevel, PoolingAllocationConfig, Strategy, WasmFeatures,
};

use super::{Limits, size};
use crate::LoadError;

/// Name and version of the engine, for run records: what an instruction costs in fuel changes between versions, so the
/// place where a fuel limit cuts is only comparable within one.
pub const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// One tick of the clock that deadlines count in, where nothing is profiled.
const TICK: Duration = Duration::from_millis(10);

/// What is set for all engines of a host. Results depend on neither.
#[derive(Clone, Copy)]
pub(crate) struct EngineOptions {
    /// Time between ticks.
    pub tick: Duration,
    /// Whether a guest's debug information is kept with its code, and parsed when it traps.
    pub source_lines: bool,
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions { tick: TICK, source_lines: false }
    }
}

/// One engine for every stack size in use, since wasmtime sets that by engine. Nearly always a single one.
pub(crate) struct Engines {
    by_stack: Mutex<BTreeMap<usize, Engine>>,
    pub options: EngineOptions,
}

impl Engines {
    /// No engine but the usual one yet, and the clock of all.
    pub(crate) fn start(options: EngineOptions) -> Result<Arc<Engines>, LoadError> {
        let engines = Arc::new(Engines { by_stack: Mutex::new(BTreeMap::new()), options });
        // Made now, so that a machine that cannot run plugins says so before anything is loaded.
        engines.of(&Limits::default())?;
        let ticked = Arc::downgrade(&engines);
        std::thread::Builder::new()
            .name("octo-plugin-clock".to_owned())
            .spawn(move || tick(&ticked, options.tick))
            .map_err(|error| LoadError::Engine(format!("could not start a thread: {error}")))?;
        Ok(engines)
    }

    /// The engine that runs plugins under `limits`.
    pub(crate) fn of(&self, limits: &Limits) -> Result<Engine, LoadError> {
        let stack = size(limits.stack_bytes);
        // No code that can panic runs under this lock, so a poisoned one holds a whole map.
        let mut engines = self.by_stack.lock().unwrap_or_else(PoisonError::into_inner);
        match engines.entry(stack) {
            Entry::Occupied(engine) => Ok(engine.get().clone()),
            Entry::Vacant(place) => Ok(place.insert(start(stack, self.options)?).clone()),
        }
    }
}

fn tick(engines: &Weak<Engines>, interval: Duration) {
    loop {
        std::thread::sleep(interval);
        let Some(engines) = engines.upgrade() else { return };
        for engine in engines.by_stack.lock().unwrap_or_else(PoisonError::into_inner).values() {
            engine.increment_epoch();
        }
    }
}

fn start(stack: usize, options: EngineOptions) -> Result<Engine, LoadError> {
    let mut config = settings(stack, options);
    // The pool reserves address space (4 GiB a slot), which containers with a limit on it refuse. Instances are slower
    // to make without it, and otherwise the same.
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    Engine::new(&config)
        .or_else(|error| {
            tracing::debug!("no pool of instances: {error:#}");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config)
        })
        .map_err(|error| LoadError::Engine(format!("{error:#}")))
}

/// An engine that compiles and runs nothing, so that it needs no pool: code is the same for both.
pub(crate) fn compiler(stack: usize, options: EngineOptions) -> wasmtime::Result<Engine> {
    Engine::new(&settings(stack, options))
}

fn settings(stack: usize, options: EngineOptions) -> Config {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift).cranelift_opt_level(OptLevel::Speed);

    // The same bits on every machine: NaNs in one form, and none of the features whose results may differ (relaxed
    // SIMD, threads). NaNs cost nothing that can be measured: 12.51 against 12.45 µs a response.
    config.cranelift_nan_canonicalization(true);
    config.wasm_features(WasmFeatures::RELAXED_SIMD, false);
    config.wasm_features(WasmFeatures::THREADS | WasmFeatures::SHARED_EVERYTHING_THREADS, false);

    // What no plugin needs is attack surface. Spelt out, so that a feature that becomes a default with a release of
    // wasmtime does not become ours with it.
    config.wasm_features(
        WasmFeatures::MEMORY64
            | WasmFeatures::GC
            | WasmFeatures::FUNCTION_REFERENCES
            | WasmFeatures::EXCEPTIONS
            | WasmFeatures::STACK_SWITCHING
            | WasmFeatures::WIDE_ARITHMETIC
            | WasmFeatures::CUSTOM_PAGE_SIZES,
        false,
    );

    // The contract is synchronous. On by default, and about three times the cost of an empty call.
    config.concurrency_support(false);

    // Fuel decides results; epochs end what fuel does not see. They are a third of what a guest costs
    // (`benches/sandbox_tax.rs`, batches of 256, one EPYC core, µs an item; natively 5.2 and 23.0):
    //                     fuel and epochs   fuel alone   epochs alone   neither
    //   verifier_math          12.5            11.4          10.5          8.8
    //   filter_heuristics      44.8            40.6          40.0         35.4
    // Determinism needs the fuel. Without epochs a guest whose recipe sets its fuel high could not be ended. So 1.25 times
    // native is out of reach: with neither it is 1.67 and 1.54. Tried on the guests' side: SIMD makes the verifier 7 %
    // faster and is kept; the allocator talc for dlmalloc, LLVM's inlining at 800 and its unrolling at run time change
    // nothing that stands out from noise. What did help was to look at the guest's own profile: the verifier took 29.8
    // before its searches for words had vectors (natively 13.9).
    config.consume_fuel(true);
    config.operator_cost(fuel_costs());
    config.epoch_interruption(true);
    config.max_wasm_stack(stack);

    // A guest's DWARF can be hostile, and parsing it is slow and bounded by nothing. Function names are enough, except for
    // whoever asked for more (`Host::with_source_lines`).
    config.wasm_backtrace_details(match options.source_lines {
        true => wasmtime::WasmBacktraceDetails::Enable,
        false => wasmtime::WasmBacktraceDetails::Disable,
    });
    config
}

/// Fuel of each instruction: one unit, and one more per byte or element of those that copy, as wasmtime has it. These are
/// calls into the host, which take as long as many others also where they are asked for nothing, so a loop of them would
/// meet the deadline before its fuel (seconds that the default fuel of a billion lasts for a loop of each, on one EPYC
/// core, at one unit and at these):
///
/// ```text
///   memory.grow 0   31   0.3        memory.fill of no bytes   26   3.3        elem.drop              5.6   0.3
///   table.grow 0    16   0.2        ref.func                  34   0.4        table.init of nothing  2.5   0.3
/// ```
///
/// Everything else was under 3 s. Of these, plugins in Rust have `memory.grow` and `memory.fill` alone.
fn fuel_costs() -> OperatorCost {
    OperatorCost {
        MemoryGrow: u8::MAX,
        TableGrow: u8::MAX,
        RefFunc: 128,
        MemoryFill: 32,
        ElemDrop: 32,
        TableInit: 32,
        ..OperatorCost::new()
    }
}

/// Slots for more instances than a machine has threads; each batch holds one for as long as it runs, each stateful
/// plugin one for its life.
fn pool() -> PoolingAllocationConfig {
    const COMPONENTS: u32 = 512;
    // A slot stays warm for its plugin, and what that touched stays resident. wasmtime's 100 of them would be 400 MiB once
    // a host has seen many plugins; those that threads use by turns are enough.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let warm = u32::try_from(threads).unwrap_or(COMPONENTS).clamp(4, COMPONENTS);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(COMPONENTS)
        .max_unused_warm_slots(warm)
        .total_core_instances(4 * COMPONENTS)
        .total_memories(COMPONENTS)
        .total_tables(2 * COMPONENTS)
        // The largest that `Limits` allows.
        .table_elements(100_000)
        // What a batch usually touches is zeroed in place; giving it back to the kernel and faulting it in again costs
        // several times the batch itself (`cargo bench -p octo-plugin`).
        .linear_memory_keep_resident(4 << 20)
        .table_keep_resident(64 << 10)
        .max_core_instance_size(8 << 20)
        .max_component_instance_size(8 << 20);
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_records_name_the_engine_that_is_built_in() {
        let lock = include_str!("../../../../Cargo.lock");
        let version = ENGINE_VERSION.strip_prefix("wasmtime ").expect("a name and a version");
        assert!(lock.contains(&format!("name = \"wasmtime\"\nversion = \"{version}\"\n")), "Cargo.lock has another");
    }

    #[test]
    fn code_of_the_compiler_runs_in_the_pool() {
        let stack = 512 << 10;
        let hash = |engine: &Engine| {
            let mut hasher = std::hash::DefaultHasher::new();
            std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut hasher);
            std::hash::Hasher::finish(&hasher)
        };
        for source_lines in [false, true] {
            let options = EngineOptions { source_lines, ..EngineOptions::default() };
            let pooled = start(stack, options).expect("supported machine");
            assert_eq!(hash(&pooled), hash(&compiler(stack, options).expect("the same")));
        }
    }

    #[test]
    fn features_that_could_change_results_or_widen_the_attack_surface_are_refused() {
        let engine = start(512 << 10, EngineOptions::default()).expect("supported machine");
        // One module a feature: (type section of a GC struct), (memory64), (shared memory), (exception tag).
        let refused: [(&str, &[u8]); 4] = [
            ("gc", b"\0asm\x01\0\0\0\x01\x05\x01\x5f\x01\x7f\0"),
            ("memory64", b"\0asm\x01\0\0\0\x05\x03\x01\x04\x01"),
            ("threads", b"\0asm\x01\0\0\0\x05\x04\x01\x03\x01\x02"),
            ("exceptions", b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x0d\x03\x01\0\0"),
        ];
        for (feature, module) in refused {
            assert!(wasmtime::Module::from_binary(&engine, module).is_err(), "{feature} is on");
        }
        let plain = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01";
        assert!(wasmtime::Module::from_binary(&engine, plain).is_ok(), "the test's modules are malformed");
    }
}
