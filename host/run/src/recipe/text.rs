//! The recipe's text: TOML, overrides from the command line, and where each key came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use octo_data::rows::files::{Kind, read_text};
use serde::Deserialize;
use toml::de::DeTable;
use toml::{Table, Value};

use super::expand;
use super::origins::{KeyPath, Origin, Origins, dotted};
use super::replace;
use crate::nearest;

/// A recipe after overrides and expansion, and where its values came from.
pub struct RecipeText {
    /// The file.
    pub path: PathBuf,
    /// All of it, with overrides applied and one table for each stage.
    pub root: Table,
    pub(super) origins: Origins,
    /// Roles that `--plugin` has replaced by several rewards.
    pub(super) summed_roles: Vec<String>,
    /// The values of `--set` as they were written, for keys that are texts: `nan` is a number in TOML, and may be a name.
    pub(super) written: BTreeMap<KeyPath, String>,
}

/// Bytes of a recipe.
const LONGEST_RECIPE: u64 = 16 << 20;

impl RecipeText {
    /// Reads the file and applies `--set KEY=VALUE` and `--plugin ROLE=REF[:WEIGHT]`.
    ///
    /// # Errors
    /// The file, line and key, or the flag, that is wrong.
    pub fn read(path: &Path, set: &[String], plugin: &[String]) -> Result<RecipeText> {
        let source = read_text(path, Kind::Stream, LONGEST_RECIPE).context("could not read the recipe")?;
        let not_toml = |error| anyhow::anyhow!("{} is not valid TOML\n{error}", path.display());
        let parsed = DeTable::parse(&source).map_err(not_toml)?;
        let origins = Origins::of_file(parsed.get_ref(), &source);
        let root = Table::deserialize(toml::Deserializer::from(parsed)).map_err(not_toml)?;
        let (path, written) = (path.to_owned(), BTreeMap::new());
        let mut text = RecipeText { path, root, origins, summed_roles: Vec::new(), written };
        if let Some(stages) = text.root.remove("stages") {
            let Value::Table(stages) = stages else {
                bail!("{}: `stages` must be a table of stages ([stages.NAME])", text.place(&["stages"]));
            };
            let stages = expand::expand(&mut text, stages)?;
            text.root.insert("stages".into(), Value::Table(stages));
        }
        for assignment in set {
            text.set(assignment)?;
        }
        // An override of a recipe without stages brings in its own.
        if let Some(Value::Table(stages)) = text.root.get("stages") {
            stages.keys().try_for_each(|name| expand::check_name(&text, name))?;
        }
        replace::replace(&mut text, plugin)?;
        Ok(text)
    }

    /// The folder that the recipe lies in.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// `seed=3`, `stages.base.tokens=1000`, or `base.tokens=1000` for a stage.
    fn set(&mut self, assignment: &str) -> Result<()> {
        let Some((key, value)) = assignment.split_once('=') else {
            bail!("--set {assignment:?} has no '='; write KEY=VALUE, such as --set seed=3");
        };
        let written = value;
        let value = parse_value(written);
        let mut path: Vec<&str> = key.trim().split('.').collect();
        let roots = ["name", "seed", "plugins", "stages"];
        if !roots.contains(&path[0]) {
            let stages: Vec<String> = match self.root.get("stages") {
                Some(Value::Table(stages)) => stages.keys().cloned().collect(),
                _ => Vec::new(),
            };
            if !stages.iter().any(|stage| stage == path[0]) {
                let known = roots.iter().map(|key| key.to_string()).chain(stages);
                bail!("--set {key}: the recipe has no key or stage {:?}{}", path[0], nearest(path[0], known));
            }
            path.insert(0, "stages");
        }
        if path[0] == "stages" && path.len() > 1 {
            let known = match self.root.get("stages") {
                Some(Value::Table(stages)) if !stages.contains_key(path[1]) => {
                    Some(stages.keys().cloned().collect::<Vec<_>>())
                }
                _ => None,
            };
            if let Some(known) = known {
                bail!("--set {key}: the recipe has no stage {:?}{}", path[1], nearest(path[1], known));
            }
        }
        assign(&mut self.root, &path, value).with_context(|| format!("--set {key}"))?;
        self.origins.set(&path, &format!("--set {key}"));
        let own: KeyPath = path.iter().map(|key| (*key).to_owned()).collect();
        self.written.retain(|known, _| !known.starts_with(&own));
        self.written.insert(own, written.trim().to_owned());
        Ok(())
    }

    /// The path of `key` below `table`: its dots reach further in, and an empty one is the table itself.
    pub fn path_of(&self, table: &[String], key: &str) -> KeyPath {
        let mut path = table.to_vec();
        for part in key.split('.').filter(|part| !part.is_empty()) {
            // An element of a list, where there is one: names may be numbers too.
            path.push(format!("[{part}]"));
            if !self.origins.has(&path) {
                path.pop();
                path.push(part.to_owned());
            }
        }
        path
    }

    /// `recipes/demo.toml:31: stages.base.tokens`, or `--set base.tokens: stages.base.tokens`: where the value at `path`
    /// came from, or where it should stand if it is not there.
    pub fn place(&self, path: &[impl AsRef<str>]) -> String {
        let path: Vec<String> = path.iter().map(|key| key.as_ref().to_owned()).collect();
        let dotted = dotted(&path);
        match self.origins.of(&path) {
            Some(Origin::Line(line)) => format!("{}:{line}: {dotted}", self.path.display()),
            Some(Origin::Flag(flag)) => format!("{flag}: {dotted}"),
            None => format!("{}: {dotted}", self.path.display()),
        }
    }
}

/// A TOML value where it parses as one, else the text itself: `--set base.decay_shape=cosine` needs no quotes.
fn parse_value(text: &str) -> Value {
    match format!("value = {text}").parse::<Table>() {
        Ok(mut table) => table.remove("value").unwrap_or_else(|| Value::String(text.to_owned())),
        Err(_) => Value::String(text.to_owned()),
    }
}

fn assign(table: &mut Table, path: &[&str], value: Value) -> Result<()> {
    match path {
        [] => Ok(()),
        [last] => {
            table.insert((*last).to_owned(), value);
            Ok(())
        }
        [first, rest @ ..] => match table.entry((*first).to_owned()).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => assign(inner, rest, value),
            Value::String(reference) if rest[0] == "config" || rest[0] == "limits" => {
                // `role = "name"` becomes a table as soon as its config is set.
                let mut inner = Table::new();
                inner.insert("plugin".into(), Value::String(reference.clone()));
                assign(&mut inner, rest, value)?;
                table.insert((*first).to_owned(), Value::Table(inner));
                Ok(())
            }
            _ => bail!("{first:?} is a value, not a table"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, set: &[&str], plugin: &[&str]) -> Result<RecipeText> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("r.toml");
        std::fs::write(&path, text)?;
        let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        RecipeText::read(&path, &own(set), &own(plugin))
    }

    const RECIPE: &str =
        "seed = 1\n[plugins]\nreward = \"r\"\n[stages.\"x-{each}\"]\neach = [\"a\", \"b\"]\nkind = \"rl\"\nsteps = 3\n";

    #[test]
    fn set_reaches_one_stage_of_an_expansion() {
        let text = read(RECIPE, &["x-a.steps=5", "seed=9"], &[]).unwrap();
        assert_eq!(text.root["stages"]["x-a"]["steps"].as_integer(), Some(5));
        assert_eq!(text.root["stages"]["x-b"]["steps"].as_integer(), Some(3));
        assert_eq!(text.root["seed"].as_integer(), Some(9));
    }

    #[test]
    fn set_of_an_unknown_stage_suggests_the_nearest() {
        let error = read(RECIPE, &["x-aa.steps=5"], &[]).err().unwrap().to_string();
        assert!(error.contains("did you mean \"x-a\""), "{error}");
    }

    #[test]
    fn set_brings_in_no_stage_that_could_not_stand_in_the_file() {
        for set in ["stages.a/b.kind=curate", "stages..kind=curate", "stages={ '../a' = { kind = 'curate' } }"] {
            let error = read("seed = 1\n", &[set], &[]).err().unwrap().to_string();
            assert!(error.contains("a stage's name is made of"), "{error}");
        }
        assert!(read("seed = 1\n", &["stages.a.kind=curate"], &[]).is_ok());
    }

    #[test]
    fn set_of_config_turns_a_bare_name_into_a_table() {
        let text = read(RECIPE, &["plugins.reward.config.correct=3.0"], &[]).unwrap();
        assert_eq!(text.root["plugins"]["reward"]["plugin"].as_str(), Some("r"));
        assert_eq!(text.root["plugins"]["reward"]["config"]["correct"].as_float(), Some(3.0));
    }

    #[test]
    fn a_key_is_found_by_line_in_an_expanded_stage() {
        let text = read(RECIPE, &[], &[]).unwrap();
        assert!(text.place(&["stages", "x-b", "steps"]).contains("r.toml:7: stages.x-b.steps"));
    }

    #[test]
    fn a_recipe_is_read_with_the_values_and_the_order_of_its_file() {
        let text = read(
            "seed = 1\n[stages.z]\nkind = \"x\"\nb = 2.5\na = [1979-05-27, true]\n[stages.a]\nkind = \"y\"\n",
            &[],
            &[],
        );
        let root = text.expect("reads").root;
        let stages: Vec<&String> = root["stages"].as_table().expect("a table").keys().collect();
        assert_eq!(stages, ["z", "a"]);
        let keys: Vec<&String> = root["stages"]["z"].as_table().expect("a table").keys().collect();
        assert_eq!(keys, ["kind", "b", "a"]);
        assert_eq!(root["stages"]["z"]["a"].to_string(), "[1979-05-27, true]");
    }

    #[test]
    fn a_value_of_a_flag_is_placed_there() {
        let text = read(RECIPE, &["x-a.steps=no"], &[]).unwrap();
        assert_eq!(text.place(&["stages", "x-a", "steps"]), "--set x-a.steps: stages.x-a.steps");
        assert!(text.place(&["stages", "x-b", "steps"]).contains("r.toml:7"));
        let text = read(RECIPE, &[], &["reward=other"]).unwrap();
        assert_eq!(text.place(&["plugins", "reward"]), "--plugin reward: plugins.reward");
    }
}
