//! REINFORCE++ (Hu, arXiv 2501.03262): no group baseline and no critic; advantages are normalised over the whole step.
//!
//! The return of a token is the reward, which stands at the last token, less the KL penalties from this token on (where
//! the recipe puts KL in the reward). Returns are centred and divided by their deviation over all tokens of the step
//! that have one, so a prompt that everyone solves still pulls, as do long responses. Where no two rewards of the step,
//! and no two returns, differ by more than [rounding](super::rounding), there is nothing to divide and no gradient.

use super::aggregation::Aggregation;
use super::loss::ImportanceRatio;
use super::rounding::{Rounded, differ};
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
            let mut left = (*reward)?.value;
            let mut row = vec![left; *length];
            if let Some(penalty) = outcomes.penalties.and_then(|rows| rows.get(index)) {
                for (value, penalty) in row.iter_mut().zip(&penalty.of_tokens).rev() {
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
    let varied = outcomes.varied(0..outcomes.rewards.len()) || differ(rounded(outcomes, &returns));
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

/// The return of every token, with the rounding of its response's reward and penalties.
fn rounded<'a>(outcomes: &'a Outcomes<'_>, returns: &'a [Option<Vec<f64>>]) -> impl Iterator<Item = Rounded> + 'a {
    returns.iter().enumerate().flat_map(move |(index, row)| {
        let penalty = outcomes.penalties.and_then(|rows| rows.get(index)).map_or(0.0, |penalty| penalty.bound);
        let bound = penalty + outcomes.rewards[index].map_or(0.0, |reward| reward.bound);
        let of_token =
            move |value: &f64| Rounded { value: *value, bound: bound + super::rounding::OF_SUM * value.abs() };
        row.iter().flatten().map(of_token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rl::algorithm::advantage::AdvantageScale;
    use crate::rl::algorithm::rounding::Penalty;

    fn of(rewards: &[f64], penalties: &[Penalty]) -> Vec<Vec<f64>> {
        let rewards: Vec<Option<Rounded>> = rewards.iter().map(|reward| Some(Rounded::sum(*reward, 0.0))).collect();
        let penalties = (!penalties.is_empty()).then_some(penalties);
        let lengths = vec![2; rewards.len()];
        let scale = AdvantageScale::default();
        advantages(&Outcomes { group_size: 2, rewards: &rewards, lengths: &lengths, penalties, scale })
    }

    #[test]
    fn a_step_of_equal_rewards_has_no_gradient_and_groups_that_differ_from_each_other_do() {
        let (one, other) = (0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1);
        assert_eq!(of(&[one, other, one, one], &[]), vec![vec![0.0; 2]; 4]);
        let found = of(&[1.0, 1.0, 0.0, 0.0], &[]);
        assert!(found[0][0] > 0.8 && found[0] == found[1] && found[2][0] == -found[0][0], "{found:?}");
    }

    #[test]
    fn returns_that_differ_by_rounding_alone_are_equal_and_others_are_not() {
        let taken = |tokens: [f64; 2]| Penalty { of_tokens: tokens.to_vec(), bound: 1e-8 };
        let noise = [taken([1e-9, -2e-9]), taken([3e-9, 1e-9])];
        assert_eq!(of(&[0.0, 0.0], &noise), vec![vec![0.0; 2]; 2]);
        // Within one response too: its first token pays for what comes after it.
        let real = [taken([1e-7, 1e-7]), taken([1e-7, 1e-7])];
        let found = of(&[0.0, 0.0], &real);
        assert!(found[0][0] < -0.5 && found[0][1] > 0.5, "{found:?}");
    }
}
