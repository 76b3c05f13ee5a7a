//! REINFORCE++ (Hu, arXiv 2501.03262): no group baseline and no critic; advantages are normalised over the whole step.
//!
//! The return of a token is the reward, which stands at the last token, less the KL penalties from this token on (where
//! the recipe puts KL in the reward). Returns are centred and divided by their deviation over all tokens of the step
//! that have one, so a prompt that everyone solves still pulls, as do long responses.

use super::aggregation::Aggregation;
use super::loss::ImportanceRatio;
use super::{Algorithm, Outcomes};

pub(super) const REINFORCE_PLUS_PLUS: Algorithm = Algorithm {
    advantages,
    scale: None,
    ratio: ImportanceRatio::Token,
    clip: (0.2, 0.2),
    aggregation: Aggregation::Token,
    dynamic_sampling: false,
};

fn advantages(outcomes: &Outcomes<'_>) -> Vec<Vec<f64>> {
    let returns: Vec<Option<Vec<f64>>> = outcomes
        .rewards
        .iter()
        .zip(outcomes.lengths)
        .enumerate()
        .map(|(index, (reward, length))| {
            let mut left = (*reward)?;
            let mut row = vec![left; *length];
            if let Some(penalties) = outcomes.penalties.and_then(|rows| rows.get(index)) {
                for (value, penalty) in row.iter_mut().zip(penalties).rev() {
                    left -= penalty;
                    *value = left;
                }
            }
            Some(row)
        })
        .collect();
    let all = || returns.iter().flatten().flatten().copied();
    let count = all().count() as f64;
    let mean = all().sum::<f64>() / count;
    let deviation = (all().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    // Compared exactly, as in a group: rounding must not become a gradient.
    let first = all().next();
    let varied = all().any(|value| Some(value) != first);
    let scaled = |value: &f64| if varied { (value - mean) / (deviation + 1e-8) } else { 0.0 };
    returns
        .iter()
        .zip(outcomes.lengths)
        .map(|(row, length)| match row {
            Some(row) => row.iter().map(scaled).collect(),
            None => vec![0.0; *length],
        })
        .collect()
}
