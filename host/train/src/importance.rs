//! The gap between the engine that sampled and the trainer that learns, and its correction.
//!
//! Both run the same weights, but batches, caches and kernels differ, and with them the last digits of every
//! log-probability; on a GPU in half precision the gap can be large enough to spoil training. It is measured at every
//! step. On request rollouts are weighed by truncated importance sampling: min(trainer's ÷ engine's probability, cap).

use serde_json::{Value, json};

use crate::policy_loss::Form;

/// What the gap is over the tokens seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EngineGap {
    tokens: u64,
    sum: f64,
    largest: f64,
    divergence: f64,
}

impl EngineGap {
    /// Adds the tokens of one response: log-probabilities by the trainer and by the engine.
    pub fn add(&mut self, trainer: &[f32], engine: &[f32]) {
        for (trainer, engine) in trainer.iter().zip(engine) {
            let gap = f64::from(*trainer) - f64::from(*engine);
            self.tokens += 1;
            self.sum += gap.abs();
            // `max` would pass over a NaN, which is the worst of gaps.
            self.largest = if gap.is_nan() { f64::NAN } else { self.largest.max(gap.abs()) };
            self.divergence += gap.exp() - 1.0 - gap;
        }
    }

    /// Estimate of the divergence of the trainer's policy from the engine's in nats a token (k3, from the engine's
    /// samples); `None` where nothing was measured.
    pub fn divergence(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.divergence / self.tokens as f64)
    }

    /// The object that metrics hold: mean and largest absolute difference, in nats, and the divergence.
    pub fn record(&self) -> Option<Value> {
        let divergence = self.divergence()?;
        Some(json!({ "mean": self.sum / self.tokens as f64, "max": self.largest, "kl": divergence }))
    }
}

/// Multiplies a response's advantages by its truncated importance weights. A weight of each token; for the sequence
/// form, whose ratio is that of the whole response, one weight of the same kind for all. (A weight is positive, so
/// weighing the advantage and weighing the clipped gain are the same.)
pub fn weigh(advantages: &mut [f32], trainer: &[f32], engine: &[f32], cap: f64, form: Form) {
    let gap = |(trainer, engine): (&f32, &f32)| f64::from(*trainer) - f64::from(*engine);
    let gaps: Vec<f64> = trainer.iter().zip(engine).map(gap).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
    for (advantage, gap) in advantages.iter_mut().zip(gaps) {
        let gap = if form == Form::Sequence { mean } else { gap };
        *advantage *= gap.exp().min(cap) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_none_where_nothing_was_measured_and_zero_where_both_agree() {
        let mut gap = EngineGap::default();
        assert_eq!(gap.record(), None);
        gap.add(&[-1.0, -2.0], &[-1.0, -2.0]);
        assert_eq!(gap.record(), Some(json!({ "mean": 0.0, "max": 0.0, "kl": 0.0 })));
        gap.add(&[-1.0, -2.0], &[-1.5, -2.0]);
        let record = gap.record().expect("measured");
        assert_eq!((&record["mean"], &record["max"]), (&json!(0.125), &json!(0.5)));
        assert!((gap.divergence().expect("measured") - (0.5f64.exp() - 1.5) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn weights_are_capped_above_only() {
        let mut advantages = [2.0f32, 2.0];
        weigh(&mut advantages, &[-1.0, -3.0], &[-3.0, -1.0], 1.5, Form::Token);
        assert_eq!(advantages[0], 3.0);
        assert!((f64::from(advantages[1]) - 2.0 * (-2.0f64).exp()).abs() < 1e-6);
    }
}
