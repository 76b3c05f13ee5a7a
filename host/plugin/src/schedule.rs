//! Rollout schedules: what each RL step may use.

use crate::bindings::ScheduleWorld;
use crate::bindings::types::{Progress, StepPlan};
use crate::blueprint::Blueprint;
use crate::case::Record;
use crate::contract::Contract;
use crate::describe::Description;
use crate::failure::Failure;
use crate::policy::Policy;
use crate::returned;

/// A loaded rollout schedule. It remembers from call to call; its memory goes into checkpoints.
pub struct RolloutSchedule {
    pub(crate) policy: Policy<ScheduleWorld>,
}

impl RolloutSchedule {
    pub(crate) fn new(plugin: Blueprint<ScheduleWorld>) -> RolloutSchedule {
        RolloutSchedule { policy: Policy::new(plugin) }
    }

    /// What the plugin says about itself.
    pub fn description(&self) -> &Description {
        &self.policy.plugin.description
    }

    /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.policy.plugin.digest
    }

    /// The version of the contract that it was built for.
    pub fn contract(&self) -> Contract {
        self.policy.plugin.contract
    }

    /// The plan of a step: at least 1 token, a temperature of 0 or more, top-p over 0 and up to 1.
    ///
    /// # Errors
    /// The call's failure. The schedule's memory is then as it was before the call.
    pub fn plan(&mut self, at: &Progress) -> Result<StepPlan, Failure> {
        self.policy.call(
            |world, store| world.plan(store, at),
            check,
            |memory| Record::Schedule { memory, at: at.clone() },
        )
    }

    /// What the schedule remembers as of the last call that succeeded or the last restored memory; none before either. Unlike
    /// [`save`](Self::save) it asks the plugin nothing.
    pub fn memory(&self) -> Option<&[u8]> {
        self.policy.memory()
    }

    /// The schedule's memory, for a checkpoint.
    ///
    /// # Errors
    /// The failure of the plugin's `save`.
    pub fn save(&mut self) -> Result<Vec<u8>, Failure> {
        self.policy.save()
    }

    /// Goes on from the memory of a checkpoint.
    ///
    /// # Errors
    /// The plugin's refusal or failure. The schedule is then as it was.
    pub fn restore(&mut self, memory: &[u8]) -> Result<(), Failure> {
        self.policy.restore(memory)
    }
}

fn check(plan: StepPlan) -> Result<StepPlan, Failure> {
    returned::finite("the plan's temperature", plan.temperature)?;
    returned::finite("the plan's top-p", plan.top_p)?;
    if plan.max_response_tokens == 0 {
        return Err(Failure::invalid_output("the plan allows 0 response tokens; at least 1 is needed"));
    }
    if plan.temperature < 0.0 {
        return Err(Failure::invalid_output(format!(
            "the plan's temperature is {}; it is 0 or more",
            plan.temperature
        )));
    }
    if plan.top_p <= 0.0 || plan.top_p > 1.0 {
        return Err(Failure::invalid_output(format!("the plan's top-p is {}; it is over 0 and up to 1", plan.top_p)));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_that_cannot_be_sampled_by_are_refused() {
        let plan = |max_response_tokens, temperature, top_p| StepPlan { max_response_tokens, temperature, top_p };
        for good in [plan(1, 0.0, 1.0), plan(4096, 1.0, 0.95)] {
            assert_eq!(check(good), Ok(good));
        }
        for bad in [
            plan(0, 1.0, 1.0),
            plan(1, -0.1, 1.0),
            plan(1, f64::NAN, 1.0),
            plan(1, f64::INFINITY, 1.0),
            plan(1, 1.0, 0.0),
            plan(1, 1.0, 1.1),
            plan(1, 1.0, f64::NAN),
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
