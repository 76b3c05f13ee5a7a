//! AdamW with decoupled weight decay (Loshchilov & Hutter, 2019), by the formula of `torch.optim.AdamW`.
//!
//! tch's optimisers cannot save their state, and exact resumption needs it. Moments are f32 whatever the weights are;
//! weights of a narrower kind get an f32 master copy, since bf16 would swallow most updates of 1e-6.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use tch::{Kind, Tensor};

use crate::error::TrainError;

/// Settings of AdamW, named as in the recipe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, times the learning rate a step; norms and other 1-D parameters are never decayed.
    pub weight_decay: f64,
}

impl AdamWConfig {
    /// Refuses values outside the formula's domain, naming the config key.
    pub fn check(&self) -> Result<(), TrainError> {
        let below_one = |key, value: f64| {
            let message = || format!("{value} is not in 0 ≤ value < 1");
            if (0.0..1.0).contains(&value) { Ok(()) } else { Err(TrainError::config(key, message())) }
        };
        below_one("beta1", self.beta1)?;
        below_one("beta2", self.beta2)?;
        if !(self.epsilon.is_finite() && self.epsilon > 0.0) {
            return Err(TrainError::config("epsilon", format!("{} is not a positive number", self.epsilon)));
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return Err(TrainError::config(
                "weight_decay",
                format!("{} is not a number of at least 0", self.weight_decay),
            ));
        }
        Ok(())
    }
}

struct Moments {
    name: String,
    first: Tensor,
    second: Tensor,
    master: Option<Tensor>,
}

impl Moments {
    fn tensors(&self) -> Vec<(&'static str, &Tensor)> {
        let mut tensors = vec![("first_moment", &self.first), ("second_moment", &self.second)];
        tensors.extend(self.master.as_ref().map(|master| ("master", master)));
        tensors
    }
}

/// The optimiser and its state, one entry a parameter in the model's order.
pub struct AdamW {
    config: AdamWConfig,
    steps: u64,
    moments: Vec<Moments>,
}

impl AdamW {
    /// Fresh state for `parameters`.
    pub fn new(parameters: &[(String, Tensor)], config: AdamWConfig) -> AdamW {
        let moments = parameters
            .iter()
            .map(|(name, parameter)| {
                tch::no_grad(|| {
                    let zeros = || Tensor::zeros(parameter.size(), (Kind::Float, parameter.device()));
                    let master = (parameter.kind() != Kind::Float).then(|| parameter.detach().to_kind(Kind::Float));
                    Moments { name: name.clone(), first: zeros(), second: zeros(), master }
                })
            })
            .collect();
        AdamW { config, steps: 0, moments }
    }

    /// Updates made so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One update of `parameters` (the same, in the same order, as at [`AdamW::new`]) from their gradients. A
    /// parameter without a gradient is left alone.
    pub fn step(&mut self, parameters: &[(String, Tensor)], learning_rate: f64) {
        self.steps += 1;
        let AdamWConfig { beta1, beta2, epsilon, weight_decay } = self.config;
        let correction1 = 1.0 - beta1.powf(self.steps as f64);
        let correction2_root = (1.0 - beta2.powf(self.steps as f64)).sqrt();
        tch::no_grad(|| {
            for ((_, parameter), moments) in parameters.iter().zip(&mut self.moments) {
                let gradient = parameter.grad();
                if !gradient.defined() {
                    continue;
                }
                let gradient = gradient.to_kind(Kind::Float);
                let mut weights = moments.master.as_ref().unwrap_or(parameter).shallow_clone();
                if weight_decay != 0.0 && parameter.dim() >= 2 {
                    let _ = weights.g_mul_scalar_(1.0 - learning_rate * weight_decay);
                }
                let _ = moments.first.lerp_(&gradient, 1.0 - beta1);
                let _ = moments.second.g_mul_scalar_(beta2);
                let _ = moments.second.g_add_(&gradient.square().g_mul_scalar_(1.0 - beta2));
                let mut denominator = moments.second.sqrt();
                let _ = denominator.g_div_scalar_(correction2_root).g_add_scalar_(epsilon);
                let update = (&moments.first / denominator).g_mul_scalar_(-learning_rate / correction1);
                let _ = weights.g_add_(&update);
                if moments.master.is_some() {
                    parameter.shallow_clone().copy_(&weights);
                }
            }
        });
    }

    /// Writes the state as safetensors, to a temporary name and then renamed.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        let mut entries = Vec::with_capacity(self.moments.len() * 2);
        for moments in &self.moments {
            for (part, tensor) in moments.tensors() {
                entries.push((format!("{}.{part}", moments.name), shape(tensor), bytes(tensor)?));
            }
        }
        let refused = |error: safetensors::SafeTensorError| TrainError::checkpoint(path, error.to_string());
        let mut views = Vec::with_capacity(entries.len());
        for (name, shape, bytes) in &entries {
            views.push((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(refused)?));
        }
        // One key only: a map of several would be written in an order that differs from run to run.
        let metadata = HashMap::from([("steps".to_owned(), self.steps.to_string())]);
        let file = serialize(views, Some(metadata)).map_err(refused)?;
        Ok(octo_data::atomic::write(path, &file)?)
    }

    /// Reads state written by [`AdamW::save`] for the same parameters; a parameter that is missing or has another
    /// shape is an error that names it.
    pub fn load(path: &Path, parameters: &[(String, Tensor)], config: AdamWConfig) -> Result<AdamW, TrainError> {
        let file = std::fs::read(path).map_err(|error| TrainError::io(path, error))?;
        let refused = |message: String| TrainError::checkpoint(path, message);
        let (_, header) = SafeTensors::read_metadata(&file).map_err(|error| refused(error.to_string()))?;
        let steps = header.metadata().as_ref().and_then(|metadata| metadata.get("steps")?.parse().ok());
        let steps =
            steps.ok_or_else(|| refused("no count of steps in its metadata; it is not optimiser state".into()))?;
        let stored = SafeTensors::deserialize(&file).map_err(|error| refused(error.to_string()))?;
        let mut optimiser = AdamW::new(parameters, config);
        optimiser.steps = steps;
        for moments in &mut optimiser.moments {
            let name = moments.name.clone();
            let read = |part: &str, like: &Tensor| -> Result<Tensor, TrainError> {
                let key = format!("{name}.{part}");
                let view = stored.tensor(&key).map_err(|error| refused(format!("`{key}`: {error}")))?;
                if view.dtype() != Dtype::F32 || view.shape() != shape(like) {
                    let (kind, found, wanted) = (view.dtype(), view.shape(), shape(like));
                    return Err(refused(format!("`{key}` is {kind:?} {found:?}, but this model needs F32 {wanted:?}")));
                }
                Ok(Tensor::f_from_data_size(view.data(), &like.size(), Kind::Float)?.f_to_device(like.device())?)
            };
            let first = read("first_moment", &moments.first)?;
            let second = read("second_moment", &moments.second)?;
            let master = moments.master.as_ref().map(|master| read("master", master)).transpose()?;
            (moments.first, moments.second, moments.master) = (first, second, master);
        }
        Ok(optimiser)
    }
}

fn shape(tensor: &Tensor) -> Vec<usize> {
    tensor.size().into_iter().map(|length| length as usize).collect()
}

fn bytes(tensor: &Tensor) -> Result<Vec<u8>, TrainError> {
    let tensor = tensor.f_to_device(tch::Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let count = tensor.numel();
    let mut bytes = vec![0; count * 4];
    tensor.f_copy_data_u8(&mut bytes, count)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn tensor(value: &Value) -> Tensor {
        let data: Vec<f32> =
            value["data"].as_array().expect("data").iter().map(|x| x.as_f64().expect("a number") as f32).collect();
        let shape: Vec<i64> =
            value["shape"].as_array().expect("shape").iter().map(|x| x.as_i64().expect("a length")).collect();
        Tensor::from_slice(&data).view(shape.as_slice())
    }

    fn with_gradients(parameters: &[(String, Tensor)], gradients: &Value) {
        crate::gradient_clip::clear_gradients(parameters);
        for (name, parameter) in parameters {
            (parameter * tensor(&gradients[name])).sum(Kind::Float).backward();
        }
    }

    fn golden() -> (Value, AdamWConfig, f64) {
        let golden: Value = serde_json::from_str(include_str!("../tests/golden/adamw.json")).expect("golden file");
        let number = |key: &str| golden[key].as_f64().expect("a number");
        let config = AdamWConfig {
            beta1: number("beta1"),
            beta2: number("beta2"),
            epsilon: number("epsilon"),
            weight_decay: number("weight_decay"),
        };
        let rate = number("learning_rate");
        (golden, config, rate)
    }

    fn initial(golden: &Value) -> Vec<(String, Tensor)> {
        ["matrix", "norm"]
            .map(|name| (name.to_owned(), tensor(&golden["initial"][name]).set_requires_grad(true)))
            .into()
    }

    #[test]
    fn updates_are_those_of_torch_to_one_in_a_million() {
        let (golden, config, rate) = golden();
        let parameters = initial(&golden);
        let mut optimiser = AdamW::new(&parameters, config);
        for step in golden["steps"].as_array().expect("steps") {
            with_gradients(&parameters, &step["gradients"]);
            optimiser.step(&parameters, rate);
            for (name, parameter) in &parameters {
                let distance = (parameter - tensor(&step["after"][name])).abs().max().double_value(&[]);
                assert!(distance < 1e-6, "{name} is off by {distance} after step {}", optimiser.steps());
            }
        }
        assert!(optimiser.steps() >= 5, "the golden file must hold several steps");
    }

    #[test]
    fn saved_state_continues_to_the_same_bits() {
        let (golden, config, rate) = golden();
        let steps = golden["steps"].as_array().expect("steps");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("optimizer.safetensors");
        let (straight, resumed) = (initial(&golden), initial(&golden));
        let mut optimiser = AdamW::new(&straight, config);
        let mut interrupted = AdamW::new(&resumed, config);
        for (index, step) in steps.iter().enumerate() {
            with_gradients(&straight, &step["gradients"]);
            optimiser.step(&straight, rate);
            if index == 3 {
                interrupted.save(&path).expect("saves");
                interrupted = AdamW::load(&path, &resumed, config).expect("loads");
            }
            with_gradients(&resumed, &step["gradients"]);
            interrupted.step(&resumed, rate);
        }
        for ((_, left), (_, right)) in straight.iter().zip(&resumed) {
            assert!(left.equal(right));
        }
    }

    #[test]
    fn state_of_another_model_is_refused_by_name() {
        let (golden, config, _) = golden();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("optimizer.safetensors");
        AdamW::new(&initial(&golden), config).save(&path).expect("saves");
        let other = vec![("matrix".to_owned(), Tensor::zeros([2, 2], (Kind::Float, tch::Device::Cpu)))];
        let message = AdamW::load(&path, &other, config).err().expect("another shape").to_string();
        assert!(message.contains("matrix.first_moment") && message.contains("[2, 2]"), "{message}");
        std::fs::write(&path, b"not a tensor file").expect("written");
        assert!(AdamW::load(&path, &other, config).is_err());
    }

    #[test]
    fn narrow_weights_keep_small_updates_in_a_master_copy() {
        let weights = Tensor::ones([2, 2], (Kind::BFloat16, tch::Device::Cpu)).set_requires_grad(true);
        let parameters = vec![("w".to_owned(), weights)];
        let config = AdamWConfig { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay: 0.0 };
        let mut optimiser = AdamW::new(&parameters, config);
        for _ in 0..100 {
            crate::gradient_clip::clear_gradients(&parameters);
            parameters[0].1.sum(Kind::Float).backward();
            optimiser.step(&parameters, 1e-3);
        }
        // One step of 1e-3 is below half a bf16 unit at 1.0, so without the copy nothing would move.
        let moved = parameters[0].1.to_kind(Kind::Float).mean(Kind::Float).double_value(&[]);
        assert!((moved - 0.9).abs() < 5e-3, "moved to {moved}");
    }
}
