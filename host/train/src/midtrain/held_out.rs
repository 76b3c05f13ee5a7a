//! The loss on documents that are not trained on: the same windows every time.

use std::path::PathBuf;

use octo_data::sampler::Sampler;
use octo_data::token_source::TokenSource;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Model, ResponseBatch, token_log_probabilities};
use serde_json::{Map, Value, json};
use tch::Kind;

use super::step::now;
use super::{MidtrainConfig, Midtraining};
use crate::error::TrainError;
use crate::ranks::Ranks;

/// Windows evaluated at once where the config leaves it open: evaluation keeps no activations, so it is not memory
/// that limits it.
const AT_ONCE: usize = 4;

/// Windows of context + 1 tokens.
pub(super) struct HeldOut {
    windows: Vec<Vec<u32>>,
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
        Ok(Some(HeldOut { windows: batch.tokens.chunks(config.context + 1).map(<[u32]>::to_vec).collect() }))
    }

    /// Mean loss a token, in nats. Each rank evaluates its share.
    fn loss(&self, model: &Model, ranks: &Ranks, at_once: usize) -> Result<f64, TrainError> {
        let own = ranks.share(self.windows.len());
        let mut losses = vec![0.0; self.windows.len()];
        let starts: Vec<usize> = own.clone().step_by(at_once).collect();
        for start in starts {
            let rows = start..(start + at_once).min(own.end);
            let (prompts, responses): (Vec<&[u32]>, Vec<&[u32]>) =
                self.windows[rows.clone()].iter().map(|window| window.split_at(1)).unzip();
            let batch = ResponseBatch::new(&prompts, &responses, model.device())?;
            let found = token_log_probabilities(model, &batch, 1.0, false).log_probabilities;
            let means =
                found.f_view([rows.len() as i64, -1])?.f_mean_dim(Some([1i64].as_slice()), false, Kind::Double)?;
            losses[rows].copy_from_slice(&Vec::<f64>::try_from(&means.neg())?);
        }
        ranks.sum_double(&mut losses)?;
        Ok(losses.iter().sum::<f64>() / losses.len() as f64)
    }
}

impl Midtraining<'_> {
    /// Before the first step: a line of step 0, where there is something to measure on.
    pub(super) fn measure_before(&mut self) -> Result<(), TrainError> {
        let Some(loss) = self.held_out_loss()? else { return Ok(()) };
        (self.state.held_out_first, self.state.held_out_loss) = (Some(loss), Some(loss));
        let record = json!({ "step": 0, "tokens": 0, "held_out_loss": loss, "time": now() });
        self.files.as_mut().map_or(Ok(()), |files| files.log.append(&record))
    }

    /// After a step, where an evaluation is due: into the step's record.
    pub(super) fn measure(&mut self, record: &mut Map<String, Value>) -> Result<(), TrainError> {
        let (step, every) = (self.state.step, self.config.evaluate_every);
        if step < self.config.steps() && (every == 0 || !step.is_multiple_of(every)) {
            return Ok(());
        }
        if let Some(loss) = self.held_out_loss()? {
            self.state.held_out_loss = Some(loss);
            record.insert("held_out_loss".to_owned(), json!(loss));
        }
        Ok(())
    }

    fn held_out_loss(&self) -> Result<Option<f64>, TrainError> {
        let at_once = if self.config.sequences_per_forward == 0 { AT_ONCE } else { self.config.sequences_per_forward };
        self.held_out.as_ref().map(|held_out| held_out.loss(&self.model, &self.ranks, at_once)).transpose()
    }
}
