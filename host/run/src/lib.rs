//! Recipes of Octo: read, planned, run and resumed.
//!
//! A recipe is a TOML file that names plugins by role and stages as a graph. From the file to the run's folder:
//!
//! 1. [`recipe`] reads it, with the command line's overrides, into typed stages. What a stage's keys mean is its kind's.
//! 2. [`kind`] says what a kind of stage is, and how to add one; [`kinds`] has those that need no tensors. A program hands
//!    in the list of kinds that it can run ([`kind::Kinds`]).
//! 3. [`plan`] puts the stages in order, loads and checks the plugins, digests the inputs, and gives every stage a
//!    content key. [`check`] asks each kind what it can know to go wrong before anything runs.
//! 4. [`store`] keeps what stages make, by that key, so that nothing is done twice and recipes share what is the same.
//! 5. [`run`] runs what is not done: `run/lanes.rs` side by side, [`context`] is what a stage at work may look at,
//!    [`world`] the processes that train together, [`failures`] the items on which plugins failed, [`progress`] what a
//!    person sees, `run/lock.rs` the run's folder with `run.lock.json`.
//!
//! 6. [`runs`] looks at all runs of a folder: lists them, empties the store of what none refers to, and makes a folder of
//!    one that travels. `again.rs` is for a stage that is done again though it is done, and for a run's name that another
//!    recipe has.
//!
//! # Resuming
//!
//! Resuming a run is nobody's special case: a stage that was begun is in the store's working folder of its key, its
//! kind finds there what it left, and the plan is the same as before. [`run`] leaves out what the store says is done,
//! [`store`] hands out the working folder with what an earlier call left, and [`context`] calls the kind on it.
//!
//! Nothing here needs libtorch. `octo-trainer` adds the kinds that do.

mod again;
pub mod check;
pub mod context;
pub mod failures;
pub mod figures;
pub mod kind;
pub mod kinds;
pub mod plan;
pub mod progress;
pub mod recipe;
pub mod run;
pub mod runs;
pub mod store;
pub mod world;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use octo_plugin::Host;

pub use octo_curate::units::Shard;

pub use self::kind::{Ended, Kind, Kinds, StageKind};
use self::plan::Plan;
use self::plan::input_digests::InputDigests;
use self::recipe::Recipe;
use self::store::{Standing, Store};

/// A recipe with its plan, and where its stages are kept: all that is known before anything runs.
pub struct PlannedRun {
    /// The recipe.
    pub recipe: Recipe,
    /// The order and keys of its stages, its plugins and inputs.
    pub plan: Plan,
    /// Where stages are kept.
    pub store: Store,
    /// Runs the plugins.
    pub host: Host,
    /// The version of libtorch, where the program has it.
    pub libtorch: Option<String>,
    /// Digests of files that are known, for the plan and for checks of what stages read.
    digests: Mutex<InputDigests>,
    runs: PathBuf,
    kinds: Kinds,
    looks: check::Looks,
    /// Names of stages that are to be done again.
    pub(crate) again: BTreeSet<String>,
}

/// A recipe file and the command line's overrides.
pub struct RecipeArguments<'a> {
    /// The file.
    pub recipe: &'a Path,
    /// `KEY=VALUE` of every `--set`.
    pub set: &'a [String],
    /// `ROLE=REF[:WEIGHT]` of every `--plugin`.
    pub plugin: &'a [String],
    /// Folder of the runs.
    pub runs: &'a Path,
    /// Names of stages to do again, though they are done (`--force`).
    pub again: &'a [String],
}

impl PlannedRun {
    /// Reads a recipe, loads its plugins and computes the keys of its stages. Writes nothing.
    ///
    /// # Errors
    /// Whatever would keep the recipe from running, but for inputs that are missing: those are in [`Plan::missing`].
    pub fn new(arguments: &RecipeArguments<'_>, kinds: &Kinds, libtorch: Option<String>) -> Result<PlannedRun> {
        let recipe = recipe::load(arguments.recipe, arguments.set, arguments.plugin, kinds)?;
        let host = Host::new()?;
        let mut digests = InputDigests::open(arguments.runs);
        let plan = plan::plan(&recipe, &host, &mut digests)?;
        let store = Store::open(arguments.runs)?;
        let again = again::named(&recipe, arguments.again)?;
        let (runs, kinds) = (arguments.runs.to_owned(), kinds.clone());
        Ok(PlannedRun {
            recipe,
            plan,
            store,
            host,
            libtorch,
            digests: Mutex::new(digests),
            runs,
            kinds,
            looks: Default::default(),
            again,
        })
    }

    /// The run's own folder.
    pub fn folder(&self) -> PathBuf {
        self.runs.join(&self.recipe.name)
    }

    /// How far the stage at `index` of the plan is.
    pub fn standing(&self, index: usize) -> Standing {
        let planned = &self.plan.stages[index];
        self.store.standing(self.recipe.stages[planned.index].kind, &planned.key)
    }

    /// Whether the stage at `index` of the plan is done.
    pub fn is_done(&self, index: usize) -> bool {
        self.standing(index) == Standing::Done
    }

    /// What the kinds of the recipe's stages expect of them: tokens, memory, time.
    pub fn forecast(&self) -> String {
        self.kinds.iter().filter_map(|kind| kind.forecast(self)).collect()
    }
}

/// `; did you mean "tokens"?`, or the list of what is known where nothing is near.
pub fn nearest(key: &str, known: impl IntoIterator<Item = String>) -> String {
    let known: Vec<String> = known.into_iter().collect();
    match octo_plugin::nearest(key, known.iter().cloned()) {
        Some(candidate) => format!("; did you mean {candidate:?}?"),
        None if known.is_empty() => String::new(),
        None => format!("; known here: {}", known.join(", ")),
    }
}
