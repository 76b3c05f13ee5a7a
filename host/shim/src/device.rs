//! GPUs that libtorch can use.

use std::ffi::{CStr, c_char, c_int, c_void};

use tch::Device;

use crate::{Message, outcome};

/// The longest name that CUDA gives a device, with its end.
const NAME: usize = 256;

// As in cuda.cpp and device.cpp.
unsafe extern "C" {
    fn octo_shim_cuda_devices() -> c_int;
    fn octo_shim_device_name(index: c_int, name: *mut c_char, size: usize) -> Message;
    fn octo_shim_make_current(index: c_int) -> Message;
    fn octo_shim_current_stream(index: c_int, stream: *mut *mut c_void) -> Message;
}

/// How many there are. Asking also keeps libtorch's CUDA half linked, where the build has one: [`tch::Cuda`] alone
/// would let the linker drop it.
pub fn cuda_devices() -> usize {
    // SAFETY: no arguments, and what is thrown is caught.
    usize::try_from(unsafe { octo_shim_cuda_devices() }).unwrap_or(0)
}

/// The driver's name of a GPU. None where the build has no CUDA headers, or there is no such GPU.
pub fn gpu_name(index: usize) -> Option<String> {
    if index >= cuda_devices() {
        return None;
    }
    let mut name = [0; NAME];
    // SAFETY: at most `NAME` bytes are written, the last of them zero.
    outcome(unsafe { octo_shim_device_name(index as c_int, name.as_mut_ptr(), NAME) }).ok()?;
    // SAFETY: so it ends in the array.
    Some(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned())
}

/// Has CUDA calls of this thread that name no device mean `device`.
///
/// # Errors
/// Where `device` is not a GPU of this machine.
pub fn make_current(device: Device) -> Result<(), String> {
    let Device::Cuda(index) = device else { return Err(format!("{device:?} is not a GPU")) };
    // SAFETY: a number only, and what is thrown is caught.
    outcome(unsafe { octo_shim_make_current(index as c_int) })
}

/// The `cudaStream_t` that libtorch's work on `device` goes to; null is CUDA's default stream.
///
/// # Errors
/// Where `device` is not a GPU of this machine.
pub fn current_stream(device: Device) -> Result<*mut c_void, String> {
    let Device::Cuda(index) = device else { return Err(format!("{device:?} has no streams")) };
    let mut stream = std::ptr::null_mut();
    // SAFETY: one pointer is written, and what is thrown is caught.
    outcome(unsafe { octo_shim_current_stream(index as c_int, &mut stream) })?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_gpu_has_no_name_and_no_stream() {
        let beyond = cuda_devices();
        assert_eq!(gpu_name(beyond), None);
        assert!(current_stream(Device::Cpu).is_err() && make_current(Device::Cpu).is_err());
        assert_eq!(beyond, usize::try_from(tch::Cuda::device_count()).unwrap_or(0));
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn the_first_gpu_has_a_name_and_its_default_stream() {
        assert!(cuda_devices() > 0);
        assert!(gpu_name(0).is_some_and(|name| !name.is_empty()));
        assert_eq!(current_stream(Device::Cuda(0)), Ok(std::ptr::null_mut()));
    }
}
