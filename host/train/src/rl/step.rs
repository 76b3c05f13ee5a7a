//! One step: plan, collect, learn, and count what came of it.

use std::time::Instant;

use octo_model::Sampling;
use octo_plugin::types::{Metric, Outcome, Progress};
use octo_record::RaisedAlarm;

use super::Reinforcement;
use super::alarms::Figures;
use super::collect::Collected;
use super::learn::Learned;
use crate::control::{Clock, Control, Stoppable};
use crate::error::TrainError;
use crate::measuring::tally::Tally;

/// Coldest and hottest sampling that a schedule may ask for: a group of greedy rollouts would all be the same.
const TEMPERATURES: (f64, f64) = (0.01, 10.0);

/// What a step did.
pub(super) struct StepOutcome {
    /// The step's number, counted from 1.
    pub(super) step: u64,
    /// Response tokens that the stage has sampled with it.
    pub(super) tokens: u64,
    pub(super) sampling: Sampling,
    pub(super) learning_rate: f64,
    pub(super) collected: Collected,
    /// Counts over all rollouts, and the failures of their rewards.
    pub(super) tally: Tally,
    pub(super) learned: Learned,
    /// Groups from which nothing is learnt: those that were replaced, and those whose advantages are all 0.
    pub(super) zero_variance_groups: usize,
    /// Problems that this epoch leaves out.
    pub(super) problems_left_out: usize,
    /// Updates that the stage has skipped with those of this step.
    pub(super) skipped_updates: u64,
    pub(super) alarms: Vec<RaisedAlarm>,
    pub(super) seconds: f64,
}

impl Reinforcement<'_> {
    /// One step, and its record; returns the progress line. Where `control` asks to stop before all rollouts are there,
    /// those that are finished are stored, and all else is as it was before.
    pub(super) fn step(&mut self, clock: &Clock, control: &Control) -> Result<Stoppable<String>, TrainError> {
        let Stoppable::Done(outcome) = self.run_step(control)? else { return Ok(Stoppable::Stopped) };
        self.write(&outcome)?;
        self.rollout_store.forget(self.saved.unwrap_or(0), outcome.step)?;
        if self.state.skipped_in_a_row >= self.config.skipped_steps_limit.max(1) {
            return Err(TrainError::NotFinite { step: outcome.step, in_a_row: self.state.skipped_in_a_row });
        }
        self.end_where_alarmed(&outcome.alarms)?;
        Ok(Stoppable::Done(outcome.progress_line(self.config.steps, clock)))
    }

    fn run_step(&mut self, control: &Control) -> Result<Stoppable<StepOutcome>, TrainError> {
        let started = Instant::now();
        let before = self.state.clone();
        let failed = |failure| TrainError::plugin("schedule", before.step, failure);
        let memory = self.schedule.save().map_err(failed)?;
        let mut at = self.progress();
        let sampling = self.plan(&at)?;
        // What a reward measures lengths by. The schedule has just made it, so it does not get it.
        let limit = sampling.max_response_tokens as f64;
        at.metrics.push(Metric { name: "length_limit".to_owned(), value: limit });
        let Stoppable::Done(collected) = self.collect(&at, &sampling, control)? else {
            self.schedule.restore(&memory).map_err(failed)?;
            self.state = before;
            return Ok(Stoppable::Stopped);
        };
        let learning_rate = self.config.rate().at(self.state.step);
        let learned = self.learn(&collected, sampling.temperature, learning_rate)?;
        let tally = self.count(&collected);
        let zero_variance_groups = collected.replaced() + learned.groups_without_gradient;
        let figures = Figures {
            varied_share: 1.0 - zero_variance_groups as f64 / collected.problems.len().max(1) as f64,
            failure_share: tally.failed(),
            truncated_share: tally.clipped(),
            response_length: tally.response_length(),
            length_limit: sampling.max_response_tokens,
            repetition_share: tally.repetition(),
            entropy: tally.entropy(),
            policy_kl: learned.policy_kl,
            reference_kl: learned.reference_kl,
            mismatch_kl: learned.mismatch.divergence(),
        };
        let alarms = self.state.alarms.watch(&self.config.alarms, self.state.step, &figures);
        Ok(Stoppable::Done(StepOutcome {
            step: self.state.step,
            tokens: self.state.tokens,
            sampling,
            learning_rate,
            collected,
            tally,
            learned,
            zero_variance_groups,
            problems_left_out: self.state.curriculum.left_out(),
            skipped_updates: self.state.skipped,
            alarms,
            seconds: started.elapsed().as_secs_f64(),
        }))
    }

    /// Counts the step's rollouts, in the state as well.
    fn count(&mut self, collected: &Collected) -> Tally {
        let mut tally = Tally::of(&collected.rollouts);
        collected.rewards.failures.iter().for_each(|kind| tally.add_failure(*kind));
        self.state.step += 1;
        self.state.tokens += tally.tokens();
        self.state.replaced_groups += collected.replaced() as u64;
        let group_size = self.config.rollouts_per_prompt;
        for ((_, problem), group) in collected.problems.iter().zip(collected.rollouts.chunks(group_size)) {
            let verdicts = group.iter().filter_map(|rollout| rollout.verdict.as_ref().ok());
            let (judged, correct) = verdicts.fold((0, 0), |(judged, correct), verdict| {
                (judged + 1, correct + u64::from(verdict.outcome == Outcome::Correct))
            });
            self.state.curriculum.record(*problem, self.state.step, judged, correct, group_size);
        }
        match collected.rewards.mean() {
            Some(mean) => self.state.metrics.insert("reward".to_owned(), mean),
            // What a step did not measure is not what the step before did.
            None => self.state.metrics.remove("reward"),
        };
        self.state.metrics.extend(
            [
                ("accuracy", tally.accuracy()),
                ("response_length", tally.response_length()),
                ("clipped", tally.clipped()),
                ("repetition", tally.repetition()),
                ("entropy", tally.entropy()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        tally
    }

    /// Ends the run, after a checkpoint, where an alarm is up that the recipe names under `alarms.stop`.
    fn end_where_alarmed(&mut self, alarms: &[RaisedAlarm]) -> Result<(), TrainError> {
        let stops = |alarm: &&RaisedAlarm| self.config.alarms.stop.iter().any(|name| alarm.alarm == (*name).into());
        let Some(alarm) = alarms.iter().find(stops) else { return Ok(()) };
        self.checkpoint()?;
        Err(TrainError::Alarm { step: self.state.step, message: alarm.message.clone() })
    }

    /// What plugins get: where the run stands and the last step's figures. The total of tokens is a bound.
    pub(super) fn progress(&self) -> Progress {
        let of_step = self.config.rollouts_per_step().saturating_mul(self.config.max_response_tokens) as u64;
        let most = self.config.steps.saturating_mul(of_step);
        let metrics = self.state.metrics.iter();
        Progress {
            stage: "rl".to_owned(),
            step: self.state.step,
            total_steps: self.config.steps,
            tokens: self.state.tokens,
            total_tokens: most,
            metrics: metrics.map(|(name, value)| Metric { name: name.clone(), value: *value }).collect(),
        }
    }

    /// The step's sampling: the schedule plugin's plan, held within the recipe's hard limits.
    fn plan(&mut self, at: &Progress) -> Result<Sampling, TrainError> {
        let plan =
            self.schedule.plan(at).map_err(|failure| TrainError::plugin("schedule", self.state.step, failure))?;
        let tokens = (plan.max_response_tokens as usize).clamp(1, self.config.max_response_tokens);
        let tokens = self.held_to_room(tokens);
        let temperature = plan.temperature.clamp(TEMPERATURES.0, TEMPERATURES.1);
        Ok(self.sampling(tokens, temperature, plan.top_p.clamp(1e-3, 1.0)))
    }
}
