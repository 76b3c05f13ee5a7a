//! Reinforcement learning from verified answers, R1-Zero style.
//!
//! One step: the schedule plugin plans lengths and temperature; every prompt of the step is answered by a group of
//! rollouts, verified and rewarded group by group while others are still being generated; the algorithm takes
//! advantages from the rewards; and the policy gets one or more updates from per-token weights and advantages.
//!
//! File by file: [`config`] has the settings; `resume` begins a stage or resumes it from its newest checkpoint,
//! `look_ahead` asks before the first step whether the model has room for what the schedule will plan; `step` plans,
//! calls and counts; `collect` has the rollouts made, `rollout_store` keeps those of a step that may be interrupted;
//! [`rewards`] asks the reward plugins, [`masking`] is what a failed verdict does; `learn` makes the updates, with
//! [`algorithm`], and `kl_in_reward` what a KL term takes from rewards; `record` and `samples` write down what came of
//! it; `held_out` evaluates, [`curriculum`] chooses problems, [`alarms`] watch.

pub mod alarms;
pub mod algorithm;
mod collect;
pub mod config;
pub mod curriculum;
mod held_out;
mod kl_in_reward;
pub mod learn;
mod look_ahead;
pub mod masking;
mod record;
mod resume;
pub mod rewards;
mod rollout_store;
pub(crate) mod samples;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use octo_data::record::Problem;
use octo_model::{Model, Sampling};
use octo_plugin::{RewardSum, RolloutSchedule, Verifier};
use octo_record::{Evaluation, HeldOutSummary, layout};
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoints;
use crate::checkpoint::model_folder::ModelWriter;
use crate::control::{Clock, Control, Finished, Stoppable};
use crate::error::TrainError;
use crate::generation::prompts::Prompt;
use crate::generation::rollouts::{GenerationBudget, Generator};
use crate::generation::settings::cache_bytes;
use crate::measuring::step_log::StepLog;
use crate::optimizer::adamw::AdamW;
use crate::stage::numerics::Numerics;
use crate::stage::{self, write_results};
use alarms::AlarmState;
pub use config::{KlPlace, OldLogProbabilities, RlConfig};
use curriculum::{Curriculum, CurriculumState};
use held_out::HeldOutPrompts;
use rollout_store::RolloutStore;

/// What an RL stage works on.
pub struct RlInputs {
    /// Model folder with its tokenizer.
    pub model: PathBuf,
    /// Problems to train on.
    pub problems: Vec<Problem>,
    /// Sets of problems to measure on, never trained on; may be empty.
    pub held_out: Vec<HeldOutSet>,
    /// The plugin that judges the responses.
    pub verifier: Verifier,
    /// The plugins that turn verdicts into rewards.
    pub reward: RewardSum,
    /// The plugin that plans every step.
    pub schedule: RolloutSchedule,
}

/// Problems to measure on.
pub struct HeldOutSet {
    /// The set's name in metrics and report; a recipe with a single set need not give one.
    pub name: Option<String>,
    /// Problems with references.
    pub problems: Vec<Problem>,
}

/// What a checkpoint keeps beside weights and optimiser. Random streams need nothing: they follow from the seed, the
/// step and the rollout's index.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    step: u64,
    /// Response tokens sampled so far.
    tokens: u64,
    /// The schedule plugin's memory, in hexadecimal.
    schedule_memory: String,
    /// Figures of the last step and the last evaluation, which plugins get at the next step.
    metrics: BTreeMap<String, f64>,
    skipped: u64,
    skipped_in_a_row: u64,
    /// Names of the reward parts met so far, so that a run that resumes draws the same curves.
    #[serde(default)]
    reward_parts: BTreeSet<String>,
    /// The last evaluation, as `results.json` has it.
    held_out: Option<HeldOutSummary>,
    #[serde(default)]
    held_out_sets: BTreeMap<String, Evaluation>,
    /// Step of the last evaluation: a stop may fall between a step and the evaluation due after it.
    evaluated: Option<u64>,
    /// Which problems were asked, and how they fared.
    #[serde(default)]
    curriculum: CurriculumState,
    #[serde(default)]
    alarms: AlarmState,
    /// Groups that dynamic sampling has replaced.
    #[serde(default)]
    replaced_groups: u64,
}

/// Trains for `config.steps` steps, or until `control` asks to stop, and leaves in `out`: `model/`, `metrics.jsonl`,
/// `samples.jsonl`, `problem_history.jsonl`, `checkpoints/` and, last, `results.json`. Called again on the same `out`
/// it resumes from the newest whole checkpoint, and generates nothing again of what was finished after it.
///
/// # Errors
/// Where a setting cannot work, a file cannot be read or written, a plugin that every step needs fails, too many updates
/// in a row are not finite, or an alarm that the recipe names under `alarms.stop` is up.
pub fn reinforce(
    config: &RlConfig,
    inputs: RlInputs,
    out: &Path,
    seed: u64,
    control: &Control,
) -> Result<Finished, TrainError> {
    config.check()?;
    if out.join(layout::RESULTS).is_file() {
        return Ok(Finished::Done);
    }
    stage::on_own_thread("rl", config.threads, move || {
        let numerics = Numerics { allow_tf32: config.allow_tf32, deterministic: config.deterministic };
        let Stoppable::Done(_held) = numerics.hold(stage::device(&config.device)?, control)? else {
            return Ok(Finished::Stopped);
        };
        let mut training = Reinforcement::open(config, inputs, out, seed)?;
        training.look_ahead()?;
        training.run(control)
    })
}

struct Reinforcement<'a> {
    config: &'a RlConfig,
    out: &'a Path,
    seed: u64,
    model_writer: ModelWriter,
    checkpoints: Checkpoints,
    rollout_store: RolloutStore,
    log: StepLog,
    samples: StepLog,
    model: Model,
    /// The initial model, where there is a KL term.
    reference: Option<Model>,
    optimiser: AdamW,
    /// Prompts by epoch; later epochs are asked as the last of these.
    prompts: Arc<[Vec<Prompt>]>,
    held_out: Vec<HeldOutPrompts>,
    verifier: Verifier,
    reward: RewardSum,
    schedule: RolloutSchedule,
    end_tokens: Vec<u32>,
    curriculum: Curriculum,
    /// Response tokens that the model has positions for beside the longest prompt.
    room: usize,
    state: State,
    /// Step of the newest checkpoint.
    saved: Option<u64>,
}

impl Reinforcement<'_> {
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
                match self.evaluate(control)? {
                    Stoppable::Done(()) => self.state.evaluated = Some(step),
                    Stoppable::Stopped => continue,
                }
            }
            if step == total {
                break;
            }
            // After the evaluation, so that resuming here neither loses nor repeats its line.
            if step > 0 && due(self.config.checkpoint_every) && self.saved != Some(step) {
                self.checkpoint()?;
            }
            // A step that is stopped leaves all as it was, but for the rollouts that are stored.
            if let Stoppable::Done(line) = self.step(&clock, control)? {
                (control.report)(&line, self.state.step as f64 / total as f64);
            }
        }
        self.finish()?;
        Ok(Finished::Done)
    }

    fn sampling(&self, max_response_tokens: usize, temperature: f64, top_p: f64) -> Sampling {
        Sampling {
            temperature,
            top_p,
            top_k: self.config.top_k,
            min_p: self.config.min_p,
            stop: self.config.stop.clone(),
            end_tokens: self.end_tokens.clone(),
            ..Sampling::new(max_response_tokens)
        }
    }

    /// Whole groups share a chunk, so that a chunk's rollouts can be rewarded when it is finished.
    fn generator(&self) -> Generator<'_> {
        let group = self.config.rollouts_per_prompt;
        Generator {
            model: &self.model,
            tokenizer: self.model_writer.tokenizer(),
            verifier: &self.verifier,
            budget: GenerationBudget {
                slots: self.config.generation_batch,
                cache_bytes: cache_bytes(self.config.generation_cache_gib),
                chunk: (self.config.generation_chunk / group).max(1) * group,
            },
        }
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        let step = self.state.step;
        let memory = self.schedule.save().map_err(|failure| TrainError::plugin("schedule", step, failure))?;
        self.state.schedule_memory = hex::encode(&memory);
        self.log.sync()?;
        self.samples.sync()?;
        self.checkpoints
            .write(step, &self.state, |folder| self.model_writer.fill(&self.model, &self.optimiser, folder))?;
        self.saved = Some(step);
        self.rollout_store.forget(step, step)
    }

    fn finish(&self) -> Result<(), TrainError> {
        self.log.sync()?;
        self.samples.sync()?;
        self.model_writer.write(&self.model, &self.out.join(layout::MODEL))?;
        self.write_history()?;
        self.rollout_store.remove()?;
        write_results(self.out, &record::results(&self.state))
    }
}

/// The prompt of a problem as its epoch asks it.
fn prompt_of(prompts: &[Vec<Prompt>], (epoch, problem): (u64, usize)) -> &Prompt {
    let version = usize::try_from(epoch).unwrap_or(usize::MAX).min(prompts.len() - 1);
    &prompts[version][problem]
}
