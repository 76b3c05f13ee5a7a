//! The vocabulary projection, its softmax and their gradients, without holding the logits of a whole batch.
//!
//! Logits are the largest tensor of a language model's training step: `tokens * vocabulary` numbers, three times over
//! with the backward pass. Here the projection is done for the positions that count only, in chunks. Each chunk is
//! projected, scored and differentiated before the next one begins; the gradient with respect to the hidden states is
//! gathered and then sent through the rest of the model in one go. The sum is the same, whatever the chunk.
//!
//! The derivatives are written out. A loss is a function of log-probabilities, one per token; with its slope `g` there,
//! that by the logits is `g * (one at the target - softmax)`, worked in the memory of the softmax. The projection's
//! gradient adds up in place, where autograd would fill a matrix of the vocabulary's size for every chunk.
//!
//! Nothing is read from the device: the host would wait there until all chunks before were done, and the device for the
//! host after that. The sum stays where it is until its caller wants it.

use std::ops::Range;

use tch::{Kind, Tensor};

use crate::Model;
use crate::training_pass::gradient_of;

/// Logits held at one time on the CPU: 16 Mi numbers, 64 MiB in fp32.
const CHUNK_LOGITS: usize = 16 << 20;
/// On a GPU: 1 GiB in fp32, 2,000 tokens of a vocabulary of 128,000. Every chunk reads all of the projection's weight
/// and adds to all of its gradient, which for as few tokens as above would take longer than their products.
const CHUNK_LOGITS_ON_GPU: usize = 256 << 20;

/// Log-probabilities of some tokens.
#[derive(Debug)]
pub struct TokenStatistics {
    /// `[n]` fp32, natural logarithm, differentiable.
    pub log_probabilities: Tensor,
    /// `[n]` fp32, entropy in nats of the distribution each token was drawn from; no gradient. `None` if not asked.
    pub entropy: Option<Tensor>,
}

/// Hidden states `[n, hidden]` (attached to the model's graph), targets `[n]`, and a loss by ranges of at most `chunk`
/// tokens: adds the gradients of the summed loss to the parameters' and returns the sum, one f64 number on the model's
/// device.
///
/// `loss` is given consecutive ranges with their log-probabilities and gives each range's share, a scalar.
pub fn backward_in_chunks(
    model: &Model,
    hidden: &Tensor,
    targets: &Tensor,
    temperature: f64,
    entropy: bool,
    chunk: usize,
    loss: &mut dyn FnMut(Range<usize>, &TokenStatistics) -> Tensor,
) -> Tensor {
    let states = hidden.detach();
    let weight = model.head().detach().to_kind(states.kind());
    let gradient = states.zeros_like();
    let mut differentiated = false;
    let mut sum = Tensor::zeros([] as [i64; 0], (Kind::Double, states.device()));
    for range in chunks(targets.numel(), chunk) {
        let (chunk_states, chunk_targets) = (slice(&states, &range), slice(targets, &range));
        let (all, mut part) = statistics(&chunk_states, &weight, &chunk_targets, temperature, entropy);
        part.log_probabilities = part.log_probabilities.set_requires_grad(true);
        let share = loss(range.clone(), &part);
        // A share in which every token is masked may be a plain number.
        if share.requires_grad() {
            share.backward();
        }
        sum += share.detach();
        let slope = part.log_probabilities.grad();
        if !slope.defined() {
            continue;
        }
        differentiated = true;
        let total = model.head().requires_grad().then(|| gradient_of(model.head()));
        let _no_grad = tch::no_grad_guard();
        let slope = (slope / temperature).unsqueeze(-1);
        let mut by_logits = all;
        let _ = by_logits.exp_();
        let _ = by_logits.g_mul_(&slope.neg());
        let _ = by_logits.scatter_add_(-1, &chunk_targets.unsqueeze(-1), &slope);
        let by_logits = by_logits.to_kind(states.kind());
        let _ = by_logits.mm_out(&slice(&gradient, &range), &weight);
        if let Some(mut total) = total {
            if total.kind() == states.kind() {
                let _ = total.addmm_(&by_logits.tr(), &chunk_states);
            } else {
                let _ = total.g_add_(&by_logits.tr().mm(&chunk_states));
            }
        }
    }
    if differentiated && hidden.requires_grad() {
        (hidden * gradient).sum(Kind::Float).backward();
    }
    sum
}

/// [`TokenStatistics`] of any number of tokens, without gradients.
pub(crate) fn statistics_in_chunks(
    model: &Model,
    hidden: &Tensor,
    targets: &Tensor,
    temperature: f64,
    entropy: bool,
) -> TokenStatistics {
    let _no_grad = tch::no_grad_guard();
    let weight = model.head().to_kind(hidden.kind());
    let parts: Vec<TokenStatistics> = chunks(targets.numel(), chunk_size(model))
        .map(|range| statistics(&slice(hidden, &range), &weight, &slice(targets, &range), temperature, entropy).1)
        .collect();
    let join = |parts: Vec<&Tensor>| match parts.as_slice() {
        [] => Tensor::zeros([0], (Kind::Float, model.device())),
        parts => Tensor::cat(parts, 0),
    };
    TokenStatistics {
        log_probabilities: join(parts.iter().map(|part| &part.log_probabilities).collect()),
        entropy: entropy.then(|| join(parts.iter().filter_map(|part| part.entropy.as_ref()).collect())),
    }
}

/// Log-probabilities `[n, vocabulary]` fp32 of all tokens, and what is wanted of them.
fn statistics(
    hidden: &Tensor,
    weight: &Tensor,
    targets: &Tensor,
    temperature: f64,
    entropy: bool,
) -> (Tensor, TokenStatistics) {
    let _no_grad = tch::no_grad_guard();
    let mut logits = hidden.linear(weight, None::<&Tensor>);
    if temperature != 1.0 {
        logits = logits.to_kind(Kind::Float);
        let _ = logits.g_div_scalar_(temperature);
    }
    let all = logits.log_softmax(-1, Kind::Float);
    drop(logits);
    // A probability of 0 has a logarithm of minus infinity; their product counts as 0.
    let entropy = entropy.then(|| {
        (all.exp() * &all).nan_to_num(0.0, None, None).sum_dim_intlist([-1_i64].as_slice(), false, Kind::Float).neg()
    });
    let log_probabilities = all.gather(-1, &targets.unsqueeze(-1), false).squeeze_dim(-1);
    (all, TokenStatistics { log_probabilities, entropy })
}

fn slice(tensor: &Tensor, range: &Range<usize>) -> Tensor {
    tensor.narrow(0, range.start as i64, range.len() as i64)
}

/// Bytes that the logits of a chunk take at most, in fp32, in training on a GPU or on the CPU.
pub fn chunk_bytes(on_gpu: bool) -> usize {
    4 * if on_gpu { CHUNK_LOGITS_ON_GPU } else { CHUNK_LOGITS }
}

/// Tokens per chunk for this model's vocabulary.
pub(crate) fn chunk_size(model: &Model) -> usize {
    (chunk_bytes(model.device().is_cuda()) / 4 / model.config().vocab_size.max(1)).max(1)
}

fn chunks(count: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    let size = size.max(1);
    (0..count).step_by(size).map(move |start| start..(start + size).min(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_everything_once_and_none_is_too_large() {
        assert_eq!(chunks(7, 3).collect::<Vec<_>>(), [0..3, 3..6, 6..7]);
        assert_eq!(chunks(6, 3).count(), 2);
        assert_eq!(chunks(2, 0).count(), 2);
        assert_eq!(chunks(0, 3).count(), 0);
    }
}
