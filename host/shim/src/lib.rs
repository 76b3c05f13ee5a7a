//! The few functions of libtorch that pay and that tch does not bind: one small C++ file, and the one place besides
//! its callers' own platform calls where Octo is unsafe.
//!
//! - [`fused_adamw`]: libtorch's own fused AdamW, one pass over memory in place of ten;
//! - [`forget_gradients`]: gradients set to none, so that a backward pass puts its own in their place rather than
//!   zeroes them first and adds to them afterwards.
//!
//! Not here: flash attention over packed sequences of varying length, CUDA graphs and streams, memory statistics,
//! TF32 and determinism switches, foreach norms. tch has none of them either.

#![expect(unsafe_code, reason = "calls into C++ with pointers to tensors that the borrows keep alive")]

use std::ffi::{CStr, c_char, c_void};

use tch::Tensor;

/// A pointer to an `at::Tensor`.
type Pointer = *const c_void;

// Signatures as in shim.cpp.
unsafe extern "C" {
    fn octo_shim_free(text: *mut c_char);
    fn octo_shim_fused_adamw(
        parameters: *const Pointer,
        gradients: *const Pointer,
        first: *const Pointer,
        second: *const Pointer,
        count: usize,
        step: Pointer,
        learning_rate: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        epsilon: f64,
        divisor: Pointer,
    ) -> *mut c_char;
    fn octo_shim_forget_gradients(parameters: *const Pointer, count: usize) -> *mut c_char;
}

/// What one fused update works on: lists of the same length, entry by entry of the same shape, all fp32 and on one
/// device. Parameters and moments are changed in place; so are gradients, where there is a divisor.
pub struct FusedAdamW<'a> {
    /// Weights, or the fp32 copies of narrower ones.
    pub parameters: &'a [Tensor],
    /// Their gradients.
    pub gradients: &'a [Tensor],
    /// First moments.
    pub first: &'a [Tensor],
    /// Second moments.
    pub second: &'a [Tensor],
    /// The number of this update, from 1.
    pub step: u64,
    /// Learning rate of this update.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Gradients are divided by this one number first, where it is given: fp32, on the same device.
    pub divisor: Option<&'a Tensor>,
}

/// One AdamW update by `at::_fused_adamw_`: the same formula as `torch.optim.AdamW(fused=True)`.
///
/// # Errors
/// libtorch's words where it refuses the lists: kinds, shapes or devices that do not fit.
pub fn fused_adamw(update: &FusedAdamW<'_>) -> Result<(), String> {
    let count = update.parameters.len();
    let lists = [update.parameters, update.gradients, update.first, update.second];
    if lists.iter().any(|list| list.len() != count) {
        return Err(format!("lists of {:?} tensors; all must be as long", lists.map(<[Tensor]>::len)));
    }
    let Some(first) = update.parameters.first() else { return Ok(()) };
    if lists.iter().flat_map(|list| list.iter()).any(|tensor| !tensor.defined()) {
        return Err("an undefined tensor".to_owned());
    }
    let step = Tensor::from(update.step as f32).to_device(first.device());
    let [parameters, gradients, first, second] = lists.map(pointers);
    // SAFETY: all lists have `count` entries, each of them a defined tensor that `update` borrows; the shim keeps none
    // of them, and catches what libtorch throws.
    let refused = unsafe {
        octo_shim_fused_adamw(
            parameters.as_ptr(),
            gradients.as_ptr(),
            first.as_ptr(),
            second.as_ptr(),
            count,
            step.as_ptr().cast(),
            update.learning_rate,
            update.beta1,
            update.beta2,
            update.weight_decay,
            update.epsilon,
            update.divisor.map_or(std::ptr::null(), |divisor| divisor.as_ptr().cast()),
        )
    };
    outcome(refused)
}

/// Sets the gradients of `parameters` to none.
///
/// # Errors
/// libtorch's words; none are known.
pub fn forget_gradients<'a>(parameters: impl IntoIterator<Item = &'a Tensor>) -> Result<(), String> {
    let pointers: Vec<Pointer> = parameters.into_iter().map(|tensor| tensor.as_ptr().cast()).collect();
    // SAFETY: each pointer is of a tensor that the caller borrows for this call; an undefined one is refused by
    // libtorch with an exception, which the shim catches.
    outcome(unsafe { octo_shim_forget_gradients(pointers.as_ptr(), pointers.len()) })
}

fn pointers(tensors: &[Tensor]) -> Vec<Pointer> {
    tensors.iter().map(|tensor| tensor.as_ptr().cast()).collect()
}

fn outcome(message: *mut c_char) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn what_libtorch_refuses_comes_back_as_words() {
        let tensors = |kind| vec![Tensor::ones([2, 3], (kind, Device::Cpu))];
        let (parameters, gradients) = (tensors(Kind::Float), tensors(Kind::Int64));
        let (first, second) = (tensors(Kind::Float), tensors(Kind::Float));
        let mut update = FusedAdamW {
            parameters: &parameters,
            gradients: &gradients,
            first: &first,
            second: &second,
            step: 1,
            learning_rate: 0.1,
            beta1: 0.9,
            beta2: 0.95,
            weight_decay: 0.0,
            epsilon: 1e-8,
            divisor: None,
        };
        assert!(!fused_adamw(&update).expect_err("integers are no gradients").is_empty());
        update.gradients = &[];
        assert!(fused_adamw(&update).expect_err("too few").contains("as long"));
    }

    #[test]
    fn forgotten_gradients_are_undefined_and_come_again() {
        let leaf = Tensor::ones([3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        for _ in 0..2 {
            leaf.sum(Kind::Float).backward();
            assert_eq!(leaf.grad().sum(Kind::Float).double_value(&[]), 3.0);
            forget_gradients([&leaf]).expect("forgets");
            assert!(!leaf.grad().defined());
        }
    }
}
