//! Settings of an eval stage.
//!
//! A field's comment is what the reference of all keys shows a user, so each stands alone.

use octo_data::prompt::PromptSettings;
use octo_model::Precision;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::generation::settings::{check_generation, generation_batch, generation_cache_gib, max_prompt_tokens};
use crate::stage::defaults::{cpu, threads};

/// Settings of an eval stage, with the recipe's keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvalConfig {
    /// How problems are asked: a text with `{problem}` in it, or a table that names a template.
    #[schemars(with = "serde_json::Value")]
    pub prompt: PromptSettings,
    /// Longest response, in tokens.
    pub max_response_tokens: usize,
    /// Longest prompt, in tokens; problems with a longer one are left out and counted.
    #[serde(default = "max_prompt_tokens")]
    pub max_prompt_tokens: usize,
    /// Temperature of sampling; 0 always takes the likeliest token.
    #[serde(default)]
    pub temperature: f64,
    /// Share of probability that sampling is from: the likeliest tokens that together have it. 1 samples from all.
    #[serde(default = "one")]
    pub top_p: f64,
    /// Texts that end a response.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Attempts at each problem; with more than one, pass@k is reported too.
    #[serde(default = "attempts")]
    pub attempts: usize,
    /// Count of likeliest tokens that sampling is from; 0 samples from all.
    #[serde(default)]
    pub top_k: usize,
    /// Least probability of a token that is sampled, as a share of the likeliest token's; 0 samples from all.
    #[serde(default)]
    pub min_p: f64,
    /// Responses under way at one time; one that ends gives its place to the next.
    #[serde(default = "generation_batch")]
    pub generation_batch: usize,
    /// Memory for keys and values, in GiB; where it is short, fewer responses are under way.
    #[serde(default = "generation_cache_gib")]
    pub generation_cache_gib: f64,
    /// Number format of the passes: `float32` or `bfloat16`.
    #[serde(default)]
    pub compute: Precision,
    /// Threads of libtorch in this stage.
    #[serde(default = "threads")]
    pub threads: usize,
    /// Whether a GPU may round the factors of fp32 products to TF32, which is about eight times as fast there; nothing
    /// changes on a CPU.
    #[serde(default)]
    pub allow_tf32: bool,
    /// Whether a GPU takes only kernels that give the same bits each time, at some cost in speed; an operation without
    /// such a kernel ends the stage with its name. A CPU always gives the same bits.
    #[serde(default)]
    pub deterministic: bool,
    /// Device of this stage: `cpu`, `cuda` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
}

fn one() -> f64 {
    1.0
}
fn attempts() -> usize {
    1
}

impl EvalConfig {
    /// Refuses settings that cannot work, naming the key.
    pub fn check(&self) -> Result<(), TrainError> {
        if self.attempts == 0 {
            return Err(TrainError::config("attempts", "must be at least 1"));
        }
        if self.attempts > 1 && self.temperature == 0.0 {
            return Err(TrainError::config("attempts", "greedy attempts are all the same; set `temperature` above 0"));
        }
        check_generation(self.generation_batch, self.generation_cache_gib, self.min_p, self.compute)
    }
}
