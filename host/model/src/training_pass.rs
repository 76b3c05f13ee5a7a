//! A forward pass whose gradients are wanted, with or without keeping every activation.

use tch::{Kind, Tensor};

use crate::Model;
use crate::attention::Attention;

/// A forward pass up to the final states, waiting for their gradient.
///
/// The graph is cut after the embedding: its own backward pass would fill a matrix of the vocabulary's size for the
/// few rows that were looked up. Those are added to the embedding's gradient in place.
pub(crate) struct TrainingPass<'a> {
    model: &'a Model,
    tokens: &'a Tensor,
    attention: Attention<'a>,
    /// What the first block was given, a leaf.
    embedded: Tensor,
    recomputed: Option<Recomputed>,
    /// States after the final norm, `[b, t, hidden]`.
    pub(crate) hidden: Tensor,
}

/// What is kept when blocks are computed again for the backward pass.
struct Recomputed {
    /// The input of every block.
    inputs: Vec<Tensor>,
    /// The output of the last one, a leaf.
    output: Tensor,
}

impl<'a> TrainingPass<'a> {
    /// Runs the model on `tokens`, `[b, t]`. With `recompute`, only the input of each block is kept, and the backward
    /// pass computes each block a second time: a third more arithmetic, and one block's activations in memory at a
    /// time. Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    pub(crate) fn run(model: &'a Model, tokens: &'a Tensor, attention: Attention<'a>, recompute: bool) -> Self {
        let embedded = tch::no_grad(|| model.embed(tokens)).set_requires_grad(true);
        let (recomputed, last) = if recompute {
            let mut inputs = Vec::with_capacity(model.blocks().len());
            let output = tch::no_grad(|| {
                let mut states = embedded.detach();
                for (layer, block) in model.blocks().iter().enumerate() {
                    let next = block.forward(&states, layer, &attention);
                    inputs.push(std::mem::replace(&mut states, next));
                }
                states
            });
            let output = output.set_requires_grad(true);
            let last = output.shallow_clone();
            (Some(Recomputed { inputs, output }), last)
        } else {
            let mut states = embedded.shallow_clone();
            for (layer, block) in model.blocks().iter().enumerate() {
                states = block.forward(&states, layer, &attention);
            }
            (None, states)
        };
        let hidden = model.norm(&last);
        Self { model, tokens, attention, embedded, recomputed, hidden }
    }

    /// Completes the parameters' gradients once a backward pass has gone through `hidden`.
    pub(crate) fn finish(self) {
        let Self { model, tokens, attention, embedded, recomputed, hidden } = self;
        drop(hidden);
        let gradient = match recomputed {
            None => embedded.grad(),
            Some(Recomputed { mut inputs, output }) => {
                let mut gradient = output.grad();
                if !gradient.defined() {
                    return;
                }
                drop(output);
                for (layer, block) in model.blocks().iter().enumerate().rev() {
                    let Some(input) = inputs.pop() else {
                        return;
                    };
                    let input = input.detach().set_requires_grad(true);
                    let output = block.forward(&input, layer, &attention);
                    // The derivative of this sum by `output` is `gradient`.
                    (output * gradient).sum(Kind::Float).backward();
                    gradient = input.grad();
                }
                gradient
            }
        };
        if !gradient.defined() || !model.embedding().requires_grad() {
            return;
        }
        let mut total = gradient_of(model.embedding());
        let _no_grad = tch::no_grad_guard();
        let _ = total.index_put_(&[Some(tokens)], &gradient.to_kind(total.kind()), true);
    }
}

/// The gradient of a leaf, to be added to in place; zeros if there was none.
pub(crate) fn gradient_of(parameter: &Tensor) -> Tensor {
    if !parameter.grad().defined() {
        (parameter * 0.0).sum(parameter.kind()).backward();
    }
    parameter.grad()
}
