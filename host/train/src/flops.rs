//! Floating-point operations of training, for utilisation and time estimates.

use octo_model::LlamaConfig;

/// Operations of one token's forward and backward pass at `context`: 6 for each weight that is multiplied with (the
/// output projection counts, the look-up of the input embedding doesn't), and attention's 12 · layers · width ·
/// context, without a discount for causality, as PaLM's appendix B and torchtitan count. Recomputation is not counted.
pub fn training_flops_per_token(config: &LlamaConfig, context: usize) -> f64 {
    let looked_up = if config.tie_word_embeddings { 0 } else { config.vocab_size * config.hidden_size };
    let weights = config.parameter_count() as f64 - looked_up as f64;
    let width = (config.num_attention_heads * config.head_size()) as f64;
    6.0 * weights + 12.0 * config.num_hidden_layers as f64 * width * context as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_that_of_the_formula_for_llama_3_2_1b() {
        let config: LlamaConfig = serde_json::from_value(serde_json::json!({
            "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
            "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "tie_word_embeddings": true
        }))
        .expect("a shape");
        // 1,235,814,400 parameters, by its model card 1.23 billion.
        let wanted = 6.0 * 1_235_814_400.0 + 12.0 * 16.0 * 2048.0 * 8192.0;
        assert_eq!(training_flops_per_token(&config, 8192), wanted);
    }
}
