//! What is known of a stage's model before the stage runs: its shape, from its folder or from the stage that makes it, and
//! its tokenizer where the folder is there.

use std::path::Path;
use std::sync::Arc;

use octo_data::tokenizer::Tokenizer;
use octo_model::ModelConfig;
use octo_run::PlannedRun;
use octo_run::check::Fault;
use octo_run::kinds::tokenize::loaded;
use octo_run::kinds::tokenizer::TrainTokenizer;
use octo_run::recipe::source::Source;
use octo_run::recipe::stage::Stage;

use super::midtrain::Midtrain;

/// The slot of the model that a stage starts from: `initial` where the stage trains further, `model` elsewhere.
fn slot_of_model(stage: &Stage) -> Option<&'static str> {
    ["initial", "model"].into_iter().find(|slot| stage.input(slot).is_some())
}

/// The shape of the model that a stage works on: from `config.json`, or of the stage that the model comes from.
///
/// # Errors
/// Why it is not known, as a few words.
pub fn shape_of(run: &PlannedRun, stage: &Stage) -> Result<ModelConfig, String> {
    shape(run, stage, 0)
}

fn shape(run: &PlannedRun, stage: &Stage, depth: usize) -> Result<ModelConfig, String> {
    if let Some(Midtrain { architecture: Some(architecture), .. }) = stage.work_of() {
        return Ok(architecture.model_config(vocabulary(run, stage).unwrap_or(0)));
    }
    let Some(slot) = slot_of_model(stage) else {
        return Err(format!("stage {:?} starts from no model", stage.name));
    };
    if let Some(folder) = run.known_input(stage, slot) {
        return config(&folder);
    }
    match stage.input(slot) {
        // The plan has no cycles; the depth is for the compiler's peace and ours.
        Some(Source::Stage { stage: name, .. }) if depth < run.recipe.stages.len() => {
            let before = run.recipe.stages.iter().find(|other| other.name == *name);
            before.map_or(Err(format!("no stage {name:?}")), |before| shape(run, before, depth + 1))
        }
        Some(Source::File(folder)) => Err(format!("needs {}", folder.join("config.json").display())),
        _ => Err("its model is not known".to_owned()),
    }
}

fn config(folder: &Path) -> Result<ModelConfig, String> {
    let path = folder.join("config.json");
    let found = octo_data::model_file::read_if_there(&path).map_err(|error| error.to_string())?;
    let text = found.ok_or_else(|| format!("needs {}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Tokens of the vocabulary of a model that starts from scratch: what its tokenizer has, or the stage that learns one is
/// to make.
fn vocabulary(run: &PlannedRun, stage: &Stage) -> Option<usize> {
    if let Some(folder) = run.known_input(stage, "tokenizer") {
        return loaded(run, &folder).as_ref().as_ref().ok().map(Tokenizer::vocabulary_size);
    }
    let Some(Source::Stage { stage: name, .. }) = stage.input("tokenizer") else { return None };
    let before = run.recipe.stages.iter().find(|stage| stage.name == *name)?;
    before.work_of::<TrainTokenizer>().map(|tokenizer| tokenizer.vocabulary)
}

/// What a stage's model is, as far as it can be known, and the faults that show in it.
pub struct KnownModel {
    /// Its shape.
    pub shape: Option<ModelConfig>,
    /// Its tokenizer, where the folder with it is there.
    pub tokenizer: Option<Arc<Result<Tokenizer, String>>>,
    /// A `config.json` or a tokenizer that cannot be read, numbers that describe no model, or a vocabulary that is smaller
    /// than the tokenizer's.
    pub faults: Vec<Fault>,
}

impl KnownModel {
    /// That of `stage`.
    pub fn of(run: &PlannedRun, stage: &Stage) -> KnownModel {
        let slot = slot_of_model(stage);
        let folder = slot.and_then(|slot| run.known_input(stage, slot));
        let mut faults = Vec::new();
        let shape = match (&folder, slot) {
            (Some(folder), Some(slot)) => {
                let checked = config(folder).and_then(|shape| match shape.validate() {
                    Ok(()) => Ok(shape),
                    Err(error) => Err(format!("{}: {error}", folder.join("config.json").display())),
                });
                checked.map_err(|error| faults.push(Fault::new(slot, error))).ok()
            }
            _ => shape_of(run, stage).ok(),
        };
        let of_tokenizer = match slot {
            Some(_) => folder.clone(),
            None => run.known_input(stage, "tokenizer"),
        };
        let tokenizer = of_tokenizer.map(|folder| loaded(run, &folder));
        let key = slot.unwrap_or("tokenizer");
        match tokenizer.as_deref() {
            Some(Err(error)) => faults.push(Fault::new(key, error)),
            Some(Ok(tokenizer)) => {
                let tokens = tokenizer.vocabulary_size();
                if let Some(rows) = shape.as_ref().filter(|_| folder.is_some()).map(|shape| shape.vocab_size)
                    && rows < tokens
                {
                    let message = format!(
                        "the model's vocabulary has {rows} tokens, and its tokenizer {tokens}: they are not of one model"
                    );
                    faults.push(Fault::new(key, message));
                }
            }
            None => {}
        }
        KnownModel { shape, tokenizer, faults }
    }

    /// The tokenizer, where it is there and can be read.
    pub fn tokenizer(&self) -> Option<&Tokenizer> {
        self.tokenizer.as_deref()?.as_ref().ok()
    }
}
