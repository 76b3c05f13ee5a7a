//! Reinforcement learning from verified answers, R1-Zero style.
//!
//! One step: the schedule plugin plans lengths and temperature; every prompt of the step is answered by a group of
//! rollouts, verified and rewarded group by group while others are still being generated; the algorithm takes
//! advantages from the rewards; and the policy gets one or more updates from per-token weights and advantages.

mod collect;
mod held_out;
mod learn;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use octo_data::prompt::PromptTemplate;
use octo_data::record::Problem;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Model, Sampling};
use octo_plugin::{RewardSum, RolloutSchedule, Verifier};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::held_out::HeldOutPrompts;
use crate::adamw::AdamW;
use crate::alarms::AlarmState;
use crate::checkpoint::{Checkpoint, Checkpoints, from_hexadecimal, hexadecimal};
use crate::control::{Clock, Control, Finished};
use crate::curriculum::{Curriculum, CurriculumState};
use crate::error::TrainError;
use crate::metrics::StepLog;
use crate::model_folder::Companions;
use crate::numerics::Numerics;
use crate::rl_config::cache_bytes;
pub use crate::rl_config::{KlPlace, OldLogProbabilities, RlConfig};
use crate::rollout::{Generator, Prompt, Room, build_prompts, end_tokens};
use crate::stage::{self, OPTIMIZER_FILE, RESULTS_FILE, settings, write_results};
use crate::step_rollouts::StepRollouts;

/// What an RL stage works on.
pub struct RlInputs {
    /// Model folder with its tokenizer.
    pub model: PathBuf,
    /// Problems to train on.
    pub problems: Vec<Problem>,
    /// Sets of problems to measure on, never trained on; may be none.
    pub held_out: Vec<HeldOutSet>,
    /// Judges the responses.
    pub verifier: Verifier,
    /// Turns verdicts into rewards.
    pub reward: RewardSum,
    /// Plans every step.
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
    schedule_memory: String,
    /// What plugins are told at the next step.
    metrics: BTreeMap<String, f64>,
    skipped: u64,
    skipped_in_a_row: u64,
    /// Reward parts met so far, so that a run that continues draws the same ones.
    #[serde(default)]
    reward_parts: BTreeSet<String>,
    /// The last evaluation, as `results.json` has it.
    held_out: Value,
    #[serde(default)]
    held_out_sets: BTreeMap<String, Value>,
    /// Step of the last evaluation: a stop may fall between a step and the evaluation due behind it.
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
/// `samples.jsonl`, `problem_history.jsonl`, `checkpoints/` and, last, `results.json`. Called again on the same `out` it
/// goes on from the newest whole checkpoint, and generates nothing again of what was finished behind it.
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
        let numerics = Numerics { allow_tf32: config.allow_tf32, deterministic: config.deterministic };
        let Some(_held) = numerics.hold(stage::device(&config.device)?, control)? else {
            return Ok(Finished::Stopped);
        };
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
    step_rollouts: StepRollouts,
    log: StepLog,
    samples: StepLog,
    model: Model,
    reference: Option<Model>,
    optimiser: AdamW,
    /// By epoch; later epochs are asked as the last of these.
    prompts: Arc<[Vec<Prompt>]>,
    held_out: Vec<HeldOutPrompts>,
    verifier: Verifier,
    reward: RewardSum,
    schedule: RolloutSchedule,
    end_tokens: Vec<u32>,
    curriculum: Curriculum,
    state: State,
    saved: Option<u64>,
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
        let prompts: Arc<[Vec<Prompt>]> = build(0..=last, problems)?.kept.into();
        // Asked in one form throughout, so that their curves have no steps where few-shot examples go.
        let held_out = held_out
            .into_iter()
            .filter(|set| !set.problems.is_empty())
            .map(|set| Ok(HeldOutPrompts { name: set.name, prompts: build(last..=last, set.problems)?.kept.remove(0) }))
            .collect::<Result<Vec<_>, TrainError>>()?;
        let mut settings = settings("rl", seed, config);
        // Alarms change no weight, so a run that one has ended can go on with others.
        if let Some(config) = settings["config"].as_object_mut() {
            config.remove("alarms");
        }
        let checkpoints = Checkpoints::open(out, settings)?;
        let load = |folder: &Path| Ok::<_, TrainError>(Model::load(folder, device)?.compute_in(config.compute));
        let latest: Option<Checkpoint<State>> = checkpoints.latest()?;
        let (model, optimiser, state) = match latest {
            Some(Checkpoint { folder, state, .. }) => {
                let model = load(&folder)?;
                let optimiser = AdamW::load(&folder.join(OPTIMIZER_FILE), model.parameters(), config.adamw())?;
                let memory = from_hexadecimal(&state.schedule_memory)
                    .ok_or_else(|| TrainError::checkpoint(&folder, "the schedule's memory is not hexadecimal"))?;
                schedule.restore(&memory).map_err(|failure| TrainError::policy("schedule", state.step, failure))?;
                (model, optimiser, state)
            }
            None => {
                let model = load(&initial)?;
                let optimiser = AdamW::new(model.parameters(), config.adamw());
                (model, optimiser, State::default())
            }
        };
        companions.check(&model)?;
        let reference = if config.kl_coefficient > 0.0 { Some(load(&initial)?) } else { None };
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
            step_rollouts: StepRollouts::open(out)?,
            curriculum: Curriculum::new(seed, prompts[0].len(), config.drop_solved),
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
                if !self.evaluate(control)? {
                    continue;
                }
                self.state.evaluated = Some(step);
            }
            if step == total {
                break;
            }
            // Behind the evaluation, so that resuming here neither loses nor repeats its line.
            if step > 0 && due(self.config.checkpoint_every) && self.saved != Some(step) {
                self.checkpoint()?;
            }
            // None is a step that was asked to stop before it had all its rollouts.
            if let Some(line) = self.step(&clock, control)? {
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
            tokenizer: self.companions.tokenizer(),
            verifier: &self.verifier,
            room: Room {
                slots: self.config.generation_batch,
                cache_bytes: cache_bytes(self.config.generation_cache_gib),
                chunk: (self.config.generation_chunk / group).max(1) * group,
            },
        }
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        let step = self.state.step;
        let memory = self.schedule.save().map_err(|failure| TrainError::policy("schedule", step, failure))?;
        self.state.schedule_memory = hexadecimal(&memory);
        self.log.sync()?;
        self.samples.sync()?;
        self.checkpoints
            .write(step, &self.state, |folder| self.companions.fill(&self.model, &self.optimiser, folder))?;
        self.saved = Some(step);
        self.step_rollouts.forget(step, step)
    }

    fn finish(&self) -> Result<(), TrainError> {
        self.log.sync()?;
        self.samples.sync()?;
        self.companions.write(&self.model, &self.out.join("model"))?;
        self.write_history()?;
        self.step_rollouts.remove()?;
        let mut results = json!({
            "steps": self.state.step,
            "tokens": self.state.tokens,
            "held_out": self.state.held_out,
            "metrics": self.state.metrics,
            "skipped_updates": self.state.skipped,
            "replaced_groups": self.state.replaced_groups,
            "alarms": self.state.alarms.record(),
        });
        if !self.state.held_out_sets.is_empty() {
            results["held_out_sets"] = json!(self.state.held_out_sets);
        }
        write_results(self.out, &results)
    }

    /// `problem_history.jsonl`: how each problem that was asked has fared.
    fn write_history(&self) -> Result<(), TrainError> {
        let mut text = Vec::new();
        for (index, own) in self.state.curriculum.history() {
            let mut line = json!(own);
            line["id"] = json!(self.prompts[0][*index].problem.id);
            text.extend_from_slice(line.to_string().as_bytes());
            text.push(b'\n');
        }
        Ok(octo_data::atomic::write(&self.out.join("problem_history.jsonl"), &text)?)
    }
}

/// The prompt of a problem in the form that its epoch asks it in.
fn prompt_of(prompts: &[Vec<Prompt>], (epoch, problem): (u64, usize)) -> &Prompt {
    let form = usize::try_from(epoch).unwrap_or(usize::MAX).min(prompts.len() - 1);
    &prompts[form][problem]
}
