//! Reward functions: one reward per rollout, groups kept together.

use wasmtime::Store;

use super::{PluginKind, batch, returned};
use crate::cases::{Answer, Record};
use crate::contract::records::types::{Progress, Reward, Rollout};
use crate::contract::v0_1::whole;
use crate::contract::world::{BatchResult, world};
use crate::failure::Failure;
use crate::sandbox::{Blueprint, Guest, Limits};

world!(
    /// A reward function of any version of the contract.
    RewardWorld { RewardReady, "octo:plugin/reward-plugin", RewardPlugin, RewardPluginPre }
    in V0_1 = v0_1, V0_2 = v0_2, V0_3 = v0_3
);

impl RewardWorld {
    fn score(&self, store: &mut Store<Guest>, at: &Progress, rollouts: &[Rollout]) -> BatchResult<Reward> {
        match self {
            Self::V0_1(world) => whole(world.octo_plugin_reward_function().call_score(store, at, rollouts)),
            Self::V0_2(world) => world.octo_plugin_reward_function().call_score(store, at, rollouts).map(Ok),
            Self::V0_3(world) => world.octo_plugin_reward_function().call_score(store, at, rollouts).map(Ok),
        }
    }
}

/// A loaded reward function. Stateless: each batch starts from a fresh instance.
pub struct RewardFunction {
    plugin: Blueprint<RewardWorld>,
}

impl RewardFunction {
    /// Rewards rollouts on rayon's current pool: one reward or failure each, in their order. Rollouts of one group must
    /// be adjacent. A group is never split over calls, so what ends a call ends it whole; its fuel is `fuel_per_item`
    /// times its rollouts.
    pub fn score(&self, at: &Progress, rollouts: &[Rollout]) -> Vec<Result<Reward, Failure>> {
        self.plugin.run_groups(
            rollouts,
            &batch::grouped(rollouts, |rollout| rollout.group),
            |world, store, rollouts| world.score(store, at, rollouts),
            |reward| check(&self.plugin.limits, &reward).map(|()| reward),
            |group, failed| Record::Reward { at: at.clone(), rollouts: group.to_vec(), failed },
        )
    }
}

impl PluginKind for RewardFunction {
    type World = RewardWorld;
    const INTERFACE: &'static str = "reward-function";

    fn new(plugin: Blueprint<RewardWorld>) -> RewardFunction {
        RewardFunction { plugin }
    }

    fn blueprint(&self) -> &Blueprint<RewardWorld> {
        &self.plugin
    }

    fn blueprint_mut(&mut self) -> &mut Blueprint<RewardWorld> {
        &mut self.plugin
    }

    fn answer(self, record: &Record) -> Option<Result<Answer, Failure>> {
        let Record::Reward { at, rollouts, failed } = record else { return None };
        self.score(at, rollouts).into_iter().nth(*failed).map(|reward| reward.map(Answer::Reward))
    }
}

/// All finite; parts named, each name once.
fn check(limits: &Limits, reward: &Reward) -> Result<(), Failure> {
    returned::finite("a reward", reward.total)?;
    returned::list(limits, "a reward's list of parts", &reward.parts)?;
    for part in &reward.parts {
        returned::label("a reward part's name", &part.name)?;
        returned::finite(&format!("reward part `{}`", part.name), part.value)?;
    }
    returned::unique("reward part", reward.parts.iter().map(|part| part.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::records::types::RewardPart;

    fn reward(total: f64, parts: &[(&str, f64)]) -> Reward {
        let parts = parts.iter().map(|(name, value)| RewardPart { name: (*name).to_owned(), value: *value }).collect();
        Reward { total, parts }
    }

    #[test]
    fn rewards_that_would_poison_a_gradient_or_a_curve_are_refused() {
        let good = reward(-1.5, &[("correct", 1.0), ("length", -2.5)]);
        assert_eq!(check(&Limits::default(), &good), Ok(()));
        for bad in [
            reward(f64::NAN, &[]),
            reward(f64::INFINITY, &[]),
            reward(0.0, &[("length", f64::NEG_INFINITY)]),
            reward(0.0, &[("twice", 1.0), ("twice", 2.0)]),
            reward(0.0, &[("", 1.0)]),
            reward(0.0, &[("two\nlines", 1.0)]),
            reward(0.0, &vec![("many", 1.0); 1000]),
        ] {
            assert!(check(&Limits::default(), &bad).is_err(), "{bad:?}");
        }
    }
}
