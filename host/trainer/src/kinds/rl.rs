//! `rl`: reinforcement learning with verifiable rewards.

mod forecast;

use std::path::Path;

use anyhow::{Result, anyhow};
use octo_record::{Device, RlRecord};
use octo_run::PlannedRun;
use octo_run::check::Fault;
use octo_run::context::StageContext;
use octo_run::kind::{Ended, StageKind, keys_of};
use octo_run::recipe::problems::{Problems, Prompts};
use octo_run::recipe::stage::{Stage, StageTable};
use octo_run::recipe::values::ProblemFile;
use octo_train::rl::{HeldOutSet, RlConfig, RlInputs};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::asking::{self, Asking};
use super::controlled;
use crate::prompts::{self, PromptKeys};
use crate::rewards::{RewardTerms, Rewards};

/// A stage of this kind.
pub struct Rl {
    problems: Problems,
    /// Sets to measure on, with their names where the recipe gives them.
    held_out: Vec<(Option<String>, Problems)>,
    rewards: Rewards,
    config: RlConfig,
}

/// The inputs and plugins of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wiring {
    /// Folder of the model to start from: `@STAGE/model`, or a path.
    model: String,
    /// Problems to train on: a file, or `{ path, map, rows }`.
    problems: ProblemFile,
    /// Problems to measure on: a file, `{ path, map, rows }`, or a table of named sets of such.
    #[serde(default)]
    #[schemars(schema_with = "sets_of_problems")]
    held_out: Option<toml::Value>,
    /// Role of the verifier plugin that judges responses.
    verifier: String,
    /// Role of the reward plugin that pays for them, or a list of roles and `{ role, weight }`, which add up.
    reward: RewardTerms,
    /// Role of the schedule plugin that sets response length and temperature.
    schedule: String,
}

/// A table may be one set or several with names, which [`Problems::take_sets`] tells apart.
fn sets_of_problems(generator: &mut SchemaGenerator) -> Schema {
    let set = generator.subschema_for::<ProblemFile>();
    json_schema!({ "anyOf": [set, { "type": "object", "additionalProperties": set }] })
}

impl StageKind for Rl {
    fn name() -> &'static str {
        RlRecord::KIND
    }

    fn about() -> &'static str {
        "Reinforcement learning with verifiable rewards: the model answers, plugins judge and pay, and it learns from that."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Wiring>(), keys_of::<PromptKeys>(), keys_of::<RlConfig>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Rl> {
        let wiring: Wiring = table.part()?;
        table.input("model", &wiring.model)?;
        let problems = Problems::take(table, "problems", wiring.problems)?;
        let held_out = Problems::take_sets(table, "held_out", wiring.held_out)?;
        table.role("verifier", &wiring.verifier)?;
        let rewards = Rewards::take(table, wiring.reward)?;
        table.role("schedule", &wiring.schedule)?;
        prompts::resolve(table)?;
        let config: RlConfig = table.rest()?;
        config.check().map_err(|error| anyhow!("{}: {error}", table.place("")))?;
        for (key, message) in config.warnings() {
            tracing::warn!("{}: {message}", table.place(key));
        }
        Ok(Rl { problems, held_out, rewards, config })
    }

    fn content(&self) -> Value {
        let sets = self.held_out.iter().map(|(name, set)| (name.as_deref().unwrap_or("").to_owned(), set.content()));
        let mut content = json!({
            "problems": self.problems.content(),
            "rewards": self.rewards.content(),
            "loop": self.config,
            "held_out": sets.collect::<Map<_, _>>(),
        });
        // Alarms change nothing of what is computed: a run that one has ended resumes with others.
        if let Some(config) = content["loop"].as_object_mut() {
            config.remove("alarms");
        }
        content
    }

    fn threads(&self) -> usize {
        self.config.threads
    }

    fn device(&self, _: usize) -> Option<Device> {
        Some(super::device(&self.config.device, 1))
    }

    fn has_curves(&self) -> bool {
        true
    }

    fn resumes(&self) -> bool {
        true
    }

    fn prompts(&self) -> Option<Prompts<'_>> {
        Some(Prompts { problems: &self.problems, settings: &self.config.prompt, last_epoch_only: false })
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let key = match self.config.held_out_response_tokens {
            Some(_) => "held_out_response_tokens",
            None => "max_response_tokens",
        };
        let held_out_limit = (key, self.config.held_out_limit());
        // In training the schedule plugin may keep responses shorter, so only what no plan could allow is a fault.
        let mut limits = vec![("max_response_tokens", self.config.max_response_tokens)];
        if !self.held_out.is_empty() && key != limits[0].0 {
            limits.push(held_out_limit);
        }
        let mut sets = vec![(&self.problems, None)];
        sets.extend(self.held_out.iter().map(|(_, set)| (set, Some(held_out_limit))));
        let asking = Asking { prompt: &self.config.prompt, longest_prompt: self.config.max_prompt_tokens, sets };
        asking::faults(run, stage, &self.config.device, &asking, &limits)
    }

    fn forecast(run: &PlannedRun, stages: &[&Stage]) -> Option<String> {
        Some(forecast::text(run, stages))
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let mut held_out = Vec::new();
        for (name, set) in &self.held_out {
            let problems = set.read(&set.files(|slot| context.path(slot))?)?;
            held_out.push(HeldOutSet { name: name.clone(), problems });
        }
        let inputs = RlInputs {
            model: context.path("model")?,
            problems: self.problems.read(&self.problems.files(|slot| context.path(slot))?)?,
            held_out,
            verifier: context.plugin_in("verifier")?.into_verifier()?,
            reward: self.rewards.load(context)?,
            schedule: context.plugin_in("schedule")?.into_schedule()?,
        };
        controlled(context, |control| {
            Ok(octo_train::rl::reinforce(&self.config, inputs, out, context.stage.seed, control)?)
        })
    }
}
