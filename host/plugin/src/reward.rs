//! Reward functions: one reward a rollout, groups kept together.

use crate::batch;
use crate::bindings::RewardWorld;
use crate::bindings::types::{Progress, Reward, Rollout};
use crate::blueprint::Blueprint;
use crate::case::Record;
use crate::contract::Contract;
use crate::describe::Description;
use crate::failure::Failure;
use crate::limits::{Limits, size};
use crate::returned;

/// A loaded reward function. Stateless: each batch starts from a fresh instance.
pub struct RewardFunction {
    pub(crate) plugin: Blueprint<RewardWorld>,
}

impl RewardFunction {
    pub(crate) fn new(plugin: Blueprint<RewardWorld>) -> RewardFunction {
        RewardFunction { plugin }
    }

    /// What the plugin says about itself.
    pub fn description(&self) -> &Description {
        &self.plugin.description
    }

    /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.plugin.digest
    }

    /// The version of the contract that it was built for.
    pub fn contract(&self) -> Contract {
        self.plugin.contract
    }

    /// Rewards rollouts on rayon's current pool: one reward or failure each, in their order. Rollouts of one group must
    /// be adjacent. A group is never split over calls, so what ends a call ends it whole; its fuel is `fuel_per_item`
    /// times its rollouts.
    pub fn score(&self, at: &Progress, rollouts: &[Rollout]) -> Vec<Result<Reward, Failure>> {
        let limits = &self.plugin.limits;
        let _log = self.plugin.log.for_a_call();
        let groups = batch::grouped(rollouts, |rollout| rollout.group);
        let rewards = batch::run(rollouts, &groups, size(limits.batch_items), |rollouts, fuel_items| {
            self.plugin.answers(
                fuel_items,
                |world, store| world.score(store, at, rollouts),
                |reward| check(limits, &reward).map(|()| reward),
            )
        });
        self.plugin.told.of_groups(&rewards, &groups, |group, failed| Record::Reward {
            at: at.clone(),
            rollouts: rollouts[group].to_vec(),
            failed,
        });
        rewards
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
    use crate::bindings::types::RewardPart;

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
