//! Forward and backward over the rows of a policy update.
//!
//! A row is a prompt and a response with a weight and an advantage for every response token. Rows are sorted by length
//! and packed so that little is padding, filled at the right (causal attention never looks there, so no mask is
//! needed), and logits are computed at response positions alone.

use octo_model::{Llama, ResponseBatch, response_backward, token_log_probabilities};
use tch::{Device, Tensor};

use crate::error::TrainError;
use crate::policy_loss::{PolicyLoss, PolicyTokens};

/// One response to learn from.
pub struct TrainingRow<'a> {
    /// Tokens before the response; at least one.
    pub prompt: &'a [u32],
    /// Response tokens.
    pub response: &'a [u32],
    /// Advantage of every response token.
    pub advantages: Vec<f32>,
    /// Weight of every response token; 0 leaves it out.
    pub weights: Vec<f32>,
    /// Log-probabilities before the first update; `None` where this is the first.
    pub old: Option<Vec<f32>>,
    /// Log-probabilities under the reference model, where there is a KL term.
    pub reference: Option<Vec<f32>>,
}

impl TrainingRow<'_> {
    /// Sum of the token weights.
    pub fn weight(&self) -> f64 {
        self.weights.iter().map(|weight| f64::from(*weight)).sum()
    }

    /// Whether the row has a gradient. One whose advantages are all 0 has none, unless a reference model pulls
    /// (`pulled`), and needs no forward; its tokens still count in the mean.
    pub fn teaches(&self, pulled: bool) -> bool {
        self.advantages.iter().zip(&self.weights).any(|(gain, weight)| *weight != 0.0 && (pulled || *gain != 0.0))
    }

    fn length(&self) -> usize {
        self.prompt.len() + self.response.len()
    }
}

/// What a backward pass found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpdateTerms {
    /// Mean loss over the weighted tokens.
    pub loss: f64,
    /// Share of weighted tokens that the clip has cut.
    pub clipped: f64,
}

/// How rows are run.
#[derive(Debug, Clone, Copy)]
pub struct PolicyUpdate {
    /// The token loss.
    pub loss: PolicyLoss,
    /// Temperature that the responses were sampled at; log-probabilities are taken at the same.
    pub temperature: f64,
    /// Tokens of one forward pass, padding included; a longer row still goes alone.
    pub tokens_per_forward: usize,
}

impl PolicyUpdate {
    /// Log-probabilities of every row's response tokens, without a graph, in the order of the rows.
    pub fn log_probabilities(&self, model: &Llama, rows: &[&TrainingRow<'_>]) -> Result<Vec<Vec<f32>>, TrainError> {
        let mut found = vec![Vec::new(); rows.len()];
        for pack in packs(&lengths(rows), self.tokens_per_forward) {
            let packed = Packed::new(rows, &pack, model.device())?;
            let flat = token_log_probabilities(model, &packed.batch, self.temperature, false).log_probabilities;
            let flat = Vec::<f32>::try_from(&flat)?;
            let mut rest = flat.as_slice();
            for index in pack {
                let (own, behind) = rest.split_at(rest.len().min(rows[index].response.len()));
                found[index] = own.to_vec();
                rest = behind;
            }
        }
        Ok(found)
    }

    /// Adds the gradient of the mean loss over `total_weight` to the parameters' gradients.
    pub fn backward(
        &self,
        model: &Llama,
        rows: &[&TrainingRow<'_>],
        total_weight: f64,
    ) -> Result<UpdateTerms, TrainError> {
        let mut terms = UpdateTerms { loss: 0.0, clipped: 0.0 };
        for pack in packs(&lengths(rows), self.tokens_per_forward) {
            let packed = Packed::new(rows, &pack, model.device())?;
            let mut clipped = Vec::new();
            terms.loss += response_backward(model, &packed.batch, self.temperature, false, &mut |range, tokens| {
                let part = |tensor: &Tensor| tensor.narrow(0, range.start as i64, range.len() as i64);
                let found = self.loss.terms(&PolicyTokens {
                    log_probabilities: &tokens.log_probabilities,
                    old: packed.old.as_ref().map(part).as_ref(),
                    reference: packed.reference.as_ref().map(part).as_ref(),
                    advantages: &part(&packed.advantages),
                    weights: &part(&packed.weights),
                });
                clipped.push(found.clipped);
                found.loss / total_weight
            });
            terms.clipped += clipped.iter().map(|sum| sum.double_value(&[])).sum::<f64>() / total_weight;
        }
        Ok(terms)
    }
}

fn lengths(rows: &[&TrainingRow<'_>]) -> Vec<usize> {
    rows.iter().map(|row| row.length()).collect()
}

/// Groups rows of similar length so that (longest × rows) of each group stays within `tokens`. Ties go by index, so
/// the same rows are packed the same way everywhere.
fn packs(lengths: &[usize], tokens: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(lengths[index]), index));
    let mut packs: Vec<Vec<usize>> = Vec::new();
    let mut longest = 0;
    for index in order {
        match packs.last_mut() {
            Some(pack) if longest * (pack.len() + 1) <= tokens => pack.push(index),
            _ => {
                longest = lengths[index];
                packs.push(vec![index]);
            }
        }
    }
    packs
}

/// Rows as tensors; the flat ones hold response tokens alone, row after row: [n].
struct Packed {
    /// Prompt and response but its last token, which predicts nothing, filled up at the right with token 0.
    batch: ResponseBatch,
    advantages: Tensor,
    weights: Tensor,
    old: Option<Tensor>,
    reference: Option<Tensor>,
}

impl Packed {
    fn new(rows: &[&TrainingRow<'_>], pack: &[usize], device: Device) -> Result<Packed, TrainError> {
        let chosen: Vec<&TrainingRow<'_>> = pack.iter().map(|&index| rows[index]).collect();
        let width = chosen.iter().map(|row| row.length()).max().unwrap_or(1).saturating_sub(1).max(1);
        let mut inputs = Vec::with_capacity(chosen.len() * width);
        let mut positions = Vec::new();
        let mut targets = Vec::new();
        for (index, row) in chosen.iter().enumerate() {
            let tokens = row.prompt.iter().chain(row.response).map(|token| i64::from(*token));
            inputs.extend(tokens.chain(std::iter::repeat(0)).take(width));
            // A row of the full width loses its last token here, a shorter one keeps it as filling: nothing looks at it.
            let first = (index * width + row.prompt.len()).saturating_sub(1);
            positions.extend((first..first + row.response.len()).map(|position| position as i64));
            targets.extend(row.response.iter().map(|token| i64::from(*token)));
        }
        let join = |of: &dyn Fn(&TrainingRow<'_>) -> Option<Vec<f32>>| -> Result<Option<Tensor>, TrainError> {
            let parts: Option<Vec<Vec<f32>>> = chosen.iter().map(|row| of(row)).collect();
            Ok(parts.map(|parts| Tensor::from_slice(&parts.concat()).f_to_device(device)).transpose()?)
        };
        let of_tokens = |of: &dyn Fn(&TrainingRow<'_>) -> Vec<f32>| -> Result<Tensor, TrainError> {
            let parts: Vec<Vec<f32>> = chosen.iter().map(|row| of(row)).collect();
            Ok(Tensor::from_slice(&parts.concat()).f_to_device(device)?)
        };
        let shape = [chosen.len() as i64, width as i64];
        Ok(Packed {
            batch: ResponseBatch {
                tokens: Tensor::from_slice(&inputs).f_view(shape)?.f_to_device(device)?,
                padding: None,
                positions: Tensor::from_slice(&positions).f_to_device(device)?,
                targets: Tensor::from_slice(&targets).f_to_device(device)?,
                lengths: chosen.iter().map(|row| row.response.len()).collect(),
            },
            advantages: of_tokens(&|row| row.advantages.clone())?,
            weights: of_tokens(&|row| row.weights.clone())?,
            old: join(&|row| row.old.clone())?,
            reference: join(&|row| row.reference.clone())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use octo_model::LlamaConfig;

    fn model() -> Llama {
        let config: LlamaConfig = serde_json::from_value(serde_json::json!({
            "vocab_size": 23, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": true
        }))
        .expect("a config");
        Llama::random(&config, 7, Device::Cpu).expect("a model")
    }

    fn row<'a>(prompt: &'a [u32], response: &'a [u32], advantage: f32) -> TrainingRow<'a> {
        let of = |value: f32| vec![value; response.len()];
        TrainingRow { prompt, response, advantages: of(advantage), weights: of(1.0), old: None, reference: None }
    }

    fn update(tokens_per_forward: usize) -> PolicyUpdate {
        let loss = PolicyLoss { clip: 0.2, kl_coefficient: 0.0 };
        PolicyUpdate { loss, temperature: 1.0, tokens_per_forward }
    }

    #[test]
    fn packs_hold_rows_of_like_length_within_the_budget() {
        let found = packs(&[3, 9, 4, 10, 3], 20);
        assert_eq!(found, [vec![3, 1], vec![2, 0, 4]]);
        assert_eq!(packs(&[50], 20), [vec![0]], "a row over the budget goes alone");
    }

    #[test]
    fn log_probabilities_are_those_of_each_row_alone() {
        let model = model();
        let (prompts, responses) =
            ([vec![1u32, 2, 3], vec![4], vec![5, 6]], [vec![7u32, 8], vec![9, 10, 11, 12], vec![13]]);
        let rows: Vec<TrainingRow<'_>> = prompts.iter().zip(&responses).map(|(p, r)| row(p, r, 0.0)).collect();
        let rows: Vec<&TrainingRow<'_>> = rows.iter().collect();
        let found = update(100).log_probabilities(&model, &rows).expect("runs");
        for ((prompt, response), found) in prompts.iter().zip(&responses).zip(&found) {
            let all: Vec<i64> = prompt.iter().chain(response).map(|t| i64::from(*t)).collect();
            let logits = model.forward(&Tensor::from_slice(&all).unsqueeze(0), None);
            let table = logits.log_softmax(-1, tch::Kind::Float);
            assert_eq!(found.len(), response.len());
            for (offset, token) in response.iter().enumerate() {
                let at = (prompt.len() - 1 + offset) as i64;
                let alone = table.double_value(&[0, at, i64::from(*token)]);
                assert!((alone - f64::from(found[offset])).abs() < 1e-5, "{alone} is not {}", found[offset]);
            }
        }
    }

    #[test]
    fn the_gradient_does_not_depend_on_the_packing() {
        let (prompts, responses) =
            ([vec![1u32, 2, 3], vec![4], vec![5, 6]], [vec![7u32, 8], vec![9, 10, 11, 12], vec![13]]);
        let rows: Vec<TrainingRow<'_>> =
            prompts.iter().zip(&responses).zip([1.0, -0.5, 2.0]).map(|((p, r), a)| row(p, r, a)).collect();
        let rows: Vec<&TrainingRow<'_>> = rows.iter().collect();
        let gradients = |tokens_per_forward| {
            let model = model();
            update(tokens_per_forward).backward(&model, &rows, 7.0).expect("runs");
            model.parameters().iter().map(|(_, parameter)| parameter.grad()).collect::<Vec<Tensor>>()
        };
        let mut moved = 0.0;
        for (left, right) in gradients(1).iter().zip(gradients(1000)) {
            assert!((left - right).abs().max().double_value(&[]) < 1e-6);
            moved += left.abs().sum(tch::Kind::Double).double_value(&[]);
        }
        assert!(moved > 1e-3, "there must be a gradient to compare");
    }
}
