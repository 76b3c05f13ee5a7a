//! Which problems a step asks, and how each has fared.
//!
//! Problems are drawn from an endless row of epochs, each in its own seeded order. On request a problem that is always
//! solved is left out of later epochs (OctoThinker's `dynamic_remove_easy_sample`): it would cost a group of rollouts
//! and have no gradient. The history of every problem is in the checkpoint, so a run that resumes draws the same ones.

use std::collections::{BTreeMap, BTreeSet};

use octo_data::seed;
use serde::{Deserialize, Serialize};

/// How one problem has fared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Groups of rollouts that answered it.
    pub groups: u64,
    /// Rollouts with a verdict.
    pub judged: u64,
    /// Rollouts found correct.
    pub correct: u64,
    /// Groups in a row, up to the last, in which every rollout was correct.
    pub solved_in_a_row: u64,
    /// Step of the last group, counted from 1.
    pub last_step: u64,
}

/// Where drawing stands: what a checkpoint keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurriculumState {
    epoch: u64,
    /// Problems drawn in this epoch.
    drawn: usize,
    /// Problems left out of this epoch; settled as it begins.
    left_out: BTreeSet<usize>,
    /// How each problem has fared, by its place among the stage's prompts.
    history: BTreeMap<usize, History>,
}

/// Draws problems.
pub(crate) struct Curriculum {
    seed: u64,
    problems: usize,
    /// Groups in a row that must be solved for a problem to be left out; 0 never leaves one out.
    drop_solved: u64,
    /// The order of one epoch, and which.
    order: Option<(u64, Vec<usize>)>,
}

impl Curriculum {
    /// A curriculum of `problems` problems, at least one.
    pub(crate) fn new(seed: u64, problems: usize, drop_solved: u64) -> Curriculum {
        Curriculum { seed, problems: problems.max(1), drop_solved, order: None }
    }

    /// The next `count` problems, each with the epoch that asks it; moves `state` on.
    pub(crate) fn draw(&mut self, count: usize, state: &mut CurriculumState) -> Vec<(u64, usize)> {
        let mut found = Vec::with_capacity(count);
        while found.len() < count {
            if self.order.as_ref().is_none_or(|(epoch, _)| *epoch != state.epoch) {
                self.order = Some((state.epoch, self.order_of(state)));
            }
            let order = self.order.as_ref().map(|(_, order)| order.as_slice()).unwrap_or_default();
            match order.get(state.drawn) {
                Some(problem) => {
                    found.push((state.epoch, *problem));
                    state.drawn += 1;
                }
                None => self.next_epoch(state),
            }
        }
        found
    }

    fn order_of(&self, state: &CurriculumState) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.problems).collect();
        seed::shuffle(&mut seed::rng(self.seed, &["prompts"], state.epoch), &mut order);
        order.retain(|problem| !state.left_out.contains(problem));
        order
    }

    fn next_epoch(&self, state: &mut CurriculumState) {
        state.epoch += 1;
        state.drawn = 0;
        state.left_out.clear();
        if self.drop_solved > 0 {
            let solved = state.history.iter().filter(|(_, own)| own.solved_in_a_row >= self.drop_solved);
            state.left_out = solved.map(|(problem, _)| *problem).collect();
        }
        if state.left_out.len() == self.problems {
            tracing::warn!("every problem is solved; all are asked again, but there is little left to learn from them");
            state.left_out.clear();
        } else if !state.left_out.is_empty() {
            let (left_out, all) = (state.left_out.len(), self.problems);
            tracing::info!("epoch {}: {left_out} of {all} problems are always solved and left out", state.epoch);
        }
    }
}

impl CurriculumState {
    /// Counts a group of rollouts of `problem` at `step` (counted from 1): `judged` of them have a verdict, `correct` a
    /// good one.
    pub(crate) fn record(&mut self, problem: usize, step: u64, judged: u64, correct: u64, group_size: usize) {
        let own = self.history.entry(problem).or_default();
        own.groups += 1;
        own.judged += judged;
        own.correct += correct;
        // A failed verdict does not show that a problem is easy.
        own.solved_in_a_row = if correct == group_size as u64 { own.solved_in_a_row + 1 } else { 0 };
        own.last_step = step;
    }

    /// Problems left out of this epoch.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// Every problem that was asked, by its place among the prompts.
    pub(crate) fn history(&self) -> &BTreeMap<usize, History> {
        &self.history
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(curriculum: &mut Curriculum, count: usize, state: &mut CurriculumState) -> Vec<usize> {
        curriculum.draw(count, state).into_iter().map(|(_, problem)| problem).collect()
    }

    #[test]
    fn an_epoch_asks_everything_once_in_an_order_of_its_own() {
        let (mut curriculum, mut state) = (Curriculum::new(7, 5, 0), CurriculumState::default());
        let first = drawn(&mut curriculum, 5, &mut state);
        let second = drawn(&mut curriculum, 5, &mut state);
        let sorted = |order: &[usize]| BTreeSet::from_iter(order.iter().copied());
        assert_eq!((sorted(&first), sorted(&second)), (BTreeSet::from_iter(0..5), BTreeSet::from_iter(0..5)));
        assert_ne!(first, second);
    }

    #[test]
    fn a_run_that_resumes_draws_what_the_whole_one_did() {
        let (mut curriculum, mut state) = (Curriculum::new(7, 5, 1), CurriculumState::default());
        let mut whole = Vec::new();
        let mut kept = None;
        for step in 0..6 {
            if step == 3 {
                kept = Some((whole.len(), serde_json::to_string(&state).expect("writes")));
            }
            let asked = drawn(&mut curriculum, 3, &mut state);
            asked.iter().for_each(|problem| state.record(*problem, step + 1, 4, if *problem < 2 { 4 } else { 1 }, 4));
            whole.extend(asked);
        }
        let (before, text) = kept.expect("a state");
        let mut state: CurriculumState = serde_json::from_str(&text).expect("reads");
        let mut curriculum = Curriculum::new(7, 5, 1);
        let mut again = Vec::new();
        for step in 3..6 {
            let asked = drawn(&mut curriculum, 3, &mut state);
            asked.iter().for_each(|problem| state.record(*problem, step + 1, 4, if *problem < 2 { 4 } else { 1 }, 4));
            again.extend(asked);
        }
        assert_eq!(again, whole[before..]);
    }

    #[test]
    fn what_is_always_solved_is_left_out_from_the_next_epoch_on() {
        let (mut curriculum, mut state) = (Curriculum::new(7, 4, 2), CurriculumState::default());
        for step in 1..=2 {
            for problem in drawn(&mut curriculum, 4, &mut state) {
                // Problem 0 is solved both times, problem 1 but once, and problem 2 has a failed verdict.
                let correct = [4, if step == 1 { 4 } else { 3 }, 3, 0][problem];
                state.record(problem, step, if problem == 2 { 3 } else { 4 }, correct, 4);
            }
        }
        let third = drawn(&mut curriculum, 3, &mut state);
        assert_eq!(BTreeSet::from_iter(third), BTreeSet::from([1, 2, 3]));
        assert_eq!(state.left_out(), 1);
        assert_eq!(state.history()[&1].solved_in_a_row, 0);
    }

    #[test]
    fn where_everything_is_solved_everything_is_asked_again() {
        let (mut curriculum, mut state) = (Curriculum::new(7, 2, 1), CurriculumState::default());
        for step in 1..4 {
            for problem in drawn(&mut curriculum, 2, &mut state) {
                state.record(problem, step, 4, 4, 4);
            }
        }
        assert_eq!((state.left_out(), state.history()[&0].groups), (0, 3));
    }
}
