//! AdamW with decoupled weight decay (Loshchilov & Hutter, 2019), by the formula of `torch.optim.AdamW`.
//!
//! tch's optimisers cannot save their state, and exact resumption needs it. Moments are f32 whatever the weights are;
//! weights of a narrower kind get an f32 master copy, since bf16 would swallow most updates of 1e-6.
//!
//! Updates are libtorch's fused kernel's, which reads and writes every number once. Where it refuses (a device without
//! one), the same formula is done operation by operation.

use octo_shim::FusedAdamW;
use tch::{Device, Kind, Tensor};

use crate::error::TrainError;

/// Gradients that are converted to fp32 at one time, in numbers: 256 MB.
const CONVERTED: usize = 64 << 20;

/// Settings of AdamW, named as in the recipe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, times the learning rate at each step; norms, biases and other 1-D parameters are never
    /// decayed.
    pub weight_decay: f64,
    /// Whether embeddings decay too: the input embedding and the output projection.
    pub decay_embeddings: bool,
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

    /// Weight decay of the parameter `name`, which has `dimensions`.
    fn decay_of(&self, name: &str, dimensions: usize) -> f64 {
        let embedding = ["embed_tokens.weight", "lm_head.weight"].iter().any(|end| name.ends_with(end));
        let decayed = dimensions >= 2 && (self.decay_embeddings || !embedding);
        if decayed { self.weight_decay } else { 0.0 }
    }
}

/// State of one parameter.
pub(crate) struct Moments {
    pub(crate) name: String,
    pub(crate) first: Tensor,
    pub(crate) second: Tensor,
    pub(crate) master: Option<Tensor>,
}

impl Moments {
    /// Names and tensors as they are stored.
    pub(crate) fn tensors(&self) -> Vec<(&'static str, &Tensor)> {
        let mut tensors = vec![("first_moment", &self.first), ("second_moment", &self.second)];
        tensors.extend(self.master.as_ref().map(|master| ("master", master)));
        tensors
    }
}

/// The optimiser and its state, one entry per parameter in the model's order.
pub struct AdamW {
    config: AdamWConfig,
    pub(crate) steps: u64,
    pub(crate) moments: Vec<Moments>,
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
        self.step_scaled(parameters, learning_rate, None);
    }

    /// [`AdamW::step`] on gradients times `scale`, a tensor of one number on the parameters' device: what clipping
    /// asks for, without a pass over the gradients of its own and without reading the scale from the device.
    pub fn step_scaled(&mut self, parameters: &[(String, Tensor)], learning_rate: f64, scale: Option<&Tensor>) {
        self.steps += 1;
        if let Err(refused) = tch::no_grad(|| self.fused(parameters, learning_rate, scale)) {
            tracing::debug!("no fused AdamW: {refused}");
            tch::no_grad(|| self.plain(parameters, learning_rate, scale));
        }
    }

    /// An update by the fused kernel. An error means that it takes no such tensors, and that nothing was changed.
    fn fused(&self, parameters: &[(String, Tensor)], learning_rate: f64, scale: Option<&Tensor>) -> Result<(), String> {
        let divisor = scale.map(|scale| scale.to_kind(Kind::Float).reciprocal());
        let mut begun = false;
        let mut run = |group: &mut Group, weight_decay: f64| -> Result<(), String> {
            let group = std::mem::take(group);
            let update = self.update(&group, learning_rate, weight_decay, divisor.as_ref());
            match octo_shim::fused_adamw(&update) {
                Ok(()) => {}
                Err(refused) if !begun => return Err(refused),
                // All parameters are of one kind and device, so what it takes once it takes always.
                Err(refused) => panic!("the fused update stopped half way: {refused}"),
            }
            begun = true;
            for (mut parameter, master) in group.narrow {
                parameter.copy_(&master);
            }
            Ok(())
        };
        for decayed in [true, false] {
            let weight_decay = if decayed { self.config.weight_decay } else { 0.0 };
            let mut group = Group::default();
            for ((name, parameter), moments) in parameters.iter().zip(&self.moments) {
                if parameter.grad().defined() && (self.config.decay_of(name, parameter.dim()) != 0.0) == decayed {
                    group.push(parameter, moments);
                    if group.converted >= CONVERTED {
                        run(&mut group, weight_decay)?;
                    }
                }
            }
            run(&mut group, weight_decay)?;
        }
        Ok(())
    }

    fn update<'a>(
        &self,
        group: &'a Group,
        learning_rate: f64,
        weight_decay: f64,
        divisor: Option<&'a Tensor>,
    ) -> FusedAdamW<'a> {
        FusedAdamW {
            parameters: &group.weights,
            gradients: &group.gradients,
            first: &group.first,
            second: &group.second,
            step: self.steps,
            learning_rate,
            beta1: self.config.beta1,
            beta2: self.config.beta2,
            weight_decay,
            epsilon: self.config.epsilon,
            divisor,
        }
    }

    /// An update operation by operation.
    fn plain(&mut self, parameters: &[(String, Tensor)], learning_rate: f64, scale: Option<&Tensor>) {
        let AdamWConfig { beta1, beta2, epsilon, .. } = self.config;
        let correction1 = 1.0 - beta1.powf(self.steps as f64);
        let correction2_root = (1.0 - beta2.powf(self.steps as f64)).sqrt();
        for ((name, parameter), moments) in parameters.iter().zip(&mut self.moments) {
            let gradient = parameter.grad();
            if !gradient.defined() {
                continue;
            }
            let gradient = gradient.to_kind(Kind::Float);
            // Not in place: it may still be the parameter's own.
            let gradient = scale.map_or_else(|| gradient.shallow_clone(), |scale| &gradient * scale);
            let mut weights = moments.master.as_ref().unwrap_or(parameter).shallow_clone();
            let decay = self.config.decay_of(name, parameter.dim());
            if decay != 0.0 {
                let _ = weights.g_mul_scalar_(1.0 - learning_rate * decay);
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
    }

    /// A copy of the state in host memory, which later steps do not change: what a checkpoint in the background is
    /// written from.
    pub fn snapshot(&self) -> AdamW {
        let copied = |tensor: &Tensor| host_copy(tensor);
        let moments = self.moments.iter().map(|moments| Moments {
            name: moments.name.clone(),
            first: copied(&moments.first),
            second: copied(&moments.second),
            master: moments.master.as_ref().map(copied),
        });
        AdamW { config: self.config, steps: self.steps, moments: moments.collect() }
    }
}

/// Parameters that decay alike, list by list.
#[derive(Default)]
struct Group {
    weights: Vec<Tensor>,
    gradients: Vec<Tensor>,
    first: Vec<Tensor>,
    second: Vec<Tensor>,
    /// Weights narrower than fp32, with the copy that they are written from.
    narrow: Vec<(Tensor, Tensor)>,
    /// Numbers of the gradients that had to be converted.
    converted: usize,
}

impl Group {
    fn push(&mut self, parameter: &Tensor, moments: &Moments) {
        // A gradient in fp32 already is used as it is, and scaled in place.
        let gradient = parameter.grad();
        if gradient.kind() != Kind::Float {
            self.converted += gradient.numel();
        }
        self.gradients.push(gradient.to_kind(Kind::Float));
        self.weights.push(moments.master.as_ref().unwrap_or(parameter).detach());
        self.first.push(moments.first.shallow_clone());
        self.second.push(moments.second.shallow_clone());
        self.narrow.extend(moments.master.as_ref().map(|master| (parameter.detach(), master.shallow_clone())));
    }
}

/// The numbers of `tensor` in memory of their own on the host.
pub(crate) fn host_copy(tensor: &Tensor) -> Tensor {
    tch::no_grad(|| {
        let detached = tensor.detach();
        if detached.device() == Device::Cpu { detached.copy() } else { detached.to_device(Device::Cpu) }
    })
}

#[cfg(test)]
mod tests;
