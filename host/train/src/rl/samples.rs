//! Rollouts for people to read: which of them are written to `samples.jsonl`, and what stands there.
//!
//! Of each training step the best, the worst and some random ones are kept: the best and worst show what the reward
//! pays for and where it fails, the random ones what is usual.

use std::collections::BTreeMap;

use octo_data::record::Problem;
use octo_data::seed;
use octo_model::Finish;
use octo_record::{Pick, Sample, Split};

use crate::generation::rollouts::Rollout;
use crate::measuring::verdicts::{recorded_failure, recorded_outcome};

/// The line of a rollout in training.
pub(crate) fn training_sample(
    step: u64,
    pick: Pick,
    problem: &Problem,
    rollout: &Rollout,
    reward: Option<f64>,
    parts: Option<&BTreeMap<String, f64>>,
) -> Sample {
    let reward_parts = parts.cloned();
    Sample { pick: Some(pick), reward, reward_parts, ..sample(step, Split::Train, problem, rollout) }
}

/// The line of a rollout of an evaluation, on the set of that name if it has one.
pub(crate) fn held_out_sample(step: u64, set: Option<&str>, problem: &Problem, rollout: &Rollout) -> Sample {
    Sample { set: set.map(str::to_owned), ..sample(step, Split::HeldOut, problem, rollout) }
}

fn sample(step: u64, split: Split, problem: &Problem, rollout: &Rollout) -> Sample {
    let (verdict, failure) = (rollout.verdict.as_ref().ok(), rollout.verdict.as_ref().err());
    Sample {
        step,
        split,
        set: None,
        pick: None,
        id: problem.id.clone(),
        problem: problem.problem.clone(),
        response: rollout.text.clone(),
        references: problem.references.clone(),
        outcome: verdict.map(|verdict| recorded_outcome(verdict.outcome)),
        extracted: verdict.and_then(|verdict| verdict.extracted.clone()),
        reason: verdict.map(|verdict| verdict.reason.clone()),
        failure: failure.map(|failure| recorded_failure(failure.kind)),
        failure_message: failure.map(|failure| failure.message.clone()),
        reward: None,
        reward_parts: None,
        tokens: rollout.response.tokens.len() as u64,
        token_ids: rollout.response.tokens.clone(),
        finish: match rollout.response.finish {
            Finish::Stop => octo_record::Finish::Stop,
            Finish::Length => octo_record::Finish::Length,
        },
    }
}

/// The `count` best, worst and random of some rewards, with why each was picked, by rising index and none twice. Ties
/// go by index; what has no reward is neither best nor worst. The draw follows from `run_seed` and `step`.
pub(super) fn picks(rewards: &[Option<f64>], count: usize, run_seed: u64, step: u64) -> Vec<(usize, Pick)> {
    let mut found = BTreeMap::new();
    let mut ranked: Vec<(usize, f64)> =
        rewards.iter().enumerate().filter_map(|(index, reward)| Some((index, (*reward)?))).collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    for (index, _) in ranked.iter().take(count) {
        found.insert(*index, Pick::Best);
    }
    for (index, _) in ranked.iter().rev().take(count) {
        found.entry(*index).or_insert(Pick::Worst);
    }
    let mut rest: Vec<usize> = (0..rewards.len()).filter(|index| !found.contains_key(index)).collect();
    seed::shuffle(&mut seed::rng(run_seed, &["samples"], step), &mut rest);
    found.extend(rest.into_iter().take(count).map(|index| (index, Pick::Random)));
    found.into_iter().collect()
}

/// `count` indices below `all`, evenly spread, so that samples of an evaluation are of the same problems each time.
pub(super) fn spread(count: usize, all: usize) -> impl Iterator<Item = usize> {
    let count = count.min(all);
    (0..count).map(move |index| index * all / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_and_worst_are_by_reward_and_nothing_is_picked_twice() {
        let rewards = [Some(0.0), None, Some(1.0), Some(-1.0), Some(0.5), Some(0.2), Some(0.1)];
        let found = picks(&rewards, 2, 7, 3);
        let of = |why| found.iter().filter(|pick| pick.1 == why).map(|pick| pick.0).collect::<Vec<usize>>();
        assert_eq!((of(Pick::Best), of(Pick::Worst)), (vec![2, 4], vec![0, 3]));
        assert_eq!(of(Pick::Random).len(), 2);
        assert_eq!(found, picks(&rewards, 2, 7, 3));
        let drawn = |step| picks(&[Some(1.0); 100], 3, 7, step);
        assert_ne!(drawn(1), drawn(2), "each step draws anew");
    }

    #[test]
    fn few_rollouts_and_failed_ones_are_all_right() {
        assert_eq!(picks(&[Some(1.0)], 3, 7, 1), [(0, Pick::Best)]);
        assert_eq!(picks(&[None, None], 1, 7, 1).len(), 1);
        assert!(picks(&[], 3, 7, 1).is_empty());
        assert!(picks(&[Some(1.0); 9], 0, 7, 1).is_empty());
    }
}
