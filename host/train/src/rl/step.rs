//! One step: plan, collect, learn, and say what came of it.

use std::time::Instant;

use octo_model::Sampling;
use octo_plugin::types::{Metric, Outcome, Progress};
use serde_json::{Value, json};

use super::collect::Collected;
use super::learn::Learned;
use super::{Reinforcement, prompt_of};
use crate::advantage::varied;
use crate::alarms::{Figures, Up};
use crate::control::{Clock, Control};
use crate::error::TrainError;
use crate::sample_log::{Sample, picks};
use crate::tally::Tally;

/// Coldest and hottest sampling that a schedule may ask for: a group of greedy rollouts would all be the same.
const TEMPERATURES: (f64, f64) = (0.01, 10.0);

impl Reinforcement<'_> {
    /// One step; returns the progress line, or `None` where `control` asked to stop before all rollouts were there. What
    /// was finished of them is kept, and all else is as it was before.
    pub(super) fn step(&mut self, clock: &Clock, control: &Control) -> Result<Option<String>, TrainError> {
        let started = Instant::now();
        let before = self.state.clone();
        let refused = |failure| TrainError::policy("schedule", before.step, failure);
        let memory = self.schedule.save().map_err(refused)?;
        let mut at = self.told();
        let sampling = self.plan(&at)?;
        // What a reward measures lengths by. The schedule has just made it, so it is not told.
        let limit = sampling.max_response_tokens as f64;
        at.metrics.push(Metric { name: "length_limit".to_owned(), value: limit });
        let Some(collected) = self.collect(&at, &sampling, control)? else {
            self.schedule.restore(&memory).map_err(refused)?;
            self.state = before;
            return Ok(None);
        };
        let learning_rate = self.config.rate().at(self.state.step);
        let learned = self.learn(&collected, sampling.temperature, learning_rate)?;

        let mut tally = Tally::of(&collected.rollouts);
        collected.rewards.failures.iter().for_each(|kind| tally.add_failure(kind));
        self.state.step += 1;
        let step = self.state.step;
        self.state.tokens += tally.tokens();
        self.state.replaced_groups += collected.replaced() as u64;
        let group_size = self.config.rollouts_per_prompt;
        for ((_, problem), group) in collected.problems.iter().zip(collected.rollouts.chunks(group_size)) {
            let verdicts = group.iter().filter_map(|rollout| rollout.verdict.as_ref().ok());
            let (judged, correct) = verdicts.fold((0, 0), |(judged, correct), verdict| {
                (judged + 1, correct + u64::from(verdict.outcome == Outcome::Correct))
            });
            self.state.curriculum.record(*problem, step, judged, correct, group_size);
        }
        let rewards = &collected.rewards;
        self.state.metrics.extend(
            [
                ("reward", rewards.mean()),
                ("accuracy", tally.accuracy()),
                ("response_length", tally.response_length()),
                ("clipped", tally.clipped()),
                ("repetition", tally.repetition()),
                ("entropy", tally.entropy()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let groups = rewards.totals.chunks(group_size);
        let zero_variance_groups = groups.filter(|group| !varied(group)).count();
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
            engine_kl: learned.gap.divergence(),
        };
        let alarms = self.state.alarms.watch(&self.config.alarms, step, &figures);
        let seconds = started.elapsed().as_secs_f64();
        let mut record = self.record(&collected, &tally, &learned, &sampling, learning_rate);
        record["zero_variance_groups"] = json!(zero_variance_groups);
        record["alarms"] = json!(alarms);
        record["seconds"] = json!(seconds);
        self.log.append(&record)?;
        for (index, why) in picks(&rewards.totals, self.config.samples_per_step, self.seed, step) {
            let problem = &prompt_of(&self.prompts, collected.problems[index / group_size]).problem;
            let (reward, parts) = (rewards.totals[index], rewards.own_parts.get(index));
            self.samples.append(&Sample::train(step, why, problem, &collected.rollouts[index], reward, parts))?;
        }
        self.step_rollouts.forget(self.saved.unwrap_or(0), step)?;
        if self.state.skipped_in_a_row >= self.config.skipped_steps_limit.max(1) {
            return Err(TrainError::NotFinite { step, in_a_row: self.state.skipped_in_a_row });
        }
        self.end_where_told(&alarms)?;
        let (reward, accuracy, length) = (rewards.mean(), tally.accuracy(), tally.response_length());
        let (speed, eta) = (tally.tokens() as f64 / seconds.max(1e-9), clock.eta(step));
        let mut line = format!(
            "step {step}/{}  reward {reward:.3}  accuracy {accuracy:.3}  length {length:.1}  lr {learning_rate:.2e}  \
             {speed:.0} tokens/s  {eta}",
            self.config.steps
        );
        for up in alarms {
            line += &format!("  ALARM {}", up.alarm.as_str());
        }
        Ok(Some(line))
    }

    /// The step's line in `metrics.jsonl`. Rewards, outcomes and lengths are of all rollouts generated, also of those
    /// that dynamic sampling has replaced: they tell of the policy, not of the choice.
    fn record(
        &self,
        collected: &Collected,
        tally: &Tally,
        learned: &Learned,
        sampling: &Sampling,
        learning_rate: f64,
    ) -> Value {
        let rewards = &collected.rewards;
        json!({
            "step": self.state.step,
            "tokens": self.state.tokens,
            "reward": rewards.mean(),
            "reward_parts": rewards.parts,
            "accuracy": tally.accuracy(),
            "outcomes": tally.outcomes(),
            "failures": tally.failures(),
            "masked": rewards.masked(),
            "response_length": tally.response_length(),
            "correct_length": tally.correct_length(),
            "length_limit": sampling.max_response_tokens,
            "temperature": sampling.temperature,
            "clipped": tally.clipped(),
            "repetition": tally.repetition(),
            "rollouts": tally.rollouts(),
            "sampling_rounds": collected.rounds,
            "replaced_groups": collected.replaced(),
            "problems_left_out": self.state.curriculum.left_out(),
            "gradient_norm": learned.gradient_norm,
            "loss": learned.loss,
            "clip_fraction": learned.clipped_low + learned.clipped_high,
            "clip_fraction_low": learned.clipped_low,
            "clip_fraction_high": learned.clipped_high,
            "policy_kl": learned.policy_kl,
            "reference_kl": learned.reference_kl,
            "engine_gap": learned.gap.record(),
            "updates": learned.updates,
            "skipped_updates": self.state.skipped,
            "learning_rate": learning_rate,
            "entropy": tally.entropy(),
            "generation_seconds": collected.generation_seconds,
            "verification_seconds": collected.verification_seconds,
            "waited_seconds": collected.waited_seconds,
        })
    }

    /// Ends the run, behind a checkpoint, where an alarm is up that the recipe names under `stop`.
    fn end_where_told(&mut self, alarms: &[Up]) -> Result<(), TrainError> {
        let Some(up) = alarms.iter().find(|up| self.config.alarms.stop.contains(&up.alarm)) else { return Ok(()) };
        self.checkpoint()?;
        Err(TrainError::Alarm { step: self.state.step, message: up.message.clone() })
    }

    /// What plugins are told: where the run stands and the last step's figures. The total of tokens is a bound.
    fn told(&self) -> Progress {
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
            self.schedule.plan(at).map_err(|failure| TrainError::policy("schedule", self.state.step, failure))?;
        let tokens = (plan.max_response_tokens as usize).clamp(1, self.config.max_response_tokens);
        let temperature = plan.temperature.clamp(TEMPERATURES.0, TEMPERATURES.1);
        Ok(self.sampling(tokens, temperature, plan.top_p.clamp(1e-3, 1.0)))
    }
}
