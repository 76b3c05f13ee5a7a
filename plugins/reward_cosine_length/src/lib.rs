//! A reward that depends on length along a cosine, one curve for correct and one for wrong answers.
//!
//! "Demystifying Long Chain-of-Thought Reasoning in LLMs" (arXiv 2502.03373, section 4) found that length grows steadily
//! where a correct answer earns more the shorter it is and a wrong one loses less the longer it was thought about; and
//! that a response which runs into its limit must lose as such.

use octo_rewards::amounts::{check, refuse};
use octo_rewards::limit;
use octo_sdk::{Outcome, Plugin, PluginError, Progress, Reward, RewardFunction, Rollout};

/// The ends of both curves.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// For a correct answer of no tokens.
    pub correct_short: f64,
    /// For a correct answer as long as the limit.
    pub correct_long: f64,
    /// For any other answer of no tokens.
    pub wrong_short: f64,
    /// For any other answer as long as the limit. Below `correct_long` and `correct_short`.
    pub wrong_long: f64,
    /// For a response that was cut off or is longer than the limit, whatever its verdict.
    pub exceeded: f64,
    /// Tokens at which the curves end. Left out, it is the step's own limit, which a schedule may change.
    #[schemars(range(min = 1))]
    pub limit: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            correct_short: 1.0,
            correct_long: 0.5,
            wrong_short: -1.0,
            wrong_long: -0.5,
            exceeded: -1.0,
            limit: None,
        }
    }
}

/// Scores each rollout on its own.
pub struct CosineReward(Config);

impl Plugin for CosineReward {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        for (key, value) in [
            ("correct_short", config.correct_short),
            ("correct_long", config.correct_long),
            ("wrong_short", config.wrong_short),
            ("wrong_long", config.wrong_long),
            ("exceeded", config.exceeded),
        ] {
            check(key, value)?;
        }
        let least = config.correct_short.min(config.correct_long);
        for (key, value) in
            [("wrong_short", config.wrong_short), ("wrong_long", config.wrong_long), ("exceeded", config.exceeded)]
        {
            if value >= least {
                return refuse(format!(
                    "{key} is {value}, but a correct answer may get only {least}; it must be below that"
                ));
            }
        }
        match config.limit {
            Some(0) => refuse("limit is 0; a response needs at least one token".into()),
            _ => Ok(CosineReward(config)),
        }
    }
}

impl RewardFunction for CosineReward {
    fn score(&self, at: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError> {
        let limit = limit::tokens(self.0.limit, at)?;
        Ok(rollouts.iter().map(|rollout| self.reward(rollout, limit)).collect())
    }
}

impl CosineReward {
    /// Three parts, of which the one that applies is not 0: which curve paid shows at a glance.
    fn reward(&self, rollout: &Rollout, limit: u32) -> Reward {
        let config = &self.0;
        let along = |short: f64, long: f64| curve(f64::from(rollout.tokens) / f64::from(limit), short, long);
        let (mut correct, mut wrong, mut exceeded) = (0.0, 0.0, 0.0);
        if limit::exceeded(rollout, limit) {
            exceeded = config.exceeded;
        } else if rollout.verdict.outcome == Outcome::Correct {
            correct = along(config.correct_short, config.correct_long);
        } else {
            wrong = along(config.wrong_short, config.wrong_long);
        }
        octo_rewards::sum([("correct", correct), ("wrong", wrong), ("exceeded", exceeded)])
    }
}

/// The paper's CosFn: from `short` at 0 to `long` at 1, flat at both ends. Held between the two, which rounding may miss.
fn curve(share: f64, short: f64, long: f64) -> f64 {
    let value = long + 0.5 * (short - long) * (1.0 + (share * std::f64::consts::PI).cos());
    value.clamp(short.min(long), short.max(long))
}

octo_sdk::export!(reward: CosineReward);

#[cfg(test)]
mod tests {
    use super::*;
    use octo_rewards::samples::{OUTCOMES, progress, rollout};
    use octo_sdk::FinishReason;
    use proptest::prelude::*;
    use serde_json::json;

    fn reward(config: serde_json::Value) -> Result<CosineReward, String> {
        let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
        CosineReward::new(config).map_err(|error| error.message)
    }

    fn total(plugin: &CosineReward, outcome: Outcome, tokens: u32, finish: FinishReason) -> f64 {
        let rewards = plugin.score(&progress(), &[rollout(outcome, tokens, finish, "")]);
        let reward = rewards.expect("a reward each").remove(0);
        assert_eq!(reward.parts.iter().map(|part| part.value).sum::<f64>(), reward.total);
        assert!(reward.parts.iter().filter(|part| part.value != 0.0).count() <= 1);
        reward.total
    }

    /// CosFn(t, T, a, b) = a + ½ (b − a)(1 + cos(tπ ÷ T)), which is b at 0, the mean of both at T÷2 and a at T. At T÷3
    /// the cosine is ½, so the value is a + ¾ (b − a); at 2T÷3 it is −½, so a + ¼ (b − a). For a correct answer from 2
    /// to 1: 2, 1.75, 1.5, 1.25, 1. For a wrong one from −10 to 0: −10, −7.5, −5, −2.5, 0.
    #[test]
    fn both_curves_are_the_papers() {
        let config = json!({
            "correct_short": 2.0, "correct_long": 1.0, "wrong_short": -10.0, "wrong_long": 0.0, "exceeded": -10.0,
            "limit": 600
        });
        let plugin = reward(config).expect("valid");
        for (tokens, correct, wrong) in
            [(0, 2.0, -10.0), (200, 1.75, -7.5), (300, 1.5, -5.0), (400, 1.25, -2.5), (600, 1.0, 0.0)]
        {
            let found = |outcome| total(&plugin, outcome, tokens, FinishReason::Stop);
            assert!((found(Outcome::Correct) - correct).abs() < 1e-12, "{tokens}: {}", found(Outcome::Correct));
            for outcome in &OUTCOMES[1..] {
                assert!((found(*outcome) - wrong).abs() < 1e-12, "{tokens}: {}", found(*outcome));
            }
        }
        for outcome in OUTCOMES {
            assert_eq!(total(&plugin, outcome, 601, FinishReason::Stop), -10.0);
            assert_eq!(total(&plugin, outcome, 600, FinishReason::Length), -10.0);
            assert_eq!(total(&plugin, outcome, 30, FinishReason::Length), -10.0, "cut by a lower limit of the step");
        }
    }

    #[test]
    fn senseless_configs_are_refused_by_the_name_of_their_key() {
        for (config, key) in [
            (json!({ "wrong_long": 0.5 }), "wrong_long"),
            (json!({ "wrong_short": 2.0 }), "wrong_short"),
            (json!({ "exceeded": 0.7 }), "exceeded"),
            (json!({ "correct_short": 2e6 }), "correct_short"),
            (json!({ "limit": 0 }), "limit"),
            (json!({ "max_len": 5 }), "unknown field `max_len`"),
        ] {
            let error = reward(config.clone()).err().expect("senseless");
            assert!(error.starts_with(key), "{config}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_correct_answer_always_earns_more_than_a_wrong_one_and_each_curve_is_monotonic(
            limit in 1u32.., one in 0.0f64..=1.0, other in 0.0f64..=1.0,
        ) {
            let plugin = reward(json!({ "limit": limit })).expect("valid");
            let tokens = |share: f64| (f64::from(limit) * share) as u32;
            let (short, long) = (tokens(one.min(other)), tokens(one.max(other)));
            let of = |outcome, tokens| total(&plugin, outcome, tokens, FinishReason::Stop);
            prop_assert!(of(Outcome::Correct, long) <= of(Outcome::Correct, short));
            prop_assert!(of(Outcome::Incorrect, long) >= of(Outcome::Incorrect, short));
            prop_assert!(of(Outcome::Correct, long) >= 0.5 && of(Outcome::Correct, short) <= 1.0);
            prop_assert!(of(Outcome::Incorrect, long) <= -0.5 && of(Outcome::Incorrect, short) >= -1.0);
            prop_assert_eq!(total(&plugin, Outcome::Correct, long, FinishReason::Length), -1.0);
        }
    }
}
