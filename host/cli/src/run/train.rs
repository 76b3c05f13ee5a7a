//! The stages that train: hands a stage's inputs and plugins to the loops of `octo-train`.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use octo_data::field_map::FieldMap;
use octo_data::record::Problem;
use octo_data::tokenizer::Tokenizer;
use octo_model::LlamaConfig;
use octo_train::control::{Control, Finished};
use octo_train::eval::EvalInputs;
use octo_train::midtrain::{Initial, MidtrainInputs};
use octo_train::rl::{HeldOutSet, RlInputs};

use super::lanes::Ended;
use super::work::Bench;
use crate::recipe::stage::{Architecture, Problems};
use crate::recipe::training::{Eval, Midtrain, Rl};

pub fn midtrain(bench: &Bench<'_>, stage: &Midtrain, out: &Path, seed: u64) -> Result<Ended> {
    let (initial, tokenizer) = match &stage.architecture {
        Some(architecture) => {
            let folder = bench.path("tokenizer")?;
            let tokenizer = Tokenizer::load(&folder)?;
            (Initial::Random(llama(architecture, &tokenizer)), folder)
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
    let mixture = bench.plugin_in("mixture")?.into_mixture()?;
    let inputs = MidtrainInputs { initial, tokenizer, sources, mixture };
    with_control(bench, |control| Ok(octo_train::midtrain::midtrain(&stage.config, inputs, out, seed, control)?))
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
        reward: bench.plugin_in("reward")?.into_reward()?,
        schedule: bench.plugin_in("schedule")?.into_schedule()?,
    };
    with_control(bench, |control| Ok(octo_train::rl::reinforce(&stage.config, inputs, out, seed, control)?))
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
        stop: bench.stop.clone(),
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

fn llama(architecture: &Architecture, tokenizer: &Tokenizer) -> LlamaConfig {
    LlamaConfig {
        vocab_size: tokenizer.vocabulary_size(),
        hidden_size: architecture.hidden_size,
        intermediate_size: architecture.intermediate_size,
        num_hidden_layers: architecture.num_hidden_layers,
        num_attention_heads: architecture.num_attention_heads,
        num_key_value_heads: architecture.num_key_value_heads.unwrap_or(architecture.num_attention_heads),
        head_dim: None,
        rms_norm_eps: architecture.rms_norm_eps,
        initializer_range: architecture.initializer_range,
        rope_theta: architecture.rope_theta,
        rope_scaling: None,
        max_position_embeddings: architecture.max_position_embeddings,
        tie_word_embeddings: architecture.tie_word_embeddings,
        bos_token_id: None,
        eos_token_id: tokenizer.end_tokens().to_vec(),
    }
}
