//! DAPO's soft penalty of long responses.
//!
//! A response that is cut off has no answer, so its reward of 0 or −1 says nothing of its reasoning: noise. DAPO (arXiv
//! 2503.14476, section 3.4) makes the limit soft: within a buffer before it a response loses in proportion to how far
//! it goes, and everything at the limit.

use octo_rewards::amounts::{check_penalty, refuse};
use octo_rewards::limit;
use octo_sdk::{Plugin, PluginError, Progress, Reward, RewardFunction, Rollout};

/// Where the penalty begins and ends.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Tokens before the limit over which the penalty grows. At most the limit.
    #[schemars(range(min = 1))]
    pub buffer: u32,
    /// Tokens at which the penalty is whole. Left out, it is the step's own limit, which a schedule may change.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
    /// The whole penalty; 0 or more.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0))]
    pub penalty: f64,
}

fn one() -> f64 {
    1.0
}

/// Scores each rollout on its own.
pub struct OverlongReward(Config);

impl Plugin for OverlongReward {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        check_penalty("penalty", config.penalty)?;
        if config.buffer == 0 {
            return refuse("buffer is 0; the penalty needs at least one token to grow over".into());
        }
        match config.limit {
            Some(0) => refuse("limit is 0; a response needs at least one token".into()),
            Some(limit) if config.buffer > limit => {
                refuse(format!("buffer is {}, but the limit is only {limit}; the buffer lies within it", config.buffer))
            }
            _ => Ok(OverlongReward(config)),
        }
    }
}

impl RewardFunction for OverlongReward {
    fn score(&self, at: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError> {
        let limit = limit::tokens(self.0.limit, at)?;
        Ok(rollouts.iter().map(|rollout| octo_rewards::sum([("overlong", self.value(rollout, limit))])).collect())
    }
}

impl OverlongReward {
    /// DAPO's equation 13. A schedule's limit may be shorter than the buffer, which then is as long as the limit.
    fn value(&self, rollout: &Rollout, limit: u32) -> f64 {
        if limit::exceeded(rollout, limit) {
            return 0.0 - self.0.penalty;
        }
        let buffer = self.0.buffer.min(limit);
        let within = rollout.tokens.saturating_sub(limit - buffer);
        0.0 - self.0.penalty * f64::from(within) / f64::from(buffer)
    }
}

octo_sdk::export!(reward: OverlongReward);

#[cfg(test)]
mod tests {
    use super::*;
    use octo_rewards::samples::{progress, rollout};
    use octo_sdk::{FinishReason, Metric, Outcome};
    use proptest::prelude::*;
    use serde_json::json;

    fn reward(config: serde_json::Value) -> Result<OverlongReward, String> {
        let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
        OverlongReward::new(config).map_err(|error| error.message)
    }

    fn total(plugin: &OverlongReward, tokens: u32, finish: FinishReason) -> f64 {
        let rewards = plugin.score(&progress(), &[rollout(Outcome::Correct, tokens, finish, "")]);
        let reward = rewards.expect("a reward each").remove(0);
        assert_eq!((reward.parts.len(), reward.parts[0].value), (1, reward.total));
        reward.total
    }

    /// Equation 13 with the paper's numbers, L_max = 20,480 and L_cache = 4,096: 0 up to 16,384; then
    /// (16,384 − |y|) ÷ 4,096; −1 beyond 20,480. By hand: 16,385 → −1/4096, 17,408 → −1024/4096 = −0.25,
    /// 18,432 → −2048/4096 = −0.5, 20,479 → −4095/4096, 20,480 → −4096/4096.
    #[test]
    fn the_penalty_is_dapos() {
        let plugin = reward(json!({ "limit": 20480, "buffer": 4096 })).expect("valid");
        for (tokens, expected) in [
            (0, 0.0),
            (16_384, 0.0),
            (16_385, -1.0 / 4096.0),
            (17_408, -0.25),
            (18_432, -0.5),
            (20_479, -4095.0 / 4096.0),
            (20_480, -1.0),
            (20_481, -1.0),
            (u32::MAX, -1.0),
        ] {
            assert_eq!(total(&plugin, tokens, FinishReason::Stop), expected, "{tokens} tokens");
        }
    }

    /// Where a schedule holds a step's responses below the limit of the config, or the limit's own token is the last.
    #[test]
    fn a_response_that_was_cut_off_pays_whole_whatever_its_length() {
        let plugin = reward(json!({ "limit": 100, "buffer": 20, "penalty": 0.5 })).expect("valid");
        assert_eq!(total(&plugin, 40, FinishReason::Length), -0.5);
        assert_eq!(total(&plugin, 40, FinishReason::Stop), 0.0);
    }

    #[test]
    fn without_a_limit_the_steps_own_holds_even_below_the_buffer() {
        let plugin = reward(json!({ "buffer": 50 })).expect("valid");
        let scored = |limit: f64, tokens| {
            let at =
                Progress { metrics: vec![Metric { name: limit::LENGTH_LIMIT.into(), value: limit }], ..progress() };
            plugin.score(&at, &[rollout(Outcome::Correct, tokens, FinishReason::Stop, "")]).expect("scores")[0].total
        };
        assert_eq!((scored(200.0, 150), scored(200.0, 175)), (0.0, -0.5));
        assert_eq!((scored(400.0, 175), scored(400.0, 400)), (0.0, -1.0));
        assert_eq!(scored(20.0, 10), -0.5, "a limit of 20 has a buffer of 20");
        let error = plugin.score(&progress(), &[]).expect_err("no limit at all");
        assert!(error.message.contains("`limit`"), "{error}");
    }

    #[test]
    fn senseless_configs_are_refused_by_the_name_of_their_key() {
        for (config, key) in [
            (json!({}), "missing field `buffer`"),
            (json!({ "buffer": 0 }), "buffer"),
            (json!({ "buffer": 11, "limit": 10 }), "buffer"),
            (json!({ "buffer": 1, "limit": 0 }), "limit"),
            (json!({ "buffer": 1, "penalty": -1.0 }), "penalty"),
            (json!({ "buffer": 1, "bufer": 1 }), "unknown field `bufer`"),
        ] {
            let error = reward(config.clone()).err().expect("senseless");
            assert!(error.starts_with(key), "{config}: {error}");
        }
    }

    proptest! {
        #[test]
        fn longer_never_gets_more_and_nothing_leaves_the_bounds(
            limit in 1u32.., share in 0.0f64..1.0, penalty in 0.0f64..1e6, one: u32, other: u32, cut: bool,
        ) {
            let buffer = ((f64::from(limit) * share) as u32).max(1);
            let plugin = reward(json!({ "limit": limit, "buffer": buffer, "penalty": penalty })).expect("valid");
            let finish = if cut { FinishReason::Length } else { FinishReason::Stop };
            let (short, long) = (total(&plugin, one.min(other), finish), total(&plugin, one.max(other), finish));
            prop_assert!(long <= short, "{} {}", short, long);
            prop_assert!(-penalty <= long && short <= 0.0, "{} {}", short, long);
            prop_assert!(total(&plugin, one, FinishReason::Length) <= total(&plugin, one, FinishReason::Stop));
        }
    }
}
