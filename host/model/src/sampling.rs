//! How responses are sampled, and what they are.

use crate::ModelError;

/// How responses are generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// A response of this many tokens ends there; at least 1.
    pub max_response_tokens: usize,
    /// Divides the logits; 0 always takes the likeliest token (the first of equals).
    pub temperature: f64,
    /// Sample among this many of the likeliest tokens; 0 is all tokens.
    pub top_k: usize,
    /// Sample among the likeliest tokens that together have this share of what `top_k` left; 1 is all tokens.
    pub top_p: f64,
    /// Sample among tokens at least this many times as likely as the likeliest; 0 is all tokens.
    pub min_p: f64,
    /// Texts that end a response as soon as it contains one.
    pub stop: Vec<String>,
    /// Tokens that end a response.
    pub end_tokens: Vec<u32>,
}

/// Why a response ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model ended it: an end token or a stop text.
    Stop,
    /// It reached `max_response_tokens`.
    Length,
}

impl Finish {
    /// The word for it: `stop` or `length`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
        }
    }
}

/// One generated response.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The sampled tokens; an end token is the last of them, and a stop text is kept.
    pub tokens: Vec<u32>,
    /// Natural logarithm of each token's probability under the model at the sampling temperature, over all tokens, that
    /// is before `top_k`, `top_p` and `min_p` cut any away. At temperature 0, under the model at temperature 1. This is
    /// the same quantity that [`fn@crate::token_log_probabilities`] gives for training.
    pub log_probabilities: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

impl Sampling {
    /// From the whole distribution at temperature 1, until a response has `max_response_tokens`.
    pub fn new(max_response_tokens: usize) -> Self {
        Self {
            max_response_tokens,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            stop: Vec::new(),
            end_tokens: Vec::new(),
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`ModelError::Argument`] naming the setting, its value and what is allowed.
    pub fn validate(&self) -> Result<(), ModelError> {
        let wrong = |text: String| Err(ModelError::Argument(text));
        if self.max_response_tokens == 0 {
            return wrong("max_response_tokens is 0; it must be at least 1".to_owned());
        }
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return wrong(format!("temperature is {}; it must be 0 or above", self.temperature));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return wrong(format!("top_p is {}; it must be above 0 and at most 1", self.top_p));
        }
        if !(self.min_p >= 0.0 && self.min_p <= 1.0) {
            return wrong(format!("min_p is {}; it must be at least 0 and at most 1", self.min_p));
        }
        if self.stop.iter().any(String::is_empty) {
            return wrong("a stop text is empty; every response would end at once".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let good = Sampling { stop: vec!["\n".to_owned()], end_tokens: vec![0], ..Sampling::new(4) };
        good.validate().unwrap();
        for (broken, word) in [
            (Sampling { max_response_tokens: 0, ..good.clone() }, "max_response_tokens"),
            (Sampling { temperature: -1.0, ..good.clone() }, "temperature"),
            (Sampling { temperature: f64::NAN, ..good.clone() }, "temperature"),
            (Sampling { top_p: 0.0, ..good.clone() }, "top_p"),
            (Sampling { top_p: 1.5, ..good.clone() }, "top_p"),
            (Sampling { min_p: -0.1, ..good.clone() }, "min_p"),
            (Sampling { min_p: f64::NAN, ..good.clone() }, "min_p"),
            (Sampling { stop: vec![String::new()], ..good.clone() }, "stop"),
        ] {
            assert!(broken.validate().unwrap_err().to_string().contains(word));
        }
    }
}
