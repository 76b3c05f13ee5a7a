//! A loaded plugin, from which fresh instances are made.

use std::sync::Arc;

use wasmtime::Engine;

use super::engine::Engines;
use super::guest_log::SharedLog;
use super::instance::{Fuel, Sandbox, setup_fuel};
use super::limits::Limits;
use crate::classifiers::Classifiers;
use crate::contract::Contract;
use crate::contract::world::World;
use crate::failure::{Failure, FailureListener};
use crate::load::Description;
use crate::watch::Watch;

/// A loaded plugin of one kind: checked, compiled, described, and known to accept its config.
pub(crate) struct Blueprint<W: World> {
    pub engine: Engine,
    pub ready: W::Ready,
    pub description: Description,
    pub digest: String,
    /// The version of the contract that it was built for.
    pub contract: Contract,
    /// Canonical JSON.
    pub config: String,
    pub limits: Limits,
    /// What its instances together may log.
    pub log: Arc<SharedLog>,
    pub watch: Watch,
    /// The classifiers that its instances may ask, where its kind may ask any.
    pub classifiers: Classifiers,
    /// Who is notified of the items that it fails on.
    pub failures: FailureListener,
    /// Keeps the clock ticking for as long as the plugin lives.
    pub _clock: Arc<Engines>,
}

impl<W: World> Blueprint<W> {
    /// A fresh, configured instance.
    pub(crate) fn fresh(&self) -> Result<Sandbox<W>, Failure> {
        let Blueprint { engine, ready, description, limits, watch, log, classifiers, .. } = self;
        let mut sandbox = Sandbox::start(engine, ready, &description.name, limits, watch, log, classifiers)?;
        sandbox.call(setup_fuel(&self.limits), |world: &W, store| world.configure(store, &self.config))?;
        Ok(sandbox)
    }

    /// Fuel of a call that may use as much as `items` items.
    pub(crate) fn fuel(&self, items: usize) -> Fuel {
        Fuel::Items(self.limits.fuel_per_item.saturating_mul(items as u64))
    }
}
