//! Learning rate by step: warmup, then stable, then (for a decay stage) a fall to the final rate.
//!
//! OctoThinker's stable stage holds the peak throughout and its decay stages fall over the whole stage; with
//! `decay_steps` one stage can do both, as nanotron's `lr_decay_starting_step` does.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// What follows the warmup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// The peak rate to the end.
    #[default]
    Stable,
    /// A fall from the peak to the final rate.
    Decay,
}

/// The curve of a decay, from 1 at its start to 0 at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
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
    /// The same factor at every step; needs a final rate above 0.
    #[serde(rename = "exponential")]
    Exponential,
}

/// How a warmup rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WarmupShape {
    /// A straight line from the start rate to the peak. The first step is one part of the way up.
    #[default]
    Linear,
    /// Half a cosine wave from the start rate to the peak.
    Cosine,
    /// The start rate for the whole warmup, then the peak.
    Constant,
}

/// The warmup at the beginning of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Warmup {
    /// Its length in steps; 0 stands for no warmup.
    pub steps: u64,
    /// Curve of the warmup.
    pub shape: WarmupShape,
    /// The rate that the warmup rises from.
    pub start: f64,
}

/// The rate of every step of a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningRate {
    /// Highest rate, reached at the end of the warmup.
    pub peak: f64,
    /// Rate that a decay falls to after the last step.
    pub last: f64,
    /// What follows the warmup: stable or decay.
    pub schedule: Schedule,
    /// Curve of the decay.
    pub shape: DecayShape,
    /// The warmup before the peak.
    pub warmup: Warmup,
    /// Steps that the decay takes at the stage's end; `None` stands for all steps after the warmup.
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
        rate("warmup_learning_rate", self.warmup.start)?;
        let Warmup { steps, shape, start } = self.warmup;
        if steps > self.total_steps {
            let message = format!("{steps} is more than the stage's {} steps", self.total_steps);
            return Err(TrainError::config("warmup_steps", message));
        }
        if steps > 0 && shape == WarmupShape::Constant && start == 0.0 {
            let message = "a constant warmup needs the rate that it holds; at 0 nothing would be learned";
            return Err(TrainError::config("warmup_learning_rate", message));
        }
        if steps == 0 && (start > 0.0 || shape != WarmupShape::default()) {
            let key = if start > 0.0 { "warmup_learning_rate" } else { "warmup_shape" };
            return Err(TrainError::config(
                key,
                "has no effect while `warmup_steps` is 0; set that too, or leave it out",
            ));
        }
        let decays = self.schedule == Schedule::Decay;
        if !decays && (self.decay_steps.is_some() || self.shape != DecayShape::default()) {
            let key = if self.decay_steps.is_some() { "decay_steps" } else { "decay_shape" };
            let message = "has no effect while `schedule` is `stable`, the rate of which never falls; set \
                           `schedule = \"decay\"`, or leave it out";
            return Err(TrainError::config(key, message));
        }
        if self.decay_steps == Some(0) {
            let message = "must be at least 1; leave it out for a fall over all steps after the warmup";
            return Err(TrainError::config("decay_steps", message));
        }
        if let Some(decay) = self.decay_steps.filter(|decay| *decay > self.total_steps - steps) {
            let (total, left) = (self.total_steps, self.total_steps - steps);
            let message = match steps {
                0 => format!("{decay} is more than the stage's {total} steps"),
                steps => format!("{decay} is more than the {left} steps that a warmup of {steps} leaves of {total}"),
            };
            return Err(TrainError::config("decay_steps", message));
        }
        if decays && self.shape == DecayShape::Exponential && (self.last <= 0.0 || self.peak <= 0.0) {
            let message = "an exponential decay never reaches 0; give a final rate above 0";
            return Err(TrainError::config("final_learning_rate", message));
        }
        Ok(())
    }

    /// Rate of the update number `step`, counted from 0.
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup.steps {
            return self.warming(step);
        }
        let after_warmup = self.total_steps.saturating_sub(self.warmup.steps);
        let steps = self.decay_steps.unwrap_or(after_warmup).min(after_warmup);
        let start = self.total_steps - steps;
        if self.schedule == Schedule::Stable || steps == 0 || step < start {
            return self.peak;
        }
        let progress = ((step - start) as f64 / steps as f64).min(1.0);
        let share = match self.shape {
            DecayShape::Cosine => 0.5 * (1.0 + (PI * progress).cos()),
            DecayShape::Linear => 1.0 - progress,
            DecayShape::OneMinusSquareRoot => 1.0 - progress.sqrt(),
            DecayShape::Exponential => return self.peak * (self.last / self.peak).powf(progress),
        };
        self.last + (self.peak - self.last) * share
    }

    fn warming(&self, step: u64) -> f64 {
        let Warmup { steps, shape, start } = self.warmup;
        let progress = (step + 1) as f64 / steps as f64;
        let share = match shape {
            WarmupShape::Linear => progress,
            WarmupShape::Cosine => 0.5 * (1.0 - (PI * progress).cos()),
            WarmupShape::Constant => 0.0,
        };
        start + (self.peak - start) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn decay(shape: DecayShape) -> LearningRate {
        LearningRate {
            peak: 2e-5,
            last: 2e-6,
            schedule: Schedule::Decay,
            shape,
            warmup: Warmup::default(),
            decay_steps: None,
            total_steps: 40,
        }
    }

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../tests/golden/learning_rate.json")).expect("golden file")
    }

    fn close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-15, "{left} is not {right}");
    }

    #[test]
    fn decays_are_those_of_pytorchs_schedulers() {
        let golden = golden();
        for (name, rates) in golden["decays"].as_object().expect("decays") {
            let shape: DecayShape = serde_json::from_value(name.clone().into()).expect("a shape");
            let rate = decay(shape);
            let rates: Vec<f64> = rates.as_array().expect("rates").iter().filter_map(Value::as_f64).collect();
            assert_eq!(rates.len(), 41);
            for (step, wanted) in rates.into_iter().enumerate() {
                let found = rate.at(step as u64);
                assert!((found - wanted).abs() < 1e-12 * 2e-5 + 1e-18, "{name}, step {step}: {found}, not {wanted}");
            }
        }
    }

    #[test]
    fn warmups_are_those_of_pytorchs_schedulers_and_end_at_the_peak() {
        let golden = golden();
        for (name, rates) in golden["warmups"].as_object().expect("warmups") {
            let shape: WarmupShape = serde_json::from_value(name.clone().into()).expect("a shape");
            let start = if shape == WarmupShape::Constant { 0.25 * 2e-5 } else { 0.0 };
            let warmup = Warmup { steps: 10, shape, start };
            let rate = LearningRate { schedule: Schedule::Stable, warmup, ..decay(DecayShape::Cosine) };
            rate.check().expect("a warmup that works");
            for (step, wanted) in rates.as_array().expect("rates").iter().enumerate() {
                let (found, wanted) = (rate.at(step as u64), wanted.as_f64().expect("a rate"));
                assert!((found - wanted).abs() < 1e-17, "{name}, step {step}: {found}, not {wanted}");
            }
        }
    }

    #[test]
    fn decays_start_at_the_peak_fall_at_every_step_and_end_at_the_final_rate() {
        let shapes = [DecayShape::Cosine, DecayShape::Linear, DecayShape::OneMinusSquareRoot, DecayShape::Exponential];
        for shape in shapes {
            let rate = decay(shape);
            close(rate.at(0), 2e-5);
            close(rate.at(40), 2e-6);
            assert!((1..40).all(|step| rate.at(step) < rate.at(step - 1)), "{shape:?} must fall at every step");
        }
    }

    #[test]
    fn a_late_decay_leaves_the_steps_before_it_stable() {
        let rate = LearningRate { decay_steps: Some(20), ..decay(DecayShape::Linear) };
        close(rate.at(19), 2e-5);
        close(rate.at(20), 2e-5);
        close(rate.at(30), 1.1e-5);
    }

    #[test]
    fn impossible_schedules_are_refused_by_key() {
        let refused = |rate: LearningRate, key: &str| {
            let message = rate.check().expect_err(key).to_string();
            assert!(message.contains(key), "{message}");
        };
        let warmup = |steps, shape| Warmup { steps, shape, start: 0.0 };
        let linear = || decay(DecayShape::Linear);
        refused(LearningRate { warmup: warmup(101, WarmupShape::Linear), ..linear() }, "warmup_steps");
        refused(LearningRate { warmup: warmup(4, WarmupShape::Constant), ..linear() }, "warmup_learning_rate");
        refused(LearningRate { peak: f64::NAN, ..linear() }, "learning_rate");
        refused(LearningRate { last: 0.0, ..decay(DecayShape::Exponential) }, "final_learning_rate");
    }

    #[test]
    fn what_a_schedule_would_pass_over_in_silence_is_refused_with_what_to_do() {
        let refused = |rate: LearningRate| rate.check().expect_err("has no effect").to_string();
        let linear = |decay_steps| LearningRate { decay_steps, ..decay(DecayShape::Linear) };
        let warmup = Warmup { steps: 10, ..Warmup::default() };
        linear(Some(40)).check().expect("the whole stage");
        LearningRate { warmup, ..linear(Some(30)) }.check().expect("all that the warmup leaves");
        assert_eq!(
            refused(LearningRate { schedule: Schedule::Stable, ..linear(Some(20)) }),
            "config key `decay_steps`: has no effect while `schedule` is `stable`, the rate of which never falls; set \
             `schedule = \"decay\"`, or leave it out"
        );
        assert!(refused(LearningRate { schedule: Schedule::Stable, ..linear(None) }).contains("`decay_shape`"));
        assert_eq!(
            refused(linear(Some(0))),
            "config key `decay_steps`: must be at least 1; leave it out for a fall over all steps after the warmup"
        );
        assert_eq!(refused(linear(Some(41))), "config key `decay_steps`: 41 is more than the stage's 40 steps");
        assert_eq!(
            refused(LearningRate { warmup, ..linear(Some(31)) }),
            "config key `decay_steps`: 31 is more than the 30 steps that a warmup of 10 leaves of 40"
        );
        let without_steps = |warmup| refused(LearningRate { warmup, ..linear(None) });
        let rate = without_steps(Warmup { start: 1e-6, ..Warmup::default() });
        assert!(rate.contains("`warmup_learning_rate`") && rate.contains("`warmup_steps` is 0"), "{rate}");
        let shape = without_steps(Warmup { shape: WarmupShape::Cosine, ..Warmup::default() });
        assert!(shape.contains("`warmup_shape`"), "{shape}");
    }
}
