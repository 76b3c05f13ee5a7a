//! A penalty of repeated n-grams and of loops.
//!
//! Two measures of one failing. The share of n-grams that a response had before grows smoothly and sees a text that
//! turns in circles with other words between; a loop is the same passage without a gap, the way base models fill the
//! room that is left.

use octo_rewards::amounts::{check_penalty, refuse};
use octo_rewards::{loops, ngrams};
use octo_sdk::{Plugin, PluginError, Progress, Reward, RewardFunction, Rollout};

/// What repetition costs.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What a response of nothing but repeated n-grams loses; 0 or more.
    #[schemars(range(min = 0.0))]
    pub penalty: f64,
    /// Units of an n-gram.
    #[schemars(range(min = 1, max = 100))]
    pub ngram: u32,
    /// What an n-gram is made of: `words` or `characters`.
    pub unit: ngrams::Unit,
    /// Share of repeated n-grams that costs nothing; ordinary working repeats some.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub free_share: f64,
    /// What a loop costs besides; 0 or more.
    #[schemars(range(min = 0.0))]
    pub loop_penalty: f64,
    /// Shortest passage of a loop, in characters.
    #[schemars(range(min = 1, max = 1000))]
    pub repeated_characters: u32,
    /// How many times in a row the passage must stand there to be a loop.
    #[schemars(range(min = 3, max = 1000))]
    pub repeated_times: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            penalty: 1.0,
            ngram: 3,
            unit: ngrams::Unit::Words,
            free_share: 0.0,
            loop_penalty: 0.0,
            repeated_characters: 5,
            repeated_times: 5,
        }
    }
}

/// Scores each rollout on its own.
pub struct RepetitionReward(Config);

impl Plugin for RepetitionReward {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        check_penalty("penalty", config.penalty)?;
        check_penalty("loop_penalty", config.loop_penalty)?;
        if !(1..=ngrams::LONGEST).contains(&config.ngram) {
            return refuse(format!("ngram is {}; it must lie between 1 and {}", config.ngram, ngrams::LONGEST));
        }
        if !(0.0..1.0).contains(&config.free_share) {
            return refuse(format!("free_share is {}; it must be at least 0 and below 1", config.free_share));
        }
        loops::check(config.repeated_characters, config.repeated_times)?;
        Ok(RepetitionReward(config))
    }
}

impl RewardFunction for RepetitionReward {
    fn score(&self, _: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError> {
        Ok(rollouts.iter().map(|rollout| self.reward(&rollout.attempt.response)).collect())
    }
}

impl RepetitionReward {
    fn reward(&self, response: &str) -> Reward {
        let config = &self.0;
        let share = ngrams::repeated_share(response, config.unit, config.ngram);
        let costs = ((share - config.free_share) / (1.0 - config.free_share)).max(0.0);
        let in_a_loop =
            config.loop_penalty > 0.0 && loops::repeats(response, config.repeated_characters, config.repeated_times);
        let ngrams = ("ngrams", 0.0 - config.penalty * costs);
        match config.loop_penalty > 0.0 {
            true => octo_rewards::sum([ngrams, ("loop", if in_a_loop { -config.loop_penalty } else { 0.0 })]),
            false => octo_rewards::sum([ngrams]),
        }
    }
}

octo_sdk::export!(reward: RepetitionReward);

#[cfg(test)]
mod tests {
    use super::*;
    use octo_rewards::samples::{progress, rollout};
    use octo_sdk::{FinishReason, Outcome};
    use proptest::prelude::*;
    use serde_json::json;

    fn reward(config: serde_json::Value) -> Result<RepetitionReward, String> {
        let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
        RepetitionReward::new(config).map_err(|error| error.message)
    }

    fn one(config: serde_json::Value, response: &str) -> Reward {
        let rollouts = [rollout(Outcome::Correct, 10, FinishReason::Stop, response)];
        reward(config).expect("valid").score(&progress(), &rollouts).expect("a reward each").remove(0)
    }

    /// The formula of TRL and Open-R1, (1 − distinct ÷ all) × penalty over n-grams of lower-case words. By hand:
    /// "a b a b": bigrams ab, ba, ab, so 2 distinct of 3; "the cat sat The cat sat the cat sat": trigrams
    /// tcs cst stc tcs cst stc tcs, so 3 distinct of 7.
    #[test]
    fn the_penalty_is_the_share_of_repeated_ngrams() {
        assert_eq!(one(json!({ "ngram": 2 }), "a b a b").total, -(1.0 - 2.0 / 3.0));
        assert_eq!(one(json!({}), "the cat sat The cat sat the cat sat").total, -(1.0 - 3.0 / 7.0));
        assert_eq!(one(json!({ "penalty": 0.5, "ngram": 1 }), "no no no no").total, -0.5 * 0.75);
        assert_eq!(one(json!({}), "First add the numbers, then halve them.").total, 0.0);
        assert_eq!(one(json!({}), "too short").total, 0.0, "fewer words than an n-gram");
        assert_eq!(one(json!({ "unit": "characters", "ngram": 2 }), "所以所以").total, -(1.0 - 2.0 / 3.0));
    }

    #[test]
    fn a_free_share_costs_nothing_and_the_rest_is_stretched_over_what_is_left() {
        let config = |free: f64| json!({ "ngram": 1, "free_share": free });
        assert_eq!(one(config(0.75), "no no no no").total, 0.0);
        assert_eq!(one(config(0.5), "no no no no").total, -0.5);
        assert_eq!(one(config(0.9), "no no no no").total, 0.0);
    }

    #[test]
    fn a_loop_costs_besides_and_shows_as_its_own_part() {
        let config = || json!({ "loop_penalty": 2.0, "penalty": 0.0 });
        let found = one(config(), &"Solution\n".repeat(6));
        assert_eq!((found.total, found.parts[1].name.as_str(), found.parts[1].value), (-2.0, "loop", -2.0));
        assert_eq!(one(config(), "The answer is 4.").total, 0.0);
        assert_eq!(one(json!({}), &"Solution\n".repeat(6)).parts.len(), 1, "a curve that is always 0 says nothing");
    }

    #[test]
    fn senseless_configs_are_refused_by_the_name_of_their_key() {
        for (config, key) in [
            (json!({ "penalty": -0.1 }), "penalty"),
            (json!({ "loop_penalty": -0.1 }), "loop_penalty"),
            (json!({ "ngram": 0 }), "ngram"),
            (json!({ "ngram": 101 }), "ngram"),
            (json!({ "free_share": 1.0 }), "free_share"),
            (json!({ "repeated_times": 2 }), "repeated_times"),
            (json!({ "unit": "lines" }), "unknown variant `lines`"),
            (json!({ "ngrams": 2 }), "unknown field `ngrams`"),
        ] {
            let error = reward(config.clone()).err().expect("senseless");
            assert!(error.starts_with(key), "{config}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_response_stays_within_the_bounds(
            response in any::<String>(), penalty in 0.0f64..1e6, loops in 0.0f64..1e6, free in 0.0f64..0.99, n in 1u32..=100,
        ) {
            let config = json!({ "penalty": penalty, "loop_penalty": loops, "free_share": free, "ngram": n });
            let found = one(config, &response);
            prop_assert!((-penalty - loops..=0.0).contains(&found.total), "{}", found.total);
            prop_assert_eq!(found.parts.iter().map(|part| part.value).sum::<f64>(), found.total);
        }

        /// Saying it all once more is never cheaper.
        #[test]
        fn a_response_that_is_said_again_loses_no_less(words in prop::collection::vec("[a-d]{1,2}", 3..40), n in 1u32..4) {
            let once = words.join(" ");
            let config = || json!({ "ngram": n });
            let (first, second) = (one(config(), &once).total, one(config(), &format!("{once} {once}")).total);
            prop_assert!(second <= first + 1e-12, "{} {}", first, second);
        }
    }
}
