//! `eval`: accuracy of a model on problems.

mod forecast;

use std::path::Path;

use anyhow::{Result, anyhow};
use octo_record::{Device, EvalResults};
use octo_run::PlannedRun;
use octo_run::check::Fault;
use octo_run::context::StageContext;
use octo_run::kind::{Ended, StageKind, keys_of};
use octo_run::recipe::problems::{Problems, Prompts};
use octo_run::recipe::stage::{Stage, StageTable};
use octo_run::recipe::values::ProblemFile;
use octo_train::eval::{EvalConfig, EvalInputs};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::asking::{self, Asking};
use super::controlled;
use crate::prompts::{self, PromptKeys};

/// A stage of this kind.
pub struct Eval {
    problems: Problems,
    config: EvalConfig,
}

/// The inputs and plugins of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wiring {
    /// Folder of the model to evaluate: `@STAGE/model`, or a path.
    model: String,
    /// Problems to ask: a file, or `{ path, map, rows }`.
    problems: ProblemFile,
    /// Role of the verifier plugin that judges responses.
    verifier: String,
}

impl StageKind for Eval {
    fn name() -> &'static str {
        EvalResults::KIND
    }

    fn about() -> &'static str {
        "Asks a model problems and counts the right answers."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Wiring>(), keys_of::<PromptKeys>(), keys_of::<EvalConfig>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Eval> {
        let wiring: Wiring = table.part()?;
        table.input("model", &wiring.model)?;
        let problems = Problems::take(table, "problems", wiring.problems)?;
        table.role("verifier", &wiring.verifier)?;
        prompts::resolve(table)?;
        let config: EvalConfig = table.rest()?;
        config.check().map_err(|error| anyhow!("{}: {error}", table.place("")))?;
        Ok(Eval { problems, config })
    }

    fn content(&self) -> Value {
        json!({ "problems": self.problems.content(), "loop": self.config })
    }

    fn threads(&self) -> usize {
        self.config.threads
    }

    fn device(&self, _: usize) -> Option<Device> {
        Some(super::device(&self.config.device, 1))
    }

    fn prompts(&self) -> Option<Prompts<'_>> {
        Some(Prompts { problems: &self.problems, settings: &self.config.prompt, last_epoch_only: true })
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let limit = ("max_response_tokens", self.config.max_response_tokens);
        let (prompt, longest_prompt) = (&self.config.prompt, self.config.max_prompt_tokens);
        let asking = Asking { prompt, longest_prompt, sets: vec![(&self.problems, Some(limit))] };
        asking::faults(run, stage, &self.config.device, &asking, &[limit])
    }

    fn forecast(run: &PlannedRun, stages: &[&Stage]) -> Option<String> {
        Some(forecast::text(run, stages))
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = EvalInputs {
            model: context.path("model")?,
            problems: self.problems.read(&self.problems.files(|slot| context.path(slot))?)?,
            verifier: context.plugin_in("verifier")?.into_verifier()?,
        };
        controlled(context, |control| {
            Ok(octo_train::eval::evaluate(&self.config, inputs, out, context.stage.seed, control)?)
        })
    }
}
