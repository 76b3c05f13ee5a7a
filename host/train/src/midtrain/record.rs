//! What is written down of a step and of the stage: lines of `metrics.jsonl`, `results.json` and the progress line.

use std::time::{SystemTime, UNIX_EPOCH};

use octo_record::{MidtrainResults, MidtrainStart, MidtrainStep};

use super::State;
use super::step::StepOutcome;
use crate::control::Clock;

impl StepOutcome {
    /// The step's line in `metrics.jsonl`.
    pub(super) fn record(&self) -> MidtrainStep {
        let by_source = |values: &[f64]| self.sources.iter().cloned().zip(values.iter().copied()).collect();
        let source_loss = self.sources.iter().zip(&self.source_loss);
        let is_finite = self.loss.is_finite() && self.gradient_norm.is_finite();
        MidtrainStep {
            step: self.step,
            tokens: self.tokens,
            learning_rate: self.learning_rate,
            mixture: by_source(&self.weights),
            realised_share: by_source(&self.realised_shares),
            capped_sources: self.capped_sources.clone(),
            loss: is_finite.then_some(self.loss),
            gradient_norm: is_finite.then_some(self.gradient_norm),
            source_loss: is_finite
                .then(|| source_loss.filter_map(|(name, loss)| Some((name.clone(), (*loss)?))).collect()),
            skipped: self.skipped.clone(),
            skipped_steps: self.skipped.is_some().then_some(self.skipped_steps),
            tokens_per_second: self.tokens_per_second,
            model_flops_utilisation: self.utilisation,
            peak_memory_bytes: self.peak_memory_bytes,
            time: self.time,
            held_out_loss: self.held_out_loss,
        }
    }

    /// What a person reads after the step, of `total` steps.
    pub(super) fn progress_line(&self, total: u64, clock: &Clock) -> String {
        let StepOutcome { step, loss, learning_rate, tokens_per_second, .. } = self;
        let mut line =
            format!("step {step}/{total}  loss {loss:.4}  lr {learning_rate:.2e}  {tokens_per_second:.0} tokens/s");
        if let Some(held_out) = self.latest_held_out_loss {
            line += &format!("  held out {held_out:.4}");
        }
        if let Some(share) = self.utilisation {
            line += &format!("  MFU {:.1}%", 100.0 * share);
        }
        if let Some(bytes) = self.peak_memory_bytes {
            line += &format!("  {:.1} GiB", bytes as f64 / f64::from(1 << 30));
        }
        if self.skipped_steps > 0 {
            line += &format!("  {} skipped", self.skipped_steps);
        }
        format!("{line}  {}", clock.eta(*step))
    }
}

/// The line of the evaluation before the first step.
pub(super) fn evaluation_before(held_out_loss: f64) -> MidtrainStart {
    MidtrainStart { held_out_loss, step: 0, time: now(), tokens: 0 }
}

/// `results.json`.
pub(super) fn results(state: &State) -> MidtrainResults {
    MidtrainResults {
        steps: state.step,
        tokens: state.tokens,
        loss: state.loss,
        held_out_loss_before: state.held_out_first,
        held_out_loss: state.held_out_loss,
        skipped_steps: state.skipped,
    }
}

/// Seconds since 1970, for whoever draws metrics over time.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
