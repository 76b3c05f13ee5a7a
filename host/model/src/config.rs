//! The shape of a model: what the rest of this crate needs to know of any family.

use octo_data::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ModelError;
use crate::config_file::ConfigFile;
use crate::family::Family;
use crate::rotary::Llama3Scaling;

/// Shape and constants of a model. Field names are those of Hugging Face's `config.json`.
///
/// Reads both spellings of the rotary settings (`rope_theta` + `rope_scaling` of `transformers` 4, `rope_parameters`
/// of 5) and writes the older one, which both versions load. Unknown keys mean nothing here, as in every HF loader, and
/// are written again as they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ConfigFile", into = "ConfigFile")]
pub struct ModelConfig {
    /// Which architecture it is.
    pub family: Family,
    /// Rows of the token embedding. 0 stands for "not known yet" and is refused by [`ModelConfig::validate`].
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the gated feed-forward layer.
    pub intermediate_size: usize,
    /// Count of blocks.
    pub num_hidden_layers: usize,
    /// Count of query heads.
    pub num_attention_heads: usize,
    /// Count of key and value heads; divides `num_attention_heads`.
    pub num_key_value_heads: usize,
    /// Width of one head; `hidden_size / num_attention_heads` when absent.
    pub head_dim: Option<usize>,
    /// Whether the four projections of attention have biases (Llama, Qwen3). Qwen2 has them on queries, keys and
    /// values always and on the output never, and does not ask.
    pub attention_bias: bool,
    /// Whether the three projections of the feed-forward layer have biases (Llama only).
    pub mlp_bias: bool,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f64,
    /// Standard deviation of the matrices of a model that starts from random weights; nothing else uses it.
    pub initializer_range: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Llama 3's stretching of the rotary frequencies, if any.
    pub rope_scaling: Option<Llama3Scaling>,
    /// Longest sequence, in tokens, that the model is made for.
    pub max_position_embeddings: usize,
    /// Whether the output projection is the token embedding.
    pub tie_word_embeddings: bool,
    /// Token that begins a sequence, if the tokenizer has one.
    pub bos_token_id: Option<u32>,
    /// Tokens that end a sequence.
    pub eos_token_id: Vec<u32>,
    /// Keys of `config.json` that nothing here follows. `torch_dtype` is among them without its value, which is that of
    /// the weights that are written.
    pub others: Map<String, Value>,
    /// Keys of `generation_config.json` that nothing here follows.
    pub generation: Map<String, Value>,
}

/// Upper bounds that no model comes near. They keep a hostile `config.json` from making size arithmetic overflow.
const LARGEST_WIDTH: usize = 1 << 20;
const MOST_LAYERS: usize = 1 << 12;
const LARGEST_VOCABULARY: usize = 1 << 24;
const LARGEST_CONTEXT: usize = 1 << 24;

impl ModelConfig {
    /// Width of one head.
    pub fn head_size(&self) -> usize {
        self.head_dim.unwrap_or_else(|| self.hidden_size / self.num_attention_heads.max(1))
    }

    /// Refuses a tokenizer with ids that the embedding has no row for.
    ///
    /// # Errors
    /// [`ModelError::Config`] with both sizes.
    pub fn check_tokenizer(&self, tokenizer: &Tokenizer) -> Result<(), ModelError> {
        match (self.vocab_size, tokenizer.vocabulary_size()) {
            (rows, tokens) if rows < tokens => Err(ModelError::Config(format!(
                "`vocab_size` is {rows}, too small for the tokenizer, whose largest token id is {}",
                tokens - 1
            ))),
            _ => Ok(()),
        }
    }

    /// Checks that the numbers describe a model.
    ///
    /// # Errors
    /// [`ModelError::Config`] naming the key, its value and what is allowed.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (key, value, most) in [
            ("vocab_size", self.vocab_size, LARGEST_VOCABULARY),
            ("hidden_size", self.hidden_size, LARGEST_WIDTH),
            ("intermediate_size", self.intermediate_size, LARGEST_WIDTH),
            ("num_hidden_layers", self.num_hidden_layers, MOST_LAYERS),
            ("num_attention_heads", self.num_attention_heads, LARGEST_WIDTH),
            ("num_key_value_heads", self.num_key_value_heads, LARGEST_WIDTH),
            ("head_dim", self.head_size(), LARGEST_WIDTH),
            ("max_position_embeddings", self.max_position_embeddings, LARGEST_CONTEXT),
        ] {
            if value == 0 || value > most {
                return Err(ModelError::Config(format!("`{key}` is {value}; it must be 1 to {most}")));
            }
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return Err(ModelError::Config(format!(
                "`num_key_value_heads` is {}; it must divide `num_attention_heads`, {}",
                self.num_key_value_heads, self.num_attention_heads
            )));
        }
        if self.head_dim.is_none() && !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err(ModelError::Config(format!(
                "`hidden_size`, {}, is not a multiple of `num_attention_heads`, {}, and `head_dim` is not given",
                self.hidden_size, self.num_attention_heads
            )));
        }
        if !self.head_size().is_multiple_of(2) {
            return Err(ModelError::Config(format!(
                "the width of a head is {}; rotary positions need an even one",
                self.head_size()
            )));
        }
        let positive = [
            ("rms_norm_eps", self.rms_norm_eps),
            ("initializer_range", self.initializer_range),
            ("rope_theta", self.rope_theta),
        ];
        for (key, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return Err(ModelError::Config(format!("`{key}` is {value}; it must be above 0")));
            }
        }
        if let Some(scaling) = &self.rope_scaling {
            let ordered = scaling.high_freq_factor > scaling.low_freq_factor && scaling.low_freq_factor > 0.0;
            let finite = scaling.factor.is_finite() && scaling.high_freq_factor.is_finite();
            if !(finite && ordered && scaling.factor > 0.0 && scaling.original_max_position_embeddings > 0) {
                return Err(ModelError::Config(format!(
                    "`rope_scaling` needs factor > 0, 0 < low_freq_factor < high_freq_factor and \
                     original_max_position_embeddings > 0; found {scaling:?}"
                )));
            }
        }
        Ok(())
    }

    /// Every parameter's HF name and shape, in the order of [`crate::Model::parameters`]: embedding, the blocks from
    /// first to last, final norm, and the output projection unless it is tied.
    pub fn parameter_shapes(&self) -> Vec<(String, Vec<i64>)> {
        let [vocabulary, hidden] = [self.vocab_size, self.hidden_size].map(|size| size as i64);
        let mut shapes = vec![("model.embed_tokens.weight".to_owned(), vec![vocabulary, hidden])];
        let block = self.family.block_shapes(self);
        for layer in 0..self.num_hidden_layers {
            shapes.extend(block.iter().map(|(name, shape)| (format!("model.layers.{layer}.{name}"), shape.clone())));
        }
        shapes.push(("model.norm.weight".to_owned(), vec![hidden]));
        if !self.tie_word_embeddings {
            shapes.push(("lm_head.weight".to_owned(), vec![vocabulary, hidden]));
        }
        shapes
    }

    /// Count of trained numbers; a tied embedding counts once.
    pub fn parameter_count(&self) -> u64 {
        self.parameter_shapes().iter().map(|(_, shape)| shape.iter().map(|&size| size as u64).product::<u64>()).sum()
    }

    /// Floating-point operations of one forward pass for one token that attends to `context` tokens, itself included (a
    /// multiplication and an addition count as two). Norms, biases and other element-wise work are left out. A training
    /// step is three times this, and the mean `context` of causal training on windows of `t` tokens is `(t + 1) / 2`.
    pub fn forward_flops(&self, context: usize) -> u64 {
        let [vocabulary, hidden, inner, layers] =
            [self.vocab_size, self.hidden_size, self.intermediate_size, self.num_hidden_layers].map(|n| n as u64);
        let query = (self.num_attention_heads * self.head_size()) as u64;
        let key = (self.num_key_value_heads * self.head_size()) as u64;
        let projections = hidden * (2 * query + 2 * key) + 3 * hidden * inner;
        let attention = 2 * query * context as u64;
        2 * (layers * (projections + attention) + vocabulary * hidden)
    }

    /// Floating-point operations that training spends on one token, on average over causal windows of `context`
    /// tokens: three times the forward pass (the backward pass computes two products where the forward pass computes
    /// one), with attention to `(context + 1) / 2` tokens, which is what a causal mask leaves on average.
    ///
    /// This is the numerator of model FLOPs utilisation (PaLM, appendix B). PaLM and torchtitan count attention to the
    /// whole window, twice as much; their figures for the same run are higher by `6 * layers * query width * context`
    /// per token. Recomputed blocks count once, as theirs do.
    pub fn training_flops_per_token(&self, context: usize) -> u64 {
        // The mean context is a whole or a half number; twice the mean is whole.
        let twice = self.forward_flops(0) * 2 + (self.forward_flops(1) - self.forward_flops(0)) * (context as u64 + 1);
        3 * twice / 2
    }
}

/// The defaults that `transformers` has for a Llama, without a shape: `validate` refuses it until the sizes are set.
impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            family: Family::Llama,
            vocab_size: 0,
            hidden_size: 0,
            intermediate_size: 0,
            num_hidden_layers: 0,
            num_attention_heads: 0,
            num_key_value_heads: 0,
            head_dim: None,
            attention_bias: false,
            mlp_bias: false,
            rms_norm_eps: 1e-6,
            initializer_range: 0.02,
            rope_theta: 10_000.0,
            rope_scaling: None,
            max_position_embeddings: 2048,
            tie_word_embeddings: false,
            bos_token_id: None,
            eos_token_id: Vec::new(),
            others: Map::new(),
            generation: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModelConfig, serde_json::Error> {
        serde_json::from_str(text)
    }

    const SHAPE: &str = r#""hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 100"#;

    #[test]
    fn impossible_shapes_are_refused_before_any_arithmetic_with_them() {
        let good = parse(&format!("{{{SHAPE}}}")).unwrap();
        good.validate().unwrap();
        for (broken, word) in [
            (ModelConfig { vocab_size: 0, ..good.clone() }, "vocab_size"),
            (ModelConfig { hidden_size: usize::MAX, ..good.clone() }, "hidden_size"),
            (ModelConfig { num_attention_heads: 0, ..good.clone() }, "num_attention_heads"),
            (ModelConfig { num_key_value_heads: 3, ..good.clone() }, "num_key_value_heads"),
            (ModelConfig { hidden_size: 66, ..good.clone() }, "head_dim"),
            (ModelConfig { head_dim: Some(7), ..good.clone() }, "even"),
            (ModelConfig { rms_norm_eps: f64::NAN, ..good.clone() }, "rms_norm_eps"),
            (ModelConfig { initializer_range: 0.0, ..good.clone() }, "initializer_range"),
        ] {
            let error = broken.validate().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn a_tokenizer_that_is_too_large_is_named_with_both_numbers() {
        let config = parse(&format!(r#"{{{SHAPE}, "max_position_embeddings": 64}}"#)).unwrap();
        let tokenizer = Tokenizer::train(["ab"], 258, &[]).unwrap();
        ModelConfig { vocab_size: 258, ..config.clone() }.check_tokenizer(&tokenizer).unwrap();
        assert_eq!(
            config.check_tokenizer(&tokenizer).unwrap_err().to_string(),
            "model configuration: `vocab_size` is 100, too small for the tokenizer, whose largest token id is 257"
        );
    }

    #[test]
    fn counts_match_a_model_counted_by_hand() {
        let config = parse(&format!(r#"{{{SHAPE}, "num_key_value_heads": 2, "tie_word_embeddings": true}}"#)).unwrap();
        // Block: norms 2*64, q and o 64*64 each, k and v 64*32 each, three of 64*128.
        let block = 128 + 2 * 4096 + 2 * 2048 + 3 * 8192;
        assert_eq!(config.parameter_count(), 6400 + 2 * block + 64);
        let projections = 2 * 4096 + 2 * 2048 + 3 * 8192;
        assert_eq!(config.forward_flops(10), 2 * (2 * (projections + 2 * 64 * 10) + 6400));
        // Six operations per weight that is multiplied with, and attention to 5.5 tokens on average.
        assert_eq!(config.training_flops_per_token(10), 6 * (2 * projections + 6400) + 6 * 2 * 2 * 64 * 11 / 2);
    }
}
