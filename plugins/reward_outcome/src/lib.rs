//! An amount for each outcome of the verdict.
//!
//! With the defaults a correct answer earns 1 and nothing else counts; OctoThinker's runs (arXiv 2506.20512) used
//! `correct = 1, incorrect = -1, no_answer = -1, unparsable = -1`. What else a response should be judged by is another
//! plugin's business, added by weight.

use octo_rewards::amounts::{check, refuse};
use octo_sdk::{Outcome, Plugin, PluginError, Progress, Reward, RewardFunction, Rollout};

/// The reward of a rollout by its verdict.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// For a correct answer. Must be above the three below.
    pub correct: f64,
    /// For a wrong answer.
    pub incorrect: f64,
    /// For a response without an answer.
    pub no_answer: f64,
    /// For an answer that could not be read.
    pub unparsable: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { correct: 1.0, incorrect: 0.0, no_answer: 0.0, unparsable: 0.0 }
    }
}

/// Scores each rollout on its own: groups and the stage's progress make no difference.
pub struct OutcomeReward(Config);

impl Plugin for OutcomeReward {
    type Config = Config;

    /// Refuses what would train nothing, or the opposite of what was meant.
    fn new(config: Config) -> Result<Self, PluginError> {
        check("correct", config.correct)?;
        for (key, value) in
            [("incorrect", config.incorrect), ("no_answer", config.no_answer), ("unparsable", config.unparsable)]
        {
            check(key, value)?;
            if value >= config.correct {
                return refuse(format!(
                    "{key} is {value}, but a correct answer gets only {}; correct must be the highest",
                    config.correct
                ));
            }
        }
        Ok(OutcomeReward(config))
    }
}

impl RewardFunction for OutcomeReward {
    fn score(&self, _: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError> {
        let pay = |rollout: &Rollout| match rollout.verdict.outcome {
            Outcome::Correct => self.0.correct,
            Outcome::Incorrect => self.0.incorrect,
            Outcome::NoAnswer => self.0.no_answer,
            Outcome::Unparsable => self.0.unparsable,
        };
        Ok(rollouts.iter().map(|rollout| octo_rewards::sum([("outcome", pay(rollout))])).collect())
    }
}

octo_sdk::export!(reward: OutcomeReward);

#[cfg(test)]
mod tests {
    use super::*;
    use octo_rewards::samples::{OUTCOMES, progress, rollout};
    use octo_sdk::FinishReason;

    fn reward(config: serde_json::Value) -> Result<OutcomeReward, String> {
        let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
        OutcomeReward::new(config).map_err(|error| error.message)
    }

    fn totals(config: serde_json::Value, rollouts: &[Rollout]) -> Vec<f64> {
        let rewards = reward(config).expect("valid").score(&progress(), rollouts).expect("a reward each");
        rewards.iter().map(|reward| reward.total).collect()
    }

    #[test]
    fn by_default_only_a_correct_answer_pays_whatever_its_length_and_end() {
        let rollouts = OUTCOMES.map(|outcome| rollout(outcome, 9_000, FinishReason::Length, "ha ha ha ha ha ha ha"));
        assert_eq!(totals(serde_json::json!({}), &rollouts), [1.0, 0.0, 0.0, 0.0]);
        let rewards = reward(serde_json::json!({})).expect("valid").score(&progress(), &rollouts).expect("scores");
        for reward in rewards {
            assert_eq!((reward.parts.len(), reward.parts[0].name.as_str()), (1, "outcome"));
            assert_eq!(reward.parts[0].value, reward.total);
        }
    }

    #[test]
    fn each_outcome_has_its_own_reward_and_the_papers_are_expressible() {
        let paper = serde_json::json!({ "correct": 1.0, "incorrect": -1.0, "no_answer": -1.0, "unparsable": -1.0 });
        let distinct = serde_json::json!({ "correct": 2.0, "incorrect": 0.5, "no_answer": -0.5, "unparsable": -2.0 });
        let rollouts = OUTCOMES.map(|outcome| rollout(outcome, 10, FinishReason::Stop, ""));
        assert_eq!(totals(paper, &rollouts), [1.0, -1.0, -1.0, -1.0]);
        assert_eq!(totals(distinct, &rollouts), [2.0, 0.5, -0.5, -2.0]);
    }

    #[test]
    fn one_reward_per_rollout_in_order() {
        let rollouts: Vec<Rollout> =
            (0..7).map(|index| rollout(OUTCOMES[usize::from(index % 3 != 0)], 1, FinishReason::Stop, "")).collect();
        assert_eq!(totals(serde_json::json!({}), &rollouts), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        assert!(totals(serde_json::json!({}), &[]).is_empty());
    }

    #[test]
    fn senseless_configs_are_refused_by_the_name_of_their_key() {
        for (config, key) in [
            (serde_json::json!({ "correct": 0.0 }), "incorrect"),
            (serde_json::json!({ "incorrect": 1.0 }), "incorrect"),
            (serde_json::json!({ "no_answer": 1.5 }), "no_answer"),
            (serde_json::json!({ "unparsable": 3.0 }), "unparsable"),
            (serde_json::json!({ "correct": 2e6 }), "correct"),
            (serde_json::json!({ "corect": 1.0 }), "unknown field `corect`"),
        ] {
            let error = reward(config.clone()).err().expect("senseless");
            assert!(error.starts_with(key), "{config}: {error}");
        }
        let not_a_number = Config { incorrect: f64::NAN, ..Config::default() };
        assert!(OutcomeReward::new(not_a_number).err().expect("NaN").message.starts_with("incorrect"));
    }
}
