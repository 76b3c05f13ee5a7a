//! The rollouts of a step: generated, verified and rewarded, and on request until enough groups have rewards that
//! differ.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use octo_data::seed;
use octo_model::Sampling;
use octo_plugin::RewardSum;
use octo_plugin::types::Progress;
use rand_chacha::rand_core::Rng;

use super::algorithm::rounding::Rounded;
use super::kl_in_reward::Taken;
use super::rewards::{Rewards, Scored, score};
use super::rollout_store::{RolloutStore, digest, fingerprint};
use super::{Reinforcement, prompt_of};
use crate::control::{Control, Stoppable};
use crate::error::TrainError;
use crate::generation::prompts::Prompt;
use crate::generation::rollouts::{Chunks, JudgedResponse, Rollout};

/// A step's rollouts.
#[derive(Default)]
pub(super) struct Collected {
    /// The problem of every group, in the order of generation, and the epoch that asks it.
    pub(super) problems: Vec<(u64, usize)>,
    /// All rollouts, group after group.
    pub(super) rollouts: Vec<Rollout>,
    pub(super) rewards: Rewards,
    /// What KL in the reward takes from each rollout; empty where there is no such term.
    pub(super) taken: Vec<Taken>,
    /// Groups to learn from.
    pub(super) kept: Vec<usize>,
    /// Rounds of generation.
    pub(super) rounds: u64,
    pub(super) generation_seconds: f64,
    pub(super) verification_seconds: f64,
    pub(super) waited_seconds: f64,
}

impl Collected {
    /// Groups that were generated and are not learnt from.
    pub(super) fn replaced(&self) -> usize {
        self.problems.len() - self.kept.len()
    }
}

impl Reinforcement<'_> {
    /// The rollouts of this step.
    ///
    /// With dynamic sampling (DAPO) a group of equal rewards, which has no gradient, is replaced by a further prompt,
    /// round after round, up to `sampling_rounds`. What counts is what advantages are computed from, so where KL stands
    /// in the reward, rewards are equal if they are so with it. A round asks for as many prompts as are lacking, so
    /// nothing useful is thrown away; where groups are lacking at the end, the step learns from fewer.
    pub(super) fn collect(
        &mut self,
        at: &Progress,
        sampling: &Sampling,
        control: &Control,
    ) -> Result<Stoppable<Collected>, TrainError> {
        let (group_size, wanted) = (self.config.rollouts_per_prompt, self.config.prompts_per_step);
        let dynamic = self.config.algorithm().dynamic_sampling;
        let most_rounds = if dynamic { self.config.sampling_rounds.max(1) } else { 1 };
        let weights = fingerprint(&self.model)?;
        let mut found = Collected::default();
        let mut scored: Vec<Scored> = Vec::new();
        let mut first_chunk = 0;
        while found.kept.len() < wanted && found.rounds < most_rounds {
            if found.rounds > 0 && control.stopping() {
                return Ok(Stoppable::Stopped);
            }
            let first_group = found.problems.len();
            let problems = self.curriculum.draw(wanted - found.kept.len(), &mut self.state.curriculum);
            let prompts = Arc::clone(&self.prompts);
            let asked: Vec<&Prompt> = problems
                .iter()
                .flat_map(|drawn| std::iter::repeat_n(prompt_of(&prompts, *drawn), group_size))
                .collect();
            let seeds = self.seeds(first_group * group_size, asked.len());
            let generator = self.generator();
            let chunks = || asked.chunks(generator.budget.chunk).zip(seeds.chunks(generator.budget.chunk));
            let round = Round {
                store: &self.rollout_store,
                step: self.state.step,
                first_chunk,
                digests: chunks()
                    .map(|(prompts, seeds)| digest(&weights, self.verifier.digest(), prompts, seeds, sampling))
                    .collect(),
                reward: &self.reward,
                at,
                asked: &asked,
                group_size,
                first_group,
                scored: Mutex::default(),
            };
            first_chunk += chunks().count();
            let Stoppable::Done(generated) = generator.rollouts(&asked, &seeds, sampling, &round, control)? else {
                return Ok(Stoppable::Stopped);
            };
            let new = round.scored.into_inner().unwrap_or_else(PoisonError::into_inner);
            // Judged here without the run's list of parts, which is kept once for the whole step.
            let rewards = Rewards::gather(new.clone(), self.config.failed_rollouts, &mut BTreeSet::new());
            let groups = problems.len();
            found.problems.extend(problems);
            found.rollouts.extend(generated.rollouts);
            let taken = self.taken_by_kl(&found, &rewards, first_group * group_size, sampling)?;
            let varying = if dynamic { self.varying(&rewards, &taken) } else { (0..groups).collect() };
            found.kept.extend(varying.into_iter().map(|group| first_group + group));
            found.taken.extend(taken);
            scored.extend(new);
            found.rounds += 1;
            found.generation_seconds += generated.generation_seconds;
            found.verification_seconds += generated.verification_seconds;
            found.waited_seconds += generated.waited_seconds;
        }
        found.rewards = Rewards::gather(scored, self.config.failed_rollouts, &mut self.state.reward_parts);
        Ok(Stoppable::Done(found))
    }

    /// The groups of a round that have a gradient of their own.
    fn varying(&self, rewards: &Rewards, taken: &[Taken]) -> Vec<usize> {
        let count = rewards.totals.len();
        let rounded: Vec<Option<Rounded>> = (0..count).map(|index| rewards.rounded(index)).collect();
        let taken: Vec<&Taken> = taken.iter().collect();
        let groups = count / self.config.rollouts_per_prompt;
        // Lengths are no part of this question.
        self.with_outcomes(&rounded, &[], &taken, |outcomes| {
            (0..groups).filter(|group| outcomes.varies(*group)).collect()
        })
    }

    fn seeds(&self, first: usize, count: usize) -> Vec<u64> {
        let step = self.state.step.to_string();
        let range = first as u64..(first + count) as u64;
        range.map(|index| seed::rng(self.seed, &["rollout", &step], index).next_u64()).collect()
    }
}

/// One round of generation: reads the chunks that an interrupted call has stored, stores the new ones, rewards both.
struct Round<'a> {
    store: &'a RolloutStore,
    step: u64,
    first_chunk: usize,
    digests: Vec<String>,
    reward: &'a RewardSum,
    at: &'a Progress,
    asked: &'a [&'a Prompt],
    group_size: usize,
    first_group: usize,
    /// Rewards of the chunks so far, which come in order.
    scored: Mutex<Vec<Scored>>,
}

impl Chunks for Round<'_> {
    fn kept(&self, chunk: usize) -> Result<Option<Vec<JudgedResponse>>, TrainError> {
        self.store.read(self.step, self.first_chunk + chunk, &self.digests[chunk])
    }

    fn on_finished(&self, chunk: usize, first: usize, rollouts: &[Rollout], was_kept: bool) -> Result<(), TrainError> {
        if !was_kept {
            self.store.write(self.step, self.first_chunk + chunk, &self.digests[chunk], rollouts)?;
        }
        let first_group = self.first_group + first / self.group_size;
        let prompts = &self.asked[first..first + rollouts.len()];
        let scored = score(self.reward, self.at, prompts, rollouts, self.group_size, first_group);
        self.scored.lock().unwrap_or_else(PoisonError::into_inner).extend(scored);
        Ok(())
    }
}
