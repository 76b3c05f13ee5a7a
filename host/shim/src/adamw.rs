//! One pass over memory in place of ten.

use tch::{Kind, Tensor};

use crate::{Message, Pointer, outcome, pointers};

// As in lists.cpp.
unsafe extern "C" {
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
    ) -> Message;
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
    // Filled where it lies: a copy from the host would wait for all that the device has still to do.
    let step = Tensor::full([] as [i64; 0], update.step as f64, (Kind::Float, first.device()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

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
}
