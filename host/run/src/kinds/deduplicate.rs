//! `deduplicate`: one document of each group of copies and near-duplicates.

use std::path::Path;

use anyhow::{Result, bail};
use octo_curate::deduplicate::{DeduplicateError, Exact, Keep, Near, Progress, Run, Settings, deduplicate};
use octo_record::DuplicateClusters;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_document};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::Texts;

/// A stage of this kind.
pub struct Deduplicate {
    settings: Settings,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of documents.
    inputs: Texts,
    /// Which texts are exact copies: of the same bytes (`text`), but for white space (`white-space`), or but for case,
    /// numbers, punctuation and marks (`normal-form`). `off` looks for none.
    #[serde(default)]
    exact: ExactKey,
    /// How near-duplicates are found by MinHash: `default` has datatrove's 14 buckets of 8 hashes, `paper` the 11 of 10 with
    /// which MegaMath was made, `off` looks for none.
    #[serde(default)]
    near: Preset,
    /// Buckets, instead of the preset's. A pair is found where all hashes of one bucket are equal.
    #[schemars(range(min = 1, max = 999))]
    buckets: Option<usize>,
    /// Hashes of a bucket, instead of the preset's. More of them find fewer pairs, and more similar ones.
    #[schemars(range(min = 1, max = 64))]
    hashes: Option<usize>,
    /// Words of a shingle. Texts of fewer words have no near-duplicates.
    #[serde(default = "words")]
    #[schemars(range(min = 1, max = 100))]
    words: usize,
    /// Bits of a hash: 64, or 32, which halves the files of signatures.
    #[serde(default = "precision")]
    precision: u8,
    /// Seed of the hash functions. 1 is datatrove's; the stage's own seed changes nothing.
    #[serde(default = "hash_seed")]
    hash_seed: u32,
    /// Which document of a group stays: the `longest`, whatever the order of documents; the `first`; or the one that
    /// `datatrove` keeps.
    #[serde(default)]
    keep: KeepKey,
    /// Whether lines that cannot be read are counted and left out, instead of ending the stage.
    #[serde(default)]
    skip_bad_lines: bool,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ExactKey {
    Off,
    #[default]
    Text,
    WhiteSpace,
    NormalForm,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Preset {
    Off,
    #[default]
    Default,
    Paper,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum KeepKey {
    #[default]
    Longest,
    First,
    Datatrove,
}

fn words() -> usize {
    Near::DATATROVE.words
}

fn precision() -> u8 {
    Near::DATATROVE.precision
}

fn hash_seed() -> u32 {
    Near::DATATROVE.seed
}

impl Keys {
    fn settings(&self, place: &dyn Fn(&str) -> String) -> Result<Settings> {
        let preset = match self.near {
            Preset::Off => None,
            Preset::Default => Some(Near::DATATROVE),
            Preset::Paper => Some(Near::PAPER),
        };
        if preset.is_none() && (self.buckets.is_some() || self.hashes.is_some()) {
            let place = place(if self.buckets.is_some() { "buckets" } else { "hashes" });
            bail!("{place}: is of near-duplicates, and `near` is \"off\"; leave it out, or give `near` a preset");
        }
        let near = preset.map(|preset| Near {
            buckets: self.buckets.unwrap_or(preset.buckets),
            hashes: self.hashes.unwrap_or(preset.hashes),
            words: self.words,
            precision: self.precision,
            seed: self.hash_seed,
        });
        if let Some(Near { buckets, hashes, words, precision, seed: _ }) = near {
            for (key, value, most) in [("buckets", buckets, 999), ("hashes", hashes, 64), ("words", words, 100)] {
                if !(1..=most).contains(&value) {
                    bail!("{}: is {value}; give a number from 1 to {most}", place(key));
                }
            }
            if ![32, 64].contains(&precision) {
                bail!("{}: is {precision}; give 32 or 64", place("precision"));
            }
        }
        let exact = match self.exact {
            ExactKey::Off => Exact::Off,
            ExactKey::Text => Exact::Text,
            ExactKey::WhiteSpace => Exact::WhiteSpace,
            ExactKey::NormalForm => Exact::NormalForm,
        };
        if exact == Exact::Off && near.is_none() {
            bail!(
                "{}: `near` is \"off\" too, so the stage has nothing to look for; leave one of them out",
                place("exact")
            );
        }
        let keep = match self.keep {
            KeepKey::Longest => Keep::Longest,
            KeepKey::First => Keep::First,
            KeepKey::Datatrove => Keep::Datatrove,
        };
        Ok(Settings { exact, near, keep, skip_bad_lines: self.skip_bad_lines })
    }
}

impl StageKind for Deduplicate {
    fn name() -> &'static str {
        DuplicateClusters::KIND
    }

    fn about() -> &'static str {
        "Keeps one of documents that are copies or, by MinHash with datatrove's numbers, near-duplicates of each other."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Deduplicate> {
        let keys: Keys = table.rest()?;
        table.inputs("inputs", &keys.inputs)?;
        Ok(Deduplicate { settings: keys.settings(&|key| table.place(key))? })
    }

    fn content(&self) -> Value {
        let Settings { exact, near, keep, skip_bad_lines } = self.settings;
        json!({ "exact": exact, "near": near, "keep": keep, "skip_bad_lines": skip_bad_lines })
    }

    fn resumes(&self) -> bool {
        true
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        run.check_documents(stage, "inputs.", &first_document, self.settings.skip_bad_lines)
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("inputs.")?;
        let report = |Progress { phase, documents, done }: Progress| {
            // About what each phase takes of the time, with 14 × 8 hashes on a disk that is not the bottleneck.
            let (before, share) = match phase {
                "signatures" => (0.0, 0.7),
                "pairs" => (0.7, 0.1),
                "clusters" => (0.8, 0.02),
                _ => (0.82, 0.18),
            };
            let of = if documents > 0 { format!("{phase}: {documents} documents") } else { phase.to_owned() };
            context.line.report(&of, before + share * done);
        };
        let run = Run { inputs: &inputs, out, settings: self.settings, stop: context.run.stop, progress: &report };
        match deduplicate(&run) {
            Ok(_) => Ok(Ended::Done),
            Err(DeduplicateError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}
