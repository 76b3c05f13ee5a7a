//! The train–inference mismatch, and its correction by importance weights.
//!
//! The engine that samples and the trainer that learns run the same weights, but batches, caches and kernels differ,
//! and with them the last digits of every log-probability; on a GPU in half precision the mismatch can be large enough
//! to spoil training. It is measured at every step. On request rollouts are weighed by truncated importance sampling:
//! min(trainer's ÷ engine's probability, cap).

use crate::rl::algorithm::loss::ImportanceRatio;
use crate::rl::algorithm::rounding::PassNoise;

/// How far the trainer's log-probabilities are from the engine's, over the tokens seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrainInferenceMismatch {
    tokens: u64,
    sum: f64,
    squares: f64,
    largest: f64,
    divergence: f64,
}

impl TrainInferenceMismatch {
    /// Adds the tokens of one response: log-probabilities by the trainer and by the engine.
    pub fn add(&mut self, trainer: &[f32], engine: &[f32]) {
        for (trainer, engine) in trainer.iter().zip(engine) {
            let difference = f64::from(*trainer) - f64::from(*engine);
            self.tokens += 1;
            self.sum += difference.abs();
            self.squares += difference * difference;
            // `max` would pass over a NaN, which is the worst of mismatches.
            self.largest = if difference.is_nan() { f64::NAN } else { self.largest.max(difference.abs()) };
            self.divergence += difference.exp() - 1.0 - difference;
        }
    }

    /// Estimate of the divergence of the trainer's policy from the engine's in nats per token (k3, from the engine's
    /// samples); `None` where nothing was measured.
    pub fn divergence(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.divergence / self.tokens as f64)
    }

    /// What rounding does to a log-probability, as far as it was measured: two computations of the same number.
    pub fn noise(&self) -> PassNoise {
        let deviation = (self.squares / self.tokens.max(1) as f64).sqrt();
        PassNoise { deviation, largest: self.largest }
    }

    /// What metrics hold: mean and largest absolute difference, in nats, and the divergence.
    pub fn record(&self) -> Option<octo_record::TrainInferenceMismatch> {
        let kl = self.divergence()?;
        Some(octo_record::TrainInferenceMismatch { mean: self.sum / self.tokens as f64, max: self.largest, kl })
    }
}

/// Multiplies a response's advantages by its truncated importance weights: a weight of each token, or, where the loss
/// has the ratio of the whole response, one weight of the same kind for all. (A weight is positive, so weighing the
/// advantage and weighing the clipped gain are the same.)
pub fn weigh(advantages: &mut [f32], trainer: &[f32], engine: &[f32], cap: f64, ratio: ImportanceRatio) {
    let difference = |(trainer, engine): (&f32, &f32)| f64::from(*trainer) - f64::from(*engine);
    let differences: Vec<f64> = trainer.iter().zip(engine).map(difference).collect();
    let mean = differences.iter().sum::<f64>() / differences.len().max(1) as f64;
    for (advantage, difference) in advantages.iter_mut().zip(differences) {
        let difference = if ratio == ImportanceRatio::Sequence { mean } else { difference };
        *advantage *= difference.exp().min(cap) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mismatch_is_none_where_nothing_was_measured_and_zero_where_both_agree() {
        let mut mismatch = TrainInferenceMismatch::default();
        assert_eq!(mismatch.record(), None);
        mismatch.add(&[-1.0, -2.0], &[-1.0, -2.0]);
        let record = mismatch.record().expect("measured");
        assert_eq!((record.mean, record.max, record.kl), (0.0, 0.0, 0.0));
        mismatch.add(&[-1.0, -2.0], &[-1.5, -2.0]);
        let record = mismatch.record().expect("measured");
        assert_eq!((record.mean, record.max), (0.125, 0.5));
        assert_eq!(mismatch.noise(), PassNoise { deviation: 0.25, largest: 0.5 });
        assert!((mismatch.divergence().expect("measured") - (0.5f64.exp() - 1.5) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn weights_are_capped_above_only() {
        let mut advantages = [2.0f32, 2.0];
        weigh(&mut advantages, &[-1.0, -3.0], &[-3.0, -1.0], 1.5, ImportanceRatio::Token);
        assert_eq!(advantages[0], 3.0);
        assert!((f64::from(advantages[1]) - 2.0 * (-2.0f64).exp()).abs() < 1e-6);
    }
}
