//! A KL term in the reward: what it takes from each rollout, before advantages are computed.
//!
//! It is part of what advantages are made from, so it has to be known where that matters: as soon as a round's rollouts
//! have rewards, since dynamic sampling asks of each group whether it has a gradient.

use octo_model::Sampling;

use super::algorithm::Outcomes;
use super::algorithm::importance::TrainInferenceMismatch;
use super::algorithm::rounding::{Penalty, Rounded};
use super::collect::Collected;
use super::config::{KlTerm, OldSource};
use super::rewards::Rewards;
use super::{Reinforcement, prompt_of};
use crate::error::TrainError;

/// What a KL term in the reward takes from one rollout, and the log-probabilities of its tokens that it is taken from.
#[derive(Default)]
pub(super) struct Taken {
    /// Under the policy before the step's first update.
    pub(super) old: Vec<f32>,
    /// Under the reference model.
    pub(super) reference: Vec<f32>,
    pub(super) penalty: Penalty,
}

impl Reinforcement<'_> {
    /// What KL in the reward takes from the rollouts of `collected` from the index `first` on; nothing where the recipe
    /// has no such term. A masked rollout has nothing to take from.
    ///
    /// With log-probabilities of the engine's, the noise of the passes is measured on a few rollouts, as many as one
    /// forward pass takes; else on all of them, for which the trainer's own log-probabilities are there anyway.
    pub(super) fn taken_by_kl(
        &self,
        collected: &Collected,
        rewards: &Rewards,
        first: usize,
        sampling: &Sampling,
    ) -> Result<Vec<Taken>, TrainError> {
        let Some(reference) = self.reference.as_ref().filter(|_| self.config.kl_term() == KlTerm::InReward) else {
            return Ok(Vec::new());
        };
        let passes = self.passes(sampling.temperature);
        let new = &collected.rollouts[first..];
        let unmasked: Vec<usize> = (0..new.len()).filter(|index| rewards.totals[*index].is_some()).collect();
        let rows = unmasked.iter().map(|index| {
            let prompt =
                prompt_of(&self.prompts, collected.problems[(first + index) / self.config.rollouts_per_prompt]);
            self.row(prompt, &new[*index], rewards.totals[*index])
        });
        let rows: Vec<_> = rows.collect();
        let rows: Vec<&_> = rows.iter().collect();
        let references = passes.log_probabilities(reference, &rows)?;
        let sampled = |index: &usize| &new[*index].response.log_probabilities;
        let (old, mismatch) = match self.config.old_source() {
            OldSource::Sampled => {
                let old: Vec<Vec<f32>> = unmasked.iter().map(|index| sampled(index).clone()).collect();
                (old, self.mismatch_of_few(&passes, &rows, &unmasked.iter().map(sampled).collect::<Vec<_>>())?)
            }
            OldSource::Recomputed | OldSource::Present => {
                let old = passes.log_probabilities(&self.model, &rows)?;
                let mut mismatch = TrainInferenceMismatch::default();
                unmasked.iter().zip(&old).for_each(|(index, old)| mismatch.add(old, sampled(index)));
                (old, mismatch)
            }
        };
        let (estimator, coefficient) = (self.config.kl_estimator, self.config.kl_coefficient);
        let mut taken: Vec<Taken> = new.iter().map(|_| Taken::default()).collect();
        for ((index, old), reference) in unmasked.into_iter().zip(old).zip(references) {
            let penalty = estimator.penalty(coefficient, &old, &reference, mismatch.noise());
            taken[index] = Taken { old, reference, penalty };
        }
        Ok(taken)
    }

    /// Calls `with` with what advantages of some rollouts are computed from.
    pub(super) fn with_outcomes<T>(
        &self,
        rewards: &[Option<Rounded>],
        lengths: &[usize],
        taken: &[&Taken],
        with: impl FnOnce(&Outcomes<'_>) -> T,
    ) -> T {
        let penalties: Vec<Penalty> = taken.iter().map(|taken| taken.penalty.clone()).collect();
        with(&Outcomes {
            group_size: self.config.rollouts_per_prompt,
            rewards,
            lengths,
            penalties: (!penalties.is_empty()).then_some(&penalties[..]),
            scale: self.config.algorithm().scale.unwrap_or_default(),
        })
    }
}
