//! The loss on documents that are not trained on: the same windows every time.

use std::path::PathBuf;

use octo_data::sampler::Sampler;
use octo_data::token_source::TokenSource;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Model, next_token_losses};
use tch::{Kind, Tensor};

use super::gradients::numbered;
use super::record::evaluation_before;
use super::{MidtrainConfig, Midtraining};
use crate::error::TrainError;
use crate::ranks::Ranks;

/// Windows per forward pass where the config leaves it open: evaluation keeps no activations, so it is not memory that
/// limits it.
const AT_ONCE: usize = 4;

/// Windows of context + 1 tokens, with documents apart where training has them apart.
pub(super) struct HeldOut {
    width: usize,
    /// Tokens of all windows, end to end.
    tokens: Vec<i64>,
    /// For every token, the number of its document within the window; empty where documents are not apart.
    documents: Vec<i64>,
    /// Tokens that all windows predict.
    predicted: usize,
    count: usize,
}

impl HeldOut {
    /// Cuts the documents of `files` into windows, in an order drawn from the seed, and keeps as many as the config
    /// wants: at most one epoch. None where there are no files.
    pub(super) fn read(
        files: &[PathBuf],
        tokenizer: &Tokenizer,
        config: &MidtrainConfig,
        seed: u64,
    ) -> Result<Option<HeldOut>, TrainError> {
        if files.is_empty() {
            return Ok(None);
        }
        let source = TokenSource::from_documents("held_out", files, tokenizer)?;
        let whole = (source.tokens() / config.context as u64).max(1);
        let count = config.held_out_sequences.min(usize::try_from(whole).unwrap_or(usize::MAX));
        let batch = Sampler::new(vec![source], config.context, seed)?.next_batch(&[1.0], count)?;
        let width = config.context + 1;
        Ok(Some(HeldOut {
            width,
            tokens: batch.tokens.iter().map(|token| i64::from(*token)).collect(),
            documents: if config.separate_documents { numbered(&batch.segments, width) } else { Vec::new() },
            predicted: batch.segments.iter().map(|starts| config.predicted(starts)).sum(),
            count,
        }))
    }

    /// Mean loss of the tokens that training would predict in these windows, in nats. Each rank evaluates its part.
    fn loss(&self, model: &Model, ranks: &Ranks, at_once: usize) -> Result<f64, TrainError> {
        let own = ranks.place().part_of(self.count);
        let mut losses = vec![0.0; self.count];
        for start in own.clone().step_by(at_once.max(1)) {
            let rows = start..(start + at_once.max(1)).min(own.end);
            let of_rows = |numbers: &[i64]| -> Result<Tensor, TrainError> {
                let numbers = Tensor::from_slice(&numbers[rows.start * self.width..rows.end * self.width]);
                Ok(numbers.f_view([rows.len() as i64, self.width as i64])?.f_to_device(model.device())?)
            };
            let documents = (!self.documents.is_empty()).then(|| of_rows(&self.documents)).transpose()?;
            let of_tokens = next_token_losses(model, &of_rows(&self.tokens)?, documents.as_ref())?;
            let sums = of_tokens.f_sum_dim_intlist(Some([1i64].as_slice()), false, Kind::Double)?;
            losses[rows].copy_from_slice(&Vec::<f64>::try_from(&sums)?);
        }
        ranks.sum_double(&mut losses)?;
        Ok(losses.iter().sum::<f64>() / self.predicted as f64)
    }
}

impl Midtraining<'_> {
    /// Evaluates before the first step, where there is something to measure on, and records it as step 0.
    pub(super) fn evaluate_before(&mut self) -> Result<(), TrainError> {
        let Some(loss) = self.held_out_loss()? else { return Ok(()) };
        (self.state.held_out_first, self.state.held_out_loss) = (Some(loss), Some(loss));
        self.files.as_mut().map_or(Ok(()), |files| files.log.append(&evaluation_before(loss)))
    }

    /// The held-out loss after a step, where an evaluation is due.
    pub(super) fn evaluate_where_due(&mut self) -> Result<Option<f64>, TrainError> {
        let (step, every) = (self.state.step, self.config.evaluate_every);
        if step < self.config.steps() && (every == 0 || !step.is_multiple_of(every)) {
            return Ok(None);
        }
        let found = self.held_out_loss()?;
        self.state.held_out_loss = found.or(self.state.held_out_loss);
        Ok(found)
    }

    fn held_out_loss(&self) -> Result<Option<f64>, TrainError> {
        let at_once = if self.config.sequences_per_forward == 0 { AT_ONCE } else { self.config.sequences_per_forward };
        self.held_out.as_ref().map(|held_out| held_out.loss(&self.model, &self.ranks, at_once)).transpose()
    }
}
