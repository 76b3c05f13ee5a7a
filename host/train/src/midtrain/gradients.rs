//! The gradients of a batch, summed over the ranks.

use octo_data::sampler::Batch;
use octo_model::{NextTokenOptions, next_token_backward_with};
use octo_shim::upload;
use tch::{Kind, Tensor};

use super::Midtraining;
use crate::error::TrainError;
use crate::optimizer::clip::{clear_gradients, global_norm};
use crate::ranks::sum_gradients;

/// What a backward pass over the whole batch found; the gradients themselves are with the parameters.
pub(super) struct Gradients {
    /// The loss of every sequence of the batch.
    pub(super) losses: Vec<SequenceLoss>,
    /// Norm of all gradients together.
    pub(super) norm: f64,
    /// The norm as a tensor on the device.
    pub(super) norm_there: Tensor,
}

/// The loss of one sequence, as a sum: where documents are apart, sequences predict different numbers of tokens, and
/// only a mean over tokens is what is optimised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SequenceLoss {
    /// The source that it was drawn from.
    pub(super) source: usize,
    /// Sum of the losses of the tokens that it predicts, in nats.
    pub(super) sum: f64,
    /// Their number.
    pub(super) predicted: f64,
}

impl Midtraining<'_> {
    /// Gradients of the mean loss over all tokens of the batch, of which this rank has the sequences `own`.
    ///
    /// A step reads from the device once, here: losses and norm in one tensor, because whether the update is made
    /// depends on them. What comes before it is queued without a wait: tokens and positions go there from pinned
    /// memory, documents are separated on the host, chunks of the loss add up where they are, and the norm is one
    /// launch. What comes after it, scaling and update, is queued too and runs while the host draws the next batch.
    /// Besides, ranks without NCCL read all gradients to add them up, and an evaluation reads its losses.
    pub(super) fn gradients(&self, own: &Batch) -> Result<Gradients, TrainError> {
        let sequences = self.config.sequences_per_step;
        clear_gradients(self.model.parameters());
        let of_sequences = self.backward(own)?;
        sum_gradients(&self.ranks, self.model.parameters())?;
        let norm_there = global_norm(self.model.parameters());
        let read = Tensor::f_cat(&[of_sequences, norm_there.view([1]).to_kind(Kind::Double)], 0)?;
        let read = Vec::<f64>::try_from(&read)?;
        // Three numbers of each sequence. Every other rank's part is zero here, so the sum puts them together and
        // rounds nothing.
        let mut shared = vec![0.0; 3 * sequences];
        let part = self.ranks.place().part_of(sequences);
        for (index, ((sum, source), starts)) in part.zip(read.iter().zip(&own.source).zip(&own.segments)) {
            let of_sequence = [*source as f64, *sum, self.config.predicted(starts) as f64];
            shared[3 * index..3 * index + 3].copy_from_slice(&of_sequence);
        }
        self.ranks.sum_double(&mut shared)?;
        let sequence = |of: &[f64]| SequenceLoss { source: of[0] as usize, sum: of[1], predicted: of[2] };
        let losses = shared.chunks_exact(3).map(sequence).collect();
        Ok(Gradients { losses, norm: read.last().copied().unwrap_or(f64::NAN), norm_there })
    }

    /// Adds the gradients of the sequences `own` to the parameters'; returns each one's summed loss, f64 on the device.
    fn backward(&self, own: &Batch) -> Result<Tensor, TrainError> {
        let width = self.config.context + 1;
        let device = self.model.device();
        let count = own.source.len();
        let rows = |numbers: &[i64]| Tensor::from_slice(numbers).f_view([count as i64, width as i64]);
        let tokens: Vec<i64> = own.tokens.iter().map(|token| i64::from(*token)).collect();
        let tokens = upload(&rows(&tokens)?, device)?;
        // These stay on the host, where they are looked at.
        let segments = match self.config.separate_documents {
            true => Some(rows(&numbered(&own.segments, width))?),
            false => None,
        };
        let predicted: Vec<f64> = own.segments.iter().map(|starts| self.config.predicted(starts) as f64).collect();
        let weight = 1.0 / self.predicted_by_all(&predicted)?;
        let per_pass = if self.config.sequences_per_forward == 0 { count } else { self.config.sequences_per_forward };
        let mut losses = Vec::new();
        for start in (0..count).step_by(per_pass.max(1)) {
            let rows = per_pass.min(count - start) as i64;
            let segments = segments.as_ref().map(|segments| segments.narrow(0, start as i64, rows));
            let options = NextTokenOptions { recompute: self.config.recompute, segments: segments.as_ref() };
            let of_tokens =
                next_token_backward_with(&self.model, &tokens.narrow(0, start as i64, rows), weight, &options)?;
            losses.push(of_tokens.f_sum_dim_intlist(Some([1i64].as_slice()), false, Kind::Double)?);
        }
        Ok(Tensor::f_cat(&losses, 0)?)
    }

    /// Tokens that all ranks together predict. Where documents are apart it depends on where they begin, which only the
    /// rank that reads a sequence knows; else it is the same for every sequence.
    fn predicted_by_all(&self, own: &[f64]) -> Result<f64, TrainError> {
        if !self.config.separate_documents {
            return Ok(self.config.tokens_per_step() as f64);
        }
        let mut sum = [own.iter().sum()];
        self.ranks.sum_double(&mut sum)?;
        Ok(sum[0])
    }
}

/// The documents of each sequence, numbered: one number for each of its `width` tokens. The last token is only
/// predicted, and counts to the document before it.
pub(super) fn numbered(segments: &[Vec<u32>], width: usize) -> Vec<i64> {
    let mut numbers = Vec::with_capacity(segments.len() * width);
    for starts in segments {
        let mut number = 0;
        for at in 0..width {
            while starts.get(number + 1).is_some_and(|start| *start as usize <= at) {
                number += 1;
            }
            numbers.push(number as i64);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_has_the_number_of_its_document() {
        assert_eq!(numbered(&[vec![0, 2, 3], vec![0]], 5), [0, 0, 1, 2, 2, 0, 0, 0, 0, 0]);
    }
}
