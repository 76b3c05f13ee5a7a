//! Every algorithm against numbers that PyTorch computed from the papers' formulas (`tests/golden/make_algorithms.py`).

use serde_json::Value;
use tch::Tensor;

use super::{AlgorithmName, Outcomes};
use crate::rl::algorithm::importance;
use crate::rl::algorithm::loss::{ImportanceRatio, KlEstimator, PolicyLoss, PolicyTokens};
use crate::rl::algorithm::rounding::{Penalty, Rounded};

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("a list of lists").iter().map(floats).collect()
}

fn flat(rows: &[Vec<f64>]) -> Tensor {
    let all: Vec<f32> = rows.iter().flatten().map(|value| *value as f32).collect();
    Tensor::from_slice(&all)
}

fn narrow(row: &[f64]) -> Vec<f32> {
    row.iter().map(|value| *value as f32).collect()
}

fn close(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().expect("a number");
    assert!((found - expected).abs() <= 2e-6 * expected.abs().max(1.0), "{what}: {found} is not {expected}");
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    (!value.is_null()).then(|| serde_json::from_value(value.clone()).expect("a known name"))
}

#[test]
fn advantages_losses_and_gradients_are_those_of_the_papers() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../tests/golden/algorithms.json")).expect("golden file");
    let rewards: Vec<Option<Rounded>> = golden["rewards"]
        .as_array()
        .expect("rewards")
        .iter()
        .map(|reward| Some(Rounded::sum(reward.as_f64()?, 0.0)))
        .collect();
    let [old, sampled, reference, now] = ["old", "sampled", "reference", "now"].map(|name| rows(&golden[name]));
    let lengths: Vec<usize> = old.iter().map(Vec::len).collect();
    let limit = golden["limit"].as_u64().expect("a limit") as usize;
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 20);
    for case in cases {
        let settings: Vec<String> = case
            .as_object()
            .expect("a case")
            .iter()
            .filter(|(key, _)| !["advantages", "batches"].contains(&key.as_str()))
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        let name = settings.join(", ");
        let algorithm = read::<AlgorithmName>(&case["algorithm"]).expect("a name").algorithm();
        let aggregation = read(&case["aggregation"]).unwrap_or(algorithm.aggregation);
        let (clip_low, clip_high) = read(&case["clip"]).unwrap_or(algorithm.clip);
        let estimator: KlEstimator = read(&case["kl_estimator"]).unwrap_or_default();
        let coefficient = case["kl_coefficient"].as_f64().unwrap_or(0.0);
        let in_reward = case["kl_place"] == "reward";
        let penalties: Vec<Penalty> = old
            .iter()
            .zip(&reference)
            .map(|(old, reference)| {
                let found = estimator.estimate(&Tensor::from_slice(old), &Tensor::from_slice(reference)) * coefficient;
                Penalty { of_tokens: Vec::try_from(&found).expect("numbers"), bound: 0.0 }
            })
            .collect();
        let advantages = (algorithm.advantages)(&Outcomes {
            group_size: golden["group"].as_u64().expect("a size") as usize,
            rewards: &rewards,
            lengths: &lengths,
            penalties: in_reward.then_some(penalties.as_slice()),
            scale: read(&case["advantage"]).or(algorithm.scale).unwrap_or_default(),
        });
        for (index, (found, expected)) in advantages.iter().zip(rows(&case["advantages"])).enumerate() {
            assert_eq!(found.len(), expected.len(), "{name}: rollout {index}");
            for (found, expected) in found.iter().zip(expected) {
                close(*found, &expected.into(), &format!("{name}: advantage of rollout {index}"));
            }
        }

        let loss = PolicyLoss {
            ratio: algorithm.ratio,
            clip_low,
            clip_high,
            kl_coefficient: if in_reward { 0.0 } else { coefficient },
            kl_estimator: estimator,
        };
        let size = rewards.len() / case["batches"].as_array().expect("batches").len();
        for (batch, expected) in case["batches"].as_array().expect("batches").iter().enumerate() {
            let range = batch * size..(batch + 1) * size;
            let present = |index: &usize| rewards[*index].is_some();
            let divisor = aggregation.divisor(range.clone().filter(present).map(|index| lengths[index]));
            let weights: Vec<Vec<f64>> = range
                .clone()
                .map(|index| {
                    let weight = aggregation.token_weight(lengths[index], limit);
                    vec![if rewards[index].is_some() { weight } else { 0.0 }; lengths[index]]
                })
                .collect();
            let weighed: Vec<Vec<f64>> = range
                .clone()
                .map(|index| {
                    let mut own = narrow(&advantages[index]);
                    if let Some(cap) = case["importance_cap"].as_f64() {
                        importance::weigh(&mut own, &narrow(&old[index]), &narrow(&sampled[index]), cap, loss.ratio);
                    }
                    own.into_iter().map(f64::from).collect()
                })
                .collect();
            let sequence: Vec<Vec<f64>> = range
                .clone()
                .map(|index| {
                    let sum: f64 = now[index].iter().zip(&old[index]).map(|(now, old)| now - old).sum();
                    vec![sum / lengths[index] as f64; lengths[index]]
                })
                .collect();
            let leaf = flat(&now[range.clone()]).set_requires_grad(true);
            let terms = loss.terms(&PolicyTokens {
                log_probabilities: &leaf,
                old: Some(&flat(&old[range.clone()])),
                sequence: (loss.ratio == ImportanceRatio::Sequence).then(|| flat(&sequence)).as_ref(),
                reference: (coefficient > 0.0).then(|| flat(&reference[range.clone()])).as_ref(),
                advantages: &flat(&weighed),
                weights: &flat(&weights),
            });
            let mean = terms.loss / divisor;
            mean.backward();
            close(mean.double_value(&[]), &expected["loss"], &format!("{name}: loss of batch {batch}"));
            let total: f64 = weights.iter().flatten().sum();
            for (key, found) in [("clipped_low", terms.clipped_low), ("clipped_high", terms.clipped_high)] {
                close(found.double_value(&[]) / total, &expected[key], &format!("{name}: {key} of batch {batch}"));
            }
            let found: Vec<f32> = Vec::try_from(leaf.grad()).expect("a gradient");
            let expected: Vec<f64> = rows(&expected["gradient"]).concat();
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                close(f64::from(*found), &expected.into(), &format!("{name}: gradient of batch {batch}"));
            }
        }
    }
}
