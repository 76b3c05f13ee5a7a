//! Choosing the next token from logits, with one seeded stream per response.

use std::cmp::Ordering;

use rand_chacha::ChaCha8Rng;

use crate::ModelError;
use crate::initial::uniform;

/// How responses are generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// A response of this many tokens ends there; at least 1.
    pub max_response_tokens: usize,
    /// Divides the logits; 0 always takes the likeliest token (the first of equals).
    pub temperature: f64,
    /// Sample among the likeliest tokens that together have this probability; 1 is all tokens.
    pub top_p: f64,
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
    /// "stop" or "length".
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
    /// Natural logarithm of each token's probability under the model at the sampling temperature, over all tokens,
    /// that is before `top_p` cuts any away. At temperature 0, under the model at temperature 1. This is the same
    /// quantity that [`crate::token_log_probabilities`] gives for training.
    pub log_probabilities: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

impl Sampling {
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
        if self.stop.iter().any(String::is_empty) {
            return wrong("a stop text is empty; every response would end at once".to_owned());
        }
        Ok(())
    }
}

/// A token and its log-probability as [`Response::log_probabilities`] has it, or `None` if the logits are empty or
/// not finite. Draws one number from `generator`, except at temperature 0.
///
/// `weights` is working memory, kept by the caller from token to token.
pub(crate) fn sample(
    logits: &[f32],
    temperature: f64,
    top_p: f64,
    generator: &mut ChaCha8Rng,
    weights: &mut Vec<f64>,
) -> Option<(u32, f32)> {
    let (likeliest, &largest) = logits.iter().enumerate().fold(None, |best: Option<(usize, &f32)>, next| {
        match best {
            // A NaN is taken and, being smaller than nothing, kept: it is found out below.
            Some(best) if best.1.is_nan() || next.1 <= best.1 => Some(best),
            _ => Some(next),
        }
    })?;
    let greedy = temperature == 0.0;
    let inverse = if greedy { 1.0 } else { 1.0 / temperature };
    let largest = f64::from(largest);
    weights.clear();
    weights.extend(logits.iter().map(|&logit| ((f64::from(logit) - largest) * inverse).exp()));
    let total: f64 = weights.iter().sum();
    // The largest weight is 1, so a sound total is 1 to the vocabulary's size.
    if !(largest.is_finite() && total.is_finite()) {
        return None;
    }
    let token = if greedy {
        likeliest
    } else if top_p < 1.0 {
        among_likeliest(weights, total, top_p, uniform(generator), likeliest)
    } else {
        draw(weights.iter().copied().enumerate(), total * uniform(generator), likeliest)
    };
    let logit = f64::from(*logits.get(token)?);
    Some((u32::try_from(token).ok()?, ((logit - largest) * inverse - total.ln()) as f32))
}

/// The first token at which the running sum passes `mark`.
fn draw(weights: impl Iterator<Item = (usize, f64)>, mark: f64, otherwise: usize) -> usize {
    let mut sum = 0.0;
    let mut last = otherwise;
    for (token, weight) in weights {
        sum += weight;
        if weight > 0.0 {
            last = token;
        }
        if sum > mark {
            return token;
        }
    }
    // Rounding left the mark at the very end of the sum.
    last
}

/// Draws among the smallest set of likeliest tokens that holds `top_p` of the probability.
fn among_likeliest(weights: &[f64], total: f64, top_p: f64, share: f64, otherwise: usize) -> usize {
    // Tokens this unlikely cannot be in the set: all of them together have less than 1 - top_p.
    let least = (1.0 - top_p) * total / weights.len() as f64;
    let mut likely: Vec<(usize, f64)> =
        weights.iter().copied().enumerate().filter(|&(_, weight)| weight >= least).collect();
    // The order among equals is fixed by the token, so that results repeat.
    likely.sort_unstable_by(|left, right| {
        right.1.partial_cmp(&left.1).unwrap_or(Ordering::Equal).then(left.0.cmp(&right.0))
    });
    let mut sum = 0.0;
    let mut kept = 0;
    for &(_, weight) in &likely {
        sum += weight;
        kept += 1;
        if sum >= top_p * total {
            break;
        }
    }
    draw(likely.into_iter().take(kept), sum * share, otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    fn draws(logits: &[f32], temperature: f64, top_p: f64, count: usize) -> Vec<u32> {
        let mut generator = ChaCha8Rng::seed_from_u64(5);
        let mut weights = Vec::new();
        (0..count).map(|_| sample(logits, temperature, top_p, &mut generator, &mut weights).unwrap().0).collect()
    }

    #[test]
    fn frequencies_follow_the_tempered_probabilities() {
        let logits = [1.0_f32, 2.0, 0.0, -1.0];
        for temperature in [0.5, 1.0, 2.0] {
            let count = 20_000;
            let drawn = draws(&logits, temperature, 1.0, count);
            let total: f64 = logits.iter().map(|&logit| (f64::from(logit) / temperature).exp()).sum();
            for (token, &logit) in logits.iter().enumerate() {
                let expected = (f64::from(logit) / temperature).exp() / total;
                let seen = drawn.iter().filter(|&&drawn| drawn as usize == token).count() as f64 / count as f64;
                // Five standard deviations of a binomial share.
                let slack = 5.0 * (expected * (1.0 - expected) / count as f64).sqrt();
                assert!((seen - expected).abs() < slack, "{temperature} {token}: {seen} for {expected}");
            }
        }
    }

    #[test]
    fn greedy_takes_the_first_of_the_likeliest_and_draws_nothing() {
        assert_eq!(draws(&[0.5, 3.0, 3.0, -2.0], 0.0, 1.0, 3), [1, 1, 1]);
    }

    #[test]
    fn top_p_keeps_the_smallest_sufficient_set() {
        // Probabilities 0.5, 0.3, 0.15, 0.05.
        let logits = [0.05_f32, 0.5, 0.15, 0.3].map(f32::ln);
        let seen = |top_p| {
            let mut seen = draws(&logits, 1.0, top_p, 4_000);
            seen.sort_unstable();
            seen.dedup();
            seen
        };
        assert_eq!(seen(0.45), [1]);
        assert_eq!(seen(0.75), [1, 3]);
        assert_eq!(seen(0.9), [1, 2, 3]);
        assert_eq!(seen(1.0), [0, 1, 2, 3]);
    }

    #[test]
    fn log_probabilities_are_of_the_tempered_model_before_top_p() {
        let logits = [0.05_f32, 0.5, 0.15, 0.3].map(f32::ln);
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let mut weights = Vec::new();
        let (token, log_probability) = sample(&logits, 1.0, 0.1, &mut generator, &mut weights).unwrap();
        assert_eq!(token, 1);
        assert!((log_probability - 0.5_f32.ln()).abs() < 1e-6);
        let (_, log_probability) = sample(&logits, 0.5, 0.1, &mut generator, &mut weights).unwrap();
        let expected = 0.25_f32 / (0.0025 + 0.25 + 0.0225 + 0.09);
        assert!((log_probability - expected.ln()).abs() < 1e-6);
        let (_, log_probability) = sample(&logits, 0.0, 1.0, &mut generator, &mut weights).unwrap();
        assert!((log_probability - 0.5_f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn logits_that_are_no_numbers_are_told_not_sampled() {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        for logits in [&[][..], &[f32::NAN, 1.0], &[1.0, f32::NAN], &[1.0, f32::INFINITY], &[f32::NEG_INFINITY; 2]] {
            for (temperature, top_p) in [(0.0, 1.0), (1.0, 1.0), (1.0, 0.9)] {
                assert_eq!(sample(logits, temperature, top_p, &mut generator, &mut Vec::new()), None, "{logits:?}");
            }
        }
        // A token the model rules out is no such case.
        assert!(sample(&[1.0, f32::NEG_INFINITY], 1.0, 1.0, &mut generator, &mut Vec::new()).is_some());
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let good = Sampling {
            max_response_tokens: 4,
            temperature: 1.0,
            top_p: 1.0,
            stop: vec!["\n".to_owned()],
            end_tokens: vec![0],
        };
        good.validate().unwrap();
        for (broken, word) in [
            (Sampling { max_response_tokens: 0, ..good.clone() }, "max_response_tokens"),
            (Sampling { temperature: -1.0, ..good.clone() }, "temperature"),
            (Sampling { temperature: f64::NAN, ..good.clone() }, "temperature"),
            (Sampling { top_p: 0.0, ..good.clone() }, "top_p"),
            (Sampling { top_p: 1.5, ..good.clone() }, "top_p"),
            (Sampling { stop: vec![String::new()], ..good.clone() }, "stop"),
        ] {
            assert!(broken.validate().unwrap_err().to_string().contains(word));
        }
    }
}
