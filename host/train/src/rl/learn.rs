//! The updates of a step, from rows of weights and advantages.

use octo_model::Model;

use super::{KlPlace, OldLogProbabilities, Reinforcement, prompt_of};
use crate::algorithm::Outcomes;
use crate::error::TrainError;
use crate::gradient_clip::{clear_gradients, clip_global_norm};
use crate::importance::{EngineGap, weigh};
use crate::policy_update::{PolicyUpdate, TrainingRow, UpdateTerms};
use crate::rl::collect::Collected;

/// What the updates of a step found: means over them, and their number.
#[derive(Default)]
pub(super) struct Learned {
    pub(super) gradient_norm: f64,
    pub(super) loss: f64,
    /// Shares of the weight of all tokens that the bounds have cut.
    pub(super) clipped_low: f64,
    pub(super) clipped_high: f64,
    /// Divergence from the policy before the first update, over the further ones.
    pub(super) policy_kl: Option<f64>,
    pub(super) reference_kl: Option<f64>,
    pub(super) gap: EngineGap,
    pub(super) updates: u64,
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

impl Reinforcement<'_> {
    /// The step's updates.
    pub(super) fn learn(
        &mut self,
        collected: &Collected,
        temperature: f64,
        learning_rate: f64,
    ) -> Result<Learned, TrainError> {
        let config = self.config;
        let loss = config.policy_loss();
        let (tokens_per_forward, recompute) = (config.tokens_per_forward, config.recompute);
        let update = PolicyUpdate { loss, temperature, tokens_per_forward, recompute };
        let prompts = std::sync::Arc::clone(&self.prompts);
        let group_size = config.rollouts_per_prompt;
        let indices: Vec<usize> =
            collected.kept.iter().flat_map(|group| group * group_size..(group + 1) * group_size).collect();
        let row_of = |index: usize| {
            let response = &collected.rollouts[index].response.tokens;
            let masked = collected.rewards.totals[index].is_none();
            let weight = config.algorithm().aggregation.token_weight(response.len(), config.max_response_tokens);
            TrainingRow {
                prompt: &prompt_of(&prompts, collected.problems[index / group_size]).tokens,
                response,
                advantages: vec![0.0; response.len()],
                weights: vec![if masked { 0.0 } else { weight as f32 }; response.len()],
                old: None,
                reference: None,
            }
        };
        let mut rows: Vec<TrainingRow<'_>> = indices.iter().map(|&index| row_of(index)).collect();
        let sampled = |row: usize| &collected.rollouts[indices[row]].response.log_probabilities;

        let penalised = config.kl_coefficient > 0.0 && config.kl_place == KlPlace::Reward;
        let penalties = if penalised { Some(self.penalties(&update, &mut rows, &sampled)?) } else { None };
        let rewards: Vec<Option<f64>> = indices.iter().map(|&index| collected.rewards.totals[index]).collect();
        let lengths: Vec<usize> = rows.iter().map(|row| row.response.len()).collect();
        let algorithm = config.algorithm();
        let advantages = (algorithm.advantages)(&Outcomes {
            group_size,
            rewards: &rewards,
            lengths: &lengths,
            penalties: penalties.as_deref(),
            scale: algorithm.scale.unwrap_or_default(),
        });
        for (row, advantages) in rows.iter_mut().zip(advantages) {
            row.advantages = advantages.into_iter().map(|advantage| advantage as f32).collect();
        }

        let pulled = loss.kl_coefficient > 0.0;
        let teaching: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].teaches(pulled)).collect();
        let recomputed = config.old_log_probabilities == OldLogProbabilities::Recomputed;
        if !recomputed {
            teaching.iter().for_each(|&row| rows[row].old = Some(sampled(row).clone()));
        } else if !penalised && (config.updates() > 1 || config.importance_cap.is_some()) {
            // With one update they are the present ones, which the loss has anyway.
            fill(&update, &self.model, &mut rows, &teaching, |row| &mut row.old)?;
        }
        if let Some(reference) = self.reference.as_ref().filter(|_| !penalised) {
            fill(&update, reference, &mut rows, &teaching, |row| &mut row.reference)?;
        }
        let mut learned = Learned::default();
        if recomputed {
            for (index, row) in rows.iter_mut().enumerate() {
                let Some(old) = &row.old else { continue };
                learned.gap.add(old, sampled(index));
                if let Some(cap) = config.importance_cap {
                    weigh(&mut row.advantages, old, sampled(index), cap, loss.form);
                }
            }
        }
        self.update(&update, &rows, pulled, learning_rate, &sampled, &mut learned)?;
        if learned.gap.divergence().is_none() {
            // Nothing was learnt, so nothing was run. A few rollouts tell all the same.
            let mut tokens = 0;
            let few = (0..collected.rollouts.len()).map(row_of).take_while(|row| {
                let first = tokens == 0;
                tokens += row.length();
                first || tokens <= config.tokens_per_forward
            });
            let few: Vec<TrainingRow<'_>> = few.collect();
            let found = update.log_probabilities(&self.model, &few.iter().collect::<Vec<_>>())?;
            for (rollout, found) in collected.rollouts.iter().zip(&found) {
                learned.gap.add(found, &rollout.response.log_probabilities);
            }
        }
        Ok(learned)
    }

    /// What KL in the reward takes from every token. Leaves in the rows the log-probabilities that it needed.
    fn penalties<'r>(
        &self,
        update: &PolicyUpdate,
        rows: &mut [TrainingRow<'_>],
        sampled: &dyn Fn(usize) -> &'r Vec<f32>,
    ) -> Result<Vec<Vec<f64>>, TrainError> {
        let config = self.config;
        let weighted: Vec<usize> = (0..rows.len()).filter(|&row| rows[row].weight() > 0.0).collect();
        match config.old_log_probabilities {
            OldLogProbabilities::Sampled => weighted.iter().for_each(|&row| rows[row].old = Some(sampled(row).clone())),
            OldLogProbabilities::Recomputed => fill(update, &self.model, rows, &weighted, |row| &mut row.old)?,
        }
        if let Some(reference) = &self.reference {
            fill(update, reference, rows, &weighted, |row| &mut row.reference)?;
        }
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push(match (&row.old, &row.reference) {
                (Some(old), Some(reference)) => {
                    let [old, reference] = [old, reference].map(|of| tch::Tensor::from_slice(of));
                    let divergence = config.kl_estimator.estimate(&old, &reference) * config.kl_coefficient;
                    Vec::<f32>::try_from(&divergence)?.into_iter().map(f64::from).collect()
                }
                _ => vec![0.0; row.response.len()],
            });
        }
        Ok(found)
    }

    /// One update a mini-batch.
    fn update<'r>(
        &mut self,
        update: &PolicyUpdate,
        rows: &[TrainingRow<'_>],
        pulled: bool,
        learning_rate: f64,
        sampled: &dyn Fn(usize) -> &'r Vec<f32>,
        learned: &mut Learned,
    ) -> Result<(), TrainError> {
        let config = self.config;
        let aggregation = config.algorithm().aggregation;
        let (mut policy_kl, mut reference_kl) = (Mean::default(), Mean::default());
        let mut untouched = true;
        let size = config.prompts_per_step.div_ceil(config.updates()) * config.rollouts_per_prompt;
        for (first, batch) in (0..).step_by(size).zip(rows.chunks(size)) {
            let unmasked = batch.iter().filter(|row| row.weight() > 0.0);
            let divisor = aggregation.divisor(unmasked.map(|row| row.response.len()));
            let total_weight: f64 = batch.iter().map(TrainingRow::weight).sum();
            let chosen: Vec<usize> = (0..batch.len()).filter(|&row| batch[row].teaches(pulled)).collect();
            if chosen.is_empty() {
                // AdamW would still move, by the momentum of other steps alone.
                continue;
            }
            clear_gradients(self.model.parameters());
            let teaching: Vec<&TrainingRow<'_>> = chosen.iter().map(|&row| &batch[row]).collect();
            let terms = update.backward(&self.model, &teaching, divisor)?;
            if untouched && learned.gap.divergence().is_none() {
                // These weights are still the ones that sampled.
                let seen = chosen.iter().zip(&terms.log_probabilities);
                seen.for_each(|(row, found)| learned.gap.add(found, sampled(first + row)));
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
            let UpdateTerms { loss, weight, clipped_low, clipped_high, .. } = terms;
            learned.updates += 1;
            learned.gradient_norm += norm;
            learned.loss += loss;
            learned.clipped_low += clipped_low / total_weight;
            learned.clipped_high += clipped_high / total_weight;
            if !untouched {
                policy_kl.add(terms.policy_kl, weight);
            }
            if let Some(sum) = terms.reference_kl {
                reference_kl.add(sum, weight);
            }
            untouched = false;
        }
        let updates = learned.updates.max(1) as f64;
        let means =
            [&mut learned.gradient_norm, &mut learned.loss, &mut learned.clipped_low, &mut learned.clipped_high];
        means.into_iter().for_each(|sum| *sum /= updates);
        learned.policy_kl = policy_kl.value();
        learned.reference_kl = reference_kl.value();
        Ok(())
    }
}

/// Log-probabilities of the `chosen` rows under `model`, put where `place` says.
fn fill<'r>(
    update: &PolicyUpdate,
    model: &Model,
    rows: &mut [TrainingRow<'r>],
    chosen: &[usize],
    place: impl for<'x> Fn(&'x mut TrainingRow<'r>) -> &'x mut Option<Vec<f32>>,
) -> Result<(), TrainError> {
    let found = {
        let chosen: Vec<&TrainingRow<'_>> = chosen.iter().map(|&row| &rows[row]).collect();
        update.log_probabilities(model, &chosen)?
    };
    for (&row, found) in chosen.iter().zip(found) {
        *place(&mut rows[row]) = Some(found);
    }
    Ok(())
}
