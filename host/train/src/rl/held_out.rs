//! Evaluation as training goes on: greedy accuracy and response length on named sets of problems.
//!
//! Every set is answered with one fixed length limit, whatever the schedule's is, and judged by the stage's verifier;
//! so a stair of the schedule bends no curve.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Reinforcement;
use crate::control::Control;
use crate::error::TrainError;
use crate::evaluate::{Evaluation, evaluate_prompts};
use crate::rollout::Prompt;
use crate::sample_log::{Sample, spread};
use crate::tally::Tally;

/// A set to measure on, as prompts.
pub(super) struct HeldOutPrompts {
    pub(super) name: Option<String>,
    pub(super) prompts: Vec<Prompt>,
}

impl Reinforcement<'_> {
    /// Measures on every set and logs a line of each; false where `control` asked to stop, with nothing logged.
    pub(super) fn evaluate(&mut self, control: &Control) -> Result<bool, TrainError> {
        let (step, steps) = (self.state.step, self.config.steps);
        let sampling = self.sampling(self.config.held_out_limit(), 0.0, 1.0);
        let mut found: Vec<Evaluation> = Vec::with_capacity(self.held_out.len());
        for set in &self.held_out {
            let mut go_on = |_: f64, _: &Tally| !control.stopping();
            match evaluate_prompts(&self.generator(), &set.prompts, &sampling, 1, self.seed, &mut go_on)? {
                Some(evaluation) => found.push(evaluation),
                None => return Ok(false),
            }
        }
        let mut sets = BTreeMap::new();
        for (set, evaluation) in self.held_out.iter().zip(&found) {
            let record = evaluation.tally.evaluation(set.prompts.len());
            let mut line = json!({ "step": step, "held_out": record });
            if let Some(name) = &set.name {
                line["set"] = json!(name);
                self.state.metrics.insert(format!("held_out_accuracy/{name}"), evaluation.tally.accuracy());
                sets.insert(name.clone(), record.clone());
            }
            self.log.append(&line)?;
            self.state.held_out = record;
            for index in spread(2 * self.config.samples_per_step, evaluation.rollouts.len()) {
                let (prompt, rollout) = &evaluation.rollouts[index];
                let problem = &set.prompts[*prompt].problem;
                self.samples.append(&Sample::held_out(step, set.name.as_deref(), problem, rollout))?;
            }
        }
        if found.is_empty() {
            return Ok(true);
        }
        // Sets weigh alike, whatever their sizes, as in the paper's average.
        let mean = |of: &dyn Fn(&Evaluation) -> f64| found.iter().map(of).sum::<f64>() / found.len() as f64;
        let (accuracy, length) = (mean(&|own| own.tally.accuracy()), mean(&|own| own.tally.response_length()));
        if found.len() > 1 {
            self.state.held_out = means_of(&sets, accuracy, length);
        }
        self.state.held_out_sets = sets;
        self.state.metrics.insert("held_out_accuracy".to_owned(), accuracy);
        let line = format!("step {step}/{steps}  held-out accuracy {accuracy:.3}  length {length:.1}");
        (control.report)(&line, step as f64 / steps as f64);
        Ok(true)
    }
}

fn means_of(sets: &BTreeMap<String, Value>, accuracy: f64, length: f64) -> Value {
    let problems: u64 = sets.values().filter_map(|set| set["problems"].as_u64()).sum();
    json!({ "accuracy": accuracy, "problems": problems, "response_length": length })
}
