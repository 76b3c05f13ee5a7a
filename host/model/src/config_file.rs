//! `config.json` as it lies on disk, in the spelling of any version of `transformers`.
//!
//! Each family's file says which keys it follows; what is common to all is here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ModelConfig;
use crate::family::Family;
use crate::rotary::{Llama3Scaling, RotarySettings};

/// The keys that some family follows. An absent key, or null, has the default of its family.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConfigFile {
    #[serde(default)]
    pub(crate) architectures: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) model_type: Option<String>,
    #[serde(default = "hidden_act")]
    pub(crate) hidden_act: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attention_bias: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mlp_bias: Option<bool>,
    #[serde(default)]
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) num_key_value_heads: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) head_dim: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rms_norm_eps: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) initializer_range: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rope_theta: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rope_scaling: Option<RotarySettings>,
    #[serde(default, skip_serializing)]
    pub(crate) rope_parameters: Option<RotarySettings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_position_embeddings: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) use_sliding_window: Option<bool>,
    #[serde(default, skip_serializing)]
    pub(crate) sliding_window: Option<usize>,
    #[serde(default, skip_serializing)]
    pub(crate) max_window_layers: Option<usize>,
    #[serde(default, skip_serializing)]
    pub(crate) layer_types: Option<Vec<String>>,
    #[serde(default, skip_serializing)]
    pub(crate) partial_rotary_factor: Option<f64>,
    #[serde(default)]
    pub(crate) tie_word_embeddings: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bos_token_id: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) eos_token_id: Option<EndTokens>,
    /// That of the weights, and set whenever they are written; nothing reads it.
    #[serde(default)]
    pub(crate) dtype: Option<String>,
    /// Every other key.
    #[serde(flatten)]
    pub(crate) others: Map<String, Value>,
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
    /// The spelling that HF would choose; `None` without a token.
    pub(crate) fn from_tokens(tokens: &[u32]) -> Option<Self> {
        match tokens {
            [] => None,
            [token] => Some(Self::One(*token)),
            several => Some(Self::Many(several.to_vec())),
        }
    }
}

fn hidden_act() -> String {
    "silu".to_owned()
}

impl ConfigFile {
    /// What every family reads alike; a family sets the rest.
    pub(crate) fn common(&self, family: Family) -> Result<ModelConfig, String> {
        if self.hidden_act != "silu" {
            return Err(format!("`hidden_act` is \"{}\"; only \"silu\" is known here", self.hidden_act));
        }
        let defaults = ModelConfig::default();
        let max_position_embeddings = self.max_position_embeddings.unwrap_or(defaults.max_position_embeddings);
        let rotary = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref());
        let partial = [&self.rope_parameters, &self.rope_scaling].into_iter().flatten();
        let partial = partial.map(|rotary| rotary.partial_rotary_factor).chain([self.partial_rotary_factor]);
        if let Some(share) = partial.flatten().find(|&share| share != 1.0) {
            return Err(format!("`partial_rotary_factor` is {share}; only 1 is known here, rotation of whole heads"));
        }
        let rope_theta = rotary.and_then(|rotary| rotary.rope_theta).or(self.rope_theta);
        Ok(ModelConfig {
            family,
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            intermediate_size: self.intermediate_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            num_key_value_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim: self.head_dim,
            attention_bias: false,
            mlp_bias: false,
            rms_norm_eps: self.rms_norm_eps.unwrap_or(defaults.rms_norm_eps),
            initializer_range: self.initializer_range.unwrap_or(defaults.initializer_range),
            rope_theta: rope_theta.unwrap_or(defaults.rope_theta),
            rope_scaling: match rotary {
                Some(rotary) => rotary.scaling(max_position_embeddings)?,
                None => None,
            },
            max_position_embeddings,
            tie_word_embeddings: self.tie_word_embeddings.unwrap_or(defaults.tie_word_embeddings),
            bos_token_id: self.bos_token_id,
            eos_token_id: self.eos_token_id.clone().map(Vec::from).unwrap_or_default(),
            others: self.others(),
            generation: Map::new(),
        })
    }

    /// What a folder that is written again must not lose. Settings of windows, which no layer here has, are among it:
    /// they have been read only to see that they ask for none. The rotary settings are not: both spellings say the
    /// same.
    fn others(&self) -> Map<String, Value> {
        let mut others = self.others.clone();
        // Only that the key is there is kept: its value is that of the weights, and set whenever they are written.
        if let Some(dtype) = others.get_mut("torch_dtype") {
            *dtype = Value::Null;
        }
        let mut keep = |key: &str, value: Option<Value>| others.extend(value.map(|value| (key.to_owned(), value)));
        keep("partial_rotary_factor", self.partial_rotary_factor.map(Value::from));
        keep("sliding_window", self.sliding_window.map(Value::from));
        keep("max_window_layers", self.max_window_layers.map(Value::from));
        keep("layer_types", self.layer_types.clone().map(Value::from));
        others
    }

    /// Refuses a model of which some layer attends to a window only. `transformers` decides it in the same order: the
    /// list of layers if there is one, and else the layers from `max_window_layers` on.
    pub(crate) fn refuse_sliding_windows(&self, most_full_layers: usize) -> Result<(), String> {
        let slides = match &self.layer_types {
            Some(types) => types.iter().any(|kind| kind != "full_attention"),
            None => {
                self.use_sliding_window == Some(true)
                    && self.max_window_layers.unwrap_or(most_full_layers) < self.num_hidden_layers
            }
        };
        if slides {
            return Err(format!(
                "`use_sliding_window` or `layer_types` asks for attention to a sliding window (`sliding_window` {:?}) in \
                 some layers; only full attention is known here",
                self.sliding_window
            ));
        }
        Ok(())
    }
}

impl TryFrom<ConfigFile> for ModelConfig {
    type Error = String;

    fn try_from(file: ConfigFile) -> Result<Self, String> {
        Family::of(&file)?.config(&file)
    }
}

impl From<ModelConfig> for ConfigFile {
    fn from(config: ModelConfig) -> Self {
        // A key that a family does not have is left out.
        let (has_attention_bias, has_mlp_bias, has_windows) = match config.family {
            Family::Llama => (true, true, false),
            Family::Qwen2 => (false, false, true),
            Family::Qwen3 => (true, false, true),
        };
        Self {
            architectures: Some(vec![config.family.architecture().to_owned()]),
            model_type: Some(config.family.model_type().to_owned()),
            hidden_act: hidden_act(),
            attention_bias: has_attention_bias.then_some(config.attention_bias),
            mlp_bias: has_mlp_bias.then_some(config.mlp_bias),
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            intermediate_size: config.intermediate_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            num_key_value_heads: Some(config.num_key_value_heads),
            head_dim: config.head_dim,
            rms_norm_eps: Some(config.rms_norm_eps),
            initializer_range: Some(config.initializer_range),
            rope_theta: Some(config.rope_theta),
            rope_scaling: config.rope_scaling.map(|scaling: Llama3Scaling| scaling.into()),
            rope_parameters: None,
            partial_rotary_factor: None,
            max_position_embeddings: Some(config.max_position_embeddings),
            use_sliding_window: has_windows.then_some(false),
            sliding_window: None,
            max_window_layers: None,
            layer_types: None,
            tie_word_embeddings: Some(config.tie_word_embeddings),
            bos_token_id: config.bos_token_id,
            eos_token_id: EndTokens::from_tokens(&config.eos_token_id),
            dtype: Some("float32".to_owned()),
            others: config.others,
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
    fn both_spellings_of_the_rotary_settings_read_alike() {
        let settings = r#""factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192"#;
        let [first, second, third] = [
            format!(r#""rope_theta": 500000.0, "rope_scaling": {{"type": "llama3", {settings}}}"#),
            format!(
                r#""rope_theta": 500000.0, "rope_scaling": {{"rope_type": "llama3", "type": "llama3", {settings}}}"#
            ),
            format!(r#""rope_parameters": {{"rope_theta": 500000.0, "rope_type": "llama3", {settings}}}"#),
        ]
        .map(|rotary| parse(&format!("{{{SHAPE}, {rotary}}}")).unwrap());
        assert_eq!(first, second);
        assert_eq!(second, third);
        assert_eq!(first.rope_theta, 500_000.0);
        assert_eq!(first.rope_scaling.unwrap().factor, 32.0);
        assert_eq!(parse(&serde_json::to_string(&first).unwrap()).unwrap(), first);
    }

    #[test]
    fn null_is_as_good_as_absent() {
        let absent = parse(&format!("{{{SHAPE}}}")).unwrap();
        for key in [
            "dtype",
            "tie_word_embeddings",
            "partial_rotary_factor",
            "rope_theta",
            "rope_scaling",
            "rope_parameters",
            "num_key_value_heads",
            "head_dim",
            "attention_bias",
            "mlp_bias",
            "rms_norm_eps",
            "initializer_range",
            "max_position_embeddings",
            "bos_token_id",
            "eos_token_id",
            "architectures",
            "model_type",
        ] {
            assert_eq!(parse(&format!(r#"{{{SHAPE}, "{key}": null}}"#)).unwrap(), absent, "{key}");
        }
        let older = parse(&format!(r#"{{{SHAPE}, "torch_dtype": null}}"#)).unwrap();
        assert_eq!(older, ModelConfig { others: older.others.clone(), ..absent.clone() });
        assert_eq!((older.others.len(), older.others["torch_dtype"].clone()), (1, Value::Null));
        let whole = parse(&format!(r#"{{{SHAPE}, "partial_rotary_factor": 1.0}}"#)).unwrap();
        assert_eq!(whole.others["partial_rotary_factor"], 1.0, "what it says is kept when it is written again");
        assert_eq!(parse(&serde_json::to_string(&whole).unwrap()).unwrap(), whole);
    }

    #[test]
    fn one_end_token_or_a_list_of_them() {
        let one = parse(&format!(r#"{{{SHAPE}, "eos_token_id": 2}}"#)).unwrap();
        let many = parse(&format!(r#"{{{SHAPE}, "eos_token_id": [2, 7]}}"#)).unwrap();
        assert_eq!((one.eos_token_id, many.eos_token_id), (vec![2], vec![2, 7]));
    }

    #[test]
    fn each_family_is_found_by_its_type_or_its_class_and_reads_back_as_written() {
        for (keys, family) in [
            ("\"model_type\": \"llama\"", Family::Llama),
            (r#""architectures": ["LlamaForCausalLM"]"#, Family::Llama),
            (r#""architectures": ["Qwen2ForCausalLM"]"#, Family::Qwen2),
            (r#""model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "attention_bias": true"#, Family::Qwen3),
            (r#""model_type": "llama", "attention_bias": true, "mlp_bias": true"#, Family::Llama),
        ] {
            let config = parse(&format!("{{{SHAPE}, {keys}}}")).unwrap();
            assert_eq!(config.family, family);
            assert_eq!(config.attention_bias, keys.contains("attention_bias"));
            assert_eq!(parse(&serde_json::to_string(&config).unwrap()).unwrap(), config);
        }
    }

    #[test]
    fn families_have_the_defaults_of_transformers() {
        let heads = |kind: &str| {
            let config = parse(&format!(r#"{{{SHAPE}, "model_type": "{kind}"}}"#)).unwrap();
            (config.num_key_value_heads, config.head_size(), config.max_position_embeddings)
        };
        assert_eq!(heads("llama"), (4, 16, 2048));
        assert_eq!(heads("qwen2"), (32, 16, 32_768));
        assert_eq!(heads("qwen3"), (32, 128, 32_768));
    }

    #[test]
    fn windows_that_reach_no_layer_are_let_pass() {
        for extra in [
            r#""use_sliding_window": false, "sliding_window": 16"#,
            r#""use_sliding_window": true, "sliding_window": 16, "max_window_layers": 2"#,
            r#""layer_types": ["full_attention", "full_attention"]"#,
        ] {
            parse(&format!(r#"{{{SHAPE}, "model_type": "qwen2", {extra}}}"#)).unwrap();
        }
    }

    #[test]
    fn what_the_forward_pass_does_not_do_is_refused_by_name() {
        for (extra, words) in [
            (r#""model_type": "mistral""#, ["mistral", "\"llama\", \"qwen2\", \"qwen3\""]),
            (r#""architectures": ["GemmaForCausalLM"]"#, ["GemmaForCausalLM", "Qwen3ForCausalLM"]),
            (
                r#""model_type": "llama", "architectures": ["LlamaForTokenClassification"]"#,
                ["Token", "LlamaForCausalLM"],
            ),
            (r#""model_type": "qwen3", "mlp_bias": true"#, ["mlp_bias", "qwen3"]),
            (r#""hidden_act": "gelu""#, ["gelu", "silu"]),
            (r#""rope_scaling": {"type": "yarn", "factor": 2.0}"#, ["yarn", "llama3"]),
            (r#""rope_scaling": {"type": "linear", "factor": 2.0}"#, ["linear", "llama3"]),
            (r#""rope_scaling": {"rope_type": "dynamic", "factor": 2.0}"#, ["dynamic", "llama3"]),
            (r#""rope_scaling": {"factor": 2.0}"#, ["factor", "rope_type"]),
            (r#""rope_scaling": {"type": "llama3", "factor": 2.0}"#, ["llama3", "low_freq_factor"]),
            (r#""rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}"#, ["partial", "0.5"]),
            (r#""rope_parameters": {}, "rope_scaling": {"partial_rotary_factor": 0.5}"#, ["partial", "0.5"]),
            (r#""partial_rotary_factor": 0.25"#, ["`partial_rotary_factor` is 0.25", "whole heads"]),
            (r#""partial_rotary_factor": 0.25, "rope_parameters": {"rope_theta": 1e6}"#, ["partial", "0.25"]),
            (
                r#""model_type": "qwen2", "use_sliding_window": true, "sliding_window": 16, "max_window_layers": 1"#,
                ["use_sliding_window", "16"],
            ),
            (
                r#""model_type": "qwen3", "layer_types": ["full_attention", "sliding_attention"]"#,
                ["layer_types", "full attention"],
            ),
        ] {
            let error = parse(&format!("{{{SHAPE}, {extra}}}")).unwrap_err().to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
