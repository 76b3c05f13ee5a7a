//! `midtrain`: mid-training, and pre-training where the model starts from an architecture.

pub mod forecast;

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use octo_data::field_map::FieldMap;
use octo_model::ModelConfig;
use octo_record::{Device, MidtrainRecord};
use octo_run::check::{Fault, first_row};
use octo_run::context::StageContext;
use octo_run::kind::{Ended, StageKind, keys_of};
use octo_run::recipe::source::checkpoint_step;
use octo_run::recipe::stage::{Stage, StageTable};
use octo_run::recipe::values::{Named, Texts};
use octo_run::{PlannedRun, nearest};
use octo_train::midtrain::{Initial, MidtrainConfig, MidtrainInputs, OptimizerStart};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::controlled;
use super::known_model::KnownModel;
use crate::ranks::{TrainingRanks, in_words_of_a_run};

/// A stage of this kind.
pub struct Midtrain {
    /// `None` where the model comes from the input `initial`.
    pub(super) architecture: Option<Architecture>,
    /// Data source → the slots of its files.
    sources: Vec<(String, Vec<String>)>,
    /// Slots of the documents to measure the loss on.
    held_out: Vec<String>,
    config: MidtrainConfig,
}

/// The inputs and plugins of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wiring {
    /// Model to start from: `@STAGE/model`, a checkpoint `@STAGE:STEPS`, or a path. Not with `architecture`.
    initial: Option<String>,
    /// Shape of a model to start from scratch. Not with `initial`.
    architecture: Option<Architecture>,
    /// Folder of the tokenizer of a model that starts from scratch.
    tokenizer: Option<String>,
    /// Data by the name of its source, which mixture plugins weigh: a file or folder of token shards, or a list of them.
    sources: Named<Texts>,
    /// Files of documents to measure the loss on.
    #[serde(default)]
    held_out: Texts,
    /// Role of the mixture plugin that weighs the sources.
    mixture: String,
}

/// The shape of a model trained from scratch, by the names of a checkpoint's `config.json`. The vocabulary's size
/// comes from the tokenizer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layers.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads of a block.
    pub num_attention_heads: usize,
    /// Key and value heads of a block; as many as query heads where it is not given.
    pub num_key_value_heads: Option<usize>,
    /// Positions that the model can be asked for.
    #[serde(default = "default_positions")]
    pub max_position_embeddings: usize,
    /// Base of the rotary embedding.
    #[serde(default = "default_theta")]
    pub rope_theta: f64,
    /// What is added to the mean square in norms.
    #[serde(default = "default_epsilon")]
    pub rms_norm_eps: f64,
    /// Deviation of the initial weights. 0.02 suits widths of a thousand and more; a narrow model learns to copy only from
    /// about 1 / sqrt(width).
    #[serde(default = "default_range")]
    pub initializer_range: f64,
    /// Whether the output layer has the weights of the embedding.
    #[serde(default = "default_tie")]
    pub tie_word_embeddings: bool,
}

fn default_positions() -> usize {
    2048
}
fn default_theta() -> f64 {
    10_000.0
}
fn default_epsilon() -> f64 {
    1e-5
}
fn default_range() -> f64 {
    0.02
}
fn default_tie() -> bool {
    true
}

impl Architecture {
    /// The configuration of such a model with `vocab_size` tokens, but for the tokens that end a text.
    pub fn model_config(&self, vocab_size: usize) -> ModelConfig {
        ModelConfig {
            vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            num_key_value_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            rms_norm_eps: self.rms_norm_eps,
            initializer_range: self.initializer_range,
            rope_theta: self.rope_theta,
            max_position_embeddings: self.max_position_embeddings,
            tie_word_embeddings: self.tie_word_embeddings,
            ..ModelConfig::default()
        }
    }
}

impl Midtrain {
    fn inputs(&self, context: &StageContext<'_>) -> Result<MidtrainInputs> {
        let (initial, tokenizer) = match &self.architecture {
            Some(architecture) => {
                let folder = context.path("tokenizer")?;
                // The vocabulary and the tokens that end a text are the tokenizer's; training fills them in.
                (Initial::Random(architecture.model_config(0)), folder)
            }
            None => {
                let folder = context.path("initial")?;
                (Initial::Folder(folder.clone()), folder)
            }
        };
        let mut sources = Vec::new();
        for (name, slots) in &self.sources {
            let paths = slots.iter().map(|slot| context.path(slot)).collect::<Result<Vec<_>>>()?;
            sources.push((name.clone(), paths));
        }
        let held_out = self.held_out.iter().map(|slot| context.path(slot)).collect::<Result<Vec<_>>>()?;
        let mixture = context.plugin_in("mixture")?.into_mixture()?;
        let ranks = context.world::<TrainingRanks>()?.0.clone();
        Ok(MidtrainInputs { initial, tokenizer, sources, held_out, mixture, ranks })
    }

    fn train(&self, context: &StageContext<'_>, inputs: MidtrainInputs, out: &Path) -> Result<Ended> {
        let seed = context.stage.seed;
        controlled(context, |control| {
            octo_train::midtrain::midtrain(&self.config, inputs, out, seed, control).map_err(in_words_of_a_run)
        })
    }
}

impl StageKind for Midtrain {
    fn name() -> &'static str {
        MidtrainRecord::KIND
    }

    fn about() -> &'static str {
        "Trains a language model on a mixture of sources, from another model or from scratch."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Wiring>(), keys_of::<MidtrainConfig>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Midtrain> {
        let wiring: Wiring = table.part()?;
        match (&wiring.architecture, &wiring.initial) {
            (None, Some(initial)) => table.input("initial", initial)?,
            (Some(_), None) => match &wiring.tokenizer {
                Some(tokenizer) => table.input("tokenizer", tokenizer)?,
                None => bail!("{}: the key `tokenizer` is missing", table.place("")),
            },
            (None, None) => bail!(
                "{}: needs `initial = \"@STAGE/model\"`, or `architecture` and `tokenizer` to start from scratch",
                table.place("")
            ),
            (Some(_), Some(_)) => bail!(
                "{}: has both `initial` and `architecture`; a model is either trained further or started",
                table.place("initial")
            ),
        }
        if wiring.initial.is_some() && wiring.tokenizer.is_some() {
            bail!("{}: `initial` brings its own tokenizer; leave this key out", table.place("tokenizer"));
        }
        let mut sources = Vec::new();
        for (name, paths) in wiring.sources.0 {
            let slots = table.inputs(&format!("sources.{name}"), &paths)?;
            sources.push((name, slots));
        }
        let held_out = match wiring.held_out.0.is_empty() {
            true => Vec::new(),
            false => table.inputs("held_out", &wiring.held_out)?,
        };
        table.role("mixture", &wiring.mixture)?;
        let config: MidtrainConfig = table.rest()?;
        config.check().map_err(|error| anyhow!("{}: {error}", table.place("")))?;
        if let Some(architecture) = &wiring.architecture {
            // The vocabulary is the tokenizer's.
            let shape = architecture.model_config(1).validate();
            shape.map_err(|error| anyhow!("{}: {error}", table.place("architecture")))?;
            if config.optimizer == OptimizerStart::Keep {
                bail!("{}: `keep` needs a model to start from (`initial`)", table.place("optimizer"));
            }
        }
        for name in config.max_epochs.keys() {
            if !sources.iter().any(|(source, _)| source == name) {
                let known = sources.iter().map(|(source, _)| source.clone());
                let place = table.place(&format!("max_epochs.{name}"));
                bail!("{place}: there is no source {name:?}{}", nearest(name, known));
            }
        }
        Ok(Midtrain { architecture: wiring.architecture, sources, held_out, config })
    }

    fn content(&self) -> Value {
        let names: Vec<&String> = self.sources.iter().map(|(name, _)| name).collect();
        json!({ "architecture": self.architecture, "sources": names, "loop": self.config })
    }

    fn threads(&self) -> usize {
        self.config.threads
    }

    fn device(&self, world: usize) -> Option<Device> {
        Some(super::device(&self.config.device, world))
    }

    fn has_curves(&self) -> bool {
        true
    }

    fn resumes(&self) -> bool {
        true
    }

    fn will_have(&self, stage: &str, path: &str) -> Result<(), String> {
        let Some(step) = checkpoint_step(path).filter(|step| !self.config.keeps(*step)) else { return Ok(()) };
        let last = self.config.steps();
        let why = match step {
            0 => "there is none before the first step".to_owned(),
            step if step == last => format!("that is its last step: write @{stage}/model"),
            step if step > last => format!("it has {last} steps"),
            step => {
                format!("it keeps none of step {step} for good: set `keep_every` there to {step}, or a divisor of it")
            }
        };
        Err(format!("checkpoint of step {step}, but {why}"))
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let model = KnownModel::of(run, stage);
        let mut faults = super::device_faults(&self.config.device);
        faults.extend(model.faults);
        if let Some(positions) = model.shape.map(|shape| shape.max_position_embeddings)
            && self.config.context > positions
        {
            let context = self.config.context;
            let message = format!(
                "{context} tokens of a sequence are more than the model's {positions} positions (`max_position_embeddings`)"
            );
            faults.push(Fault::new("context", message));
        }
        let row = |path: &Path| first_row(path, &FieldMap::default());
        faults.extend(run.check_documents(stage, "sources.", &row, false));
        faults.extend(run.check_documents(stage, "held_out.", &row, false));
        faults
    }

    fn forecast(run: &PlannedRun, stages: &[&Stage]) -> Option<String> {
        Some(forecast::text(run, stages))
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = self.inputs(context)?;
        context.call_others()?;
        self.train(context, inputs, out)
    }

    fn follow(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        self.train(context, self.inputs(context)?, out)
    }
}
