//! One update.

use std::time::Instant;

use octo_data::sampler::Batch;
use octo_plugin::types::{DataSource, Metric, Progress};

use super::Midtraining;
use super::gradients::{Gradients, SequenceLoss};
use super::record::now;
use crate::control::Clock;
use crate::error::TrainError;
use crate::hardware;
use crate::optimizer::clip::clip_scale;

/// What a step did.
pub(super) struct StepOutcome {
    /// The step's number, counted from 1.
    pub(super) step: u64,
    /// Tokens that the stage has seen with it.
    pub(super) tokens: u64,
    pub(super) learning_rate: f64,
    /// Names of the sources; the lists below are in their order.
    pub(super) sources: Vec<String>,
    /// Weights that the mixture plugin gave.
    pub(super) weights: Vec<f64>,
    /// Shares of the sequences drawn since the start.
    pub(super) realised_shares: Vec<f64>,
    /// Mean loss of the tokens that each source's sequences predict, where there were some.
    pub(super) source_loss: Vec<Option<f64>>,
    /// Names of the sources that are at their `max_epochs`.
    pub(super) capped_sources: Vec<String>,
    /// Mean loss of all tokens that the batch predicts: what the update lowers.
    pub(super) loss: f64,
    /// Norm of all gradients together, before clipping.
    pub(super) gradient_norm: f64,
    /// Why the update was skipped, where it was.
    pub(super) skipped: Option<String>,
    /// Updates that the stage has skipped, this one included.
    pub(super) skipped_steps: u64,
    pub(super) tokens_per_second: f64,
    /// Share of the device's peak, where that is known.
    pub(super) utilisation: Option<f64>,
    pub(super) peak_memory_bytes: Option<u64>,
    /// Seconds since 1970 at which the update was done.
    pub(super) time: f64,
    /// Held-out loss after the step, where an evaluation was due.
    pub(super) held_out_loss: Option<f64>,
    /// The latest held-out loss, of this step or an earlier one.
    pub(super) latest_held_out_loss: Option<f64>,
}

/// What a step trains on.
struct Plan {
    sources: Vec<String>,
    weights: Vec<f64>,
    /// This rank's sequences.
    own: Batch,
}

impl Midtraining<'_> {
    /// One update, and its record; returns the progress line.
    pub(super) fn step(&mut self, clock: &Clock) -> Result<String, TrainError> {
        let outcome = self.run_step()?;
        if let Some(files) = &mut self.files {
            files.log.append(&outcome.record())?;
        }
        self.end_where_diverged()?;
        Ok(outcome.progress_line(self.config.steps(), clock))
    }

    fn run_step(&mut self) -> Result<StepOutcome, TrainError> {
        let started = Instant::now();
        let Plan { sources, weights, own } = self.plan()?;
        let learning_rate = self.rate.at(self.state.step);
        let gradients = self.gradients(&own)?;
        let (loss, source_loss) = means(&gradients.losses, sources.len());
        self.state.step += 1;
        self.state.tokens += self.config.tokens_per_step();
        let skipped = self.update(&gradients, loss, &source_loss, learning_rate);
        let tokens_per_second = self.config.tokens_per_step() as f64 / started.elapsed().as_secs_f64().max(1e-9);
        let peak_memory_bytes = hardware::peak_memory_bytes(self.model.device());
        let time = now();
        let held_out_loss = self.evaluate_where_due()?;
        Ok(StepOutcome {
            step: self.state.step,
            tokens: self.state.tokens,
            learning_rate,
            sources,
            weights,
            realised_shares: self.sampler.realised_shares(),
            source_loss,
            capped_sources: self.sampler.capped().into_iter().map(str::to_owned).collect(),
            loss,
            gradient_norm: gradients.norm,
            skipped,
            skipped_steps: self.state.skipped,
            tokens_per_second,
            utilisation: self.peak_flops.map(|peak| tokens_per_second * self.flops_per_token / peak),
            peak_memory_bytes,
            time,
            held_out_loss,
            latest_held_out_loss: self.state.held_out_loss,
        })
    }

    /// Asks the mixture plugin for weights and draws the step's sequences.
    fn plan(&mut self) -> Result<Plan, TrainError> {
        let step = self.state.step;
        let (at, sources) = self.progress();
        let weights =
            self.mixture.weights(&at, &sources).map_err(|failure| TrainError::plugin("mixture", step, failure))?;
        let capped = self.sampler.capped().len();
        // Every rank follows the order of the whole batch, and reads its own part of it.
        let own = self.sampler.next_batch_of(self.ranks.place(), &weights, self.config.sequences_per_step)?;
        if self.sampler.capped().len() > capped {
            let ended = self.sampler.capped().join(", ");
            tracing::warn!("step {}: at their `max_epochs`, giving no more: {ended}", step + 1);
        }
        Ok(Plan { sources: sources.into_iter().map(|source| source.name).collect(), weights, own })
    }

    /// Updates the weights, or gives the reason why the update is skipped.
    fn update(
        &mut self,
        gradients: &Gradients,
        loss: f64,
        source_loss: &[Option<f64>],
        learning_rate: f64,
    ) -> Option<String> {
        let (state, norm) = (&mut self.state, gradients.norm);
        if let Some(reason) = state.recent.refuse(loss, norm, self.config.spike_rule()) {
            tracing::warn!("step {}: {reason}; the update is skipped", state.step);
            state.skipped += 1;
            state.skipped_in_a_row.push(format!("  step {}: {reason}", state.step));
            return Some(reason);
        }
        // Multiplying by 1 would be a pass over the gradients for nothing.
        let scale =
            (norm > self.config.gradient_clip).then(|| clip_scale(&gradients.norm_there, self.config.gradient_clip));
        self.optimiser.step_scaled(self.model.parameters(), learning_rate, scale.as_ref());
        state.skipped_in_a_row.clear();
        state.losses = (state.losses.0 + loss, state.losses.1 + 1);
        (state.loss, state.gradient_norm) = (Some(loss), Some(norm));
        state.source_loss = source_loss.to_vec();
        None
    }

    /// Ends the stage where too many updates in a row were skipped.
    fn end_where_diverged(&self) -> Result<(), TrainError> {
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

    /// What the mixture plugin gets: where the run stands, and each source.
    fn progress(&self) -> (Progress, Vec<DataSource>) {
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
}

/// The mean of all tokens that the sequences predict, and of those of each source's sequences where it has some.
///
/// That is the mean that the gradients are of, and the held-out loss: a mean of the sequences' own means would let a
/// sequence of many short documents, which predicts fewer tokens, weigh as much as a full one.
fn means(losses: &[SequenceLoss], sources: usize) -> (f64, Vec<Option<f64>>) {
    let mean = |of: &dyn Fn(&SequenceLoss) -> bool| {
        let (sum, predicted) = losses
            .iter()
            .filter(|loss| of(loss))
            .fold((0.0, 0.0), |(sum, predicted), loss| (sum + loss.sum, predicted + loss.predicted));
        (predicted > 0.0).then(|| sum / predicted)
    };
    let all = mean(&|_| true).unwrap_or(f64::NAN);
    (all, (0..sources).map(|source| mean(&|loss| loss.source == source)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_tokens_and_not_of_sequences() {
        let loss = |source, sum, predicted| SequenceLoss { source, sum, predicted };
        // Means of the sequences: 2, 6 and 1, whose mean would be 3.
        let losses = [loss(0, 2.0 * 12.0, 12.0), loss(0, 6.0 * 2.0, 2.0), loss(2, 1.0 * 10.0, 10.0)];
        let (all, by_source) = means(&losses, 3);
        assert_eq!(all, 46.0 / 24.0);
        assert_eq!(by_source, [Some(36.0 / 14.0), None, Some(1.0)]);
        assert!(means(&[], 1).0.is_nan());
    }
}
