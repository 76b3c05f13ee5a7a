//! What a `perplexity` stage measures: `results.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `results.json` of a `perplexity` stage: how well a model predicts texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PerplexityResults {
    /// By the texts' name in the recipe.
    pub texts: BTreeMap<String, TextPerplexity>,
}

impl PerplexityResults {
    /// The kind of stage that writes it, as recipes and the lock name it.
    pub const KIND: &str = "perplexity";
}

/// How well a model predicts one set of texts. Bits per byte compare models with different tokenizers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextPerplexity {
    /// Bits per byte of UTF-8 text, over all documents together.
    pub bits_per_byte: f64,
    /// The upper end of its interval of 95 %, from how documents differ; `null` for a single document.
    pub bits_per_byte_high: Option<f64>,
    /// The lower end.
    pub bits_per_byte_low: Option<f64>,
    /// Bytes of text.
    pub bytes: u64,
    /// Documents that have text.
    pub documents: u64,
    /// Sum of the losses of all tokens, in nats.
    pub nats: f64,
    /// Tokens predicted.
    pub tokens: u64,
}

impl TextPerplexity {
    /// The figures over documents, each with the sum of its losses in nats, its bytes and its tokens. The interval is that of
    /// a ratio of sums over documents, which are drawn whole: ±1.96 standard errors by linearisation (Cochran, *Sampling
    /// Techniques*, section 6.4).
    pub fn over(documents: &[(f64, u64, u64)]) -> TextPerplexity {
        let nats: f64 = documents.iter().map(|(nats, ..)| nats).sum();
        let bytes: u64 = documents.iter().map(|(_, bytes, _)| bytes).sum();
        let ratio = nats / bytes.max(1) as f64;
        let count = documents.len() as f64;
        let squares: f64 = documents.iter().map(|(nats, bytes, _)| (nats - ratio * *bytes as f64).powi(2)).sum();
        let error = (documents.len() > 1).then(|| (count / (count - 1.0) * squares).sqrt() / bytes.max(1) as f64);
        let bits = |nats: f64| nats / std::f64::consts::LN_2;
        TextPerplexity {
            bits_per_byte: bits(ratio),
            bits_per_byte_high: error.map(|error| bits(ratio + 1.96 * error)),
            bits_per_byte_low: error.map(|error| bits(ratio - 1.96 * error)),
            bytes,
            documents: documents.len() as u64,
            nats,
            tokens: documents.iter().map(|(.., tokens)| tokens).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_per_byte_are_of_all_bytes_and_their_interval_is_of_documents() {
        let two = std::f64::consts::LN_2;
        let found = TextPerplexity::over(&[(two * 100.0, 100, 30), (two * 300.0, 200, 50)]);
        assert!((found.bits_per_byte - 4.0 / 3.0).abs() < 1e-12);
        // Residuals are -33.3 and 33.3 bits: sqrt(2 / 1 * 2 * 33.3²) / 300 = 0.2222.
        assert!((found.bits_per_byte_high.unwrap() - (4.0 / 3.0 + 1.96 * 2.0 / 9.0)).abs() < 1e-12, "{found:?}");
        assert!((found.bits_per_byte_low.unwrap() - (4.0 / 3.0 - 1.96 * 2.0 / 9.0)).abs() < 1e-12);
        assert_eq!((found.bytes, found.documents, found.tokens), (300, 2, 80));
        assert_eq!(TextPerplexity::over(&[(two, 1, 1)]).bits_per_byte_high, None);
    }
}
