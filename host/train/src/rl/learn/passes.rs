//! Forward and backward passes over the rows of a policy update.
//!
//! A row is a prompt and a response with a weight and an advantage for every response token. Rows are sorted by length
//! and packed so that little is padding, filled at the right (causal attention never looks there, so no mask is
//! needed), and logits are computed at response positions alone.

use std::ops::Range;

use octo_model::{Model, ResponseBatch, TokenStatistics, response_backward_with, token_log_probabilities};
use octo_shim::upload;
use tch::{Device, Kind, Tensor};

use crate::error::TrainError;
use crate::rl::algorithm::loss::{ImportanceRatio, PolicyLoss, PolicyTokens};

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
    /// Log-probabilities before the first update; `None`, of all rows alike, where this is the first.
    pub old: Option<Vec<f32>>,
    /// Log-probabilities under the reference model, where there is a KL term.
    pub reference: Option<Vec<f32>>,
}

impl TrainingRow<'_> {
    /// Sum of the token weights.
    pub fn weight(&self) -> f64 {
        self.weights.iter().map(|weight| f64::from(*weight)).sum()
    }

    /// Whether the row has a gradient. One whose advantages are all 0 has none, unless the loss has a KL term
    /// (`kl_in_loss`), and needs no forward; its tokens still count in the mean.
    pub fn has_gradient(&self, kl_in_loss: bool) -> bool {
        self.advantages.iter().zip(&self.weights).any(|(gain, weight)| *weight != 0.0 && (kl_in_loss || *gain != 0.0))
    }

    pub(crate) fn length(&self) -> usize {
        self.prompt.len() + self.response.len()
    }
}

/// What a backward pass found. Sums are weighted and over the tokens of its rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateTerms {
    /// Sum of the losses ÷ divisor.
    pub loss: f64,
    /// Sum of the weights.
    pub weight: f64,
    /// Sum over the tokens that the lower bound has cut.
    pub clipped_low: f64,
    /// Sum over the tokens that the upper bound has cut.
    pub clipped_high: f64,
    /// Sum of the divergences from the policy before the first update.
    pub policy_kl: f64,
    /// Sum of the divergences from the reference model, where there is one.
    pub reference_kl: Option<f64>,
    /// Log-probabilities of every row's response tokens as this pass saw them, in the order of the rows.
    pub log_probabilities: Vec<Vec<f32>>,
}

/// How rows are run through the model.
#[derive(Debug, Clone, Copy)]
pub struct PolicyPasses {
    /// The loss over single tokens.
    pub loss: PolicyLoss,
    /// Temperature that the responses were sampled at; log-probabilities are taken at the same.
    pub temperature: f64,
    /// Tokens of one forward pass, padding included; a longer row still goes alone.
    pub tokens_per_forward: usize,
    /// Whether blocks are computed a second time for the backward pass instead of keeping their activations.
    pub recompute: bool,
}

impl PolicyPasses {
    /// Log-probabilities of every row's response tokens, without a graph, in the order of the rows.
    pub fn log_probabilities(&self, model: &Model, rows: &[&TrainingRow<'_>]) -> Result<Vec<Vec<f32>>, TrainError> {
        let mut found = vec![Vec::new(); rows.len()];
        for pack in packs(&lengths(rows), self.tokens_per_forward) {
            let packed = Packed::new(rows, &pack, model.device())?;
            let flat = token_log_probabilities(model, &packed.batch, self.temperature, false).log_probabilities;
            split(&flat, rows, &pack, &mut found)?;
        }
        Ok(found)
    }

    /// Adds the gradient of (weighted sum of the losses ÷ `divisor`) to the parameters' gradients.
    ///
    /// The ratio of a whole response ([`ImportanceRatio::Sequence`]) is needed before any of its tokens has a gradient.
    /// Where rows have `old`, a forward without a graph goes first for it.
    pub fn backward(&self, model: &Model, rows: &[&TrainingRow<'_>], divisor: f64) -> Result<UpdateTerms, TrainError> {
        let sequences = self.sequence_log_ratios(model, rows)?;
        let mut found = UpdateTerms { log_probabilities: vec![Vec::new(); rows.len()], ..UpdateTerms::default() };
        // Left on the device until all packs are queued.
        let (mut losses, mut parts, mut references, mut seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut order = Vec::new();
        for pack in packs(&lengths(rows), self.tokens_per_forward) {
            let packed = Packed::new(rows, &pack, model.device())?;
            let sequence =
                sequences.as_deref().map(|ratios| repeated(rows, &pack, ratios, model.device())).transpose()?;
            let mut loss = |range: Range<usize>, tokens: &TokenStatistics| {
                let part = |tensor: &Tensor| tensor.narrow(0, range.start as i64, range.len() as i64);
                let terms = self.loss.terms(&PolicyTokens {
                    log_probabilities: &tokens.log_probabilities,
                    old: packed.old.as_ref().map(part).as_ref(),
                    sequence: sequence.as_ref().map(part).as_ref(),
                    reference: packed.reference.as_ref().map(part).as_ref(),
                    advantages: &part(&packed.advantages),
                    weights: &part(&packed.weights),
                });
                seen.push(tokens.log_probabilities.detach());
                let loss = terms.loss / divisor;
                parts.push([terms.clipped_low, terms.clipped_high, terms.policy_kl]);
                references.extend(terms.reference_kl);
                loss
            };
            let sum = response_backward_with(model, &packed.batch, self.temperature, false, self.recompute, &mut loss);
            losses.push(sum);
            order.extend(pack);
        }
        // Here and nowhere earlier the host waits for the device.
        let total = |terms: &[Tensor]| -> Result<f64, TrainError> {
            if terms.is_empty() {
                return Ok(0.0);
            }
            let terms: Vec<Tensor> = terms.iter().map(|term| term.detach().to_kind(Kind::Double)).collect();
            Ok(Tensor::f_stack(&terms, 0)?.f_sum(Kind::Double)?.f_double_value(&[])?)
        };
        let of = |place: usize| parts.iter().map(|part| part[place].shallow_clone()).collect::<Vec<Tensor>>();
        found.loss = total(&losses)?;
        [found.clipped_low, found.clipped_high, found.policy_kl] = [total(&of(0))?, total(&of(1))?, total(&of(2))?];
        found.reference_kl = if references.is_empty() { None } else { Some(total(&references)?) };
        if !seen.is_empty() {
            split(&Tensor::f_cat(&seen, 0)?, rows, &order, &mut found.log_probabilities)?;
        }
        found.weight = rows.iter().map(|row| row.weight()).sum();
        Ok(found)
    }

    /// The mean of new less old log-probability of every row, where the loss asks for it.
    fn sequence_log_ratios(&self, model: &Model, rows: &[&TrainingRow<'_>]) -> Result<Option<Vec<f32>>, TrainError> {
        if self.loss.ratio != ImportanceRatio::Sequence || rows.iter().any(|row| row.old.is_none()) {
            return Ok(None);
        }
        let now = self.log_probabilities(model, rows)?;
        let ratio = |(row, now): (&&TrainingRow<'_>, &Vec<f32>)| {
            let old = row.old.as_deref().unwrap_or_default();
            mean_difference(now, old) as f32
        };
        Ok(Some(rows.iter().zip(&now).map(ratio).collect()))
    }
}

/// Mean of `now` less `old`; 0 of nothing.
fn mean_difference(now: &[f32], old: &[f32]) -> f64 {
    let sum: f64 = now.iter().zip(old).map(|(now, old)| f64::from(*now) - f64::from(*old)).sum();
    sum / now.len().max(1) as f64
}

/// Each row's number at each of its response tokens: [n].
fn repeated(rows: &[&TrainingRow<'_>], pack: &[usize], numbers: &[f32], device: Device) -> Result<Tensor, TrainError> {
    let flat: Vec<f32> =
        pack.iter().flat_map(|&index| std::iter::repeat_n(numbers[index], rows[index].response.len())).collect();
    Ok(upload(&Tensor::from_slice(&flat), device)?)
}

/// Deals a pack's flat numbers out to its rows' places in `found`.
fn split(flat: &Tensor, rows: &[&TrainingRow<'_>], pack: &[usize], found: &mut [Vec<f32>]) -> Result<(), TrainError> {
    let flat = Vec::<f32>::try_from(flat)?;
    let mut rest = flat.as_slice();
    for &index in pack {
        let (own, others) = rest.split_at(rest.len().min(rows[index].response.len()));
        found[index] = own.to_vec();
        rest = others;
    }
    Ok(())
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
            // A row of the full width loses its last token here, a shorter one keeps it as filling: nothing looks at
            // it.
            let first = (index * width + row.prompt.len()).saturating_sub(1);
            positions.extend((first..first + row.response.len()).map(|position| position as i64));
            targets.extend(row.response.iter().map(|token| i64::from(*token)));
        }
        let join = |of: &dyn Fn(&TrainingRow<'_>) -> Option<Vec<f32>>| -> Result<Option<Tensor>, TrainError> {
            let parts: Option<Vec<Vec<f32>>> = chosen.iter().map(|row| of(row)).collect();
            Ok(parts.map(|parts| upload(&Tensor::from_slice(&parts.concat()), device)).transpose()?)
        };
        let of_tokens = |of: &dyn Fn(&TrainingRow<'_>) -> Vec<f32>| -> Result<Tensor, TrainError> {
            let parts: Vec<Vec<f32>> = chosen.iter().map(|row| of(row)).collect();
            Ok(upload(&Tensor::from_slice(&parts.concat()), device)?)
        };
        let shape = [chosen.len() as i64, width as i64];
        Ok(Packed {
            batch: ResponseBatch {
                tokens: upload(&Tensor::from_slice(&inputs).f_view(shape)?, device)?,
                positions: upload(&Tensor::from_slice(&positions), device)?,
                targets: upload(&Tensor::from_slice(&targets), device)?,
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
    use crate::rl::algorithm::loss::KlEstimator;
    use octo_model::ModelConfig;

    fn model() -> Model {
        let config: ModelConfig = serde_json::from_value(serde_json::json!({
            "vocab_size": 23, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": true
        }))
        .expect("a config");
        Model::random(&config, 7, Device::Cpu).expect("a model")
    }

    fn row<'a>(prompt: &'a [u32], response: &'a [u32], advantage: f32) -> TrainingRow<'a> {
        let of = |value: f32| vec![value; response.len()];
        TrainingRow { prompt, response, advantages: of(advantage), weights: of(1.0), old: None, reference: None }
    }

    fn update(tokens_per_forward: usize) -> PolicyPasses {
        PolicyPasses { loss: loss(ImportanceRatio::Token), temperature: 1.0, tokens_per_forward, recompute: false }
    }

    fn loss(ratio: ImportanceRatio) -> PolicyLoss {
        PolicyLoss { ratio, clip_low: 0.2, clip_high: 0.2, kl_coefficient: 0.0, kl_estimator: KlEstimator::K3 }
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
            let logits = model.forward(&Tensor::from_slice(&all).unsqueeze(0));
            let table = logits.log_softmax(-1, Kind::Float);
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
            moved += left.abs().sum(Kind::Double).double_value(&[]);
        }
        assert!(moved > 1e-3, "there must be a gradient to compare");
    }

    #[test]
    fn the_ratio_of_a_response_is_one_over_all_its_tokens_whatever_the_packing() {
        let (prompt, response) = (vec![1u32, 2, 3], vec![9u32, 10, 11, 12]);
        let gradients = |tokens_per_forward, by_hand: bool| {
            let model = model();
            let mut rows = [row(&prompt, &response, 1.5), row(&prompt[..1], &response[..2], -0.5)];
            let now = update(100).log_probabilities(&model, &rows.iter().collect::<Vec<_>>()).expect("runs");
            for (row, now) in rows.iter_mut().zip(&now) {
                // Old ones so that the response's ratio is within the bounds while some token's is not.
                row.old = Some(now.iter().enumerate().map(|(at, p)| p + [0.6, -0.5][at % 2]).collect());
                row.weights = vec![1.0 / row.response.len() as f32; row.response.len()];
            }
            let rows: Vec<&TrainingRow<'_>> = rows.iter().collect();
            if by_hand {
                for row in &rows {
                    let all: Vec<i64> = row.prompt.iter().chain(row.response).map(|t| i64::from(*t)).collect();
                    let table = model.forward(&Tensor::from_slice(&all).unsqueeze(0)).log_softmax(-1, Kind::Float);
                    let old = row.old.as_deref().expect("set above");
                    let log_ratio = (0..row.response.len()).fold(Tensor::from(0.0f32), |sum, at| {
                        let place = (row.prompt.len() - 1 + at) as i64;
                        sum + table.get(0).get(place).get(i64::from(row.response[at])) - f64::from(old[at])
                    });
                    let ratio = (log_ratio / row.response.len() as f64).exp();
                    (ratio * f64::from(-row.advantages[0]) / 2.0).backward();
                }
            } else {
                let update = PolicyPasses { loss: loss(ImportanceRatio::Sequence), ..update(tokens_per_forward) };
                let terms = update.backward(&model, &rows, 2.0).expect("runs");
                assert_eq!((terms.clipped_low, terms.clipped_high), (0.0, 0.0));
                let (seen, now) = (terms.log_probabilities.concat(), now.concat());
                assert_eq!(seen.len(), now.len());
                assert!(seen.iter().zip(&now).all(|(seen, now)| (seen - now).abs() < 1e-5), "{seen:?} is not {now:?}");
            }
            model.parameters().iter().map(|(_, parameter)| parameter.grad()).collect::<Vec<Tensor>>()
        };
        let expected = gradients(0, true);
        for tokens_per_forward in [1, 1000] {
            for (found, expected) in gradients(tokens_per_forward, false).iter().zip(&expected) {
                assert!((found - expected).abs().max().double_value(&[]) < 1e-6);
            }
        }
        assert!(expected.iter().any(|gradient| gradient.abs().max().double_value(&[]) > 1e-4));
    }
}
