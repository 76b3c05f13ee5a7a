//! What a kind of stage is.
//!
//! # Adding a kind
//!
//! 1. `host/run/src/kinds/KIND.rs`, or `host/trainer/src/kinds/KIND.rs` where it needs tensors: a type that implements
//!    [`StageKind`], which is its name, its keys, what goes into its content key, and what running it does. Its keys are
//!    a struct whose doc comments users read.
//! 2. `host/run/src/kinds.rs` or `host/trainer/src/kinds.rs`: `pub mod KIND;`, and `Kind::of::<KIND::TYPE>()` in the
//!    list `all`.
//! 3. Where it writes records: their types in `host/record/src`, with their row in the table of
//!    `host/record/src/lib.rs`.
//! 4. Where a report should show them: a section under `host/report/src/sections`, and its line in the list of
//!    `host/report/src/sections.rs`.
//! 5. `octo-host keys --markdown > docs/keys.md`, and its row in `docs/recipes.md`, "Kinds of stage".
//! 6. Tests: reading the table and refusing what is wrong beside the kind; a small run of it in `tests/end_to_end`,
//!    stopped and resumed; `host/trainer/tests/keys.rs` compares its keys with what it reads.
//!
//! Nothing else names kinds. `host/run/tests/own_kind.rs` runs a recipe with a kind of its own.

use std::any::Any;
use std::path::Path;

use anyhow::{Result, bail};
use octo_record::Device;
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value;

use crate::PlannedRun;
use crate::check::Fault;
use crate::context::StageContext;
use crate::nearest;
use crate::recipe::problems::Prompts;
use crate::recipe::stage::{Stage, StageTable};

/// How a stage ended, if it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is done.
    Done,
    /// It was asked to stop; what it had done is kept as far as the kind can resume.
    Stopped,
}

/// One kind of stage. A value is what was read of one stage of a recipe.
pub trait StageKind: Any + Send + Sync {
    /// The name that a recipe's `kind` has.
    fn name() -> &'static str
    where
        Self: Sized;

    /// One sentence of what such a stage does, for the reference.
    fn about() -> &'static str
    where
        Self: Sized;

    /// The types that hold its keys besides `kind` and `seed`, in the order of the reference; [`keys_of`] makes one.
    fn keys() -> Vec<Schema>
    where
        Self: Sized;

    /// Reads a stage's table: its typed keys, its inputs and its plugin roles.
    ///
    /// # Errors
    /// What is wrong, with its place.
    fn read(table: &mut StageTable<'_>) -> Result<Self>
    where
        Self: Sized;

    /// What the stage computes with besides its seed, inputs and plugins. It is hashed into the stage's key, so what
    /// changes nothing of the result (threads, alarms) stays out of it.
    fn content(&self) -> Value;

    /// Lanes that the stage takes: threads that it keeps busy.
    fn threads(&self) -> usize {
        1
    }

    /// What a tensor library runs the stage on when `world` processes take part; none where it has no tensors.
    fn device(&self, world: usize) -> Option<Device> {
        let _ = world;
        None
    }

    /// Whether the stage has curves: records in `metrics.jsonl`, step by step while it runs.
    fn has_curves(&self) -> bool {
        false
    }

    /// Whether a stage that was stopped resumes where it was; else it begins again, and what it had done is lost.
    fn resumes(&self) -> bool {
        false
    }

    /// Whether the stage's work is in units that several processes and machines can share out. Where
    /// [`StageContext::shard`] is given, such a kind's `run` does the units of the shard, ends with [`Ended::Done`], and leaves
    /// the joining of what they wrote to a call without one. It hands [`StageContext::units`] to the functions of
    /// `octo-curate`.
    fn shards(&self) -> bool {
        false
    }

    /// Whether the finished stage of the name `stage` will have `path` in its folder, as far as that can be known.
    ///
    /// # Errors
    /// Why it will not, as the end of the sentence that begins with *is stage "NAME"'s*.
    fn will_have(&self, stage: &str, path: &str) -> Result<(), String> {
        let _ = (stage, path);
        Ok(())
    }

    /// What can be known before anything runs and will keep the stage from its work: files that are there and cannot be
    /// read, a model that is too small for what is asked of it, a device that the machine lacks. Called where the recipe is
    /// planned, with `--dry-run` too, for stages that are not done. What is wrong with a key alone is for
    /// [`StageKind::read`], which knows its line.
    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let _ = (run, stage);
        Vec::new()
    }

    /// The prompts that the stage asks, if it asks any.
    fn prompts(&self) -> Option<Prompts<'_>> {
        None
    }

    /// What `--dry-run` says of all stages of this kind: tokens, memory, time. None where there is nothing to say.
    fn forecast(run: &PlannedRun, stages: &[&Stage]) -> Option<String>
    where
        Self: Sized,
    {
        let _ = (run, stages);
        None
    }

    /// Does the stage's work in the folder `out`, which may hold what an earlier call has left.
    ///
    /// # Errors
    /// Whatever keeps the stage from being done.
    fn run(&self, stage: &StageContext<'_>, out: &Path) -> Result<Ended>;

    /// Takes part as a further process in a stage that rank 0 has called the others to
    /// ([`StageContext::call_others`]). Kinds that never call need none.
    ///
    /// # Errors
    /// Whatever keeps this process from its part.
    fn follow(&self, stage: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let _ = out;
        bail!("stage {:?} is of a kind that takes no further processes", stage.stage.name)
    }
}

/// The schema of a type that holds keys of a kind.
pub fn keys_of<T: JsonSchema>() -> Schema {
    schema_for!(T)
}

/// A kind by its functions, so that kinds stand in one list.
#[derive(Clone, Copy)]
pub struct Kind {
    name: &'static str,
    about: &'static str,
    keys: fn() -> Vec<Schema>,
    read: fn(&mut StageTable<'_>) -> Result<Box<dyn StageKind>>,
    forecast: fn(&PlannedRun, &[&Stage]) -> Option<String>,
}

impl Kind {
    /// The kind that `K` implements.
    pub fn of<K: StageKind>() -> Kind {
        Kind {
            name: K::name(),
            about: K::about(),
            keys: K::keys,
            read: |table| Ok(Box::new(K::read(table)?)),
            forecast: K::forecast,
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What such a stage does.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// The schemas of its keys.
    pub fn keys(&self) -> Vec<Schema> {
        (self.keys)()
    }

    pub(crate) fn read(&self, table: &mut StageTable<'_>) -> Result<Box<dyn StageKind>> {
        (self.read)(table)
    }

    /// What `--dry-run` says of the stages of this kind.
    pub(crate) fn forecast(&self, run: &PlannedRun) -> Option<String> {
        let stages = run.plan.stages.iter().map(|planned| &run.recipe.stages[planned.index]);
        let own: Vec<&Stage> = stages.filter(|stage| stage.kind == self.name).collect();
        if own.is_empty() { None } else { (self.forecast)(run, &own) }
    }
}

/// The kinds of stage that a program can run.
#[derive(Clone)]
pub struct Kinds {
    list: Vec<Kind>,
    /// What to say of a kind that is not in the list, where it may be in another program's.
    elsewhere: Option<&'static str>,
}

impl Kinds {
    /// These kinds and no others.
    pub fn new(list: Vec<Kind>) -> Kinds {
        Kinds { list, elsewhere: None }
    }

    /// These kinds and `more`; one of a name that is there already takes its place.
    pub fn with(mut self, more: Vec<Kind>) -> Kinds {
        for kind in more {
            match self.list.iter_mut().find(|own| own.name == kind.name) {
                Some(own) => *own = kind,
                None => self.list.push(kind),
            }
        }
        self
    }

    /// Adds `hint` to what is said of an unknown kind.
    pub fn or_elsewhere(mut self, hint: &'static str) -> Kinds {
        self.elsewhere = Some(hint);
        self
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.list.iter()
    }

    /// The kind that is called `name`.
    ///
    /// # Errors
    /// That there is none, with the nearest that there is.
    pub fn find(&self, name: &str) -> Result<&Kind> {
        match self.list.iter().find(|kind| kind.name == name) {
            Some(kind) => Ok(kind),
            None => {
                let known = self.list.iter().map(|kind| kind.name.to_owned());
                let hint = self.elsewhere.map(|hint| format!("\n  {hint}")).unwrap_or_default();
                bail!("there is no kind {name:?} of stage{}{hint}", nearest(name, known))
            }
        }
    }
}
