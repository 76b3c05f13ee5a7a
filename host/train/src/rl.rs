//! Reinforcement learning from verified answers, R1-Zero style.
//!
//! One step: the schedule plugin plans lengths and temperature; every prompt of the step is answered by a group of
//! rollouts, verified while others are still being generated; the reward plugin scores whole groups; advantages are
//! taken within groups; and the policy gets one or more clipped updates from per-token weights and advantages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use octo_data::prompt::PromptTemplate;
use octo_data::record::Problem;
use octo_data::seed;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Llama, Sampling};
use octo_plugin::types::{Metric, Progress};
use octo_plugin::{RewardSum, RolloutSchedule, Verifier};
use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::adamw::AdamW;
use crate::advantage::group_relative;
use crate::checkpoint::{Checkpoint, Checkpoints, from_hexadecimal, hexadecimal};
use crate::control::{Clock, Control, Finished};
use crate::error::TrainError;
use crate::evaluate::evaluate_prompts;
use crate::gradient_clip::{clear_gradients, clip_global_norm};
use crate::metrics::StepLog;
use crate::model_folder::Companions;
use crate::policy_loss::PolicyLoss;
use crate::policy_update::{PolicyUpdate, TrainingRow};
use crate::rewards::score;
pub use crate::rl_config::{OldLogProbabilities, RlConfig};
use crate::rollout::{Generator, Prompt, Rollout, Sample, build_prompts, end_tokens, spread};
use crate::stage::{self, OPTIMIZER_FILE, RESULTS_FILE, settings, write_results};
use crate::tally::Tally;

/// Coldest and hottest sampling that a schedule may ask for: a group of greedy rollouts would all be the same.
const TEMPERATURES: (f64, f64) = (0.01, 10.0);

/// What an RL stage works on.
pub struct RlInputs {
    /// Model folder with its tokenizer.
    pub model: PathBuf,
    /// Problems to train on.
    pub problems: Vec<Problem>,
    /// Problems to measure on, never trained on; may be empty.
    pub held_out: Vec<Problem>,
    /// Judges the responses.
    pub verifier: Verifier,
    /// Turns verdicts into rewards.
    pub reward: RewardSum,
    /// Plans every step.
    pub schedule: RolloutSchedule,
}

/// What a checkpoint keeps beside weights and optimiser. Random streams need nothing: they follow from the seed, the
/// step and the rollout's index.
#[derive(Default, Serialize, Deserialize)]
struct State {
    step: u64,
    /// Response tokens sampled so far.
    tokens: u64,
    schedule_memory: String,
    /// What plugins are told at the next step.
    metrics: BTreeMap<String, f64>,
    constant_reward_steps: u64,
    skipped: u64,
    skipped_in_a_row: u64,
    /// Reward parts met so far, so that a run that continues draws the same ones.
    #[serde(default)]
    reward_parts: BTreeSet<String>,
    held_out: Value,
    /// Step of the last evaluation: a stop may fall between a step and the evaluation due behind it.
    evaluated: Option<u64>,
}

/// Trains for `config.steps` steps, or until `control` asks to stop, and leaves in `out`: `model/`, `metrics.jsonl`,
/// `samples.jsonl`, `checkpoints/` and, last, `results.json`. Called again on the same `out` it goes on from the
/// newest whole checkpoint.
pub fn reinforce(
    config: &RlConfig,
    inputs: RlInputs,
    out: &Path,
    seed: u64,
    control: &Control,
) -> Result<Finished, TrainError> {
    config.check()?;
    if out.join(RESULTS_FILE).is_file() {
        return Ok(Finished::Done);
    }
    stage::on_own_thread("rl", config.threads, move || {
        let mut training = Reinforcement::open(config, inputs, out, seed)?;
        training.run(control)
    })
}

struct Reinforcement<'a> {
    config: &'a RlConfig,
    out: &'a Path,
    seed: u64,
    companions: Companions,
    checkpoints: Checkpoints,
    log: StepLog,
    samples: StepLog,
    model: Llama,
    reference: Option<Llama>,
    optimiser: AdamW,
    /// By epoch; later epochs are asked as the last of these.
    prompts: Arc<[Vec<Prompt>]>,
    held_out: Vec<Prompt>,
    verifier: Verifier,
    reward: RewardSum,
    schedule: RolloutSchedule,
    end_tokens: Vec<u32>,
    /// Order of the prompts in one epoch, and which epoch.
    order: (u64, Vec<usize>),
    state: State,
    saved: Option<u64>,
}

/// Means over the updates of a step, and their number.
#[derive(Default)]
struct Learned {
    gradient_norm: f64,
    loss: f64,
    clip_fraction: f64,
    updates: u64,
}

impl<'a> Reinforcement<'a> {
    fn open(config: &'a RlConfig, inputs: RlInputs, out: &'a Path, seed: u64) -> Result<Self, TrainError> {
        let device = stage::device(&config.device)?;
        let RlInputs { model: initial, problems, held_out, verifier, reward, mut schedule } = inputs;
        let companions = Companions::new(Tokenizer::load(&initial)?, Some(&initial));
        let template = PromptTemplate::new(&config.prompt, &initial)?;
        let last = template.last_epoch();
        let build = |epochs, problems| {
            build_prompts(&template, epochs, problems, companions.tokenizer(), config.max_prompt_tokens)
        };
        let prompts = build(0..=last, problems)?.kept.into();
        // Asked in one form throughout, so that their curve has no steps where few-shot examples go.
        let held_out = if held_out.is_empty() { Vec::new() } else { build(last..=last, held_out)?.kept.remove(0) };
        let checkpoints = Checkpoints::open(out, settings("rl", seed, config))?;
        let latest: Option<Checkpoint<State>> = checkpoints.latest()?;
        let (model, optimiser, state) = match latest {
            Some(Checkpoint { folder, state, .. }) => {
                let model = Llama::load(&folder, device)?;
                let optimiser = AdamW::load(&folder.join(OPTIMIZER_FILE), model.parameters(), config.adamw())?;
                let memory = from_hexadecimal(&state.schedule_memory)
                    .ok_or_else(|| TrainError::checkpoint(&folder, "the schedule's memory is not hexadecimal"))?;
                schedule.restore(&memory).map_err(|failure| TrainError::policy("schedule", state.step, failure))?;
                (model, optimiser, state)
            }
            None => {
                let model = Llama::load(&initial, device)?;
                let optimiser = AdamW::new(model.parameters(), config.adamw());
                (model, optimiser, State::default())
            }
        };
        companions.check(&model)?;
        let reference = if config.kl_coefficient > 0.0 { Some(Llama::load(&initial, device)?) } else { None };
        let saved = (state.step > 0).then_some(state.step);
        let evaluated = state.evaluated;
        let keep = |step: u64, record: &Value| {
            let held_out = record.get("held_out").is_some() || record["split"] == "held-out";
            saved.is_some_and(|saved| step < saved || step == saved && !(held_out && evaluated != Some(saved)))
        };
        Ok(Reinforcement {
            config,
            out,
            seed,
            log: StepLog::resume(&out.join("metrics.jsonl"), keep)?,
            samples: StepLog::resume(&out.join("samples.jsonl"), keep)?,
            end_tokens: end_tokens(&model, companions.tokenizer()),
            companions,
            checkpoints,
            model,
            reference,
            optimiser,
            prompts,
            held_out,
            verifier,
            reward,
            schedule,
            order: (u64::MAX, Vec::new()),
            state,
            saved,
        })
    }

    fn run(&mut self, control: &Control) -> Result<Finished, TrainError> {
        let total = self.config.steps;
        let clock = Clock::start(self.state.step, total);
        loop {
            let step = self.state.step;
            if control.stopping() {
                // At step 0 there is nothing that starting over would lose.
                if step > 0 && self.saved != Some(step) {
                    self.checkpoint()?;
                }
                return Ok(Finished::Stopped);
            }
            let due = |every: u64| every > 0 && step.is_multiple_of(every);
            if (step == 0 || step == total || due(self.config.evaluate_every)) && self.state.evaluated != Some(step) {
                self.evaluate(control)?;
                self.state.evaluated = Some(step);
            }
            if step == total {
                break;
            }
            // Behind the evaluation, so that resuming here neither loses nor repeats its line.
            if step > 0 && due(self.config.checkpoint_every) && self.saved != Some(step) {
                self.checkpoint()?;
            }
            let line = self.step(&clock)?;
            (control.report)(&line, self.state.step as f64 / total as f64);
        }
        self.finish()?;
        Ok(Finished::Done)
    }

    /// One step; returns the progress line.
    fn step(&mut self, clock: &Clock) -> Result<String, TrainError> {
        let started = Instant::now();
        let mut at = self.told();
        let sampling = self.plan(&at)?;
        // What a reward measures lengths by. The schedule has just made it, so it is not told.
        let limit = sampling.max_response_tokens as f64;
        at.metrics.push(Metric { name: "length_limit".to_owned(), value: limit });
        let chosen = self.draw_prompts();
        let group_size = self.config.rollouts_per_prompt;
        let prompts = Arc::clone(&self.prompts);
        let asked: Vec<&Prompt> =
            chosen.iter().flat_map(|&(form, index)| std::iter::repeat_n(&prompts[form][index], group_size)).collect();
        let rollouts = self.generator().rollouts(&asked, &self.seeds(asked.len()), &sampling)?;
        let sampled_in = started.elapsed();

        let mut tally = Tally::of(&rollouts);
        let (failed, names) = (self.config.failed_rollouts, &mut self.state.reward_parts);
        let rewards = score(&self.reward, &at, &asked, &rollouts, group_size, failed, names);
        rewards.failures.iter().for_each(|kind| tally.add_failure(kind));
        let groups = group_relative(&rewards.totals, group_size, self.config.advantage);
        let learning_rate = self.config.rate().at(self.state.step);
        let rows = asked.iter().zip(&rollouts).zip(groups.advantages.iter().zip(&rewards.totals));
        let rows = rows.map(|((prompt, rollout), (advantage, reward))| {
            let of_tokens = |value: f32| vec![value; rollout.response.tokens.len()];
            TrainingRow {
                prompt: &prompt.tokens,
                response: &rollout.response.tokens,
                advantages: of_tokens(*advantage as f32),
                weights: of_tokens(if reward.is_some() { 1.0 } else { 0.0 }),
                old: None,
                reference: None,
            }
        });
        let learned = self.learn(rows.collect(), &rollouts, sampling.temperature, learning_rate)?;

        self.state.step += 1;
        self.state.tokens += tally.tokens();
        self.watch(groups.zero_variance_groups == chosen.len());
        let step = self.state.step;
        self.state.metrics.extend(
            [
                ("reward", rewards.mean()),
                ("accuracy", tally.accuracy()),
                ("response_length", tally.response_length()),
                ("clipped", tally.clipped()),
                ("entropy", tally.entropy()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let seconds = started.elapsed().as_secs_f64();
        self.log.append(&json!({
            "step": step,
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
            "zero_variance_groups": groups.zero_variance_groups,
            "gradient_norm": learned.gradient_norm,
            "loss": learned.loss,
            "clip_fraction": learned.clip_fraction,
            "updates": learned.updates,
            "skipped_updates": self.state.skipped,
            "learning_rate": learning_rate,
            "entropy": tally.entropy(),
            "seconds": seconds,
            "generation_seconds": sampled_in.as_secs_f64(),
        }))?;
        for index in spread(self.config.samples_per_step, rollouts.len()) {
            let reward = rewards.totals[index];
            self.samples.append(&Sample::new(step, "train", &asked[index].problem, &rollouts[index], reward))?;
        }
        if self.state.skipped_in_a_row >= self.config.skipped_steps_limit.max(1) {
            return Err(TrainError::NotFinite { step, in_a_row: self.state.skipped_in_a_row });
        }
        let (reward, accuracy, length) = (rewards.mean(), tally.accuracy(), tally.response_length());
        let (speed, eta) = (tally.tokens() as f64 / seconds.max(1e-9), clock.eta(step));
        Ok(format!(
            "step {step}/{}  reward {reward:.3}  accuracy {accuracy:.3}  length {length:.1}  lr {learning_rate:.2e}  \
             {speed:.0} tokens/s  {eta}",
            self.config.steps
        ))
    }

    /// The step's updates from rows of weights and advantages, in the order of `rollouts`.
    fn learn(
        &mut self,
        mut rows: Vec<TrainingRow<'_>>,
        rollouts: &[Rollout],
        temperature: f64,
        learning_rate: f64,
    ) -> Result<Learned, TrainError> {
        let config = self.config;
        let update = PolicyUpdate {
            loss: PolicyLoss { clip: config.clip, kl_coefficient: config.kl_coefficient },
            temperature,
            tokens_per_forward: config.tokens_per_forward,
        };
        let pulled = config.kl_coefficient > 0.0;
        let teaching: Vec<usize> = (0..rows.len()).filter(|&index| rows[index].teaches(pulled)).collect();
        let log_probabilities = |model: &Llama, rows: &[TrainingRow<'_>]| {
            let chosen: Vec<&TrainingRow<'_>> = teaching.iter().map(|&index| &rows[index]).collect();
            update.log_probabilities(model, &chosen)
        };
        match config.old_log_probabilities {
            OldLogProbabilities::Sampled => {
                for (row, rollout) in rows.iter_mut().zip(rollouts) {
                    row.old = Some(rollout.response.log_probabilities.clone());
                }
            }
            // With one update they are the present ones, which the loss has anyway.
            OldLogProbabilities::Recomputed if config.updates_per_step == 1 => {}
            OldLogProbabilities::Recomputed => {
                for (&index, found) in teaching.iter().zip(log_probabilities(&self.model, &rows)?) {
                    rows[index].old = Some(found);
                }
            }
        }
        if let Some(reference) = &self.reference {
            for (&index, found) in teaching.iter().zip(log_probabilities(reference, &rows)?) {
                rows[index].reference = Some(found);
            }
        }
        let mut learned = Learned::default();
        let size = config.prompts_per_step.div_ceil(config.updates_per_step) * config.rollouts_per_prompt;
        for batch in rows.chunks(size) {
            let total_weight: f64 = batch.iter().map(TrainingRow::weight).sum();
            let chosen: Vec<&TrainingRow<'_>> = batch.iter().filter(|row| row.teaches(pulled)).collect();
            if chosen.is_empty() {
                // AdamW would still move, by the momentum of other steps alone.
                continue;
            }
            clear_gradients(self.model.parameters());
            let terms = update.backward(&self.model, &chosen, total_weight)?;
            let norm = clip_global_norm(self.model.parameters(), config.gradient_clip);
            if !(terms.loss.is_finite() && norm.is_finite()) {
                self.state.skipped += 1;
                self.state.skipped_in_a_row += 1;
                tracing::warn!("loss {}, gradient norm {norm}; the update is skipped", terms.loss);
                continue;
            }
            self.state.skipped_in_a_row = 0;
            self.optimiser.step(self.model.parameters(), learning_rate);
            learned.updates += 1;
            learned.gradient_norm += norm;
            learned.loss += terms.loss;
            learned.clip_fraction += terms.clipped;
        }
        let updates = learned.updates.max(1) as f64;
        learned.gradient_norm /= updates;
        learned.loss /= updates;
        learned.clip_fraction /= updates;
        Ok(learned)
    }

    /// What plugins are told: where the run stands and the last step's figures. The total of tokens is a bound.
    fn told(&self) -> Progress {
        let of_step = self.config.rollouts_per_step().saturating_mul(self.config.max_response_tokens) as u64;
        let most = self.config.steps.saturating_mul(of_step);
        Progress {
            stage: "rl".to_owned(),
            step: self.state.step,
            total_steps: self.config.steps,
            tokens: self.state.tokens,
            total_tokens: most,
            metrics: self
                .state
                .metrics
                .iter()
                .map(|(name, value)| Metric { name: name.clone(), value: *value })
                .collect(),
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

    fn sampling(&self, max_response_tokens: usize, temperature: f64, top_p: f64) -> Sampling {
        let (stop, end_tokens) = (self.config.stop.clone(), self.end_tokens.clone());
        Sampling { max_response_tokens, temperature, top_p, stop, end_tokens }
    }

    /// Prompts of the step: the next ones of an endless row of epochs, each in its own seeded order.
    fn draw_prompts(&mut self) -> Vec<(usize, usize)> {
        let (count, all) = (self.config.prompts_per_step as u64, self.prompts[0].len() as u64);
        let first = self.state.step * count;
        (first..first + count)
            .map(|place| {
                let epoch = place / all;
                if self.order.0 != epoch {
                    let mut order: Vec<usize> = (0..all as usize).collect();
                    seed::shuffle(&mut seed::rng(self.seed, &["prompts"], epoch), &mut order);
                    self.order = (epoch, order);
                }
                let form = usize::try_from(epoch).unwrap_or(usize::MAX).min(self.prompts.len() - 1);
                (form, self.order.1[(place % all) as usize])
            })
            .collect()
    }

    fn seeds(&self, count: usize) -> Vec<u64> {
        let step = self.state.step.to_string();
        (0..count as u64).map(|index| seed::rng(self.seed, &["rollout", &step], index).next_u64()).collect()
    }

    fn generator(&self) -> Generator<'_> {
        Generator {
            model: &self.model,
            tokenizer: self.companions.tokenizer(),
            verifier: &self.verifier,
            batch: self.config.generation_batch,
        }
    }

    /// Tells a person when training has stopped to learn anything, which looks like health in the other curves.
    fn watch(&mut self, constant: bool) {
        self.state.constant_reward_steps = if constant { self.state.constant_reward_steps + 1 } else { 0 };
        let (steps, limit) = (self.state.constant_reward_steps, self.config.constant_reward_alarm.max(1));
        if steps > 0 && steps.is_multiple_of(limit) {
            tracing::warn!(
                "step {}: for {steps} steps no group had rollouts with different rewards, so nothing was learnt; look \
                 at samples.jsonl, the verifier's failures and the length limit",
                self.state.step
            );
        }
    }

    /// Greedy accuracy on the held-out problems.
    fn evaluate(&mut self, control: &Control) -> Result<(), TrainError> {
        if self.held_out.is_empty() {
            return Ok(());
        }
        let step = self.state.step;
        let sampling = self.sampling(self.config.max_response_tokens, 0.0, 1.0);
        let found = evaluate_prompts(&self.generator(), &self.held_out, &sampling, 1, self.seed, &mut |_, _| true)?;
        let Some(found) = found else { return Ok(()) };
        self.state.held_out = found.tally.evaluation(self.held_out.len());
        self.state.metrics.insert("held_out_accuracy".to_owned(), found.tally.accuracy());
        self.log.append(&json!({"step": step, "held_out": self.state.held_out}))?;
        for index in spread(self.config.samples_per_step, found.rollouts.len()) {
            let (prompt, rollout) = &found.rollouts[index];
            self.samples.append(&Sample::new(step, "held-out", &self.held_out[*prompt].problem, rollout, None))?;
        }
        let (accuracy, length) = (found.tally.accuracy(), found.tally.response_length());
        let line = format!("step {step}/{}  held-out accuracy {accuracy:.3}  length {length:.1}", self.config.steps);
        (control.report)(&line, step as f64 / self.config.steps as f64);
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        let step = self.state.step;
        let memory = self.schedule.save().map_err(|failure| TrainError::policy("schedule", step, failure))?;
        self.state.schedule_memory = hexadecimal(&memory);
        self.log.sync()?;
        self.samples.sync()?;
        self.checkpoints.write(step, &self.state, |folder| {
            self.companions.fill(&self.model, folder)?;
            self.optimiser.save(&folder.join(OPTIMIZER_FILE))
        })?;
        self.saved = Some(step);
        Ok(())
    }

    fn finish(&self) -> Result<(), TrainError> {
        self.log.sync()?;
        self.samples.sync()?;
        self.companions.write(&self.model, &self.out.join("model"))?;
        let results = json!({
            "steps": self.state.step,
            "tokens": self.state.tokens,
            "held_out": self.state.held_out,
            "metrics": self.state.metrics,
            "skipped_updates": self.state.skipped,
        });
        write_results(self.out, &results)
    }
}
