//! A loaded plugin, from which fresh instances are made.

use std::sync::Arc;

use wasmtime::{Engine, Store};

use crate::bindings::{Answers, World};
use crate::case::told::Told;
use crate::contract::Contract;
use crate::describe::Description;
use crate::engine::Engines;
use crate::failure::Failure;
use crate::guest_log::SharedLog;
use crate::limits::Limits;
use crate::store::{Fuel, Guest, Sandbox, setup_fuel};
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
    /// Who hears of the items that it fails on.
    pub told: Told,
    /// Keeps the clock ticking for as long as the plugin lives.
    pub _clock: Arc<Engines>,
}

impl<W: World> Blueprint<W> {
    /// A fresh, configured instance.
    pub(crate) fn fresh(&self) -> Result<Sandbox<W>, Failure> {
        let (watch, log) = (&self.watch, &self.log);
        let mut sandbox = Sandbox::start(&self.engine, &self.ready, &self.description.name, &self.limits, watch, log)?;
        sandbox.call(setup_fuel(&self.limits), |world: &W, store| world.configure(store, &self.config))?;
        Ok(sandbox)
    }

    /// One batch through a fresh instance, with the fuel of `fuel_items` items. Each answer is refused or checked for
    /// itself, since it stands for itself; what ends the call ends all of them.
    pub(crate) fn answers<T>(
        &self,
        fuel_items: usize,
        call: impl FnOnce(&W, &mut Store<Guest>) -> Answers<T>,
        check: impl Fn(T) -> Result<T, Failure>,
    ) -> Result<Vec<Result<T, Failure>>, Failure> {
        let answers = self.fresh()?.call(self.fuel(fuel_items), call)?;
        let judged = |answer: Result<T, _>| answer.map_err(|refusal| Failure::refused(&refusal)).and_then(&check);
        Ok(answers.into_iter().map(judged).collect())
    }

    /// Fuel of a call that may use as much as `items` items.
    pub(crate) fn fuel(&self, items: usize) -> Fuel {
        Fuel::Items(self.limits.fuel_per_item.saturating_mul(items as u64))
    }
}
