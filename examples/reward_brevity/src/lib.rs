//! Pays 1 for a correct answer, less the longer it is.
use octo_sdk::{Outcome, Plugin, PluginError, Progress, Reward, RewardFunction, RewardPart, Rollout};

/// The config: its types and comments are the schema that the host checks and shows.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brevity {
    /// Tokens at which a correct answer is worth half.
    half: u32,
}
impl Plugin for Brevity {
    type Config = Brevity;
    fn new(config: Brevity) -> Result<Self, PluginError> {
        Ok(config)
    }
}
impl RewardFunction for Brevity {
    fn score(&self, _: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError> {
        let half = f64::from(self.half.max(1));
        let pay = |rollout: &Rollout| match rollout.verdict.outcome {
            Outcome::Correct => half / (half + f64::from(rollout.tokens)),
            _ => 0.0,
        };
        let part = |value| Reward { total: value, parts: vec![RewardPart { name: "brevity".into(), value }] };
        Ok(rollouts.iter().map(|rollout| part(pay(rollout))).collect())
    }
}
octo_sdk::export!(reward: Brevity);
