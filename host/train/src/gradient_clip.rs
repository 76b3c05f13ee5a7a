//! Clipping by the global norm over all parameters, as `torch.nn.utils.clip_grad_norm_` does.

use tch::{Kind, Tensor};

/// Scales all gradients so that their joint Euclidean norm is at most `max_norm`, and returns the norm before that.
/// A norm that is not finite leaves the gradients as they are: the caller skips the step.
pub fn clip_global_norm(parameters: &[(String, Tensor)], max_norm: f64) -> f64 {
    tch::no_grad(|| {
        let mut gradients: Vec<Tensor> =
            parameters.iter().map(|(_, parameter)| parameter.grad()).filter(Tensor::defined).collect();
        if gradients.is_empty() {
            return 0.0;
        }
        let norms: Vec<Tensor> = gradients.iter().map(|gradient| gradient.to_kind(Kind::Float).norm()).collect();
        // One read from the device for all of them.
        let norm = Tensor::stack(&norms, 0).norm().double_value(&[]);
        let scale = max_norm / (norm + 1e-6);
        if norm.is_finite() && scale < 1.0 {
            for gradient in &mut gradients {
                let _ = gradient.g_mul_scalar_(scale);
            }
        }
        norm
    })
}

/// Forgets all gradients, so that the next backward starts from nothing.
pub fn clear_gradients(parameters: &[(String, Tensor)]) {
    for (_, parameter) in parameters {
        parameter.shallow_clone().zero_grad();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_norm_that_is_not_finite_is_reported_not_spread() {
        let broken = parameters(&[&[f32::NAN], &[4.0]]);
        assert!(clip_global_norm(&broken, 1.0).is_nan());
        assert_eq!(gradient(&broken, 1), [4.0]);
        clear_gradients(&broken);
        assert_eq!(clip_global_norm(&broken, 1.0), 0.0);
    }
}
