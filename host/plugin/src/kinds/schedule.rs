//! Rollout schedules: what each RL step may use.

use wasmtime::Store;

use super::stateful::{Stateful, stateful_methods};
use super::{PluginKind, returned};
use crate::cases::{Answer, Record};
use crate::contract::records::types::{Progress, StepPlan};
use crate::contract::world::{CallResult, world};
use crate::failure::Failure;
use crate::sandbox::{Blueprint, Guest};

world!(
    stateful
    /// A rollout schedule of any version of the contract.
    ScheduleWorld { ScheduleReady, "octo:plugin/schedule-plugin", SchedulePlugin, SchedulePluginPre }
    in V0_1 = v0_1, V0_2 = v0_2, V0_3 = v0_3
);

impl ScheduleWorld {
    fn plan(&self, store: &mut Store<Guest>, at: &Progress) -> CallResult<StepPlan> {
        match self {
            Self::V0_1(world) => world.octo_plugin_rollout_schedule().call_plan(store, at),
            Self::V0_2(world) => world.octo_plugin_rollout_schedule().call_plan(store, at),
            Self::V0_3(world) => world.octo_plugin_rollout_schedule().call_plan(store, at),
        }
    }
}

/// A loaded rollout schedule. Stateful: it remembers from call to call, and its memory goes into checkpoints.
pub struct RolloutSchedule {
    stateful: Stateful<ScheduleWorld>,
}

impl RolloutSchedule {
    /// The plan of a step: at least 1 token, a temperature of 0 or more, top-p over 0 and up to 1.
    ///
    /// # Errors
    /// The call's failure. The plugin's memory is then as it was before the call.
    pub fn plan(&mut self, at: &Progress) -> Result<StepPlan, Failure> {
        self.stateful.call(
            |world, store| world.plan(store, at),
            check,
            |memory| Record::Schedule { memory, at: at.clone() },
        )
    }
}

stateful_methods!(RolloutSchedule);

impl PluginKind for RolloutSchedule {
    type World = ScheduleWorld;
    const INTERFACE: &'static str = "rollout-schedule";

    fn new(plugin: Blueprint<ScheduleWorld>) -> RolloutSchedule {
        RolloutSchedule { stateful: Stateful::new(plugin) }
    }

    fn blueprint(&self) -> &Blueprint<ScheduleWorld> {
        &self.stateful.plugin
    }

    fn blueprint_mut(&mut self) -> &mut Blueprint<ScheduleWorld> {
        &mut self.stateful.plugin
    }

    fn answer(mut self, record: &Record) -> Option<Result<Answer, Failure>> {
        let Record::Schedule { memory, at } = record else { return None };
        let restored = self.stateful.restore_if_any(memory);
        Some(restored.and_then(|()| self.plan(at)).map(Answer::Plan))
    }
}

/// Numbers that one can sample by.
fn check(plan: StepPlan) -> Result<StepPlan, Failure> {
    if plan.max_response_tokens == 0 {
        return Err(Failure::invalid_output("the plan allows 0 response tokens; at least 1 is needed"));
    }
    returned::sampling("the plan", plan.temperature, plan.top_p)?;
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
