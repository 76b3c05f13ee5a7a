//! A staircase of response lengths over training steps.
//!
//! Base models that start with long responses ramble; OctoThinker (arXiv 2506.20512) lets them grow instead: 2,048
//! tokens at first, 4,096 and 8,192 later. A step uses the last stair that begins at or before it.

use octo_sdk::{Plugin, PluginError, Progress, RolloutSchedule, StepPlan};

/// One stair.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stair {
    /// First training step of the stair, counted from 0.
    pub step: u64,
    /// Longest response from then on, in tokens.
    #[schemars(range(min = 1))]
    pub tokens: u32,
    /// Sampling temperature from then on; left out, the staircase's.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub temperature: Option<f64>,
    /// Share of probability to sample from, from then on; left out, the staircase's.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub top_p: Option<f64>,
}

/// Response lengths by step, and how responses are sampled.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The stairs, by rising step. The first starts at step 0.
    #[schemars(length(min = 1))]
    pub stairs: Vec<Stair>,
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

/// A schedule that depends on nothing but the step.
pub struct Staircase(Config);

impl Plugin for Staircase {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        let refuse = |message: String| Err(PluginError::invalid_config(message));
        let Some(first) = config.stairs.first() else {
            return refuse("stairs: give at least one, such as { step = 0, tokens = 2048 }".into());
        };
        if first.step != 0 {
            // The paper's own script looked up index -1 before its first stair: the last one, the longest of all.
            return refuse(format!(
                "stairs[0].step is {}, which leaves the steps before it without a length; the first stair must be at step 0",
                first.step
            ));
        }
        for (index, stair) in config.stairs.iter().enumerate() {
            if stair.tokens == 0 {
                return refuse(format!("stairs[{index}].tokens is 0; a response needs at least one token"));
            }
            check_sampling(&format!("stairs[{index}]."), stair.temperature, stair.top_p)?;
        }
        for (index, pair) in config.stairs.windows(2).enumerate() {
            if let [before, after] = pair
                && after.step <= before.step
            {
                return refuse(format!(
                    "stairs[{}].step is {}, but the stair before it starts at {}; steps must rise",
                    index + 1,
                    after.step,
                    before.step
                ));
            }
        }
        check_sampling("", Some(config.temperature), Some(config.top_p))?;
        Ok(Staircase(config))
    }
}

/// `place` stands before the name of a key.
fn check_sampling(place: &str, temperature: Option<f64>, top_p: Option<f64>) -> Result<(), PluginError> {
    let refuse = |message: String| Err(PluginError::invalid_config(message));
    match (temperature, top_p) {
        (Some(temperature), _) if !(temperature.is_finite() && temperature >= 0.0) => {
            refuse(format!("{place}temperature is {temperature}; it must be 0 or more"))
        }
        (_, Some(top_p)) if !(top_p > 0.0 && top_p <= 1.0) => {
            refuse(format!("{place}top_p is {top_p}; it must be above 0 and at most 1"))
        }
        _ => Ok(()),
    }
}

impl RolloutSchedule for Staircase {
    fn plan(&mut self, at: &Progress) -> Result<StepPlan, PluginError> {
        let below = self.0.stairs.partition_point(|stair| stair.step <= at.step);
        let stair = below.checked_sub(1).and_then(|index| self.0.stairs.get(index));
        let stair = stair.ok_or_else(|| PluginError::internal(format!("no stair for step {}", at.step)))?;
        Ok(StepPlan {
            max_response_tokens: stair.tokens,
            temperature: stair.temperature.unwrap_or(self.0.temperature),
            top_p: stair.top_p.unwrap_or(self.0.top_p),
        })
    }
}

octo_sdk::export!(schedule: Staircase);

#[cfg(test)]
mod tests {
    use super::*;

    fn stairs(config: serde_json::Value) -> Result<Staircase, String> {
        let config = serde_json::from_value(config).map_err(|error| error.to_string())?;
        Staircase::new(config).map_err(|error| error.message)
    }

    fn at(step: u64) -> Progress {
        Progress { stage: "rl".into(), step, total_steps: 400, tokens: 0, total_tokens: 0, metrics: vec![] }
    }

    fn paper() -> serde_json::Value {
        serde_json::json!({ "stairs": [
            { "step": 0, "tokens": 2048 }, { "step": 200, "tokens": 4096 }, { "step": 320, "tokens": 8192 }
        ]})
    }

    #[test]
    fn the_papers_staircase_changes_at_its_steps_and_not_between() {
        let mut schedule = stairs(paper()).expect("valid");
        let tokens = |schedule: &mut Staircase, step| schedule.plan(&at(step)).map(|plan| plan.max_response_tokens);
        for (step, expected) in
            [(0, 2048), (199, 2048), (200, 4096), (319, 4096), (320, 8192), (400, 8192), (u64::MAX, 8192)]
        {
            assert_eq!(tokens(&mut schedule, step), Ok(expected), "step {step}");
        }
    }

    #[test]
    fn a_resumed_run_gets_the_plan_of_its_step_without_any_memory() {
        let mut whole = stairs(paper()).expect("valid");
        for step in 0..350 {
            whole.plan(&at(step)).expect("a plan");
        }
        let mut resumed = stairs(paper()).expect("valid");
        resumed.restore(&RolloutSchedule::save(&whole)).expect("nothing to restore");
        assert_eq!(resumed.plan(&at(350)), whole.plan(&at(350)));
    }

    #[test]
    fn sampling_is_the_models_own_unless_the_recipe_says_otherwise() {
        let plan = stairs(paper()).expect("valid").plan(&at(0)).expect("a plan");
        assert_eq!((plan.temperature, plan.top_p), (1.0, 1.0));
        let mut config = paper();
        config["temperature"] = 0.7.into();
        config["top_p"] = 0.9.into();
        let plan = stairs(config).expect("valid").plan(&at(0)).expect("a plan");
        assert_eq!((plan.temperature, plan.top_p), (0.7, 0.9));
    }

    #[test]
    fn a_stair_may_change_how_responses_are_sampled() {
        let mut schedule = stairs(serde_json::json!({ "temperature": 0.8, "stairs": [
            { "step": 0, "tokens": 8, "temperature": 1.0 }, { "step": 5, "tokens": 16 },
            { "step": 9, "tokens": 8, "temperature": 0.6, "top_p": 0.95 }
        ]}))
        .expect("valid");
        let mut sampled = |step| schedule.plan(&at(step)).map(|plan| (plan.temperature, plan.top_p));
        assert_eq!(sampled(4), Ok((1.0, 1.0)));
        assert_eq!(sampled(5), Ok((0.8, 1.0)), "what a stair leaves out is the staircase's, not the stair's before");
        assert_eq!(sampled(9), Ok((0.6, 0.95)));
    }

    #[test]
    fn a_staircase_that_says_nothing_of_the_first_step_is_refused() {
        let error = stairs(serde_json::json!({ "stairs": [{ "step": 100, "tokens": 4096 }] })).err();
        let error = error.expect("no stair for step 0");
        assert!(error.contains("stairs[0].step is 100") && error.contains("step 0"), "{error}");
    }

    #[test]
    fn senseless_configs_are_refused_by_the_name_of_their_key() {
        let stair = |step: u64, tokens: u32| serde_json::json!({ "step": step, "tokens": tokens });
        for (config, key) in [
            (serde_json::json!({}), "stairs"),
            (serde_json::json!({ "stairs": [] }), "stairs"),
            (serde_json::json!({ "stairs": [stair(0, 0)] }), "stairs[0].tokens"),
            (serde_json::json!({ "stairs": [stair(0, 8), stair(5, 16), stair(5, 32)] }), "stairs[2].step"),
            (serde_json::json!({ "stairs": [stair(0, 8), stair(9, 16), stair(5, 32)] }), "stairs[2].step"),
            (serde_json::json!({ "stairs": [stair(0, 8)], "temperature": -0.5 }), "temperature"),
            (serde_json::json!({ "stairs": [stair(0, 8)], "top_p": 0.0 }), "top_p"),
            (serde_json::json!({ "stairs": [stair(0, 8)], "top_p": 1.5 }), "top_p"),
            (serde_json::json!({ "stairs": [stair(0, 8)], "temprature": 1.0 }), "temprature"),
            (
                serde_json::json!({ "stairs": [{ "step": 0, "tokens": 8, "temperature": -1.0 }] }),
                "stairs[0].temperature",
            ),
            (serde_json::json!({ "stairs": [{ "step": 0, "tokens": 8, "top_p": 0.0 }] }), "stairs[0].top_p"),
        ] {
            let error = stairs(config.clone()).err().expect("senseless");
            assert!(error.contains(key), "{config}: {error}");
        }
    }
}
