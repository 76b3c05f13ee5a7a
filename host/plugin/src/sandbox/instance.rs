//! The isolation boundary: one instance of a plugin, with everything that bounds it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, Store};

use super::guest_log::{GuestLog, SharedLog};
use super::limits::{Limits, size};
use super::wasi::Wasi;
use crate::classifiers::Classifiers;
use crate::contract::world::{CallResult, World};
use crate::failure::of_call::{self, Denied};
use crate::failure::{Failure, FailureKind};
use crate::text::short;
use crate::watch::{Page, Watch};

/// What the host keeps for one instance.
pub(crate) struct Guest {
    pub log: GuestLog,
    /// When the call that runs must be over, for host services and where the ticks of the engine are used for samples.
    /// Elsewhere the epoch deadline ends it.
    pub deadline: Option<Instant>,
    /// The classifiers that it may ask.
    pub classifiers: Classifiers,
    /// Most bytes that the host hands it at once.
    pub hostcall_bytes: u64,
    resources: Resources,
    /// Made when it is first used; nothing is linked that uses it where `wasi` is not allowed.
    wasi: Option<Box<Wasi>>,
    log_bytes: u64,
}

impl Guest {
    pub(crate) fn wasi(&mut self) -> &mut Wasi {
        self.wasi.get_or_insert_with(|| Box::new(Wasi::new(self.log_bytes)))
    }

    /// The guest has stopped: what it printed becomes lines of its log, and these reach the host's.
    fn hand_over_log(&mut self) {
        if let Some(wasi) = &mut self.wasi {
            let [out, err] = wasi.take_printed();
            out.lines().for_each(|line| self.log.print(line));
            self.log.complain(&err);
        }
        self.log.hand_over();
    }
}

/// Counts what the instance holds, and denies what goes over the limits.
struct Resources {
    memory: u64,
    memory_limit: u64,
    table_elements: u64,
    table_limit: u64,
    instances: usize,
}

impl Resources {
    fn denied_memory(&self, wanted: u64) -> Denied {
        Denied { wanted, unit: "bytes of memory", limit: "memory_bytes", allowed: self.memory_limit }
    }
}

impl ResourceLimiter for Resources {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.memory.saturating_sub(current as u64).saturating_add(desired as u64);
        if wanted > self.memory_limit {
            return Err(self.denied_memory(wanted).into());
        }
        self.memory = wanted;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // The guest's own maximum, or the machine's. To the guest it is the same: there is no more.
        Err(self.denied_memory(self.memory).into())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.table_elements.saturating_sub(current as u64).saturating_add(desired as u64);
        if wanted > self.table_limit {
            return Err(
                Denied { wanted, unit: "table elements", limit: "table_elements", allowed: self.table_limit }.into()
            );
        }
        self.table_elements = wanted;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    // Byte and element limits bound what these hold; a handful each is what linkers and `wit-component` write.
    fn tables(&self) -> usize {
        self.instances.saturating_mul(4)
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

/// One instance of a plugin. After a failure other than a refusal it must be dropped: the guest stopped half-way, and
/// its memory means nothing.
pub(crate) struct Sandbox<W> {
    world: W,
    store: Store<Guest>,
    limits: Limits,
    watch: Watch,
    page: Option<Page>,
}

impl<W: World> Sandbox<W> {
    /// A fresh instance, not yet configured. Instantiation may run guest code, so it too has fuel and a deadline.
    pub(crate) fn start(
        engine: &wasmtime::Engine,
        ready: &W::Ready,
        name: &str,
        limits: &Limits,
        watch: &Watch,
        shared_log: &Arc<SharedLog>,
        classifiers: &Classifiers,
    ) -> Result<Sandbox<W>, Failure> {
        let page = watch.transcript.as_ref().and_then(|transcript| transcript.page());
        let guest = Guest {
            log: GuestLog::new(name, limits, Arc::clone(shared_log), page.clone()),
            deadline: None,
            classifiers: classifiers.clone(),
            hostcall_bytes: limits.hostcall_bytes,
            resources: Resources {
                memory: 0,
                memory_limit: limits.memory_bytes,
                table_elements: 0,
                table_limit: limits.table_elements,
                instances: size(limits.instances),
            },
            wasi: None,
            log_bytes: limits.log_bytes,
        };
        let mut store = Store::new(engine, guest);
        // Before instantiation: a component asks for its first memory and tables then.
        store.limiter(|guest| &mut guest.resources);
        store.set_hostcall_fuel(size(limits.hostcall_bytes));
        store.set_max_component_handles(size(limits.handles));
        if let Some(profiler) = &watch.profiler {
            profiler.watch(&mut store);
        }
        let fuel = setup_fuel(limits);
        refuel(&mut store, fuel, limits, watch)?;
        let started = W::instantiate(ready, &mut store);
        store.data_mut().hand_over_log();
        match started {
            Ok(world) => Ok(Sandbox { world, store, limits: limits.clone(), watch: watch.clone(), page }),
            Err(error) => {
                if let Some(page) = &page {
                    page.ended(&error);
                }
                let failure = of_call::failure(&error, fuel, limits, store.data().log.last_words());
                // Nothing was handed over yet, so what `of_call` takes for bad output is a component that does not fit.
                Err(match failure.kind {
                    // wasmtime has no type for this error; a test holds it to its words.
                    FailureKind::InvalidOutput if error.to_string().contains("resource limit exceeded") => Failure {
                        kind: FailureKind::Memory,
                        message: format!("{error:#} (the limit `instances` is {})", limits.instances),
                    },
                    FailureKind::InvalidOutput => Failure::invalid_output(short(&format!("{error:#}"))),
                    _ => failure,
                })
            }
        }
    }

    /// Begins the log of another call of the host.
    pub(crate) fn begin_log(&mut self) {
        self.store.data_mut().log.begin(&self.limits);
    }

    /// One guest call within `fuel` and the deadline.
    pub(crate) fn call<T>(
        &mut self,
        fuel: Fuel,
        call: impl FnOnce(&W, &mut Store<Guest>) -> CallResult<T>,
    ) -> Result<T, Failure> {
        refuel(&mut self.store, fuel, &self.limits, &self.watch)?;
        let answer = call(&self.world, &mut self.store);
        self.store.data_mut().hand_over_log();
        if let Some(page) = &self.page {
            page.call(fuel.units(), self.store.get_fuel().unwrap_or(0));
            answer.as_ref().err().into_iter().for_each(|error| page.ended(error));
        }
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(refusal)) => Err(Failure::refused(&refusal)),
            Err(error) => Err(of_call::failure(&error, fuel, &self.limits, self.store.data().log.last_words())),
        }
    }
}

/// What one call may use, and by which rule, so that a message can name the limit to raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fuel {
    /// Fuel of a call with items.
    Items(u64),
    /// Fuel of instantiation, `describe`, `configure`, `save` and `restore`.
    Setup(u64),
}

impl Fuel {
    pub(crate) fn units(self) -> u64 {
        match self {
            Fuel::Items(units) | Fuel::Setup(units) => units,
        }
    }
}

/// Fuel for what reads configs and tables rather than items, so that a tight limit for items does not keep a plugin from
/// starting.
pub(crate) fn setup_fuel(limits: &Limits) -> Fuel {
    Fuel::Setup(limits.fuel_per_item.max(Limits::default().fuel_per_item))
}

fn refuel(store: &mut Store<Guest>, fuel: Fuel, limits: &Limits, watch: &Watch) -> Result<(), Failure> {
    let engines = |error| Failure { kind: FailureKind::Trap, message: format!("engine: {error:#}") };
    store.set_fuel(fuel.units()).map_err(engines)?;
    store.data_mut().deadline = Instant::now().checked_add(Duration::from_millis(limits.deadline_ms));
    if let Some(profiler) = &watch.profiler {
        // Every tick is a sample, and the profiler minds the deadline.
        store.set_epoch_deadline(1);
        profiler.call_begins();
        return Ok(());
    }
    // One tick more than the deadline holds, since the first may come at once.
    let tick = u64::try_from(watch.tick.as_millis()).unwrap_or(1).max(1);
    store.set_epoch_deadline(limits.deadline_ms.div_ceil(tick) + 1);
    Ok(())
}
