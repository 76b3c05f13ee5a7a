//! The families of models that are known here, and how `config.json` names them.
//!
//! A family is one file with the same outline each time: `config` reads its `config.json`, `shapes` names its block's
//! parameters as the model folder does, the block's `load` takes them, and `Block::forward` computes.
//!
//! # Adding a model family
//!
//! 1. `host/model/src/NAME.rs`, with the outline that `qwen3.rs` has.
//! 2. `host/model/src/lib.rs`: `mod NAME;`.
//! 3. This file: a variant of [`Family`], and its place in [`Family::ALL`], which the compiler does not ask for; a
//!    family that is not there is found in no `config.json`. The compiler asks for the arms of each `match`, here and
//!    in `config_file.rs`, which says what keys the written `config.json` has.
//! 4. Golden models: a shape in `host/model/tests/families/golden.py`, run with the peers, and a row in
//!    `host/model/tests/families.rs`.
//! 5. The list of families in `docs/guide.md`, "Let a model answer".

use crate::ModelConfig;
use crate::block::Block;
use crate::config_file::ConfigFile;
use crate::parameters::{Shapes, Weights};
use crate::{ModelError, llama, qwen2, qwen3};

/// A family of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Llama 2, 3, 3.1, 3.2, and what has its architecture, such as SmolLM2.
    Llama,
    /// Qwen2 and Qwen2.5, dense.
    Qwen2,
    /// Qwen3, dense.
    Qwen3,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 3] = [Family::Llama, Family::Qwen2, Family::Qwen3];

    /// `model_type` in `config.json`.
    pub fn model_type(self) -> &'static str {
        match self {
            Family::Llama => "llama",
            Family::Qwen2 => "qwen2",
            Family::Qwen3 => "qwen3",
        }
    }

    /// The class in `architectures` of `config.json`.
    pub fn architecture(self) -> &'static str {
        match self {
            Family::Llama => "LlamaForCausalLM",
            Family::Qwen2 => "Qwen2ForCausalLM",
            Family::Qwen3 => "Qwen3ForCausalLM",
        }
    }

    /// The family that a file is of: by `model_type`, and by `architectures` where that is absent. A file with neither
    /// is a Llama's, as the oldest ones were.
    pub(crate) fn of(file: &ConfigFile) -> Result<Self, String> {
        let quoted =
            |name: fn(Family) -> &'static str| Self::ALL.map(|family| format!("\"{}\"", name(family))).join(", ");
        let class = file.architectures.as_ref().and_then(|classes| classes.first());
        let family = match (&file.model_type, class) {
            (Some(kind), _) => Self::ALL.into_iter().find(|family| family.model_type() == kind).ok_or_else(|| {
                format!("`model_type` is \"{kind}\"; what is known here is {}", quoted(Self::model_type))
            })?,
            (None, Some(class)) => {
                Self::ALL.into_iter().find(|family| family.architecture() == class).ok_or_else(|| {
                    format!("`architectures` has \"{class}\"; what is known here is {}", quoted(Self::architecture))
                })?
            }
            (None, None) => Family::Llama,
        };
        match class {
            Some(class) if class != family.architecture() => Err(format!(
                "`architectures` has \"{class}\"; of `model_type` \"{}\" only \"{}\" is known here",
                family.model_type(),
                family.architecture()
            )),
            _ => Ok(family),
        }
    }

    pub(crate) fn config(self, file: &ConfigFile) -> Result<ModelConfig, String> {
        if file.mlp_bias == Some(true) && self != Family::Llama {
            return Err(format!("`mlp_bias` is true; \"{}\" has none", self.model_type()));
        }
        match self {
            Family::Llama => llama::config(file),
            Family::Qwen2 => qwen2::config(file),
            Family::Qwen3 => qwen3::config(file),
        }
    }

    /// Name, within its block, and shape of every parameter of a block.
    pub(crate) fn block_shapes(self, config: &ModelConfig) -> Vec<(String, Vec<i64>)> {
        let mut shapes = Shapes::new(config);
        match self {
            Family::Llama => llama::shapes(config, &mut shapes),
            Family::Qwen2 => qwen2::shapes(&mut shapes),
            Family::Qwen3 => qwen3::shapes(config, &mut shapes),
        }
        shapes.into_list()
    }

    pub(crate) fn load_block(self, weights: &Weights<'_>) -> Result<Box<dyn Block>, ModelError> {
        Ok(match self {
            Family::Llama => Box::new(llama::LlamaBlock::load(weights)?),
            Family::Qwen2 => Box::new(qwen2::Qwen2Block::load(weights)?),
            Family::Qwen3 => Box::new(qwen3::Qwen3Block::load(weights)?),
        })
    }
}
