//! The few functions of libtorch that pay and that tch does not bind: small C++ files, and the one place besides its
//! callers' own platform calls where Octo is unsafe. Each is one Rust function, and does the same plainly where
//! libtorch or the build has no such thing, or says so.
//!
//! - [`adamw`]: libtorch's own fused AdamW;
//! - [`lists`]: the joint norm of all gradients and their scaling in one launch each, and gradients set to none, so
//!   that a backward pass puts its own in their place rather than zeroes them first and adds to them afterwards;
//! - [`mod@cached_attention`]: attention of a step of generation on a CPU, which is our own arithmetic on libtorch's
//!   threads;
//! - [`mod@packed_attention`]: flash attention over documents that lie end to end;
//! - [`memory`]: what the GPU's allocator holds and has held;
//! - [`numerics`]: TF32, and deterministic algorithms;
//! - [`graph`]: CUDA graphs of work that repeats;
//! - [`upload()`]: copies to the GPU that the host does not wait for;
//! - [`device`]: GPUs, their names, and the stream that work goes to;
//! - [`libtorch_version()`]: which libtorch is loaded.
//!
//! Each has a Rust file with its checks and its plain way, and the C++ file of the same name or, for [`memory`],
//! [`numerics`], [`graph`] and [`upload()`], `device.cpp` and `cuda.cpp`. Data flow as pointers to tensors that the
//! caller borrows for the call; what C++ throws comes back as a text.
//!
//! Plain: AdamW's formula is its caller's (`octo_train::optimizer::adamw`), all others' is beside the fast one.
//!
//! Not here: several streams at once, and choice of an attention backend.

#![expect(unsafe_code, reason = "calls into C++ with pointers to tensors that the borrows keep alive")]

use std::ffi::{CStr, c_char, c_void};

use tch::Tensor;

pub mod adamw;
pub mod cached_attention;
pub mod device;
pub mod graph;
pub mod lists;
pub mod memory;
pub mod numerics;
pub mod packed_attention;
mod upload;
mod version;

pub use adamw::{FusedAdamW, fused_adamw};
pub use cached_attention::cached_attention;
pub use lists::{forget_gradients, joint_norm, multiply};
pub use packed_attention::{PackedLengths, packed_attention};
pub use upload::upload;
pub use version::libtorch_version;

/// A pointer to an `at::Tensor` that is borrowed.
type Pointer = *const c_void;
/// A pointer to an `at::Tensor` that is ours to delete.
type Given = *mut c_void;
/// Null, or a text for `octo_shim_free`.
type Message = *mut c_char;

// As in lists.cpp.
unsafe extern "C" {
    fn octo_shim_free(text: Message);
}

fn pointers(tensors: &[Tensor]) -> Vec<Pointer> {
    tensors.iter().map(|tensor| tensor.as_ptr().cast()).collect()
}

fn given(tensor: Given) -> Result<Tensor, String> {
    if tensor.is_null() {
        return Err("no tensor came back".to_owned());
    }
    // SAFETY: the shim made it with `new at::Tensor`, as tch's own C++ does, and keeps no pointer to it.
    Ok(unsafe { Tensor::from_ptr(tensor.cast()) })
}

fn outcome(message: Message) -> Result<(), String> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: what is not null is a C string of the shim's, which is ours to hand back once.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        octo_shim_free(message);
        Err(text)
    }
}
