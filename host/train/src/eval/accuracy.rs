//! Accuracy on a set of problems: what the eval stage measures, and reinforcement learning on its held-out sets.
//!
//! Batches are cut by index, so the same problems share one at every evaluation. What is drawn for a problem depends on
//! the problem and the attempt, and neither on its place nor on the number of attempts.

use octo_model::Sampling;
use octo_plugin::types::Outcome;
use octo_record::statistics::pass_at;

use crate::control::{Control, Stoppable};
use crate::error::TrainError;
use crate::generation::draws::Draws;
use crate::generation::prompts::Prompt;
use crate::generation::rollouts::{Generator, NotKept, Rollout};
use crate::measuring::tally::Tally;

/// Rollouts of an evaluation.
pub struct Evaluated {
    /// Prompt index and rollout: all attempts of the first prompt, then those of the second, and so on.
    pub rollouts: Vec<(usize, Rollout)>,
    /// Counts over the rollouts.
    pub tally: Tally,
}

/// Answers every prompt `attempts` times and judges the answers. After each batch `on_batch` is called with the share
/// done and the counts so far, and `control` is asked whether to stop.
///
/// # Errors
/// Where the model cannot answer.
pub fn evaluate_prompts(
    generator: &Generator<'_>,
    prompts: &[Prompt],
    sampling: &Sampling,
    attempts: usize,
    seed: u64,
    control: &Control,
    on_batch: &mut dyn FnMut(f64, &Tally),
) -> Result<Stoppable<Evaluated>, TrainError> {
    let mut draws = Draws::new(seed, "evaluation");
    let draws: Vec<_> = prompts.iter().map(|prompt| draws.of(&prompt.problem.problem)).collect();
    let order: Vec<usize> = (0..prompts.len()).flat_map(|prompt| std::iter::repeat_n(prompt, attempts)).collect();
    let mut found = Evaluated { rollouts: Vec::with_capacity(order.len()), tally: Tally::default() };
    for batch in order.chunks(generator.budget.chunk.max(1)) {
        let first = found.rollouts.len();
        let seeds: Vec<u64> = (first..first + batch.len())
            .map(|index| draws[index / attempts].attempt((index % attempts) as u64))
            .collect();
        let asked: Vec<&Prompt> = batch.iter().map(|&index| &prompts[index]).collect();
        let Stoppable::Done(generated) = generator.rollouts(&asked, &seeds, sampling, &NotKept, control)? else {
            return Ok(Stoppable::Stopped);
        };
        for (index, rollout) in batch.iter().zip(generated.rollouts) {
            found.tally.add(&rollout);
            found.rollouts.push((*index, rollout));
        }
        on_batch(found.rollouts.len() as f64 / order.len() as f64, &found.tally);
        if control.stopping() {
            return Ok(Stoppable::Stopped);
        }
    }
    Ok(Stoppable::Done(found))
}

impl Evaluated {
    /// Mean over problems of [`pass_at`] `k`. `attempts` is the number of attempts of each problem.
    pub fn pass_at(&self, k: usize, attempts: usize) -> f64 {
        let problems: Vec<f64> = self
            .rollouts
            .chunks(attempts.max(1))
            .filter_map(|own| {
                let is_correct = |rollout: &Rollout| matches!(&rollout.verdict, Ok(v) if v.outcome == Outcome::Correct);
                let correct = own.iter().filter(|(_, rollout)| is_correct(rollout)).count();
                pass_at(correct as u64, own.len() as u64, k as u64)
            })
            .collect();
        if problems.is_empty() { 0.0 } else { problems.iter().sum::<f64>() / problems.len() as f64 }
    }
}
