//! Functions of libtorch that tch does not bind, and a few of our own on its threads, as small C++ files with a Rust
//! function for each.
//!
//! They are here because they pay: fused kernels, attention without padding, CUDA graphs, and what the GPU's memory
//! holds. Each Rust function checks what it is given, hands C++ pointers to tensors that the caller borrows for the
//! call, and returns a tensor, a number, or the text of what C++ threw. Where libtorch or the build has no such thing,
//! it does the same plainly, or says that it cannot. The lint against unsafe code is lifted here for the whole crate;
//! `docs/architecture.md` names every file that lifts it.
//!
//! | Rust file | C++ file | what it does | the plain way |
//! |---|---|---|---|
//! | [`adamw`] | `lists.cpp` | libtorch's own fused AdamW | the formula, in its caller `octo_train::optimizer::adamw` |
//! | [`lists`] | `lists.cpp` | the joint norm of all gradients, their scaling, and gradients set to none, so that a backward pass puts its own in their place and adds to nothing | norm and scaling tensor by tensor; setting gradients to none works everywhere |
//! | [`mod@cached_attention`] | `cached_attention.cpp` | attention of a step of generation on a CPU, our own arithmetic on libtorch's threads | its caller takes libtorch's attention where `is_for` says no |
//! | [`mod@packed_attention`] | `attention.cpp` | flash attention over documents that lie end to end | one call of `scaled_dot_product_attention` per document |
//! | [`graph`] | `cuda.cpp` | CUDA graphs of work that repeats | a plain call of the work |
//! | [`upload()`] | `device.cpp` | copies to the GPU that the host does not wait for | an ordinary copy |
//! | [`memory`] | `device.cpp` | what the GPU's allocator holds and has held | nothing is reported for a CPU |
//! | [`numerics`] | `device.cpp` | TF32, and deterministic algorithms | the settings change nothing on a CPU |
//! | [`device`] | `device.cpp`, `cuda.cpp` | GPUs, their names, and the stream that work goes to | no GPU is found, or it has no name |
//! | [`libtorch_version()`] | `version.cpp` | which libtorch is loaded | none is reported |
//!
//! `shim.h` has what the C++ files share.
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
