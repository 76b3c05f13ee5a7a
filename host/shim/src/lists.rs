//! Lists of gradients: one launch for many, and nothing read from the device.

use tch::{Device, Kind, Tensor};

use crate::{Given, Message, Pointer, given, outcome, pointers};

// As in lists.cpp.
unsafe extern "C" {
    fn octo_shim_forget_gradients(parameters: *const Pointer, count: usize) -> Message;
    fn octo_shim_joint_norm(tensors: *const Pointer, count: usize, norm: *mut Given) -> Message;
    fn octo_shim_multiply(tensors: *const Pointer, count: usize, factor: Pointer) -> Message;
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

/// The Euclidean norm of all numbers of `tensors` together: one fp32 number on their device, which is theirs alike.
/// 0, on the CPU, of none.
pub fn joint_norm(tensors: &[Tensor]) -> Tensor {
    if tensors.is_empty() {
        return Tensor::zeros([] as [i64; 0], (Kind::Float, Device::Cpu));
    }
    foreach_norm(tensors).unwrap_or_else(|_| plain_norm(tensors))
}

fn foreach_norm(tensors: &[Tensor]) -> Result<Tensor, String> {
    let (pointers, mut norm) = (pointers(tensors), std::ptr::null_mut());
    // SAFETY: the pointers are of tensors that `tensors` borrows, and the shim keeps none of them.
    outcome(unsafe { octo_shim_joint_norm(pointers.as_ptr(), pointers.len(), &mut norm) })?;
    given(norm)
}

fn plain_norm(tensors: &[Tensor]) -> Tensor {
    tch::no_grad(|| {
        // libtorch narrows no f64 to an fp32 norm by itself.
        let at_most_fp32 = |tensor: &Tensor| match tensor.kind() {
            Kind::Double => tensor.to_kind(Kind::Float),
            _ => tensor.shallow_clone(),
        };
        let norms: Vec<Tensor> =
            tensors.iter().map(|tensor| at_most_fp32(tensor).norm_scalaropt_dtype(2, Kind::Float)).collect();
        Tensor::stack(&norms, 0).norm()
    })
}

/// Multiplies every number of `tensors`, in place, with `factor`, one number on their device.
pub fn multiply(tensors: &[Tensor], factor: &Tensor) {
    if foreach_multiply(tensors, factor).is_err() {
        plain_multiply(tensors, factor);
    }
}

fn foreach_multiply(tensors: &[Tensor], factor: &Tensor) -> Result<(), String> {
    // What is refused half way would be multiplied twice, so what could be is looked at first.
    let Some(first) = tensors.first() else { return Ok(()) };
    if tensors.iter().any(|tensor| (tensor.kind(), tensor.device()) != (first.kind(), factor.device())) {
        return Err("tensors of several kinds or devices".to_owned());
    }
    let pointers = pointers(tensors);
    // SAFETY: as in `foreach_norm`.
    outcome(unsafe { octo_shim_multiply(pointers.as_ptr(), pointers.len(), factor.as_ptr().cast()) })
}

fn plain_multiply(tensors: &[Tensor], factor: &Tensor) {
    tch::no_grad(|| {
        for tensor in tensors {
            let _ = tensor.shallow_clone().g_mul_(&factor.to_kind(tensor.kind()));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(kind: Kind, device: Device) -> Vec<Tensor> {
        let numbers = |count: i64, shift: f64| (Tensor::arange(count, (Kind::Float, device)) - shift) / 7.0;
        let list = [numbers(6, 2.0).view([2, 3]), numbers(1, 0.5), numbers(1000, 400.0).view([10, 100]).tr()];
        list.into_iter().map(|tensor| tensor.to_kind(kind)).collect()
    }

    fn agree_on(device: Device) {
        for (kind, within) in [(Kind::Float, 1e-6), (Kind::BFloat16, 1e-2)] {
            let (ours, plain) = (tensors(kind, device), tensors(kind, device));
            let norm = foreach_norm(&ours).expect("takes them");
            let wanted = plain_norm(&plain);
            assert_eq!((norm.kind(), norm.device(), norm.dim()), (Kind::Float, device, 0));
            let (norm, wanted) = (norm.double_value(&[]), wanted.double_value(&[]));
            assert!((norm - wanted).abs() <= 1e-6 * wanted, "{norm} is not {wanted}");

            let factor = Tensor::full([] as [i64; 0], 0.3, (Kind::Float, device));
            foreach_multiply(&ours, &factor).expect("takes them");
            plain_multiply(&plain, &factor);
            for (ours, plain) in ours.iter().zip(&plain) {
                let difference = (ours - plain).abs().max().double_value(&[]);
                assert!(difference <= within * plain.abs().max().double_value(&[]), "{kind:?}: {difference}");
            }
        }
    }

    #[test]
    fn norms_and_products_of_lists_are_those_of_one_after_the_other() {
        agree_on(Device::Cpu);
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn norms_and_products_of_lists_are_those_of_one_after_the_other_on_a_gpu() {
        agree_on(Device::Cuda(0));
    }

    #[test]
    fn lists_that_are_nothing_or_mixed_are_done_too() {
        assert_eq!(joint_norm(&[]).double_value(&[]), 0.0);
        let mixed = [Tensor::from_slice(&[3.0f32]), Tensor::from_slice(&[4.0f64])];
        assert_eq!(joint_norm(&mixed).double_value(&[]), 5.0);
        multiply(&mixed, &Tensor::from(2.0f32));
        assert_eq!((mixed[0].double_value(&[0]), mixed[1].double_value(&[0])), (6.0, 8.0));
        multiply(&[], &Tensor::from(2.0f32));
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
