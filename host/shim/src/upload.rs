//! Copies to a GPU that the host does not wait for.

use std::ffi::c_int;

use tch::{Device, TchError, Tensor};

use crate::{Given, Message, Pointer, given, outcome};

// As in device.cpp.
unsafe extern "C" {
    fn octo_shim_upload(tensor: Pointer, index: c_int, there: *mut Given) -> Message;
}

/// `tensor` on `device`. From the host to a GPU the copy is queued, out of memory that the GPU reads by itself, and the
/// host does not wait; an ordinary copy waits for all that the GPU has still to do. What is not such a copy, or what
/// there is no such memory for, is copied ordinarily.
///
/// # Errors
/// libtorch's words where the device is not there or is short of memory.
pub fn upload(tensor: &Tensor, device: Device) -> Result<Tensor, TchError> {
    match (tensor.device(), device) {
        (Device::Cpu, Device::Cuda(index)) => queued(tensor, index).or_else(|_| tensor.f_to_device(device)),
        _ => tensor.f_to_device(device),
    }
}

fn queued(tensor: &Tensor, index: usize) -> Result<Tensor, String> {
    let mut there = std::ptr::null_mut();
    // SAFETY: the tensor is borrowed for this call; libtorch keeps the pinned copy until the GPU has read it.
    outcome(unsafe { octo_shim_upload(tensor.as_ptr().cast(), index as c_int, &mut there) })?;
    given(there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    fn numbers(count: i64) -> Tensor {
        Tensor::arange(count, (Kind::Int64, Device::Cpu))
    }

    #[test]
    fn on_the_host_it_stays_and_a_gpu_that_is_not_there_is_an_error() {
        assert_eq!(upload(&numbers(9), Device::Cpu).expect("stays"), numbers(9));
        assert!(upload(&numbers(9), Device::Cuda(4096)).is_err());
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn what_is_uploaded_arrives_though_nobody_waits_for_it() {
        for count in [1, 1 << 20] {
            let there = queued(&numbers(count), 0).expect("fits");
            assert_eq!(there.device(), Device::Cuda(0));
            assert_eq!(there.to_device(Device::Cpu), numbers(count));
        }
    }
}
