//! What libtorch's allocator holds of a GPU's memory.

use std::ffi::c_int;

use tch::Device;

use crate::{Message, outcome};

// As in device.cpp.
unsafe extern "C" {
    fn octo_shim_memory(index: c_int, four: *mut i64) -> Message;
    fn octo_shim_reset_peak_memory(index: c_int) -> Message;
    fn octo_shim_empty_cache() -> Message;
}

/// Bytes of a GPU's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMemory {
    /// Bytes of tensors, now.
    pub allocated: u64,
    /// The most that tensors have had since the start, or since [`reset_peak`].
    pub peak_allocated: u64,
    /// Taken from the driver for them, now: what `nvidia-smi` shows, less the CUDA context.
    pub reserved: u64,
    /// The most that was taken from the driver, likewise.
    pub peak_reserved: u64,
}

/// What `device` holds. None on the CPU, whose memory the system counts, and where there is no such GPU.
pub fn device_memory(device: Device) -> Option<DeviceMemory> {
    let mut four = [0; 4];
    // SAFETY: four numbers are written, and what is thrown is caught.
    outcome(unsafe { octo_shim_memory(gpu(device)?, four.as_mut_ptr()) }).ok()?;
    let [allocated, peak_allocated, reserved, peak_reserved] = four.map(|bytes| u64::try_from(bytes).unwrap_or(0));
    Some(DeviceMemory { allocated, peak_allocated, reserved, peak_reserved })
}

/// Counts the peaks of `device` from what it holds now. Nothing on the CPU.
pub fn reset_peak(device: Device) {
    if let Some(index) = gpu(device) {
        // SAFETY: as above. That there is no such GPU is no harm.
        let _ = outcome(unsafe { octo_shim_reset_peak_memory(index) });
    }
}

/// Gives memory that no tensor has back to the driver, for other processes. Nothing on the CPU.
pub fn empty_cache(device: Device) {
    if gpu(device).is_some() {
        // SAFETY: no arguments.
        let _ = outcome(unsafe { octo_shim_empty_cache() });
    }
}

/// Its number, where it is one that libtorch can use: its allocator is none before.
fn gpu(device: Device) -> Option<c_int> {
    match device {
        Device::Cuda(index) if index < crate::device::cuda_devices() => c_int::try_from(index).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, Tensor};

    #[test]
    fn the_cpu_and_a_gpu_that_is_not_there_have_no_figures() {
        for device in [Device::Cpu, Device::Cuda(4096)] {
            assert_eq!(device_memory(device), None);
            reset_peak(device);
            empty_cache(device);
        }
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn figures_follow_tensors_that_come_and_go() {
        let device = Device::Cuda(0);
        let tensor = Tensor::zeros([1 << 20], (Kind::Float, device));
        let with = device_memory(device).expect("a GPU");
        drop(tensor);
        let without = device_memory(device).expect("a GPU");
        assert_eq!(with.allocated - without.allocated, 4 << 20);
        assert!(without.peak_allocated >= with.allocated && without.reserved >= without.allocated);
        reset_peak(device);
        assert_eq!(device_memory(device).expect("a GPU").peak_allocated, without.allocated);
        empty_cache(device);
        assert!(device_memory(device).expect("a GPU").reserved <= without.reserved);
    }
}
