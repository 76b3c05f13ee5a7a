//! The shape of a Llama model, as `config.json` of Hugging Face has it.

use serde::{Deserialize, Serialize};

use crate::ModelError;

/// Shape and constants of a Llama model. Field names are those of Hugging Face's `config.json`.
///
/// Reads both spellings of the rotary settings (`rope_theta` + `rope_scaling` of `transformers` 4, `rope_parameters`
/// of 5) and writes the older one, which both versions load. Unknown keys are ignored, as in every HF loader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ConfigFile", into = "ConfigFile")]
pub struct LlamaConfig {
    /// Rows of the token embedding. 0 stands for "not known yet" and is refused by [`LlamaConfig::validate`].
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
}

/// Frequency stretching of Llama 3.1 and later (`rope_type` "llama3").
///
/// Source: `_compute_llama3_parameters` in `transformers`' `modeling_rope_utils.py`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Llama3Scaling {
    /// Long wavelengths are stretched by this.
    pub factor: f64,
    /// Wavelengths above `original_max_position_embeddings / low_freq_factor` are stretched in full.
    pub low_freq_factor: f64,
    /// Wavelengths below `original_max_position_embeddings / high_freq_factor` are left alone.
    pub high_freq_factor: f64,
    /// Context length of the model before stretching.
    pub original_max_position_embeddings: usize,
}

/// Upper bounds that no Llama comes near. They keep a hostile `config.json` from making size arithmetic overflow.
const LARGEST_WIDTH: usize = 1 << 20;
const MOST_LAYERS: usize = 1 << 12;
const LARGEST_VOCABULARY: usize = 1 << 24;
const LARGEST_CONTEXT: usize = 1 << 24;

impl LlamaConfig {
    /// Width of one head.
    pub fn head_size(&self) -> usize {
        self.head_dim.unwrap_or_else(|| self.hidden_size / self.num_attention_heads.max(1))
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

    /// Every parameter's HF name and shape, in the order of [`crate::Llama::parameters`]: embedding, the blocks from
    /// first to last, final norm, and the output projection unless it is tied.
    pub fn parameter_shapes(&self) -> Vec<(String, Vec<i64>)> {
        let [vocabulary, hidden, inner] =
            [self.vocab_size, self.hidden_size, self.intermediate_size].map(|size| size as i64);
        let query = (self.num_attention_heads * self.head_size()) as i64;
        let key = (self.num_key_value_heads * self.head_size()) as i64;
        let mut shapes = vec![("model.embed_tokens.weight".to_owned(), vec![vocabulary, hidden])];
        for layer in 0..self.num_hidden_layers {
            for (name, shape) in [
                ("input_layernorm", vec![hidden]),
                ("self_attn.q_proj", vec![query, hidden]),
                ("self_attn.k_proj", vec![key, hidden]),
                ("self_attn.v_proj", vec![key, hidden]),
                ("self_attn.o_proj", vec![hidden, query]),
                ("post_attention_layernorm", vec![hidden]),
                ("mlp.gate_proj", vec![inner, hidden]),
                ("mlp.up_proj", vec![inner, hidden]),
                ("mlp.down_proj", vec![hidden, inner]),
            ] {
                shapes.push((format!("model.layers.{layer}.{name}.weight"), shape));
            }
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

    /// Floating-point operations of one forward pass for one token that attends to `context` tokens, itself included
    /// (a multiplication and an addition count as two). Norms and element-wise work are left out. A training step is
    /// three times this, and the mean `context` of causal training on windows of `t` tokens is `(t + 1) / 2`.
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

/// `config.json` as it lies on disk, in either spelling.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ConfigFile {
    #[serde(default = "architectures")]
    architectures: Vec<String>,
    #[serde(default = "model_type")]
    model_type: String,
    #[serde(default = "hidden_act")]
    hidden_act: String,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    num_key_value_heads: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head_dim: Option<usize>,
    #[serde(default = "rms_norm_eps")]
    rms_norm_eps: f64,
    #[serde(default = "initializer_range")]
    initializer_range: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_theta: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_scaling: Option<RotarySettings>,
    #[serde(default, skip_serializing)]
    rope_parameters: Option<RotarySettings>,
    #[serde(default = "max_position_embeddings")]
    max_position_embeddings: usize,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bos_token_id: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    eos_token_id: Option<EndTokens>,
    #[serde(default = "dtype")]
    dtype: String,
}

/// `rope_scaling` or `rope_parameters`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RotarySettings {
    #[serde(default, alias = "type")]
    rope_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_theta: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low_freq_factor: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high_freq_factor: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original_max_position_embeddings: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partial_rotary_factor: Option<f64>,
}

/// HF writes one end token as a number and several as a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum EndTokens {
    One(u32),
    Many(Vec<u32>),
}

impl From<EndTokens> for Vec<u32> {
    fn from(tokens: EndTokens) -> Self {
        match tokens {
            EndTokens::One(token) => vec![token],
            EndTokens::Many(tokens) => tokens,
        }
    }
}

impl EndTokens {
    /// The spelling HF would choose; none for no token.
    pub(crate) fn from_tokens(tokens: &[u32]) -> Option<Self> {
        match tokens {
            [] => None,
            [token] => Some(Self::One(*token)),
            several => Some(Self::Many(several.to_vec())),
        }
    }
}

// Defaults of `transformers`' LlamaConfig.
fn architectures() -> Vec<String> {
    vec!["LlamaForCausalLM".to_owned()]
}
fn model_type() -> String {
    "llama".to_owned()
}
fn hidden_act() -> String {
    "silu".to_owned()
}
fn dtype() -> String {
    "float32".to_owned()
}
fn rms_norm_eps() -> f64 {
    1e-6
}
fn max_position_embeddings() -> usize {
    2048
}
fn initializer_range() -> f64 {
    0.02
}
const DEFAULT_ROPE_THETA: f64 = 10_000.0;

impl TryFrom<ConfigFile> for LlamaConfig {
    type Error = String;

    fn try_from(file: ConfigFile) -> Result<Self, String> {
        if file.model_type != "llama" {
            return Err(format!("`model_type` is \"{}\"; only \"llama\" is known here", file.model_type));
        }
        if file.hidden_act != "silu" {
            return Err(format!("`hidden_act` is \"{}\"; only \"silu\" is known here", file.hidden_act));
        }
        if file.attention_bias || file.mlp_bias {
            return Err("`attention_bias` and `mlp_bias` must be false: biases are not supported".to_owned());
        }
        let rotary = file.rope_parameters.as_ref().or(file.rope_scaling.as_ref());
        let rope_theta = rotary.and_then(|rotary| rotary.rope_theta).or(file.rope_theta).unwrap_or(DEFAULT_ROPE_THETA);
        if let Some(share) = rotary.and_then(|rotary| rotary.partial_rotary_factor).filter(|&share| share != 1.0) {
            return Err(format!("`partial_rotary_factor` is {share}; only 1 is supported"));
        }
        let rope_scaling = match rotary.and_then(|rotary| Some((rotary, rotary.rope_type.as_deref()?))) {
            None | Some((_, "default")) => None,
            Some((rotary, "llama3")) => {
                let need = |key: &str, value: Option<f64>| {
                    value.ok_or_else(|| format!("the rotary settings are of type \"llama3\" and lack `{key}`"))
                };
                Some(Llama3Scaling {
                    factor: need("factor", rotary.factor)?,
                    low_freq_factor: need("low_freq_factor", rotary.low_freq_factor)?,
                    high_freq_factor: need("high_freq_factor", rotary.high_freq_factor)?,
                    original_max_position_embeddings: rotary
                        .original_max_position_embeddings
                        .unwrap_or(file.max_position_embeddings),
                })
            }
            Some((_, other)) => {
                return Err(format!(
                    "rotary settings of type \"{other}\"; only \"default\" and \"llama3\" are known here"
                ));
            }
        };
        Ok(Self {
            vocab_size: file.vocab_size,
            hidden_size: file.hidden_size,
            intermediate_size: file.intermediate_size,
            num_hidden_layers: file.num_hidden_layers,
            num_attention_heads: file.num_attention_heads,
            num_key_value_heads: file.num_key_value_heads.unwrap_or(file.num_attention_heads),
            head_dim: file.head_dim,
            rms_norm_eps: file.rms_norm_eps,
            initializer_range: file.initializer_range,
            rope_theta,
            rope_scaling,
            max_position_embeddings: file.max_position_embeddings,
            tie_word_embeddings: file.tie_word_embeddings,
            bos_token_id: file.bos_token_id,
            eos_token_id: file.eos_token_id.map(Vec::from).unwrap_or_default(),
        })
    }
}

impl From<LlamaConfig> for ConfigFile {
    fn from(config: LlamaConfig) -> Self {
        Self {
            architectures: architectures(),
            model_type: model_type(),
            hidden_act: hidden_act(),
            attention_bias: false,
            mlp_bias: false,
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            intermediate_size: config.intermediate_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            num_key_value_heads: Some(config.num_key_value_heads),
            head_dim: config.head_dim,
            rms_norm_eps: config.rms_norm_eps,
            initializer_range: config.initializer_range,
            rope_theta: Some(config.rope_theta),
            rope_scaling: config.rope_scaling.map(|scaling| RotarySettings {
                rope_type: Some("llama3".to_owned()),
                rope_theta: None,
                factor: Some(scaling.factor),
                low_freq_factor: Some(scaling.low_freq_factor),
                high_freq_factor: Some(scaling.high_freq_factor),
                original_max_position_embeddings: Some(scaling.original_max_position_embeddings),
                partial_rotary_factor: None,
            }),
            rope_parameters: None,
            max_position_embeddings: config.max_position_embeddings,
            tie_word_embeddings: config.tie_word_embeddings,
            bos_token_id: config.bos_token_id,
            eos_token_id: EndTokens::from_tokens(&config.eos_token_id),
            dtype: dtype(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<LlamaConfig, serde_json::Error> {
        serde_json::from_str(text)
    }

    const SHAPE: &str = r#""hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 100"#;

    #[test]
    fn both_spellings_of_the_rotary_settings_read_alike() {
        let old = parse(&format!(
            r#"{{{SHAPE}, "rope_theta": 500000.0, "rope_scaling": {{"rope_type": "llama3", "factor": 32.0,
            "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}}}"#
        ))
        .unwrap();
        let new = parse(&format!(
            r#"{{{SHAPE}, "rope_parameters": {{"rope_theta": 500000.0, "rope_type": "llama3", "factor": 32.0,
            "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}}}"#
        ))
        .unwrap();
        assert_eq!(old, new);
        assert_eq!(old.rope_theta, 500_000.0);
        assert_eq!(old.rope_scaling.unwrap().factor, 32.0);
        assert_eq!(parse(&serde_json::to_string(&old).unwrap()).unwrap(), old);
    }

    #[test]
    fn one_end_token_or_a_list_of_them() {
        let one = parse(&format!(r#"{{{SHAPE}, "eos_token_id": 2}}"#)).unwrap();
        let many = parse(&format!(r#"{{{SHAPE}, "eos_token_id": [2, 7]}}"#)).unwrap();
        assert_eq!((one.eos_token_id, many.eos_token_id), (vec![2], vec![2, 7]));
    }

    #[test]
    fn what_the_forward_pass_does_not_do_is_refused_by_name() {
        for (extra, word) in [
            (r#""model_type": "qwen3""#, "qwen3"),
            (r#""attention_bias": true"#, "attention_bias"),
            (r#""hidden_act": "gelu""#, "gelu"),
            (r#""rope_scaling": {"type": "yarn", "factor": 2.0}"#, "yarn"),
            (r#""rope_scaling": {"type": "llama3", "factor": 2.0}"#, "low_freq_factor"),
        ] {
            let error = parse(&format!("{{{SHAPE}, {extra}}}")).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn impossible_shapes_are_refused_before_any_arithmetic_with_them() {
        let good = parse(&format!("{{{SHAPE}}}")).unwrap();
        good.validate().unwrap();
        for (broken, word) in [
            (LlamaConfig { vocab_size: 0, ..good.clone() }, "vocab_size"),
            (LlamaConfig { hidden_size: usize::MAX, ..good.clone() }, "hidden_size"),
            (LlamaConfig { num_attention_heads: 0, ..good.clone() }, "num_attention_heads"),
            (LlamaConfig { num_key_value_heads: 3, ..good.clone() }, "num_key_value_heads"),
            (LlamaConfig { hidden_size: 66, ..good.clone() }, "head_dim"),
            (LlamaConfig { head_dim: Some(7), ..good.clone() }, "even"),
            (LlamaConfig { rms_norm_eps: f64::NAN, ..good.clone() }, "rms_norm_eps"),
            (LlamaConfig { initializer_range: 0.0, ..good.clone() }, "initializer_range"),
        ] {
            let error = broken.validate().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
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
