//! Lines of `samples.jsonl`: rollouts for people to read.
//!
//! Of each training step the best, the worst and some random ones are kept: the best and worst show what the reward
//! pays for and where it fails, the random ones what is usual.

use std::collections::BTreeMap;

use octo_data::record::Problem;
use octo_data::seed;
use octo_model::Finish;
use serde::Serialize;

use crate::rollout::Rollout;
use crate::tally::outcome_name;

/// One line.
#[derive(Debug, Serialize)]
pub(crate) struct Sample<'a> {
    step: u64,
    /// `train` or `held-out`.
    split: &'static str,
    /// The named set that a held-out problem is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<&'a str>,
    /// Why it was picked: `best`, `worst` or `random`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pick: Option<&'static str>,
    id: &'a str,
    problem: &'a str,
    response: &'a str,
    references: &'a [String],
    outcome: Option<&'static str>,
    extracted: Option<&'a str>,
    reason: Option<&'a str>,
    failure: Option<&'static str>,
    /// The plugin's or the sandbox's words about the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_message: Option<&'a str>,
    reward: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward_parts: Option<&'a BTreeMap<String, f64>>,
    tokens: usize,
    token_ids: &'a [u32],
    finish: &'static str,
}

impl<'a> Sample<'a> {
    /// The line of a rollout in training.
    pub(crate) fn train(
        step: u64,
        pick: &'static str,
        problem: &'a Problem,
        rollout: &'a Rollout,
        reward: Option<f64>,
        parts: Option<&'a BTreeMap<String, f64>>,
    ) -> Sample<'a> {
        Sample { pick: Some(pick), reward, reward_parts: parts, ..Sample::of(step, "train", problem, rollout) }
    }

    /// The line of a rollout of an evaluation, on the set of that name if it has one.
    pub(crate) fn held_out(step: u64, set: Option<&'a str>, problem: &'a Problem, rollout: &'a Rollout) -> Sample<'a> {
        Sample { set, ..Sample::of(step, "held-out", problem, rollout) }
    }

    fn of(step: u64, split: &'static str, problem: &'a Problem, rollout: &'a Rollout) -> Sample<'a> {
        let (verdict, failure) = (rollout.verdict.as_ref().ok(), rollout.verdict.as_ref().err());
        Sample {
            step,
            split,
            set: None,
            pick: None,
            id: &problem.id,
            problem: &problem.problem,
            response: &rollout.text,
            references: &problem.references,
            outcome: verdict.map(|verdict| outcome_name(verdict.outcome)),
            extracted: verdict.and_then(|verdict| verdict.extracted.as_deref()),
            reason: verdict.map(|verdict| verdict.reason.as_str()),
            failure: failure.map(|failure| failure.kind.as_str()),
            failure_message: failure.map(|failure| failure.message.as_str()),
            reward: None,
            reward_parts: None,
            tokens: rollout.response.tokens.len(),
            token_ids: &rollout.response.tokens,
            finish: if rollout.response.finish == Finish::Stop { "stop" } else { "length" },
        }
    }
}

/// The `count` best, worst and random of some rewards, with why each was picked, by rising index and none twice. Ties
/// go by index; what has no reward is neither best nor worst. The draw follows from `run_seed` and `step`.
pub(crate) fn picks(rewards: &[Option<f64>], count: usize, run_seed: u64, step: u64) -> Vec<(usize, &'static str)> {
    let mut found = BTreeMap::new();
    let mut ranked: Vec<(usize, f64)> =
        rewards.iter().enumerate().filter_map(|(index, reward)| Some((index, (*reward)?))).collect();
    ranked.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    for (index, _) in ranked.iter().take(count) {
        found.insert(*index, "best");
    }
    for (index, _) in ranked.iter().rev().take(count) {
        found.entry(*index).or_insert("worst");
    }
    let mut rest: Vec<usize> = (0..rewards.len()).filter(|index| !found.contains_key(index)).collect();
    seed::shuffle(&mut seed::rng(run_seed, &["samples"], step), &mut rest);
    found.extend(rest.into_iter().take(count).map(|index| (index, "random")));
    found.into_iter().collect()
}

/// `count` indices below `all`, evenly spread, so that samples of an evaluation are of the same problems each time.
pub(crate) fn spread(count: usize, all: usize) -> impl Iterator<Item = usize> {
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
        assert_eq!((of("best"), of("worst")), (vec![2, 4], vec![0, 3]));
        assert_eq!(of("random").len(), 2);
        assert_eq!(found, picks(&rewards, 2, 7, 3));
        let drawn = |step| picks(&[Some(1.0); 100], 3, 7, step);
        assert_ne!(drawn(1), drawn(2), "each step draws anew");
    }

    #[test]
    fn few_rollouts_and_failed_ones_are_all_right() {
        assert_eq!(picks(&[Some(1.0)], 3, 7, 1), [(0, "best")]);
        assert_eq!(picks(&[None, None], 1, 7, 1).len(), 1);
        assert!(picks(&[], 3, 7, 1).is_empty());
        assert!(picks(&[Some(1.0); 9], 0, 7, 1).is_empty());
    }
}
