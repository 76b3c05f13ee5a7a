//! A loaded plugin, from which fresh instances are made.

use std::sync::Arc;

use wasmtime::Engine;

use crate::bindings::World;
use crate::describe::Description;
use crate::engine::Engines;
use crate::failure::Failure;
use crate::limits::Limits;
use crate::store::{Sandbox, setup_fuel};
use crate::watch::Watch;

/// A loaded plugin of one kind: checked, compiled, described, and known to accept its config.
pub(crate) struct Blueprint<W: World> {
    pub engine: Engine,
    pub ready: W::Ready,
    pub description: Description,
    pub digest: String,
    /// Canonical JSON.
    pub config: String,
    pub limits: Limits,
    pub watch: Watch,
    /// Keeps the clock ticking for as long as the plugin lives.
    pub _clock: Arc<Engines>,
}

impl<W: World> Blueprint<W> {
    /// A fresh, configured instance.
    pub(crate) fn fresh(&self) -> Result<Sandbox<W>, Failure> {
        let mut sandbox = Sandbox::start(&self.engine, &self.ready, &self.description.name, &self.limits, &self.watch)?;
        sandbox.call(setup_fuel(&self.limits), |world: &W, store| world.configure(store, &self.config))?;
        Ok(sandbox)
    }

    /// Fuel of a call that may use as much as `items` items.
    pub(crate) fn fuel(&self, items: usize) -> u64 {
        self.limits.fuel_per_item.saturating_mul(items as u64)
    }
}
