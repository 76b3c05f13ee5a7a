//! One update, and what is told about it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use octo_data::sampler::Batch;
use octo_model::{NextTokenOptions, next_token_backward_with};
use octo_plugin::types::{DataSource, Metric, Progress};
use octo_shim::upload;
use serde_json::{Map, Value, json};
use tch::{Kind, Tensor};

use super::Midtraining;
use crate::control::Clock;
use crate::error::TrainError;
use crate::gradient_clip::{clear_gradients, clip_scale, global_norm};
use crate::hardware;
use crate::ranks::sum_gradients;

impl Midtraining<'_> {
    /// One update; returns the progress line.
    pub(super) fn step(&mut self, clock: &Clock) -> Result<String, TrainError> {
        let started = Instant::now();
        let (step, total) = (self.state.step, self.config.steps());
        let (at, sources) = self.told();
        let weights =
            self.mixture.weights(&at, &sources).map_err(|failure| TrainError::policy("mixture", step, failure))?;
        let capped = self.sampler.capped().len();
        // Every rank follows the order of the whole batch, and reads its own part of it.
        let own = self.sampler.next_batch_of(self.ranks.place(), &weights, self.config.sequences_per_step)?;
        if self.sampler.capped().len() > capped {
            let ended = self.sampler.capped().join(", ");
            tracing::warn!("step {}: at their max_epochs, giving no more: {ended}", step + 1);
        }
        let learning_rate = self.rate.at(step);
        let (losses, norm) = self.gradients(&own)?;
        let (loss, source_loss) = means(&losses, sources.len());
        let state = &mut self.state;
        state.step += 1;
        state.tokens += self.config.tokens_per_step();
        let mut record = Map::new();
        let mut put = |key: &str, value: Value| {
            record.insert(key.to_owned(), value);
        };
        put("step", json!(state.step));
        put("tokens", json!(state.tokens));
        put("learning_rate", json!(learning_rate));
        let named = || sources.iter().map(|source| source.name.clone());
        put("mixture", named().zip(weights.iter().map(|weight| json!(weight))).collect());
        let realised = self.sampler.realised_shares().into_iter().map(|share| json!(share));
        put("realised_share", named().zip(realised).collect());
        if !self.sampler.capped().is_empty() {
            put("capped_sources", json!(self.sampler.capped()));
        }
        if loss.is_finite() && norm.value.is_finite() {
            put("loss", json!(loss));
            put("gradient_norm", json!(norm.value));
            let known = named().zip(&source_loss).filter_map(|(name, loss)| Some((name, json!((*loss)?))));
            put("source_loss", Value::Object(known.collect()));
        }
        match state.recent.refuse(loss, norm.value, self.config.spike_sigma) {
            None => {
                // Multiplying by 1 would be a pass over the gradients for nothing.
                let scale = (norm.value > self.config.gradient_clip)
                    .then(|| clip_scale(&norm.tensor, self.config.gradient_clip));
                self.optimiser.step_scaled(self.model.parameters(), learning_rate, scale.as_ref());
                state.skipped_in_a_row.clear();
                state.losses = (state.losses.0 + loss, state.losses.1 + 1);
                (state.loss, state.gradient_norm) = (Some(loss), Some(norm.value));
                state.source_loss = source_loss;
            }
            Some(reason) => {
                tracing::warn!("step {}: {reason}; the update is skipped", state.step);
                state.skipped += 1;
                put("skipped", json!(reason));
                put("skipped_steps", json!(state.skipped));
                state.skipped_in_a_row.push(format!("  step {}: {reason}", state.step));
            }
        }
        let speed = self.config.tokens_per_step() as f64 / started.elapsed().as_secs_f64().max(1e-9);
        let utilisation = self.peak_flops.map(|peak| speed * self.flops_per_token / peak);
        let memory = hardware::peak_memory_bytes(self.model.device());
        put("tokens_per_second", json!(speed));
        if let Some(share) = utilisation {
            put("model_flops_utilisation", json!(share));
        }
        if let Some(bytes) = memory {
            put("peak_memory_bytes", json!(bytes));
        }
        put("time", json!(now()));
        self.measure(&mut record)?;
        if let Some(files) = &mut self.files {
            files.log.append(&record)?;
        }
        self.give_up()?;
        let state = &self.state;
        let mut line =
            format!("step {}/{total}  loss {loss:.4}  lr {learning_rate:.2e}  {speed:.0} tokens/s", state.step);
        if let Some(held_out) = state.held_out_loss {
            line += &format!("  held out {held_out:.4}");
        }
        if let Some(share) = utilisation {
            line += &format!("  MFU {:.1}%", 100.0 * share);
        }
        if let Some(bytes) = memory {
            line += &format!("  {:.1} GiB", bytes as f64 / f64::from(1 << 30));
        }
        if state.skipped > 0 {
            line += &format!("  {} skipped", state.skipped);
        }
        Ok(format!("{line}  {}", clock.eta(state.step)))
    }

    /// Ends the stage where too many updates in a row were not made.
    fn give_up(&self) -> Result<(), TrainError> {
        let reasons = &self.state.skipped_in_a_row;
        if (reasons.len() as u64) < self.config.skipped_steps_limit.max(1) {
            return Ok(());
        }
        let checkpoint = match self.saved {
            Some(step) => format!("The newest checkpoint is that of step {step}."),
            None => "There is no checkpoint yet.".to_owned(),
        };
        Err(TrainError::Diverged {
            step: self.state.step,
            in_a_row: reasons.len() as u64,
            report: reasons.join("\n"),
            checkpoint,
        })
    }

    /// What the policy is told: where the run stands, and each source.
    fn told(&self) -> (Progress, Vec<DataSource>) {
        let state = &self.state;
        let metrics =
            [("loss", state.loss), ("gradient_norm", state.gradient_norm), ("held_out_loss", state.held_out_loss)];
        let metrics =
            metrics.into_iter().filter_map(|(name, value)| Some(Metric { name: name.to_owned(), value: value? }));
        let at = Progress {
            stage: self.config.stage_name.clone(),
            step: state.step,
            total_steps: self.config.steps(),
            tokens: state.tokens,
            total_tokens: self.config.steps() * self.config.tokens_per_step(),
            metrics: metrics.collect(),
        };
        let tokens = self.sampler.tokens_available().into_iter().zip(self.sampler.tokens_seen());
        let sources = self.sampler.names().into_iter().zip(tokens).zip(&state.source_loss);
        let sources = sources.map(|((name, (tokens_available, tokens_seen)), loss)| DataSource {
            name: name.to_owned(),
            tokens_available,
            tokens_seen,
            loss: *loss,
        });
        (at, sources.collect())
    }

    /// Gradients of the mean loss over all tokens of the batch, summed over the ranks, of which this one has the
    /// sequences `own`; returns source and mean loss of every sequence of the batch, and the gradients' norm.
    ///
    /// A step reads from the device once, here: losses and norm in one tensor, because whether the update is made
    /// depends on them. What comes before it is queued without a wait: tokens and positions go there from pinned memory,
    /// documents are told apart on the host, chunks of the loss add up where they are, and the norm is one launch. What
    /// comes behind it, scaling and update, is queued too and runs while the host draws the next batch. Besides, ranks
    /// without NCCL read all gradients to add them up, and an evaluation reads its losses.
    fn gradients(&self, own: &Batch) -> Result<(Vec<(usize, f64)>, Norm), TrainError> {
        let sequences = self.config.sequences_per_step;
        clear_gradients(self.model.parameters());
        let of_sequences = self.backward(own)?;
        sum_gradients(&self.ranks, self.model.parameters())?;
        let tensor = global_norm(self.model.parameters());
        let read = Tensor::f_cat(&[of_sequences, tensor.view([1]).to_kind(Kind::Double)], 0)?;
        let read = Vec::<f64>::try_from(&read)?;
        // Losses, and behind them sources. Every other rank's part is zero here, so the sum puts them together and
        // rounds nothing.
        let mut told = vec![0.0; 2 * sequences];
        let part = self.ranks.place().part_of(sequences);
        for (index, (loss, source)) in part.zip(read.iter().zip(&own.source)) {
            (told[index], told[sequences + index]) = (*loss, *source as f64);
        }
        self.ranks.sum_double(&mut told)?;
        let (losses, sources) = told.split_at(sequences);
        let losses = sources.iter().map(|source| *source as usize).zip(losses.iter().copied()).collect();
        let value = read.last().copied().unwrap_or(f64::NAN);
        Ok((losses, Norm { value, tensor }))
    }

    /// Adds the gradients of the sequences `own` to the parameters'; returns each one's mean loss, f64 on the device.
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
        let at_once = if self.config.sequences_per_forward == 0 { count } else { self.config.sequences_per_forward };
        let mut losses = Vec::new();
        for start in (0..count).step_by(at_once.max(1)) {
            let rows = at_once.min(count - start) as i64;
            let segments = segments.as_ref().map(|segments| segments.narrow(0, start as i64, rows));
            let options = NextTokenOptions { recompute: self.config.recompute, segments: segments.as_ref() };
            let of_tokens =
                next_token_backward_with(&self.model, &tokens.narrow(0, start as i64, rows), weight, &options)?;
            losses.push(of_tokens.f_sum_dim_intlist(Some([1i64].as_slice()), false, Kind::Double)?);
        }
        let predicted = upload(&Tensor::from_slice(&predicted), device)?;
        Ok(Tensor::f_cat(&losses, 0)? / predicted)
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

/// The gradients' norm, read and on the device.
struct Norm {
    value: f64,
    tensor: Tensor,
}

/// The mean of all sequences, and of each source's where it has some, from source and loss of each.
fn means(losses: &[(usize, f64)], sources: usize) -> (f64, Vec<Option<f64>>) {
    let mean = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let of = |source: usize| losses.iter().filter(move |(other, _)| *other == source).map(|(_, loss)| *loss);
    let all = mean(losses.iter().map(|(_, loss)| *loss).collect()).unwrap_or(f64::NAN);
    (all, (0..sources).map(|source| mean(of(source).collect())).collect())
}

/// Seconds since 1970, for whoever draws metrics over time.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_has_the_number_of_its_document() {
        assert_eq!(numbered(&[vec![0, 2, 3], vec![0]], 5), [0, 0, 1, 2, 2, 0, 0, 0, 0, 0]);
    }
}
