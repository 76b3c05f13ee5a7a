//! Evaluation in the course of training: greedy accuracy and response length on named sets of problems.
//!
//! Every set is answered with one fixed length limit, whatever the schedule's is, and judged by the stage's verifier;
//! so a stair of the schedule bends no curve.

use std::collections::BTreeMap;

use octo_record::{EvaluationMean, HeldOutRecord, HeldOutSummary};

use super::Reinforcement;
use super::samples::{held_out_sample, spread};
use crate::control::{Control, Stoppable};
use crate::error::TrainError;
use crate::eval::accuracy::{Evaluated, evaluate_prompts};
use crate::generation::prompts::Prompt;

/// A set to measure on, as prompts.
pub(super) struct HeldOutPrompts {
    pub(super) name: Option<String>,
    pub(super) prompts: Vec<Prompt>,
}

impl Reinforcement<'_> {
    /// Measures on every set and logs a line of each; nothing is logged where `control` asks to stop meanwhile.
    pub(super) fn evaluate(&mut self, control: &Control) -> Result<Stoppable<()>, TrainError> {
        let sampling = self.sampling(self.config.held_out_limit(), 0.0, 1.0);
        let mut found: Vec<Evaluated> = Vec::with_capacity(self.held_out.len());
        for set in &self.held_out {
            match evaluate_prompts(&self.generator(), &set.prompts, &sampling, 1, self.seed, control, &mut |_, _| {})? {
                Stoppable::Done(evaluated) => found.push(evaluated),
                Stoppable::Stopped => return Ok(Stoppable::Stopped),
            }
        }
        self.write_evaluations(&found)?;
        if found.is_empty() {
            return Ok(Stoppable::Done(()));
        }
        // Sets weigh alike, whatever their sizes, as in the paper's average.
        let mean = |of: &dyn Fn(&Evaluated) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
        let (accuracy, length) = (mean(&|own| own.tally.accuracy()), mean(&|own| own.tally.response_length()));
        self.take_evaluations(&found, accuracy, length);
        let (step, steps) = (self.state.step, self.config.steps);
        let line = format!("step {step}/{steps}  held-out accuracy {accuracy:.3}  length {length:.1}");
        (control.report)(&line, step as f64 / steps as f64);
        Ok(Stoppable::Done(()))
    }

    /// Appends what is written of each set's evaluation.
    fn write_evaluations(&mut self, found: &[Evaluated]) -> Result<(), TrainError> {
        let step = self.state.step;
        for (set, evaluated) in self.held_out.iter().zip(found) {
            let held_out = evaluated.tally.evaluation(set.prompts.len());
            self.log.append(&HeldOutRecord { held_out, set: set.name.clone(), step })?;
            for index in spread(2 * self.config.samples_per_step, evaluated.rollouts.len()) {
                let (prompt, rollout) = &evaluated.rollouts[index];
                let problem = &set.prompts[*prompt].problem;
                self.samples.append(&held_out_sample(step, set.name.as_deref(), problem, rollout))?;
            }
        }
        Ok(())
    }

    /// Keeps the evaluations for plugins and results.
    fn take_evaluations(&mut self, found: &[Evaluated], accuracy: f64, response_length: f64) {
        let mut sets = BTreeMap::new();
        for (set, evaluated) in self.held_out.iter().zip(found) {
            let evaluation = evaluated.tally.evaluation(set.prompts.len());
            if let Some(name) = &set.name {
                self.state.metrics.insert(format!("held_out_accuracy/{name}"), evaluation.accuracy);
                sets.insert(name.clone(), evaluation.clone());
            }
            self.state.held_out = Some(HeldOutSummary::One(evaluation));
        }
        if found.len() > 1 {
            let problems = sets.values().map(|set| set.problems).sum();
            self.state.held_out = Some(HeldOutSummary::Mean(EvaluationMean { accuracy, problems, response_length }));
        }
        self.state.held_out_sets = sets;
        self.state.metrics.insert("held_out_accuracy".to_owned(), accuracy);
    }
}
