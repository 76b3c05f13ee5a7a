//! The rollouts of a step: generated, verified and rewarded, and on request until enough groups have something to teach.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use octo_data::seed;
use octo_model::Sampling;
use octo_plugin::RewardSum;
use octo_plugin::types::Progress;
use rand_chacha::rand_core::Rng;

use super::{Reinforcement, prompt_of};
use crate::advantage::varied;
use crate::control::Control;
use crate::error::TrainError;
use crate::rewards::{Rewards, Scored, score};
use crate::rollout::{Chunks, Prompt, Rollout};
use crate::step_rollouts::{Kept, StepRollouts, digest, fingerprint};

/// A step's rollouts.
#[derive(Default)]
pub(super) struct Collected {
    /// The problem of every group, in the order of generation, and the epoch that asks it.
    pub(super) problems: Vec<(u64, usize)>,
    /// A group's after another's.
    pub(super) rollouts: Vec<Rollout>,
    pub(super) rewards: Rewards,
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
    /// The rollouts of this step; `None` where `control` asked to stop before all were there.
    ///
    /// With dynamic sampling (DAPO) a group of equal rewards teaches nothing and is replaced by a further prompt, round
    /// after round, up to `sampling_rounds`. A round asks for as many prompts as are lacking, so nothing useful is
    /// thrown away; where groups are lacking at the end, the step learns from fewer.
    pub(super) fn collect(
        &mut self,
        at: &Progress,
        sampling: &Sampling,
        control: &Control,
    ) -> Result<Option<Collected>, TrainError> {
        let (group_size, wanted) = (self.config.rollouts_per_prompt, self.config.prompts_per_step);
        let dynamic = self.config.algorithm().dynamic_sampling;
        let most_rounds = if dynamic { self.config.sampling_rounds.max(1) } else { 1 };
        let weights = fingerprint(&self.model)?;
        let mut found = Collected::default();
        let mut scored: Vec<Scored> = Vec::new();
        let mut first_chunk = 0;
        while found.kept.len() < wanted && found.rounds < most_rounds {
            if found.rounds > 0 && control.stopping() {
                return Ok(None);
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
            let chunks = || asked.chunks(generator.room.chunk).zip(seeds.chunks(generator.room.chunk));
            let round = Round {
                store: &self.step_rollouts,
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
                control,
                scored: Mutex::default(),
            };
            first_chunk += chunks().count();
            let Some(generated) = generator.rollouts(&asked, &seeds, sampling, &round)? else { return Ok(None) };
            let new = round.scored.into_inner().unwrap_or_else(PoisonError::into_inner);
            // Judged here without the run's list of parts, which is kept once for the whole step.
            let totals = Rewards::gather(new.clone(), self.config.failed_rollouts, &mut BTreeSet::new()).totals;
            let useful = |group: &usize| !dynamic || varied(&totals[group * group_size..(group + 1) * group_size]);
            found.kept.extend((0..problems.len()).filter(useful).map(|group| first_group + group));
            found.problems.extend(problems);
            found.rollouts.extend(generated.rollouts);
            scored.extend(new);
            found.rounds += 1;
            found.generation_seconds += generated.generation_seconds;
            found.verification_seconds += generated.verification_seconds;
            found.waited_seconds += generated.waited_seconds;
        }
        found.rewards = Rewards::gather(scored, self.config.failed_rollouts, &mut self.state.reward_parts);
        Ok(Some(found))
    }

    fn seeds(&self, first: usize, count: usize) -> Vec<u64> {
        let step = self.state.step.to_string();
        let range = first as u64..(first + count) as u64;
        range.map(|index| seed::rng(self.seed, &["rollout", &step], index).next_u64()).collect()
    }
}

/// One round of generation: takes up chunks that an interrupted call has left, keeps the new ones, rewards both.
struct Round<'a> {
    store: &'a StepRollouts,
    step: u64,
    first_chunk: usize,
    digests: Vec<String>,
    reward: &'a RewardSum,
    at: &'a Progress,
    asked: &'a [&'a Prompt],
    group_size: usize,
    first_group: usize,
    control: &'a Control,
    /// Of the chunks so far, which come in order.
    scored: Mutex<Vec<Scored>>,
}

impl Chunks for Round<'_> {
    fn kept(&self, chunk: usize) -> Option<Vec<Kept>> {
        self.store.read(self.step, self.first_chunk + chunk, &self.digests[chunk])
    }

    fn finished(&self, chunk: usize, first: usize, rollouts: &[Rollout], was_kept: bool) -> Result<(), TrainError> {
        if !was_kept {
            self.store.write(self.step, self.first_chunk + chunk, &self.digests[chunk], rollouts)?;
        }
        let first_group = self.first_group + first / self.group_size;
        let prompts = &self.asked[first..first + rollouts.len()];
        let scored = score(self.reward, self.at, prompts, rollouts, self.group_size, first_group);
        self.scored.lock().unwrap_or_else(PoisonError::into_inner).extend(scored);
        Ok(())
    }

    fn stopping(&self) -> bool {
        self.control.stopping()
    }
}
