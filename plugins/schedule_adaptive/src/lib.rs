//! Response lengths that grow when the policy is ready for them.
//!
//! A staircase guesses at which step a policy has learned to finish within its limit; this schedule watches for it. When
//! few responses are cut off any more, step after step, the limit grows by a factor; where the recipe asks for it, it
//! shrinks again when too many are.

mod condition;
mod memory;

pub use condition::Condition;

use memory::Memory;
use octo_sdk::{Plugin, PluginError, Progress, RolloutSchedule, StepPlan};

/// When the limit moves, and between which bounds.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Longest response at first, in tokens.
    #[schemars(range(min = 1))]
    pub start: u32,
    /// Longest response ever, in tokens.
    #[schemars(range(min = 1))]
    pub most: u32,
    /// Longest response after any shrinking, in tokens; left out, it is `start`.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub least: Option<u32>,
    /// What the limit is multiplied by when it grows, and divided by when it shrinks; above 1.
    #[serde(default = "two")]
    pub factor: f64,
    /// When to grow: a metric of the step before, and the bound that it must be below or above.
    #[serde(default = "few_cut_off")]
    pub grow: Condition,
    /// When to shrink; left out, never.
    #[serde(default)]
    pub shrink: Option<Condition>,
    /// Steps in a row for which a condition must hold.
    #[serde(default = "three")]
    #[schemars(range(min = 1))]
    pub steps_in_a_row: u32,
    /// Sampling temperature: 1 samples from the model as it is, 0 takes the likeliest token.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0))]
    pub temperature: f64,
    /// Sample from the likeliest tokens that together have this probability; 1 is all of them.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub top_p: f64,
}

fn one() -> f64 {
    1.0
}
fn two() -> f64 {
    2.0
}
fn three() -> u32 {
    3
}
fn few_cut_off() -> Condition {
    Condition { metric: "clipped".into(), below: Some(0.05), above: None }
}

/// The schedule and what it has seen.
pub struct Adaptive {
    config: Config,
    memory: Memory,
}

impl Plugin for Adaptive {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        let refuse = |message: String| Err(PluginError::invalid_config(message));
        let least = config.least.unwrap_or(config.start);
        for (key, value) in [("start", config.start), ("least", least)] {
            if value == 0 {
                return refuse(format!("{key} is 0; a response needs at least one token"));
            }
        }
        if least > config.start {
            return refuse(format!("least is {least}, but responses start at {}; it may not be above", config.start));
        }
        if config.most < config.start {
            return refuse(format!(
                "most is {}, but responses start at {}; it may not be below",
                config.most, config.start
            ));
        }
        if !(config.factor.is_finite() && config.factor > 1.0) {
            return refuse(format!("factor is {}; it must be above 1", config.factor));
        }
        config.grow.check("grow")?;
        if let Some(shrink) = &config.shrink {
            shrink.check("shrink")?;
        }
        if config.steps_in_a_row == 0 {
            return refuse("steps_in_a_row is 0; a condition must hold for at least one step".into());
        }
        if !(config.temperature.is_finite() && config.temperature >= 0.0) {
            return refuse(format!("temperature is {}; it must be 0 or more", config.temperature));
        }
        if !(config.top_p > 0.0 && config.top_p <= 1.0) {
            return refuse(format!("top_p is {}; it must be above 0 and at most 1", config.top_p));
        }
        Ok(Adaptive { memory: Memory::starting_at(config.start), config })
    }
}

impl RolloutSchedule for Adaptive {
    fn plan(&mut self, at: &Progress) -> Result<StepPlan, PluginError> {
        // Nothing was sampled before the first step, so there is nothing to go by.
        if at.step > 0 {
            let (grow, shrink) = (self.config.grow.holds(at)?, self.shrink(at)?);
            self.memory.count(grow, shrink);
            if self.memory.growing >= self.config.steps_in_a_row {
                self.move_to(f64::from(self.memory.tokens) * self.config.factor, at.step);
            } else if self.memory.shrinking >= self.config.steps_in_a_row {
                self.move_to(f64::from(self.memory.tokens) / self.config.factor, at.step);
            }
        }
        let Config { temperature, top_p, .. } = self.config;
        Ok(StepPlan { max_response_tokens: self.memory.tokens, temperature, top_p })
    }

    fn save(&self) -> Vec<u8> {
        self.memory.to_bytes()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), PluginError> {
        let memory = Memory::from_bytes(bytes)?;
        let (least, most) = self.bounds();
        if !(least..=most).contains(&memory.tokens) {
            return Err(PluginError::invalid_input(format!(
                "the checkpoint's limit is {} tokens, which is not within this config's {least} to {most}: it was \
                 written with another config",
                memory.tokens
            )));
        }
        self.memory = memory;
        Ok(())
    }
}

impl Adaptive {
    fn shrink(&self, at: &Progress) -> Result<bool, PluginError> {
        self.config.shrink.as_ref().map_or(Ok(false), |shrink| shrink.holds(at))
    }

    fn bounds(&self) -> (u32, u32) {
        (self.config.least.unwrap_or(self.config.start), self.config.most)
    }

    /// Counting starts again, so that the next move is judged by responses under the new limit.
    fn move_to(&mut self, tokens: f64, step: u64) {
        let (least, most) = self.bounds();
        let before = self.memory.tokens;
        let tokens = tokens.round().clamp(f64::from(least), f64::from(most)) as u32;
        self.memory = Memory::starting_at(tokens);
        if tokens != before {
            octo_sdk::log::info(&format!("step {step}: responses may have {tokens} tokens, after {before}"));
        }
    }
}

octo_sdk::export!(schedule: Adaptive);

#[cfg(test)]
mod tests;
