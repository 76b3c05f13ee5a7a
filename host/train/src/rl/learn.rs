//! The updates of a step, from rollouts with their rewards.
//!
//! Rollouts become rows ([`passes::TrainingRow`]): a prompt and a response with a weight, an advantage and old
//! log-probabilities for every response token. Masked rollouts have weights of 0; rows without a gradient are not run.

pub mod passes;

use std::sync::Arc;

use octo_model::Model;

use super::algorithm::importance::{TrainInferenceMismatch, weigh};
use super::algorithm::loss::KlEstimator;
use super::algorithm::rounding::{PassNoise, Rounded};
use super::collect::Collected;
use super::config::{KlTerm, OldSource};
use super::kl_in_reward::Taken;
use super::masking::token_weights;
use super::{OldLogProbabilities, Reinforcement, prompt_of};
use crate::error::TrainError;
use crate::generation::prompts::Prompt;
use crate::generation::rollouts::Rollout;
use crate::optimizer::clip::{clear_gradients, clip_global_norm};
use passes::{PolicyPasses, TrainingRow, UpdateTerms};

/// What the updates of a step found: means over them, and their number.
pub(super) struct Learned {
    pub(super) gradient_norm: f64,
    pub(super) loss: f64,
    /// Shares of the weight of all tokens that the bounds have cut.
    pub(super) clipped_low: f64,
    pub(super) clipped_high: f64,
    /// Divergence from the policy before the first update, over the further ones.
    pub(super) policy_kl: Option<f64>,
    pub(super) reference_kl: Option<f64>,
    pub(super) mismatch: TrainInferenceMismatch,
    pub(super) updates: u64,
    /// Groups among those to learn from whose advantages are all 0.
    pub(super) groups_without_gradient: usize,
}

impl Learned {
    /// A mean over the updates; `None` where none was made, since a mean of nothing is not 0.
    pub(super) fn of_updates(&self, mean: f64) -> Option<f64> {
        (self.updates > 0).then_some(mean)
    }
}

/// What was summed up over the updates of a step.
#[derive(Default)]
struct Updates {
    made: u64,
    gradient_norm: f64,
    loss: f64,
    clipped_low: f64,
    clipped_high: f64,
    policy_kl: Mean,
    reference_kl: Mean,
    /// The mismatch as the first pass saw it, whose weights are still the ones that sampled.
    mismatch: TrainInferenceMismatch,
}

/// A mean of what has a weight.
#[derive(Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, sum: f64, weight: f64) {
        self.sum += sum;
        self.weight += weight;
    }

    fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// Rows of the rollouts that the step learns from, with the log-probabilities that they were sampled with.
struct Rows<'r> {
    rows: Vec<TrainingRow<'r>>,
    sampled: Vec<&'r [f32]>,
    rewards: Vec<Option<Rounded>>,
    /// What KL in the reward takes; empty where there is no such term.
    taken: Vec<&'r Taken>,
}

impl<'r> Rows<'r> {
    /// Indices of the rows for which `wanted` holds.
    fn which(&self, wanted: impl Fn(&TrainingRow<'r>) -> bool) -> Vec<usize> {
        (0..self.rows.len()).filter(|&row| wanted(&self.rows[row])).collect()
    }
}

impl Reinforcement<'_> {
    /// The step's updates.
    pub(super) fn learn(
        &mut self,
        collected: &Collected,
        temperature: f64,
        learning_rate: f64,
    ) -> Result<Learned, TrainError> {
        let passes = self.passes(temperature);
        let kl = self.config.kl_term();
        let prompts = Arc::clone(&self.prompts);
        let mut rows = self.rows(collected, &prompts);
        self.set_advantages(&mut rows);
        let of_group = |group: &[TrainingRow<'_>]| group.iter().all(|row| !row.has_gradient(false));
        let groups_without_gradient =
            rows.rows.chunks(self.config.rollouts_per_prompt).filter(|group| of_group(group)).count();
        if kl != KlTerm::InReward {
            let with_gradient = rows.which(|row| row.has_gradient(kl == KlTerm::InLoss));
            self.fill_before_updates(&passes, &mut rows, &with_gradient)?;
        }
        let before_updates = self.weigh_by_importance(&passes, &mut rows);
        let updates = self.update(&passes, &rows, before_updates, learning_rate)?;
        // On all rows whose old log-probabilities were recomputed, else on those of the first pass, else on a few.
        let measured = [before_updates, updates.mismatch].into_iter().find(|found| found.divergence().is_some());
        let mismatch = match measured {
            Some(mismatch) => mismatch,
            None => {
                let few = self.all_rows(collected, &prompts);
                let sampled: Vec<_> =
                    collected.rollouts.iter().map(|rollout| &rollout.response.log_probabilities).collect();
                self.mismatch_of_few(&passes, &few.iter().collect::<Vec<_>>(), &sampled)?
            }
        };
        let made = updates.made.max(1) as f64;
        Ok(Learned {
            gradient_norm: updates.gradient_norm / made,
            loss: updates.loss / made,
            clipped_low: updates.clipped_low / made,
            clipped_high: updates.clipped_high / made,
            policy_kl: updates.policy_kl.value(),
            reference_kl: updates.reference_kl.value(),
            mismatch,
            updates: updates.made,
            groups_without_gradient,
        })
    }

    /// How this step's rows are run through a model.
    pub(super) fn passes(&self, temperature: f64) -> PolicyPasses {
        PolicyPasses {
            loss: self.config.policy_loss(),
            temperature,
            tokens_per_forward: self.config.tokens_per_forward,
            recompute: self.config.recompute,
        }
    }

    /// Rows of the groups that the step learns from; advantages come later.
    fn rows<'r>(&self, collected: &'r Collected, prompts: &'r [Vec<Prompt>]) -> Rows<'r> {
        let group_size = self.config.rollouts_per_prompt;
        let indices = || collected.kept.iter().flat_map(|group| group * group_size..(group + 1) * group_size);
        let taken = |index: usize| collected.taken.get(index);
        let row = |index: usize| {
            let taken = taken(index).filter(|_| collected.rewards.totals[index].is_some());
            TrainingRow {
                old: taken.map(|taken| taken.old.clone()),
                reference: taken.map(|taken| taken.reference.clone()),
                ..self.row_of(collected, prompts, index)
            }
        };
        Rows {
            rows: indices().map(row).collect(),
            sampled: indices().map(|index| &collected.rollouts[index].response.log_probabilities[..]).collect(),
            rewards: indices().map(|index| collected.rewards.rounded(index)).collect(),
            taken: indices().filter_map(taken).collect(),
        }
    }

    /// Rows of all rollouts, without advantages.
    fn all_rows<'r>(&self, collected: &'r Collected, prompts: &'r [Vec<Prompt>]) -> Vec<TrainingRow<'r>> {
        (0..collected.rollouts.len()).map(|index| self.row_of(collected, prompts, index)).collect()
    }

    fn row_of<'r>(&self, collected: &'r Collected, prompts: &'r [Vec<Prompt>], index: usize) -> TrainingRow<'r> {
        let prompt = prompt_of(prompts, collected.problems[index / self.config.rollouts_per_prompt]);
        self.row(prompt, &collected.rollouts[index], collected.rewards.totals[index])
    }

    /// A rollout as a row, without advantages.
    pub(super) fn row<'r>(&self, prompt: &'r Prompt, rollout: &'r Rollout, reward: Option<f64>) -> TrainingRow<'r> {
        let response = &rollout.response.tokens;
        let aggregation = self.config.algorithm().aggregation;
        let weight = aggregation.token_weight(response.len(), self.config.max_response_tokens);
        TrainingRow {
            prompt: &prompt.tokens,
            response,
            advantages: vec![0.0; response.len()],
            weights: token_weights(reward, weight, response.len()),
            old: None,
            reference: None,
        }
    }

    /// Fills in what the `chosen` rows need of the weights as they are before the first update: old log-probabilities,
    /// and those of the reference model where there is one.
    fn fill_before_updates(
        &self,
        passes: &PolicyPasses,
        rows: &mut Rows<'_>,
        chosen: &[usize],
    ) -> Result<(), TrainError> {
        match self.config.old_source() {
            OldSource::Sampled => chosen.iter().for_each(|&row| rows.rows[row].old = Some(rows.sampled[row].to_vec())),
            OldSource::Recomputed => fill(passes, &self.model, &mut rows.rows, chosen, |row| &mut row.old)?,
            OldSource::Present => {}
        }
        if let Some(reference) = &self.reference {
            fill(passes, reference, &mut rows.rows, chosen, |row| &mut row.reference)?;
        }
        Ok(())
    }

    /// The algorithm's advantages, from rewards and what is taken from them.
    fn set_advantages(&self, rows: &mut Rows<'_>) {
        let lengths: Vec<usize> = rows.rows.iter().map(|row| row.response.len()).collect();
        let advantages = self.with_outcomes(&rows.rewards, &lengths, &rows.taken, self.config.algorithm().advantages);
        for (row, advantages) in rows.rows.iter_mut().zip(advantages) {
            row.advantages = advantages.into_iter().map(|advantage| advantage as f32).collect();
        }
    }

    /// Measures the train–inference mismatch on the rows whose old log-probabilities were recomputed, and weighs their
    /// advantages by it where the recipe asks for that.
    fn weigh_by_importance(&self, passes: &PolicyPasses, rows: &mut Rows<'_>) -> TrainInferenceMismatch {
        let mut mismatch = TrainInferenceMismatch::default();
        if self.config.old_log_probabilities == OldLogProbabilities::Sampled {
            return mismatch;
        }
        for (row, sampled) in rows.rows.iter_mut().zip(&rows.sampled) {
            let Some(old) = &row.old else { continue };
            mismatch.add(old, sampled);
            if let Some(cap) = self.config.importance_cap {
                weigh(&mut row.advantages, old, sampled, cap, passes.loss.ratio);
            }
        }
        mismatch
    }

    /// One update per mini-batch. `before` is the mismatch where it was measured already.
    fn update(
        &mut self,
        passes: &PolicyPasses,
        rows: &Rows<'_>,
        before: TrainInferenceMismatch,
        learning_rate: f64,
    ) -> Result<Updates, TrainError> {
        let config = self.config;
        let kl_in_loss = config.kl_term() == KlTerm::InLoss;
        let aggregation = config.algorithm().aggregation;
        let mut updates = Updates::default();
        let size = config.prompts_per_update() * config.rollouts_per_prompt;
        for (batch, sampled) in rows.rows.chunks(size).zip(rows.sampled.chunks(size)) {
            let unmasked = batch.iter().filter(|row| row.weight() > 0.0);
            let divisor = aggregation.divisor(unmasked.map(|row| row.response.len()));
            let total_weight: f64 = batch.iter().map(TrainingRow::weight).sum();
            let (with_gradient, sampled): (Vec<&TrainingRow<'_>>, Vec<&[f32]>) =
                batch.iter().zip(sampled.iter().copied()).filter(|(row, _)| row.has_gradient(kl_in_loss)).unzip();
            if with_gradient.is_empty() {
                // AdamW would still move, by the momentum of other steps alone.
                continue;
            }
            clear_gradients(self.model.parameters());
            let terms = passes.backward(&self.model, &with_gradient, divisor)?;
            if updates.made == 0 && updates.mismatch.divergence().is_none() {
                terms.log_probabilities.iter().zip(sampled).for_each(|(found, sampled)| {
                    updates.mismatch.add(found, sampled);
                });
            }
            let noise = if before.divergence().is_some() { before.noise() } else { updates.mismatch.noise() };
            if config.kl_estimator != KlEstimator::K1 && is_rounding(&with_gradient, &terms, noise) {
                updates.measured(&terms);
                continue;
            }
            let norm = clip_global_norm(self.model.parameters(), config.gradient_clip);
            if !(terms.loss.is_finite() && norm.is_finite()) {
                self.state.skipped += 1;
                self.state.skipped_in_a_row += 1;
                tracing::warn!("loss {}, gradient norm {norm}; the update is skipped", terms.loss);
                continue;
            }
            self.state.skipped_in_a_row = 0;
            self.optimiser.step(self.model.parameters(), learning_rate);
            updates.add(&terms, norm, total_weight);
        }
        Ok(updates)
    }

    /// The mismatch on the first of `rows`, as many as one forward pass takes, which were `sampled` with these
    /// log-probabilities: for a step in which nothing is run, or before anything is.
    pub(super) fn mismatch_of_few(
        &self,
        passes: &PolicyPasses,
        rows: &[&TrainingRow<'_>],
        sampled: &[&Vec<f32>],
    ) -> Result<TrainInferenceMismatch, TrainError> {
        let mut tokens = 0;
        let few = rows.iter().copied().take_while(|row| {
            let first = tokens == 0;
            tokens += row.length();
            first || tokens <= self.config.tokens_per_forward
        });
        let found = passes.log_probabilities(&self.model, &few.collect::<Vec<_>>())?;
        let mut mismatch = TrainInferenceMismatch::default();
        for (sampled, found) in sampled.iter().zip(&found) {
            mismatch.add(found, sampled);
        }
        Ok(mismatch)
    }
}

impl Updates {
    /// Adds an update that was made.
    fn add(&mut self, terms: &UpdateTerms, norm: f64, total_weight: f64) {
        self.gradient_norm += norm;
        self.loss += terms.loss;
        self.clipped_low += terms.clipped_low / total_weight;
        self.clipped_high += terms.clipped_high / total_weight;
        if self.made > 0 {
            self.policy_kl.add(terms.policy_kl, terms.weight);
        }
        self.measured(terms);
        self.made += 1;
    }

    /// Adds what a pass has measured, whether or not an update came of it.
    fn measured(&mut self, terms: &UpdateTerms) {
        if let Some(sum) = terms.reference_kl {
            self.reference_kl.add(sum, terms.weight);
        }
    }
}

/// Whether there is nothing to learn from `rows` but rounding: no advantage, and a KL term in the loss between a policy
/// and a reference that are no further apart than the passes' own `noise`. The gradient of k2 and of k3 is the distance
/// itself, and AdamW would make a full update of it.
fn is_rounding(rows: &[&TrainingRow<'_>], terms: &UpdateTerms, noise: PassNoise) -> bool {
    if rows.iter().any(|row| row.has_gradient(false)) {
        return false;
    }
    let (mut squares, mut largest, mut tokens) = (0.0, 0.0f64, 0u64);
    for (row, now) in rows.iter().zip(&terms.log_probabilities) {
        let Some(reference) = &row.reference else { return false };
        for (now, reference) in now.iter().zip(reference) {
            let distance = f64::from(*now) - f64::from(*reference);
            if !distance.is_finite() {
                return false;
            }
            squares += distance * distance;
            largest = largest.max(distance.abs());
            tokens += 1;
        }
    }
    let deviation = (squares / tokens.max(1) as f64).sqrt();
    deviation <= 2.0 * noise.deviation && largest <= 2.0 * noise.largest
}

/// Log-probabilities of the `chosen` rows under `model`, put at the field that `place` gives.
fn fill<'r>(
    passes: &PolicyPasses,
    model: &Model,
    rows: &mut [TrainingRow<'r>],
    chosen: &[usize],
    place: impl for<'x> Fn(&'x mut TrainingRow<'r>) -> &'x mut Option<Vec<f32>>,
) -> Result<(), TrainError> {
    let found = {
        let chosen: Vec<&TrainingRow<'_>> = chosen.iter().map(|&row| &rows[row]).collect();
        passes.log_probabilities(model, &chosen)?
    };
    for (&row, found) in chosen.iter().zip(found) {
        *place(&mut rows[row]) = Some(found);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_between_models_that_differ_by_rounding_alone_is_none() {
        let noise = PassNoise { deviation: 3e-7, largest: 6e-6 };
        let row = |advantage: f32, reference: Option<Vec<f32>>| TrainingRow {
            prompt: &[1],
            response: &[2, 3],
            advantages: vec![advantage; 2],
            weights: vec![1.0; 2],
            old: None,
            reference,
        };
        let is_rounding = |advantage: f32, reference: Option<Vec<f32>>| {
            let terms = UpdateTerms { log_probabilities: vec![vec![-1.0, -2.0]], ..UpdateTerms::default() };
            super::is_rounding(&[&row(advantage, reference)], &terms, noise)
        };
        let near = || Some(vec![-1.0000004f32, -1.9999998]);
        assert!(is_rounding(0.0, Some(vec![-1.0, -2.0])) && is_rounding(0.0, near()));
        assert!(!is_rounding(1e-9, near()), "an advantage is learnt from, however small");
        assert!(!is_rounding(0.0, Some(vec![-1.00001, -2.0])), "the policy has moved");
        assert!(!is_rounding(0.0, Some(vec![f32::NAN, -2.0])) && !is_rounding(0.0, None));
    }
}
