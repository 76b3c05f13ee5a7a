//! One box and no repetition, with OctoThinker's reward variants.
//!
//! OctoThinker (arXiv 2506.20512) met policies that box many answers, or box one and then repeat themselves to the
//! limit, and wrote three variants of its reward against them. In each a fault *replaces* the reward of the verdict, and
//! so it does here: a response has one deciding part, the lowest of its faults, or else `outcome`.
//!
//! The variants are those of its code, less three defects of that code: a box may hold braces at any depth, a passage
//! repeated line by line is repeated too, and the time is linear in the response.

mod config;

pub use config::{Config, Variant};

use config::Amounts;
use octo_sdk::{Outcome, Plugin, PluginError, Progress, Reward, RewardFunction, Rollout};

/// Scores each rollout on its own: groups and the stage's progress make no difference.
pub struct FormatReward {
    amounts: Amounts,
    repeated_characters: u32,
    repeated_times: u32,
}

impl Plugin for FormatReward {
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        Ok(FormatReward {
            amounts: config.amounts()?,
            repeated_characters: config.repeated_characters,
            repeated_times: config.repeated_times,
        })
    }
}

impl RewardFunction for FormatReward {
    fn score(&self, _: &Progress, rollouts: &[Rollout]) -> Result<Vec<Reward>, PluginError> {
        Ok(rollouts.iter().map(|rollout| self.reward(rollout)).collect())
    }
}

impl FormatReward {
    /// The parts are always the same four, so that each is a curve; all but the deciding one are 0.
    fn reward(&self, rollout: &Rollout) -> Reward {
        let response = &rollout.attempt.response;
        // An empty box answers nothing: "\\boxed{7}, put in \\boxed{} as asked" has one answer.
        let holds = |found: &octo_answers::Span| {
            response.get(found.start..found.end).is_some_and(|text| !text.trim().is_empty())
        };
        let boxes = octo_answers::boxes(response).iter().filter(|found| found.closed && holds(found)).count();
        let faults = [
            ("no_box", self.amounts.no_box.filter(|_| boxes == 0)),
            ("many_boxes", self.amounts.many_boxes.filter(|_| boxes >= 2)),
            ("repetition", self.amounts.repetition.filter(|_| self.repeats(response))),
        ];
        let outcome = match rollout.verdict.outcome {
            Outcome::Correct => self.amounts.correct,
            _ => self.amounts.wrong,
        };
        let mut deciding = ("outcome", outcome);
        let mut faulty = false;
        for (name, value) in faults {
            if let Some(value) = value
                && (!faulty || value < deciding.1)
            {
                (deciding, faulty) = ((name, value), true);
            }
        }
        let names = ["outcome", "no_box", "many_boxes", "repetition"];
        octo_rewards::sum(names.map(|name| (name, if name == deciding.0 { deciding.1 } else { 0.0 })))
    }

    fn repeats(&self, response: &str) -> bool {
        octo_rewards::loops::repeats(response, self.repeated_characters, self.repeated_times)
    }
}

octo_sdk::export!(reward: FormatReward);

#[cfg(test)]
mod tests;
