//! The kinds of stage and their typed configuration.
//!
//! A stage's table holds its wiring (inputs and plugin roles, taken here) and the keys of the loop that does the
//! work (`tokens`, `learning_rate`, ...), which the loop's own configuration type reads and checks.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use octo_data::synthetic::SyntheticConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::PluginEntry;
use super::keys::{Keys, nearest};
use super::source::Source;
use super::text::RecipeText;

/// One stage of a recipe.
pub struct Stage {
    pub name: String,
    pub kind: &'static str,
    pub work: Work,
    /// Every input with the slot that it fills, in a fixed order.
    pub inputs: Vec<(String, Source)>,
    /// Every plugin role with the slot that it fills.
    pub roles: Vec<(&'static str, String)>,
    /// What the stage computes with besides inputs and plugins. Part of its key.
    pub config: Value,
    /// Overrides the recipe's seed.
    pub seed: Option<u64>,
    /// Threads that the stage's tensor library may use: how many lanes it takes.
    pub threads: usize,
}

/// What a stage does.
pub enum Work {
    Generate(SyntheticConfig),
    Curate {
        skip_bad_lines: bool,
    },
    Tokenizer {
        vocabulary: usize,
    },
    Tokenize {
        settings: octo_data::shards::Settings,
        threads: usize,
    },
    #[cfg(feature = "train")]
    Midtrain(Box<super::training::Midtrain>),
    #[cfg(feature = "train")]
    Rl(Box<super::training::Rl>),
    #[cfg(feature = "train")]
    Eval(Box<super::training::Eval>),
}

const KINDS: [&str; 7] = ["generate", "curate", "tokenizer", "tokenize", "midtrain", "rl", "eval"];

/// Collects inputs and roles while a stage's table is read.
pub struct Wiring<'a> {
    pub keys: Keys<'a>,
    pub folder: &'a Path,
    plugins: &'a BTreeMap<String, PluginEntry>,
    inputs: Vec<(String, Source)>,
    roles: Vec<(&'static str, String)>,
}

impl Wiring<'_> {
    /// One input under `slot`.
    pub fn input(&mut self, slot: &str, text: &str) -> Result<Source> {
        let source = Source::parse(text, self.folder).map_err(|error| anyhow!("{}: {error}", self.keys.place(slot)))?;
        self.inputs.push((slot.to_owned(), source.clone()));
        Ok(source)
    }

    /// The list of inputs under `key`; at least one.
    fn inputs(&mut self, key: &str) -> Result<()> {
        let texts = self.keys.take_strings(key)?;
        if texts.is_empty() {
            return Err(self.keys.missing(key));
        }
        for (index, text) in texts.iter().enumerate() {
            self.input(&format!("{key}.{index}"), text)?;
        }
        Ok(())
    }

    /// The plugin role under `key`, which must be in `[plugins]`.
    pub fn role(&mut self, key: &'static str) -> Result<()> {
        let role = self.keys.require_string(key)?;
        self.push_role(key, role)
    }

    pub fn push_role(&mut self, key: &'static str, role: String) -> Result<()> {
        if !self.plugins.contains_key(&role) {
            bail!(
                "{}: [plugins] has no role {role:?}{}",
                self.keys.place(key),
                nearest(&role, self.plugins.keys().cloned())
            );
        }
        self.roles.push((key, role));
        Ok(())
    }
}

/// Problems of an `rl` or `eval` stage: a file, how its columns are called, and which rows to take.
#[derive(Clone, Debug)]
pub struct Problems {
    /// The slot of the file among the stage's inputs.
    pub slot: String,
    /// Name of a problem's part → name of the column.
    pub map: Vec<(String, String)>,
    pub rows: Option<Range<usize>>,
}

impl Problems {
    /// Reads `key = "@corpus/x.jsonl"` or `key = { path, map, rows = "0..64" }`.
    pub fn take(wiring: &mut Wiring<'_>, text: &RecipeText, stage: &str, key: &str) -> Result<Problems> {
        let value = wiring.keys.take(key).ok_or_else(|| wiring.keys.missing(key))?;
        Problems::read(wiring, text, stage, key, value)
    }

    /// Reads `key` as [`Problems::take`] does, or as a table of named sets of which each is written so:
    /// `key = { easy = "@corpus/x.jsonl", hard = { path, map, rows } }`. No key is no set.
    #[cfg(feature = "train")]
    pub fn take_sets(
        wiring: &mut Wiring<'_>,
        text: &RecipeText,
        stage: &str,
        key: &str,
    ) -> Result<Vec<(Option<String>, Problems)>> {
        match wiring.keys.take(key) {
            None => Ok(Vec::new()),
            Some(toml::Value::Table(sets)) if !sets.contains_key("path") => {
                if sets.is_empty() {
                    bail!("{}: names no set; leave the key out to evaluate on none", wiring.keys.place(key));
                }
                let mut found = Vec::new();
                for (name, value) in sets {
                    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
                        let place = wiring.keys.place(key);
                        bail!("{place}: a set's name is made of letters, digits, '-' and '_', and {name:?} is not");
                    }
                    let problems = Problems::read(wiring, text, stage, &format!("{key}.{name}"), value)?;
                    found.push((Some(name), problems));
                }
                Ok(found)
            }
            Some(value) => Ok(vec![(None, Problems::read(wiring, text, stage, key, value)?)]),
        }
    }

    fn read(
        wiring: &mut Wiring<'_>,
        text: &RecipeText,
        stage: &str,
        key: &str,
        value: toml::Value,
    ) -> Result<Problems> {
        let (path, map, rows) = match value {
            toml::Value::String(path) => (path, Vec::new(), None),
            toml::Value::Table(table) => {
                let mut keys = Keys::new(text, &format!("stages.{stage}.{key}"), table);
                let path = keys.require_string("path")?;
                let mut map = Vec::new();
                for (name, column) in keys.take_table("map")?.unwrap_or_default() {
                    let Some(column) = column.as_str() else {
                        bail!("{}: `map` gives each name the name of a column", keys.place("map"));
                    };
                    map.push((name, column.to_owned()));
                }
                let rows = match keys.take_string("rows")? {
                    None => None,
                    Some(rows) => Some(parse_rows(&rows).ok_or_else(|| {
                        anyhow!("{}: rows = {rows:?} is no range; write \"0..64\"", keys.place("rows"))
                    })?),
                };
                keys.finish()?;
                (path, map, rows)
            }
            _ => bail!("{}: must be a path, or a table with `path`, `map` and `rows`", wiring.keys.place(key)),
        };
        wiring.input(key, &path)?;
        Ok(Problems { slot: key.to_owned(), map, rows })
    }

    pub fn config(&self) -> Value {
        json!({ "map": self.map, "rows": self.rows.as_ref().map(|rows| [rows.start, rows.end]) })
    }
}

fn parse_rows(text: &str) -> Option<Range<usize>> {
    let (start, end) = text.split_once("..")?;
    let range = start.trim().parse().ok()?..end.trim().parse().ok()?;
    (range.start < range.end).then_some(range)
}

/// The shape of a model trained from scratch, by the names of a checkpoint's `config.json`. The vocabulary's size
/// comes from the tokenizer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: Option<usize>,
    #[serde(default = "default_positions")]
    pub max_position_embeddings: usize,
    #[serde(default = "default_theta")]
    pub rope_theta: f64,
    #[serde(default = "default_epsilon")]
    pub rms_norm_eps: f64,
    /// 0.02 suits widths of a thousand and more; a narrow model learns to copy only from about 1 / sqrt(width).
    #[serde(default = "default_range")]
    pub initializer_range: f64,
    #[serde(default = "default_tie")]
    pub tie_word_embeddings: bool,
}

fn default_positions() -> usize {
    2048
}
fn default_theta() -> f64 {
    10_000.0
}
fn default_epsilon() -> f64 {
    1e-5
}
fn default_range() -> f64 {
    0.02
}
fn default_tie() -> bool {
    true
}

impl Stage {
    /// Reads one `[stages.NAME]` table.
    pub fn read(
        text: &RecipeText,
        folder: &Path,
        name: String,
        table: toml::Value,
        plugins: &BTreeMap<String, PluginEntry>,
    ) -> Result<Stage> {
        let toml::Value::Table(table) = table else {
            bail!("{}: a stage is a table with a `kind`", text.place("stages", &name));
        };
        let keys = Keys::new(text, &format!("stages.{name}"), table);
        let mut wiring = Wiring { keys, folder, plugins, inputs: Vec::new(), roles: Vec::new() };
        let kind = wiring.keys.require_string("kind")?;
        let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else {
            let known = KINDS.iter().map(|known| known.to_string());
            bail!("{}: no kind {kind:?} of stage{}", wiring.keys.place("kind"), nearest(&kind, known));
        };
        let seed = wiring.keys.take_unsigned("seed")?;
        let mut threads = 1;
        let (work, config, inputs, roles) = match kind {
            "generate" => {
                let config: SyntheticConfig = wiring.keys.into_config()?;
                let json = serde_json::to_value(&config)?;
                (Work::Generate(config), json, wiring.inputs, wiring.roles)
            }
            "curate" => {
                wiring.inputs("inputs")?;
                for role in wiring.keys.take_strings("filters")? {
                    wiring.push_role("filters", role)?;
                }
                let skip_bad_lines = match wiring.keys.take("skip_bad_lines") {
                    None => false,
                    Some(toml::Value::Boolean(skip)) => skip,
                    Some(_) => bail!("{}: must be true or false", wiring.keys.place("skip_bad_lines")),
                };
                wiring.keys.finish()?;
                let config = json!({ "skip_bad_lines": skip_bad_lines });
                (Work::Curate { skip_bad_lines }, config, wiring.inputs, wiring.roles)
            }
            "tokenizer" => {
                wiring.inputs("documents")?;
                let vocabulary =
                    wiring.keys.take_unsigned("vocabulary")?.ok_or_else(|| wiring.keys.missing("vocabulary"))?;
                wiring.keys.finish()?;
                let config = json!({ "vocabulary": vocabulary });
                (Work::Tokenizer { vocabulary: vocabulary as usize }, config, wiring.inputs, wiring.roles)
            }
            "tokenize" => {
                wiring.inputs("documents")?;
                let tokenizer = wiring.keys.require_string("tokenizer")?;
                wiring.input("tokenizer", &tokenizer)?;
                let (settings, own_threads) = super::tokenizing::read(&mut wiring.keys, &name)?;
                wiring.keys.finish()?;
                threads = own_threads;
                let config = serde_json::to_value(&settings)?;
                (Work::Tokenize { settings, threads }, config, wiring.inputs, wiring.roles)
            }
            #[cfg(feature = "train")]
            _ => super::training::read(text, &name, kind, &mut threads, wiring)?,
            #[cfg(not(feature = "train"))]
            _ => bail!(
                "{}: this octo-host has no training: `octo-trainer`, which a build of the workspace puts beside it, is missing",
                wiring.keys.place("kind")
            ),
        };
        Ok(Stage { name, kind, work, inputs, roles, config, seed, threads })
    }
}

/// A stage's wiring, read; the keys that are left belong to the loop.
#[cfg(feature = "train")]
pub struct Wired<'a> {
    pub keys: Keys<'a>,
    pub inputs: Vec<(String, Source)>,
    pub roles: Vec<(&'static str, String)>,
}

#[cfg(feature = "train")]
impl<'a> From<Wiring<'a>> for Wired<'a> {
    fn from(wiring: Wiring<'a>) -> Wired<'a> {
        Wired { keys: wiring.keys, inputs: wiring.inputs, roles: wiring.roles }
    }
}

#[cfg(feature = "train")]
impl Wiring<'_> {
    /// One group of inputs a source name: `sources = { web = ["@clean/kept.jsonl.zst"] }`. Slots are `sources.web.0`.
    pub fn grouped_inputs(&mut self, key: &str) -> Result<Vec<(String, Vec<String>)>> {
        let Some(table) = self.keys.take_table(key)? else {
            return Err(self.keys.missing(key));
        };
        let mut groups = Vec::new();
        for (name, value) in table {
            let texts: Vec<String> = match value {
                toml::Value::String(text) => vec![text],
                toml::Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
                _ => Vec::new(),
            };
            if texts.is_empty() {
                bail!("{}: source {name:?} must be a path or a list of paths", self.keys.place(key));
            }
            let mut slots = Vec::new();
            for (index, text) in texts.iter().enumerate() {
                let slot = format!("{key}.{name}.{index}");
                self.input(&slot, text)?;
                slots.push(slot);
            }
            groups.push((name, slots));
        }
        Ok(groups)
    }
}
