//! What training needs of the vocabulary projection: log-probabilities of given tokens, with gradients, without
//! holding the logits of a whole batch.
//!
//! Logits are the largest tensor of a language model's training step: `tokens * vocabulary` numbers, three times over
//! with the backward pass. Here the projection is done for the positions that count only, in chunks. Each chunk is
//! projected, scored and differentiated before the next one begins; the gradient with respect to the hidden states is
//! gathered and then sent through the rest of the model in one go. The sum is the same, whatever the chunk.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use crate::{Llama, ModelError};

/// Logits held at one time: 16 Mi numbers, 64 MiB in fp32.
const CHUNK_LOGITS: usize = 16 << 20;

/// Prompts with their responses, padded on the left to one width, and where the response tokens are.
#[derive(Debug)]
pub struct ResponseBatch {
    /// `[b, t]` i64.
    pub tokens: Tensor,
    /// `[b]` i64, padding tokens at the left; `None` where there are none.
    pub padding: Option<Tensor>,
    /// `[n]` i64: for every response token, row by row and in order, the index into the `b * t` states of the one
    /// that predicts it.
    pub positions: Tensor,
    /// `[n]` i64: the response tokens.
    pub targets: Tensor,
    /// Response tokens per row; the ranges of `0..n` follow each other.
    pub lengths: Vec<usize>,
}

/// Log-probabilities of some tokens.
#[derive(Debug)]
pub struct TokenStatistics {
    /// `[n]` fp32, natural logarithm, differentiable.
    pub log_probabilities: Tensor,
    /// `[n]` fp32, entropy in nats of the distribution each token was drawn from; no gradient. `None` if not asked.
    pub entropy: Option<Tensor>,
}

impl ResponseBatch {
    /// Lays out `prompts[i]` followed by `responses[i]` for every `i`.
    ///
    /// # Errors
    /// [`ModelError::Argument`] if the counts differ, a prompt is empty (its first response token would have no
    /// state that predicts it), or there are no sequences.
    pub fn new(prompts: &[&[u32]], responses: &[&[u32]], device: Device) -> Result<Self, ModelError> {
        if prompts.len() != responses.len() || prompts.is_empty() {
            return Err(ModelError::Argument(format!(
                "{} prompts and {} responses; there must be as many, and at least one",
                prompts.len(),
                responses.len()
            )));
        }
        if let Some(index) = prompts.iter().position(|prompt| prompt.is_empty()) {
            return Err(ModelError::Argument(format!("prompt {index} is empty")));
        }
        let pairs = || prompts.iter().zip(responses);
        let width = pairs().map(|(prompt, response)| prompt.len() + response.len()).max().unwrap_or(0);
        let (mut tokens, mut positions, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        let (mut padding, mut lengths) = (Vec::new(), Vec::new());
        for (row, (prompt, response)) in pairs().enumerate() {
            let missing = width - prompt.len() - response.len();
            tokens.extend(std::iter::repeat_n(0, missing));
            tokens.extend(prompt.iter().chain(*response).map(|&token| i64::from(token)));
            let first = row * width + missing + prompt.len() - 1;
            positions.extend((first..first + response.len()).map(|position| position as i64));
            targets.extend(response.iter().map(|&token| i64::from(token)));
            padding.push(missing as i64);
            lengths.push(response.len());
        }
        let place = |values: &[i64]| Tensor::from_slice(values).to_device(device);
        Ok(Self {
            tokens: place(&tokens).view([prompts.len() as i64, width as i64]),
            padding: padding.iter().any(|&missing| missing > 0).then(|| place(&padding)),
            positions: place(&positions),
            targets: place(&targets),
            lengths,
        })
    }

    /// Count of response tokens.
    pub fn token_count(&self) -> usize {
        self.lengths.iter().sum()
    }
}

/// Log-probabilities of a batch's response tokens under the model at `temperature`, without gradients.
///
/// At the temperature of sampling this is what [`crate::Response::log_probabilities`] recorded, up to rounding.
pub fn token_log_probabilities(
    model: &Llama,
    batch: &ResponseBatch,
    temperature: f64,
    entropy: bool,
) -> TokenStatistics {
    let _no_grad = tch::no_grad_guard();
    let hidden = model.hidden(&batch.tokens, batch.padding.as_ref()).flatten(0, 1).index_select(0, &batch.positions);
    let parts: Vec<TokenStatistics> = chunks(batch.token_count(), chunk_size(model))
        .map(|range| {
            let (hidden, targets) = (slice(&hidden, &range), slice(&batch.targets, &range));
            statistics(model, &hidden, &targets, temperature, entropy)
        })
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

/// Runs the model on a batch and adds the gradients of a loss over its response tokens to the parameters' gradients.
///
/// `loss` is called for consecutive ranges of the batch's response tokens and gives each range's share of the loss, a
/// scalar; the shares add up. Returns their sum.
pub fn response_backward(
    model: &Llama,
    batch: &ResponseBatch,
    temperature: f64,
    entropy: bool,
    loss: &mut dyn FnMut(Range<usize>, &TokenStatistics) -> Tensor,
) -> f64 {
    let hidden = model.hidden(&batch.tokens, batch.padding.as_ref()).flatten(0, 1).index_select(0, &batch.positions);
    backward_in_chunks(model, &hidden, &batch.targets, temperature, entropy, chunk_size(model), loss)
}

/// Next-token training on whole windows: adds the gradients of `weight` times the summed cross-entropy to the
/// parameters' gradients, and gives the unweighted cross-entropy of every token, `[b, t]` fp32 in nats.
///
/// `tokens` is `[b, t + 1]` i64; token `j + 1` is predicted from those up to `j`. With `weight` = 1 / (b * t) the
/// gradient is that of the mean loss.
pub fn next_token_backward(model: &Llama, tokens: &Tensor, weight: f64) -> Tensor {
    let length = tokens.size().last().copied().unwrap_or(1) - 1;
    let targets = tokens.narrow(1, 1, length).flatten(0, 1);
    let hidden = model.hidden(&tokens.narrow(1, 0, length), None).flatten(0, 1);
    let mut losses = Vec::new();
    backward_in_chunks(model, &hidden, &targets, 1.0, false, chunk_size(model), &mut |_, chunk| {
        losses.push(chunk.log_probabilities.detach().neg());
        chunk.log_probabilities.sum(Kind::Float) * -weight
    });
    Tensor::cat(&losses, 0).view([-1, length])
}

/// The common core: hidden states `[n, hidden]` (attached to the model's graph), targets `[n]`, and a loss by ranges
/// of at most `chunk` tokens, as in [`response_backward`]. Returns the summed loss.
pub fn backward_in_chunks(
    model: &Llama,
    hidden: &Tensor,
    targets: &Tensor,
    temperature: f64,
    entropy: bool,
    chunk: usize,
    loss: &mut dyn FnMut(Range<usize>, &TokenStatistics) -> Tensor,
) -> f64 {
    let count = targets.numel();
    if count == 0 {
        return 0.0;
    }
    // The graph is cut here: chunks fill `cut`'s gradient, and one more pass carries it on.
    let cut = hidden.detach().set_requires_grad(true);
    let mut sum = 0.0;
    for range in chunks(count, chunk) {
        let part = statistics(model, &slice(&cut, &range), &slice(targets, &range), temperature, entropy);
        let share = loss(range, &part);
        // A share in which every token is masked may be a plain number.
        if share.requires_grad() {
            share.backward();
        }
        sum += share.double_value(&[]);
    }
    if hidden.requires_grad() && cut.grad().defined() {
        (hidden * cut.grad()).sum(Kind::Float).backward();
    }
    sum
}

fn statistics(model: &Llama, hidden: &Tensor, targets: &Tensor, temperature: f64, entropy: bool) -> TokenStatistics {
    let mut logits = model.logits(hidden);
    if temperature != 1.0 {
        logits /= temperature;
    }
    let all = logits.log_softmax(-1, Kind::Float);
    let entropy = entropy.then(|| {
        let _no_grad = tch::no_grad_guard();
        let all = all.detach();
        // A probability of 0 has a logarithm of minus infinity; their product counts as 0.
        (all.exp() * &all).nan_to_num(0.0, None, None).sum_dim_intlist([-1_i64].as_slice(), false, Kind::Float).neg()
    });
    let log_probabilities = all.gather(-1, &targets.unsqueeze(-1), false).squeeze_dim(-1);
    TokenStatistics { log_probabilities, entropy }
}

fn slice(tensor: &Tensor, range: &Range<usize>) -> Tensor {
    tensor.narrow(0, range.start as i64, range.len() as i64)
}

fn chunk_size(model: &Llama) -> usize {
    (CHUNK_LOGITS / model.config().vocab_size.max(1)).max(1)
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
