//! How a stage's GPU rounds: settings of libtorch that are the whole process's, held by the stages that want them.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use octo_shim::numerics::{allow_tf32, use_deterministic};
use tch::Device;

use crate::control::Control;
use crate::error::TrainError;

/// What cuBLAS wants to be told before its first call, so that it gives the same bits each time.
const WORKSPACE: &str = "CUBLAS_WORKSPACE_CONFIG";

/// What a stage asks for, by the names of its config's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numerics {
    pub(crate) allow_tf32: bool,
    pub(crate) deterministic: bool,
}

/// What stages on GPUs hold now, and how many they are.
static IN_FORCE: Mutex<Option<(Numerics, usize)>> = Mutex::new(None);
static GIVEN_BACK: Condvar = Condvar::new();

/// Keeps the settings until it is dropped, behind all that the stage has on the GPU: what memory it leaves there goes
/// back to the driver then, for other programs.
pub(crate) struct Held {
    /// `None` on the CPU, where nothing is held.
    gpu: Option<Device>,
}

impl Numerics {
    /// Puts the settings in force for a stage on `device`. Where stages beside it hold other ones it waits for their
    /// end; `None` if it is asked to stop meanwhile. On the CPU, where they change nothing, it returns at once.
    pub(crate) fn hold(self, device: Device, control: &Control) -> Result<Option<Held>, TrainError> {
        if !device.is_cuda() {
            return Ok(Some(Held { gpu: None }));
        }
        if self.deterministic && std::env::var_os(WORKSPACE).is_none() {
            let message = format!("on a GPU this needs {WORKSPACE}=:4096:8 in the environment from the start on");
            return Err(TrainError::config("deterministic", message));
        }
        self.hold_on(device, control)
    }

    fn hold_on(self, gpu: Device, control: &Control) -> Result<Option<Held>, TrainError> {
        let mut in_force = in_force();
        let mut told = false;
        while in_force.is_some_and(|(others, _)| others != self) {
            if control.stopping() {
                return Ok(None);
            }
            if !told {
                tracing::info!("waiting for a stage with another `allow_tf32` or `deterministic` to end");
                told = true;
            }
            let waited = GIVEN_BACK.wait_timeout(in_force, Duration::from_millis(200));
            in_force = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        if in_force.is_none() {
            let refused = |message| TrainError::NothingToDo(format!("libtorch refused a setting: {message}"));
            allow_tf32(self.allow_tf32).map_err(refused)?;
            use_deterministic(self.deterministic).map_err(refused)?;
        }
        let stages = in_force.map_or(0, |(_, stages)| stages);
        *in_force = Some((self, stages + 1));
        Ok(Some(Held { gpu: Some(gpu) }))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(gpu) = self.gpu else { return };
        octo_shim::memory::empty_cache(gpu);
        let mut in_force = in_force();
        *in_force = in_force.filter(|(_, stages)| *stages > 1).map(|(numerics, stages)| (numerics, stages - 1));
        GIVEN_BACK.notify_all();
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

    /// None need be there: what is tested is who waits for whom.
    const GPU: Device = Device::Cuda(4096);
    const FAST: Numerics = Numerics { allow_tf32: true, deterministic: false };
    const EXACT: Numerics = Numerics { allow_tf32: false, deterministic: true };

    // One test, since the settings are the process's.
    #[test]
    fn stages_that_differ_wait_for_each_other_and_those_alike_do_not() {
        let control = Control::silent();
        let none = FAST.hold(Device::Cpu, &control).expect("the CPU takes all").expect("at once");
        assert!(!allows_tf32());
        drop(none);

        let first = FAST.hold_on(GPU, &control).expect("sets").expect("is free");
        let second = FAST.hold_on(GPU, &control).expect("sets").expect("is alike");
        assert!(allows_tf32() && !is_deterministic());
        let stopped = Control::silent();
        stopped.stop.store(true, Ordering::Relaxed);
        assert!(EXACT.hold_on(GPU, &stopped).expect("sets").is_none(), "it is told to stop while it waits");

        let first_gone = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let held = EXACT.hold_on(GPU, &control).expect("sets");
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
        drop(Numerics { allow_tf32: false, deterministic: false }.hold_on(GPU, &control).expect("sets"));
        assert!(!is_deterministic());
    }
}
