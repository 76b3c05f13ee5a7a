//! Llama 2, 3, 3.1 and 3.2.
//!
//! Grouped-query attention with rotary positions and a gated feed-forward, RMSNorm before each. The outline follows
//! `modeling_llama.py` of `transformers`; so do the names, which lets a model folder be compared with either.

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
    Ok(ModelConfig {
        attention_bias: file.attention_bias.unwrap_or(false),
        mlp_bias: file.mlp_bias.unwrap_or(false),
        ..file.common(Family::Llama)?
    })
}

pub(crate) fn shapes(config: &ModelConfig, shapes: &mut Shapes) {
    let Shapes { hidden, inner, query, key, .. } = *shapes;
    let (attention, mlp) = (config.attention_bias, config.mlp_bias);
    shapes.norm("input_layernorm", hidden);
    shapes.linear("self_attn.q_proj", query, hidden, attention);
    shapes.linear("self_attn.k_proj", key, hidden, attention);
    shapes.linear("self_attn.v_proj", key, hidden, attention);
    shapes.linear("self_attn.o_proj", hidden, query, attention);
    shapes.norm("post_attention_layernorm", hidden);
    shapes.linear("mlp.gate_proj", inner, hidden, mlp);
    shapes.linear("mlp.up_proj", inner, hidden, mlp);
    shapes.linear("mlp.down_proj", hidden, inner, mlp);
}

#[derive(Debug)]
pub(crate) struct LlamaBlock {
    input_layernorm: RmsNorm,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    post_attention_layernorm: RmsNorm,
    mlp: SwiGlu,
    head_dim: i64,
}

impl LlamaBlock {
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

impl Block for LlamaBlock {
    fn forward(&self, states: &Tensor, layer: usize, attention: &Attention<'_>) -> Tensor {
        let normed = self.input_layernorm.forward(states);
        let query = self.q_proj.heads(&normed, self.head_dim);
        let key = self.k_proj.heads(&normed, self.head_dim);
        let value = self.v_proj.heads(&normed, self.head_dim);
        let middle = states + self.o_proj.forward(&attention.forward(layer, &query, &key, &value));
        self.mlp.forward(&self.post_attention_layernorm.forward(&middle)) + middle
    }
}
