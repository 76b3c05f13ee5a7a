//! Learning rate by step: warmup, then stable, then (for a decay stage) a fall to the final rate.
//!
//! OctoThinker's stable stage holds the peak throughout and its decay stages fall over the whole stage; with
//! `decay_steps` one stage can do both, as nanotron's `lr_decay_starting_step` does.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// What follows the warmup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The peak rate to the end.
    #[default]
    Stable,
    /// A fall from the peak to the final rate.
    Decay,
}

/// The curve of a decay, from 1 at its start to 0 at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DecayShape {
    /// Half a cosine wave.
    #[default]
    #[serde(rename = "cosine")]
    Cosine,
    /// A straight line.
    #[serde(rename = "linear")]
    Linear,
    /// 1 − √progress.
    #[serde(rename = "1-sqrt")]
    OneMinusSquareRoot,
}

/// The rate of every step of a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningRate {
    /// Highest rate, reached at the end of the warmup.
    pub peak: f64,
    /// Rate that a decay falls to after the last step.
    pub last: f64,
    /// Stable or decay.
    pub schedule: Schedule,
    /// Curve of the decay.
    pub shape: DecayShape,
    /// Steps of linear warmup from peak ÷ steps to peak.
    pub warmup_steps: u64,
    /// Steps that the decay takes at the stage's end; `None` is all steps behind the warmup.
    pub decay_steps: Option<u64>,
    /// Steps of the stage.
    pub total_steps: u64,
}

impl LearningRate {
    /// Refuses rates and step counts that make no sense, naming the config key.
    pub fn check(&self) -> Result<(), TrainError> {
        let rate = |key, value: f64| {
            if value.is_finite() && value >= 0.0 {
                Ok(())
            } else {
                Err(TrainError::config(key, format!("{value} is not a learning rate; use a number of at least 0")))
            }
        };
        rate("learning_rate", self.peak)?;
        rate("final_learning_rate", self.last)?;
        if self.warmup_steps > self.total_steps {
            let message = format!("{} is more than the stage's {} steps", self.warmup_steps, self.total_steps);
            return Err(TrainError::config("warmup_steps", message));
        }
        Ok(())
    }

    /// Rate of the update number `step`, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.peak * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let after_warmup = self.total_steps.saturating_sub(self.warmup_steps);
        let steps = self.decay_steps.unwrap_or(after_warmup).min(after_warmup);
        let start = self.total_steps - steps;
        if self.schedule == Schedule::Stable || steps == 0 || step < start {
            return self.peak;
        }
        let progress = ((step - start) as f64 / steps as f64).min(1.0);
        let share = match self.shape {
            DecayShape::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
            DecayShape::Linear => 1.0 - progress,
            DecayShape::OneMinusSquareRoot => 1.0 - progress.sqrt(),
        };
        self.last + (self.peak - self.last) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decay(shape: DecayShape) -> LearningRate {
        LearningRate {
            peak: 2e-5,
            last: 2e-6,
            schedule: Schedule::Decay,
            shape,
            warmup_steps: 0,
            decay_steps: None,
            total_steps: 100,
        }
    }

    fn close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-15, "{left} is not {right}");
    }

    #[test]
    fn decays_start_at_the_peak_and_end_at_the_final_rate() {
        for shape in [DecayShape::Cosine, DecayShape::Linear, DecayShape::OneMinusSquareRoot] {
            let rate = decay(shape);
            close(rate.at(0), 2e-5);
            close(rate.at(100), 2e-6);
            assert!((1..100).all(|step| rate.at(step) < rate.at(step - 1)), "{shape:?} must fall at every step");
        }
        close(decay(DecayShape::Cosine).at(50), 1.1e-5);
        close(decay(DecayShape::Linear).at(25), 1.55e-5);
        close(decay(DecayShape::OneMinusSquareRoot).at(25), 1.1e-5);
    }

    #[test]
    fn warmup_reaches_the_peak_and_stable_stays_there() {
        let rate = LearningRate { schedule: Schedule::Stable, warmup_steps: 4, ..decay(DecayShape::Cosine) };
        close(rate.at(0), 5e-6);
        close(rate.at(3), 2e-5);
        close(rate.at(99), 2e-5);
    }

    #[test]
    fn a_late_decay_leaves_the_steps_before_it_stable() {
        let rate = LearningRate { decay_steps: Some(20), ..decay(DecayShape::Linear) };
        close(rate.at(79), 2e-5);
        close(rate.at(80), 2e-5);
        close(rate.at(90), 1.1e-5);
    }

    #[test]
    fn impossible_schedules_are_refused_by_key() {
        let endless = LearningRate { warmup_steps: 101, ..decay(DecayShape::Linear) };
        assert!(endless.check().expect_err("warmup is too long").to_string().contains("warmup_steps"));
        let broken = LearningRate { peak: f64::NAN, ..decay(DecayShape::Linear) };
        assert!(broken.check().expect_err("NaN is no rate").to_string().contains("learning_rate"));
    }
}
