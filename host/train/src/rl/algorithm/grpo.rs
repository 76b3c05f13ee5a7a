//! GRPO (Shao et al., DeepSeekMath, arXiv 2402.03300), with the settings of OctoThinker's trainer.
//!
//! The loss itself is in `loss.rs` beside this file, and its mean in `aggregation.rs`.
//!
//! A reward is judged against the others of its prompt: (r − mean) ÷ (deviation + 1e-6). The ratio of each token is
//! clipped as in PPO. The loss is the mean over the tokens of the mini-batch, as OctoThinker's trainer takes it; the
//! paper's own mean over responses first is `aggregation = "sequence"`. `advantage = "mean-centred"` leaves out the
//! division.

use super::advantage::{AdvantageScale, group_relative};
use super::aggregation::Aggregation;
use super::loss::ImportanceRatio;
use super::{Algorithm, Outcomes};

pub(super) const GRPO: Algorithm = Algorithm {
    advantages,
    scale: Some(AdvantageScale::Grpo),
    ratio: ImportanceRatio::Token,
    clip: (0.2, 0.2),
    aggregation: Aggregation::Token,
    dynamic_sampling: false,
};

/// Group-relative advantages; also those of DAPO, GSPO, CISPO and, unscaled, Dr. GRPO.
pub(super) fn advantages(outcomes: &Outcomes<'_>) -> Vec<Vec<f64>> {
    outcomes.spread(&group_relative(outcomes))
}
