//! Qwen2 and Qwen2.5, dense.
//!
//! A Llama whose queries, keys and values have biases. Source: `modeling_qwen2.py` of `transformers`. Layers with a
//! sliding window are refused; no released text model turns them on.

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
        max_position_embeddings: file.max_position_embeddings.unwrap_or(32_768),
        ..file.common(Family::Qwen2)?
    })
}

pub(crate) fn shapes(shapes: &mut Shapes) {
    let Shapes { hidden, inner, query, key, .. } = *shapes;
    shapes.norm("input_layernorm", hidden);
    shapes.linear("self_attn.q_proj", query, hidden, true);
    shapes.linear("self_attn.k_proj", key, hidden, true);
    shapes.linear("self_attn.v_proj", key, hidden, true);
    shapes.linear("self_attn.o_proj", hidden, query, false);
    shapes.norm("post_attention_layernorm", hidden);
    shapes.linear("mlp.gate_proj", inner, hidden, false);
    shapes.linear("mlp.up_proj", inner, hidden, false);
    shapes.linear("mlp.down_proj", hidden, inner, false);
}

#[derive(Debug)]
pub(crate) struct Qwen2Block {
    input_layernorm: RmsNorm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    post_attention_layernorm: RmsNorm,
    mlp: SwiGlu,
    head_dim: i64,
}

impl Qwen2Block {
    pub(crate) fn load(weights: &Weights<'_>) -> Result<Self, ModelError> {
        let linear = |name: &str| Linear::load(&weights.under("self_attn").under(name));
        Ok(Self {
            input_layernorm: RmsNorm::load(&weights.under("input_layernorm"))?,
            q_proj: linear("q_proj")?,
            k_proj: linear("k_proj")?,
            v_proj: linear("v_proj")?,
            o_proj: linear("o_proj")?,
            post_attention_layernorm: RmsNorm::load(&weights.under("post_attention_layernorm"))?,
            mlp: SwiGlu::load(&weights.under("mlp"))?,
            head_dim: weights.config.head_size() as i64,
        })
    }
}

impl Block for Qwen2Block {
    fn forward(&self, states: &Tensor, layer: usize, attention: &Attention<'_>) -> Tensor {
        let normed = self.input_layernorm.forward(states);
        let query = self.q_proj.heads(&normed, self.head_dim);
        let key = self.k_proj.heads(&normed, self.head_dim);
        let value = self.v_proj.heads(&normed, self.head_dim);
        let middle = states + self.o_proj.forward(&attention.forward(layer, &query, &key, &value));
        self.mlp.forward(&self.post_attention_layernorm.forward(&middle)) + middle
    }
}
