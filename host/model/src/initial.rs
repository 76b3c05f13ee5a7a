//! Random initial weights from our own streams, so that a seed gives the same model whatever torch does.
//!
//! Normal with standard deviation `initializer_range`; the two matrices that write into the residual stream of a block
//! have theirs divided by sqrt(2 * layers), which keeps the stream's size independent of depth (the GPT-2 recipe);
//! norms are 1 and biases 0.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tch::{Kind, Tensor};

use crate::{ModelConfig, ModelError};

/// Largest model that is drawn: 64 GiB in fp32. A mistyped size is an error, where asking for the memory would end the
/// process.
pub const MOST_PARAMETERS: u64 = 1 << 34;

/// Parameters for a validated `config`, on CPU, named and ordered as [`ModelConfig::parameter_shapes`].
///
/// The n-th parameter is drawn from ChaCha stream n of the seed, in row-major order, so no parameter's values depend
/// on another's size.
pub(crate) fn random_parameters(config: &ModelConfig, seed: u64) -> Result<Vec<(String, Tensor)>, ModelError> {
    let deviation = config.initializer_range;
    let residual = deviation / (2.0 * config.num_hidden_layers as f64).sqrt();
    let mut parameters = Vec::new();
    for (stream, (name, shape)) in (0_u64..).zip(config.parameter_shapes()) {
        let tensor = if name.ends_with(".bias") {
            Tensor::f_zeros(&shape, (Kind::Float, tch::Device::Cpu))?
        } else if shape.len() == 1 {
            Tensor::f_ones(&shape, (Kind::Float, tch::Device::Cpu))?
        } else {
            let writes_residual = name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            generator.set_stream(stream);
            let count = shape.iter().product::<i64>() as usize;
            let values = normal(&mut generator, count, if writes_residual { residual } else { deviation });
            Tensor::f_from_slice(&values)?.f_view(&shape[..])?
        };
        parameters.push((name, tensor));
    }
    Ok(parameters)
}

/// `count` normal numbers by the Box–Muller transform, worked in f64 and rounded once.
fn normal(generator: &mut ChaCha8Rng, count: usize, standard_deviation: f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        // (0, 1]: the logarithm is finite.
        let radius = (-2.0 * (1.0 - uniform(generator)).ln()).sqrt() * standard_deviation;
        let (sine, cosine) = (2.0 * std::f64::consts::PI * uniform(generator)).sin_cos();
        values.push((radius * cosine) as f32);
        values.push((radius * sine) as f32);
    }
    values.truncate(count);
    values
}

/// Uniform in [0, 1), of 53 random bits.
pub(crate) fn uniform(generator: &mut ChaCha8Rng) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ModelConfig {
        serde_json::from_str(
            r#"{"vocab_size": 200, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": true}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_seed_gives_the_same_bits_and_another_seed_others() {
        let [first, again, other] = [7, 7, 8].map(|seed| random_parameters(&config(), seed).unwrap());
        for ((name, one), (_, two)) in first.iter().zip(&again) {
            assert_eq!(one, two, "{name}");
        }
        assert_ne!(first[0].1, other[0].1);
        // Pinned: recorded runs need the same start from a later version of this program.
        let head: Vec<f32> = Vec::try_from(first[0].1.view(-1).narrow(0, 0, 3)).unwrap();
        assert_eq!(head, [0.005776037, 0.010199211, -0.0045461706]);
    }

    #[test]
    fn a_mistyped_size_is_an_error_and_not_tried() {
        let huge = ModelConfig { hidden_size: 1 << 20, ..config() };
        let error = crate::Model::random(&huge, 1, tch::Device::Cpu).unwrap_err().to_string();
        assert!(error.contains("parameters"), "{error}");
    }

    #[test]
    fn spread_is_that_of_the_recipe() {
        for (name, tensor) in random_parameters(&config(), 3).unwrap() {
            if tensor.dim() == 1 {
                assert_eq!(tensor, Tensor::ones_like(&tensor), "{name}");
                continue;
            }
            let expected = if name.contains("o_proj") || name.contains("down_proj") { 0.01 } else { 0.02 };
            let deviation = tensor.std(true).double_value(&[]);
            let mean = tensor.mean(Kind::Float).double_value(&[]);
            // 2,048 draws at least: the deviation is within 8 % at five sigma.
            assert!((deviation / expected - 1.0).abs() < 0.08, "{name}: {deviation}");
            assert!(mean.abs() < expected * 0.12, "{name}: {mean}");
        }
    }
}
