//! A mixture plugin that misbehaves on request, for the host's tests.
//!
//! `good` and `count`: the first source weighs one more with each call, and the count of calls is what it remembers.
//! Bad numbers are the last source's; with `zero` all are. With `huge-text` at `save` its memory is huge.

use hostile_behaviour::{Config, Export, Mode, memory, misbehave, number, read, sized};
use octo_sdk::{DataSource, MixturePolicy, Plugin, PluginError, Progress};

/// Counts its calls.
pub struct Hostile {
    config: Config,
    calls: u64,
}

impl Plugin for Hostile {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        misbehave(&config, Export::Configure)?;
        Ok(Hostile { config, calls: 0 })
    }
}

impl MixturePolicy for Hostile {
    fn weights(&mut self, at: &Progress, sources: &[DataSource]) -> Result<Vec<f64>, PluginError> {
        misbehave(&self.config, Export::Call)?;
        read(&at.stage)?;
        self.calls += 1;
        let mut weights = vec![1.0; sources.len()];
        if let Some(first) = weights.first_mut() {
            *first = self.calls as f64;
        }
        if self.config.mode == Mode::Zero {
            weights.fill(0.0);
        } else if let Some(last) = weights.last_mut() {
            *last = number(&self.config, *last);
        }
        Ok(sized(&self.config, weights, || 1.0))
    }

    fn save(&self) -> Vec<u8> {
        memory(&self.config, &self.calls.to_le_bytes())
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), PluginError> {
        misbehave(&self.config, Export::Restore)?;
        let calls = bytes.try_into().map_err(|_| {
            PluginError::invalid_input(format!("a memory of {} bytes is not this plugin's: it has 8", bytes.len()))
        })?;
        self.calls = u64::from_le_bytes(calls);
        Ok(())
    }
}

octo_sdk::export!(mixture: Hostile);
