//! `language`: the language of documents, and those in other languages out.

use std::path::Path;

use anyhow::{Context, Result, bail};
use octo_curate::fasttext_model::FastTextModel;
use octo_curate::language::{Identifier, LanguageFilter, embedded_codes};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_document};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::Texts;

/// The slot of the model.
const MODEL: &str = "model";

/// A stage of this kind.
pub struct Language {
    keys: Keys,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of documents.
    inputs: Texts,
    /// A fastText model whose labels are languages, such as lid.176.ftz; where it is not given, the embedded `whatlang`
    /// tells languages.
    #[serde(default)]
    model: Option<String>,
    /// Codes of the languages to keep, of ISO 639-1 where there is one (`en`, `de`); documents in any language are kept
    /// where the list is empty.
    #[serde(default = "english")]
    languages: Texts,
    /// Score that the language needs, from 0 to 1. MegaMath has 0.65, for lid.176.
    #[serde(default = "threshold")]
    #[schemars(range(min = 0.0, max = 1.0))]
    threshold: f32,
    /// Whether formulas and code are left out of what the language is told by.
    #[serde(default = "yes")]
    mask: bool,
    /// Whether documents in other languages are dropped, with the reason `language`; else all are kept, and only the
    /// fields `language` and `language_score` are added.
    #[serde(default = "yes")]
    drop: bool,
    /// Whether lines that cannot be read are counted and left out, instead of ending the stage.
    #[serde(default)]
    skip_bad_lines: bool,
}

fn english() -> Texts {
    Texts(vec!["en".to_owned()])
}

fn threshold() -> f32 {
    0.65
}

fn yes() -> bool {
    true
}

impl StageKind for Language {
    fn name() -> &'static str {
        "language"
    }

    fn about() -> &'static str {
        "Tells the language of documents, with formulas and code left out, and keeps those in some languages."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Language> {
        let keys: Keys = table.rest()?;
        table.inputs("inputs", &keys.inputs)?;
        if let Some(model) = &keys.model {
            table.input(MODEL, model)?;
        }
        if !(0.0..=1.0).contains(&keys.threshold) {
            bail!("{}: {} is not from 0 to 1", table.place("threshold"), keys.threshold);
        }
        if let Some(code) = keys.languages.0.iter().find(|code| !is_code(code)) {
            bail!("{}: {code:?} is not the code of a language; write them like \"en\"", table.place("languages"));
        }
        // A model's labels are looked at where the model is.
        let known = embedded_codes();
        if keys.model.is_none()
            && let Some(code) = keys.languages.0.iter().find(|code| !known.contains(&code.as_str()))
        {
            let (place, known) = (table.place("languages"), known.join(", "));
            bail!("{place}: {code:?} is none of the languages that are known without a `model`: {known}");
        }
        Ok(Language { keys })
    }

    fn content(&self) -> Value {
        let Keys { languages, threshold, mask, drop, skip_bad_lines, .. } = &self.keys;
        let mut languages = languages.0.clone();
        languages.sort_unstable();
        languages.dedup();
        json!({
            "languages": languages,
            "threshold": threshold,
            "mask": mask,
            "drop": drop,
            "skip_bad_lines": skip_bad_lines,
        })
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let mut faults = run.check_documents(stage, "inputs.", &first_document, self.keys.skip_bad_lines);
        if let Some(path) = run.known_input(stage, MODEL)
            && let Err(message) = self.check_model(&path)
        {
            faults.push(Fault::new(MODEL, message));
        }
        faults
    }

    fn resumes(&self) -> bool {
        true
    }

    fn shards(&self) -> bool {
        true
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("inputs.")?;
        let identifier = match self.keys.model {
            Some(_) => {
                let path = context.path(MODEL)?;
                self.check_model(&path).map_err(anyhow::Error::msg)?;
                Identifier::Model(Box::new(FastTextModel::load(&path).context("the model of languages")?))
            }
            None => Identifier::Embedded,
        };
        let filter = LanguageFilter {
            identifier,
            languages: self.keys.languages.0.clone(),
            threshold: self.keys.threshold,
            mask: self.keys.mask,
            drop: self.keys.drop,
        };
        let total: u64 =
            inputs.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len()).sum();
        let report = |documents: u64, bytes: u64| {
            context.line.report(&format!("{documents} documents"), bytes as f64 / total.max(1) as f64);
        };
        let options = octo_curate::Options { skip_bad_lines: self.keys.skip_bad_lines, units: context.units() };
        let filters = [("language".to_owned(), &filter)];
        match octo_curate::curate_with(&inputs, &filters, out, &options, context.run.stop, &report) {
            Ok(_) | Err(octo_curate::CurateError::Left { .. }) => Ok(Ended::Done),
            Err(octo_curate::CurateError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}

impl Language {
    /// Checks that the model can be read and has a label for each language that is to be kept.
    fn check_model(&self, path: &Path) -> Result<(), String> {
        let model = FastTextModel::load(path).map_err(|error| error.to_string())?;
        let labels = model.labels();
        match self.keys.languages.0.iter().find(|code| !labels.contains(code)) {
            Some(code) => {
                let near = crate::nearest(code, labels.iter().cloned());
                Err(format!("{}: has no label {code:?} of a language to keep{near}", path.display()))
            }
            None => Ok(()),
        }
    }
}

fn is_code(code: &str) -> bool {
    (2..=12).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-' || byte == b'_')
}
