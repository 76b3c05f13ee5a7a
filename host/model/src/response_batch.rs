//! Prompts with their responses, laid out for the model.

use tch::{Device, Tensor};

use crate::ModelError;

/// Prompts with their responses, filled up at the right to one width, and where the response tokens are.
#[derive(Debug)]
pub struct ResponseBatch {
    /// `[b, t]` i64.
    pub tokens: Tensor,
    /// `[n]` i64: for every response token, row by row and in order, the index into the `b * t` states of the one
    /// that predicts it.
    pub positions: Tensor,
    /// `[n]` i64: the response tokens.
    pub targets: Tensor,
    /// Response tokens per row; the ranges of `0..n` follow each other.
    pub lengths: Vec<usize>,
}

impl ResponseBatch {
    /// Lays out `prompts[i]` followed by `responses[i]` for every `i`.
    ///
    /// # Errors
    /// [`ModelError::Argument`] if the counts differ, a prompt is empty (its first response token would have no
    /// state that predicts it), or there are no sequences.
    pub fn new(prompts: &[&[u32]], responses: &[&[u32]], device: Device) -> Result<Self, ModelError> {
        if prompts.len() != responses.len() || prompts.is_empty() {
            return Err(ModelError::Argument(format!(
                "{} prompts and {} responses; there must be as many, and at least one",
                prompts.len(),
                responses.len()
            )));
        }
        if let Some(index) = prompts.iter().position(|prompt| prompt.is_empty()) {
            return Err(ModelError::Argument(format!("prompt {index} is empty")));
        }
        let pairs = || prompts.iter().zip(responses);
        let width = pairs().map(|(prompt, response)| prompt.len() + response.len()).max().unwrap_or(0);
        let (mut tokens, mut positions, mut targets) = (Vec::new(), Vec::new(), Vec::new());
        let mut lengths = Vec::with_capacity(prompts.len());
        for (row, (prompt, response)) in pairs().enumerate() {
            let missing = width - prompt.len() - response.len();
            tokens.extend(prompt.iter().chain(*response).map(|&token| i64::from(token)));
            tokens.extend(std::iter::repeat_n(0, missing));
            let first = row * width + prompt.len() - 1;
            positions.extend((first..first + response.len()).map(|position| position as i64));
            targets.extend(response.iter().map(|&token| i64::from(token)));
            lengths.push(response.len());
        }
        let place = |values: &[i64]| Tensor::from_slice(values).to_device(device);
        Ok(Self {
            tokens: place(&tokens).view([prompts.len() as i64, width as i64]),
            positions: place(&positions),
            targets: place(&targets),
            lengths,
        })
    }

    /// Count of response tokens.
    pub fn token_count(&self) -> usize {
        self.lengths.iter().sum()
    }
}
