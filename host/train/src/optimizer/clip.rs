//! Clipping by the global norm over all parameters, as `torch.nn.utils.clip_grad_norm_` does.

use tch::{Device, Tensor};

/// The joint Euclidean norm of all gradients: one number, fp32, left on the device. 0 where there are none.
pub fn global_norm(parameters: &[(String, Tensor)]) -> Tensor {
    tch::no_grad(|| {
        let device = parameters.first().map_or(Device::Cpu, |(_, parameter)| parameter.device());
        octo_shim::joint_norm(&gradients(parameters)).to_device(device)
    })
}

fn gradients(parameters: &[(String, Tensor)]) -> Vec<Tensor> {
    parameters.iter().map(|(_, parameter)| parameter.grad()).filter(Tensor::defined).collect()
}

/// What gradients of the joint norm `norm` are to be multiplied with so that it is at most `max_norm`: at most 1, by
/// the formula of `clip_grad_norm_`. On the device, without a read from it.
pub fn clip_scale(norm: &Tensor, max_norm: f64) -> Tensor {
    tch::no_grad(|| ((norm + 1e-6).reciprocal() * max_norm).clamp_max(1.0))
}

/// Scales all gradients so that their joint Euclidean norm is at most `max_norm`, and returns the norm before that.
/// A norm that is not finite leaves the gradients as they are: the caller skips the step.
pub fn clip_global_norm(parameters: &[(String, Tensor)], max_norm: f64) -> f64 {
    tch::no_grad(|| {
        let norm = global_norm(parameters);
        let scale = clip_scale(&norm, max_norm);
        // One read from the device for all of them.
        let norm = norm.double_value(&[]);
        if norm.is_finite() && norm > max_norm {
            octo_shim::multiply(&gradients(parameters), &scale);
        }
        norm
    })
}

/// Forgets all gradients, so that the next backward starts from nothing.
pub fn clear_gradients(parameters: &[(String, Tensor)]) {
    // Where libtorch would not forget them, zeroes do as well.
    if octo_shim::forget_gradients(parameters.iter().map(|(_, parameter)| parameter)).is_err() {
        for (_, parameter) in parameters {
            parameter.shallow_clone().zero_grad();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    fn parameters(gradients: &[&[f32]]) -> Vec<(String, Tensor)> {
        let leaf = |(index, gradient): (usize, &&[f32])| {
            let parameter = Tensor::zeros([gradient.len() as i64], (Kind::Float, tch::Device::Cpu));
            let parameter = parameter.set_requires_grad(true);
            (&parameter * Tensor::from_slice(gradient)).sum(Kind::Float).backward();
            (format!("p{index}"), parameter)
        };
        gradients.iter().enumerate().map(leaf).collect()
    }

    fn gradient(parameters: &[(String, Tensor)], index: usize) -> Vec<f32> {
        Vec::try_from(parameters[index].1.grad()).expect("a float vector")
    }

    #[test]
    fn a_large_norm_is_scaled_and_a_small_one_left_alone() {
        let large = parameters(&[&[3.0, 0.0], &[4.0]]);
        assert_eq!(clip_global_norm(&large, 1.0), 5.0);
        assert!((gradient(&large, 0)[0] - 0.6).abs() < 1e-6 && (gradient(&large, 1)[0] - 0.8).abs() < 1e-6);
        let small = parameters(&[&[0.3, 0.0], &[0.4]]);
        clip_global_norm(&small, 1.0);
        assert_eq!(gradient(&small, 1), [0.4]);
    }

    #[test]
    fn the_scale_on_the_device_is_that_of_the_clipped_gradients() {
        let scale = |gradients: &[&[f32]], max: f64| {
            let parameters = parameters(gradients);
            clip_scale(&global_norm(&parameters), max).double_value(&[])
        };
        assert!((scale(&[&[3.0, 0.0], &[4.0]], 1.0) - 1.0 / 5.000001).abs() < 1e-7);
        assert_eq!(scale(&[&[0.3, 0.0], &[0.4]], 1.0), 1.0);
        assert_eq!(scale(&[&[0.0]], 1.0), 1.0);
        assert_eq!(global_norm(&[]).double_value(&[]), 0.0);
    }

    #[test]
    fn a_norm_that_is_not_finite_is_reported_not_spread() {
        let broken = parameters(&[&[f32::NAN], &[4.0]]);
        assert!(clip_global_norm(&broken, 1.0).is_nan());
        assert_eq!(gradient(&broken, 1), [4.0]);
        clear_gradients(&broken);
        assert_eq!(clip_global_norm(&broken, 1.0), 0.0);
    }
}
