//! Qwen3, dense.
//!
//! A Llama whose queries and keys are normed head by head before they are rotated, and whose heads have a width of
//! their own. Source: `modeling_qwen3.py` of `transformers`. Layers with a sliding window are refused.

use tch::Tensor;

use crate::attention::Attention;
use crate::block::Block;
use crate::config_file::ConfigFile;
use crate::feed_forward::SwiGlu;
use crate::linear::Linear;
use crate::norm::RmsNorm;
use crate::parameters::{Shapes, Weights};
use crate::{Family, ModelConfig, ModelError};

pub(crate) fn config(file: &ConfigFile) -> Result<ModelConfig, String> {
    file.refuse_sliding_windows(28)?;
    Ok(ModelConfig {
        num_key_value_heads: file.num_key_value_heads.unwrap_or(32),
        head_dim: Some(file.head_dim.unwrap_or(128)),
        attention_bias: file.attention_bias.unwrap_or(false),
        max_position_embeddings: file.max_position_embeddings.unwrap_or(32_768),
        ..file.common(Family::Qwen3)?
    })
}

pub(crate) fn shapes(config: &ModelConfig, shapes: &mut Shapes) {
    let Shapes { hidden, inner, head, query, key, .. } = *shapes;
    let bias = config.attention_bias;
    shapes.norm("input_layernorm", hidden);
    shapes.linear("self_attn.q_proj", query, hidden, bias);
    shapes.linear("self_attn.k_proj", key, hidden, bias);
    shapes.linear("self_attn.v_proj", key, hidden, bias);
    shapes.linear("self_attn.o_proj", hidden, query, bias);
    shapes.norm("self_attn.q_norm", head);
    shapes.norm("self_attn.k_norm", head);
    shapes.norm("post_attention_layernorm", hidden);
    shapes.linear("mlp.gate_proj", inner, hidden, false);
    shapes.linear("mlp.up_proj", inner, hidden, false);
    shapes.linear("mlp.down_proj", hidden, inner, false);
}

#[derive(Debug)]
pub(crate) struct Qwen3Block {
    input_layernorm: RmsNorm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    q_norm: RmsNorm,
    k_norm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    mlp: SwiGlu,
    head_dim: i64,
}

impl Qwen3Block {
    pub(crate) fn load(weights: &Weights<'_>) -> Result<Self, ModelError> {
        let linear = |name: &str| Linear::load(&weights.under("self_attn").under(name));
        Ok(Self {
            input_layernorm: RmsNorm::load(&weights.under("input_layernorm"))?,
            q_proj: linear("q_proj")?,
            k_proj: linear("k_proj")?,
            v_proj: linear("v_proj")?,
            o_proj: linear("o_proj")?,
            q_norm: RmsNorm::load(&weights.under("self_attn.q_norm"))?,
            k_norm: RmsNorm::load(&weights.under("self_attn.k_norm"))?,
            post_attention_layernorm: RmsNorm::load(&weights.under("post_attention_layernorm"))?,
            mlp: SwiGlu::load(&weights.under("mlp"))?,
            head_dim: weights.config.head_size() as i64,
        })
    }
}

impl Block for Qwen3Block {
    fn forward(&self, states: &Tensor, layer: usize, attention: &Attention<'_>) -> Tensor {
        let normed = self.input_layernorm.forward(states);
        let query = self.q_norm.forward(&self.q_proj.heads(&normed, self.head_dim));
        let key = self.k_norm.forward(&self.k_proj.heads(&normed, self.head_dim));
        let value = self.v_proj.heads(&normed, self.head_dim);
        let middle = states + self.o_proj.forward(&attention.forward(layer, &query, &key, &value));
        self.mlp.forward(&self.post_attention_layernorm.forward(&middle)) + middle
    }
}
