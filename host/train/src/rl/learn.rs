//! The updates of a step, from rollouts with their rewards.
//!
//! Rollouts become rows ([`passes::TrainingRow`]): a prompt and a response with a weight, an advantage and old
//! log-probabilities for every response token. Masked rollouts have weights of 0; rows without a gradient are not run.

pub mod passes;

use std::sync::Arc;

use octo_model::Model;

use super::algorithm::Outcomes;
use super::algorithm::importance::{TrainInferenceMismatch, weigh};
use super::collect::Collected;
use super::config::{KlTerm, OldSource};
use super::masking::token_weights;
use super::{OldLogProbabilities, Reinforcement, prompt_of};
use crate::error::TrainError;
use crate::generation::prompts::Prompt;
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
    rewards: Vec<Option<f64>>,
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
        let config = self.config;
        let passes = PolicyPasses {
            loss: config.policy_loss(),
            temperature,
            tokens_per_forward: config.tokens_per_forward,
            recompute: config.recompute,
        };
        let kl = config.kl_term();
        let prompts = Arc::clone(&self.prompts);
        let mut rows = self.rows(collected, &prompts);
        let penalties = match kl {
            KlTerm::InReward => {
                let weighted = rows.which(|row| row.weight() > 0.0);
                self.fill_before_updates(&passes, &mut rows, &weighted)?;
                Some(self.penalties(&rows)?)
            }
            KlTerm::InLoss | KlTerm::Absent => None,
        };
        self.set_advantages(&mut rows, penalties.as_deref());
        if kl != KlTerm::InReward {
            let with_gradient = rows.which(|row| row.has_gradient(kl == KlTerm::InLoss));
            self.fill_before_updates(&passes, &mut rows, &with_gradient)?;
        }
        let before_updates = self.weigh_by_importance(&passes, &mut rows);
        let updates = self.update(&passes, &rows, learning_rate)?;
        // On all rows whose old log-probabilities were recomputed, else on those of the first pass, else on a few.
        let measured = [before_updates, updates.mismatch].into_iter().find(|found| found.divergence().is_some());
        let mismatch = match measured {
            Some(mismatch) => mismatch,
            None => self.mismatch_of_few(&passes, collected, &prompts)?,
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
        })
    }

    /// Rows of the groups that the step learns from; advantages come later.
    fn rows<'r>(&self, collected: &'r Collected, prompts: &'r [Vec<Prompt>]) -> Rows<'r> {
        let group_size = self.config.rollouts_per_prompt;
        let indices = || collected.kept.iter().flat_map(|group| group * group_size..(group + 1) * group_size);
        Rows {
            rows: indices().map(|index| self.row(collected, prompts, index)).collect(),
            sampled: indices().map(|index| &collected.rollouts[index].response.log_probabilities[..]).collect(),
            rewards: indices().map(|index| collected.rewards.totals[index]).collect(),
        }
    }

    fn row<'r>(&self, collected: &'r Collected, prompts: &'r [Vec<Prompt>], index: usize) -> TrainingRow<'r> {
        let config = self.config;
        let response = &collected.rollouts[index].response.tokens;
        let weight = config.algorithm().aggregation.token_weight(response.len(), config.max_response_tokens);
        TrainingRow {
            prompt: &prompt_of(prompts, collected.problems[index / config.rollouts_per_prompt]).tokens,
            response,
            advantages: vec![0.0; response.len()],
            weights: token_weights(collected.rewards.totals[index], weight, response.len()),
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

    /// What KL in the reward takes from every token.
    fn penalties(&self, rows: &Rows<'_>) -> Result<Vec<Vec<f64>>, TrainError> {
        let config = self.config;
        let mut found = Vec::with_capacity(rows.rows.len());
        for row in &rows.rows {
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

    /// The algorithm's advantages, from rewards and penalties.
    fn set_advantages(&self, rows: &mut Rows<'_>, penalties: Option<&[Vec<f64>]>) {
        let algorithm = self.config.algorithm();
        let lengths: Vec<usize> = rows.rows.iter().map(|row| row.response.len()).collect();
        let advantages = (algorithm.advantages)(&Outcomes {
            group_size: self.config.rollouts_per_prompt,
            rewards: &rows.rewards,
            lengths: &lengths,
            penalties,
            scale: algorithm.scale.unwrap_or_default(),
        });
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

    /// One update per mini-batch.
    fn update(&mut self, passes: &PolicyPasses, rows: &Rows<'_>, learning_rate: f64) -> Result<Updates, TrainError> {
        let config = self.config;
        let kl_in_loss = config.kl_term() == KlTerm::InLoss;
        let aggregation = config.algorithm().aggregation;
        let mut updates = Updates::default();
        let size = config.prompts_per_step.div_ceil(config.updates()) * config.rollouts_per_prompt;
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

    /// The mismatch on a few rollouts, as many as one forward pass takes, for a step in which nothing was run.
    fn mismatch_of_few(
        &self,
        passes: &PolicyPasses,
        collected: &Collected,
        prompts: &[Vec<Prompt>],
    ) -> Result<TrainInferenceMismatch, TrainError> {
        let mut tokens = 0;
        let few = (0..collected.rollouts.len()).map(|index| self.row(collected, prompts, index)).take_while(|row| {
            let first = tokens == 0;
            tokens += row.length();
            first || tokens <= self.config.tokens_per_forward
        });
        let few: Vec<TrainingRow<'_>> = few.collect();
        let found = passes.log_probabilities(&self.model, &few.iter().collect::<Vec<_>>())?;
        let mut mismatch = TrainInferenceMismatch::default();
        for (rollout, found) in collected.rollouts.iter().zip(&found) {
            mismatch.add(found, &rollout.response.log_probabilities);
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
        if let Some(sum) = terms.reference_kl {
            self.reference_kl.add(sum, terms.weight);
        }
        self.made += 1;
    }
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
