//! Alarms: what looks like health in the reward's curve and is not.
//!
//! Each watches one figure of a step. When it has been bad for a few steps in a row the alarm is up: it is reported on
//! the console (at first, then each time the count doubles), stands in that step's metrics and in the run's results,
//! and ends the run where the recipe lists it under `stop`. All are in one table, with the reasons for their thresholds
//! beside the config's defaults.

use std::collections::BTreeMap;

use octo_record::{AlarmSpan, RaisedAlarm};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// An alarm by its name in recipes and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmName {
    /// No group has rewards to learn from: all advantages are 0.
    ConstantReward,
    /// Verifier or reward plugin fail on too many rollouts.
    Failures,
    /// The length limit cuts too many responses off.
    Truncated,
    /// Responses have become much longer within a few steps.
    LengthJump,
    /// Too many responses end in a loop.
    Repetition,
    /// The policy has all but stopped to explore.
    EntropyCollapse,
    /// The policy has moved much further than it usually does, or the trainer away from the engine.
    KlJump,
}

/// Thresholds of the alarms, and which of them end the run. The recipe's `alarms = { .. }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AlarmConfig {
    /// Alarms that end the run, after a checkpoint.
    pub stop: Vec<AlarmName>,
    /// Alarms that are not raised.
    pub off: Vec<AlarmName>,
    /// Steps in a row for which a figure must be bad before its alarm is up, except `constant-reward`. 3, since one odd
    /// batch is noise.
    pub patience: u64,
    /// Steps in a row without a group that has rewards to learn from before `constant-reward` is up. 10, since an early
    /// policy may well fail whole steps, but a run that learns nothing for ten will not begin to.
    pub constant_reward_steps: u64,
    /// Share of a step's rollouts whose verifier or reward failed, above which `failures` is up. 0.2 is far above what
    /// odd responses cost a sound plugin, and a fifth of the compute.
    pub failure_share: f64,
    /// Share of a step's responses that the length limit cut, above which `truncated` is up. 0.75, since bases that do
    /// not stop by themselves begin above a half and come down; what stays above is judged by the limit and not by its
    /// answer.
    pub truncated_share: f64,
    /// Times the mean of the ten steps before that response lengths must exceed for `length-jump` to be up; the mean
    /// starts anew when the schedule changes the limit. 2, since OctoThinker's sound runs took a hundred steps and more
    /// to double, the collapsed ones a handful.
    pub length_jump: f64,
    /// Share of a step's responses that end in a loop, above which `repetition` is up. 0.2, since a sound policy is
    /// near 0 and a collapse passes this on its way to 1.
    pub repetition_share: f64,
    /// Entropy in nats per token below which `entropy-collapse` is up. At 0.02 a response of fifty tokens has one nat,
    /// so most of a group are copies of each other.
    pub entropy_floor: f64,
    /// Times the mean of the ten steps before that a divergence must exceed for `kl-jump` to be up. 10, since
    /// divergences vary by a few times from step to step.
    pub kl_jump: f64,
}

impl Default for AlarmConfig {
    fn default() -> Self {
        AlarmConfig {
            stop: Vec::new(),
            off: Vec::new(),
            patience: 3,
            constant_reward_steps: 10,
            failure_share: 0.2,
            truncated_share: 0.75,
            length_jump: 2.0,
            repetition_share: 0.2,
            entropy_floor: 0.02,
            kl_jump: 10.0,
        }
    }
}

impl AlarmConfig {
    /// Refuses thresholds that cannot work.
    pub fn check(&self) -> Result<(), TrainError> {
        let shares = [
            ("alarms.failure_share", self.failure_share, 0.0..=1.0),
            ("alarms.truncated_share", self.truncated_share, 0.0..=1.0),
            ("alarms.repetition_share", self.repetition_share, 0.0..=1.0),
            ("alarms.length_jump", self.length_jump, 1.0..=f64::MAX),
            ("alarms.kl_jump", self.kl_jump, 1.0..=f64::MAX),
            ("alarms.entropy_floor", self.entropy_floor, 0.0..=f64::MAX),
        ];
        for (key, value, range) in shares {
            if !range.contains(&value) {
                let message = format!("{value} is not between {} and {}", range.start(), range.end());
                return Err(TrainError::config(key, message));
            }
        }
        for (key, steps) in
            [("alarms.patience", self.patience), ("alarms.constant_reward_steps", self.constant_reward_steps)]
        {
            if steps == 0 {
                return Err(TrainError::config(key, "must be at least 1"));
            }
        }
        if let Some(name) = self.stop.iter().find(|name| self.off.contains(name)) {
            let message = format!("{:?} cannot both be off and stop the run", name.as_str());
            return Err(TrainError::config("alarms.off", message));
        }
        Ok(())
    }
}

impl AlarmName {
    /// The name in recipes and metrics.
    pub fn as_str(self) -> &'static str {
        octo_record::AlarmName::from(self).as_str()
    }
}

impl From<AlarmName> for octo_record::AlarmName {
    fn from(name: AlarmName) -> octo_record::AlarmName {
        use octo_record::AlarmName as Recorded;
        match name {
            AlarmName::ConstantReward => Recorded::ConstantReward,
            AlarmName::Failures => Recorded::Failures,
            AlarmName::Truncated => Recorded::Truncated,
            AlarmName::LengthJump => Recorded::LengthJump,
            AlarmName::Repetition => Recorded::Repetition,
            AlarmName::EntropyCollapse => Recorded::EntropyCollapse,
            AlarmName::KlJump => Recorded::KlJump,
        }
    }
}

/// The figures of one step that alarms watch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// Share of groups with advantages that are not all 0: those whose rewards, KL included where it stands there,
    /// differ from what they are compared with.
    pub varied_share: f64,
    /// Share of rollouts whose verifier or reward failed.
    pub failure_share: f64,
    /// Share of rollouts that the length limit cut.
    pub truncated_share: f64,
    /// Mean response length in tokens.
    pub response_length: f64,
    /// The length limit in force, in tokens.
    pub length_limit: usize,
    /// Share of rollouts that end in a loop.
    pub repetition_share: f64,
    /// Entropy in nats per token.
    pub entropy: f64,
    /// Divergence of the policy after the step's updates from before, where there were several.
    pub policy_kl: Option<f64>,
    /// Divergence from the reference model, where there is one.
    pub reference_kl: Option<f64>,
    /// Divergence of the trainer from the engine: the train–inference mismatch.
    pub mismatch_kl: Option<f64>,
}

/// When a figure is bad.
enum Bad {
    /// It is above the threshold.
    Above(f64),
    /// It is below the threshold.
    Below(f64),
    /// It is exactly 0.
    Zero,
    /// It is more than the factor times the mean of the steps before, and above the floor.
    Jump { factor: f64, floor: f64 },
}

/// One row of the table.
struct Alarm {
    name: AlarmName,
    /// The figure's name in messages and in the checkpoint's state.
    figure: &'static str,
    value: Option<f64>,
    bad: Bad,
    patience: u64,
    advice: &'static str,
}

/// Steps whose mean a jump is measured from.
const WINDOW: usize = 10;
/// Steps that must be known before a jump can be seen.
const LEAST_HISTORY: usize = 4;
/// Divergences below this, in nats per token, are small whatever they were before.
const KL_FLOOR: f64 = 0.01;
/// Mean lengths below this are short whatever they were before.
const LENGTH_FLOOR: f64 = 32.0;

fn table(config: &AlarmConfig, at: &Figures) -> [Alarm; 9] {
    use AlarmName::{ConstantReward, EntropyCollapse, Failures, KlJump, LengthJump, Repetition, Truncated};
    let row = |name: AlarmName, figure: &'static str, value: Option<f64>, bad: Bad, advice: &'static str| {
        let patience = if name == ConstantReward { config.constant_reward_steps } else { config.patience };
        Alarm { name, figure, value, bad, patience, advice }
    };
    let jump = |value: Option<f64>, figure: &'static str| {
        let bad = Bad::Jump { factor: config.kl_jump, floor: KL_FLOOR };
        row(KlJump, figure, value, bad, "lower `learning_rate`, or look at the last samples")
    };
    [
        row(
            ConstantReward,
            "share of groups with rewards to learn from",
            Some(at.varied_share),
            Bad::Zero,
            "nothing is learnt; look at samples.jsonl, the verifier's failures and the length limit",
        ),
        row(
            Failures,
            "share of failed verdicts and rewards",
            Some(at.failure_share),
            Bad::Above(config.failure_share),
            "they are masked; `failures` in metrics.jsonl says which kind, samples.jsonl shows some",
        ),
        row(
            Truncated,
            "share of truncated responses",
            Some(at.truncated_share),
            Bad::Above(config.truncated_share),
            "raise the schedule's length limit, or add a stop text",
        ),
        row(
            LengthJump,
            "mean response length",
            Some(at.response_length),
            Bad::Jump { factor: config.length_jump, floor: LENGTH_FLOOR },
            "look at samples.jsonl for responses that do not end; lower the schedule's length limit",
        ),
        row(
            Repetition,
            "share of responses that end in a loop",
            Some(at.repetition_share),
            Bad::Above(config.repetition_share),
            "lower the schedule's length limit, or use a reward that punishes repetition",
        ),
        row(
            EntropyCollapse,
            "entropy in nats a token",
            Some(at.entropy),
            Bad::Below(config.entropy_floor),
            "raise `clip_high` (DAPO) or lower `learning_rate`",
        ),
        jump(at.policy_kl, "divergence within a step"),
        jump(at.reference_kl, "divergence from the reference model"),
        jump(at.mismatch_kl, "divergence of the trainer from the engine"),
    ]
}

/// What alarms keep from step to step; in the checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AlarmState {
    /// Steps in a row for which each figure was bad.
    bad: BTreeMap<String, u64>,
    /// Values of each figure that may jump, at the last steps at which it was not bad.
    before: BTreeMap<String, Vec<f64>>,
    length_limit: usize,
    /// First and last step at which each alarm was up, and at how many.
    raised: BTreeMap<octo_record::AlarmName, AlarmSpan>,
}

impl AlarmState {
    /// The alarms that are up after `step`, counted from 1; reports those on the console that are new or have been up
    /// for twice as long as when last reported.
    pub fn watch(&mut self, config: &AlarmConfig, step: u64, at: &Figures) -> Vec<RaisedAlarm> {
        if at.length_limit != self.length_limit {
            // A new limit changes lengths for a good reason.
            self.before.remove("mean response length");
            self.length_limit = at.length_limit;
        }
        let mut up = Vec::new();
        for alarm in table(config, at) {
            let Some(value) = alarm.value.filter(|_| !config.off.contains(&alarm.name)) else { continue };
            let Some((bad, threshold)) = self.judge(&alarm, value) else { continue };
            let steps = self.bad.entry(alarm.figure.to_owned()).or_default();
            *steps = if bad { *steps + 1 } else { 0 };
            let steps = *steps;
            if steps < alarm.patience {
                continue;
            }
            let against = match alarm.bad {
                Bad::Above(_) | Bad::Jump { .. } => format!("above {threshold:.4}"),
                Bad::Below(_) => format!("below {threshold:.4}"),
                Bad::Zero => "no more than 0".to_owned(),
            };
            let (name, figure, advice) = (alarm.name.as_str(), alarm.figure, alarm.advice);
            let message = format!("{name}: {figure} is {value:.4}, for {steps} steps {against}; {advice}");
            if steps.is_multiple_of(alarm.patience) && (steps / alarm.patience).is_power_of_two() {
                tracing::warn!("step {step}: alarm {message}");
            }
            let raised = self.raised.entry(alarm.name.into()).or_insert(AlarmSpan { first: step, last: 0, steps: 0 });
            // Two figures can raise one alarm in the same step.
            raised.steps += u64::from(raised.last != step);
            raised.last = step;
            up.push(RaisedAlarm { alarm: alarm.name.into(), value, threshold, steps, message });
        }
        up
    }

    /// Whether a value is bad, and what it was held against; `None` where too little is known.
    fn judge(&mut self, alarm: &Alarm, value: f64) -> Option<(bool, f64)> {
        match alarm.bad {
            // A value that is not a number is bad, whatever it is compared with.
            Bad::Above(threshold) => Some((value.is_nan() || value > threshold, threshold)),
            Bad::Below(threshold) => Some((value.is_nan() || value < threshold, threshold)),
            Bad::Zero => Some((value == 0.0, 0.0)),
            Bad::Jump { factor, floor } => {
                let before = self.before.entry(alarm.figure.to_owned()).or_default();
                let mean = before.iter().sum::<f64>() / before.len().max(1) as f64;
                let threshold = (factor * mean).max(floor);
                let known = before.len() >= LEAST_HISTORY;
                let bad = known && (value.is_nan() || value > threshold);
                // What is bad stays out, or a jump would soon look like the rule.
                if !bad && value.is_finite() {
                    before.push(value);
                    if before.len() > WINDOW {
                        before.remove(0);
                    }
                }
                known.then_some((bad, threshold))
            }
        }
    }

    /// The alarms that were up during the run, and when.
    pub fn record(&self) -> BTreeMap<octo_record::AlarmName, AlarmSpan> {
        self.raised.clone()
    }
}

#[cfg(test)]
mod tests;
