//! What a recipe may set: a variant, and amounts in place of the variant's.

use octo_rewards::{amounts, loops};
use octo_sdk::PluginError;

/// A set of amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub enum Variant {
    /// 0 for a response in good form and −1 for a fault, to be added to another reward.
    #[default]
    #[serde(rename = "penalty")]
    Penalty,
    /// OctoThinker's `v2.wformat`: correct 1, wrong −0.5; −1 without a box, with several, or with a repetition.
    #[serde(rename = "v2.wformat")]
    V2,
    /// OctoThinker's `v3.repeatpenalty`: correct 1, wrong or without a box −1; −2 with a repetition.
    #[serde(rename = "v3.repeatpenalty")]
    V3,
    /// OctoThinker's `v4`: correct 1, wrong or without a box −1; −2 with several boxes or a repetition.
    #[serde(rename = "v4")]
    V4,
}

/// The amounts that decide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Amounts {
    pub correct: f64,
    pub wrong: f64,
    pub no_box: Option<f64>,
    pub many_boxes: Option<f64>,
    pub repetition: Option<f64>,
}

impl Variant {
    fn amounts(self) -> Amounts {
        let of = |correct, wrong, no_box, many_boxes, repetition| Amounts {
            correct,
            wrong,
            no_box: Some(no_box),
            many_boxes,
            repetition: Some(repetition),
        };
        match self {
            Variant::Penalty => of(0.0, 0.0, -1.0, Some(-1.0), -1.0),
            Variant::V2 => of(1.0, -0.5, -1.0, Some(-1.0), -1.0),
            Variant::V3 => of(1.0, -1.0, -1.0, None, -2.0),
            Variant::V4 => of(1.0, -1.0, -1.0, Some(-2.0), -2.0),
        }
    }
}

/// What form a response must have, and what it costs not to.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Sets every amount; the keys below change single ones.
    pub variant: Variant,
    /// For a correct answer in good form.
    pub correct: Option<f64>,
    /// For any other answer in good form.
    pub wrong: Option<f64>,
    /// For a response without a closed box that holds something, whatever its verdict. At most `wrong`.
    pub no_box: Option<f64>,
    /// For two closed boxes or more, whatever the verdict. At most `wrong`.
    pub many_boxes: Option<f64>,
    /// For a passage that stands many times in a row, whatever the verdict. At most `wrong`.
    pub repetition: Option<f64>,
    /// Shortest passage that counts as repeated, in characters.
    #[schemars(range(min = 1, max = 1000))]
    pub repeated_characters: u32,
    /// How many times in a row the passage must stand there to count.
    #[schemars(range(min = 3, max = 1000))]
    pub repeated_times: u32,
}

impl Default for Config {
    fn default() -> Self {
        // OctoThinker's variants look for five or more characters, five times.
        Config {
            variant: Variant::default(),
            correct: None,
            wrong: None,
            no_box: None,
            many_boxes: None,
            repetition: None,
            repeated_characters: 5,
            repeated_times: 5,
        }
    }
}

impl Config {
    /// The variant's amounts with the config's own over them. Refuses what would reward a fault.
    pub(crate) fn amounts(&self) -> Result<Amounts, PluginError> {
        let of_variant = self.variant.amounts();
        let found = Amounts {
            correct: self.correct.unwrap_or(of_variant.correct),
            wrong: self.wrong.unwrap_or(of_variant.wrong),
            no_box: self.no_box.or(of_variant.no_box),
            many_boxes: self.many_boxes.or(of_variant.many_boxes),
            repetition: self.repetition.or(of_variant.repetition),
        };
        amounts::check("correct", found.correct)?;
        amounts::check("wrong", found.wrong)?;
        if found.wrong > found.correct {
            return amounts::refuse(format!(
                "wrong is {}, but a correct answer gets only {}; a wrong one may not get more",
                found.wrong, found.correct
            ));
        }
        for (key, value) in
            [("no_box", found.no_box), ("many_boxes", found.many_boxes), ("repetition", found.repetition)]
        {
            let Some(value) = value else { continue };
            amounts::check(key, value)?;
            if value > found.wrong {
                return amounts::refuse(format!(
                    "{key} is {value}, but a wrong answer in good form gets only {}; a fault may not get more",
                    found.wrong
                ));
            }
        }
        loops::check(self.repeated_characters, self.repeated_times)?;
        Ok(found)
    }
}
