//! What is written down of a step and of the stage: lines of `metrics.jsonl` and `samples.jsonl`, `results.json`,
//! `problem_history.jsonl` and the progress line.

use octo_record::{ProblemHistory, RlResults, RlStep, layout};

use super::samples::{picks, training_sample};
use super::step::StepOutcome;
use super::{Reinforcement, State, prompt_of};
use crate::control::Clock;
use crate::error::TrainError;

impl StepOutcome {
    /// The step's line in `metrics.jsonl`. Rewards, outcomes and lengths are of all rollouts generated, also of those
    /// that dynamic sampling has replaced: they describe the policy, not the choice.
    fn record(&self) -> RlStep {
        let StepOutcome { collected, tally, learned, sampling, .. } = self;
        let rewards = &collected.rewards;
        RlStep {
            step: self.step,
            tokens: self.tokens,
            reward: rewards.mean(),
            reward_parts: rewards.parts.clone(),
            accuracy: tally.accuracy(),
            outcomes: tally.outcomes().clone(),
            failures: tally.failures().clone(),
            masked: rewards.masked() as u64,
            response_length: tally.response_length(),
            correct_length: tally.correct_length(),
            length_limit: sampling.max_response_tokens as u64,
            temperature: sampling.temperature,
            clipped: tally.clipped(),
            repetition: tally.repetition(),
            rollouts: tally.rollouts(),
            sampling_rounds: collected.rounds,
            replaced_groups: collected.replaced() as u64,
            problems_left_out: self.problems_left_out as u64,
            gradient_norm: learned.of_updates(learned.gradient_norm),
            loss: learned.of_updates(learned.loss),
            clip_fraction: learned.of_updates(learned.clipped_low + learned.clipped_high),
            clip_fraction_low: learned.of_updates(learned.clipped_low),
            clip_fraction_high: learned.of_updates(learned.clipped_high),
            policy_kl: learned.policy_kl,
            reference_kl: learned.reference_kl,
            train_inference_mismatch: learned.mismatch.record(),
            updates: learned.updates,
            skipped_updates: self.skipped_updates,
            learning_rate: self.learning_rate,
            entropy: tally.entropy(),
            generation_seconds: collected.generation_seconds,
            verification_seconds: collected.verification_seconds,
            waited_seconds: collected.waited_seconds,
            zero_variance_groups: self.zero_variance_groups as u64,
            alarms: self.alarms.clone(),
            seconds: self.seconds,
        }
    }

    /// What a person reads after the step, of `total` steps.
    pub(super) fn progress_line(&self, total: u64, clock: &Clock) -> String {
        let StepOutcome { step, learning_rate, tally, .. } = self;
        let (accuracy, length) = (tally.accuracy(), tally.response_length());
        let reward = self.collected.rewards.mean().map_or("none".to_owned(), |reward| format!("{reward:.3}"));
        let (speed, eta) = (tally.tokens() as f64 / self.seconds.max(1e-9), clock.eta(*step));
        let mut line = format!(
            "step {step}/{total}  reward {reward}  accuracy {accuracy:.3}  length {length:.1}  \
             lr {learning_rate:.2e}  {speed:.0} tokens/s  {eta}"
        );
        for alarm in &self.alarms {
            line += &format!("  ALARM {}", alarm.alarm);
        }
        line
    }
}

impl Reinforcement<'_> {
    /// Appends what is written of a step.
    pub(super) fn write(&mut self, outcome: &StepOutcome) -> Result<(), TrainError> {
        self.log.append(&outcome.record())?;
        let (collected, rewards) = (&outcome.collected, &outcome.collected.rewards);
        for (index, why) in picks(&rewards.totals, self.config.samples_per_step, self.seed, outcome.step) {
            let asked = collected.problems[index / self.config.rollouts_per_prompt];
            let problem = &prompt_of(&self.prompts, asked).problem;
            let (reward, parts) = (rewards.totals[index], rewards.own_parts.get(index));
            let rollout = &collected.rollouts[index];
            self.samples.append(&training_sample(outcome.step, why, problem, rollout, reward, parts))?;
        }
        Ok(())
    }

    /// `problem_history.jsonl`: how each problem that was asked has fared.
    pub(super) fn write_history(&self) -> Result<(), TrainError> {
        let path = self.out.join(layout::PROBLEM_HISTORY);
        let mut text = Vec::new();
        for (index, own) in self.state.curriculum.history() {
            let line = ProblemHistory {
                correct: own.correct,
                groups: own.groups,
                id: self.prompts[0][*index].problem.id.clone(),
                judged: own.judged,
                last_step: own.last_step,
                solved_in_a_row: own.solved_in_a_row,
            };
            let line = serde_json::to_vec(&line).map_err(|error| TrainError::io(&path, error.into()))?;
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        Ok(octo_data::atomic::write(&path, &text)?)
    }
}

/// `results.json`.
pub(super) fn results(state: &State) -> RlResults {
    RlResults {
        steps: state.step,
        tokens: state.tokens,
        held_out: state.held_out.clone(),
        held_out_sets: state.held_out_sets.clone(),
        metrics: state.metrics.clone(),
        skipped_updates: state.skipped,
        replaced_groups: state.replaced_groups,
        alarms: state.alarms.record(),
    }
}
