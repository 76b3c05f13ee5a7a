//! What training needs of a model: log-probabilities of given tokens, and gradients of losses over them.

use std::ops::Range;

use octo_shim::upload;
use tch::{Device, Kind, Tensor};

use crate::chunked_loss::{TokenStatistics, backward_in_chunks, chunk_size, statistics_in_chunks};
use crate::training_pass::TrainingPass;
use crate::{Documents, Model, ModelError, ResponseBatch};

/// How [`next_token_backward_with`] is done. The default is what [`next_token_backward`] does.
#[derive(Debug, Clone, Copy, Default)]
pub struct NextTokenOptions<'a> {
    /// Compute each block a second time for the backward pass, instead of keeping its activations: about a third more
    /// time, and the memory of one block's activations instead of all. The gradients are the same.
    pub recompute: bool,
    /// `[b, t + 1]` integers, one per token: a run of equal numbers within a row is a document. Documents do not see
    /// each other, their positions begin at 0, and no document's first token is predicted. They are looked at on the
    /// host, so that is where they should lie.
    pub segments: Option<&'a Tensor>,
}

/// Log-probabilities of a batch's response tokens under the model at `temperature`, without gradients.
///
/// At the temperature of sampling this is what [`crate::Response::log_probabilities`] recorded, up to rounding.
pub fn token_log_probabilities(
    model: &Model,
    batch: &ResponseBatch,
    temperature: f64,
    entropy: bool,
) -> TokenStatistics {
    let _no_grad = tch::no_grad_guard();
    let hidden = model.hidden(&batch.tokens).flatten(0, 1).index_select(0, &batch.positions);
    statistics_in_chunks(model, &hidden, &batch.targets, temperature, entropy)
}

/// Runs the model on a batch and adds the gradients of a loss over its response tokens to the parameters' gradients.
///
/// `loss` is called for consecutive ranges of the batch's response tokens and gives each range's share of the loss, a
/// scalar; the shares add up. Returns their sum, one f64 number on the model's device: reading it waits for the device.
pub fn response_backward(
    model: &Model,
    batch: &ResponseBatch,
    temperature: f64,
    entropy: bool,
    loss: &mut dyn FnMut(Range<usize>, &TokenStatistics) -> Tensor,
) -> Tensor {
    response_backward_with(model, batch, temperature, entropy, false, loss)
}

/// [`response_backward`] that may compute blocks a second time; see [`NextTokenOptions::recompute`].
pub fn response_backward_with(
    model: &Model,
    batch: &ResponseBatch,
    temperature: f64,
    entropy: bool,
    recompute: bool,
    loss: &mut dyn FnMut(Range<usize>, &TokenStatistics) -> Tensor,
) -> Tensor {
    if batch.token_count() == 0 {
        return Tensor::zeros([] as [i64; 0], (Kind::Double, model.device()));
    }
    let attention = model.whole(&batch.tokens, None);
    let pass = TrainingPass::run(model, &batch.tokens, attention, recompute);
    let hidden = pass.hidden.flatten(0, 1).index_select(0, &batch.positions);
    let sum = backward_in_chunks(model, &hidden, &batch.targets, temperature, entropy, chunk_size(model), loss);
    drop(hidden);
    pass.finish();
    sum
}

/// Next-token training on whole windows: adds the gradients of `weight` times the summed cross-entropy to the
/// parameters' gradients, and gives the unweighted cross-entropy of every token, `[b, t]` fp32 in nats.
///
/// `tokens` is `[b, t + 1]` i64; token `j + 1` is predicted from those up to `j`. With `weight` = 1 / (b * t) the
/// gradient is that of the mean loss.
pub fn next_token_backward(model: &Model, tokens: &Tensor, weight: f64) -> Tensor {
    let (inputs, targets) = shifted(tokens);
    next_tokens(model, &inputs, &targets, None, weight, false)
}

/// [`next_token_backward`] on packed rows, or with blocks computed a second time.
///
/// With segments, the loss of a document's first token is given as 0 and has no gradient; the tokens that count are
/// those whose segment is that of the token before.
///
/// # Errors
/// [`ModelError::Argument`] if the segments have another shape than the tokens.
pub fn next_token_backward_with(
    model: &Model,
    tokens: &Tensor,
    weight: f64,
    options: &NextTokenOptions<'_>,
) -> Result<Tensor, ModelError> {
    let (inputs, targets) = shifted(tokens);
    let packed = options.segments.map(|segments| packed(tokens, segments)).transpose()?;
    Ok(next_tokens(model, &inputs, &targets, packed.as_ref(), weight, options.recompute))
}

/// The cross-entropy of every token that [`next_token_backward_with`] gives, `[b, t]` fp32 in nats, without gradients.
///
/// # Errors
/// [`ModelError::Argument`] if the segments have another shape than the tokens.
pub fn next_token_losses(model: &Model, tokens: &Tensor, segments: Option<&Tensor>) -> Result<Tensor, ModelError> {
    let _no_grad = tch::no_grad_guard();
    let (inputs, targets) = shifted(tokens);
    let packed = segments.map(|segments| packed(tokens, segments)).transpose()?;
    let hidden = match &packed {
        None => model.hidden(&inputs),
        Some((documents, _)) => model.hidden_of_documents(&inputs, documents),
    };
    let (hidden, counted) = counted(&hidden, &targets, packed.as_ref());
    let found = statistics_in_chunks(model, &hidden, &counted, 1.0, false).log_probabilities.neg();
    Ok(placed(&found, &targets, packed.as_ref()))
}

/// The documents of packed rows, and the places of the `b * t` targets that count.
type Packed = (Documents, Tensor);

fn packed(tokens: &Tensor, segments: &Tensor) -> Result<Packed, ModelError> {
    if segments.size() != tokens.size() {
        return Err(ModelError::Argument(format!(
            "`segments` has shape {:?}, and the tokens {:?}; each token needs one",
            segments.size(),
            tokens.size()
        )));
    }
    // On a GPU `nonzero` would wait for its count, and all work that is queued before it.
    let (before, after) = shifted(&segments.f_to_device(Device::Cpu)?);
    let documents = Documents::new(&before, tokens.device())?;
    let counted = upload(&before.eq_tensor(&after).flatten(0, 1).nonzero().squeeze_dim(-1), tokens.device())?;
    Ok((documents, counted))
}

/// `[b, t + 1]` without its last column, and without its first.
fn shifted(tokens: &Tensor) -> (Tensor, Tensor) {
    let length = (tokens.size().last().copied().unwrap_or(1) - 1).max(0);
    (tokens.narrow(1, 0, length), tokens.narrow(1, 1, length))
}

/// The states and targets that count, `[n, hidden]` and `[n]`.
fn counted(hidden: &Tensor, targets: &Tensor, packed: Option<&Packed>) -> (Tensor, Tensor) {
    let (hidden, targets) = (hidden.flatten(0, 1), targets.flatten(0, 1));
    match packed {
        None => (hidden, targets),
        Some((_, counted)) => (hidden.index_select(0, counted), targets.index_select(0, counted)),
    }
}

/// Losses of the targets that count, each at its place in `[b, t]`, and 0 at the others.
fn placed(losses: &Tensor, targets: &Tensor, packed: Option<&Packed>) -> Tensor {
    match packed {
        None => losses.view_as(targets),
        Some((_, counted)) => {
            let all = Tensor::zeros([targets.numel() as i64], (Kind::Float, targets.device()));
            all.index_copy(0, counted, losses).view_as(targets)
        }
    }
}

fn next_tokens(
    model: &Model,
    inputs: &Tensor,
    targets: &Tensor,
    packed: Option<&Packed>,
    weight: f64,
    recompute: bool,
) -> Tensor {
    let attention = match packed {
        None => model.whole(inputs, None),
        Some((documents, _)) => model.packed(documents),
    };
    let pass = TrainingPass::run(model, inputs, attention, recompute);
    let (hidden, counted_targets) = counted(&pass.hidden, targets, packed);
    let mut losses = Vec::new();
    let _ = backward_in_chunks(model, &hidden, &counted_targets, 1.0, false, chunk_size(model), &mut |_, chunk| {
        losses.push(chunk.log_probabilities.detach().neg());
        chunk.log_probabilities.sum(Kind::Float) * -weight
    });
    drop(hidden);
    pass.finish();
    match losses.is_empty() {
        true => Tensor::zeros(targets.size(), (Kind::Float, model.device())),
        false => placed(&Tensor::cat(&losses, 0), targets, packed),
    }
}
