//! Begins a stage, or resumes it from its newest checkpoint.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use octo_data::sampler::Sampler;
use octo_data::token_source::TokenSource;
use octo_data::tokenizer::Tokenizer;
use octo_model::Model;
use octo_record::layout;
use tch::Device;

use super::held_out::HeldOut;
use super::spikes::RecentSteps;
use super::{Initial, MidtrainConfig, MidtrainInputs, Midtraining, OptimizerStart, StageFiles, State};
use crate::checkpoint::background::BackgroundWriter;
use crate::checkpoint::model_folder::ModelWriter;
use crate::checkpoint::{Checkpoint, Checkpoints, Files};
use crate::error::TrainError;
use crate::hardware;
use crate::measuring::step_log::StepLog;
use crate::optimizer::adamw::AdamW;
use crate::ranks::Ranks;
use crate::stage::{self, settings};

impl<'a> Midtraining<'a> {
    /// Reads everything that the stage works on.
    pub(super) fn open(
        config: &'a MidtrainConfig,
        inputs: MidtrainInputs,
        out: &'a Path,
        seed: u64,
    ) -> Result<Midtraining<'a>, TrainError> {
        let MidtrainInputs { initial, tokenizer, sources, held_out, mut mixture, ranks } = inputs;
        let device = stage::device(&config.device)?;
        let tokenizer = Tokenizer::load(&tokenizer)?;
        let sources: Vec<TokenSource> = sources
            .iter()
            .map(|(name, files)| TokenSource::from_documents(name, files, &tokenizer))
            .collect::<Result<_, _>>()?;
        let held_out = HeldOut::read(&held_out, &tokenizer, config, seed)?;
        let mut sampler = Sampler::new(sources, config.context, seed)?;
        sampler.cap_epochs(&config.max_epochs)?;
        let model_writer = ModelWriter::new(
            tokenizer,
            match &initial {
                Initial::Folder(folder) => Some(folder.as_path()),
                Initial::Random(_) => None,
            },
        );
        let settings = settings("midtrain", seed, config);
        let data: Vec<_> = sampler.state().sources.into_iter().map(|source| source.digest).collect();
        ranks.agree("recipe", &settings.to_string())?;
        ranks.agree("data", &data.join(" "))?;
        let checkpoints = if ranks.leads() {
            Some(Checkpoints::open(out, settings.clone())?.keeping(config.retention()))
        } else {
            None
        };
        let latest = newest(&ranks, checkpoints.as_ref(), &Checkpoints::reader(out, settings))?;
        let (model, optimiser, state) = match latest {
            Some(Checkpoint { folder, state, files, .. }) => {
                let state: State = state;
                let model = files.model(device)?;
                let optimiser = files.optimiser(model.parameters(), config.adamw())?;
                sampler.restore(&state.sampler)?;
                let memory = hex::decode(&state.mixture_memory)
                    .map_err(|_| TrainError::checkpoint(&folder, "the mixture's memory is not hexadecimal"))?;
                mixture.restore(&memory).map_err(|failure| TrainError::plugin("mixture", state.step, failure))?;
                (model, optimiser, state)
            }
            None => {
                let model = first_model(&initial, model_writer.tokenizer(), seed, device)?;
                let optimiser = first_optimiser(config, &initial, &model)?;
                (model, optimiser, State::first(&sampler))
            }
        };
        let model = model.compute_in(config.compute);
        model_writer.check(&model)?;
        let saved = (state.step > 0).then_some(state.step);
        let files = match checkpoints {
            None => None,
            Some(checkpoints) => {
                let path = out.join(layout::METRICS);
                let log = StepLog::resume(&path, |step, _| saved.is_some_and(|saved| step <= saved))?;
                log.warn_of_missing(state.step);
                Some(StageFiles { checkpoints, log, background: BackgroundWriter::default() })
            }
        };
        let peak = config.peak_teraflops.or_else(|| hardware::peak_teraflops(&config.device));
        Ok(Midtraining {
            rate: config.rate(),
            model_writer: Arc::new(model_writer),
            flops_per_token: model.training_flops_per_token(config.context) as f64,
            peak_flops: peak.map(|peak| peak * 1e12 * ranks.world() as f64),
            config,
            out,
            ranks,
            files,
            model,
            optimiser,
            sampler,
            mixture,
            held_out,
            state,
            saved,
        })
    }
}

impl State {
    fn first(sampler: &Sampler) -> State {
        State {
            step: 0,
            tokens: 0,
            sampler: sampler.state(),
            mixture_memory: String::new(),
            loss: None,
            gradient_norm: None,
            source_loss: vec![None; sampler.names().len()],
            held_out_first: None,
            held_out_loss: None,
            losses: (0.0, 0),
            recent: RecentSteps::default(),
            skipped: 0,
            skipped_in_a_row: Vec::new(),
        }
    }
}

/// The newest checkpoint that the leader has, so that all ranks resume from the same one.
fn newest(
    ranks: &Ranks,
    leaders: Option<&Checkpoints>,
    reader: &Checkpoints,
) -> Result<Option<Checkpoint<State>>, TrainError> {
    let latest: Option<Checkpoint<State>> = leaders.map_or(Ok(None), |checkpoints| checkpoints.latest())?;
    let step = latest.as_ref().map_or(String::new(), |latest| latest.step.to_string());
    let step = ranks.leaders(&step)?;
    match (leaders, step.parse()) {
        (Some(_), _) => Ok(latest),
        (None, Ok(step)) => reader.at(step).map(Some),
        (None, Err(_)) => Ok(None),
    }
}

fn first_model(initial: &Initial, tokenizer: &Tokenizer, seed: u64, device: Device) -> Result<Model, TrainError> {
    let mut shape = match initial {
        Initial::Folder(folder) => {
            return match Files::of(folder)? {
                Some(files) => files.model(device),
                None => Ok(Model::load(folder, device)?),
            };
        }
        Initial::Random(shape) => shape.clone(),
    };
    if shape.vocab_size == 0 {
        shape.vocab_size = tokenizer.vocabulary_size();
    }
    if shape.eos_token_id.is_empty() {
        shape.eos_token_id = tokenizer.end_tokens().to_vec();
    }
    Ok(Model::random(&shape, seed, device)?)
}

fn first_optimiser(config: &MidtrainConfig, initial: &Initial, model: &Model) -> Result<AdamW, TrainError> {
    match (config.optimizer, initial) {
        (OptimizerStart::Reset, _) => Ok(AdamW::new(model.parameters(), config.adamw())),
        (OptimizerStart::Keep, Initial::Folder(folder)) => match Files::of(folder)? {
            Some(files) => files.optimiser(model.parameters(), config.adamw()),
            None => AdamW::load(&optimizer_file(folder), model.parameters(), config.adamw()),
        },
        (OptimizerStart::Keep, Initial::Random(_)) => {
            let message = "`keep` needs a model to start from (`initial`); fresh weights have no state";
            Err(TrainError::config("optimizer", message))
        }
    }
}

/// The file of the optimiser's state: in a checkpoint it lies among the model's files, in a finished stage beside its
/// `model/`.
fn optimizer_file(folder: &Path) -> PathBuf {
    let inside = folder.join(layout::OPTIMIZER);
    if inside.is_file() { inside } else { folder.parent().unwrap_or(Path::new(".")).join(layout::OPTIMIZER) }
}
