//! Where guests spend their time: samples of their stacks, as a profile that profiler.firefox.com opens.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::component::Component;
use wasmtime::{Engine, GuestProfiler, Store, StoreContextMut, UpdateDeadline};

use crate::sandbox::Guest;

/// Time between samples. The profiler's own default, and as fine as a sleeping thread wakes.
pub(crate) const INTERVAL: Duration = Duration::from_millis(1);

/// Samples that are kept, of some dozen bytes each: a quarter of an hour of a guest at work.
const MOST_SAMPLES: u64 = 1_000_000;

/// Samples one plugin while it runs, about once a millisecond, on one thread. Clones share one profile.
///
/// A sample is taken when the guest next enters a function or a loop, and none while the host works, so the profile
/// leaves out what the host does with the guest's answers.
#[derive(Clone, Default)]
pub struct Profiler {
    state: Arc<Mutex<Samples>>,
}

#[derive(Default)]
struct Samples {
    /// None before a plugin is loaded, and after the profile is written.
    guest: Option<GuestProfiler>,
    samples: u64,
    /// When time was last accounted for: the last sample, or the start of the call.
    last: Option<Instant>,
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No plugin was loaded by a host with this profiler, or the profile was written already.
    #[error("there is no profile to write: no plugin was loaded for it")]
    Empty,
    /// The profile could not be written.
    #[error("the profile could not be written: {0}")]
    Write(String),
}

impl Profiler {
    /// A profiler with no plugin yet. It follows the first that a host with it loads.
    pub fn new() -> Profiler {
        Profiler::default()
    }

    /// Samples so far.
    pub fn samples(&self) -> u64 {
        self.lock().samples
    }

    /// Ends the profile and writes it, as JSON in Firefox's "processed profile" format. Returns the number of samples.
    ///
    /// # Errors
    /// [`ProfileError`], for a profile of nothing and where `out` cannot be written.
    pub fn write(&self, out: impl Write) -> Result<u64, ProfileError> {
        let mut state = self.lock();
        let guest = state.guest.take().ok_or(ProfileError::Empty)?;
        guest.finish(out).map_err(|error| ProfileError::Write(format!("{error:#}")))?;
        Ok(state.samples)
    }

    /// Begins the profile of a plugin; false where another has begun.
    pub(crate) fn begin(&self, engine: &Engine, name: &str, component: &Component) -> wasmtime::Result<bool> {
        let mut state = self.lock();
        if state.guest.is_some() {
            return Ok(false);
        }
        state.guest = Some(GuestProfiler::new_component(engine, name, INTERVAL, component.clone(), [])?);
        Ok(true)
    }

    /// Samples a store from now on, at every tick of its engine. The deadline of [`Guest`] ends its calls, since the
    /// engine's own is what the ticks are taken from.
    pub(crate) fn watch(&self, store: &mut Store<Guest>) {
        let profiler = self.clone();
        store.epoch_deadline_callback(move |store| Ok(profiler.tick(store)));
    }

    /// A guest call begins.
    pub(crate) fn call_begins(&self) {
        self.lock().last = Some(Instant::now());
    }

    fn tick(&self, store: StoreContextMut<'_, Guest>) -> UpdateDeadline {
        let now = Instant::now();
        if store.data().deadline.is_some_and(|deadline| now >= deadline) {
            return UpdateDeadline::Interrupt;
        }
        let mut state = self.lock();
        let spent = state.last.replace(now).map_or(INTERVAL, |last| now.saturating_duration_since(last));
        if state.samples < MOST_SAMPLES
            && let Some(guest) = &mut state.guest
        {
            guest.sample(&store, spent);
            state.samples += 1;
        }
        UpdateDeadline::Continue(1)
    }

    fn lock(&self) -> MutexGuard<'_, Samples> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_nothing_is_an_error_rather_than_an_empty_file() {
        let mut out = Vec::new();
        assert!(matches!(Profiler::new().write(&mut out), Err(ProfileError::Empty)));
        assert!(out.is_empty());
    }
}
