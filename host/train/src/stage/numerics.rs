//! How a stage's GPU rounds: settings of libtorch that are the whole process's, held by the stages that want them.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use octo_shim::numerics::{allow_tf32, use_deterministic};
use tch::Device;

use crate::control::{Control, Stoppable};
use crate::error::TrainError;

/// The variable that cuBLAS reads before its first call, and that it needs to give the same bits each time.
const WORKSPACE: &str = "CUBLAS_WORKSPACE_CONFIG";

/// The settings that a stage asks for, by the names of its config's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numerics {
    pub(crate) allow_tf32: bool,
    pub(crate) deterministic: bool,
}

/// The settings that stages on GPUs hold now, and how many these stages are.
static IN_FORCE: Mutex<Option<(Numerics, usize)>> = Mutex::new(None);
static RELEASED: Condvar = Condvar::new();

/// Keeps the settings until it is dropped, after all that the stage has on the GPU: what memory it leaves there goes
/// back to the driver then, for other programs.
pub(crate) struct Held {
    /// The GPU of the stage; `None` on the CPU, where nothing is held.
    gpu: Option<Device>,
}

impl Numerics {
    /// Puts the settings in force for a stage on `device`. Where stages beside it hold other ones it waits for their
    /// end, or until it is asked to stop. On the CPU, where they change nothing, it returns at once.
    pub(crate) fn hold(self, device: Device, control: &Control) -> Result<Stoppable<Held>, TrainError> {
        if !device.is_cuda() {
            return Ok(Stoppable::Done(Held { gpu: None }));
        }
        if self.deterministic && std::env::var_os(WORKSPACE).is_none() {
            let message = format!("on a GPU this needs {WORKSPACE}=:4096:8 in the environment from the start on");
            return Err(TrainError::config("deterministic", message));
        }
        self.hold_on(device, control)
    }

    fn hold_on(self, gpu: Device, control: &Control) -> Result<Stoppable<Held>, TrainError> {
        let mut in_force = in_force();
        let mut reported = false;
        while in_force.is_some_and(|(others, _)| others != self) {
            if control.stopping() {
                return Ok(Stoppable::Stopped);
            }
            if !reported {
                tracing::info!("waiting for a stage with another `allow_tf32` or `deterministic` to end");
                reported = true;
            }
            let waited = RELEASED.wait_timeout(in_force, Duration::from_millis(200));
            in_force = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        if in_force.is_none() {
            let refused = |message| TrainError::NothingToDo(format!("libtorch refused a setting: {message}"));
            allow_tf32(self.allow_tf32).map_err(refused)?;
            use_deterministic(self.deterministic).map_err(refused)?;
        }
        let stages = in_force.map_or(0, |(_, stages)| stages);
        *in_force = Some((self, stages + 1));
        Ok(Stoppable::Done(Held { gpu: Some(gpu) }))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(gpu) = self.gpu else { return };
        octo_shim::memory::empty_cache(gpu);
        let mut in_force = in_force();
        *in_force = in_force.filter(|(_, stages)| *stages > 1).map(|(numerics, stages)| (numerics, stages - 1));
        RELEASED.notify_all();
    }
}

fn in_force() -> MutexGuard<'static, Option<(Numerics, usize)>> {
    IN_FORCE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use octo_shim::numerics::{allows_tf32, is_deterministic};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// No such GPU need be there: what is tested is who waits for whom.
    const GPU: Device = Device::Cuda(4096);
    const FAST: Numerics = Numerics { allow_tf32: true, deterministic: false };
    const EXACT: Numerics = Numerics { allow_tf32: false, deterministic: true };

    // One test, since the settings are the process's.
    #[test]
    fn stages_that_differ_wait_for_each_other_and_those_alike_do_not() {
        let held = |outcome: Result<Stoppable<Held>, TrainError>| match outcome.expect("sets") {
            Stoppable::Done(held) => Some(held),
            Stoppable::Stopped => None,
        };
        let control = Control::silent();
        let none = held(FAST.hold(Device::Cpu, &control)).expect("the CPU takes all at once");
        assert!(!allows_tf32());
        drop(none);

        let first = held(FAST.hold_on(GPU, &control)).expect("is free");
        let second = held(FAST.hold_on(GPU, &control)).expect("is alike");
        assert!(allows_tf32() && !is_deterministic());
        let stopped = Control::silent();
        stopped.stop.store(true, Ordering::Relaxed);
        assert!(held(EXACT.hold_on(GPU, &stopped)).is_none(), "it is asked to stop while it waits");

        let first_gone = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let held = held(EXACT.hold_on(GPU, &control));
                let alone = first_gone.load(Ordering::SeqCst);
                let settings = (allows_tf32(), is_deterministic());
                drop(held);
                (alone, settings)
            });
            drop(second);
            std::thread::sleep(Duration::from_millis(50));
            first_gone.store(true, Ordering::SeqCst);
            drop(first);
            assert_eq!(waiting.join().expect("ends"), (true, (false, true)));
        });
        drop(held(Numerics { allow_tf32: false, deterministic: false }.hold_on(GPU, &control)));
        assert!(!is_deterministic());
    }
}
