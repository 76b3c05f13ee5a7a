//! Sums between GPUs by NCCL, which cudarc loads when it is wanted: neither build nor start needs it.
//!
//! Sums are queued on the stream that libtorch's own work goes to. So they begin when the backward pass before them is
//! done and end before what is queued after them, by the order of that stream alone: no event, no wait of the host, and
//! memory that libtorch frees in between is reused by the same stream only.
//!
//! A rank that dies leaves the others waiting in a kernel; `torchrun` and `srun` end them.

#![expect(unsafe_code, reason = "NCCL is a C library that takes pointers to GPU memory")]

use cudarc::nccl::result::{self, NcclError};
use cudarc::nccl::sys;
use tch::{Device, Kind, Tensor};

use crate::error::TrainError;

/// Bytes of the number by which ranks find each other.
const ID: usize = 128;

/// Whether the library is there; else what to do.
pub(crate) fn present() -> Result<(), String> {
    // SAFETY: this loads a library of a fixed name, whose start-up code is trusted as far as CUDA's own.
    if unsafe { sys::is_culib_present() } {
        return Ok(());
    }
    Err("there is no libnccl.so in the library path; `make cuda` links the one that torch brings, and elsewhere a link \
         of that name to libnccl.so.2 in a folder of LD_LIBRARY_PATH does"
        .to_owned())
}

/// A new number for ranks to find each other by, in hexadecimal.
pub(crate) fn new_id() -> Result<String, TrainError> {
    // cudarc panics where there is none.
    present().map_err(TrainError::Ranks)?;
    let id = result::get_uniqueid().map_err(|error| refused("ncclGetUniqueId", &error))?;
    Ok(hex::encode(id.internal.map(|byte| byte as u8)))
}

fn parse_id(text: &str) -> Option<sys::ncclUniqueId> {
    let bytes: [u8; ID] = hex::decode(text).ok()?.try_into().ok()?;
    Some(sys::ncclUniqueId { internal: bytes.map(|byte| byte as std::ffi::c_char) })
}

/// This rank among those on GPUs.
pub(crate) struct Communicator {
    raw: sys::ncclComm_t,
    device: Device,
}

// SAFETY: NCCL allows calls from any thread, one at a time, and `&mut self` sees to that.
unsafe impl Send for Communicator {}

impl Communicator {
    /// Joins the ranks of `id`; returns once all have. `device` is this rank's alone.
    pub(crate) fn new(rank: usize, world: usize, id: &str, device: Device) -> Result<Self, TrainError> {
        let id = parse_id(id).ok_or_else(|| TrainError::Ranks("rank 0 sent what is not an NCCL id".to_owned()))?;
        octo_shim::device::make_current(device).map_err(TrainError::Ranks)?;
        let mut raw = std::ptr::null_mut();
        // SAFETY: `raw` is written before it is used, and the id is passed by value.
        let joined = unsafe { result::comm_init_rank(&mut raw, world as i32, id, rank as i32) };
        joined.map_err(|error| refused("ncclCommInitRank", &error))?;
        Ok(Self { raw, device })
    }

    /// Queues the replacement of `tensors` by their sums over the ranks. All ranks give as many, of the same sizes.
    pub(crate) fn sum(&mut self, tensors: &[Tensor]) -> Result<(), TrainError> {
        octo_shim::device::make_current(self.device).map_err(TrainError::Ranks)?;
        let stream = octo_shim::device::current_stream(self.device).map_err(TrainError::Ranks)?;
        if let Some(odd) = tensors
            .iter()
            .find(|tensor| tensor.kind() != Kind::Float || tensor.device() != self.device || !tensor.is_contiguous())
        {
            let message = format!("a gradient of {:?} on {:?} does not go to NCCL as it is", odd.kind(), odd.device());
            return Err(TrainError::Ranks(message));
        }
        result::group_start().map_err(|error| refused("ncclGroupStart", &error))?;
        let queued = tensors.iter().try_for_each(|tensor| {
            let (numbers, count) = (tensor.data_ptr(), tensor.numel());
            // SAFETY: `numbers` are `count` contiguous fp32 numbers on this communicator's device, and stay there until
            // the stream has come past this sum: libtorch reuses their memory on this stream only.
            let queued = unsafe {
                result::all_reduce(
                    numbers.cast_const(),
                    numbers,
                    count,
                    sys::ncclDataType_t::ncclFloat32,
                    sys::ncclRedOp_t::ncclSum,
                    self.raw,
                    stream.cast(),
                )
            };
            queued.map(|_| ()).map_err(|error| refused("ncclAllReduce", &error))
        });
        // A group that was begun is ended whatever happened in it.
        let ended = result::group_end().map(|_| ()).map_err(|error| refused("ncclGroupEnd", &error));
        queued.and(ended)
    }
}

impl Drop for Communicator {
    fn drop(&mut self) {
        // Not `destroy`, which would wait for ranks that may be gone. What was summed has been read by now.
        // SAFETY: made by `new`, and ended here only.
        let _ = unsafe { result::comm_abort(self.raw) };
    }
}

fn refused(call: &str, error: &NcclError) -> TrainError {
    let hint =
        "NCCL_DEBUG=WARN has NCCL say more; each rank needs a GPU of its own (`device = \"cuda\"` takes LOCAL_RANK's)";
    TrainError::Ranks(format!("{call}: {:?}; {hint}", error.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_pass_as_text_and_what_is_not_an_id_is_refused() {
        let text = hex::encode((0..ID).map(|byte| (byte * 2) as u8).collect::<Vec<u8>>());
        let id = parse_id(&text).expect("an id");
        assert_eq!((id.internal[1] as u8, id.internal[127] as u8), (2, 254));
        for broken in ["", "00", "zz", &text[2..]] {
            assert!(parse_id(broken).is_none(), "{broken:?}");
        }
    }

    #[test]
    fn a_library_that_is_missing_is_named_with_what_to_do() {
        if let Err(message) = present() {
            assert!(message.contains("libnccl.so") && message.contains("make cuda"), "{message}");
        }
    }
}
