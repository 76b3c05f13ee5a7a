//! Accuracy on a set of problems: what reinforcement learning measures as it goes, and the eval stage at its end.
//!
//! Batches are cut by index, so the same problems share one at every evaluation.

use octo_data::seed;
use octo_model::Sampling;
use octo_plugin::types::Outcome;
use rand_chacha::rand_core::Rng;

use crate::error::TrainError;
use crate::rollout::{Generator, Prompt, Rollout, Unwatched};
use crate::tally::Tally;

/// Rollouts of an evaluation.
pub struct Evaluation {
    /// Prompt index and rollout: all attempts of the first prompt, then those of the second, and so on.
    pub rollouts: Vec<(usize, Rollout)>,
    /// Their counts.
    pub tally: Tally,
}

/// Answers every prompt `attempts` times and judges the answers. `progress` hears the share done after each batch and
/// says whether to go on; `None` is returned where it does not.
pub fn evaluate_prompts(
    generator: &Generator<'_>,
    prompts: &[Prompt],
    sampling: &Sampling,
    attempts: usize,
    seed: u64,
    progress: &mut dyn FnMut(f64, &Tally) -> bool,
) -> Result<Option<Evaluation>, TrainError> {
    let order: Vec<usize> = (0..prompts.len()).flat_map(|prompt| std::iter::repeat_n(prompt, attempts)).collect();
    let mut found = Evaluation { rollouts: Vec::with_capacity(order.len()), tally: Tally::default() };
    for batch in order.chunks(generator.room.chunk.max(1)) {
        let first = found.rollouts.len();
        let seeds: Vec<u64> = (first..first + batch.len())
            .map(|index| seed::rng(seed, &["evaluation"], index as u64).next_u64())
            .collect();
        let asked: Vec<&Prompt> = batch.iter().map(|&index| &prompts[index]).collect();
        let Some(generated) = generator.rollouts(&asked, &seeds, sampling, &Unwatched)? else { return Ok(None) };
        for (index, rollout) in batch.iter().zip(generated.rollouts) {
            found.tally.add(&rollout);
            found.rollouts.push((*index, rollout));
        }
        if !progress(found.rollouts.len() as f64 / order.len() as f64, &found.tally) {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

impl Evaluation {
    /// Mean over problems of the chance that one of `k` attempts is correct, by the unbiased estimate of Chen et al.
    /// (2021): 1 − C(n − c, k) ÷ C(n, k) for c correct of n. `attempts` is n, the attempts of each problem.
    pub fn pass_at(&self, k: usize, attempts: usize) -> f64 {
        let problems: Vec<f64> = self
            .rollouts
            .chunks(attempts.max(1))
            .map(|own| {
                let is_correct = |rollout: &Rollout| matches!(&rollout.verdict, Ok(v) if v.outcome == Outcome::Correct);
                pass_at(own.iter().filter(|(_, rollout)| is_correct(rollout)).count(), own.len(), k)
            })
            .collect();
        if problems.is_empty() { 0.0 } else { problems.iter().sum::<f64>() / problems.len() as f64 }
    }
}

/// 1 − C(n − c, k) ÷ C(n, k), as a product that never overflows.
fn pass_at(correct: usize, attempts: usize, k: usize) -> f64 {
    if attempts - correct < k {
        return 1.0;
    }
    1.0 - (attempts - correct + 1..=attempts).map(|n| 1.0 - k as f64 / n as f64).product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pass_at_k_is_the_share_of_draws_with_a_correct_one() {
        assert_eq!(pass_at(0, 4, 2), 0.0);
        assert_eq!(pass_at(4, 4, 1), 1.0);
        assert!((pass_at(1, 4, 1) - 0.25).abs() < 1e-12);
        // Of the 6 pairs of 4 attempts, the one pair of both wrong ones misses.
        assert!((pass_at(2, 4, 2) - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(pass_at(3, 4, 2), 1.0);
    }
}
