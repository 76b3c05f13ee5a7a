//! Begins a stage, or resumes it from its newest checkpoint.

use std::path::Path;
use std::sync::Arc;

use octo_data::prompt::PromptTemplate;
use octo_data::tokenizer::Tokenizer;
use octo_model::Model;
use octo_record::layout;
use serde_json::Value;

use super::curriculum::Curriculum;
use super::held_out::HeldOutPrompts;
use super::rollout_store::RolloutStore;
use super::{Reinforcement, RlConfig, RlInputs, State};
use crate::checkpoint::model_folder::ModelWriter;
use crate::checkpoint::{Checkpoint, Checkpoints, Files};
use crate::error::TrainError;
use crate::generation::prompts::{Prompt, build_prompts};
use crate::generation::rollouts::end_tokens;
use crate::measuring::step_log::StepLog;
use crate::optimizer::adamw::AdamW;
use crate::stage::{self, settings};

impl<'a> Reinforcement<'a> {
    /// Reads everything that the stage works on.
    pub(super) fn open(
        config: &'a RlConfig,
        inputs: RlInputs,
        out: &'a Path,
        seed: u64,
    ) -> Result<Reinforcement<'a>, TrainError> {
        let device = stage::device(&config.device)?;
        let RlInputs { model: initial, problems, held_out, verifier, reward, mut schedule } = inputs;
        let model_writer = ModelWriter::new(Tokenizer::load(&initial)?, Some(&initial));
        let template = PromptTemplate::new(&config.prompt, &initial)?;
        let last = template.last_epoch();
        let build = |epochs, problems| {
            build_prompts(&template, epochs, problems, model_writer.tokenizer(), config.max_prompt_tokens)
        };
        let prompts: Arc<[Vec<Prompt>]> = build(0..=last, problems)?.kept.into();
        // Always asked as in the last epoch, so that their curves have no steps where few-shot examples go.
        let held_out = held_out
            .into_iter()
            .filter(|set| !set.problems.is_empty())
            .map(|set| Ok(HeldOutPrompts { name: set.name, prompts: build(last..=last, set.problems)?.kept.remove(0) }))
            .collect::<Result<Vec<_>, TrainError>>()?;
        let mut settings = settings("rl", seed, config);
        // Alarms change no weight, so a run that one has ended can resume with others.
        if let Some(config) = settings["config"].as_object_mut() {
            config.remove("alarms");
        }
        let checkpoints = Checkpoints::open(out, settings)?;
        let load = |folder: &Path| -> Result<Model, TrainError> {
            let model = match Files::of(folder)? {
                Some(files) => files.model(device)?,
                None => Model::load(folder, device)?,
            };
            Ok(model.compute_in(config.compute))
        };
        let latest: Option<Checkpoint<State>> = checkpoints.latest()?;
        let (model, optimiser, state) = match latest {
            Some(Checkpoint { folder, state, files, .. }) => {
                let model = files.model(device)?.compute_in(config.compute);
                let optimiser = files.optimiser(model.parameters(), config.adamw())?;
                let memory = hex::decode(&state.schedule_memory)
                    .map_err(|_| TrainError::checkpoint(&folder, "the schedule's memory is not hexadecimal"))?;
                schedule.restore(&memory).map_err(|failure| TrainError::plugin("schedule", state.step, failure))?;
                (model, optimiser, state)
            }
            None => {
                let model = load(&initial)?;
                let optimiser = AdamW::new(model.parameters(), config.adamw());
                (model, optimiser, State::default())
            }
        };
        model_writer.check(&model)?;
        let reference = if config.kl_coefficient > 0.0 { Some(load(&initial)?) } else { None };
        let saved = (state.step > 0).then_some(state.step);
        let evaluated = state.evaluated;
        let keep = |step: u64, record: &Value| {
            let held_out = record.get("held_out").is_some() || record["split"] == "held-out";
            saved.is_some_and(|saved| step < saved || step == saved && !(held_out && evaluated != Some(saved)))
        };
        let log = StepLog::resume(&out.join(layout::METRICS), keep)?;
        log.warn_of_missing(state.step);
        Ok(Reinforcement {
            config,
            out,
            seed,
            log,
            samples: StepLog::resume(&out.join(layout::SAMPLES), keep)?,
            end_tokens: end_tokens(&model, model_writer.tokenizer()),
            rollout_store: RolloutStore::open(out)?,
            room: usize::MAX,
            curriculum: Curriculum::new(seed, prompts[0].len(), config.drop_solved),
            model_writer,
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
}
