//! The policy-gradient algorithms, one small file each.
//!
//! # One GRPO step, file by file
//!
//! | What | File |
//! |---|---|
//! | the schedule plugin's plan, then all of the below in order | `rl/step.rs` |
//! | a group of rollouts for each prompt, verified while others are generated | `rl/collect.rs`, `generation/` |
//! | rewards from verdicts, by the reward plugins | `rl/rewards.rs` |
//! | rollouts whose verdict failed have no reward and no weight | `rl/masking.rs` |
//! | KL that the reward pays for, where the recipe has it there | `rl/kl_in_reward.rs` |
//! | which differences are more than rounding | [`rounding`] |
//! | (r − mean) ÷ (deviation + 1e-6) in each group | [`advantage`], called by `grpo.rs` |
//! | old log-probabilities, and which rows have a gradient | `rl/learn.rs` |
//! | the train–inference mismatch, and weights that correct for it | [`importance`] |
//! | forward and backward passes over packed rows | `rl/learn/passes.rs` |
//! | the clipped loss of every token, with its KL term | [`loss`] |
//! | how tokens weigh in the mean | [`aggregation`] |
//! | gradient clipping and the AdamW update | `optimizer/clip.rs`, `optimizer/adamw.rs` |
//! | metrics, samples and alarms | `rl/record.rs`, `rl/samples.rs`, `rl/alarms.rs` |
//!
//! # What an algorithm is
//!
//! The update sees per-token weights and advantages, and a loss over single tokens. An algorithm fills those in: how
//! advantages come of rewards, which ratio its loss has, where that is clipped, and how a response's tokens weigh. All
//! of it but the first can be set apart in the recipe, so that an ablation can vary one thing.
//!
//! **The reward is on the last token.** That is how OctoThinker's trainer has it. Without a discount, as there, the
//! return of every token of a response is then the same, the whole reward; so "on the last token" means that each
//! token of a response gets the advantage of the response. Only a KL penalty in the reward, which falls on every token,
//! makes the tokens of a response differ, and only for REINFORCE++.
//!
//! # Adding an algorithm
//!
//! 1. `algorithm/NAME.rs`: a constant of [`Algorithm`], with the paper in its first lines. `dapo.rs` is one that varies
//!    GRPO, `rloo.rs` one with advantages of its own.
//! 2. This file: `mod NAME;`, a variant of [`AlgorithmName`] with the sentence that users read, and its arm in
//!    [`AlgorithmName::algorithm`].
//! 3. Only where the paper needs what there is not: another scale in [`advantage`], ratio in [`loss`] or mean in
//!    [`aggregation`].
//! 4. Golden numbers: the paper's own formulas in `host/train/tests/golden/make_algorithms.py`, written independently;
//!    the test is `algorithm/tests.rs`, which counts the cases.
//! 5. Its row in `docs/reinforcement_learning.md`, "Algorithms", and `octo-host keys --markdown > docs/keys.md`.

pub mod advantage;
pub mod aggregation;
mod cispo;
mod dapo;
mod dr_grpo;
mod grpo;
mod gspo;
pub mod importance;
pub mod loss;
mod reinforce_plus_plus;
mod rloo;
pub mod rounding;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use advantage::AdvantageScale;
use aggregation::Aggregation;
use loss::ImportanceRatio;
use rounding::{Penalty, Rounded, differ};

/// An algorithm by its name in a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlgorithmName {
    /// Group-relative policy optimisation, as OctoThinker's trainer has it.
    #[default]
    Grpo,
    /// GRPO done right: no deviation, no response length in any divisor.
    DrGrpo,
    /// Decoupled clip and dynamic sampling.
    Dapo,
    /// Group sequence policy optimisation.
    Gspo,
    /// REINFORCE, leave one out.
    Rloo,
    /// REINFORCE with advantages normalised over the whole step.
    ReinforcePlusPlus,
    /// Clipped importance weights, no clipped tokens.
    Cispo,
}

/// What one algorithm is.
#[derive(Debug, Clone, Copy)]
pub struct Algorithm {
    /// Advantages of a step.
    pub advantages: fn(&Outcomes<'_>) -> Vec<Vec<f64>>,
    /// How its advantages are scaled unless the recipe sets `advantage`; `None` where that cannot be chosen.
    pub scale: Option<AdvantageScale>,
    /// Which ratio the loss has, and how its clip acts.
    pub ratio: ImportanceRatio,
    /// The ratio is held between 1 − the first and 1 + the second.
    pub clip: (f64, f64),
    /// How tokens weigh.
    pub aggregation: Aggregation,
    /// Whether groups of equal rewards are replaced by further prompts.
    pub dynamic_sampling: bool,
}

impl AlgorithmName {
    /// The algorithm of this name.
    pub fn algorithm(self) -> Algorithm {
        match self {
            AlgorithmName::Grpo => grpo::GRPO,
            AlgorithmName::DrGrpo => dr_grpo::DR_GRPO,
            AlgorithmName::Dapo => dapo::DAPO,
            AlgorithmName::Gspo => gspo::GSPO,
            AlgorithmName::Rloo => rloo::RLOO,
            AlgorithmName::ReinforcePlusPlus => reinforce_plus_plus::REINFORCE_PLUS_PLUS,
            AlgorithmName::Cispo => cispo::CISPO,
        }
    }
}

/// What advantages are computed from. Rollouts of one prompt are adjacent.
#[derive(Debug, Clone, Copy)]
pub struct Outcomes<'a> {
    /// Rollouts of a prompt.
    pub group_size: usize,
    /// Rewards; `None` is a masked rollout, whose advantages are all 0 and which is in no statistic.
    pub rewards: &'a [Option<Rounded>],
    /// Response tokens of each rollout.
    pub lengths: &'a [usize],
    /// What a KL term in the reward takes from every token, where there is one.
    pub penalties: Option<&'a [Penalty]>,
    /// How centred rewards are scaled.
    pub scale: AdvantageScale,
}

impl Outcomes<'_> {
    /// Each rollout's reward less all penalties of its tokens.
    pub fn totals(&self) -> Vec<Option<Rounded>> {
        (0..self.rewards.len()).map(|index| self.total(index)).collect()
    }

    fn total(&self, index: usize) -> Option<Rounded> {
        let reward = self.rewards[index]?;
        let penalty = self.penalties.and_then(|penalties| penalties.get(index));
        Some(penalty.map_or(reward, |penalty| reward.less(penalty.total())))
    }

    /// Whether a group has something to learn from: its rewards, or its rewards less their penalties, differ by more
    /// than rounding.
    pub fn varies(&self, group: usize) -> bool {
        let size = self.group_size.max(1);
        self.varied(group * size..((group + 1) * size).min(self.rewards.len()))
    }

    /// [`Outcomes::varies`] of any rollouts.
    fn varied(&self, rollouts: std::ops::Range<usize>) -> bool {
        differ(rollouts.clone().filter_map(|index| self.rewards[index]))
            || self.penalties.is_some() && differ(rollouts.filter_map(|index| self.total(index)))
    }

    /// One advantage per rollout, given to each of its tokens.
    pub fn spread(&self, advantages: &[f64]) -> Vec<Vec<f64>> {
        advantages.iter().zip(self.lengths).map(|(advantage, length)| vec![*advantage; *length]).collect()
    }
}

#[cfg(test)]
mod tests;
