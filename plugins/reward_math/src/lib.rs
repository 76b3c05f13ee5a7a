//! Reward for a correct, finished and well-formed answer.
//!
//! The total is the sum of its parts, each of which the report draws as a curve of its own, so that one sees which part
//! a policy learned to please. With the defaults a correct answer earns 1 and nothing else counts; OctoThinker's runs
//! (arXiv 2506.20512) used `correct = 1, incorrect = -1, no_answer = -1, unparsable = -1`.

mod config;
mod repetition;

pub use config::Config;

use octo_sdk::{FinishReason, Outcome, Plugin, PluginError, Progress, Reward, RewardFunction, RewardPart, Rollout};

/// Scores each rollout on its own: groups and the stage's progress make no difference.
pub struct MathReward(Config);

impl Plugin for MathReward {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        config.check()?;
        Ok(MathReward(config))
    }
}

impl RewardFunction for MathReward {
    fn score(&self, _: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError> {
        Ok(rollouts.iter().map(|rollout| self.reward(rollout)).collect())
    }
}

impl MathReward {
    /// Parts the config leaves at nothing are not listed: a curve that is always zero says nothing.
    fn reward(&self, rollout: &Rollout) -> Reward {
        let config = &self.0;
        let outcome = match rollout.verdict.outcome {
            Outcome::Correct => config.correct,
            Outcome::Incorrect => config.incorrect,
            Outcome::NoAnswer => config.no_answer,
            Outcome::Unparsable => config.unparsable,
        };
        let mut parts = vec![("outcome", outcome)];
        if config.truncated != 0.0 {
            let cut_off = rollout.finish == FinishReason::Length;
            parts.push(("truncated", if cut_off { config.truncated } else { 0.0 }));
        }
        if config.length_penalty != 0.0 {
            let beyond = rollout.tokens.saturating_sub(config.soft_limit.unwrap_or(u32::MAX));
            let penalty = (f64::from(beyond) * config.length_penalty).min(config.length_penalty_limit);
            parts.push(("length", 0.0 - penalty));
        }
        if config.repetitive != 0.0 {
            let repeats =
                repetition::repeats(&rollout.attempt.response, config.repeated_characters, config.repeated_times);
            parts.push(("repetition", if repeats { config.repetitive } else { 0.0 }));
        }
        Reward {
            total: parts.iter().map(|(_, value)| value).sum(),
            parts: parts.into_iter().map(|(name, value)| RewardPart { name: name.to_owned(), value }).collect(),
        }
    }
}

octo_sdk::export!(reward: MathReward);

#[cfg(test)]
mod tests {
    use super::*;
    use octo_sdk::{Attempt, Verdict};

    fn reward(config: serde_json::Value) -> MathReward {
        MathReward::new(serde_json::from_value(config).expect("fits the schema")).expect("valid")
    }

    fn rollout(outcome: Outcome, tokens: u32, finish: FinishReason, response: &str) -> Rollout {
        Rollout {
            attempt: Attempt {
                problem: "1 + 1".into(),
                response: response.into(),
                references: vec!["2".into()],
                fields: vec![],
            },
            verdict: Verdict { outcome, extracted: None, reason: "given".into() },
            group: 0,
            tokens,
            finish,
        }
    }

    fn score(plugin: &MathReward, rollouts: &[Rollout]) -> Vec<Reward> {
        let at = Progress { stage: "rl".into(), step: 0, total_steps: 1, tokens: 0, total_tokens: 0, metrics: vec![] };
        plugin.score(&at, rollouts).expect("a reward each")
    }

    fn part(reward: &Reward, name: &str) -> Option<f64> {
        reward.parts.iter().find(|part| part.name == name).map(|part| part.value)
    }

    const OUTCOMES: [Outcome; 4] = [Outcome::Correct, Outcome::Incorrect, Outcome::NoAnswer, Outcome::Unparsable];

    #[test]
    fn by_default_only_a_correct_answer_pays() {
        let rollouts = OUTCOMES.map(|outcome| rollout(outcome, 9_000, FinishReason::Length, "ha ha ha ha ha ha ha"));
        let rewards = score(&reward(serde_json::json!({})), &rollouts);
        assert_eq!(rewards.iter().map(|reward| reward.total).collect::<Vec<_>>(), [1.0, 0.0, 0.0, 0.0]);
        for reward in rewards {
            assert_eq!(reward.parts.len(), 1, "{reward:?}");
        }
    }

    #[test]
    fn each_outcome_has_its_own_reward_and_the_papers_are_expressible() {
        let paper = serde_json::json!({ "correct": 1.0, "incorrect": -1.0, "no_answer": -1.0, "unparsable": -1.0 });
        let apart = serde_json::json!({ "correct": 2.0, "incorrect": 0.5, "no_answer": -0.5, "unparsable": -2.0 });
        let rollouts = OUTCOMES.map(|outcome| rollout(outcome, 10, FinishReason::Stop, ""));
        for (config, expected) in [(paper, [1.0, -1.0, -1.0, -1.0]), (apart, [2.0, 0.5, -0.5, -2.0])] {
            let totals: Vec<f64> = score(&reward(config), &rollouts).iter().map(|reward| reward.total).collect();
            assert_eq!(totals, expected);
        }
    }

    #[test]
    fn a_response_that_was_cut_off_loses_once_whatever_its_outcome() {
        let plugin = reward(serde_json::json!({ "truncated": -0.25 }));
        let rewards = score(
            &plugin,
            &[
                rollout(Outcome::Correct, 10, FinishReason::Length, ""),
                rollout(Outcome::Correct, 10, FinishReason::Stop, ""),
                rollout(Outcome::NoAnswer, 10, FinishReason::Length, ""),
            ],
        );
        assert_eq!(rewards.iter().map(|reward| reward.total).collect::<Vec<_>>(), [0.75, 1.0, -0.25]);
        assert_eq!(part(&rewards[1], "truncated"), Some(0.0));
    }

    #[test]
    fn length_costs_only_beyond_the_soft_limit_and_never_more_than_its_limit() {
        let plugin = reward(serde_json::json!({
            "length_penalty": 0.001, "soft_limit": 1000, "length_penalty_limit": 0.5
        }));
        for (tokens, penalty) in [(0, 0.0), (1000, 0.0), (1001, -0.001), (1250, -0.25), (1500, -0.5), (u32::MAX, -0.5)]
        {
            let rewards = score(&plugin, &[rollout(Outcome::Correct, tokens, FinishReason::Stop, "")]);
            assert_eq!(part(&rewards[0], "length"), Some(penalty), "{tokens} tokens");
            assert_eq!(rewards[0].total, 1.0 + penalty, "{tokens} tokens");
        }
    }

    #[test]
    fn repetition_costs_where_asked_for() {
        let plugin = reward(serde_json::json!({ "repetitive": -1.0 }));
        let looping = "The answer is 4.\n".repeat(8);
        let rewards = score(
            &plugin,
            &[
                rollout(Outcome::Correct, 10, FinishReason::Stop, &looping),
                rollout(Outcome::Correct, 10, FinishReason::Stop, "The answer is 4.\nSo x = 2 and y = 2.\n"),
            ],
        );
        assert_eq!(rewards.iter().map(|reward| reward.total).collect::<Vec<_>>(), [0.0, 1.0]);
    }

    #[test]
    fn the_total_is_the_sum_of_the_parts_and_finite_at_the_edges_of_the_config() {
        let plugin = reward(serde_json::json!({
            "correct": 1e6, "incorrect": -1e6, "no_answer": -1e6, "unparsable": -1e6, "truncated": -1e6,
            "length_penalty": 1e6, "soft_limit": 0, "length_penalty_limit": 1e6, "repetitive": -1e6
        }));
        let looping = "wait, no. ".repeat(40);
        for outcome in OUTCOMES {
            let rewards = score(&plugin, &[rollout(outcome, u32::MAX, FinishReason::Length, &looping)]);
            let total: f64 = rewards[0].parts.iter().map(|part| part.value).sum();
            assert_eq!(rewards[0].total, total);
            assert!(total.is_finite());
            assert_eq!(rewards[0].parts.len(), 4);
        }
    }

    #[test]
    fn one_reward_a_rollout_in_order() {
        let rollouts: Vec<Rollout> = (0..7)
            .map(|index| {
                let outcome = if index % 3 == 0 { Outcome::Correct } else { Outcome::Incorrect };
                rollout(outcome, 1, FinishReason::Stop, "")
            })
            .collect();
        let totals: Vec<f64> =
            score(&reward(serde_json::json!({})), &rollouts).iter().map(|reward| reward.total).collect();
        assert_eq!(totals, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        assert!(score(&reward(serde_json::json!({})), &[]).is_empty());
    }
}
