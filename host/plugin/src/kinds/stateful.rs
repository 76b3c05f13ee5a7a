//! What kinds with memory share: one instance that remembers, and comes back from a failure as it was before.

use std::sync::Arc;

use wasmtime::Store;

use crate::cases::{Memory, Record};
use crate::contract::world::{CallResult, StatefulWorld};
use crate::failure::Failure;
use crate::sandbox::{Blueprint, Guest, Sandbox, setup_fuel};

/// A stateful plugin. After every call that succeeds the memory is saved, so that a call that fails leaves the plugin as
/// if it had never been made.
pub(crate) struct Stateful<W: StatefulWorld> {
    pub plugin: Blueprint<W>,
    /// Absent until the first use, and after a failure to come back.
    live: Option<Sandbox<W>>,
    /// The memory as of the last call that succeeded; none before the first.
    memory: Option<Vec<u8>>,
}

impl<W: StatefulWorld> Stateful<W> {
    pub(crate) fn new(plugin: Blueprint<W>) -> Stateful<W> {
        Stateful { plugin, live: None, memory: None }
    }

    /// One call of the plugin and a check of its answer. A failure of either leaves the memory as it was, and is reported
    /// with what `record` makes of that memory.
    pub(crate) fn call<T, Checked>(
        &mut self,
        call: impl FnOnce(&W, &mut Store<Guest>) -> CallResult<T>,
        check: impl FnOnce(T) -> Result<Checked, Failure>,
        record: impl Fn(Memory) -> Record,
    ) -> Result<Checked, Failure> {
        let answer = self.answer(call, check);
        let failed = |_| record(Memory(self.memory.clone()));
        self.plugin.failures.report_items(std::slice::from_ref(&answer), failed);
        answer
    }

    fn answer<T, Checked>(
        &mut self,
        call: impl FnOnce(&W, &mut Store<Guest>) -> CallResult<T>,
        check: impl FnOnce(T) -> Result<Checked, Failure>,
    ) -> Result<Checked, Failure> {
        let fuel = self.plugin.fuel(1);
        let setup = setup_fuel(&self.plugin.limits);
        let log = Arc::clone(&self.plugin.log);
        let _log = log.for_a_call();
        let live = self.live()?;
        live.begin_log();
        let result = live.call(fuel, call).and_then(check).and_then(|checked| {
            let memory = live.call(setup, |world, store| world.save(store).map(Ok))?;
            Ok((checked, memory))
        });
        match result {
            Ok((checked, memory)) => {
                self.memory = Some(memory);
                Ok(checked)
            }
            Err(failure) => {
                // Even a refusal may have come after half of the plugin's own state had changed.
                self.live = self.with_memory(self.memory.as_deref()).ok();
                Err(failure)
            }
        }
    }

    /// The memory as of the last call that succeeded; none before the first.
    pub(crate) fn memory(&self) -> Option<&[u8]> {
        self.memory.as_deref()
    }

    /// The memory, for a checkpoint.
    pub(crate) fn save(&mut self) -> Result<Vec<u8>, Failure> {
        if let Some(memory) = &self.memory {
            return Ok(memory.clone());
        }
        let setup = setup_fuel(&self.plugin.limits);
        let saved = self.live()?.call(setup, |world, store| world.save(store).map(Ok));
        match &saved {
            Ok(memory) => self.memory = Some(memory.clone()),
            Err(_) => self.live = None,
        }
        saved
    }

    /// Takes over a checkpoint's memory. Where the plugin refuses it, its memory stays as it was.
    pub(crate) fn restore(&mut self, memory: &[u8]) -> Result<(), Failure> {
        // On a fresh instance, so that nothing but the memory decides what the plugin does next.
        self.live = Some(self.with_memory(Some(memory))?);
        self.memory = Some(memory.to_vec());
        Ok(())
    }

    /// The same for the memory of a case, which has none where the plugin failed on its first call.
    pub(crate) fn restore_if_any(&mut self, memory: &Memory) -> Result<(), Failure> {
        memory.0.as_deref().map_or(Ok(()), |memory| self.restore(memory))
    }

    fn live(&mut self) -> Result<&mut Sandbox<W>, Failure> {
        let live = match self.live.take() {
            Some(live) => live,
            None => self.with_memory(self.memory.as_deref())?,
        };
        Ok(self.live.insert(live))
    }

    fn with_memory(&self, memory: Option<&[u8]>) -> Result<Sandbox<W>, Failure> {
        let mut sandbox = self.plugin.fresh()?;
        if let Some(memory) = memory {
            sandbox.call(setup_fuel(&self.plugin.limits), |world, store| world.restore(store, memory))?;
        }
        Ok(sandbox)
    }
}

/// The methods that the public type of every stateful kind has, whose field is `stateful`.
macro_rules! stateful_methods {
    ($plugin:ident) => {
        impl $plugin {
            /// What the plugin remembers as of the last call that succeeded or the last restored memory; none before
            /// either. Unlike [`save`](Self::save) it asks the plugin nothing.
            pub fn memory(&self) -> Option<&[u8]> {
                self.stateful.memory()
            }

            /// The plugin's memory, for a checkpoint.
            ///
            /// # Errors
            /// The failure of the plugin's `save`.
            pub fn save(&mut self) -> Result<Vec<u8>, $crate::Failure> {
                self.stateful.save()
            }

            /// Takes over the memory of a checkpoint.
            ///
            /// # Errors
            /// The plugin's refusal or failure. Its memory is then as it was.
            pub fn restore(&mut self, memory: &[u8]) -> Result<(), $crate::Failure> {
                self.stateful.restore(memory)
            }
        }
    };
}
pub(crate) use stateful_methods;
