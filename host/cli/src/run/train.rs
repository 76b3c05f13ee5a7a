//! The stages that train: hands a stage's inputs and plugins to the loops of `octo-train`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use octo_data::field_map::FieldMap;
use octo_data::record::Problem;
use octo_model::ModelConfig;
use octo_plugin::{RewardSum, RewardTerm};
use octo_train::control::{Control, Finished};
use octo_train::eval::EvalInputs;
use octo_train::midtrain::{Initial, MidtrainInputs};
use octo_train::rl::{HeldOutSet, RlInputs};

use super::lanes::Ended;
use super::work::Bench;
use crate::recipe::rewards::Rewards;
use crate::recipe::stage::{Architecture, Problems};
use crate::recipe::training::{Eval, Midtrain, Rl};

/// Runs the stage as rank 0, and calls the others to it.
pub fn midtrain(bench: &Bench<'_>, stage: &Midtrain, key: &str, out: &Path, seed: u64) -> Result<Ended> {
    let inputs = midtrain_inputs(bench, stage)?;
    bench.run.ranks.leaders(key)?;
    with_control(bench, |control| Ok(octo_train::midtrain::midtrain(&stage.config, inputs, out, seed, control)?))
}

/// Takes part in the stage as a rank other than 0.
pub fn join_midtrain(bench: &Bench<'_>, stage: &Midtrain, out: &Path, seed: u64) -> Result<Ended> {
    let inputs = midtrain_inputs(bench, stage)?;
    with_control(bench, |control| Ok(octo_train::midtrain::midtrain(&stage.config, inputs, out, seed, control)?))
}

fn midtrain_inputs(bench: &Bench<'_>, stage: &Midtrain) -> Result<MidtrainInputs> {
    let (initial, tokenizer) = match &stage.architecture {
        Some(architecture) => {
            let folder = bench.path("tokenizer")?;
            // The vocabulary and the tokens that end a text are the tokenizer's; training fills them in.
            (Initial::Random(llama(architecture, 0)), folder)
        }
        None => {
            let folder = bench.path("initial")?;
            (Initial::Folder(folder.clone()), folder)
        }
    };
    let mut sources = Vec::new();
    for (name, slots) in &stage.sources {
        let paths = slots.iter().map(|slot| bench.path(slot)).collect::<Result<Vec<_>>>()?;
        sources.push((name.clone(), paths));
    }
    let held_out = stage.held_out.iter().map(|slot| bench.path(slot)).collect::<Result<Vec<_>>>()?;
    let mixture = bench.plugin_in("mixture")?.into_mixture()?;
    let ranks = bench.run.ranks.clone();
    Ok(MidtrainInputs { initial, tokenizer, sources, held_out, mixture, ranks })
}

pub fn rl(bench: &Bench<'_>, stage: &Rl, out: &Path, seed: u64) -> Result<Ended> {
    let mut held_out = Vec::new();
    for (name, set) in &stage.held_out {
        held_out.push(HeldOutSet { name: name.clone(), problems: problems(bench, set)? });
    }
    let inputs = RlInputs {
        model: bench.path("model")?,
        problems: problems(bench, &stage.problems)?,
        held_out,
        verifier: bench.plugin_in("verifier")?.into_verifier()?,
        reward: rewards(bench, &stage.rewards)?,
        schedule: bench.plugin_in("schedule")?.into_schedule()?,
    };
    with_control(bench, |control| Ok(octo_train::rl::reinforce(&stage.config, inputs, out, seed, control)?))
}

fn rewards(bench: &Bench<'_>, rewards: &Rewards) -> Result<RewardSum> {
    let mut terms = Vec::new();
    for (role, weight) in &rewards.terms {
        let function = bench.plugin(role)?.into_reward()?;
        if !rewards.named {
            return Ok(function.into());
        }
        terms.push(RewardTerm { name: role.clone(), weight: *weight, function });
    }
    RewardSum::new(terms).map_err(|message| anyhow!("reward: {message}"))
}

pub fn eval(bench: &Bench<'_>, stage: &Eval, out: &Path, seed: u64) -> Result<Ended> {
    let inputs = EvalInputs {
        model: bench.path("model")?,
        problems: problems(bench, &stage.problems)?,
        verifier: bench.plugin_in("verifier")?.into_verifier()?,
    };
    with_control(bench, |control| Ok(octo_train::eval::evaluate(&stage.config, inputs, out, seed, control)?))
}

fn with_control(bench: &Bench<'_>, work: impl FnOnce(&Control) -> Result<Finished>) -> Result<Ended> {
    let line = bench.line.clone();
    let control = Control {
        stop: bench.run.stop.clone(),
        report: Arc::new(move |message: &str, share: f64| line.report(message, share)),
    };
    Ok(match work(&control)? {
        Finished::Done => Ended::Done,
        Finished::Stopped => Ended::Stopped,
    })
}

fn problems(bench: &Bench<'_>, problems: &Problems) -> Result<Vec<Problem>> {
    let map = FieldMap::new(problems.map.clone());
    Ok(octo_data::jsonl::read_problems(&bench.path(&problems.slot)?, &map, problems.rows.clone())?)
}

/// The shape that a recipe's `architecture` asks for, but for the tokens that end a text.
pub fn llama(architecture: &Architecture, vocab_size: usize) -> ModelConfig {
    ModelConfig {
        vocab_size,
        hidden_size: architecture.hidden_size,
        intermediate_size: architecture.intermediate_size,
        num_hidden_layers: architecture.num_hidden_layers,
        num_attention_heads: architecture.num_attention_heads,
        num_key_value_heads: architecture.num_key_value_heads.unwrap_or(architecture.num_attention_heads),
        rms_norm_eps: architecture.rms_norm_eps,
        initializer_range: architecture.initializer_range,
        rope_theta: architecture.rope_theta,
        max_position_embeddings: architecture.max_position_embeddings,
        tie_word_embeddings: architecture.tie_word_embeddings,
        ..ModelConfig::default()
    }
}
