//! Mid-training: next-token prediction on sources that a plugin mixes.
//!
//! One step asks the mixture plugin for weights, draws sequences by them, and makes one AdamW update on the mean
//! cross-entropy of their tokens. File by file: [`config`] has the settings, `resume` begins a stage or resumes it from
//! its newest checkpoint, `step` makes an update, from the `gradients` of all ranks and with an eye on [`spikes`],
//! `held_out` measures the loss on documents that are not trained on, and `record` writes down what a step did.
//! [`memory_estimate`] is what memory the stage will take.
//!
//! Nothing of a step depends on a random generator's hidden state: the sampler's orders and the initial weights come
//! from the seed, the model has no dropout, and torch's generator is not used. So a checkpoint holds the whole state.

pub mod config;
mod gradients;
mod held_out;
pub mod memory_estimate;
mod record;
mod resume;
pub mod spikes;
mod step;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use octo_data::sampler::{Sampler, SamplerState};
use octo_model::{Model, ModelConfig, Snapshot};
use octo_plugin::MixturePolicy;
use octo_record::layout;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Checkpoints;
use crate::checkpoint::background::BackgroundWriter;
use crate::checkpoint::model_folder::ModelWriter;
use crate::control::{Clock, Control, Finished, Stoppable};
use crate::error::TrainError;
use crate::measuring::step_log::StepLog;
use crate::optimizer::adamw::AdamW;
use crate::optimizer::learning_rate::LearningRate;
use crate::ranks::Ranks;
use crate::stage::numerics::Numerics;
use crate::stage::{self, write_results};
pub use config::{MidtrainConfig, OptimizerStart};
use held_out::HeldOut;
use spikes::RecentSteps;

/// Where the weights come from.
pub enum Initial {
    /// Fresh random weights; a `vocab_size` of 0 and an empty `eos_token_id` are filled in from the tokenizer.
    Random(ModelConfig),
    /// A model folder in the HF layout: a finished stage's `model`, or any of its checkpoints.
    Folder(PathBuf),
}

/// What a mid-training stage works on.
pub struct MidtrainInputs {
    /// Initial weights.
    pub initial: Initial,
    /// `tokenizer.json` or its folder.
    pub tokenizer: PathBuf,
    /// Name of every source, and its document files or folders of token shards.
    pub sources: Vec<(String, Vec<PathBuf>)>,
    /// Documents to measure the loss on; may be empty.
    pub held_out: Vec<PathBuf>,
    /// The plugin that gives the weights of the sources at every step.
    pub mixture: MixturePolicy,
    /// The processes that train together; [`Ranks::alone`] is one.
    pub ranks: Arc<Ranks>,
}

/// What a checkpoint keeps beside weights and optimiser.
#[derive(Serialize, Deserialize)]
struct State {
    step: u64,
    tokens: u64,
    sampler: SamplerState,
    mixture_memory: String,
    /// Figures of the last update, which the mixture plugin gets at the next step.
    loss: Option<f64>,
    gradient_norm: Option<f64>,
    source_loss: Vec<Option<f64>>,
    /// Held-out loss before the first step, and the latest.
    held_out_first: Option<f64>,
    held_out_loss: Option<f64>,
    /// Sum and count of the losses since the checkpoint before.
    losses: (f64, u64),
    recent: RecentSteps,
    skipped: u64,
    /// Why the updates of the last steps in a row were skipped, a line for each.
    skipped_in_a_row: Vec<String>,
}

/// Trains until `config.tokens` are seen, or until `control` asks to stop, and leaves in `out`: `model/`,
/// `optimizer.safetensors`, `metrics.jsonl`, `checkpoints/` and, last, `results.json`. Called again on the same `out`
/// it resumes from the newest whole checkpoint.
///
/// With several ranks, all call it with the same arguments on the same `out`, and rank 0 alone writes there.
pub fn midtrain(
    config: &MidtrainConfig,
    inputs: MidtrainInputs,
    out: &Path,
    seed: u64,
    control: &Control,
) -> Result<Finished, TrainError> {
    config.check()?;
    let ranks = inputs.ranks.clone();
    if config.sequences_per_step < ranks.world() {
        let message = format!("{} is less than one for each of {} ranks", config.sequences_per_step, ranks.world());
        return Err(TrainError::config("sequences_per_step", message));
    }
    // The leader's view counts: another rank might look while it is being written.
    if ranks.leaders(if out.join(layout::RESULTS).is_file() { "done" } else { "to do" })? == "done" {
        return Ok(Finished::Done);
    }
    stage::on_own_thread("midtrain", config.threads, move || {
        let device = stage::device(&config.device)?;
        let numerics = Numerics { allow_tf32: config.allow_tf32, deterministic: config.deterministic };
        let Stoppable::Done(_held) = numerics.hold(device, control)? else { return Ok(Finished::Stopped) };
        octo_shim::memory::reset_peak(device);
        let mut training = Midtraining::open(config, inputs, out, seed)?;
        // With the model there, so that the GPU is in use and NCCL finds it so.
        training.ranks.join_gpus(device)?;
        training.run(control)
    })
}

struct Midtraining<'a> {
    config: &'a MidtrainConfig,
    out: &'a Path,
    ranks: Arc<Ranks>,
    rate: LearningRate,
    model_writer: Arc<ModelWriter>,
    /// The files of the stage; `None` where another rank writes.
    files: Option<StageFiles>,
    model: Model,
    optimiser: AdamW,
    sampler: Sampler,
    mixture: MixturePolicy,
    held_out: Option<HeldOut>,
    /// Operations that one token costs, and those that all ranks together can do in a second.
    flops_per_token: f64,
    peak_flops: Option<f64>,
    state: State,
    /// Step of the newest checkpoint, so that a stop right after it does not write it again.
    saved: Option<u64>,
}

/// What the leading rank writes to.
struct StageFiles {
    checkpoints: Checkpoints,
    log: StepLog,
    background: BackgroundWriter,
}

impl Midtraining<'_> {
    fn run(&mut self, control: &Control) -> Result<Finished, TrainError> {
        let total = self.config.steps();
        let clock = Clock::start(self.state.step, total);
        if self.state.step == 0 {
            self.evaluate_before()?;
        }
        while self.state.step < total {
            if self.ranks.any(control.stopping())? {
                if self.saved != Some(self.state.step) && self.state.step > 0 {
                    self.checkpoint()?;
                }
                self.finish_writing()?;
                return Ok(Finished::Stopped);
            }
            let line = self.step(&clock)?;
            (control.report)(&line, self.state.step as f64 / total as f64);
            if let Some(files) = &mut self.files {
                files.background.check()?;
            }
            if self.config.checkpoint_due(self.state.step) {
                self.checkpoint()?;
            }
        }
        self.finish()?;
        Ok(Finished::Done)
    }

    /// Writes a checkpoint of this step, in the background where the config wants it.
    fn checkpoint(&mut self) -> Result<(), TrainError> {
        let memory = self.mixture.save().map_err(|failure| TrainError::plugin("mixture", self.state.step, failure))?;
        self.state.mixture_memory = hex::encode(&memory);
        self.state.sampler = self.sampler.state();
        let (sum, count) = std::mem::take(&mut self.state.losses);
        let score = self.state.held_out_loss.or((count > 0).then(|| sum / count as f64));
        let step = self.state.step;
        if let Some(files) = &mut self.files {
            // The checkpoint counts on the lines before it.
            files.log.sync()?;
            // Before the copy is made: two of them would be memory for nothing.
            files.background.wait()?;
            if self.config.checkpoint_in_background {
                let state = serde_json::to_value(&self.state)
                    .map_err(|error| TrainError::checkpoint(self.out, format!("cannot store state: {error}")))?;
                let (model, optimiser) = (Snapshot::of(&self.model), self.optimiser.snapshot());
                let (model_writer, checkpoints) = (self.model_writer.clone(), files.checkpoints.clone());
                files.background.start(step, move || {
                    checkpoints
                        .write_scored(step, score, &state, |folder| model_writer.fill(&model, &optimiser, folder))
                })?;
            } else {
                let written = files.checkpoints.write_scored(step, score, &self.state, |folder| {
                    self.model_writer.fill(&self.model, &self.optimiser, folder)
                });
                written.map_err(|error| TrainError::NotWritten { step, reason: Box::new(error) })?;
            }
        }
        self.saved = Some(step);
        Ok(())
    }

    fn finish_writing(&mut self) -> Result<(), TrainError> {
        self.files.as_mut().map_or(Ok(()), |files| files.background.wait())
    }

    fn finish(&mut self) -> Result<(), TrainError> {
        self.finish_writing()?;
        if let Some(files) = &self.files {
            files.log.sync()?;
            self.model_writer.write(&self.model, &self.out.join(layout::MODEL))?;
            self.optimiser.save(&self.out.join(layout::OPTIMIZER))?;
            write_results(self.out, &record::results(&self.state))?;
        }
        // No rank begins with what needs this model before it is there.
        self.ranks.any(false).map(|_| ())
    }
}
