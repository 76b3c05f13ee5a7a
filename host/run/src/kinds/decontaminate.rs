//! `decontaminate`: documents without rows of benchmarks.

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use octo_curate::CurateError;
use octo_curate::decontaminate::benchmarks::{Benchmark, first_row};
use octo_curate::decontaminate::{Action, IndexSettings, Matching, Rules, Settings, Source, decontaminate, read_index};
use octo_data::field_map::FieldMap;
use octo_record::Contamination;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::PlannedRun;
use crate::check::{Fault, first_document};
use crate::context::StageContext;
use crate::kind::{Ended, StageKind, keys_of};
use crate::recipe::problems::Problems;
use crate::recipe::stage::{Stage, StageTable};
use crate::recipe::values::{ProblemFile, Texts};

/// A stage of this kind.
pub struct Decontaminate {
    settings: Settings,
    /// Benchmarks by name; none where the stage reads an index.
    benchmarks: Vec<(String, Problems)>,
    skip_bad_lines: bool,
}

/// The keys of such a stage.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// Files of documents.
    inputs: Texts,
    /// Benchmarks by name: `{ gsm8k = { path = "gsm8k_test.jsonl", map = { query = "question", label = "answer" } } }`. Columns
    /// are `query`, `label` (one or a list), `passage` and `id`; `problem` and `reference` stand in for the first two.
    /// Either these or an `index` is given.
    #[serde(default)]
    #[schemars(schema_with = "named_benchmarks")]
    benchmarks: Option<toml::Value>,
    /// An index that a stage of this kind has built: the file `benchmarks-DIGITS.index`, or the folder of the stage.
    index: Option<String>,
    /// How documents and rows are compared.
    #[serde(default)]
    mode: Mode,
    /// Whose rules decide in mode `ngram`.
    #[serde(default)]
    rules: GramRules,
    /// Words of a gram: 13 in mode `ngram`, 12 with `rules = "datatrove"` and 5 in mode `decon` where it is not given.
    #[schemars(range(min = 1, max = 64))]
    n: Option<usize>,
    /// Whether, with `rules = "datatrove"`, a gram of the query alone marks a document.
    #[serde(default)]
    query_grams: bool,
    /// What becomes of a document that matches a row.
    #[serde(default)]
    action: ActionName,
    /// Characters that `cut` takes away on either side.
    #[serde(default = "cut_characters")]
    cut_characters: usize,
    /// Rows of one benchmark that may share a gram in mode `ngram`; one that more have is boilerplate.
    #[serde(default = "most_rows")]
    #[schemars(range(min = 1))]
    most_rows: usize,
    /// Documents that may share a gram in mode `ngram`; one that more have marks a document only with half of the row's
    /// grams. 0 counts no documents, which saves a reading of all inputs.
    most_documents: Option<u32>,
    /// Distinct words, without TeX commands, numbers and single letters, that a gram needs in mode `ngram` and a row in
    /// mode `decon`.
    #[serde(default = "least_words")]
    least_words: usize,
    /// Words that a row needs in mode `decon`.
    #[serde(default = "least_tokens")]
    least_tokens: usize,
    /// The score that marks a document: in mode `decon` for long rows, 0.8 where it is not given; in mode `ngram` the
    /// share of a row's grams, 0 where it is not given, which takes any gram.
    #[schemars(range(min = 0.0, max = 1.0))]
    threshold: Option<f64>,
    /// In mode `decon` a gram is looked up at every so many words.
    #[serde(default = "sample_every")]
    #[schemars(range(min = 1))]
    sample_every: usize,
    /// Grams in a row that a passage may lack in mode `decon`.
    #[serde(default = "most_misses")]
    most_misses: usize,
    /// Whether, in mode `decon`, a row with an answer counts only where the answer stands near the question.
    #[serde(default = "need_answer")]
    need_answer: bool,
    /// Whether lines that cannot be read are counted and left out, instead of ending the stage.
    #[serde(default)]
    skip_bad_lines: bool,
}

/// How documents and rows of benchmarks are compared.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// A gram of words that a row and a document share marks the document.
    #[default]
    Ngram,
    /// A passage that has most of a row marks it, weighed as allenai/decon does.
    Decon,
}

/// Whose rules decide in mode `ngram`.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum GramRules {
    /// Formulas, boilerplate of benchmarks and phrases of many documents are left out.
    #[default]
    Own,
    /// The same documents as datatrove's filter marks.
    Datatrove,
}

/// What becomes of a document that matches a row.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ActionName {
    /// It is dropped.
    #[default]
    Remove,
    /// It is kept, with the fields `contamination` and `contamination_score`.
    Report,
    /// The passages are cut out of it.
    Cut,
}

fn named_benchmarks(generator: &mut SchemaGenerator) -> Schema {
    let file = generator.subschema_for::<ProblemFile>();
    json_schema!({ "type": "object", "additionalProperties": file })
}

fn usual() -> IndexSettings {
    IndexSettings::of(Rules::Ngram)
}

fn cut_characters() -> usize {
    200
}

fn most_rows() -> usize {
    usual().most_rows
}

fn least_words() -> usize {
    usual().least_words
}

fn least_tokens() -> usize {
    usual().least_tokens
}

fn sample_every() -> usize {
    Matching::of(Rules::Decon).sample_every
}

fn most_misses() -> usize {
    Matching::of(Rules::Decon).most_misses
}

fn need_answer() -> bool {
    Matching::of(Rules::Decon).need_answer
}

impl Keys {
    /// What they mean together.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    fn settings(&self) -> Result<Settings, (&'static str, String)> {
        let rules = match (self.mode, self.rules) {
            (Mode::Ngram, GramRules::Own) => Rules::Ngram,
            (Mode::Ngram, GramRules::Datatrove) => Rules::Datatrove,
            (Mode::Decon, GramRules::Own) => Rules::Decon,
            (Mode::Decon, GramRules::Datatrove) => {
                return Err((
                    "rules",
                    "datatrove's rules are for mode \"ngram\"; leave this key out, or set mode = \"ngram\"".into(),
                ));
            }
        };
        let (index, matching) = (IndexSettings::of(rules), Matching::of(rules));
        let n = self.n.unwrap_or(index.n);
        if !(1..=64).contains(&n) {
            return Err(("n", format!("is {n}; give a number of words from 1 to 64")));
        }
        let threshold = self.threshold.unwrap_or(matching.threshold);
        if !(0.0..=1.0).contains(&threshold) {
            return Err(("threshold", format!("is {threshold}; give a share from 0 to 1")));
        }
        for (key, value) in [("most_rows", self.most_rows), ("sample_every", self.sample_every)] {
            if value == 0 {
                return Err((key, "is 0; give a number from 1".into()));
            }
        }
        let action = match self.action {
            ActionName::Remove => Action::Remove,
            ActionName::Report => Action::Report,
            ActionName::Cut if rules == Rules::Datatrove => {
                let why = "datatrove's rules do not say where in a document a gram stands; take \"remove\" or \"report\", or set rules = \"own\"";
                return Err(("action", why.into()));
            }
            ActionName::Cut => Action::Cut(self.cut_characters),
        };
        // What does not hold under the rules stays as it is, so that it changes neither key nor index.
        let of = |holds: bool, value: usize, usual: usize| if holds { value } else { usual };
        Ok(Settings {
            index: IndexSettings {
                n,
                query_grams: self.query_grams && rules == Rules::Datatrove,
                most_rows: of(rules == Rules::Ngram, self.most_rows, index.most_rows),
                least_words: of(rules != Rules::Datatrove, self.least_words, index.least_words),
                least_tokens: of(rules == Rules::Decon, self.least_tokens, index.least_tokens),
                ..index
            },
            matching: Matching {
                threshold,
                most_documents: match rules {
                    Rules::Ngram => self.most_documents.unwrap_or(matching.most_documents),
                    Rules::Datatrove | Rules::Decon => 0,
                },
                sample_every: of(rules == Rules::Decon, self.sample_every, matching.sample_every),
                most_misses: of(rules == Rules::Decon, self.most_misses, matching.most_misses),
                need_answer: self.need_answer || rules != Rules::Decon,
            },
            action,
        })
    }
}

impl StageKind for Decontaminate {
    fn name() -> &'static str {
        Contamination::KIND
    }

    fn about() -> &'static str {
        "Finds documents that have rows of benchmarks in them; removes, cuts or reports them."
    }

    fn keys() -> Vec<Schema> {
        vec![keys_of::<Keys>()]
    }

    fn read(table: &mut StageTable<'_>) -> Result<Decontaminate> {
        let keys: Keys = table.rest()?;
        table.inputs("inputs", &keys.inputs)?;
        let settings = keys.settings().map_err(|(key, why)| anyhow!("{}: {why}", table.place(key)))?;
        let mut benchmarks = Vec::new();
        match (&keys.index, keys.benchmarks) {
            (Some(_), Some(_)) => {
                bail!(
                    "{}: the stage has `benchmarks` too; an index is read in their place, so give one of the two",
                    table.place("index")
                )
            }
            (None, None) => bail!(
                "{}: the key `benchmarks` is missing; name files of benchmarks, or an `index` that was built of some",
                table.place("")
            ),
            (Some(index), None) => table.input("index", index)?,
            (None, Some(sets)) => {
                for (name, problems) in Problems::take_sets(table, "benchmarks", Some(sets))? {
                    let name = name.ok_or_else(|| {
                        anyhow!("{}: a benchmark needs a name; write {{ NAME = \"FILE\" }}", table.place("benchmarks"))
                    })?;
                    benchmarks.push((name, problems));
                }
            }
        }
        Ok(Decontaminate { settings, benchmarks, skip_bad_lines: keys.skip_bad_lines })
    }

    fn content(&self) -> Value {
        let Settings { index, matching, action } = &self.settings;
        let cut = match action {
            Action::Cut(characters) => Some(characters),
            Action::Report | Action::Remove => None,
        };
        let benchmarks: Vec<Value> =
            self.benchmarks.iter().map(|(name, problems)| json!([name, problems.content()])).collect();
        json!({
            "index": index,
            "threshold": matching.threshold,
            "most_documents": matching.most_documents,
            "sample_every": matching.sample_every,
            "most_misses": matching.most_misses,
            "need_answer": matching.need_answer,
            "action": action.name(),
            "cut": cut,
            "benchmarks": benchmarks,
            "skip_bad_lines": self.skip_bad_lines,
        })
    }

    fn check(&self, run: &PlannedRun, stage: &Stage) -> Vec<Fault> {
        let mut faults = run.check_documents(stage, "inputs.", &first_document, self.skip_bad_lines);
        for (_, problems) in &self.benchmarks {
            let map = FieldMap::new(problems.map.clone());
            for slot in &problems.slots {
                let path = run.known_input(stage, slot);
                if let Some(Err(error)) = path.map(|path| first_row(&path, &map)) {
                    faults.push(Fault::new(slot, error.to_string()));
                }
            }
        }
        if let Some(path) = run.known_input(stage, "index")
            && let Err(error) = read_index(&path, &self.settings.index)
        {
            faults.push(Fault::new("index", error.to_string()));
        }
        faults
    }

    fn run(&self, context: &StageContext<'_>, out: &Path) -> Result<Ended> {
        let inputs = context.paths("inputs.")?;
        let source = match self.benchmarks.is_empty() {
            true => Source::Index(context.path("index")?),
            false => Source::Benchmarks(
                self.benchmarks
                    .iter()
                    .map(|(name, problems)| {
                        Ok(Benchmark {
                            name: name.clone(),
                            files: problems.files(|slot| context.path(slot))?,
                            map: FieldMap::new(problems.map.clone()),
                            rows: problems.rows.clone(),
                        })
                    })
                    .collect::<Result<_>>()?,
            ),
        };
        let total: u64 =
            inputs.iter().filter_map(|path| std::fs::metadata(path).ok()).map(|details| details.len()).sum();
        let report = |documents: u64, bytes: u64| {
            context.line.report(&format!("{documents} documents"), bytes as f64 / total.max(1) as f64);
        };
        let options = octo_curate::Options { skip_bad_lines: self.skip_bad_lines, ..octo_curate::Options::default() };
        match decontaminate(&inputs, &self.settings, &source, out, &options, context.run.stop, &report) {
            Ok(_) => Ok(Ended::Done),
            Err(CurateError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}
