//! What policies share: one instance that remembers, and comes back from a failure as it was before.

use std::sync::Arc;

use crate::bindings::{Answer, Remembering};
use crate::blueprint::Blueprint;
use crate::case::{Memory, Record};
use crate::failure::Failure;
use crate::store::{Guest, Sandbox, setup_fuel};

/// A plugin with memory. After every call that succeeds the memory is saved, so that a call that fails leaves the policy
/// as if it had never been made.
pub(crate) struct Policy<W: Remembering> {
    pub plugin: Blueprint<W>,
    /// Absent until the first use, and after a failure to come back.
    live: Option<Sandbox<W>>,
    /// As of the last call that succeeded; none before the first.
    memory: Option<Vec<u8>>,
}

impl<W: Remembering> Policy<W> {
    pub(crate) fn new(plugin: Blueprint<W>) -> Policy<W> {
        Policy { plugin, live: None, memory: None }
    }

    /// One call of the policy and a check of its answer. A failure of either leaves the memory as it was, and is told as
    /// what `record` makes of that memory.
    pub(crate) fn call<T, Checked>(
        &mut self,
        call: impl FnOnce(&W, &mut wasmtime::Store<Guest>) -> Answer<T>,
        check: impl FnOnce(T) -> Result<Checked, Failure>,
        record: impl Fn(Memory) -> Record,
    ) -> Result<Checked, Failure> {
        let answer = self.answer(call, check);
        let told = |_| record(Memory(self.memory.clone()));
        self.plugin.told.of_items(std::slice::from_ref(&answer), told);
        answer
    }

    fn answer<T, Checked>(
        &mut self,
        call: impl FnOnce(&W, &mut wasmtime::Store<Guest>) -> Answer<T>,
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

    /// Goes on from a checkpoint's memory. Where the plugin does not take it, the policy stays as it was.
    pub(crate) fn restore(&mut self, memory: &[u8]) -> Result<(), Failure> {
        // On a fresh instance, so that nothing but the memory decides how the policy goes on.
        self.live = Some(self.with_memory(Some(memory))?);
        self.memory = Some(memory.to_vec());
        Ok(())
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
