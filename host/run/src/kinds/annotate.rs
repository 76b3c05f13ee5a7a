//! `annotate`: asks a language model about documents, through an annotator plugin.
//!
//! The engine is a server ([`octo_endpoint::Endpoint`]) or a model folder that this program runs itself. A program that runs
//! models gives the kind its [`Engine`]: `Kind::of::<Annotate<OwnEngine>>()` in its list takes the place of this crate's.
//!
//! | file | what it has |
//! |---|---|
//! | `annotate/keys.rs` | the keys of such a stage, and what is wrong with them |
//! | `annotate/forecast.rs` | what `--dry-run` says: calls, tokens, cost |
//! | `annotate/watching.rs` | the line of progress while it runs |

mod forecast;
mod keys;
mod watching;

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, anyhow, bail};
use octo_curate::annotate::{AnnotateError, Annotation, Asking};
use octo_curate::{CurateError, Options};
use octo_endpoint::{Cache, Endpoint, Halt, LanguageModel, Settings, Spending};
use schemars::Schema;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_document};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::{Stage, StageTable};
use keys::{Keys, api_key};
use watching::Watched;

/// Folder of answers in the store, where a stage names none.
const ANSWERS: &str = ".answers";

/// Runs model folders for `annotate` stages.
pub trait Engine: Send + Sync + 'static {
    /// Opens a model folder.
    ///
    /// # Errors
    /// What keeps the model from running.
    fn open(settings: EngineSettings) -> Result<Box<dyn LanguageModel>>;

    /// Why there can be no model; none where there can.
    fn missing() -> Option<&'static str> {
        None
    }
}

/// A model folder to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// The folder.
    pub folder: PathBuf,
    /// The model's name in the keys of answers, which tells one folder's content from another's.
    pub name: String,
    /// Where it runs, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Answers under way at one time.
    pub batch: usize,
    /// Threads that it may use.
    pub threads: usize,
}

/// Of a program without tensors.
pub struct NoEngine;

impl Engine for NoEngine {
    fn open(_: EngineSettings) -> Result<Box<dyn LanguageModel>> {
        bail!(NoEngine::missing().unwrap_or_default())
    }

    fn missing() -> Option<&'static str> {
        Some(
            "this program runs no models; put octo-trainer, the same command with libtorch, beside it, or give an `endpoint`",
        )
    }
}

/// A stage of this kind.
pub struct Annotate<E = NoEngine> {
    model: Model,
    asking: Asking,
    answers: Option<PathBuf>,
    expected_documents: Option<u64>,
    expected_characters: usize,
    skip_bad_lines: bool,
    engine: PhantomData<E>,
}

/// Who answers.
enum Model {
    /// A server, and the environment variable with its key.
    Endpoint(Box<Settings>, Option<String>),
    /// The model folder in the slot `model_folder`, and how it is run.
    Folder(keys::EngineKeys),
}

impl<E: Engine> StageKind for Annotate<E> {
    fn name() -> &'static str {
        "annotate"
    }

    fn about() -> &'static str {
        "Asks a language model about documents through an annotator plugin, which makes fields, other texts or reasons to \
         drop of the answers."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Annotate<E>> {
        let keys: Keys = table.rest()?;
        table.inputs("inputs", &keys.inputs)?;
        table.role("annotator", &keys.annotator)?;
        let model = match (keys.endpoint, keys.model_folder) {
            (Some(endpoint), None) => {
                let key = endpoint.api_key_env.clone();
                Model::Endpoint(Box::new(endpoint.settings(table)?), key)
            }
            (None, Some(folder)) => {
                table.input("model_folder", &folder)?;
                Model::Folder(keys.engine.checked(table)?)
            }
            (None, None) => bail!("{}: a stage that annotates needs `endpoint` or `model_folder`", table.place("")),
            (Some(_), Some(_)) => {
                bail!("{}: `endpoint` and `model_folder` exclude each other; give one", table.place("model_folder"))
            }
        };
        let answers = keys.answers.map(|path| table.folder().join(path));
        let asking = keys.sampling.asking(table, keys.ask_again)?;
        let (expected_documents, skip_bad_lines) = (keys.expected_documents, keys.skip_bad_lines);
        let expected_characters = keys.expected_characters;
        Ok(Annotate {
            model,
            asking,
            answers,
            expected_documents,
            expected_characters,
            skip_bad_lines,
            engine: PhantomData,
        })
    }

    /// Where the model is, how fast it may be asked and what it may cost change nothing of its answers.
    fn content(&self) -> Value {
        let Asking { max_tokens, temperature, top_p, seed, extra, ask_again } = &self.asking;
        let model = match &self.model {
            Model::Endpoint(settings, _) => Some(&settings.model),
            // Its digest is that of an input.
            Model::Folder(_) => None,
        };
        json!({
            "model": model,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "seed": seed,
            "extra": extra,
            "ask_again": ask_again,
            "skip_bad_lines": self.skip_bad_lines,
        })
    }

    fn threads(&self) -> usize {
        match &self.model {
            Model::Endpoint(..) => 1,
            Model::Folder(keys) => keys.threads,
        }
    }

    fn resumes(&self) -> bool {
        true
    }

    fn shards(&self) -> bool {
        true
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let mut faults = run.check_documents(stage, "inputs.", &first_document, self.skip_bad_lines);
        match &self.model {
            Model::Endpoint(_, variable) => {
                if let Err(problem) = api_key(variable.as_deref()) {
                    faults.push(Fault::new("endpoint.api_key_env", problem));
                }
            }
            Model::Folder(_) => faults.extend(E::missing().map(|problem| Fault::new("model_folder", problem))),
        }
        faults
    }

    fn forecast(run: &PlannedRun, stages: &[&Stage]) -> Option<String> {
        Some(forecast::text::<E>(run, stages))
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let annotator = context.plugin_in("annotator")?.into_annotator()?;
        let inputs = context.paths("inputs.")?;
        let folder = self.answers.clone().unwrap_or_else(|| context.run.planned.store.root().join(ANSWERS));
        let cache = Cache::open(&folder, &format!("annotate-{}", context.key)).context("the answers cannot be kept")?;
        let earlier = cache.spent();
        let (endpoint, own) = match &self.model {
            Model::Endpoint(settings, variable) => (Some(self.endpoint(settings, variable.as_deref(), earlier)?), None),
            Model::Folder(keys) => {
                let settings = EngineSettings {
                    folder: context.path("model_folder")?,
                    name: folder_identity(context)?,
                    device: keys.device.clone(),
                    batch: keys.batch,
                    threads: keys.threads,
                };
                (None, Some(E::open(settings)?))
            }
        };
        let model: &dyn LanguageModel = match (&endpoint, &own) {
            (Some(endpoint), _) => endpoint,
            (None, Some(own)) => &**own,
            (None, None) => bail!("the stage has no model"),
        };
        // A stage that halts stops itself, and no other stage.
        let stop = AtomicBool::new(false);
        let annotation = Annotation::new(&annotator, model, &cache, self.asking.clone(), &stop);
        let role = context.stage.plugins.first().map_or("annotator", |slot| slot.role.as_str());
        let watched = Watched {
            line: context.line,
            annotation: &annotation,
            endpoint: endpoint.as_ref(),
            earlier,
            prices: self.prices(),
            documents: forecast::documents(self, context.run.planned, context.stage),
        };
        let options = Options { skip_bad_lines: self.skip_bad_lines, units: context.units() };
        let ended =
            watched.while_at_work(context.run.stop, &stop, || annotation.run(&inputs, role, out, &options, &|_, _| {}));
        watched.report();
        let error = match ended {
            Ok(_) | Err(AnnotateError::Curate(CurateError::Left { .. })) => return Ok(Ended::Done),
            Err(AnnotateError::Curate(CurateError::Stopped)) => return Ok(Ended::Stopped),
            Err(error) => error,
        };
        let advice = match &error {
            AnnotateError::Halted(Halt::Budget(_)) => "raise the stage's `endpoint.budget`, and run again to resume",
            AnnotateError::Halted(Halt::Gone { .. }) => "start the server, and run again to resume",
            AnnotateError::Halted(Halt::Refused { .. }) => "mend the stage's `endpoint`, and run again to resume",
            _ => return Err(error.into()),
        };
        let kept = crate::figures::human_count(cache.len() as u64);
        Err(anyhow!("{error}; {kept} answers are kept in {}: {advice}", folder.display()))
    }
}

impl<E> Annotate<E> {
    fn endpoint(&self, settings: &Settings, variable: Option<&str>, earlier: Spending) -> Result<Endpoint> {
        let api_key = api_key(variable).map_err(|problem| anyhow!(problem))?;
        let settings = Settings { api_key, ..settings.clone() };
        let url = settings.url.clone();
        Endpoint::new(settings, earlier).map_err(|problem| anyhow!("`url` {url:?} {problem}"))
    }

    fn prices(&self) -> octo_endpoint::Prices {
        match &self.model {
            Model::Endpoint(settings, _) => settings.prices,
            Model::Folder(_) => octo_endpoint::Prices::default(),
        }
    }
}

/// The identity of the model folder, as the plan has it: a file's digest, or the key of the stage that makes it.
fn folder_identity(context: &StageContext<'_>) -> Result<String> {
    let plan = &context.run.planned.plan;
    let planned = plan.stages.iter().find(|planned| planned.key == context.key);
    let identity = planned.and_then(|planned| planned.identities.get("model_folder"));
    identity.cloned().context("the plan does not know the model folder")
}
