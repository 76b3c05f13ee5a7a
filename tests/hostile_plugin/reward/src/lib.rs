//! A reward function that misbehaves on request, for the host's tests.
//!
//! `good`: 1 for a correct rollout, else 0, as one part named `outcome`.

use std::cell::Cell;

use hostile_behaviour::{Config, Export, Mode, entries, misbehave, number, read, sized, text};
use octo_sdk::{Outcome, Plugin, PluginError, Progress, Reward, RewardFunction, RewardPart, Rollout};

/// Counts its calls.
pub struct Hostile {
    config: Config,
    calls: Cell<u64>,
}

impl Plugin for Hostile {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        misbehave(&config, Export::Configure)?;
        Ok(Hostile { config, calls: Cell::new(0) })
    }
}

impl RewardFunction for Hostile {
    fn score(&self, _: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError> {
        misbehave(&self.config, Export::Call)?;
        self.calls.set(self.calls.get() + 1);
        let mut rewards = Vec::new();
        for (index, rollout) in rollouts.iter().enumerate() {
            read(&rollout.attempt.response)?;
            let correct = rollout.verdict.outcome == Outcome::Correct;
            let total = number(&self.config, if correct { 1.0 } else { 0.0 });
            let mut parts = vec![RewardPart { name: text(&self.config, index, "outcome"), value: total }];
            if self.config.mode == Mode::Count {
                parts.push(RewardPart { name: "calls".to_owned(), value: self.calls.get() as f64 });
                parts.push(RewardPart { name: "rollouts".to_owned(), value: rollouts.len() as f64 });
            }
            rewards.push(Reward { total, parts: entries(&self.config, parts) });
        }
        Ok(sized(&self.config, rewards, || Reward { total: 0.0, parts: vec![] }))
    }
}

octo_sdk::export!(reward: Hostile);
