//! Mid-training: next-token prediction on sources mixed by a policy plugin.
//!
//! One step asks the mixture policy for weights, draws sequences by them, and makes one AdamW update on the mean
//! cross-entropy of their tokens.

use std::path::{Path, PathBuf};
use std::time::Instant;

use octo_data::sampler::{Batch, Sampler, SamplerState};
use octo_data::token_source::TokenSource;
use octo_data::tokenizer::Tokenizer;
use octo_model::{Llama, LlamaConfig, next_token_backward};
use octo_plugin::MixturePolicy;
use octo_plugin::types::{DataSource, Metric, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tch::{Kind, Tensor};

use crate::adamw::AdamW;
use crate::checkpoint::{Checkpoint, Checkpoints, from_hexadecimal, hexadecimal};
use crate::control::{Clock, Control, Finished};
use crate::error::TrainError;
use crate::gradient_clip::{clear_gradients, clip_global_norm};
use crate::learning_rate::LearningRate;
use crate::metrics::StepLog;
pub use crate::midtrain_config::{MidtrainConfig, OptimizerStart};
use crate::model_folder::Companions;
use crate::stage::{self, OPTIMIZER_FILE, RESULTS_FILE, settings, write_results};

/// Where the weights come from.
pub enum Initial {
    /// Fresh random weights; `vocab_size` 0 and no `eos_token_id` are filled in from the tokenizer.
    Random(LlamaConfig),
    /// A model folder in the HF layout.
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
    /// Gives the weights of the sources at every step.
    pub mixture: MixturePolicy,
}

/// What a checkpoint keeps beside weights and optimiser.
#[derive(Serialize, Deserialize)]
struct State {
    step: u64,
    tokens: u64,
    sampler: SamplerState,
    mixture_memory: String,
    /// What the policy is told at the next step.
    loss: Option<f64>,
    gradient_norm: Option<f64>,
    source_loss: Vec<Option<f64>>,
    skipped: u64,
    skipped_in_a_row: u64,
}

/// Trains until `config.tokens` are seen, or until `control` asks to stop, and leaves in `out`: `model/`,
/// `optimizer.safetensors`, `metrics.jsonl`, `checkpoints/` and, last, `results.json`. Called again on the same `out`
/// it goes on from the newest whole checkpoint.
pub fn midtrain(
    config: &MidtrainConfig,
    inputs: MidtrainInputs,
    out: &Path,
    seed: u64,
    control: &Control,
) -> Result<Finished, TrainError> {
    config.check()?;
    if out.join(RESULTS_FILE).is_file() {
        return Ok(Finished::Done);
    }
    stage::on_own_thread("midtrain", config.threads, move || {
        let mut training = Midtraining::open(config, inputs, out, seed)?;
        training.run(control)
    })
}

struct Midtraining<'a> {
    config: &'a MidtrainConfig,
    out: &'a Path,
    rate: LearningRate,
    companions: Companions,
    checkpoints: Checkpoints,
    log: StepLog,
    model: Llama,
    optimiser: AdamW,
    sampler: Sampler,
    mixture: MixturePolicy,
    state: State,
    /// Step of the newest checkpoint, so that a stop right behind it writes none.
    saved: Option<u64>,
}

impl<'a> Midtraining<'a> {
    fn open(config: &'a MidtrainConfig, inputs: MidtrainInputs, out: &'a Path, seed: u64) -> Result<Self, TrainError> {
        let device = stage::device(&config.device)?;
        let MidtrainInputs { initial, tokenizer, sources, mut mixture } = inputs;
        let tokenizer = Tokenizer::load(&tokenizer)?;
        let sources: Vec<TokenSource> = sources
            .iter()
            .map(|(name, files)| TokenSource::from_documents(name, files, &tokenizer))
            .collect::<Result<_, _>>()?;
        let count = sources.len();
        let mut sampler = Sampler::new(sources, config.context, seed)?;
        sampler.cap_epochs(&config.max_epochs)?;
        let checkpoints = Checkpoints::open(out, settings("midtrain", seed, config))?;
        let latest: Option<Checkpoint<State>> = checkpoints.latest()?;
        let folder = match &initial {
            Initial::Folder(folder) => Some(folder.as_path()),
            Initial::Random(_) => None,
        };
        let companions = Companions::new(tokenizer, folder);
        let (model, optimiser, state) = match latest {
            Some(Checkpoint { folder, state, .. }) => {
                let model = Llama::load(&folder, device)?;
                let optimiser = AdamW::load(&folder.join(OPTIMIZER_FILE), model.parameters(), config.adamw())?;
                sampler.restore(&state.sampler)?;
                let memory = from_hexadecimal(&state.mixture_memory)
                    .ok_or_else(|| TrainError::checkpoint(&folder, "the mixture's memory is not hexadecimal"))?;
                mixture.restore(&memory).map_err(|failure| TrainError::policy("mixture", state.step, failure))?;
                (model, optimiser, state)
            }
            None => {
                let model = match &initial {
                    Initial::Folder(folder) => Llama::load(folder, device)?,
                    Initial::Random(shape) => {
                        let mut shape = shape.clone();
                        if shape.vocab_size == 0 {
                            shape.vocab_size = companions.tokenizer().vocabulary_size();
                        }
                        if shape.eos_token_id.is_empty() {
                            shape.eos_token_id = companions.tokenizer().end_tokens().to_vec();
                        }
                        Llama::random(&shape, seed, device)?
                    }
                };
                let optimiser = match (config.optimizer, folder) {
                    (OptimizerStart::Reset, _) => AdamW::new(model.parameters(), config.adamw()),
                    (OptimizerStart::Keep, Some(folder)) => {
                        let path = folder.parent().unwrap_or(Path::new(".")).join(OPTIMIZER_FILE);
                        AdamW::load(&path, model.parameters(), config.adamw())?
                    }
                    (OptimizerStart::Keep, None) => {
                        let message = "\"keep\" needs a model to start from (`initial`); fresh weights have no state";
                        return Err(TrainError::config("optimizer", message));
                    }
                };
                let state = State {
                    step: 0,
                    tokens: 0,
                    sampler: sampler.state(),
                    mixture_memory: String::new(),
                    loss: None,
                    gradient_norm: None,
                    source_loss: vec![None; count],
                    skipped: 0,
                    skipped_in_a_row: 0,
                };
                (model, optimiser, state)
            }
        };
        companions.check(&model)?;
        let saved = (state.step > 0).then_some(state.step);
        let log = StepLog::resume(&out.join("metrics.jsonl"), |step, _| saved.is_some_and(|saved| step <= saved))?;
        let rate = config.rate();
        Ok(Midtraining {
            config,
            out,
            rate,
            companions,
            checkpoints,
            log,
            model,
            optimiser,
            sampler,
            mixture,
            state,
            saved,
        })
    }

    fn run(&mut self, control: &Control) -> Result<Finished, TrainError> {
        let total = self.config.steps();
        let clock = Clock::start(self.state.step, total);
        while self.state.step < total {
            if control.stopping() {
                if self.saved != Some(self.state.step) {
                    self.checkpoint()?;
                }
                return Ok(Finished::Stopped);
            }
            let line = self.step(&clock)?;
            (control.report)(&line, self.state.step as f64 / total as f64);
            let every = self.config.checkpoint_every;
            if every > 0 && self.state.step.is_multiple_of(every) && self.state.step < total {
                self.checkpoint()?;
            }
        }
        self.finish()?;
        Ok(Finished::Done)
    }

    /// One update; returns the progress line.
    fn step(&mut self, clock: &Clock) -> Result<String, TrainError> {
        let started = Instant::now();
        let (step, total) = (self.state.step, self.config.steps());
        let (at, sources) = self.told();
        let weights =
            self.mixture.weights(&at, &sources).map_err(|failure| TrainError::policy("mixture", step, failure))?;
        let capped = self.sampler.capped().len();
        let batch = self.sampler.next_batch(&weights, self.config.sequences_per_step)?;
        if self.sampler.capped().len() > capped {
            let ended = self.sampler.capped().join(", ");
            tracing::warn!("step {}: at their max_epochs, giving no more: {ended}", step + 1);
        }
        let learning_rate = self.rate.at(step);
        clear_gradients(self.model.parameters());
        let (loss, source_loss) = self.backward(&batch, sources.len())?;
        let norm = clip_global_norm(self.model.parameters(), self.config.gradient_clip);
        let state = &mut self.state;
        state.step += 1;
        state.tokens += self.config.tokens_per_step();
        let mut record = Map::new();
        record.insert("step".to_owned(), json!(state.step));
        record.insert("tokens".to_owned(), json!(state.tokens));
        record.insert("learning_rate".to_owned(), json!(learning_rate));
        let named = sources.iter().map(|source| source.name.clone());
        record.insert("mixture".to_owned(), named.clone().zip(weights.iter().map(|w| json!(w))).collect());
        let realised = self.sampler.realised_shares().into_iter().map(|share| json!(share));
        record.insert("realised_share".to_owned(), named.clone().zip(realised).collect());
        if !self.sampler.capped().is_empty() {
            record.insert("capped_sources".to_owned(), json!(self.sampler.capped()));
        }
        if loss.is_finite() && norm.is_finite() {
            self.optimiser.step(self.model.parameters(), learning_rate);
            state.skipped_in_a_row = 0;
            (state.loss, state.gradient_norm) = (Some(loss), Some(norm));
            record.insert("loss".to_owned(), json!(loss));
            record.insert("gradient_norm".to_owned(), json!(norm));
            let known = named.zip(&source_loss).filter_map(|(name, loss)| Some((name, json!((*loss)?))));
            record.insert("source_loss".to_owned(), Value::Object(known.collect()));
            state.source_loss = source_loss;
        } else {
            state.skipped += 1;
            state.skipped_in_a_row += 1;
            record.insert("skipped_steps".to_owned(), json!(state.skipped));
            tracing::warn!("step {}: loss {loss}, gradient norm {norm}; the update is skipped", state.step);
        }
        let speed = self.config.tokens_per_step() as f64 / started.elapsed().as_secs_f64().max(1e-9);
        record.insert("tokens_per_second".to_owned(), json!(speed));
        self.log.append(&record)?;
        if state.skipped_in_a_row >= self.config.skipped_steps_limit.max(1) {
            return Err(TrainError::NotFinite { step: state.step, in_a_row: state.skipped_in_a_row });
        }
        let eta = clock.eta(state.step);
        Ok(format!("step {}/{total}  loss {loss:.4}  lr {learning_rate:.2e}  {speed:.0} tokens/s  {eta}", state.step))
    }

    /// What the policy is told: where the run stands, and each source.
    fn told(&self) -> (Progress, Vec<DataSource>) {
        let metrics = [("loss", self.state.loss), ("gradient_norm", self.state.gradient_norm)];
        let metrics =
            metrics.into_iter().filter_map(|(name, value)| Some(Metric { name: name.to_owned(), value: value? }));
        let at = Progress {
            stage: self.config.stage_name.clone(),
            step: self.state.step,
            total_steps: self.config.steps(),
            tokens: self.state.tokens,
            total_tokens: self.config.steps() * self.config.tokens_per_step(),
            metrics: metrics.collect(),
        };
        let tokens = self.sampler.tokens_available().into_iter().zip(self.sampler.tokens_seen());
        let sources = self.sampler.names().into_iter().zip(tokens).zip(&self.state.source_loss);
        let sources = sources.map(|((name, (tokens_available, tokens_seen)), loss)| DataSource {
            name: name.to_owned(),
            tokens_available,
            tokens_seen,
            loss: *loss,
        });
        (at, sources.collect())
    }

    /// Gradients of the mean loss over all tokens of `batch`; returns that loss and the mean of each source.
    fn backward(&self, batch: &Batch, sources: usize) -> Result<(f64, Vec<Option<f64>>), TrainError> {
        let sequences = batch.source.len();
        let context = self.config.context as i64;
        let tokens: Vec<i64> = batch.tokens.iter().map(|token| i64::from(*token)).collect();
        let tokens =
            Tensor::from_slice(&tokens).f_view([sequences as i64, context + 1])?.f_to_device(self.model.device())?;
        let weight = 1.0 / (sequences as f64 * context as f64);
        let at_once =
            if self.config.sequences_per_forward == 0 { sequences } else { self.config.sequences_per_forward };
        let mut losses: Vec<f64> = Vec::with_capacity(sequences);
        for start in (0..sequences).step_by(at_once) {
            let rows = at_once.min(sequences - start) as i64;
            let of_tokens = next_token_backward(&self.model, &tokens.narrow(0, start as i64, rows), weight);
            let means = of_tokens.mean_dim(Some([1i64].as_slice()), false, Kind::Double);
            losses.extend(Vec::<f64>::try_from(&means)?);
        }
        let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let of_source = |source: usize| -> Option<f64> {
            let own = losses.iter().zip(&batch.source).filter(|(_, other)| **other == source);
            mean(&own.map(|(loss, _)| *loss).collect::<Vec<f64>>())
        };
        Ok((mean(&losses).unwrap_or(f64::NAN), (0..sources).map(of_source).collect()))
    }

    fn checkpoint(&mut self) -> Result<(), TrainError> {
        let memory = self.mixture.save().map_err(|failure| TrainError::policy("mixture", self.state.step, failure))?;
        self.state.mixture_memory = hexadecimal(&memory);
        self.state.sampler = self.sampler.state();
        self.log.sync()?;
        self.checkpoints.write(self.state.step, &self.state, |folder| {
            self.companions.fill(&self.model, folder)?;
            self.optimiser.save(&folder.join(OPTIMIZER_FILE))
        })?;
        self.saved = Some(self.state.step);
        Ok(())
    }

    fn finish(&self) -> Result<(), TrainError> {
        self.log.sync()?;
        self.companions.write(&self.model, &self.out.join("model"))?;
        self.optimiser.save(&self.out.join(OPTIMIZER_FILE))?;
        let results = json!({
            "steps": self.state.step,
            "tokens": self.state.tokens,
            "loss": self.state.loss,
            "skipped_steps": self.state.skipped,
        });
        write_results(self.out, &results)
    }
}
