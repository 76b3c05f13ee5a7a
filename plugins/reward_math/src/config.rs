//! What a recipe may set, and what of it makes sense.

use octo_sdk::PluginError;

/// Larger rewards only train worse, and sums of parts below this are always finite.
const LARGEST: f64 = 1e6;

/// The reward of a rollout: its outcome's, plus what is added for faults.
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
    /// Added where the response was cut off at its length limit; 0 or less.
    #[schemars(range(max = 0.0))]
    pub truncated: f64,
    /// Subtracted for every token beyond `soft_limit`; 0 or more.
    #[schemars(range(min = 0.0))]
    pub length_penalty: f64,
    /// Tokens a response may have before `length_penalty` counts. Needed with a `length_penalty`.
    pub soft_limit: Option<u32>,
    /// The most that `length_penalty` takes from one response; 0 or more.
    #[schemars(range(min = 0.0))]
    pub length_penalty_limit: f64,
    /// Added where the response repeats a passage over and over; 0 or less.
    #[schemars(range(max = 0.0))]
    pub repetitive: f64,
    /// Shortest passage that counts as repeated, in characters.
    #[schemars(range(min = 1, max = 1000))]
    pub repeated_characters: u32,
    /// How many times in a row the passage must stand there to count.
    #[schemars(range(min = 3, max = 1000))]
    pub repeated_times: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            correct: 1.0,
            incorrect: 0.0,
            no_answer: 0.0,
            unparsable: 0.0,
            truncated: 0.0,
            length_penalty: 0.0,
            soft_limit: None,
            length_penalty_limit: 1.0,
            repetitive: 0.0,
            // OctoThinker's reward variants look for five or more characters, five times.
            repeated_characters: 5,
            repeated_times: 5,
        }
    }
}

impl Config {
    /// Refuses what would train nothing, or the opposite of what was meant.
    pub(crate) fn check(&self) -> Result<(), PluginError> {
        let refuse = |message: String| Err(PluginError::invalid_config(message));
        for (key, value) in [
            ("correct", self.correct),
            ("incorrect", self.incorrect),
            ("no_answer", self.no_answer),
            ("unparsable", self.unparsable),
            ("truncated", self.truncated),
            ("length_penalty", self.length_penalty),
            ("length_penalty_limit", self.length_penalty_limit),
            ("repetitive", self.repetitive),
        ] {
            if value.is_nan() || value.abs() > LARGEST {
                return refuse(format!("{key} is {value}; it must lie between -{LARGEST} and {LARGEST}"));
            }
        }
        for (key, value) in
            [("incorrect", self.incorrect), ("no_answer", self.no_answer), ("unparsable", self.unparsable)]
        {
            if value >= self.correct {
                return refuse(format!(
                    "{key} is {value}, but a correct answer gets only {}; correct must be the highest",
                    self.correct
                ));
            }
        }
        for (key, value) in [("truncated", self.truncated), ("repetitive", self.repetitive)] {
            if value > 0.0 {
                return refuse(format!("{key} is {value}; it is added for a fault, so it must be 0 or less"));
            }
        }
        for (key, value) in
            [("length_penalty", self.length_penalty), ("length_penalty_limit", self.length_penalty_limit)]
        {
            if value < 0.0 {
                return refuse(format!("{key} is {value}; it is subtracted, so it must be 0 or more"));
            }
        }
        if self.length_penalty > 0.0 && self.soft_limit.is_none() {
            return refuse("soft_limit is missing: say beyond how many tokens length_penalty counts".to_owned());
        }
        for (key, value, least) in
            [("repeated_characters", self.repeated_characters, 1), ("repeated_times", self.repeated_times, 3)]
        {
            if !(least..=1000).contains(&value) {
                return refuse(format!("{key} is {value}; it must lie between {least} and 1000"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_configs_are_refused_by_the_name_of_their_key() {
        for (config, key) in [
            (serde_json::json!({ "correct": 0.0 }), "incorrect"),
            (serde_json::json!({ "incorrect": 1.0 }), "incorrect"),
            (serde_json::json!({ "no_answer": 1.5 }), "no_answer"),
            (serde_json::json!({ "unparsable": 3.0 }), "unparsable"),
            (serde_json::json!({ "correct": 2e6 }), "correct"),
            (serde_json::json!({ "truncated": 0.5 }), "truncated"),
            (serde_json::json!({ "repetitive": 0.5 }), "repetitive"),
            (serde_json::json!({ "length_penalty": -0.1, "soft_limit": 10 }), "length_penalty"),
            (serde_json::json!({ "length_penalty": 0.1 }), "soft_limit"),
            (serde_json::json!({ "length_penalty_limit": -1.0 }), "length_penalty_limit"),
            (serde_json::json!({ "repeated_characters": 0 }), "repeated_characters"),
            (serde_json::json!({ "repeated_times": 2 }), "repeated_times"),
        ] {
            let parsed: Config = serde_json::from_value(config.clone()).expect("fits the types");
            let error = parsed.check().expect_err("senseless").message;
            assert!(error.starts_with(key), "{config}: {error}");
        }
        let not_a_number = Config { incorrect: f64::NAN, ..Config::default() };
        assert!(not_a_number.check().expect_err("NaN").message.starts_with("incorrect"));
        assert_eq!(Config::default().check(), Ok(()));
    }

    #[test]
    fn a_misspelt_key_is_an_error_and_not_a_default() {
        let error = serde_json::from_value::<Config>(serde_json::json!({ "corect": 1.0 })).expect_err("misspelt");
        assert!(error.to_string().contains("corect"), "{error}");
    }

    #[test]
    fn the_schema_describes_every_key_and_its_default() {
        let schema = schemars::schema_for!(Config);
        let properties = schema.get("properties").and_then(serde_json::Value::as_object).expect("an object");
        assert_eq!(properties.len(), 11);
        for (key, property) in properties {
            assert!(property.get("description").is_some_and(|text| text.is_string()), "{key}");
            assert!(property.get("default").is_some(), "{key}");
        }
        assert_eq!(schema.get("additionalProperties"), Some(&serde_json::Value::Bool(false)));
    }
}
