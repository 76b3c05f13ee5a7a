//! What every stage does at its entry and its end: a thread of its own, a device, the files that mark its state.
//!
//! In its folder: `defaults.rs` has the defaults of settings that several kinds have, and `numerics.rs` the settings of
//! libtorch (TF32, deterministic kernels) that the stages of a process have to agree on.

pub(crate) mod defaults;
pub(crate) mod numerics;

use std::path::Path;

use octo_record::layout;
use serde::Serialize;
use serde_json::{Value, json};
use tch::Device;

use crate::error::TrainError;
use crate::hardware::gpu_index;

/// Config keys that change what is kept, shown or used, and leave the weights alone.
const WITHOUT_EFFECT_ON_WEIGHTS: [&str; 8] = [
    "threads",
    "device",
    "checkpoint_every",
    "checkpoint_in_background",
    "keep_last",
    "keep_every",
    "keep_best",
    "peak_teraflops",
];

/// Runs `work` on a thread of its own with `threads` libtorch threads. libtorch keeps its OpenMP setting per thread,
/// so stages side by side do not change each other's; and tch's panics end here as an error, not in the caller.
pub(crate) fn on_own_thread<T: Send>(
    stage: &'static str,
    threads: usize,
    work: impl FnOnce() -> Result<T, TrainError> + Send,
) -> Result<T, TrainError> {
    let count = i32::try_from(threads)
        .ok()
        .filter(|count| (1..=1024).contains(count))
        .ok_or_else(|| TrainError::config("threads", format!("{threads} is not a count of threads (1 to 1024)")))?;
    std::thread::scope(|scope| {
        // Messages from the new thread name the caller's stage.
        let span = tracing::Span::current();
        let body = move || {
            tch::set_num_threads(count);
            span.in_scope(work)
        };
        let handle = std::thread::Builder::new()
            .name(stage.to_owned())
            .spawn_scoped(scope, body)
            .map_err(|error| TrainError::Panicked { stage, message: format!("it could not start: {error}") })?;
        handle.join().unwrap_or_else(|panic| Err(TrainError::Panicked { stage, message: panic_message(&*panic) }))
    })
}

/// The text of a panic, where it has one.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "no message".to_owned())
}

/// The device of the recipe's `cpu`, `cuda` or `cuda:N`; see [`gpu_index`].
pub(crate) fn device(name: &str) -> Result<Device, TrainError> {
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let Some(index) = gpu_index(name) else {
        return Err(TrainError::config("device", format!("{name:?} is not a device; use `cpu`, `cuda` or `cuda:N`")));
    };
    match octo_shim::device::cuda_devices() {
        0 => {
            let message = "this build or machine has no CUDA device; use `cpu`, or build with `make cuda`";
            Err(TrainError::config("device", message))
        }
        count if index >= count => {
            let message = format!("{name:?} is GPU {index} for this process, and there are {count}, numbered from 0");
            Err(TrainError::config("device", message))
        }
        _ => Ok(Device::Cuda(index)),
    }
}

/// Checks that the recipe's `cpu`, `cuda` or `cuda:N` is a device that this build and machine have.
///
/// # Errors
/// What is wrong, as a sentence without the key.
pub fn check_device(name: &str) -> Result<(), String> {
    match device(name) {
        Ok(_) => Ok(()),
        Err(TrainError::Config { message, .. }) => Err(message),
        Err(error) => Err(error.to_string()),
    }
}

/// Seed and config, as checkpoints store them: without what may change between two calls.
pub(crate) fn settings(stage: &str, seed: u64, config: &impl Serialize) -> Value {
    let mut config = json!(config);
    if let Some(config) = config.as_object_mut() {
        config.retain(|key, _| !WITHOUT_EFFECT_ON_WEIGHTS.contains(&key.as_str()));
    }
    json!({ "stage": stage, "seed": seed, "config": config })
}

/// Writes `results.json`, the mark of a finished stage.
pub(crate) fn write_results(out: &Path, results: &impl Serialize) -> Result<(), TrainError> {
    let path = out.join(layout::RESULTS);
    let text = octo_record::to_json(results).map_err(|error| TrainError::io(&path, error.into()))?;
    Ok(octo_data::atomic::write(&path, &text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torch_panic_ends_as_an_error() {
        let outcome = on_own_thread("midtrain", 1, || -> Result<(), TrainError> { panic!("shapes {}", 3) });
        let message = outcome.expect_err("a panic must not be success").to_string();
        assert!(message.contains("midtrain") && message.contains("shapes 3"), "{message}");
    }

    #[test]
    fn threads_and_devices_are_checked_before_work_starts() {
        assert!(on_own_thread("rl", 0, || Ok(())).is_err());
        assert!(device("tpu").is_err());
        assert_eq!(device("cpu").expect("cpu exists everywhere"), Device::Cpu);
    }
}
