//! A rollout schedule that misbehaves on request, for the host's tests.
//!
//! `good` and `count`: as many tokens as it had calls, which is also what it remembers. Bad numbers are the
//! temperature's; with `zero` also the length's, and with `enormous` the length is the largest there is.

use hostile_behaviour::{Config, Export, Mode, memory, misbehave, number, read};
use octo_sdk::{Plugin, PluginError, Progress, RolloutSchedule, StepPlan};

/// Counts its calls.
pub struct Hostile {
    config: Config,
    calls: u32,
}

impl Plugin for Hostile {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        misbehave(&config, Export::Configure)?;
        Ok(Hostile { config, calls: 0 })
    }
}

impl RolloutSchedule for Hostile {
    fn plan(&mut self, at: &Progress) -> Result<StepPlan, PluginError> {
        misbehave(&self.config, Export::Call)?;
        read(&at.stage)?;
        self.calls = self.calls.saturating_add(1);
        Ok(StepPlan {
            max_response_tokens: match self.config.mode {
                Mode::Zero => 0,
                Mode::Enormous => u32::MAX,
                _ => self.calls,
            },
            temperature: number(&self.config, 1.0),
            top_p: 1.0,
        })
    }

    fn save(&self) -> Vec<u8> {
        memory(&self.config, &self.calls.to_le_bytes())
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), PluginError> {
        misbehave(&self.config, Export::Restore)?;
        let calls = bytes.try_into().map_err(|_| {
            PluginError::invalid_input(format!("a memory of {} bytes is not this plugin's: it has 4", bytes.len()))
        })?;
        self.calls = u32::from_le_bytes(calls);
        Ok(())
    }
}

octo_sdk::export!(schedule: Hostile);
